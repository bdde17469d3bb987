from __future__ import annotations

import re

import pytest

from archviz.architecture.model import Architecture
from archviz.comparison.comparing import compare
from archviz.descriptions import describe
from archviz.emit import svg
from archviz.errors import UsageError
from archviz.figure.display import Rect
from archviz.figure.lint import lint
from archviz.figure.model import Box, Column, LayerPanel, Repeat, Step
from archviz.figure.overview import build_overview
from archviz.figure.print_size import RATIO, smallest_in_print
from archviz.figure.theme import THEMES, theme
from archviz.figure.versus import draw_versus, unlike
from archviz.figure.versus_table import differences
from archviz.records import replace
from archviz.settings import Settings
from tests.figure.zoo import ZOO

PAIRS = [("llama", "qwen35"), ("gemma", "gemma3"), ("deepseek", "nemotron"), ("bert", "t5"), ("hostile", "llama")]


def _pair(one: str, other: str) -> list[Architecture]:
    return [ZOO[one](), ZOO[other]()]


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize("pair", PAIRS)
def test_two_models_stand_on_one_frame_without_a_hard_finding(pair: tuple[str, str], name: str) -> None:
    display = draw_versus(compare(_pair(*pair)), theme(name))
    assert [finding for finding in lint(display) if finding.severity == "hard"] == []
    towers = [group for group in display.groups() if group.role == "tower"]
    assert len(towers) == 2
    assert smallest_in_print(display) >= 6.5
    ids = [group.id for group in display.groups() if group.role in ("node", "edge", "layer")]
    assert len(ids) == len(set(ids))


def test_columns_of_unequal_width_both_stay_on_the_page() -> None:
    settings = Settings(offline=True)
    names = ("google/gemma-3-27b-it", "google/gemma-4-26B-A4B")  # branches side by side in the second
    display = draw_versus(compare([describe(name, settings=settings) for name in names]), theme("light"))
    assert [finding for finding in lint(display) if finding.severity == "hard"] == []


def test_columns_that_are_too_wide_for_print_show_less_of_their_layers() -> None:
    settings = Settings(offline=True)
    pair = [describe(name, settings=settings) for name in ("deepseek-ai/DeepSeek-V4-Flash", "zai-org/GLM-5")]
    display = draw_versus(compare(pair), theme("light"))
    assert smallest_in_print(display) >= 6.5
    assert [finding for finding in lint(display) if finding.severity == "hard"] == []


def test_a_table_without_room_below_the_columns_stands_on_a_further_page() -> None:
    settings = Settings(offline=True)
    for names in (("XiaomiMiMo/MiMo-V2-Flash", "google-t5/t5-small"), ("deepseek-ai/DeepSeek-V3", "zai-org/GLM-5")):
        comparison = compare([describe(name, settings=settings) for name in names])
        display = draw_versus(comparison, theme("light"))
        assert all(RATIO[0] <= display.width / tall <= RATIO[1] for _, tall in display.pages)
        listed = [group.title for group in display.groups() if group.id.startswith("difference/")]
        assert listed == [row.name for row in differences(comparison)]  # all of them, each once
        assert "2 of 2" in svg.emit(display).decode() or not display.breaks


def test_a_mark_keeps_off_the_head_for_further_tokens() -> None:
    settings = Settings(offline=True)
    pair = [describe(name, settings=settings) for name in ("deepseek-ai/DeepSeek-V3", "zai-org/GLM-4.5")]
    display = draw_versus(compare(pair), theme("light"))
    rings = {group.id: group.items[0] for group in display.groups() if group.role == "mark"}
    head, further = (
        next(ring for name, ring in rings.items() if name.endswith(end)) for end in ("lm_head", "beyond/text")
    )
    assert isinstance(head, Rect)
    assert isinstance(further, Rect)
    assert further.y + further.height < head.y
    assert [finding for finding in lint(display) if finding.rule == "mark-overlap"] == []
    assert "stated by the configuration alone" in svg.emit(display).decode()  # why its border is dashed


