"""The `stack` layout: the elements of a tower, bottom-up, with its layer panels, repeats and braces around one spine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from archviz.figure.braces import brace_room
from archviz.figure.display import Group, Item, Path, Point, Rect
from archviz.figure.fonts import fit, measure
from archviz.figure.layered import Link, Placement, Spacing, Vertex, place
from archviz.figure.model import Box, LayerPanel, Merge, Repeat, Step, Words
from archviz.figure.paint import (
    DASHES,
    Frame,
    Style,
    box_size,
    paint_arrow,
    paint_box,
    text_line,
    wrap,
)
from archviz.figure.quantities import plain
from archviz.figure.theme import Theme
from archviz.records import field, record, replace

GAP = 17.0
_FLOW_GAP = 13.5
_TABLE = 64.0  # px: least width of a table beside the ⊕ at which it is added; in boxes, its largest is
_SHARE = 0.64
_REACH = 16.0  # px between the two
_FORK = 18.0  # px below a branch beside the stream, for the wire by which it reads that
PAD, SLIM_PAD = 13.0, 9.0
_SIDE, _SLIM_SIDE = 16.0, 10.0  # px between the frame of layers and what it holds on its left and right
TITLE = 44.0
_TITLE_LINES = 3
_WIDER = 72.0  # px by which a bar with mixers may be wider than a box
_LOPSIDED = 80.0  # px by which the sides of a panel may differ before it is drawn lopsided


@record
class Canvas:
    """What the elements of a column paint, back to front, and where the boxes came to stand."""

    theme: Theme
    style: Style
    backs: list[Item] = field(default_factory=list)
    wires: list[Item] = field(default_factory=list)
    fronts: list[Item] = field(default_factory=list)
    boxes: dict[str, Frame] = field(default_factory=dict)
    gap: float = GAP
    braces: list[tuple[float, float, float, int]] = field(default_factory=list)  # x, top, bottom, times


class Element(Protocol):
    """A step with a size: `left` and `right` of the spine, `brace` more on the left."""

    left: float
    right: float
    brace: float
    height: float
    boxed: bool  # whether a wire into it ends with an arrow head

    def draw(self, canvas: Canvas, x: float, bottom: float) -> float:
        """Paints itself on the spine at `x`, standing on `bottom`; returns where its output leaves."""


class BoxElement:
    brace = 0.0

    def __init__(self, box: Box, style: Style) -> None:
        self.box, self.boxed = box, box.shape != "point"
        width, self.height = box_size(box, style)
        self.left = self.right = width / 2

    def draw(self, canvas: Canvas, x: float, bottom: float) -> float:
        frame = Frame(x - self.left, bottom - self.height, self.left + self.right, self.height)
        canvas.boxes[self.box.id] = frame
        canvas.fronts.append(paint_box(self.box, frame, canvas.style, canvas.theme))
        return x


class MergeElement:
    """A ⊕ of the stream, with what is added there on its left."""

    brace, boxed = 0.0, False

    def __init__(self, merge: Merge, style: Style) -> None:
        self.merge, self.style = merge, replace(style, narrow=_TABLE, wide=_SHARE * style.narrow + 12, pad=7.0)
        self.size, self.sign = box_size(merge.box, self.style), box_size(merge.sign, self.style)
        self.right = self.sign[0] / 2
        self.left = self.right + _REACH + self.size[0]
        self.fork = _FORK if merge.branch else 0.0
        self.height = max(self.size[1], self.sign[1]) + self.fork

    def draw(self, canvas: Canvas, x: float, bottom: float) -> float:
        middle = bottom - self.fork - (self.height - self.fork) / 2
        (width, tall), (wide, high) = self.size, self.sign
        table = Frame(x - self.left, middle - tall / 2, width, tall)
        sign = Frame(x - wide / 2, middle - high / 2, wide, high)
        for box, frame in ((self.merge.box, table), (self.merge.sign, sign)):
            canvas.boxes[box.id] = frame
            canvas.fronts.append(paint_box(box, frame, self.style, canvas.theme))
        path = Path(((table.right, middle), (sign.x, middle)), canvas.theme.line, 1.25, 6.0, arrow_end=True)
        canvas.wires.append(Group(f"{self.merge.id}/in", "edge", (path,)))
        if self.fork:
            way = ((x, bottom - 4), (table.middle[0], bottom - 4), (table.middle[0], table.bottom))
            path = Path(way, canvas.theme.line, 1.25, 6.0, arrow_end=True)
            canvas.wires.append(Group(f"{self.merge.id}/read", "edge", (path,)))
        if high < self.height:  # the stream runs up to the sign and on from it
            canvas.wires.append(wire(f"{self.merge.id}/up", (x, bottom), (x, sign.bottom), canvas.theme, True))
            canvas.wires.append(
                wire(f"{self.merge.id}/on", (x, sign.y), (x, bottom - self.height), canvas.theme, False)
            )
        return x


class BarElement:
    """A bar for layers whose flow is drawn elsewhere, with their mixers."""

    brace, boxed = 0.0, True

    def __init__(self, panel: LayerPanel, style: Style) -> None:
        self.panel = panel
        self.style = replace(style, wide=style.wide + _WIDER) if panel.mixers else style
        style = self.style
        self.sizes = [box_size(box, style) for box in panel.mixers]
        title = panel.title
        if panel.mixers and title.startswith(f"{panel.mixers[0].label} + "):  # the box says it
            title = f"with {title[len(panel.mixers[0].label) + 3 :]}"
        text = f"{panel.times} × {title[:120]}"
        half = min(max(style.narrow / 2 + 22, measure(text, 13.0, 600) / 2 + 12), style.wide / 2 + 14)
        self.left = self.right = max([half, *(width / 2 + 10 for width, _ in self.sizes)])
        self.lines = [plain(line) for line in wrap((Words(text),), 13.0, 2 * self.left - 16, 600)]
        self.words = 34.0 + 16.0 * (len(self.lines) - 1)
        self.height = self.words + sum(height + 8.0 for _, height in self.sizes)

    def draw(self, canvas: Canvas, x: float, bottom: float) -> float:
        tint = canvas.theme.tint(self.panel.kind)
        frame = Frame(x - self.left, bottom - self.height, self.left + self.right, self.height)
        first = frame.y + self.words / 2 - 8.0 * (len(self.lines) - 1)
        items: tuple[Item, ...] = (
            Rect(frame.x, frame.y, frame.width, frame.height, tint.fill, tint.stroke, 1.2, 8.0),
            *(
                text_line(line, x, first + 16.0 * row, 13.0, 600, tint.text, "middle")
                for row, line in enumerate(self.lines)
            ),
        )
        canvas.boxes[self.panel.id] = frame
        canvas.fronts.append(Group(self.panel.id, "layer", items, title=f"{self.panel.times} × {self.panel.title}"))
        foot = bottom - 8.0
        for box, (width, height) in zip(self.panel.mixers, self.sizes, strict=True):
            canvas.boxes[box.id] = Frame(x - width / 2, foot - height, width, height)
            canvas.fronts.append(paint_box(box, canvas.boxes[box.id], self.style, canvas.theme))
            foot -= height + 8.0
        return x


class PanelElement:
    """A layer kind with its data flow on a tinted panel."""

    boxed = False

    def __init__(self, panel: LayerPanel, style: Style, stretch: float, outermost: bool, heads: bool) -> None:
        assert panel.diagram is not None
        self.panel, self.diagram, self.heads = panel, panel.diagram, heads
        self.sizes = {box.id: box_size(box, style) for box in self.diagram.boxes}
        vertices = [
            Vertex(box.id, *self.sizes[box.id], round=box.shape == "round", apart=box.apart)
            for box in self.diagram.boxes
        ]
        links = [Link(arrow.source, arrow.target, arrow.skip) for arrow in self.diagram.arrows]
        self.placement = place(vertices, links, Spacing(across=20.0, between=_FLOW_GAP * stretch))
        self.spine = self._end("input")
        self.outermost = outermost and panel.times > 1
        self.brace = brace_room(panel.times) if self.outermost else 0.0
        side, least = _side(style), style.narrow / 2 + _side(style)
        self.left = max(self.spine, least) + side
        self.right = max(self.placement.width - self.spine, least) + side
        if not style.slim and abs(self.left - self.right) < _LOPSIDED:
            self.left = self.right = max(self.left, self.right)
        self.title = self._title_lines()
        self.head = 9.0 + 16.0 * len(self.title)
        self.height = self.placement.height + self.head + 17

    def _end(self, role: str) -> float:
        ends = [box.id for box in self.diagram.boxes if box.role == role]
        return self.placement.centre(ends[0])[0] if ends else self.placement.width / 2

    def _title_lines(self) -> list[str]:
        """The title in lines of the panel's width, less the `3 ×` beside it."""
        times = 0.0 if self.outermost else measure(f"{self.panel.times} ×", 16.0, 700) + 14
        room = self.left + self.right - 22 - times
        lines = [plain(line) for line in wrap((Words(self.panel.title[:300]),), 13.0, room, 600)]
        if len(lines) <= _TITLE_LINES:
            return lines
        return [*lines[: _TITLE_LINES - 1], fit(f"{lines[_TITLE_LINES - 1]} …", 13, 600, room)]

    def draw(self, canvas: Canvas, x: float, bottom: float) -> float:
        tint = canvas.theme.tint(self.panel.kind)
        frame = Frame(x - self.left, bottom - self.height, self.left + self.right, self.height)
        items: list[Item] = [
            Rect(
                frame.x, frame.y, frame.width, frame.height, tint.fill, tint.stroke, 1.2, 9.0,
                DASHES[self.panel.status],
            )
        ]  # fmt: skip
        # The head covers the panel's width, so that the stream goes behind the title and not through it.
        items.append(Rect(frame.x, frame.y, frame.width, self.head, tint.stroke, None, 0, 9.0))
        items.append(Rect(frame.x + 1, frame.y + 1, frame.width - 2, self.head - 2, tint.fill, None, 0, 8.0))
        for index, line in enumerate(self.title):
            items.append(text_line(line, frame.x + 11, frame.y + 13 + 16 * index, 13.0, 600, tint.text))
        if not self.outermost:
            times = f"{self.panel.times} ×"
            items.append(text_line(times, frame.right - 11, frame.y + self.head / 2, 16.0, 700, tint.text, "end"))
        else:
            canvas.braces.append((frame.x, frame.y, frame.bottom, self.panel.times))
        canvas.backs.append(
            Group(self.panel.id, "layer", tuple(items), title=f"{self.panel.times} × {self.panel.title}")
        )
        canvas.boxes[self.panel.id] = frame
        left, top = x - self.spine, bottom - self.placement.height
        self._draw_flow(canvas, left, top, frame)
        return left + self._end("output")

    def _draw_flow(self, canvas: Canvas, left: float, top: float, frame: Frame) -> None:
        draw_placement(canvas, self.diagram.boxes, self.placement, left, top)
        points = {box.id for box in self.diagram.boxes if box.shape == "point"}
        for arrow, route in zip(self.diagram.arrows, self.placement.routes, strict=True):
            moved = [(px + left, py + top) for px, py in route]
            if arrow.target in points:
                moved[-1] = (moved[-1][0], frame.y + self.head)
            canvas.wires.append(paint_arrow(arrow, moved, canvas.theme, arrow.target not in points or self.heads))


