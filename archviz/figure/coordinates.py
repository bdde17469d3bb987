"""Horizontal places of the vertices of a layered graph, long edges straight.

Four extreme alignments and their median, after Brandes and Köpf, "Fast and Simple Horizontal Coordinate Assignment" (2001).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from archviz.figure.layering import Layering

Separation = Callable[[int, int], float]
_Layers = Sequence[Sequence[int]]


def horizontal(graph: Layering, separation: Separation) -> dict[int, float]:
    """Centre of every vertex in px, so that neighbours in a layer are at least `separation` apart.

    Args:
        separation: Smallest distance of the centres of two neighbours in a layer, in px.
    """
    marked = _crossed_segments(graph)
    layouts: list[dict[int, float]] = []
    for from_below in (True, False):
        for from_left in (True, False):
            layouts.append(_extreme(graph, separation, marked, from_below, from_left))
    return _balance(layouts)


def _crossed_segments(graph: Layering) -> set[tuple[int, int]]:
    """Segments (lower, upper) that cross the inside of a long edge; they give way to it."""
    places = graph.position()
    marked: set[tuple[int, int]] = set()
    for layer in graph.order:
        segments = [(low, high) for low in layer for high in graph.above[low]]
        inner = [(low, high) for low, high in segments if low >= graph.real and high >= graph.real]
        for low, high in segments:
            if (low, high) not in inner and any(
                (places[low] - places[a]) * (places[high] - places[b]) < 0 for a, b in inner
            ):
                marked.add((low, high))
    return marked


def _extreme(
    graph: Layering, separation: Separation, marked: set[tuple[int, int]], from_below: bool, from_left: bool
) -> dict[int, float]:
    layers: list[list[int]] = [list(layer) if from_left else list(reversed(layer)) for layer in graph.order]
    if not from_below:
        layers.reverse()
    neighbours = graph.below if from_below else graph.above
    free = {
        vertex: [
            other for other in neighbours[vertex] if ((other, vertex) if from_below else (vertex, other)) not in marked
        ]
        for layer in layers
        for vertex in layer
    }
    root = _align(layers, free)
    centres = _compact(layers, root, separation)
    return centres if from_left else {vertex: -centre for vertex, centre in centres.items()}


def _align(layers: _Layers, neighbours: Mapping[int, Sequence[int]]) -> dict[int, int]:
    """Joins vertices of successive layers into vertical blocks; gives each vertex the root of its block."""
    root = {vertex: vertex for layer in layers for vertex in layer}
    taken: set[int] = set()
    for before, layer in pairwise(layers):
        places = {vertex: place for place, vertex in enumerate(before)}
        last = -1
        for vertex in layer:
            others = sorted(neighbours[vertex], key=places.__getitem__)
            for middle in sorted({(len(others) - 1) // 2, len(others) // 2}) if others else ():
                other = others[middle]
                if root[vertex] == vertex and other not in taken and places[other] > last:
                    taken.add(other)
                    root[vertex] = root[other]
                    last = places[other]
    return root


def _compact(layers: _Layers, root: Mapping[int, int], separation: Separation) -> dict[int, float]:
    """Moves the blocks left as far as they go, then each right up to its nearest neighbour."""
    after: dict[int, dict[int, float]] = {block: {} for block in root.values()}
    before: dict[int, dict[int, float]] = {block: {} for block in root.values()}
    for layer in layers:
        for left, right in pairwise(layer):
            one, other, distance = root[left], root[right], separation(left, right)
            after[one][other] = before[other][one] = max(distance, after[one].get(other, 0.0))
    sequence = _topological(before, after)
    centre: dict[int, float] = {}
    for block in sequence:
        centre[block] = max((centre[other] + gap for other, gap in before[block].items()), default=0.0)
    for block in reversed(sequence):
        if after[block]:
            room = min(centre[other] - gap for other, gap in after[block].items())
            centre[block] = max(centre[block], room)
    return {vertex: centre[block] for vertex, block in root.items()}


def _topological(before: Mapping[int, Mapping[int, float]], after: Mapping[int, Mapping[int, float]]) -> list[int]:
    waiting = {block: len(others) for block, others in before.items()}
    sequence = [block for block, count in waiting.items() if count == 0]
    for block in sequence:
        for other in after[block]:
            waiting[other] -= 1
            if waiting[other] == 0:
                sequence.append(other)
    return sequence


def _balance(layouts: Sequence[Mapping[int, float]]) -> dict[int, float]:
    """The mean of the two middle places, after the layouts were moved onto the narrowest."""
    if not layouts[0]:
        return {}
    spans = [(min(layout.values()), max(layout.values())) for layout in layouts]
    narrow = min(range(len(layouts)), key=lambda index: spans[index][1] - spans[index][0])
    moved: list[dict[int, float]] = []
    for index, layout in enumerate(layouts):
        from_left = index % 2 == 0
        shift = spans[narrow][0] - spans[index][0] if from_left else spans[narrow][1] - spans[index][1]
        moved.append({vertex: centre + shift for vertex, centre in layout.items()})
    middle = {vertex: sorted(layout[vertex] for layout in moved)[1:3] for vertex in moved[0]}
    return {vertex: sum(pair) / 2 for vertex, pair in middle.items()}