def test_as_few_boxes_are_marked_as_can_be() -> None:
    def column(labels: str) -> Column:
        return Column("c", "", tuple(Box(f"{place}{label}", "linear", label) for place, label in enumerate(labels)))

    # The longest run of both is "xyz", but "abcd" leaves fewer without a match.
    assert unlike(column("xyzabcd"), column("abqcdxyz")) == ["0x", "1y", "2z"]
    assert unlike(column("abqcdxyz"), column("xyzabcd")) == ["2q", "5x", "6y", "7z"]


def test_a_head_that_is_tied_says_so_in_a_comparison() -> None:
    model = ZOO["gemma3"]()
    drawn = svg.emit(draw_versus(compare([model, ZOO["llama"]()]), theme("light"))).decode()
    assert ("tied to the embedding" in drawn) == any(build_overview(model).columns[-1].tied or ())


def test_what_differs_is_listed_and_marked_and_what_is_equal_is_not() -> None:
    one, other = _pair("llama", "llama")
    same = draw_versus(compare([one, other]), theme("light"))
    assert not [group for group in same.groups() if group.role == "mark"]
    other.blocks[0].nodes[2].details = ["64 Q / 8 KV heads"]
    other.facts[0].value = 8192
    comparison = compare([one, other])
    assert [(row.name, row.values) for row in differences(comparison)] == [("hidden size", ("4,096", "8,192"))]
    display = draw_versus(comparison, theme("light"))
    marks = [group.id for group in display.groups() if group.role == "mark"]
    assert [mark.split("/")[1] for mark in marks] == ["a", "b"]
    assert ">8,192<" in svg.emit(display).decode()


def test_a_figure_shows_two_models_and_no_more() -> None:
    with pytest.raises(UsageError, match="two models"):
        draw_versus(compare([ZOO[name]() for name in ("llama", "bert", "t5")]), theme("light"))


def test_a_norm_that_the_other_lacks_is_marked_where_it_stands() -> None:
    column = build_overview(ZOO["llama"]()).columns[-1]
    panel = next(step for step in _panels(column.steps) if step.diagram)
    assert panel.diagram is not None
    norms = [box for box in panel.diagram.boxes if box.role == "norm"]
    fewer = replace(panel.diagram, boxes=tuple(box for box in panel.diagram.boxes if box is not norms[-1]))
    other = replace(column, steps=tuple(_swapped(step, panel, replace(panel, diagram=fewer)) for step in column.steps))
    assert unlike(column, other) == [norms[-1].id]
    assert unlike(other, column) == []


def _panels(steps: tuple[Step, ...]) -> list[LayerPanel]:
    found: list[LayerPanel] = []
    for step in steps:
        found += [step] if isinstance(step, LayerPanel) else _panels(step.items) if isinstance(step, Repeat) else []
    return found


def _swapped(step: Step, old: LayerPanel, new: LayerPanel) -> Step:
    if isinstance(step, Repeat):
        items = tuple(new if item is old else item for item in step.items)
        return replace(step, items=items)
    return new if step is old else step


def test_long_names_are_told_in_full_at_the_top_and_above_each_column() -> None:
    names = ("nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16", "RedHatAI/Llama-4-Scout-17B-16E-Instruct-FP8-dynamic")
    models = [describe(name, settings=Settings(offline=True)) for name in names]
    content = svg.emit(draw_versus(compare(models), theme("light"))).decode()
    assert "NVIDIA-Nemotron-3-Nano-30B-A3B-BF16 and Llama-4-Scout-17B-16E-Instruct-FP8-dynamic" in content
    words = re.sub(r"<[^>]+>", "|", content)
    for line in ("NVIDIA-Nemotron-3-", "Nano-30B-A3B-BF16", "Llama-4-Scout-17B-16E-", "Instruct-FP8-dynamic"):
        assert f"|{line}|" in words


def test_the_column_is_the_tower_that_the_facts_below_are_of() -> None:
    models = [
        describe(name, settings=Settings(offline=True))
        for name in ("openai/whisper-tiny", "openai/clip-vit-base-patch32")
    ]
    content = svg.emit(draw_versus(compare(models), theme("light"))).decode()
    assert "text_projection" in content
    assert "visual_projection" not in content
