"""The named colours and styles of a TikZ picture: what looks alike shares a style, named for what it shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from archviz.figure.display import Circle, Path, Rect, Run
from archviz.figure.theme import THEMES, Theme
from archviz.free_names import free_name

_ROLE_COLOURS = {
    "norm": "norm",
    "projection": "projection",
    "router": "router",
    "experts": "experts",
    "embedding": "embedding",
    "rope": "rope",
    "attention_core": "attention",
    "parameter": "parameter",
    "default": "plain",
}
_WEIGHTS = {400: "", 500: "medium", 600: "semibold", 700: "bold"}
_FONTS = {400: r"\Regular", 500: r"\Medium", 600: r"\SemiBold", 700: r"\Bold"}


class Styles:
    """Gives colours, shapes and words their names, and remembers what it gave."""

    def __init__(self, unit: float) -> None:
        self.unit = unit  # bp a px
        self.colours: dict[str, str] = {}  # #rrggbb → name
        self.shapes: dict[str, str] = {}  # TikZ options → name
        self.words: dict[str, tuple[str, str, str]] = {}  # name → font command, size, colour

    def colour(self, value: str) -> str:
        if value not in self.colours:
            known = _names_of_colours().get(value)
            self.colours[value] = free_name(known or "colour", set(self.colours.values()), "-")
        return self.colours[value]

    def filled(self, shape: Rect | Circle) -> str:
        """The style of a box, a panel, a symbol: named for the colour of its inside."""
        if shape.fill:
            wanted = self.colour(shape.fill)
        else:
            wanted = "outline" if shape.stroke else "nothing"
        radius = shape.radius if isinstance(shape, Rect) else 0.0
        return self._shape("symbol" if isinstance(shape, Circle) else wanted, self._options(shape, radius))

    def line(self, path: Path, radius: float) -> str:
        """The style of a wire, a leader to words, a stroke."""
        wanted = "wire" if path.arrow_start or path.arrow_end else "leader" if path.dash else "stroke"
        options = self._options(path, radius)
        if wanted == "wire":
            size = path.arrow_size * self.unit  # in bp: TikZ takes no register here
            tip = f"{{Triangle[length={_number(size)}bp, width={_number(size * 0.9)}bp]}}"
            options += f", {tip if path.arrow_start else ''}-{tip if path.arrow_end else ''}"
        return self._shape(wanted if path.stroke else "area", options)

    def run(self, run: Run) -> str:
        """The style of words: weight, size and, where it is not the ink, colour."""
        weight = min(_WEIGHTS, key=lambda known: abs(known - run.weight))
        colour = self.colour(run.colour)
        name = "-".join(
            filter(None, (_WEIGHTS[weight] or "text", _number(run.size), "" if colour == "ink" else colour))
        )
        self.words[name] = (_FONTS[weight], _length(run.size), colour)
        return name

    def definitions(self) -> Iterator[str]:
        """The preamble's lines that define everything that was named."""
        for value, name in self.colours.items():
            yield rf"\definecolor{{{name}}}{{HTML}}{{{value[1:].upper()}}}"
        for name, (font, size, colour) in self.words.items():
            yield rf"\wordstyle{{{name}}}{{{font}}}{{{size}}}{{{colour}}}"
        yield r"\tikzset{"
        for options, name in self.shapes.items():
            yield f"  {name}/.style={{{options}}},"
        yield "}"

    def _shape(self, wanted: str, options: str) -> str:
        if options not in self.shapes:
            self.shapes[options] = free_name(wanted, set(self.shapes.values()), "-")
        return self.shapes[options]

    def _options(self, shape: Rect | Circle | Path, radius: float) -> str:
        parts = [f"fill={self.colour(shape.fill)}"] if shape.fill else []
        if shape.stroke:
            parts += [f"draw={self.colour(shape.stroke)}", f"line width={_length(shape.stroke_width)}"]
        if shape.stroke and shape.dash:
            lengths = zip(("on", "off") * len(shape.dash), shape.dash, strict=False)
            parts.append("dash pattern=" + " ".join(f"{word} {_length(length)}" for word, length in lengths))
            parts += ["line cap=round"] if shape.dash[0] < 1 else []
        if radius:
            parts.append(f"rounded corners={_length(radius)}")
        return ", ".join(parts)


@cache
def _names_of_colours() -> Mapping[str, str]:
    """What the themes use each colour for; the first use names it."""
    names: dict[str, str] = {}
    for theme in THEMES.values():
        for value, name in _uses(theme):
            names.setdefault(value, name)
    return names


def _uses(theme: Theme) -> Iterator[tuple[str, str]]:
    yield theme.ink, "ink"
    yield theme.background, "background"
    yield theme.muted, "muted"
    yield theme.accent, "accent"
    yield theme.line, "line"
    yield theme.leader, "leader"
    yield theme.warning, "warning"
    for role, name in _ROLE_COLOURS.items():
        yield theme.box(role).fill, name
    for name, swatch in (("container", theme.container), ("repeat", theme.repeat), ("inset", theme.inset)):
        yield swatch.fill, name
        yield swatch.stroke, f"{name}-edge"
    for letter, tint in zip("abcdefghijkl", theme.tints, strict=False):
        yield tint.fill, f"layer-{letter}"
        yield tint.stroke, f"layer-{letter}-edge"
        yield tint.text, f"layer-{letter}-ink"
        yield tint.mixer.fill, f"mixer-{letter}"


def _length(pixels: float) -> str:
    return rf"{_number(pixels)}\px"


def _number(value: float) -> str:
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
