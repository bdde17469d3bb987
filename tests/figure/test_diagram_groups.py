from __future__ import annotations

from archviz.architecture.model import BlockNode
from archviz.figure.diagram_groups import group_by_depth, node_name, skipping_edges
from tests.figure.samples import graph

GATED = graph(
    "g",
    "Gated MLP",
    """x:input:x
    gate_proj:projection:gate_proj|4 → 8
    up_proj:projection:up_proj|4 → 8
    act:activation:SiLU
    mul:multiply:×
    down_proj:projection:down_proj|8 → 4
    add:residual_add:+""",
    "x>gate_proj x>up_proj gate_proj>act act>mul up_proj>mul mul>down_proj down_proj>add x~add",
)


def names(groups: list[tuple[BlockNode, ...]]) -> list[list[str]]:
    return [[node_name(node) for node in group] for group in groups]


def test_nodes_of_equal_depth_share_a_group() -> None:
    assert names(group_by_depth(GATED)) == [
        ["x"], ["gate_proj", "up_proj"], ["SiLU"], ["Multiply"], ["down_proj"], ["Residual add"],
    ]  # fmt: skip


def test_edges_that_skip_a_block_are_told() -> None:
    groups = group_by_depth(GATED)
    assert list(skipping_edges(GATED, groups)) == [("up_proj", "mul", None), ("x", "add", "residual")]


def test_every_group_feeds_the_next() -> None:
    groups = group_by_depth(GATED)
    level = {node.id: number for number, group in enumerate(groups) for node in group}
    steps = {(level[edge.source], level[edge.target]) for edge in GATED.edges}
    assert {(number, number + 1) for number in range(len(groups) - 1)} <= steps


def test_an_edge_backwards_does_not_loop() -> None:
    loop = graph("l", "Loop", "a:other:a\nb:other:b", "a>b b>a")
    assert names(group_by_depth(loop)) == [["a"], ["b"]]
