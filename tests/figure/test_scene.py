from __future__ import annotations

from functools import cache

import pytest

from archviz.architecture.model import Architecture
from archviz.descriptions import describe
from archviz.figure import draw_view
from archviz.figure.display import Circle, DisplayList, Path, Rect, Text
from archviz.figure.lint import lint
from archviz.figure.scene import Scene, _states, scene_of, scene_of_drawing
from archviz.settings import Settings
from tests.figure.zoo import ZOO


@cache
def read(name: str) -> Architecture:
    return describe(name, settings=Settings(offline=True))


def places(display: DisplayList) -> list[object]:
    """Where the shapes of a drawing are, without their colours."""
    found: list[object] = []
    for shape in display.shapes():
        if isinstance(shape, Rect):
            found.append((shape.x, shape.y, shape.width, shape.height))
        elif isinstance(shape, Circle):
            found.append((shape.cx, shape.cy, shape.r))
        elif isinstance(shape, Path):
            found.append(shape.points)
        elif isinstance(shape, Text):
            found.append((shape.x, shape.y, shape.content))
    return found


@pytest.mark.parametrize("name", ZOO)
def test_pages_and_pieces_are_the_same_in_both_themes_but_for_colours(name: str) -> None:
    scene = scene_of(ZOO[name]())
    for drawn in (*scene.pages, *scene.insets, *scene.rest):
        assert places(drawn.drawing.light) == places(drawn.drawing.dark)


def test_few_panels_open_independently_and_of_many_any_one_or_all() -> None:
    assert _states(()) == [()]
    assert _states(("a", "b")) == [("a", "b"), ("a",), ("b",), ()]
    assert len(_states(("a", "b", "c"))) == 8
    assert _states(("a", "b", "c", "d")) == [("a", "b", "c", "d"), ("a",), ("b",), ("c",), ("d",), ()]


def test_a_page_shows_the_inside_of_its_open_panels_only() -> None:
    scene = scene_of(ZOO["qwen35"]())
    opened, shut = scene.pages[0], scene.pages[-1]
    assert set(opened.open) == set(scene.panels)
    assert shut.open == ()
    inside = {group.id for group in opened.drawing.light.groups()} - {g.id for g in shut.drawing.light.groups()}
    assert sum("input_layernorm" in each and "~" not in each for each in inside) == len(scene.panels)
    for page in scene.pages:
        assert set(scene.panels) <= {group.id for group in page.drawing.light.groups()}


def test_no_page_has_a_hard_finding() -> None:
    for page in scene_of(ZOO["gemma3"]()).pages:
        assert [found for found in lint(page.drawing.light) if found.severity == "hard"] == []


def scene() -> Scene:
    return scene_of(read("Qwen/Qwen3-0.6B"))


def test_every_box_that_zooms_has_a_badge_and_a_piece() -> None:
    drawn = scene()
    pieces = {piece.id for piece in drawn.insets}
    assert drawn.zooms
    assert set(drawn.zooms.values()) <= pieces
    badges = [group for group in drawn.pages[0].drawing.light.groups() if group.role == "badge"]
    assert len(badges) == 2


def test_details_tell_shape_formula_code_and_source() -> None:
    rows = next(dict(rows) for box, rows in scene().details.items() if box.endswith("/q_proj"))
    assert rows["Shape"] == "[B, S, 1024] → [B, S, 2048]"
    assert rows["Parameters"] == "d·H·d_h = 2,097,152"
    assert rows["In the code"] == "model.layers.0.self_attn.q_proj"
    assert rows["Source"].startswith("transformers/models/qwen3/modeling_qwen3.py:")


def test_a_tied_head_says_what_it_is_tied_to() -> None:
    heads = [dict(rows) for box, rows in scene().details.items() if "lm_head" in box]
    assert any("tied to model.embed_tokens.weight" in rows.get("Parameters", "") for rows in heads)


@pytest.mark.parametrize("name", ["openai/whisper-tiny", "google-t5/t5-small", "facebook/bart-large-cnn"])
def test_what_layers_are_given_goes_into_them_also_where_they_are_shut(name: str) -> None:
    scene = scene_of(read(name))
    for page in scene.pages:
        ids = [group.id for group in page.drawing.light.groups() if group.role in ("edge", "node", "layer")]
        given = next(each for each in ids if each.startswith("side/") and "~" not in each)
        targets = [each.partition("~")[2] for each in ids if each.startswith(f"{given}~")]
        shut = [panel for panel in scene.panels if "decoder" in panel and panel not in page.open]
        assert targets
        assert set(shut) <= set(targets)
        assert [finding for finding in lint(page.drawing.light) if finding.severity == "hard"] == []


def test_bars_tell_how_many_parameters_they_are_and_where_these_are_in_the_code() -> None:
    light, dark = (draw_view(read("Qwen/Qwen3-0.6B"), "params", theme=name)[0] for name in ("light", "dark"))
    scene = scene_of_drawing(light, dark)
    bars = [group for group in light.groups() if group.role == "bar" and not group.id.startswith("skyline/")]
    assert len(bars) > 10
    for bar in bars:
        rows = dict(scene.details[bar.id])
        assert rows["Parameters"] in ("tied to model.embed_tokens.weight", bar.title.rpartition(": ")[2])
        assert rows["Component"]
    assert any("modeling_qwen3.py" in dict(scene.details[bar.id]).get("Source", "") for bar in bars)
