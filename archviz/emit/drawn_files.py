"""A display list as files: SVG, PNG and PDF of the same drawing."""

from __future__ import annotations

import math
from collections.abc import Sequence

from archviz.figure.display import DisplayList
from archviz.figure.lint import Finding

DRAWN = ("svg", "png", "pdf")
_SCALE = 2.0
_MOST_PIXELS = 40_000_000


def drawn_files(display: DisplayList, formats: Sequence[str]) -> tuple[dict[str, bytes], list[Finding]]:
    """The content of a file for each drawn format, and a finding where a PNG had to be smaller.

    Args:
        display: The drawing.
        formats: Of `svg`, `png`, `pdf`.
    """
    findings: list[Finding] = []
    scale = png_scale(display)
    if "png" in formats and scale < _SCALE:
        message = f"too large for a PNG at {_SCALE:g}x, drawn at {scale:.2f}x: prefer svg or pdf"
        findings.append(Finding("soft", "png-scale", message))
    return {name: _emitted(name, display, scale) for name in formats}, findings


def png_scale(display: DisplayList) -> float:
    """Device pixels a px: two, or less where the picture would have more than 40 million pixels."""
    return min(_SCALE, math.sqrt(_MOST_PIXELS / (display.width * display.height)))


def _emitted(name: str, display: DisplayList, scale: float) -> bytes:
    if name == "svg":
        from archviz.emit import svg

        return svg.emit(display)
    if name == "png":
        from archviz.emit import png

        return png.emit(display, scale=scale)
    from archviz.emit import pdf

    return pdf.emit(display)
