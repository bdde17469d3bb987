"""The output formats of a figure, how it is to look, and the names of its files, as the command line and the service take them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

from archviz.errors import UsageError
from archviz.records import record

Format = Literal["png", "svg", "pdf", "tex", "html", "dot"]
FORMATS: tuple[Format, ...] = get_args(Format)

Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = get_args(Theme)

View = Literal["overview", "detailed", "module", "params"]
VIEWS: tuple[View, ...] = get_args(View)

Engine = Literal["own", "graphviz"]
ENGINES: tuple[Engine, ...] = get_args(Engine)

TextMode = Literal["live", "embed", "outline"]
TEXT_MODES: tuple[TextMode, ...] = get_args(TextMode)

_LONGEST_NAME = 120
_PX = {"px": 1.0, "mm": 96 / 25.4, "cm": 96 / 2.54, "in": 96.0, "pt": 96 / 72}
_WIDTHS = (50.0, 20_000.0)  # px


@record(frozen=True)
class Look:
    """How a model is to be drawn.

    Args:
        theme: `light` or `dark`.
        views: Which views, each in files of its own.
        module: Path of the module that the module view shows.
        width: Width of the figure in px (1/96 inch); its own by default.
        text: Whether an SVG holds its words as text in a font that the reader has (`live`), with the font (`embed`), or as
            shapes (`outline`).
        engine: Whether the own layouter draws `png`, `svg` and `pdf`, or Graphviz (`graphviz`) from the DOT.
    """

    theme: Theme = "light"
    views: tuple[View, ...] = ("overview",)
    module: str | None = None
    width: float | None = None
    text: TextMode = "live"
    engine: Engine = "own"


def parse_views(text: str) -> tuple[View, ...]:
    """Views separated by commas, each once, in the order given.

    >>> parse_views("params, overview")
    ('params', 'overview')

    Raises:
        UsageError: One of them is not a view, or there is none.
    """
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    stray = [name for name in names if name not in VIEWS]
    if stray or not names:
        raise UsageError(
            f"no such view: {', '.join(stray)[:80] or 'none was given'}", hint=f"views are {', '.join(VIEWS)}"
        )
    return tuple(dict.fromkeys(known for name in names for known in VIEWS if known == name))


def parse_width(text: str) -> float:
    """A width in px, of `1200`, `1200px`, `170mm`, `17cm`, `6.7in` or `482pt`.

    >>> parse_width("1in"), parse_width("800")
    (96.0, 800.0)

    Raises:
        UsageError: It is no width, or one that no figure has.
    """
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,4})?) ?(px|mm|cm|in|pt)?", text.strip())
    width = float(found.group(1)) * _PX[found.group(2) or "px"] if found else 0.0
    if found is None:
        raise UsageError(f"{text[:40]!r} is no width", hint="such as 170mm, 17cm, 6.7in, 482pt or 1200px")
    if not _WIDTHS[0] <= width <= _WIDTHS[1]:
        bounds = f"{_WIDTHS[0]:,.0f} to {_WIDTHS[1]:,.0f} px"
        raise UsageError(
            f"a figure of width {text[:40]} cannot be drawn", hint=f"{bounds}, or as much in mm, cm, in or pt"
        )
    return width


def view_targets(output: Path, views: Sequence[View], formats: Sequence[Format]) -> dict[View, dict[Format, Path]]:
    """The files of each view: `OUT.FORMAT` of a single one, else `OUT-VIEW.FORMAT`."""
    several = len(views) > 1
    return {
        view: {name: Path(f"{output}-{view}.{name}" if several else f"{output}.{name}") for name in formats}
        for view in views
    }


def parse_formats(text: str) -> list[Format]:
    """Formats separated by commas, each once, in the order given.

    >>> parse_formats("svg, png,svg")
    ['svg', 'png']

    Raises:
        UsageError: One of them is not a format, or there is none.
    """
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    if stray := [name for name in names if name not in FORMATS]:
        raise UsageError(f"no such format: {', '.join(stray)[:80]}", hint=f"formats are {', '.join(FORMATS)}")
    if not names:
        raise UsageError("no format was given", hint=f"formats are {', '.join(FORMATS)}")
    return list(dict.fromkeys(known for name in names for known in FORMATS if known == name))


_FOREIGN = ("bmp", "eps", "gif", "jpeg", "jpg", "tif", "tiff", "webp")


def split_suffix(output: Path) -> tuple[Path, Format | None]:
    """An output path without its format suffix, and that format; a suffix that is no format is part of the name.

    >>> split_suffix(Path("out/Qwen3.5")), split_suffix(Path("qwen.svg"))
    ((PosixPath('out/Qwen3.5'), None), (PosixPath('qwen'), 'svg'))

    Raises:
        UsageError: The suffix is of pictures that are not written here.
    """
    suffix = output.suffix.lower().removeprefix(".")
    if suffix in _FOREIGN:
        raise UsageError(f"no such format: {suffix!r}", where="-o", hint=f"formats are {', '.join(FORMATS)}")
    known = next((known for known in FORMATS if known == suffix), None)
    return (output.with_suffix(""), known) if known else (output, None)


def figure_name(source: str) -> str:
    """The file name, without suffix, of a figure that was given none: the drawn model's own name.

    >>> figure_name("Qwen/Qwen3-0.6B@main"), figure_name("transformers:qwen3"), figure_name("mine/figure.json")
    ('Qwen3-0.6B', 'qwen3', 'figure')
    """
    name = source.rpartition(":")[2]
    path = Path(name.rpartition("@")[0] or name)
    if path.name == "config.json":
        path = path.resolve().parent
    return path.name.removesuffix(".json")[:_LONGEST_NAME] or "architecture"
