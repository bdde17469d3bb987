"""A clean, deterministic layout of any data-flow graph: bottom-up layers, rounded orthogonal wires, skips in side lanes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from archviz.figure.coordinates import horizontal
from archviz.figure.display import Point
from archviz.figure.layering import Layering, layer
from archviz.figure.routing import Extent, Net, Wiring, assign_tracks, bends, wire
from archviz.records import field, record

_LANE = 16.0
_HEAD, _STEM = 9.0, 4.0  # px above the wires of a narrow gap, for the heads of their arrows, and below them
_NAMED = 19.0  # px between two layers with words beside a wire


class Vertex(NamedTuple):
    """A node to place: size in px; `round` ones (⊕, ⊗) may be entered from the side, `apart` ones (a split) have a port per edge."""

    id: str
    width: float
    height: float
    round: bool = False
    apart: bool = False


class Link(NamedTuple):
    """An edge to route; a `skip` runs in a lane beside the layers where it can; a `named` one has words beside its end."""

    source: str
    target: str
    skip: bool = False
    named: bool = False


class Spacing(NamedTuple):
    """Distances in px: between boxes of a layer, between layers, between parallel wires."""

    across: float = 24.0
    between: float = 24.0
    track: float = 10.0


@record
class Placement:
    """Where everything is: left, top, width, height by node id; the points of each link in its order."""

    width: float
    height: float
    boxes: dict[str, tuple[float, float, float, float]] = field(default_factory=dict)
    routes: list[tuple[Point, ...]] = field(default_factory=list)

    def centre(self, node: str) -> Point:
        left, top, width, height = self.boxes[node]
        return (left + width / 2, top + height / 2)


@record(frozen=True)
class _Lane:
    """A skip beside the layers: which link, on which side, at which x."""

    link: int
    side: int
    x: float
    net: Net


def place(vertices: Sequence[Vertex], links: Sequence[Link], spacing: Spacing | None = None) -> Placement:
    """Places the vertices bottom-up in the direction of the links and routes every link."""
    return _placed(tuple(vertices), tuple(links), spacing or Spacing())


@lru_cache(maxsize=512)  # a figure is laid out several times until it fits its page
def _placed(vertices: tuple[Vertex, ...], links: tuple[Link, ...], spacing: Spacing) -> Placement:
    return _Layout(vertices, links, spacing).placement()


class _Layout:
    def __init__(self, vertices: Sequence[Vertex], links: Sequence[Link], spacing: Spacing) -> None:
        number = {vertex.id: index for index, vertex in enumerate(vertices)}
        self.vertices, self.links, self.spacing = vertices, links, spacing
        self.edges = [(number[link.source], number[link.target]) for link in links]
        self.apart = [vertex.apart for vertex in vertices]

    def placement(self) -> Placement:
        graph, beside = self._layers()
        self.graph = graph
        self.extents = self._extents(graph)
        self.wiring = wire(graph, self.extents, self.apart)
        lanes = self._lanes(graph, beside)
        for nets in self.wiring.nets:
            assign_tracks(nets)
        self.tops, height = self._tops()
        routes = [self._route(index) for index in range(len(self.links))]
        for lane in lanes:
            routes[lane.link] = self._lane_route(lane)
        return self._moved(routes, height)

    def _layers(self) -> tuple[Layering, dict[int, int]]:
        """Layers with as many skips beside them as have a free way; those with their side."""
        skips = {index for index, link in enumerate(self.links) if link.skip}
        while True:
            graph = layer(len(self.vertices), self.edges, self.apart, skips)
            sides: dict[int, int] = {}
            taken: set[tuple[int, int]] = set()
            for index in sorted(skips):
                side = self._free_side(graph, index, taken)
                if side:
                    sides[index] = side
                    taken.add((self.edges[index][1], side))
            if len(sides) == len(skips):
                return graph, sides
            skips = set(sides)

    def _free_side(self, graph: Layering, link: int, taken: set[tuple[int, int]]) -> int:
        source, target = self.edges[link]
        if link in graph.reversed or graph.level[target] - graph.level[source] < 2:
            return 0
        row = graph.order[graph.level[target]]
        if row[0] == target and (target, -1) not in taken:
            return -1
        return 1 if row[-1] == target and (target, 1) not in taken else 0

    def _extents(self, graph: Layering) -> list[Extent]:
        def half(vertex: int) -> float:
            return self.vertices[vertex].width / 2 if vertex < graph.real else 0.0

        def separation(one: int, other: int) -> float:
            virtual = (one >= graph.real) + (other >= graph.real)
            return half(one) + half(other) + self.spacing.across * (1.0, 0.8, 0.6)[virtual]

        centres = horizontal(graph, separation)
        return [
            Extent(centres[index], half(index), index < graph.real and self.vertices[index].round)
            for index in range(len(graph.level))
        ]

    def _lanes(self, graph: Layering, beside: dict[int, int]) -> list[_Lane]:
        lanes: list[_Lane] = []
        spans: list[tuple[int, int, int, float]] = []
        by_length = sorted(
            beside, key=lambda index: graph.level[self.edges[index][1]] - graph.level[self.edges[index][0]]
        )
        for index in by_length:
            side = beside[index]
            source, target = self.edges[index]
            low, high = graph.level[source], graph.level[target]
            x = max(
                side * extent.x + extent.half
                for extent in (self.extents[vertex] for row in graph.order[low + 1 : high + 1] for vertex in row)
            )
            inner = [edge for other, a, b, edge in spans if other == side and a < high and low < b]
            x = side * (max([x, *inner]) + _LANE)
            spans.append((side, low, high, side * x))
            net = Net(self.extents[source].x, [x])
            shared = [old.net for old in lanes if self.edges[old.link][0] == source and old.side == side]
            if shared:
                shared[0].ends.append(x)
                net = shared[0]
            else:
                self.wiring.nets[low].append(net)
            lanes.append(_Lane(index, side, x, net))
        return lanes

    def _tops(self) -> tuple[list[tuple[float, float]], float]:
        """Top and bottom of every layer, and the height of all."""
        heights = [
            max((self.vertices[vertex].height for vertex in row if vertex < self.graph.real), default=0.0)
            for row in self.graph.order
        ]
        named = {self.graph.level[self.edges[index][1]] for index, link in enumerate(self.links) if link.named}
        y, bounds = 0.0, [(0.0, 0.0)] * len(heights)
        for index in range(len(heights) - 1, -1, -1):
            bounds[index] = (y, y + heights[index])
            y += heights[index]
            if index:
                between = max(self.spacing.between, _NAMED) if index in named else self.spacing.between
                y += between + self.spacing.track * max(self.wiring.tracks(index - 1) - 1, 0)
        return bounds, y

    def _box(self, vertex: int) -> tuple[float, float, float, float]:
        top, bottom = self.tops[self.graph.level[vertex]]
        node = self.vertices[vertex]
        return (self.extents[vertex].x - node.width / 2, (top + bottom - node.height) / 2, node.width, node.height)

    def _track_y(self, gap: int, net: Net) -> float:
        bottom, top = self.tops[gap][0], self.tops[gap + 1][1]
        spread = self.spacing.track * max(self.wiring.tracks(gap) - 1, 0)
        first = min(max((bottom + top + spread) / 2, top + _HEAD + spread), bottom - _STEM)
        return first - net.track * self.spacing.track

    def _route(self, index: int) -> tuple[Point, ...]:
        chain = self.graph.chains.get(index)
        if not chain:
            return self._loop(index)
        points: list[Point] = []
        for low, high in pairwise(chain):
            points += self._hop(low, high)
        points = list(bends(points))
        return tuple(reversed(points)) if index in self.graph.reversed else tuple(points)

    def _hop(self, low: int, high: int) -> list[Point]:
        wiring: Wiring = self.wiring
        start, end = wiring.leave[low, high], wiring.enter[low, high]
        bottom = self._box(low)[1] if low < self.graph.real else self.tops[self.graph.level[low]][1]
        if (low, high) in wiring.sideways:
            extent, middle = self.extents[high], sum(self.tops[self.graph.level[high]]) / 2
            return [(start, bottom), (start, middle), (extent.x + wiring.sideways[low, high] * extent.half, middle)]
        box = self._box(high) if high < self.graph.real else None
        top = box[1] + box[3] if box else self.tops[self.graph.level[high]][0]
        if start == end:
            return [(start, bottom), (start, top)]
        # However little they differ: the next hop begins at `end`, and a wire that leaned there would be slanted.
        y = self._track_y(self.graph.level[low], wiring.net_of[low, high])
        return [(start, bottom), (start, y), (end, y), (end, top)]

    def _lane_route(self, lane: _Lane) -> tuple[Point, ...]:
        source, target = self.edges[lane.link]
        left, top, width, _ = self._box(source)
        y = self._track_y(self.graph.level[source], lane.net)
        goal = self._box(target)
        middle = goal[1] + goal[3] / 2
        x = left + width / 2
        entry = goal[0] if lane.side < 0 else goal[0] + goal[2]
        return ((x, top), (x, y), (lane.x, y), (lane.x, middle), (entry, middle))

    def _loop(self, index: int) -> tuple[Point, ...]:
        """A node that feeds itself: a small loop on its right."""
        left, top, width, height = self._box(self.edges[index][0])
        right, low, high = left + width, top + height * 0.7, top + height * 0.3
        return ((right, low), (right + 10, low), (right + 10, high), (right, high))

    def _moved(self, routes: list[tuple[Point, ...]], height: float) -> Placement:
        """Everything moved so that it starts at 0."""
        boxes = [self._box(index) for index in range(len(self.vertices))]
        xs = [x for route in routes for x, _ in route] + [x for box in boxes for x in (box[0], box[0] + box[2])]
        shift = min(xs, default=0.0)
        result = Placement(max(xs, default=0.0) - shift, height)
        for vertex, (left, top, width, tall) in zip(self.vertices, boxes, strict=True):
            result.boxes[vertex.id] = (left - shift, top, width, tall)
        result.routes = [tuple((x - shift, y) for x, y in route) for route in routes]
        return result
