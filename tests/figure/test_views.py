from __future__ import annotations

import re

import pytest

from archviz.emit import svg
from archviz.errors import UsageError
from archviz.figure import draw_view
from archviz.figure.detailed import build_detailed
from archviz.figure.params import build_sizes
from archviz.figure.views import VIEWS
from archviz.formats import VIEWS as NAMED
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
