"""PNG: the SVG set by typst with the bundled fonts only, so that it is the same on every machine."""

from __future__ import annotations

from math import sqrt

from archviz.emit import svg
from archviz.figure.display import DisplayList
from archviz.figure.fonts import font_folder

SHARP = 2.0
MAX_PIXELS = 5_000_000  # drawing takes about 0.05 s a million
# The page is a whole number of points, and one point is one pixel: nothing is resampled.
_PAGE = """#set page(width: {width}pt, height: {height}pt, margin: 0pt)
#image(bytes(sys.inputs.figure), format: "svg", width: 100%, height: 100%, fit: "stretch")
"""
_POINTS_PER_INCH = 72.0


def emit(display: DisplayList, *, scale: float | None = None) -> bytes:
    """The drawing as PNG.

    Args:
        scale: Device pixels a px; by default 2, less for a page too large for `MAX_PIXELS`.
    """
    import typst

    scale = scale or default_scale(display)
    page = _PAGE.format(width=max(round(display.width * scale), 1), height=max(round(display.height * scale), 1))
    picture = typst.compile(
        page.encode(),
        sys_inputs={"figure": svg.emit(display, only_known_glyphs=True).decode()},
        font_paths=typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[font_folder()]),
        format="png",
        ppi=_POINTS_PER_INCH,
    )
    assert isinstance(picture, bytes)
    return picture


def default_scale(display: DisplayList, width: float | None = None) -> float:
    """Device pixels a px: as sharp as a good screen shows, as long as the picture stays below that many pixels.

    Args:
        width: How wide the figure is to be shown, px.
    """
    fitting = sqrt(MAX_PIXELS / max(display.width * display.height, 1.0))
    fitting = max(fitting, 1.0) if display.breaks else fitting  # pages under each other stay legible
    wanted = SHARP * (width / max(display.width, 1.0) if width else 1.0)
    return round(min(wanted, fitting), 3)
