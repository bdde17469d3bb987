"""PNG: the SVG drawn by resvg with the bundled fonts only, so that it is the same on every machine."""

from __future__ import annotations

from math import sqrt

from archviz.emit import svg
from archviz.figure.display import DisplayList
from archviz.figure.fonts import FAMILY, font_files

SHARP = 2.0
MAX_PIXELS = 5_000_000  # drawing takes about 0.08 s a million


def emit(display: DisplayList, *, scale: float | None = None) -> bytes:
    """The drawing as PNG.

    Args:
        scale: Device pixels a px; by default 2, less for a page too large for `MAX_PIXELS`.
    """
    import resvg_py

    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=svg.emit(display, only_known_glyphs=True).decode(),
            skip_system_fonts=True,
            font_files=[str(path) for path in font_files()],
            font_family=FAMILY,
            sans_serif_family=FAMILY,
            zoom=scale or default_scale(display),
        )
    )


def default_scale(display: DisplayList) -> float:
    """Device pixels a px: as sharp as a good screen shows, as long as the picture stays below that many pixels."""
    fitting = sqrt(MAX_PIXELS / max(display.width * display.height, 1.0))
    return round(min(SHARP, fitting), 3)
