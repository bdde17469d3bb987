from __future__ import annotations

import struct

import pytest

from archviz.emit import png
from archviz.figure import draw_overview
from archviz.figure.display import DisplayList, Run, Text
from tests.figure.zoo import ZOO


def _size(data: bytes) -> tuple[int, int]:
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def test_a_figure_becomes_a_sharp_png_and_the_same_bytes_again() -> None:
    display, _ = draw_overview(ZOO["llama"]())
    data = png.emit(display)
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    scale = png.default_scale(display)
    assert 1 < scale <= 2
    assert _size(data) == pytest.approx((display.width * scale, display.height * scale), abs=1)
    assert png.emit(display) == data


def test_scale_sets_the_size() -> None:
    assert _size(png.emit(DisplayList(100, 50), scale=3)) == (300, 150)


def test_weights_come_from_the_bundled_fonts() -> None:
    def drawn(weight: int) -> bytes:
        return png.emit(DisplayList(120, 30, items=(Text(4, 20, (Run("Gated", weight),)),)))

    assert len({drawn(weight) for weight in (400, 500, 600, 700)}) == 4


def test_a_missing_glyph_is_shown_as_its_code_point() -> None:
    def drawn(text: str) -> bytes:
        return png.emit(DisplayList(120, 30, items=(Text(4, 20, (Run(text),)),)))

    assert drawn("注") == drawn("[U+6CE8]")
    assert drawn("注") != drawn("")


def test_a_large_page_is_drawn_less_sharp_so_that_it_stays_quick() -> None:
    display, _ = draw_overview(ZOO["qwen35"]())
    width, height = _size(png.emit(display))
    assert width * height <= 8_100_000
    assert width > display.width
