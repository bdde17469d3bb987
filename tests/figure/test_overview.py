from __future__ import annotations

from dataclasses import replace

import pytest

from archviz.emit import svg
from archviz.figure import draw_overview
from archviz.figure.columns import MAX_BOXES
from archviz.figure.display import Rect
from archviz.figure.fitting import fitted_page
from archviz.figure.model import Figure, LayerPanel, Repeat, Step, column_boxes, diagrams
from archviz.figure.overview import build_overview
from archviz.figure.theme import LIGHT
from tests.figure.zoo import ZOO

NAMES = [name for name in ZOO if name != "hostile"]


def _panels(steps: tuple[Step, ...]) -> list[LayerPanel]:
    found: list[LayerPanel] = []
    for step in steps:
        found += _panels(step.items) if isinstance(step, Repeat) else [step] if isinstance(step, LayerPanel) else []
    return found


def _titles(figure: Figure) -> list[str]:
    return [panel.title for column in figure.columns for panel in _panels(column.steps)]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_every_sample_is_drawn_without_a_finding(name: str, theme: str) -> None:
    _, findings = draw_overview(ZOO[name](), theme=theme)
    assert findings == []


@pytest.mark.parametrize("name", NAMES)
def test_every_node_and_edge_of_the_shown_figure_is_drawn_exactly_once(name: str) -> None:
    architecture = ZOO[name]()
    display, _ = draw_overview(architecture)
    drawn = [group.id for group in display.groups() if group.role in ("node", "edge")]
    assert len(drawn) == len(set(drawn))
    figure = fitted_page(architecture, LIGHT).figure
    shown = [thing.id for diagram in diagrams(figure) for thing in (*diagram.boxes, *diagram.arrows)]
    assert sorted(set(shown) - set(drawn)) == []
    for inset in figure.insets:
        block = architecture.block(inset.id.removeprefix("inset/"))
        assert block is not None
        own = [group for group in drawn if group.startswith(f"{block.id}/")]
        nodes = {f"{block.id}/{node.id}" for node in block.nodes}
        edges = {f"{block.id}/{edge.source}~{edge.target}" for edge in block.edges}
        assert sorted(own) == sorted(nodes | edges)


@pytest.mark.parametrize("name", NAMES)
def test_every_layer_kind_is_drawn_in_full_once(name: str) -> None:
    architecture = ZOO[name]()
    figure = build_overview(architecture)
    for stack in architecture.layers:
        for kind in stack.kinds:
            block = architecture.block(kind.block)
            assert block is not None
            diagrams = [
                panel.diagram
                for column in figure.columns
                for panel in _panels(column.steps)
                if panel.diagram and panel.diagram.boxes[0].id.endswith(f"/{block.id}/{block.nodes[0].id}")
            ]
            beside = sum(node.role == "input" for node in block.nodes) - 1
            assert [len(diagram.boxes) for diagram in diagrams] == [len(block.nodes) - beside]


def test_every_mixer_and_feed_forward_has_one_inset_that_its_boxes_name() -> None:
    figure = build_overview(ZOO["qwen35"]())
    assert [inset.title for inset in figure.insets] == [
        "Mixture of experts", "Gated attention", "Gated DeltaNet", "MLP", "Vision attention",
    ]  # fmt: skip
    zooms = {box.label: box.zoom for column in figure.columns for box in column_boxes(column.steps) if box.zoom}
    assert zooms["Gated DeltaNet"] == "inset/deltanet"
    assert zooms["MoE"] == "inset/moe"


def test_the_repeat_is_nested_and_its_unit_shows_each_layer() -> None:
    figure = build_overview(ZOO["qwen35"]())
    repeat = next(step for step in figure.columns[-1].steps if isinstance(step, Repeat))
    assert repeat.times == 15
    assert [(panel.times, panel.title) for panel in _panels(repeat.items)] == [
        (3, "Gated DeltaNet + MoE"),
        (1, "Gated attention + MoE"),
    ]
    strip = figure.strips[0]
    assert (strip.times, len(strip.unit), len(set(strip.unit))) == (15, 4, 2)
    assert strip.unit[:3] == (strip.unit[0],) * 3
    assert len(strip.cells) == 60
    assert strip.cells[:4] == strip.unit


