"""PDF: the SVG on a page of its own size, set by typst with the bundled fonts only; its text can be selected."""

from __future__ import annotations

from archviz.emit import svg
from archviz.figure.display import DisplayList
from archviz.figure.fonts import font_folder

_POINTS_PER_PIXEL = 0.75
_PAGE = """#set document(title: {title}, date: none)
#set page(width: {width}pt, height: {height}pt, margin: 0pt)
#image(bytes(sys.inputs.figure), format: "svg", width: 100%)
"""


def emit(display: DisplayList, *, width: float | None = None) -> bytes:
    """The drawing as a one-page PDF, 0.75 pt a px.

    Args:
        width: Width of the page in px; the drawing's own by default.
    """
    import typst

    scale = _POINTS_PER_PIXEL * (width / display.width if width else 1.0)

    page = _PAGE.format(
        title=_quoted(display.title),
        width=f"{display.width * scale:.2f}",
        height=f"{display.height * scale:.2f}",
    )
    pdf = typst.compile(
        page.encode(),
        sys_inputs={"figure": svg.emit(display, only_known_glyphs=True).decode()},
        font_paths=typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[font_folder()]),
        format="pdf",
    )
    assert isinstance(pdf, bytes)
    return pdf


def _quoted(text: str) -> str:
    """A typst string literal."""
    safe = "".join(char if char.isprintable() else " " for char in text)
    return '"' + safe.replace("\\", "\\\\").replace('"', '\\"') + '"'
