"""A display list as files: SVG, PNG, PDF and TikZ of the same drawing."""

from __future__ import annotations

from collections.abc import Sequence

from archviz.figure.display import DisplayList
from archviz.figure.lint import Finding
from archviz.formats import Look

DRAWN = ("svg", "png", "pdf", "tex")
LEGIBLE = 1.0  # device pixels a px below which small text is lost
DEFAULT_LOOK = Look()


def drawn_files(
    display: DisplayList, formats: Sequence[str], look: Look = DEFAULT_LOOK
) -> tuple[dict[str, bytes], list[Finding]]:
    """The content of a file for each drawn format, and a finding where a PNG had to be made too small to read.

    Args:
        display: The drawing.
        formats: Of `svg`, `png`, `pdf`, `tex`.
        look: Its width and the kind of its text.
    """
    from archviz.emit.png import default_scale

    findings: list[Finding] = []
    scale = default_scale(display)
    if "png" in formats and scale < LEGIBLE and default_scale(display, look.width) >= scale:
        message = f"too large for a PNG, drawn at {scale:.2f} of its size: prefer svg or pdf"
        findings.append(Finding("soft", "png-scale", message))
    return {name: _emitted(name, display, look) for name in formats}, findings


def _emitted(name: str, display: DisplayList, look: Look) -> bytes:
    if name == "svg":
        from archviz.emit import svg

        return svg.emit(display, width=look.width, text=look.text)
    if name == "png":
        from archviz.emit import png

        return png.emit(display, scale=png.default_scale(display, look.width))
    if name == "tex":
        from archviz.emit import tikz

        return tikz.emit(display, width=look.width)
    from archviz.emit import pdf

    return pdf.emit(display, width=look.width)
