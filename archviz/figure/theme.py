"""Colours and sizes of a figure; layouts ask the theme by role and never name a colour themselves."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from archviz.errors import UsageError
from archviz.records import record


@record(frozen=True)
class Swatch:
    """How a box is painted: `#rrggbb` colours of its inside, its border and its text."""

    fill: str
    stroke: str
    text: str


@record(frozen=True)
class Tint:
    """The colours of one kind of layer: the panel behind it, its border, its name, and its mixer box."""

    fill: str
    stroke: str
    text: str
    mixer: Swatch


# Muted colours after Paul Tol, told apart under the three colour-vision deficiencies; every bar also names its component.
COMPONENT_FILLS: Mapping[str, str] = MappingProxyType(
    {
        "embedding": "#cc6677",
        "head": "#882255",
        "attention": "#332288",
        "recurrent mixer": "#aa4499",
        "feed-forward": "#44aa99",
        "router": "#ddcc77",
        "experts": "#e69f00",
        "shared expert": "#88ccee",
        "norm": "#117733",
        "other": "#9aa3af",
    }
)


@record(frozen=True)
class Theme:
    """A palette.

    Args:
        boxes: Swatch by block role (`archviz.architecture.model.Role`); `default` for the others.
        tints: Layer kinds take these in order of first appearance; more kinds than tints start over.
    """

    name: str
    background: str
    ink: str
    muted: str
    accent: str
    line: str
    leader: str
    container: Swatch
    repeat: Swatch
    inset: Swatch
    warning: str
    boxes: Mapping[str, Swatch]
    tints: tuple[Tint, ...]

    def box(self, role: str) -> Swatch:
        return self.boxes.get(role, self.boxes["default"])

    def tint(self, index: int) -> Tint:
        return self.tints[index % len(self.tints)]

    def component(self, name: str) -> str:
        """Fill of the bars of a component in the size-true view."""
        return COMPONENT_FILLS.get(name, COMPONENT_FILLS["other"])


def theme(name: str) -> Theme:
    """The theme of that name.

    Raises:
        UsageError: There is no such theme.
    """
    if name not in THEMES:
        raise UsageError(f"no theme {name!r}", hint=f"themes are: {', '.join(THEMES)}")
    return THEMES[name]


def _boxes(ink: str, colours: Mapping[str, str], white: str) -> Mapping[str, Swatch]:
    boxes = {role: Swatch(fill, ink, ink) for role, fill in colours.items()}
    boxes["default"] = Swatch(white, ink, ink)
    return MappingProxyType(boxes)


def _families(colours: Mapping[str, str]) -> dict[str, str]:
    """Roles of one family share a colour: `colours` is by family."""
    family = {
        "embedding": ("embedding", "position_embedding", "head"),
        "norm": ("norm", "qk_norm"),
        "feed": ("feed_forward", "moe", "experts", "shared_expert"),
        "router": ("router", "top_k", "softmax"),
        "projection": ("projection", "convolution"),
        "position": ("rope",),
        "core": ("attention_core", "recurrence_core"),
        "mixer": ("attention", "linear_attention", "state_space", "recurrent", "convolution_mixer", "token_mixer"),
        "parameter": ("parameter",),
    }
    return {role: colours[name] for name, roles in family.items() for role in roles}


def _dark_text(boxes: Mapping[str, Swatch], roles: tuple[str, ...], text: str) -> Mapping[str, Swatch]:
    changed = {role: Swatch(boxes[role].fill, boxes[role].stroke, text) for role in roles}
    return MappingProxyType({**boxes, **changed})


_CORES = (
    "attention_core", "recurrence_core", "attention", "linear_attention", "state_space", "recurrent",
    "convolution_mixer", "token_mixer",
)  # fmt: skip

_INK = "#1b2432"
LIGHT = Theme(
    name="light",
    background="#ffffff",
    ink=_INK,
    muted="#566070",
    accent="#0b63b0",
    line=_INK,
    leader="#4a5568",
    container=Swatch("#eceff4", "#b9c2cf", _INK),
    repeat=Swatch("#f8fafc", "#7c8797", _INK),
    inset=Swatch("#f8fafc", "#c3cbd6", _INK),
    warning="#a33b00",
    boxes=_dark_text(
        _boxes(
            _INK,
            _families(
                {
                    "embedding": "#ffd4c4",
                    "norm": "#cfeee0",
                    "feed": "#ffe2ad",
                    "router": "#fff1bd",
                    "projection": "#e8daf8",
                    "position": "#d2e4fb",
                    "core": "#33415c",
                    "mixer": "#33415c",
                    "parameter": "#e6e9ee",
                }
            ),
            "#ffffff",
        ),
        _CORES,
        "#ffffff",
    ),
    tints=(
        Tint("#dbe6f5", "#7d97b8", "#25416b", Swatch("#33415c", _INK, "#ffffff")),
        Tint("#f0e2f5", "#ad86be", "#6a2c80", Swatch("#7a3b8f", _INK, "#ffffff")),
        Tint("#dff0ea", "#7faa99", "#1d5b49", Swatch("#1f6552", _INK, "#ffffff")),
        Tint("#fbe9d7", "#c39a6d", "#7a4510", Swatch("#8a4b12", _INK, "#ffffff")),
        Tint("#fbe1e4", "#c68a93", "#8c2338", Swatch("#97283f", _INK, "#ffffff")),
        Tint("#e4e6ea", "#8d95a1", "#3b4554", Swatch("#4a5567", _INK, "#ffffff")),
        Tint("#eef1d6", "#a3ab69", "#545c16", Swatch("#5f6819", _INK, "#ffffff")),
        Tint("#d9f0f4", "#74a8b3", "#14596a", Swatch("#176579", _INK, "#ffffff")),
    ),
)

_PALE = "#e6ebf2"
DARK = Theme(
    name="dark",
    background="#11161d",
    ink=_PALE,
    muted="#a3afbf",
    accent="#6db7ff",
    line="#c4cedb",
    leader="#9aa7b8",
    container=Swatch("#1a212b", "#465365", _PALE),
    repeat=Swatch("#151b23", "#76859a", _PALE),
    inset=Swatch("#161d26", "#3e4a5a", _PALE),
    warning="#ffb070",
    boxes=_dark_text(
        _boxes(
            _PALE,
            _families(
                {
                    "embedding": "#6b3a2a",
                    "norm": "#1f5142",
                    "feed": "#66490f",
                    "router": "#585012",
                    "projection": "#4b3768",
                    "position": "#1f4670",
                    "core": "#c9d6ec",
                    "mixer": "#c9d6ec",
                    "parameter": "#3a434f",
                }
            ),
            "#222b36",
        ),
        _CORES,
        "#11161d",
    ),
    tints=(
        Tint("#1b2a3f", "#50709a", "#a9c8f2", Swatch("#c9d6ec", _PALE, "#11161d")),
        Tint("#33203c", "#85589a", "#e0b8f0", Swatch("#e3c4ef", _PALE, "#11161d")),
        Tint("#17332b", "#4b8672", "#a5dcc8", Swatch("#b4e2d2", _PALE, "#11161d")),
        Tint("#38291a", "#95703f", "#f0c795", Swatch("#f1cfa4", _PALE, "#11161d")),
        Tint("#3b2026", "#9c5a67", "#f3b5c0", Swatch("#f3c0c9", _PALE, "#11161d")),
        Tint("#262c35", "#667181", "#c9d1dc", Swatch("#cbd3de", _PALE, "#11161d")),
        Tint("#2d3018", "#7d853f", "#d8df9c", Swatch("#dbe1a9", _PALE, "#11161d")),
        Tint("#14313a", "#42808f", "#9fd9e6", Swatch("#b0dfe9", _PALE, "#11161d")),
    ),
)
THEMES: Mapping[str, Theme] = MappingProxyType({"light": LIGHT, "dark": DARK})
