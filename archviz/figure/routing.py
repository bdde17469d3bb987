"""Orthogonal routes through a layered graph: ports on the boxes, and tracks in the gaps between two layers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from archviz.figure.layering import Layering
from archviz.records import field, record

PORT_MARGIN = 10.0
PORT_SPACING = 18.0
STRAIGHTEN = 14.0
_OVERLAP_COST = 500
_AT_HEAD, _AT_STEM = 11, 10  # a crossing close under an arrow head looks as if the wires were one

Hop = tuple[int, int]  # (lower vertex, upper vertex) of neighbouring layers


@record(frozen=True)
class Extent:
    """Where a vertex stands: its centre and half of its width, in px; `round` vertices are entered from the sides too."""

    x: float
    half: float
    round: bool = False

    def within(self, x: float) -> float:
        """`x`, moved to where the box has room for a port."""
        room = max(self.half - PORT_MARGIN, 0.0)
        return min(max(x, self.x - room), self.x + room)


@record
class Net:
    """Wires of one gap that carry the same tensor from one port: they share a horizontal track."""

    start: float
    ends: list[float]
    track: int = 0

    @property
    def low(self) -> float:
        return min(self.start, *self.ends)

    @property
    def high(self) -> float:
        return max(self.start, *self.ends)

    @property
    def straight(self) -> bool:
        return self.high - self.low < 0.5


@record
class Wiring:
    """Ports by hop, hops that enter a round vertex from the side, and the nets of each gap (by the layer below)."""

    leave: dict[Hop, float] = field(default_factory=dict)
    enter: dict[Hop, float] = field(default_factory=dict)
    sideways: dict[Hop, int] = field(default_factory=dict)  # -1 from the left, 1 from the right
    nets: list[list[Net]] = field(default_factory=list)
    net_of: dict[Hop, Net] = field(default_factory=dict)
    level: list[tuple[int, float, float]] = field(default_factory=list)  # what runs level with a layer: which, from, to

    def tracks(self, gap: int) -> int:
        return max((net.track + 1 for net in self.nets[gap] if not net.straight), default=0)


def wire(graph: Layering, extents: Sequence[Extent], apart: Sequence[bool]) -> Wiring:
    """Ports and nets of all edges that run through the layers.

    Args:
        extents: By vertex, virtual ones included.
        apart: Per real node, whether each outgoing edge has a port of its own.
    """
    wiring = Wiring(nets=[[] for _ in graph.order])
    for low, highs in graph.above.items():
        _leave(wiring, graph, extents, low, highs, low < graph.real and apart[low])
    for high, lows in graph.below.items():
        if extents[high].round:
            _enter_round(wiring, graph, extents, high, lows)
        else:
            _enter(wiring, extents, high, lows)
    _make_nets(wiring, graph)
    for nets in wiring.nets:
        assign_tracks(nets)
    return wiring


def _leave(
    wiring: Wiring, graph: Layering, extents: Sequence[Extent], low: int, highs: Sequence[int], apart: bool
) -> None:
    here = extents[low]
    if len(highs) == 1:
        high = highs[0]
        goal = extents[high].x
        alone = high >= graph.real or len(graph.below[high]) == 1
        port = goal if alone and here.within(goal) == goal and not here.round else here.x
        wiring.leave[low, high] = port
        return
    if not apart:
        wiring.leave.update({(low, high): here.x for high in highs})
        return
    ordered = sorted(highs, key=lambda high: extents[high].x)
    ports = spread([extents[high].x for high in ordered], here)
    wiring.leave.update({(low, high): port for high, port in zip(ordered, ports, strict=True)})


def _enter(wiring: Wiring, extents: Sequence[Extent], high: int, lows: Sequence[int]) -> None:
    here = extents[high]
    if len(lows) == 1:
        start = wiring.leave[lows[0], high]
        near = abs(start - here.x) <= STRAIGHTEN and here.within(start) == start
        wiring.enter[lows[0], high] = start if near else here.x
        return
    ordered = sorted(lows, key=lambda low: (wiring.leave[low, high], low))
    ports = spread([wiring.leave[low, high] for low in ordered], here)
    wiring.enter.update({(low, high): port for low, port in zip(ordered, ports, strict=True)})


def _enter_round(wiring: Wiring, graph: Layering, extents: Sequence[Extent], high: int, lows: Sequence[int]) -> None:
    """One wire from below, others from the free sides."""
    here = extents[high]
    ordered = sorted(lows, key=lambda low: (abs(wiring.leave[low, high] - here.x), low))
    central = {low for low in ordered[:1] if len(lows) != 2 or abs(wiring.leave[low, high] - here.x) < STRAIGHTEN}
    free = {-1, 1}
    for low in ordered:
        start = wiring.leave[low, high]
        wiring.enter[low, high] = here.x
        side = -1 if start < here.x else 1
        clear = abs(start - here.x) > here.half + 4 and _clear(graph, extents, high, start)
        left, right = sorted((start, here.x + side * here.half))
        layer = graph.level[high]
        alone = not any(other == layer and begin < right + 6 and left < end + 6 for other, begin, end in wiring.level)
        if low not in central and side in free and clear and alone:
            free.discard(side)
            wiring.sideways[low, high] = side
            wiring.level.append((layer, left, right))


def _clear(graph: Layering, extents: Sequence[Extent], vertex: int, start: float) -> bool:
    """Whether no box stands in the layer of `vertex` between it and `start`; wires may be crossed."""
    low, high = sorted((start, extents[vertex].x))
    layer = graph.order[graph.level[vertex]]
    return not any(
        extents[other].x + extents[other].half > low - 4 and extents[other].x - extents[other].half < high
        for other in layer
        if other != vertex and other < graph.real
    )


def spread(wanted: Sequence[float], box: Extent) -> list[float]:
    """Ports near the `wanted` places (ascending), inside the box and apart from each other."""
    room = max(box.half - PORT_MARGIN, 0.0)
    gap = min(PORT_SPACING, 2 * room / max(len(wanted) - 1, 1))
    ports = [box.within(x) for x in wanted]
    for index in range(1, len(ports)):
        ports[index] = max(ports[index], ports[index - 1] + gap)
    limit = box.x + room
    for index in range(len(ports) - 1, -1, -1):
        ports[index] = min(ports[index], limit)
        limit = ports[index] - gap
    return ports


def _make_nets(wiring: Wiring, graph: Layering) -> None:
    by_port: dict[tuple[int, float], Net] = {}
    for hop, start in wiring.leave.items():
        if hop in wiring.sideways:
            continue
        end = wiring.enter[hop]
        net = by_port.get((hop[0], start))
        if net is None:
            net = by_port[hop[0], start] = Net(start, [])
            wiring.nets[graph.level[hop[0]]].append(net)
        net.ends.append(end)
        wiring.net_of[hop] = net


def assign_tracks(nets: list[Net]) -> None:
    """Gives overlapping nets of a gap different tracks, in the order that crosses and overlaps least; 0 is lowest."""
    ordered: list[Net] = []
    for net in sorted((net for net in nets if not net.straight), key=lambda net: (net.low, net.high)):
        costs = []
        for place in range(len(ordered) + 1):
            cost = sum(_cost(below, net) for below in ordered[:place])
            costs.append(cost + sum(_cost(net, above) for above in ordered[place:]))
        ordered.insert(costs.index(min(costs)), net)
    for place, net in enumerate(ordered):
        lower = [other.track + 1 for other in ordered[:place] if _overlap(net, other)]
        net.track = max(lower, default=0)


def _overlap(one: Net, other: Net) -> bool:
    return one.low < other.high + 6 and other.low < one.high + 6


def _cost(below: Net, above: Net) -> int:
    """Crossings if `below` has the lower track, those next to heads before those next to stems."""
    cost = _AT_HEAD * sum(above.low < end < above.high for end in below.ends)
    cost += _AT_STEM * (below.low < above.start < below.high)
    return cost + _OVERLAP_COST * sum(abs(end - above.start) < 1 for end in below.ends)


def bends(points: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """The points without those on a straight line between their neighbours."""
    distinct = [points[0], *(point for before, point in pairwise(points) if point != before)]
    kept = [
        point
        for before, point, after in zip(distinct, distinct[1:], distinct[2:], strict=False)
        if not (before[0] == point[0] == after[0] or before[1] == point[1] == after[1])
    ]
    return (distinct[0], *kept, distinct[-1])
