from __future__ import annotations

from collections.abc import Callable

import pytest

from archviz.architecture.model import Architecture, BlockEdge, Fact
from archviz.architecture.spec import check_architecture
from tests.architecture.test_build import build, dense

Break = Callable[[Architecture], None]


def total(a: Architecture) -> None:
    a.parameters.total += 1


def row(a: Architecture) -> None:
    a.parameters.breakdown[0].count += 1


def index(a: Architecture) -> None:
    a.layers[0].kinds[0].indices[0] = 7


def pattern(a: Architecture) -> None:
    a.layers[0].pattern[0].times += 1


def edge(a: Architecture) -> None:
    a.blocks[0].edges.append(BlockEdge(source="nowhere", target=a.blocks[0].nodes[-1].id))


def backwards(a: Architecture) -> None:
    a.blocks[0].edges[0].source, a.blocks[0].edges[0].target = a.blocks[0].edges[0].target, a.blocks[0].edges[0].source


def dangling(a: Architecture) -> None:
    a.blocks[0].edges.pop()


def twin(a: Architecture) -> None:
    a.blocks[0].nodes[1].id = a.blocks[0].nodes[0].id


def reference(a: Architecture) -> None:
    a.layers[0].kinds[0].mixer = "no/such/graph"


def active(a: Architecture) -> None:
    a.parameters.active = a.parameters.total + 1


def greedy(a: Architecture) -> None:
    a.blocks[0].nodes[0].parameters = a.blocks[0].parameters + 1


def unsupported(a: Architecture) -> None:
    a.facts.append(Fact(key="invented", value=1, status="config"))


def formula(a: Architecture) -> None:
    a.parameters.breakdown[0].formula = a.parameters.breakdown[0].numbers = "7"


BREAKS: list[tuple[Break, str]] = [
    (total, "tensors_sum_to_total"), (row, "rows_sum_to_parent"), (index, "indices_partition_layers"),
    (pattern, "indices_partition_layers"), (edge, "edges_flow_forward"), (backwards, "edges_flow_forward"),
    (dangling, "graphs_are_connected"), (twin, "ids_are_unique"), (reference, "references_resolve"),
    (active, "counts_are_bounded"), (greedy, "graphs_do_not_exceed_modules"), (unsupported, "facts_have_evidence"),
    (formula, "formulas_give_counts"),
]  # fmt: skip


@pytest.mark.parametrize("damage, rule", BREAKS, ids=[damage.__name__ for damage, _ in BREAKS])
def test_each_damage_is_caught_by_its_rule(damage: Break, rule: str) -> None:
    architecture = build(dense(3))
    damage(architecture)
    assert rule in {fault.partition(":")[0] for fault in check_architecture(architecture)}
