"""A display list as files: SVG, PNG, PDF and TikZ of the same drawing."""

from __future__ import annotations

from collections.abc import Sequence

from archviz.figure.display import DisplayList
from archviz.figure.lint import Finding

DRAWN = ("svg", "png", "pdf", "tex")
LEGIBLE = 1.0  # device pixels a px below which small text is lost


def drawn_files(display: DisplayList, formats: Sequence[str]) -> tuple[dict[str, bytes], list[Finding]]:
    """The content of a file for each drawn format, and a finding where a PNG had to be made too small to read.

    Args:
        display: The drawing.
        formats: Of `svg`, `png`, `pdf`, `tex`.
    """
    from archviz.emit.png import default_scale

    findings: list[Finding] = []
    scale = default_scale(display)
    if "png" in formats and scale < LEGIBLE:
        message = f"too large for a PNG, drawn at {scale:.2f} of its size: prefer svg or pdf"
        findings.append(Finding("soft", "png-scale", message))
    return {name: _emitted(name, display) for name in formats}, findings


def _emitted(name: str, display: DisplayList) -> bytes:
    if name == "svg":
        from archviz.emit import svg

        return svg.emit(display)
    if name == "png":
        from archviz.emit import png

        return png.emit(display)
    if name == "tex":
        from archviz.emit import tikz

        return tikz.emit(display)
    from archviz.emit import pdf

    return pdf.emit(display)