def _side(style: Style) -> float:
    """Room on the left and the right in the frame of layers, px."""
    return _SLIM_SIDE if style.slim else _SIDE


class RepeatElement:
    """Elements in a dashed frame with a brace."""

    boxed = False

    def __init__(self, repeat: Repeat, style: Style, stretch: float) -> None:
        self.repeat = repeat
        self.parts = [element(item, style, stretch, False, not repeat.ordered) for item in repeat.items]
        self.brace = brace_room(repeat.times) if repeat.times > 1 else 0.0
        self.left = max((part.left + part.brace for part in self.parts), default=0.0) + _side(style)
        self.right = max((part.right for part in self.parts), default=0.0) + _side(style)
        self.title = 24.0 if repeat.title else 0.0
        self.height = sum(part.height for part in self.parts) + GAP * stretch * (len(self.parts) - 1) + 32 + self.title

    def draw(self, canvas: Canvas, x: float, bottom: float) -> float:
        theme = canvas.theme
        frame = Frame(x - self.left, bottom - self.height, self.left + self.right, self.height)
        items: list[Item] = [
            Rect(
                frame.x,
                frame.y,
                frame.width,
                frame.height,
                theme.repeat.fill,
                theme.repeat.stroke,
                1.3,
                10.0,
                (6.0, 4.0),
            )
        ]
        if self.repeat.title:
            title = fit(self.repeat.title, 13.0, 600, frame.width - 16)
            items.append(text_line(title, frame.middle[0], frame.y + 18, 13.0, 600, theme.ink, "middle"))
        canvas.backs.append(Group(self.repeat.id, "repeat", tuple(items), title=f"{self.repeat.times} ×"))
        canvas.boxes[self.repeat.id] = frame
        if self.repeat.times > 1:
            canvas.braces.append((frame.x, frame.y, frame.bottom, self.repeat.times))
        exit_x = draw_sequence(canvas, self.parts, x, bottom - 16, self.repeat.id, wired=self.repeat.ordered)
        if self.repeat.ordered and self.parts:
            canvas.wires.append(wire(f"{self.repeat.id}/in", (x, bottom), (x, bottom - 16), theme, self.parts[0].boxed))
            canvas.wires.append(wire(f"{self.repeat.id}/out", (exit_x, frame.y + 16), (x, frame.y), theme, False))
        return x


