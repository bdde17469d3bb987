from __future__ import annotations

import base64
import re

import pytest
from fontTools.ttLib import TTFont

from archviz.emit import pdf, png, svg
from archviz.figure import draw_view
from archviz.formats import parse_width
from tests.figure.zoo import ZOO

DISPLAY = draw_view(ZOO["llama"]())[0]


def test_embedded_fonts_hold_the_glyphs_that_are_used_and_no_more(tmp_path_factory: pytest.TempPathFactory) -> None:
    text = svg.emit(DISPLAY, text="embed").decode()
    used = {char for line in re.findall(r">([^<]+)<", text) for char in line}
    faces = re.findall(r"font-weight:(\d+);src:url\(data:font/ttf;base64,([^)]+)\)", text)
    assert len({weight for weight, _ in faces}) == len(faces)
    path = tmp_path_factory.mktemp("fonts") / "face.ttf"
    path.write_bytes(base64.b64decode(faces[0][1]))
    covered = {chr(code) for code in TTFont(path).getBestCmap()}
    assert covered
    assert covered <= used | {" ", "&", "<", ">", '"', "'"}


def test_outlines_are_shapes_without_a_word_of_text() -> None:
    text = svg.emit(DISPLAY, text="outline").decode()
    assert "<text" not in text
    assert "@font-face" not in text
    assert text.count('transform="translate(') > 50


@pytest.mark.parametrize("mode", ["live", "embed", "outline"])
def test_the_same_drawing_gives_the_same_bytes(mode: str) -> None:
    assert svg.emit(DISPLAY, text=mode) == svg.emit(DISPLAY, text=mode)  # type: ignore[arg-type]


def test_a_width_is_kept_by_every_format() -> None:
    width = parse_width("100mm")
    head = svg.emit(DISPLAY, width=width)[:400].decode()
    assert 'width="377.95"' in head
    assert f'viewBox="0 0 {DISPLAY.width:g} ' in head
    assert png.default_scale(DISPLAY, width) == pytest.approx(2 * width / DISPLAY.width, abs=1e-3)
    box = re.search(rb"/MediaBox\s*\[\s*0 0 ([\d.]+)", pdf.emit(DISPLAY, width=width))
    assert box is not None
    assert float(box.group(1)) == pytest.approx(100 * 72 / 25.4, abs=0.1)
