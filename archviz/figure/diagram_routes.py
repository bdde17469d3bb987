"""Routes of the custom edges: through channels between the columns and buses above and below them, never through a box.

Channel 2c is left of column c, channel 2c + 1 between column c and the lane of custom nodes beside it (it is there only
when the lane is).  Vertical pieces run in tracks of a channel, horizontal ones at the height of a port or in a bus.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from archviz.figure.diagram_boxes import LABEL_SIZE, LABEL_WEIGHT, Box, Panel, leading
from archviz.figure.display import Point
from archviz.figure.fonts import measure

PORT_SLOT, TRACK, CHANNEL_PAD = 11.0, 9.0, 13.0
_NEAR = 3.0
Side = Literal["left", "right"]


@dataclass(slots=True)
class Port:
    """Where an edge meets a box: on which side, in which channel, at which height."""

    box: Box | Panel
    is_node: bool
    side: Side = "left"
    channel: int = 0
    slot: float = PORT_SLOT
    y: float = 0.0

    @property
    def middle(self) -> float:
        return self.box.y + self.box.header / 2 if isinstance(self.box, Panel) else self.box.middle

    @property
    def x(self) -> float:
        return self.box.x if self.side == "left" else self.box.x + self.box.width


@dataclass(slots=True)
class Link:
    """A custom edge on its way: its ends, its label, the tracks it takes.

    Args:
        leader: It is no data flow: it leads from a block to the stage that shows its inside.
        direct: It joins two neighbours of a lane by a straight line.
        bus: The bus it takes from one channel to the other; None within one channel.
    """

    number: int
    ends: tuple[Port, Port]
    label: list[str]
    leader: bool = False
    direct: bool = False
    bus: Literal["top", "bottom"] | None = None
    tracks: list[int] = field(default_factory=list)
    bus_track: int = 0

    @property
    def labelled(self) -> Port:
        """The end that carries the label: a custom node's before a block's, else the target's."""
        source, target = self.ends
        return source if source.is_node and not target.is_node else target

    @property
    def label_width(self) -> float:
        return max((measure(line, LABEL_SIZE, LABEL_WEIGHT) for line in self.label), default=0.0)

    @property
    def label_height(self) -> float:
        return len(self.label) * leading(LABEL_SIZE)


@dataclass(slots=True)
class Flow:
    """The arrow from the last stage of one column to the first of the next."""

    last: Panel
    first: Panel
    track: int = 0
    bus_tracks: tuple[int, int] = (0, 0)  # bottom, top


@dataclass(slots=True)
class Channel:
    """A strip without boxes; widths and `x` in px."""

    tracks: int = 0
    left_zone: float = 0.0
    right_zone: float = 0.0
    least: float = 0.0
    x: float = 0.0

    @property
    def width(self) -> float:
        used = self.tracks * TRACK + self.left_zone + self.right_zone + 2 * CHANNEL_PAD if self.tracks else 0.0
        return max(used, self.least)

    def track_x(self, track: int) -> float:
        inner = self.width - self.left_zone - self.right_zone
        return self.x + self.left_zone + (inner - (self.tracks - 1) * TRACK) / 2 + track * TRACK


def choose_sides(link: Link, lanes: Sequence[bool]) -> None:
    """Decide on which side the link leaves and enters, hence which channels it takes.

    Args:
        lanes: For every column, whether custom nodes stand beside it.
    """
    source, target = link.ends
    near, far = _channels(source, lanes), _channels(target, lanes)
    shared = set(near) & set(far)
    if shared:
        source.channel = target.channel = max(shared) if source.is_node else min(shared)
    else:
        source.channel, target.channel = min(
            ((a, b) for a in near for b in far), key=lambda pair: abs(pair[0] - pair[1])
        )
        link.bus = "top"
    for port in link.ends:
        port.side = "left" if port.channel == _channels(port, lanes)[0] else "right"


