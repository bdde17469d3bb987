from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable

import pytest

from archviz.architecture.model import Architecture
from archviz.emit.dot_detailed import dot_from_detailed
from archviz.figure.detailed import build_detailed
from tests.emit.dot_grammar import parse_dot, shown
from tests.figure import zoo

MODELS: list[Callable[[], Architecture]] = [
    zoo.qwen35, zoo.llama, zoo.parallel, zoo.bert, zoo.t5, zoo.deepseek, zoo.nemotron, zoo.gemma3, zoo.hostile,
]  # fmt: skip


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_every_box_and_edge_of_the_view_is_there_once(make: Callable[[], Architecture]) -> None:
    graph = parse_dot(dot_from_detailed(make()))
    ledgers = build_detailed(make())
    boxes = [box.id for ledger in ledgers for box in ledger.diagram.boxes]
    assert sorted(graph.nodes) == sorted(boxes)
    edges = [(source, target) for source, target, values in graph.edges if values.get("style") != "dotted"]
    assert sorted(edges) == sorted((a.source, a.target) for ledger in ledgers for a in ledger.diagram.arrows)
    assert len(graph.clusters) == len(ledgers) + sum(len(ledger.frames) for ledger in ledgers)


def test_boxes_tell_shape_and_formula_and_repeats_stand_in_each_other() -> None:
    graph = parse_dot(dot_from_detailed(zoo.qwen35()))
    ledgers = build_detailed(zoo.qwen35())
    for ledger in ledgers:
        for name, formula in ledger.formulas.items():
            assert (formula.note or f"{formula.count:,}") in shown(graph.nodes[name]["label"])
        for name, shape in ledger.shapes.items():
            assert shape in shown(graph.nodes[name]["label"])
    frame = next(name for name, values in graph.clusters.items() if shown(values["label"]) == "15 ×")
    assert graph.parents[frame] == "cluster_flow0"


@pytest.mark.skipif(shutil.which("dot") is None, reason="no Graphviz program on PATH")
def test_graphviz_itself_lays_it_out() -> None:
    text = dot_from_detailed(zoo.deepseek())
    run = subprocess.run(["dot", "-Tplain"], input=text.encode(), capture_output=True, check=False)
    assert run.returncode == 0
    assert b"syntax error" not in run.stderr
