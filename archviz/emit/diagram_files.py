"""A diagram config as files: which bytes each format gives, and where they may be written."""

from __future__ import annotations

import math
from pathlib import Path

from archviz.errors import UsageError
from archviz.figure.diagram_model import DiagramConfig
from archviz.figure.display import DisplayList
from archviz.figure.lint import Finding
from archviz.formats import FORMATS

_SCALE = 2.0
_MOST_PIXELS = 40_000_000


def diagram_files(
    config: DiagramConfig, formats: list[str], theme: str = "light"
) -> tuple[dict[str, bytes], list[Finding]]:
    """The content of a file for each format, and what is wrong in the drawing.

    Args:
        formats: Of `svg`, `png`, `pdf`, `dot`, `md`.

    Raises:
        UsageError: There is no such format or theme.
    """
    files: dict[str, bytes] = {}
    findings: list[Finding] = []
    drawn = [name for name in formats if name in ("svg", "png", "pdf")]
    if drawn:
        from archviz.figure.diagram_layout import draw_diagram

        display, findings = draw_diagram(config, theme)
        scale = png_scale(display)
        if "png" in drawn and scale < _SCALE:
            message = f"too large for a PNG at {_SCALE:g}x, drawn at {scale:.2f}x: prefer svg or pdf"
            findings = [Finding("soft", "png-scale", message), *findings]
        for name in drawn:
            files[name] = _emitted(name, display)
    for name in formats:
        if name not in files:
            files[name] = _written(name, config).encode()
    return files, findings


def png_scale(display: DisplayList) -> float:
    """Device pixels a px: two, or less where the picture would have more than 40 million pixels."""
    return min(_SCALE, math.sqrt(_MOST_PIXELS / (display.width * display.height)))


def _emitted(name: str, display: DisplayList) -> bytes:
    if name == "svg":
        from archviz.emit import svg

        return svg.emit(display)
    if name == "png":
        from archviz.emit import png

        return png.emit(display, scale=png_scale(display))
    from archviz.emit import pdf

    return pdf.emit(display)


def _written(name: str, config: DiagramConfig) -> str:
    if name == "dot":
        from archviz.emit.dot import dot_from_diagram

        return dot_from_diagram(config)
    if name == "md":
        from archviz.emit.markdown import markdown_from_diagram

        return markdown_from_diagram(config)
    raise UsageError(f"no such format: {name[:40]!r}", hint=f"formats are {', '.join((*FORMATS, 'md'))}")


def check_output(path: Path) -> None:
    """Refuse a path that cannot be written, before any work is done.

    Raises:
        UsageError: Its folder does not exist, or it is a folder itself.
    """
    if not path.parent.exists():
        hint = f"make it first: mkdir -p {path.parent}"
        raise UsageError(f"the folder {str(path.parent)!r} does not exist", where=str(path), hint=hint)
    if not path.parent.is_dir():
        raise UsageError(f"{str(path.parent)!r} is a file, not a folder", where=str(path), hint="choose another output")
    if path.is_dir():
        raise UsageError(f"{str(path)!r} is a folder", where=str(path), hint="give a file name")
