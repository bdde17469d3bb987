"""Panels on pages that can be read in print."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from archviz.emit import pdf, png, svg
from archviz.figure import draw_view
from archviz.figure.display import DisplayList
from archviz.figure.ledger import Ledger, LedgerArt
from archviz.figure.lint import lint
from archviz.figure.model import Arrow, Box, Diagram
from archviz.figure.print_size import RATIO, ROOM, SMALLEST_POINTS, WIDEST, smallest_in_print
from archviz.figure.sheet import Heading, place_sheet
from archviz.figure.theme import LIGHT
from archviz.records import replace
from tests.figure.test_catalog_figures import LLAMA, QWEN, V4, model
from tests.figure.zoo import ZOO


def ledger(number: int, boxes: int) -> Ledger:
    names = [f"{number}/{place}" for place in range(boxes)]
    arrows = tuple(Arrow(f"{one}>{other}", one, other) for one, other in pairwise(names))
    return Ledger(f"ledger/{number}", f"Part {number}", "", Diagram(tuple(Box(n, "other", n) for n in names), arrows))


def sheet(*sizes: int) -> DisplayList:
    panels = [LedgerArt(ledger(number, size), LIGHT, ROOM) for number, size in enumerate(sizes)]
    return place_sheet(Heading("Title", "subtitle", "description"), panels, LIGHT)


@pytest.mark.parametrize("view", ["detailed", "params"])
@pytest.mark.parametrize("name", [LLAMA, QWEN, V4])
def test_every_page_can_be_read_at_170_mm(name: str, view: str) -> None:
    display, findings = draw_view(model(name), view)
    assert display.width <= WIDEST
    assert smallest_in_print(display) >= SMALLEST_POINTS - 0.005
    assert all(RATIO[0] <= display.width / tall <= RATIO[1] for _, tall in display.pages)
    assert [finding.rule for finding in findings if finding.rule in ("small-print", "aspect-ratio")] == []


def test_what_fits_stays_one_page_and_more_has_numbered_pages() -> None:
    assert sheet(4, 4).breaks == ()
    display = sheet(30, 30, 30)
    assert len(display.pages) == 2
    words = {shape.content for shape in display.shapes() if hasattr(shape, "content")}
    assert {"1 of 2", "2 of 2"} <= words
    assert sum(tall for _, tall in display.pages) == display.height


def test_each_item_stands_on_one_page() -> None:
    display = sheet(30, 30, 30)
    shared = [display.items_between(top, top + tall) for top, tall in display.pages]
    assert [item for page in shared for item in page] == list(display.items)
    assert lint(display, printed=True) == []


def test_a_shape_over_a_page_break_is_found() -> None:
    display = sheet(30, 30, 30)
    moved = replace(display, breaks=(display.breaks[0] - 200, *display.breaks[1:]))
    assert "off-canvas" in {finding.rule for finding in lint(moved)}


def test_pdf_has_the_pages_and_svg_and_png_show_them_under_each_other() -> None:
    display = sheet(30, 30, 30)
    data = pdf.emit(display)
    assert len(re.findall(rb"/Type\s*/Page\b", data)) == 2
    assert f'viewBox="0 0 {display.width:.0f} {display.height:.0f}"' in svg.emit(display).decode()
    assert png.default_scale(display) >= 1.0


@pytest.mark.parametrize("name", ["llama", "bert"])
def test_formulas_are_wrapped_before_a_panel_leaves_the_page(name: str) -> None:
    from archviz.figure.detailed import build_detailed

    for each in build_detailed(ZOO[name]()):
        wide, narrow = LedgerArt(each, LIGHT), LedgerArt(each, LIGHT, 420.0)
        assert narrow.width <= max(420.0, wide.width)
        assert narrow.formula_room <= wide.formula_room