def element(step: Step, style: Style, stretch: float, outermost: bool = True, heads: bool = False) -> Element:
    """The element that draws a step; `stretch` lengthens its wires."""
    if isinstance(step, Box):
        return BoxElement(step, style)
    if isinstance(step, Merge):
        return MergeElement(step, style)
    if isinstance(step, Repeat):
        return RepeatElement(step, style, stretch)
    return PanelElement(step, style, stretch, outermost, heads) if step.diagram else BarElement(step, style)


def draw_placement(canvas: Canvas, boxes: Sequence[Box], placement: Placement, left: float, top: float) -> None:
    """Paints the boxes of a placed diagram."""
    for box in boxes:
        x, y, width, height = placement.boxes[box.id]
        frame = Frame(x + left, y + top, width, height)
        canvas.boxes[box.id] = frame
        canvas.fronts.append(paint_box(box, frame, canvas.style, canvas.theme))


def draw_sequence(
    canvas: Canvas, parts: Sequence[Element], x: float, bottom: float, scope: str, wired: bool = True
) -> float:
    """Elements above each other, joined by wires; returns where the last one's output leaves."""
    exit_x = x
    for index, part in enumerate(parts):
        if index and wired:
            start, end = (exit_x, bottom + canvas.gap), (x, bottom)
            canvas.wires.append(wire(f"{scope}/flow-{index}", start, end, canvas.theme, part.boxed))
        exit_x = part.draw(canvas, x, bottom)
        bottom -= part.height + canvas.gap
    return exit_x


def wire(wire_id: str, start: Point, end: Point, theme: Theme, head: bool) -> Group:
    middle = (start[1] + end[1]) / 2
    points = (start, end) if abs(start[0] - end[0]) < 0.5 else (start, (start[0], middle), (end[0], middle), end)
    return Group(wire_id, "edge", (Path(points, theme.line, 1.25, 6.0, arrow_end=head),))
