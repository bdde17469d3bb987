"""A data-flow graph as a stack: its nodes by depth, and the edges that skip a depth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archviz.architecture.model import BlockGraph, BlockNode

_SIGNS = {"residual_add": "Residual add", "add": "Add", "multiply": "Multiply", "scale": "Scale"}


def node_name(node: BlockNode) -> str:
    """What a box is called in writing: its label, or words for a bare sign such as ⊕."""
    if any(char.isalnum() for char in node.label):
        return node.label
    return _SIGNS.get(node.role, node.code_name or node.label or node.role)


def group_by_depth(graph: BlockGraph) -> list[tuple[BlockNode, ...]]:
    """The nodes by their depth, each group in order of execution; a node feeds only groups after its own, and every group feeds the next.

    Nodes stand just before what reads them (so q_norm stands with k_norm); those that read the graph's inputs alone, and
    those that nothing reads, as early as they can.
    """
    depth = _late(graph, _depths(graph))
    groups: dict[int, list[BlockNode]] = {}
    for node in graph.nodes:
        groups.setdefault(depth[node.id], []).append(node)
    return [tuple(groups[level]) for level in sorted(groups)]


def _depths(graph: BlockGraph) -> dict[str, int]:
    """Longest way to each node; nodes stand in order of execution, so an edge backwards (a state) does not count."""
    depth = {node.id: 0 for node in graph.nodes}
    for source, target in _forward(graph):
        depth[target] = max(depth[target], depth[source] + 1)
    return depth


def _forward(graph: BlockGraph) -> list[tuple[str, str]]:
    """The edges along the order of execution, sorted by their target."""
    place = {node.id: number for number, node in enumerate(graph.nodes)}
    edges = [(edge.source, edge.target) for edge in graph.edges if edge.source in place and edge.target in place]
    return sorted((edge for edge in edges if place[edge[0]] < place[edge[1]]), key=lambda edge: place[edge[1]])


def _late(graph: BlockGraph, early: dict[str, int]) -> dict[str, int]:
    late: dict[str, int] = {}
    forward = _forward(graph)
    for node in reversed(graph.nodes):
        readers = [late[target] for source, target in forward if source == node.id]
        late[node.id] = min(readers) - 1 if readers and early[node.id] > 1 else early[node.id]
    return late


def skipping_edges(graph: BlockGraph, groups: Sequence[Sequence[BlockNode]]) -> Iterator[tuple[str, str, str | None]]:
    """Edges that the order of the groups does not show: source, target, label; one for each pair of groups."""
    level = {node.id: number for number, group in enumerate(groups) for node in group}
    seen: set[tuple[int, int]] = set()
    for edge in graph.edges:
        if edge.source not in level or edge.target not in level:
            continue
        pair = (level[edge.source], level[edge.target])
        if pair[1] - pair[0] == 1 or pair in seen:
            continue
        seen.add(pair)
        yield edge.source, edge.target, edge.label or ("residual" if edge.residual else None)