def test_a_kind_that_comes_again_is_a_slim_bar() -> None:
    panels = _panels(build_overview(ZOO["gemma3"]()).columns[0].steps)
    assert [(panel.times, panel.diagram is None) for panel in panels] == [(5, False), (1, False), (4, True)]


def test_a_repeat_inside_a_repeat_is_drawn_inside_of_it() -> None:
    figure = build_overview(ZOO["nested"]())
    outer = next(step for step in figure.columns[0].steps if isinstance(step, Repeat))
    inner = next(item for item in outer.items if isinstance(item, Repeat))
    assert (outer.times, inner.times, len(inner.items)) == (4, 3, 2)
    frames = {
        group.id: group.items[0] for group in draw_overview(ZOO["nested"]())[0].groups() if group.role == "repeat"
    }
    wide, narrow = frames[outer.id], frames[inner.id]
    assert isinstance(wide, Rect)
    assert isinstance(narrow, Rect)
    assert wide.x < narrow.x
    assert wide.y < narrow.y
    assert figure.strips[0].unit == (figure.strips[0].unit[0], *figure.strips[0].unit[1:3] * 3)


def test_hostile_names_give_no_hard_finding() -> None:
    _, findings = draw_overview(ZOO["hostile"]())
    assert {finding.rule for finding in findings} <= {"missing-glyph", "cut-text"}


def test_an_irregular_order_is_told_by_the_strip_alone() -> None:
    figure = build_overview(ZOO["nemotron"]())
    frame = next(step for step in figure.columns[0].steps if isinstance(step, Repeat))
    assert not frame.ordered
    assert sorted(panel.times for panel in _panels(frame.items)) == [6, 23, 23]
    assert len(figure.strips[0].cells) == 52


def test_what_a_layer_reads_beside_the_stream_stands_beside_it() -> None:
    figure = build_overview(ZOO["t5"]())
    side = next(side for side in figure.sides if side.box.role == "input")
    assert side.box.label == "Encoder output"
    assert [target.rsplit("/", 1)[-1] for target in side.targets] == ["cross"]
    display, _ = draw_overview(ZOO["t5"]())
    assert any(group.id == "feed/encoder" for group in display.groups())


def test_norms_stand_where_the_graph_has_them() -> None:
    labels = {
        name: [box.label for box in column_boxes(build_overview(ZOO[name]()).columns[-1].steps)] for name in NAMES
    }
    assert labels["bert"][4:9] == ["Self-attention", "+", "LayerNorm", "MLP", "+"]
    assert labels["gemma"][4:7] == ["RMSNorm (1 + w)", "Sliding attention", "RMSNorm (1 + w)"]


def test_a_column_has_at_most_forty_boxes_in_panels() -> None:
    for name in NAMES:
        for column in build_overview(ZOO[name]()).columns:
            boxes = [box for box in column_boxes(column.steps) if box.shape == "box"]
            assert len(boxes) <= MAX_BOXES + 6  # the ends of the column


def test_gaps_and_sizes_are_told() -> None:
    display, _ = draw_overview(ZOO["nemotron"]())
    text = svg.emit(display).decode()
    assert "kernel mamba_chunk_scan is not interpreted" in text
    assert "31,577,940,288" in text
    assert "3.58B" in text


def test_an_empty_architecture_still_gives_a_page() -> None:
    empty = replace(ZOO["llama"](), towers=[], layers=[], blocks=[], facts=[])
    display, findings = draw_overview(empty)
    assert display.width > 0
    assert [finding for finding in findings if finding.severity == "hard"] == []


def test_statuses_are_dashed_and_explained() -> None:
    architecture = ZOO["llama"]()
    architecture.blocks[1].nodes[1].status = "unverified"
    display, _ = draw_overview(architecture)
    text = svg.emit(display).decode()
    assert "not verified" in text
    assert "stroke-dasharray" in next(line for line in text.splitlines() if 'stroke="#a33b00"' in line)
