"""Painting a laid-out diagram: panels, boxes, arrows and labels as groups of shapes."""

from __future__ import annotations

from itertools import pairwise

from archviz.figure.diagram_boxes import LABEL_SIZE, LABEL_WEIGHT, PAD_X, Box, Panel, TextLine, leading
from archviz.figure.diagram_colours import ink_on, over
from archviz.figure.diagram_placement import DiagramLayout
from archviz.figure.diagram_routes import Link, flow_points, link_points
from archviz.figure.display import Group, Item, Path, Point, Rect, Run, Text
from archviz.figure.paint import DASHES
from archviz.figure.theme import Theme


def border(status: str | None, colours: Theme) -> tuple[str, float]:
    """Colour and width in px of the border that shows a status."""
    if status == "conflict":
        return colours.warning, 2.4
    return colours.ink, 1.4 if DASHES.get(status or "") else 1.1


class Brush:
    """Paints a layout at a place of the page; `origin` is the top left corner of its columns, in px."""

    def __init__(self, layout: DiagramLayout, origin: Point, colours: Theme) -> None:
        self._layout = layout
        self._origin = origin
        self._colours = colours

    def items(self) -> list[Item]:
        """Panels first, then arrows with their labels, then boxes."""
        layout = self._layout
        boxes = [box for panel in layout.panels for box in panel.blocks]
        nodes = [*(box for lane in layout.lanes for box in lane), *layout.loose]
        return [
            *(self._panel(panel, number) for number, panel in enumerate(layout.panels)),
            *self._flow(),
            *(self._link(link) for link in layout.links),
            *(self._box(box) for box in boxes),
            *(self._box(box) for box in nodes),
        ]

    def _at(self, x: float, y: float) -> Point:
        return round(x + self._origin[0], 2), round(y + self._origin[1], 2)

    def _panel(self, panel: Panel, number: int) -> Group:
        swatch = self._colours.inset if panel.detail else self._colours.container
        x, y = self._at(panel.x, panel.y)
        frame = Rect(x, y, panel.width, panel.height, swatch.fill, swatch.stroke, 1.1, 10.0)
        texts = self._lines(panel.title, x + 16.0, y + 10.0, swatch.text)
        title = " ".join(line.text for line in panel.title)
        return Group(panel.id or f"stage{panel.number}.part{number}", "panel", (frame, *texts), title=title)

    def _lines(self, lines: list[TextLine], x: float, y: float, colour: str, centred: bool = False) -> list[Text]:
        texts = []
        for line in lines:
            baseline = y + leading(line.size) / 2 + line.size * 0.36
            run = Run(line.text, line.weight, colour, line.size)
            texts.append(Text(x, round(baseline, 2), (run,), "middle" if centred else "start"))
            y += leading(line.size)
        return [text for text in texts if text.content.strip()]

    def _fill(self, box: Box) -> str:
        fill = over(box.fill, self._colours.container.fill)
        if self._colours.name == "dark" and not box.own_colour:
            return over(f"{fill}4d", "#10151b")
        return fill

    def _box(self, box: Box) -> Group:
        fill = self._fill(box)
        ink = ink_on(fill)
        stroke, thickness = border(box.status, self._colours)
        x, y = self._at(box.x, box.y)
        frame = Rect(
            x, y, box.width, round(box.height, 2), fill, stroke, thickness, 6.0, DASHES.get(box.status or "", ())
        )
        top = y + (box.height - box.text_height) / 2
        heading = [line for line in box.lines if line.weight == box.lines[0].weight]
        details = box.lines[len(heading) :]
        texts = self._lines(heading, x + box.width / 2, top, ink, centred=True)
        top += sum(leading(line.size) for line in heading)
        start = x + PAD_X if box.list_like else x + box.width / 2
        texts += self._lines(details, start, top, ink, centred=not box.list_like)
        return Group(box.id, "node", (frame, *texts), title=box.title, description=box.description)

    def _arrow(self, points: tuple[Point, ...], colour: str) -> Path:
        moved = tuple(self._at(*point) for point in points)
        return Path(moved, colour, 1.2, radius=6.0, arrow_end=True)

    def _flow(self) -> list[Group]:
        """The arrows along the stages, from box to box, panel to panel and column to column."""
        layout, groups = self._layout, []
        for column in layout.columns:
            steps = [(a.id, b.id, a, b) for panel in column for a, b in pairwise(panel.blocks)]
            for source, target, above, below in steps:
                groups.append(self._flow_arrow(source, target, _down(above, below)))
            for upper, lower in pairwise(column):
                if lower.fed:
                    groups.append(self._flow_arrow(_panel_name(upper), _panel_name(lower), _down(upper, lower)))
        for flow in layout.flows:
            points = flow_points(flow, layout.channels, layout.bus_y)
            groups.append(self._flow_arrow(_panel_name(flow.last), _panel_name(flow.first), points))
        return groups

    def _flow_arrow(self, source: str, target: str, points: tuple[Point, ...]) -> Group:
        arrow = self._arrow(points, self._colours.line)
        return Group(f"flow-{source}-{target}", "edge", (arrow,), title=f"{source} → {target}")

    def _link(self, link: Link) -> Group:
        source, target = (end.box.id or "" for end in link.ends)
        points = link_points(link, self._layout.channels, self._layout.bus_y)
        if link.leader:
            moved = tuple(self._at(*point) for point in points)
            dots = Path(moved, self._colours.leader, 1.0, radius=6.0, dash=(1.5, 3.0))
            return Group(f"leader-{source}-{target}", "leader", (dots,), title=f"{target} is the inside of {source}")
        arrow = self._arrow(points, self._colours.leader)
        title = f"{source} → {target}" + (f": {' '.join(link.label)}" if link.label else "")
        return Group(f"edge{link.number + 1}", "edge", (arrow, *self._label(link)), title=title[:300])

    def _label(self, link: Link) -> list[Item]:
        """The label on a plate of the background's colour, so that its own line does not strike it through."""
        if not link.label:
            return []
        middle_x, middle_y = self._label_place(link)
        x, y = self._at(middle_x - link.label_width / 2 - 3, middle_y - link.label_height / 2)
        plate = Rect(x, y, link.label_width + 6, link.label_height, self._colours.background, None)
        lines = [TextLine(line, LABEL_SIZE, LABEL_WEIGHT) for line in link.label]
        texts = self._lines(lines, x + link.label_width / 2 + 3, y, self._colours.muted, centred=True)
        return [plate, *texts]

    def _label_place(self, link: Link) -> Point:
        """The middle of the label: in the zone of its channel beside the labelled end, or half-way down a direct link."""
        if link.direct:
            (x, start), (_, end) = link_points(link, self._layout.channels, self._layout.bus_y)
            return x, (start + end) / 2
        port = link.labelled
        channel = self._layout.channels[port.channel]
        if port.side == "right":
            return channel.x + (12.0 if port is link.ends[1] else 7.0) + link.label_width / 2, port.y
        room = 13.0 if port is link.ends[1] else 7.0
        return channel.x + channel.width - room - link.label_width / 2, port.y


def _down(above: Box | Panel, below: Box | Panel) -> tuple[Point, ...]:
    x = above.x + above.width / 2
    return (x, above.y + above.height), (x, below.y)


def _panel_name(panel: Panel) -> str:
    return panel.id or f"stage{panel.number} (continued at {panel.x:g})"
