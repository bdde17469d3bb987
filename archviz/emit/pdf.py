"""PDF: the SVG on a page of its own size, set by typst with the bundled fonts only; its text can be selected."""

from __future__ import annotations

import tempfile
from pathlib import Path

from archviz.emit import svg
from archviz.figure.display import DisplayList
from archviz.figure.fonts import font_folder

_POINTS_PER_PIXEL = 0.75
_PAGE = """#set document(title: {title}, date: none)
#set page(width: {width}pt, height: {height}pt, margin: 0pt)
#image("figure.svg", width: 100%)
"""


def emit(display: DisplayList) -> bytes:
    """The drawing as a one-page PDF, 0.75 pt a px."""
    import typst

    page = _PAGE.format(
        title=_quoted(display.title),
        width=f"{display.width * _POINTS_PER_PIXEL:.2f}",
        height=f"{display.height * _POINTS_PER_PIXEL:.2f}",
    )
    with tempfile.TemporaryDirectory(prefix="archviz-") as folder:
        Path(folder, "figure.svg").write_bytes(svg.emit(display, only_known_glyphs=True))
        Path(folder, "figure.typ").write_text(page, encoding="utf-8")
        pdf = typst.compile(
            str(Path(folder, "figure.typ")),
            root=folder,
            font_paths=[str(font_folder())],
            ignore_system_fonts=True,
            format="pdf",
        )
    assert isinstance(pdf, bytes)
    return pdf


def _quoted(text: str) -> str:
    """A typst string literal."""
    safe = "".join(char if char.isprintable() else " " for char in text)
    return '"' + safe.replace("\\", "\\\\").replace('"', '\\"') + '"'
