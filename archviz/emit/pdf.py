"""PDF: the SVG on a page of its own size, set by typst with the bundled fonts only; its text can be selected."""

from __future__ import annotations

from archviz.emit import svg
from archviz.figure.display import DisplayList
from archviz.figure.fonts import font_folder

_POINTS_PER_PIXEL = 0.75
_DOCUMENT = "#set document(title: {title}, date: none)\n"
_PAGE = """#page(width: {width}pt, height: {height}pt, margin: 0pt)[
#image(bytes(sys.inputs.page{number}), format: "svg", width: 100%)]
"""


def emit(display: DisplayList, *, width: float | None = None) -> bytes:
    """The drawing as a PDF with its pages, 0.75 pt a px.

    Args:
        width: Width of a page in px; the drawing's own by default.
    """
    import typst

    scale = _POINTS_PER_PIXEL * (width / display.width if width else 1.0)
    wide = f"{display.width * scale:.2f}"
    pages = [
        _PAGE.format(width=wide, height=f"{tall * scale:.2f}", number=number)
        for number, (_, tall) in enumerate(display.pages)
    ]
    inputs = {
        f"page{number}": svg.emit(display, only_known_glyphs=True, page=number).decode() for number in range(len(pages))
    }
    pdf = typst.compile(
        "".join((_DOCUMENT.format(title=_quoted(display.title)), *pages)).encode(),
        sys_inputs=inputs,
        font_paths=typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[font_folder()]),
        format="pdf",
    )
    assert isinstance(pdf, bytes)
    return pdf


def _quoted(text: str) -> str:
    """A typst string literal."""
    safe = "".join(char if char.isprintable() else " " for char in text)
    return '"' + safe.replace("\\", "\\\\").replace('"', '\\"') + '"'
