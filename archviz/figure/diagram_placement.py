"""Places for everything in a diagram: stages in columns, custom nodes beside them, channels for the edges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from archviz.figure.diagram_boxes import (
    LABEL_SIZE,
    LABEL_WEIGHT,
    NARROWEST,
    NARROWEST_NODE,
    TYPE_SIZE,
    WIDEST,
    WIDEST_LABEL,
    WIDEST_NODE,
    Box,
    Panel,
    block_box,
    block_texts,
    common_width,
    leading,
    node_box,
    node_texts,
    text_lines,
    wrap,
)
from archviz.figure.diagram_columns import NODE_GAP, Stage, arrange, place_down, spread
from archviz.figure.diagram_model import DiagramConfig
from archviz.figure.diagram_routes import (
    CHANNEL_PAD,
    PORT_SLOT,
    TRACK,
    Channel,
    Flow,
    Link,
    Port,
    assign_buses,
    assign_tracks,
    choose_sides,
    place_ports,
)

PANEL_SIDE = 16.0
MARGIN = 28.0
_COLUMN_GAP = 40.0


@dataclass(slots=True)
class DiagramLayout:
    """A diagram with a place for everything, in px; y counts from the top of the columns.

    Args:
        loose: Custom nodes that no edge names, in rows below the columns.
        top, bottom: Heights of the buses above and below the columns.
        width, height: Extent of columns and channels, without buses, title and margins.
    """

    columns: list[list[Panel]]
    lanes: list[list[Box]]
    links: list[Link]
    flows: list[Flow]
    channels: list[Channel]
    loose: list[Box] = field(default_factory=list)
    top: float = 0.0
    bottom: float = 0.0
    width: float = 0.0
    height: float = 0.0

    @property
    def panels(self) -> list[Panel]:
        return [panel for column in self.columns for panel in column]

    def bus_y(self, bus: str, track: int) -> float:
        """Height of a track of the `top` or `bottom` bus."""
        offset = CHANNEL_PAD + track * TRACK
        return -offset if bus == "top" else self.height + offset


def lay_out(config: DiagramConfig) -> DiagramLayout:
    """Place everything of a diagram."""
    labels = [
        wrap(edge.label.strip(), LABEL_SIZE, LABEL_WEIGHT, WIDEST_LABEL) if edge.label else []
        for edge in config.custom_edges
    ]
    stages = _stages(config)
    nodes = _nodes(config)
    _reserve_ports(config, stages, nodes, labels)
    named = {address for edge in config.custom_edges for address in (edge.source, edge.target)}
    linked = [box for box in nodes.values() if box.id in named]
    lane_width = linked[0].width + _COLUMN_GAP if linked else 0.0
    columns = arrange(stages, stages[0].blocks[0].width + 2 * PANEL_SIDE, lane_width)
    height = place_down(columns)
    layout = DiagramLayout(columns, [[] for _ in columns], [], _flows(columns), [])
    layout.links = _links(config, layout, nodes, labels)
    _fill_lanes(layout, linked)
    layout.height = max(height, max((box.bottom for lane in layout.lanes for box in lane), default=0.0))
    _route(layout)
    layout.loose = [box for box in nodes.values() if box.id not in named]
    _place_loose(layout)
    return layout


def _stages(config: DiagramConfig) -> list[Stage]:
    texts = [text for _, block in config.blocks() for text in block_texts(block)]
    width = common_width(texts, NARROWEST, WIDEST)
    stages = []
    for number, stage in enumerate(config.stages, start=1):
        title = text_lines(stage.name.strip(), TYPE_SIZE, 700, width)
        again = text_lines(f"{stage.name.strip()} (continued)", TYPE_SIZE, 700, width)
        blocks = [block_box(f"stage{number}.block{b}", block, width) for b, block in enumerate(stage.blocks, start=1)]
        stages.append(Stage(number, title, again, blocks, stage.detail_of is not None, stage.new_flow))
    return sorted(stages, key=lambda stage: stage.detail)  # details behind the flow that they explain


def _nodes(config: DiagramConfig) -> dict[str, Box]:
    texts = [text for node in config.custom_nodes for text in node_texts(node)]
    width = common_width(texts, NARROWEST_NODE, WIDEST_NODE)
    return {node.id: node_box(node, width) for node in config.custom_nodes}


def _slot(label: Sequence[str]) -> float:
    return max(PORT_SLOT, len(label) * leading(LABEL_SIZE) + 5.0)


def _reserve_ports(config: DiagramConfig, stages: list[Stage], nodes: dict[str, Box], labels: list[list[str]]) -> None:
    """Make boxes high enough for the ports that may come to stand on one side of them."""
    needed: dict[str, float] = {}
    known = config.addresses()
    for edge, label in zip(config.custom_edges, labels, strict=True):
        for address in (edge.source, edge.target):
            needed[known[address]] = needed.get(known[address], 6.0) + _slot(label)
    for number, part in enumerate(config.stages, start=1):
        for address in filter(None, (part.detail_of, part.detail_of and f"stage{number}")):
            needed[known[address]] = needed.get(known[address], 6.0) + PORT_SLOT
    for stage in stages:
        stage.least_header = needed.get(f"stage{stage.number}", 0.0)
        for box in stage.blocks:
            box.least_height = needed.get(box.id, 0.0)
    for box in nodes.values():
        box.least_height = needed.get(box.id, 0.0)


def _flows(columns: list[list[Panel]]) -> list[Flow]:
    return [Flow(before[-1], after[0]) for before, after in pairwise(columns) if after[0].fed]


def _links(config: DiagramConfig, layout: DiagramLayout, nodes: dict[str, Box], labels: list[list[str]]) -> list[Link]:
    places: dict[str, Box | Panel] = {panel.id: panel for panel in layout.panels if panel.id}
    places |= {box.id: box for panel in layout.panels for box in panel.blocks}
    known = config.addresses()

    def port(address: str) -> Port:
        node = nodes.get(address)
        return Port(node, True) if node else Port(places[known[address]], False)

    links = []
    for number, (edge, label) in enumerate(zip(config.custom_edges, labels, strict=True)):
        link = Link(number, (port(edge.source), port(edge.target)), label)
        link.labelled.slot = _slot(label)
        links.append(link)
    for number, stage in enumerate(config.stages, start=1):
        if stage.detail_of:
            links.append(Link(len(links), (port(stage.detail_of), port(f"stage{number}")), [], leader=True))
    return links


def _fill_lanes(layout: DiagramLayout, linked: list[Box]) -> None:
    """Put every linked node beside the column that it is linked to, as near to its neighbours as there is room."""
    wanted = _wanted_heights(layout, linked)
    for number, lane in enumerate(layout.lanes):
        lane += sorted((box for box in linked if box.column == number), key=lambda box: wanted[box.id])
        gaps = _mark_direct(layout.links, lane)
        spread(lane, [wanted[box.id] for box in lane], gaps)


def _wanted_heights(layout: DiagramLayout, linked: list[Box]) -> dict[str, float]:
    """The middle that each node would like, and its column: from the blocks it is linked to, else from other nodes."""
    wanted: dict[str, float] = {}
    pending = {box.id: box for box in linked}
    while pending:
        found = {name: _neighbours(name, layout.links, wanted) for name in pending}
        found = {name: near for name, near in found.items() if near} or {next(iter(pending)): [(0, 0.0)]}
        for name, near in found.items():
            box = pending.pop(name)
            box.column = min(column for column, _ in near)
            here = [y for column, y in near if column == box.column]
            wanted[name] = sum(here) / len(here)
    return wanted


def _neighbours(name: str, links: list[Link], wanted: dict[str, float]) -> list[tuple[int, float]]:
    """Column and height of what a node is linked to, as far as they are known; the way of an edge is downwards."""
    near = []
    for link in links:
        for here, other, shift in ((*link.ends, -1.0), (*link.ends[::-1], 1.0)):
            if here.is_node and here.box.id == name and not other.is_node:
                near.append((other.box.column, other.middle))
            elif here.is_node and here.box.id == name and other.box.id in wanted:
                near.append((other.box.column, wanted[other.box.id] + shift))
    return near


def _mark_direct(links: list[Link], lane: list[Box]) -> list[float]:
    """Let the first link between two neighbours of the lane run straight; returns the gaps below each box, in px."""
    gaps = []
    for upper, lower in pairwise(lane):
        pair = {upper.id, lower.id}
        between = [
            link
            for link in links
            if all(end.is_node for end in link.ends) and {end.box.id for end in link.ends} == pair
        ]
        gap = NODE_GAP
        if between:
            between[0].direct = True
            gap += between[0].label_height + (8.0 if between[0].label else 0.0)
        gaps.append(gap)
    return gaps


def _route(layout: DiagramLayout) -> None:
    lanes = [bool(lane) for lane in layout.lanes]
    routed = [link for link in layout.links if not link.direct]
    for link in routed:
        choose_sides(link, lanes)
    place_ports(routed)
    layout.channels = [Channel() for _ in range(2 * len(layout.columns) + 1)]
    for number, channel in enumerate(layout.channels[1:-1], start=1):
        channel.least = _COLUMN_GAP if number % 2 == 0 or lanes[number // 2] else 0.0
    assign_tracks(routed, layout.flows, layout.channels, layout.height)
    _place_across(layout)
    top, bottom = assign_buses(routed, layout.flows, layout.channels)
    layout.top, layout.bottom = (count * TRACK + 2 * CHANNEL_PAD if count else 0.0 for count in (top, bottom))


def _place_across(layout: DiagramLayout) -> None:
    """Give channels, panels, boxes and nodes their x."""
    x = 0.0
    for number, (column, lane) in enumerate(zip(layout.columns, layout.lanes, strict=True)):
        left, between = layout.channels[2 * number : 2 * number + 2]
        left.x = x
        x += left.width
        width = column[0].blocks[0].width + 2 * PANEL_SIDE
        for panel in column:
            panel.x, panel.width = x, width
            for box in panel.blocks:
                box.x = x + PANEL_SIDE
        x += width
        between.x = x
        x += between.width
        for box in lane:
            box.x = x
        x += lane[0].width if lane else 0.0
    layout.channels[-1].x = x
    layout.width = x + layout.channels[-1].width


def _place_loose(layout: DiagramLayout) -> None:
    """Rows of the nodes that no edge names, below the bottom bus."""
    x, y, row = 0.0, layout.height + layout.bottom + NODE_GAP, 0.0
    for box in layout.loose:
        if x and x + box.width > layout.width:
            x, y, row = 0.0, y + row + NODE_GAP, 0.0
        box.x, box.y = x, y
        row = max(row, box.height)
        x += box.width + NODE_GAP
        layout.width = max(layout.width, box.x + box.width)
