from __future__ import annotations

import re
from itertools import pairwise

import pytest

from archviz.descriptions import describe
from archviz.emit import svg
from archviz.errors import UsageError
from archviz.figure import draw_view
from archviz.figure.column_art import ColumnArt
from archviz.figure.detailed import build_detailed
from archviz.figure.display import Rect, Text
from archviz.figure.fonts import measure
from archviz.figure.model import Box, Column
from archviz.figure.params import build_sizes
from archviz.figure.theme import LIGHT
from archviz.figure.views import VIEWS
from archviz.formats import VIEWS as NAMED
from archviz.settings import Settings
from tests.figure.zoo import ZOO

SHOWN = ("overview", "detailed", "params")


def test_the_command_line_names_the_views_that_there_are() -> None:
    assert tuple(VIEWS) == NAMED


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("view", SHOWN)
@pytest.mark.parametrize("name", ZOO)
def test_every_sample_is_drawn_in_every_view_without_a_hard_finding(name: str, view: str, theme: str) -> None:
    _, findings = draw_view(ZOO[name](), view, theme=theme)
    assert [finding for finding in findings if finding.severity == "hard"] == []


@pytest.mark.parametrize("name", ZOO)
def test_every_module_is_drawn_without_a_hard_finding_and_each_node_once(name: str) -> None:
    model = ZOO[name]()
    for block in model.blocks:
        display, findings = draw_view(model, "module", module=block.module)
        assert [finding for finding in findings if finding.severity == "hard"] == []
        drawn = [group.id for group in display.groups() if group.role == "node"]
        assert len(drawn) == len(set(drawn))
        assert {f"{block.id}/{node.id}" for node in block.nodes} <= set(drawn)


@pytest.mark.parametrize("name", ZOO)
def test_the_detailed_view_draws_each_node_and_edge_of_its_ledgers_once(name: str) -> None:
    model = ZOO[name]()
    display, _ = draw_view(model, "detailed")
    drawn = sorted(group.id for group in display.groups() if group.role in ("node", "edge"))
    diagrams = [ledger.diagram for ledger in build_detailed(model)]
    assert drawn == sorted(thing.id for each in diagrams for thing in (*each.boxes, *each.arrows))


@pytest.mark.parametrize("name", [name for name in ZOO if name != "hostile"])
def test_the_bars_are_as_long_as_the_logarithm_of_what_the_architecture_counts(name: str) -> None:
    model = ZOO[name]()
    counts = {node.parameters for block in model.blocks for node in block.nodes}
    counts |= {item.node.parameters for tower in model.towers for item in tower.column if item.node}
    bars = [bar for group in build_sizes(model).groups for bar in group.bars]
    assert all(bar.count in counts or bar.label == "tensors of no box" for bar in bars)
    text = svg.emit(draw_view(model, "params")[0]).decode()
    assert all(f">{bar.count:,}<" in text for bar in bars if not bar.tied)


def test_a_module_that_is_not_known_names_some_that_are() -> None:
    with pytest.raises(UsageError, match="no data flow is known") as caught:
        draw_view(ZOO["llama"](), "module", module="model.layers.0.self_atn")
    assert "such as" in str(caught.value)
    with pytest.raises(UsageError, match="needs the path"):
        draw_view(ZOO["llama"](), "module")


def test_an_unknown_view_names_those_there_are() -> None:
    with pytest.raises(UsageError, match=re.escape("no view 'plan'")) as caught:
        draw_view(ZOO["llama"](), "plan")
    assert "overview, detailed, module, params" in str(caught.value)


@pytest.mark.parametrize("view", SHOWN)
def test_hostile_labels_stay_text_in_every_view(view: str) -> None:
    text = svg.emit(draw_view(ZOO["hostile"](), view)[0]).decode()
    assert "<script" not in text
    assert "\x00" not in text


def test_numbers_of_bars_stand_on_ground_of_their_own_not_on_the_lines_of_the_scale() -> None:
    display, _ = draw_view(describe("Qwen/Qwen3-0.6B", settings=Settings(offline=True)), "params")
    pairs = [pair for group in display.groups() if group.role == "bar" for pair in pairwise(group.items)]
    numbers = [(before, item) for before, item in pairs if isinstance(item, Text) and item.runs[0].weight == 600]
    assert len(numbers) > 5
    for before, item in numbers:
        assert isinstance(before, Rect)
        assert before.x < item.x
        assert before.x + before.width > item.x + measure(item.runs[0].text, 13, 600)