def _channels(port: Port, lanes: Sequence[bool]) -> tuple[int, int]:
    column = port.box.column
    if port.is_node:
        return 2 * column + 1, 2 * column + 2
    return 2 * column, 2 * column + 1 if lanes[column] else 2 * column + 2


def place_ports(links: Sequence[Link]) -> None:
    """Give every port its height, so that the ports of one side do not meet and ends that face each other align."""
    sides: dict[tuple[str, Side], list[tuple[float, int, Port]]] = {}
    for link in links:
        for port, other in (link.ends, link.ends[::-1]):
            sides.setdefault((_key(port), port.side), []).append((other.middle, link.number, port))
    for found in sides.values():
        found.sort(key=lambda entry: entry[:2])
        y = found[0][2].middle - sum(port.slot for _, _, port in found) / 2
        for _, _, port in found:
            port.y = y + port.slot / 2
            y += port.slot
    _separate(links)


def _key(port: Port) -> str:
    return f"{'node' if port.is_node else 'stage'}:{port.box.id}"


def _separate(links: Sequence[Link]) -> None:
    """Move ports that face another edge's port at the same height across a channel, so that two edges never merge."""
    taken: dict[int, list[tuple[float, int]]] = {}
    for link in links:
        for port in link.ends:
            if port.side == "right":
                taken.setdefault(port.channel, []).append((port.y, link.number))
    for link in links:
        for port in link.ends:
            facing = taken.get(port.channel, [])
            if port.side == "left" and any(abs(port.y - y) < _NEAR and number != link.number for y, number in facing):
                port.y += _NEAR
    for link in links:
        source, target = link.ends
        if source.channel == target.channel and source.side != target.side and abs(source.y - target.y) < _NEAR:
            target.y = source.y


def assign_tracks(links: Sequence[Link], flows: Sequence[Flow], channels: Sequence[Channel], height: float) -> None:
    """Choose bus and tracks of all links and flows, and tell the channels what they must hold."""
    wanted: list[list[tuple[float, float, int, Callable[[int], None]]]] = [[] for _ in channels]
    for flow in flows:
        wanted[2 * flow.first.column].append((-1e6, 1e6, 1, _setter(flow)))
    for link in links:
        if link.direct:
            continue
        _widen_for_label(link, channels)
        source, target = link.ends
        link.tracks = [0] if link.bus is None else [0, 0]
        if link.bus is None:
            low, high = sorted((source.y, target.y))
            wanted[source.channel].append((low, high, _group(source, target), _track_setter(link, 0)))
            continue
        link.bus = "top" if source.y + target.y < 2 * height - source.y - target.y else "bottom"
        edge = -1e6 if link.bus == "top" else 1e6
        for index, port in enumerate(link.ends):
            low, high = sorted((port.y, edge))
            wanted[port.channel].append((low, high, 1, _track_setter(link, index)))
    for channel, spans in zip(channels, wanted, strict=True):
        channel.tracks = _pack_groups(spans)


def _setter(flow: Flow) -> Callable[[int], None]:
    def keep(track: int) -> None:
        flow.track = track

    return keep


def _track_setter(link: Link, index: int) -> Callable[[int], None]:
    def keep(track: int) -> None:
        link.tracks[index] = track

    return keep


def _group(source: Port, target: Port) -> int:
    """0: back to boxes left of the channel, 1: across it, 2: back to boxes right of it."""
    if source.side != target.side:
        return 1
    return 0 if source.side == "right" else 2


def _widen_for_label(link: Link, channels: Sequence[Channel]) -> None:
    if not link.label:
        return
    port, channel = link.labelled, channels[link.labelled.channel]
    zone = link.label_width + 16
    if port.side == "right":
        channel.left_zone = max(channel.left_zone, zone)
    else:
        channel.right_zone = max(channel.right_zone, zone)


