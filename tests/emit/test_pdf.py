from __future__ import annotations

import re

from archviz.emit import pdf
from archviz.figure import draw_overview, draw_view
from archviz.figure.display import DisplayList
from tests.figure.zoo import ZOO


def test_a_figure_becomes_a_one_page_pdf_of_its_size_and_the_same_bytes_again() -> None:
    display, _ = draw_overview(ZOO["llama"]())
    data = pdf.emit(display)
    assert data.startswith(b"%PDF-")
    box = re.search(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)\s*\]", data)
    assert box is not None
    assert abs(float(box[1]) - display.width * 0.75) < 0.1
    assert abs(float(box[2]) - display.height * 0.75) < 0.1
    assert pdf.emit(display) == data


def test_the_bundled_font_is_embedded() -> None:
    data = pdf.emit(draw_overview(ZOO["bert"]())[0])
    assert b"Inter" in data


def test_a_hostile_title_is_a_title() -> None:
    assert pdf.emit(DisplayList(100, 50, title='") #panic("x\\')).startswith(b"%PDF-")


def test_bars_of_a_model_without_a_number_for_any_box_are_an_empty_page_not_a_crash() -> None:
    display, _ = draw_view(ZOO["qwen35"](), "params")
    assert pdf.emit(display).startswith(b"%PDF-")
