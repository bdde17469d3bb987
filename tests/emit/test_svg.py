from __future__ import annotations

import hashlib
import time
from pathlib import Path as FilePath
from xml.etree import ElementTree as ET

import pytest

from archviz.emit import svg
from archviz.figure import draw_overview
from archviz.figure.display import DisplayList, Group, Path, Run, Text
from tests.emit.hash_seeds import printed
from tests.figure.zoo import ZOO

NS = "{http://www.w3.org/2000/svg}"
ROOT = FilePath(__file__).parents[2]
DIGEST = (
    "import hashlib\nfrom archviz.emit import svg\nfrom archviz.figure import draw_overview\n"
    "from tests.figure.zoo import ZOO\n"
    "print(hashlib.sha256(svg.emit(draw_overview(ZOO['qwen35']())[0])).hexdigest())"
)


def line(text: str) -> DisplayList:
    return DisplayList(200, 50, title=text, items=(Group("g", "note", (Text(5, 20, (Run(text),)),)),))


@pytest.mark.parametrize("name", ZOO)
def test_a_figure_is_well_formed_with_unique_ids_and_a_title(name: str) -> None:
    display, _ = draw_overview(ZOO[name]())
    root = ET.fromstring(svg.emit(display))
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    assert root.findtext(f"{NS}title")
    assert root.findtext(f"{NS}desc")
    assert root.get("role") == "graphics-document document"


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "]; } digraph",
        '"quoted" & <b>',
        "$x$ \\input{/etc/passwd} %",
        "😀",
        "שלום",
        "注意力",
    ],
)
def test_hostile_text_stays_text(text: str) -> None:
    root = ET.fromstring(svg.emit(line(text)))
    assert [element.text for element in root.iter(f"{NS}text")] == [text]
    assert {element.tag.removeprefix(NS) for element in root.iter()} <= {"svg", "title", "desc", "rect", "g", "text"}


def test_characters_that_xml_forbids_are_replaced() -> None:
    root = ET.fromstring(svg.emit(line("a\x00b\ud800c")))
    assert [element.text for element in root.iter(f"{NS}text")] == ["a\ufffdb\ufffdc"]


def test_a_hostile_architecture_gives_no_element_of_its_own() -> None:
    display, _ = draw_overview(ZOO["hostile"]())
    text = svg.emit(display).decode()
    allowed = {"svg", "title", "desc", "rect", "g", "text", "tspan", "circle", "path"}
    assert {element.tag.removeprefix(NS) for element in ET.fromstring(text).iter()} <= allowed
    assert len(text) < 200_000


def test_missing_glyphs_become_code_points_only_where_asked() -> None:
    assert "注" in svg.emit(line("注")).decode()
    assert "[U+6CE8]" in svg.emit(line("注"), only_known_glyphs=True).decode()


def test_an_arrow_ends_with_its_tip_on_the_last_point() -> None:
    wire = Path(((10, 10), (10, 40), (60, 40)), "#112233", radius=6, arrow_end=True)
    paths = [
        element.get("d") for element in ET.fromstring(svg.emit(DisplayList(80, 60, items=(wire,)))).iter(f"{NS}path")
    ]
    assert paths == ["M10 10L10 34Q10 40 16 40L55 40", "M60 40L54 37.3L54 42.7Z"]


def test_the_same_bytes_in_another_process_with_another_hash_seed() -> None:
    display, _ = draw_overview(ZOO["qwen35"]())
    here = hashlib.sha256(svg.emit(display)).hexdigest()
    assert printed(DIGEST, ("1", "4711")) == {here}


def test_layout_and_svg_are_fast() -> None:
    architecture = ZOO["qwen35"]()
    draw_overview(architecture)
    times = []
    for _ in range(3):
        start = time.process_time()
        svg.emit(draw_overview(architecture)[0])
        times.append(time.process_time() - start)
    assert min(times) < 0.25  # measured 0.08 s; the bound leaves room for a loaded machine
