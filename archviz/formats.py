"""The output formats of a figure and the names of its files, as the command line and the service take them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from archviz.errors import UsageError

Format = Literal["png", "svg", "pdf", "dot", "tex"]
FORMATS: tuple[Format, ...] = get_args(Format)

Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = get_args(Theme)

_LONGEST_NAME = 120


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


def split_suffix(output: Path) -> tuple[Path, Format | None]:
    """An output path without its format suffix, and that format; a suffix that is no format is part of the name.

    >>> split_suffix(Path("out/Qwen3.5")), split_suffix(Path("qwen.svg"))
    ((PosixPath('out/Qwen3.5'), None), (PosixPath('qwen'), 'svg'))
    """
    suffix = output.suffix.lower().removeprefix(".")
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
