"""Layers of a data-flow graph: which node stands on which level, and in which order from left to right.

Longest-path layering, virtual vertices for long edges, crossing reduction by barycentre (Sugiyama, Tagawa, Toda 1981).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from archviz.records import field, record

_SWEEPS = 12


@record
class Layering:
    """A proper layered graph: every edge joins neighbouring layers.

    Vertices below `real` are the nodes given, the others are virtual. `order[0]` is the lowest layer. `chains[edge]`
    are the vertices of an edge from its lower to its upper end; an edge that goes against the flow is in `reversed`.
    """

    real: int
    order: list[list[int]]
    level: list[int]
    above: dict[int, list[int]] = field(default_factory=dict)
    below: dict[int, list[int]] = field(default_factory=dict)
    chains: dict[int, list[int]] = field(default_factory=dict)
    reversed: set[int] = field(default_factory=set)

    def position(self) -> dict[int, int]:
        """Place of each vertex in its layer."""
        return {vertex: place for layer in self.order for place, vertex in enumerate(layer)}


def layer(count: int, edges: Sequence[tuple[int, int]], apart: Sequence[bool], beside: set[int]) -> Layering:
    """Layers and their order.

    Args:
        count: Number of nodes.
        edges: Pairs (source, target) of node numbers; a cycle is broken at its edge back.
        apart: Per node, whether its outgoing edges carry different tensors and so must not share a virtual vertex.
        beside: Edges that are routed outside of the layers: they hold the levels apart, but take no place in them.
    """
    backward = _backward_edges(count, edges)
    upward = [(b, a) if index in backward else (a, b) for index, (a, b) in enumerate(edges)]
    level = _levels(count, [pair for pair in upward if pair[0] != pair[1]])
    result = Layering(count, [[] for _ in range(max(level, default=-1) + 1)], level, reversed=backward)
    for vertex in range(count):
        result.order[level[vertex]].append(vertex)
    shared: dict[tuple[int, int, int], int] = {}
    for index, (low, high) in enumerate(upward):
        if low != high and index not in beside:
            key = index if apart[low] or index in backward else -1
            result.chains[index] = _chain(result, low, high, key, shared)
    _link(result)
    _reduce_crossings(result)
    return result


def _backward_edges(count: int, edges: Sequence[tuple[int, int]]) -> set[int]:
    """Edges that close a cycle, found depth first in node order."""
    leaving: dict[int, list[int]] = defaultdict(list)
    for index, (source, _) in enumerate(edges):
        leaving[source].append(index)
    state = [0] * count  # 0 unseen, 1 on the path, 2 done
    backward: set[int] = set()
    for start in range(count):
        path = [(start, iter(leaving[start]))] if state[start] == 0 else []
        state[start] = state[start] or 1
        while path:
            vertex, rest = path[-1]
            onward = next(rest, None)
            if onward is None:
                state[vertex] = 2
                path.pop()
                continue
            target = edges[onward][1]
            if state[target] == 1 and target != vertex:
                backward.add(onward)
            elif state[target] == 0:
                state[target] = 1
                path.append((target, iter(leaving[target])))
    return backward


def _levels(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """Longest path from the sources; a source that is not the first node stands right below what reads it."""
    leaving: dict[int, list[int]] = defaultdict(list)
    entering = [0] * count
    for source, target in edges:
        leaving[source].append(target)
        entering[target] += 1
    sources = [vertex for vertex in range(count) if entering[vertex] == 0]
    level = [0] * count
    ready = list(sources)
    while ready:
        vertex = ready.pop(0)
        for target in leaving[vertex]:
            level[target] = max(level[target], level[vertex] + 1)
            entering[target] -= 1
            if entering[target] == 0:
                ready.append(target)
    for vertex in sources:
        if vertex != 0 and leaving[vertex]:
            level[vertex] = min(level[target] for target in leaving[vertex]) - 1
    return level


def _chain(graph: Layering, low: int, high: int, key: int, shared: dict[tuple[int, int, int], int]) -> list[int]:
    chain = [low]
    for height in range(graph.level[low] + 1, graph.level[high]):
        vertex = shared.get((low, key, height))
        if vertex is None:
            vertex = shared[low, key, height] = len(graph.level)
            graph.level.append(height)
            graph.order[height].append(vertex)
        chain.append(vertex)
    return [*chain, high]


def _link(graph: Layering) -> None:
    above: dict[int, list[int]] = {vertex: [] for vertex in range(len(graph.level))}
    below: dict[int, list[int]] = {vertex: [] for vertex in range(len(graph.level))}
    for chain in graph.chains.values():
        for low, high in pairwise(chain):
            if high not in above[low]:
                above[low].append(high)
                below[high].append(low)
    graph.above, graph.below = above, below


def _reduce_crossings(graph: Layering) -> None:
    best, fewest = [list(layer) for layer in graph.order], crossings(graph)
    for sweep in range(_SWEEPS):
        if fewest == 0:
            break
        upwards = sweep % 2 == 0
        _sweep(graph, upwards)
        _transpose(graph)
        count = crossings(graph)
        if count < fewest:
            best, fewest = [list(layer) for layer in graph.order], count
    graph.order = best


def _sweep(graph: Layering, upwards: bool) -> None:
    heights = range(1, len(graph.order)) if upwards else range(len(graph.order) - 2, -1, -1)
    neighbours = graph.below if upwards else graph.above
    for height in heights:
        fixed = {vertex: place for place, vertex in enumerate(graph.order[height - 1 if upwards else height + 1])}
        layer = graph.order[height]
        weight = {vertex: float(place) for place, vertex in enumerate(layer)}
        for vertex in layer:
            places = [fixed[other] for other in neighbours[vertex]]
            if places:
                weight[vertex] = sum(places) / len(places)
        layer.sort(key=weight.__getitem__)  # stable: equal weights keep the order of execution


def _transpose(graph: Layering) -> None:
    for height, layer in enumerate(graph.order):
        places = graph.position()
        for left in range(len(layer) - 1):
            one, other = layer[left], layer[left + 1]
            if _pair_crossings(graph, other, one, places) < _pair_crossings(graph, one, other, places):
                graph.order[height][left], graph.order[height][left + 1] = other, one
                places[one], places[other] = left + 1, left


def _pair_crossings(graph: Layering, left: int, right: int, places: dict[int, int]) -> int:
    """Crossings between the edges of two vertices of a layer if `left` stood left of `right`."""
    return sum(
        places[a] > places[b]
        for neighbours in (graph.above, graph.below)
        for a in neighbours[left]
        for b in neighbours[right]
    )


def crossings(graph: Layering) -> int:
    """Number of edge crossings of the present order."""
    places = graph.position()
    total = 0
    for layer in graph.order:
        ends = [sorted(places[high] for high in graph.above[low]) for low in layer]
        for left, one in enumerate(ends):
            total += sum(a > b for other in ends[left + 1 :] for a in one for b in other)
    return total
