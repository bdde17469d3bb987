"""PNG: the SVG drawn by resvg with the bundled fonts only, so that it is the same on every machine."""

from __future__ import annotations

from archviz.emit import svg
from archviz.figure.display import DisplayList
from archviz.figure.fonts import FAMILY, font_files


def emit(display: DisplayList, *, scale: float = 2.0) -> bytes:
    """The drawing as PNG, `scale` device pixels a px."""
    import resvg_py

    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg.emit(display, only_known_glyphs=True).decode(),
            skip_system_fonts=True,
            font_files=[str(path) for path in font_files()],
            font_family=FAMILY,
            sans_serif_family=FAMILY,
            zoom=scale,
        )
    )