def _pack_groups(spans: Iterable[tuple[float, float, int, Callable[[int], None]]]) -> int:
    """Tracks from left to right: links back to the left (short ones first), links across, links back to the right."""
    ordered = list(spans)
    total = 0
    for group in (0, 1, 2):
        members = sorted((span for span in ordered if span[2] == group), key=lambda span: span[1] - span[0])
        tracks = pack([(low, high) for low, high, _, _ in members], TRACK)
        count = max(tracks, default=-1) + 1
        for (_, _, _, keep), track in zip(members, tracks, strict=True):
            keep(total + (count - 1 - track if group == 2 else track))
        total += count
    return total


def pack(spans: Sequence[tuple[float, float]], apart: float) -> list[int]:
    """The first track in which each span meets none of those before it, `apart` px between them.

    >>> pack([(0, 10), (5, 8), (30, 40)], 5)
    [0, 1, 0]
    """
    tracks: list[list[tuple[float, float]]] = []
    chosen = []
    for low, high in spans:
        number = next(
            (n for n, used in enumerate(tracks) if all(high + apart < a or b + apart < low for a, b in used)),
            len(tracks),
        )
        if number == len(tracks):
            tracks.append([])
        tracks[number].append((low, high))
        chosen.append(number)
    return chosen


def assign_buses(links: Sequence[Link], flows: Sequence[Flow], channels: Sequence[Channel]) -> tuple[int, int]:
    """Choose the tracks in the buses, once the channels have their x; returns how many tracks top and bottom have."""
    top: list[tuple[float, float, Link | Flow]] = []
    bottom: list[tuple[float, float, Link | Flow]] = []
    for flow in flows:
        x = channels[2 * flow.first.column].track_x(flow.track)
        bottom.append((flow.last.x + flow.last.width / 2, x, flow))
        top.append((x, flow.first.x + flow.first.width / 2, flow))
    for link in links:
        if link.bus:
            x, other = (channels[end.channel].track_x(track) for end, track in zip(link.ends, link.tracks, strict=True))
            (top if link.bus == "top" else bottom).append((min(x, other), max(x, other), link))
    counts = []
    for spans in (top, bottom):
        tracks = pack([(low, high) for low, high, _ in spans], TRACK)
        for (_, _, item), track in zip(spans, tracks, strict=True):
            if isinstance(item, Link):
                item.bus_track = track
            else:
                item.bus_tracks = (item.bus_tracks[0], track) if spans is top else (track, item.bus_tracks[1])
        counts.append(max(tracks, default=-1) + 1)
    return counts[0], counts[1]


def link_points(link: Link, channels: Sequence[Channel], bus_y: Callable[[str, int], float]) -> tuple[Point, ...]:
    """The corners of a link, from its source to its target."""
    source, target = link.ends
    if link.direct:
        x = source.box.x + source.box.width / 2
        down = source.box.y < target.box.y
        upper, lower = (source.box, target.box) if down else (target.box, source.box)
        ends = ((x, upper.y + upper.height), (x, lower.y))
        return ends if down else ends[::-1]
    if link.bus is None:
        if source.y == target.y and source.side != target.side:
            return (source.x, source.y), (target.x, target.y)
        x = channels[source.channel].track_x(link.tracks[0])
        return (source.x, source.y), (x, source.y), (x, target.y), (target.x, target.y)
    first, second = (channels[end.channel].track_x(track) for end, track in zip(link.ends, link.tracks, strict=True))
    y = bus_y(link.bus, link.bus_track)
    return (source.x, source.y), (first, source.y), (first, y), (second, y), (second, target.y), (target.x, target.y)


def flow_points(flow: Flow, channels: Sequence[Channel], bus_y: Callable[[str, int], float]) -> tuple[Point, ...]:
    """The corners of the arrow from column to column."""
    start, end = flow.last.x + flow.last.width / 2, flow.first.x + flow.first.width / 2
    below, above = bus_y("bottom", flow.bus_tracks[0]), bus_y("top", flow.bus_tracks[1])
    x = channels[2 * flow.first.column].track_x(flow.track)
    return (
        (start, flow.last.y + flow.last.height),
        (start, below),
        (x, below),
        (x, above),
        (end, above),
        (end, flow.first.y),
    )