def test_a_head_of_its_own_has_its_own_colour_and_a_tied_one_is_dashed() -> None:
    own, tied = "Qwen/Qwen3-14B", "Qwen/Qwen3-0.6B"
    for name, component in ((own, "head"), (tied, "embedding")):
        sizes = build_sizes(describe(name, settings=Settings(offline=True)))
        bar = next(bar for group in sizes.groups for bar in group.bars if bar.label == "lm_head")
        assert (bar.component, bool(bar.tied)) == (component, name == tied)
    assert LIGHT.component("head") != LIGHT.component("embedding")


def test_the_title_of_a_narrow_tower_has_its_room_beside_the_output() -> None:
    embedding = Box("embedding", "embedding", "Embed", ())
    column = Column("t", "Text model of mine", (embedding,), subtitle="41.6M parameters")
    art = ColumnArt(column, LIGHT)
    drawn = art.draw(300.0, 400.0)
    words = [item.runs[0].text for item in drawn.items if isinstance(item, Text)]
    assert words == ["Text model of mine", "41.6M parameters"]
    assert art.left > measure(words[0], 14.5, 700) + 14


def test_bars_of_towers_stand_in_order_of_execution_the_last_on_top() -> None:
    settings = Settings(offline=True)
    for name, first, last in (
        ("openai/whisper-tiny", "Encoder: input", "Decoder: output"),
        ("llava-hf/llava-1.5-7b-hf", "Vision encoder: input", "Text decoder: output"),
    ):
        titles = [group.title for group in build_sizes(describe(name, settings=settings)).groups]
        assert (titles[0], titles[-1]) == (first, last)
        display, _ = draw_view(describe(name, settings=settings), "params")
        panels = [group.title for group in display.groups() if group.role == "panel" and group.id.startswith("bars/")]
        assert (panels[-1], panels[0]) == (first, last)


@pytest.mark.parametrize(
    ("model", "tower", "shapes"),
    [
        ("deepseek-ai/DeepSeek-V4-Flash", "text", ["[B, S, m, d]"] * 4 + ["[B, S, d]", "[B, S, d]", "[B, S, V]"]),
        ("openai/clip-vit-base-patch32", "vision", ["[B, S, vision.d]"]),  # its last norm reads one token of each image
    ],
)
def test_the_column_of_the_detailed_view_has_shapes(model: str, tower: str, shapes: list[str]) -> None:
    columns = {ledger.id: ledger for ledger in build_detailed(describe(model, settings=Settings(offline=True)))}
    assert list(columns[f"ledger/column/{tower}"].shapes.values()) == shapes


def test_the_detailed_view_has_the_head_for_further_tokens_beside_the_last_box_as_the_configuration_states_it() -> None:
    column = build_detailed(describe("deepseek-ai/DeepSeek-V4-Flash", settings=Settings(offline=True)))[0].diagram
    head = next(box for box in column.boxes if box.label == "MTP")
    arrow = next(arrow for arrow in column.arrows if arrow.target == head.id)
    assert (head.status, arrow.status) == ("config", "config")
    assert next(box.label for box in column.boxes if box.id == arrow.source) == "Final RMSNorm"
    plain = build_detailed(describe("Qwen/Qwen3-0.6B", settings=Settings(offline=True)))[0].diagram
    assert all(box.label != "MTP" for box in plain.boxes)


def test_the_detailed_view_calls_what_the_encoder_gives_as_the_overview_does() -> None:
    whisper = describe("openai/whisper-tiny", settings=Settings(offline=True))
    layers = {each.title: each for each in build_detailed(whisper) if "/layer/" in each.id}
    read = [
        box.label for box in layers["Attention + Cross attention + MLP (GELU)"].diagram.boxes if box.role == "input"
    ]
    assert read == ["Input", "Encoder output"]
    drafter = build_detailed(describe("transformers:muse_glimmer_assistant", settings=Settings(offline=True)))
    given = [box.label for each in drafter if "/layer/" in each.id for box in each.diagram.boxes if box.role == "input"]
    assert given == ["Input", "Second input"]  # a projection beside the stream gives it, not a tower
