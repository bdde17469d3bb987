from __future__ import annotations

import struct
import zlib

import pytest

from archviz.emit import png
from archviz.figure import draw_overview
from archviz.figure.display import DisplayList, Rect, Run, Text
from tests.figure.zoo import ZOO


def _size(data: bytes) -> tuple[int, int]:
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def _pixels(data: bytes) -> set[bytes]:
    """The colours of an RGBA picture."""
    width, height = _size(data)
    packed, at = b"", 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        packed += data[at + 8 : at + 8 + length] if data[at + 4 : at + 8] == b"IDAT" else b""
        at += 12 + length
    raw, row, above, colours = zlib.decompress(packed), 4 * width + 1, bytearray(4 * width + 4), set()
    for y in range(height):
        line = bytearray(4) + raw[y * row + 1 : (y + 1) * row]  # a pixel of zeros stands left of each line
        for x in range(4, len(line)):
            left, up, corner = line[x - 4], above[x], above[x - 4]
            nearest = min((left, up, corner), key=lambda value: abs(left + up - corner - value))
            line[x] = (line[x] + (0, left, up, (left + up) // 2, nearest)[raw[y * row]]) & 255
        colours |= {bytes(line[x : x + 4]) for x in range(4, len(line), 4)}
        above = line
    return colours


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
    assert width * height <= 1.01 * png.MAX_PIXELS
    assert width > display.width


def test_a_page_of_any_size_is_drawn_on_whole_pixels() -> None:
    square = Rect(10, 10, 20, 20, fill="#ff0000")
    odd, even = (DisplayList(width, 40, items=(square,)) for width in (60.4, 60.0))
    assert _size(png.emit(odd, scale=1)) == (60, 40)
    assert png.emit(DisplayList(0.2, 0.2), scale=1).startswith(b"\x89PNG")
    whole = {b"\xff\xff\xff\xff", b"\xff\x00\x00\xff"}
    assert _pixels(png.emit(even, scale=1)) == whole  # nothing in between: no edge was blurred
