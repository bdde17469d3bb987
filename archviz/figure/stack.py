"""The `stack` layout: a tower as a column, bottom-up, with its layer panels, repeats and braces around one spine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from archviz.figure.braces import brace_room, paint_brace
from archviz.figure.display import Group, Item, Path, Point, Rect
from archviz.figure.fonts import fit, measure
from archviz.figure.layered import Link, Placement, Spacing, Vertex, place
from archviz.figure.model import Box, Column, LayerPanel, Merge, Repeat, Step, Words, bars, column_boxes
from archviz.figure.paint import (
    DASHES,
    MAIN,
    MINOR,
    SIDE,
    Frame,
    Style,
    box_size,
    closer,
    paint_arrow,
    paint_box,
    text_line,
    wrap,
)
from archviz.figure.quantities import plain
from archviz.figure.theme import Theme
from archviz.records import field, record, replace

_GAP = 17.0
_FLOW_GAP = 13.5
_TABLE = 64.0  # px: least width of a table beside the ⊕ at which it is added; in boxes, its largest is
_SHARE = 0.64
_REACH = 16.0  # px between the two
_FORK = 18.0  # px below a branch beside the stream, for the wire by which it reads that
_PAD, _SLIM_PAD = 13.0, 9.0
_SIDE, _SLIM_SIDE = 16.0, 10.0  # px between the frame of layers and what it holds on its left and right
_TITLE = 44.0
_TITLE_LINES = 3
_TITLE_ROOM = 190.0  # px on the left of the output that the title of a tower may ask for
_WIDER = 72.0  # px by which a bar with mixers may be wider than a box
_TIE = 8.0  # px between the line that joins tied boxes and their edges that face each other
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
    gap: float = _GAP
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
            canvas.wires.append(_wire(f"{self.merge.id}/up", (x, bottom), (x, sign.bottom), canvas.theme, True))
            canvas.wires.append(
                _wire(f"{self.merge.id}/on", (x, sign.y), (x, bottom - self.height), canvas.theme, False)
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
        self.height = sum(part.height for part in self.parts) + _GAP * stretch * (len(self.parts) - 1) + 32 + self.title

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
            canvas.wires.append(
                _wire(f"{self.repeat.id}/in", (x, bottom), (x, bottom - 16), theme, self.parts[0].boxed)
            )
            canvas.wires.append(_wire(f"{self.repeat.id}/out", (exit_x, frame.y + 16), (x, frame.y), theme, False))
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
            canvas.wires.append(_wire(f"{scope}/flow-{index}", start, end, canvas.theme, part.boxed))
        exit_x = part.draw(canvas, x, bottom)
        bottom -= part.height + canvas.gap
    return exit_x


def _wire(wire_id: str, start: Point, end: Point, theme: Theme, head: bool) -> Group:
    middle = (start[1] + end[1]) / 2
    points = (start, end) if abs(start[0] - end[0]) < 0.5 else (start, (start[0], middle), (end[0], middle), end)
    return Group(wire_id, "edge", (Path(points, theme.line, 1.25, 6.0, arrow_end=head),))


class ColumnArt:
    """A column with its size (`left` and `right` of the spine, `height`, in px) that can be drawn anywhere."""

    def __init__(
        self, column: Column, theme: Theme, stretch: float = 1.0, density: float = 1.0, slim: bool = False
    ) -> None:
        """`slim` frames are close around what they hold, and the right side of a layer is not as wide as its left."""
        self.column, self.theme = column, theme
        style = replace(closer(MINOR if column.minor else MAIN, density), slim=slim)
        self.canvas = Canvas(theme, style, gap=_GAP * stretch)
        parts = [element(step, style, stretch) for step in column.steps]
        ends = [isinstance(step, Box) and step.role in ("input", "output") for step in column.steps]
        self.below = parts[:1] if ends and ends[0] else []
        self.above = parts[-1:] if len(parts) > 1 and ends[-1] else []
        self.parts = parts[len(self.below) : len(parts) - len(self.above)]
        self.left = max((part.left + part.brace for part in self.parts), default=60.0) + (_SLIM_PAD if slim else _PAD)
        # The output goes up beside the title; a small tower says its size more shortly where it has to.
        size, second = (13.5, "") if column.minor else (14.5, column.subtitle)
        words = max(measure(column.title[:80], size, 700), measure(second[:80], 13)) + 24
        self.left = max(self.left, min(words, _TITLE_ROOM))
        self.beside_title = not column.minor or words <= self.left
        roomy = not slim or column.tied is not None  # for the line of the tie
        self.right = max((part.right for part in self.parts), default=60.0) + (_PAD if roomy else _SLIM_PAD)
        self.feeders = [(box, box_size(box, SIDE)) for box in column.feeders]
        inner = sum(part.height for part in self.parts) + _GAP * stretch * max(len(self.parts) - 1, 0)
        self.container = inner + 2 * _PAD + _TITLE
        self.foot = max(
            self.below[0].height + _GAP if self.below else 22.0,
            sum(height + _GAP for _, (_, height) in self.feeders) + 30 - _GAP if self.feeders else 0.0,
        )
        self.height = self.container + self.foot + (self.above[0].height + _GAP if self.above else 22.0)
        self.frame = Frame(0, 0, 0, 0)
        boxes = list(column_boxes(column.steps))
        self.known = {box.id for box in boxes}
        self.zooms = {box.id: box.zoom for box in boxes if box.zoom}
        self.zooms |= {bar.id: bar.zoom for bar in bars(column.steps) if bar.zoom}

    def draw(self, x: float, bottom: float, keep_clear: Sequence[str] = (), feeding: bool = False) -> Group:
        """The column on a spine at `x`, standing on `bottom`.

        Args:
            feeding: Whether its output goes on into another column.
            keep_clear: Ids of boxes with an arrow from the left; the `15 ×` of a brace keeps out of its way.
        """
        canvas, theme = self.canvas, self.theme
        base = bottom - self.foot
        self.frame = Frame(x - self.left, base - self.container, self.left + self.right, self.container)
        first = self.below[0] if self.below else None
        if first:
            first.draw(canvas, x, base + _GAP + first.height)
        start = base + (_GAP if first else 22.0)
        canvas.wires.append(_wire(f"{self.column.id}/in", (x, start), (x, base - _PAD), theme, self._boxed()))
        exit_x = draw_sequence(canvas, self.parts, x, base - _PAD, self.column.id)
        self._draw_feeders(x, base)
        self._draw_out(x, exit_x, feeding)
        top = self.frame.y
        self._draw_beyond(x)
        self._draw_tie()
        if self.above:
            self.above[0].draw(canvas, x, top - _GAP)
        blocked = [canvas.boxes[box].middle[1] for box in keep_clear if box in canvas.boxes]
        braces = [item for brace in canvas.braces for item in paint_brace(*brace, blocked, theme, self.canvas.style)]
        items = (*self._container(x), *canvas.backs, *braces, *canvas.wires, *canvas.fronts)
        return Group(f"tower/{self.column.id}", "tower", items, title=self.column.title)

    def _draw_out(self, x: float, exit_x: float, feeding: bool) -> None:
        """The output; of a small tower with a long title it goes behind that."""
        top, theme, name = self.frame.y, self.theme, self.column.id
        end = top - (_GAP if self.above else 20.0)
        if not self.beside_title:
            self.canvas.wires.append(
                _wire(f"{name}/out", (exit_x, top + _TITLE + _PAD), (x, top + _TITLE + 3), theme, False)
            )
            self.canvas.wires.append(_wire(f"{name}/leave", (x, top), (x, end), theme, not feeding))
        else:
            self.canvas.wires.append(_wire(f"{name}/out", (exit_x, top + _TITLE + _PAD), (x, end), theme, not feeding))

    def _draw_beyond(self, x: float) -> None:
        """A further head, beside the output; it reads the stream below the last box."""
        box, canvas = self.column.beyond, self.canvas
        last = self.column.steps[-1 - len(self.above)] if self.column.steps else None
        frame = canvas.boxes.get(last.id) if isinstance(last, Box) else None
        if box is None or frame is None or self.column.minor:
            return
        width, height = box_size(box, SIDE)
        left = self.frame.right - width - 8
        place_ = Frame(left, self.frame.y + 8, width, height)
        lane, y = self.frame.right - 20, frame.bottom + canvas.gap / 2
        if left < x + 8 or lane < frame.right + 4:
            return
        canvas.boxes[box.id] = place_
        canvas.fronts.append(paint_box(box, place_, SIDE, self.theme))
        points = ((x, y), (lane, y), (lane, place_.bottom))
        dash = DASHES[box.status]
        path = Path(points, self.theme.line, 1.25, 6.0, arrow_end=True, dash=dash)
        canvas.wires.append(Group(f"{box.id}/in", "edge", (path,)))

    def _draw_tie(self) -> None:
        """A dotted line between the two boxes that share one tensor."""
        low, high = (self.canvas.boxes.get(name) for name in self.column.tied or ("", ""))
        if low and high:
            lane = self.frame.right - 6
            start, end = low.y + _TIE, high.bottom - _TIE  # a note's leader begins at the middle
            points = ((low.right + 2, start), (lane, start), (lane, end), (high.right + 2, end))
            path = Path(points, self.theme.accent, 1.5, 6.0, dash=(1.5, 3.5))
            self.canvas.wires.append(Group(f"tie/{self.column.id}", "edge", (path,), title="tied weights"))

    @property
    def overhang(self) -> float:
        """How far a tower at the foot reaches out of the column on its left, px."""
        half = self.below[0].right if self.below else 0.0
        return max([width + half + 16 - self.left for _, (width, _) in self.feeders] + [0.0])

    def _draw_feeders(self, x: float, base: float) -> None:
        """Towers as boxes at the foot: the first with a line that joins the stream above the first box, below it those that feed it."""
        canvas, theme = self.canvas, self.theme
        edge = x - (self.below[0].right if self.below else 0.0) - 16
        top, above = base + 18, None
        for box, (width, height) in self.feeders:
            frame = Frame(edge - width, top, width, height)
            canvas.boxes[box.id] = frame
            canvas.fronts.append(paint_box(box, frame, SIDE, theme))
            points: tuple[Point, ...]
            if above is None:
                y = base - _PAD - (self.parts[0].height if self.parts else 0.0) - canvas.gap / 2
                lane = min(frame.middle[0], x - self.parts[0].left - 14)
                points = ((lane, frame.y), (lane, y), (x - 3, y))
            else:
                lane = max(frame.middle[0], above.middle[0])
                points = ((lane, frame.y), (lane, above.bottom))
            path = Path(points, theme.accent, 1.6, 8.0, arrow_end=True)
            canvas.wires.append(Group(f"feed/{box.id}", "edge", (path,)))
            top, above = top + height + _GAP, frame

    def depths(self, box: str) -> tuple[float, float] | None:
        """How far the middle of a box on the spine is below the top of the column, and above its bottom, px."""
        steps = [step for step in self.column.steps if isinstance(step, Box)]
        if box not in {step.id for step in steps}:
            return None
        first, last = len(self.below), len(self.column.steps) - len(self.above)
        ids = [step.id for step in self.column.steps[first:last]]
        if box not in ids:
            return None
        place_ = ids.index(box)
        over = sum(part.height + self.canvas.gap for part in self.parts[place_ + 1 :])
        outside = self.above[0].height + _GAP if self.above else 22.0
        middle = outside + _TITLE + _PAD + over + self.parts[place_].height / 2
        return middle, self.height - middle

    def reaches_right(self, box: str) -> bool:
        """Whether a level line from a drawn box to the right meets no other box."""
        return not any(other.x > self.canvas.boxes[box].x for other in self._level_with(box))

    def reaches_left(self, box: str) -> bool:
        """Whether a level line from a drawn box to the left meets no other box."""
        return not any(other.x < self.canvas.boxes[box].x for other in self._level_with(box))

    def _level_with(self, box: str) -> list[Frame]:
        """Other boxes that a level line through a box would meet."""
        y = self.canvas.boxes[box].middle[1]
        others = [self.canvas.boxes[other] for other in self.known & self.canvas.boxes.keys() if other != box]
        return [other for other in others if other.width and other.y - 16 < y < other.bottom + 16]

    def _boxed(self) -> bool:
        return bool(self.parts) and self.parts[0].boxed

    def _container(self, x: float) -> list[Item]:
        frame, theme = self.frame, self.theme
        room = x - frame.x - 22 if self.beside_title else frame.width - 22
        size = 13.5 if self.column.minor else 14.5
        subtitle = self.column.subtitle
        if measure(subtitle[:200], 13) > room:
            subtitle = fit(subtitle.removesuffix(" parameters"), 13, 400, room)
        title = self.column.title[:200]
        long = measure(title, size, 700) > room
        size = 13.0 if long else size
        lines = _halves(title, size, room) if long else [title]
        tops = (15.0, 30.0) if len(lines) > 1 else (20.0,)
        below = 45.0 if len(lines) > 1 else 37.0
        return [
            Rect(frame.x, frame.y, frame.width, frame.height, theme.container.fill, theme.container.stroke, 1.2, 12.0),
            *(
                text_line(line, frame.x + 14, frame.y + top, size, 700, theme.ink)
                for line, top in zip(lines, tops, strict=False)
            ),
            text_line(subtitle, frame.x + 14, frame.y + below, 13, 400, theme.muted),
        ]


def _halves(title: str, size: float, room: float) -> list[str]:
    """A long title in two lines, broken behind a hyphen or a blank as far on as fits; what is still too long is shortened."""
    breaks = [
        place + 1 for place, sign in enumerate(title) if sign in "- " and measure(title[: place + 1], size, 700) <= room
    ]
    lines = [title[: breaks[-1]], title[breaks[-1] :]] if breaks else [title]
    return [fit(line.strip(), size, 700, room) for line in lines]
