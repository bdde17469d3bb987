"""Towers as columns."""

from __future__ import annotations

import pytest

from archviz.descriptions import describe
from archviz.figure import draw_view
from archviz.figure.columns import column_step
from archviz.figure.display import Circle, Path, Rect
from archviz.figure.model import Merge
from archviz.settings import Settings


def test_a_table_of_positions_stands_beside_the_sum_that_adds_it() -> None:
    display, _ = draw_view(describe("openai-community/gpt2", settings=Settings(offline=True)))
    groups = {group.id.rpartition("/")[2]: group for group in display.groups() if group.role == "node"}
    sign, table, token = (groups[name] for name in ("transformer_wpe_joins", "transformer_wpe", "transformer_wte"))
    circle = next(item for item in sign.items if isinstance(item, Circle))
    box = next(item for item in table.items if isinstance(item, Rect))
    below = next(item for item in token.items if isinstance(item, Rect))
    assert box.x + box.width < circle.cx - circle.r
    assert box.y < circle.cy < box.y + box.height < below.y
    assert abs(below.x + below.width / 2 - circle.cx) < 0.5  # both on the spine
    assert [step.box.label for step in merges("openai-community/gpt2")] == ["Position embedding"]


def test_a_concatenation_is_said_in_the_box_beside_its_sign() -> None:
    (merge,) = merges("meta-llama/Llama-3.2-11B-Vision-Instruct")
    assert (merge.sign.label, merge.sign.shape, merge.box.details) == ("‖", "round", ("1280", "concat"))


def merges(model: str) -> list[Merge]:
    architecture = describe(model, settings=Settings(offline=True))
    steps = [column_step(item, "t") for tower in architecture.towers for item in tower.column if item.node]
    return [step for step in steps if isinstance(step, Merge)]


@pytest.mark.parametrize("model", ["google/gemma-3-27b-it", "openai/whisper-tiny"])
def test_the_output_of_a_small_tower_is_one_line_up_to_where_it_is_read(model: str) -> None:
    display, _ = draw_view(describe(model, settings=Settings(offline=True)))
    small = {"google/gemma-3-27b-it": "vision", "openai/whisper-tiny": "encoder"}[model]
    groups = {group.id: group for group in display.groups()}
    assert f"{small}/leave" not in groups  # which would begin behind the title
    out, feed = (
        next(item for item in groups[name].items if isinstance(item, Path))
        for name in (f"{small}/out", f"feed/{small}")
    )
    assert len({x for x, _ in out.points}) == 1
    assert out.points[-1] == feed.points[0]
    if small == "encoder":  # straight up, then into the box beside it
        assert len({point[0] for point in feed.points[:-1]}) == 1
