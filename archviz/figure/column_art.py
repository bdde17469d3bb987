"""A tower as a column: its elements around one spine, in a container where it is one of several, with what feeds and leaves it."""

from __future__ import annotations

from collections.abc import Sequence

from archviz.figure.braces import paint_brace
from archviz.figure.display import Group, Item, Path, Point, Rect
from archviz.figure.fonts import fit, measure
from archviz.figure.model import Box, Column, bars, column_boxes
from archviz.figure.paint import (
    DASHES,
    MAIN,
    MINOR,
    SIDE,
    Frame,
    box_size,
    closer,
    paint_box,
    text_line,
)
from archviz.figure.stack import (
    GAP,
    PAD,
    SLIM_PAD,
    TITLE,
    Canvas,
    draw_sequence,
    element,
    wire,
)
from archviz.figure.theme import Theme
from archviz.records import replace

_TITLE_ROOM = 190.0  # px on the left of the output that the title of a tower may ask for
_TIE = 8.0  # px between the line that joins tied boxes and their edges that face each other


class ColumnArt:
    """A column with its size (`left` and `right` of the spine, `height`, in px) that can be drawn anywhere."""

    def __init__(
        self, column: Column, theme: Theme, stretch: float = 1.0, density: float = 1.0, slim: bool = False
    ) -> None:
        """`slim` frames are close around what they hold, and the right side of a layer is not as wide as its left."""
        self.column, self.theme = column, theme
        style = replace(closer(MINOR if column.minor else MAIN, density), slim=slim)
        self.canvas = Canvas(theme, style, gap=GAP * stretch)
        parts = [element(step, style, stretch) for step in column.steps]
        ends = [isinstance(step, Box) and step.role in ("input", "output") for step in column.steps]
        self.below = parts[:1] if ends and ends[0] else []
        self.above = parts[-1:] if len(parts) > 1 and ends[-1] else []
        self.parts = parts[len(self.below) : len(parts) - len(self.above)]
        self.left = max((part.left + part.brace for part in self.parts), default=60.0) + (SLIM_PAD if slim else PAD)
        # The output goes up beside the title; a small tower says its size more shortly where it has to.
        size, second = (13.5, "") if column.minor else (14.5, column.subtitle)
        words = max(measure(column.title[:80], size, 700), measure(second[:80], 13)) + 24
        self.left = max(self.left, min(words, _TITLE_ROOM))
        self.beside_title = not column.minor or words <= self.left
        roomy = not slim or column.tied is not None  # for the line of the tie
        self.right = max((part.right for part in self.parts), default=60.0) + (PAD if roomy else SLIM_PAD)
        self.feeders = [(box, box_size(box, SIDE)) for box in column.feeders]
        inner = sum(part.height for part in self.parts) + GAP * stretch * max(len(self.parts) - 1, 0)
        self.container = inner + 2 * PAD + TITLE
        self.foot = max(
            self.below[0].height + GAP if self.below else 22.0,
            sum(height + GAP for _, (_, height) in self.feeders) + 30 - GAP if self.feeders else 0.0,
        )
        self.height = self.container + self.foot + (self.above[0].height + GAP if self.above else 22.0)
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
            first.draw(canvas, x, base + GAP + first.height)
        start = base + (GAP if first else 22.0)
        canvas.wires.append(wire(f"{self.column.id}/in", (x, start), (x, base - PAD), theme, self._boxed()))
        exit_x = draw_sequence(canvas, self.parts, x, base - PAD, self.column.id)
        self._draw_feeders(x, base)
        self._draw_out(x, exit_x, feeding)
        top = self.frame.y
        self._draw_beyond(x)
        self._draw_tie()
        if self.above:
            self.above[0].draw(canvas, x, top - GAP)
        blocked = [canvas.boxes[box].middle[1] for box in keep_clear if box in canvas.boxes]
        braces = [item for brace in canvas.braces for item in paint_brace(*brace, blocked, theme, self.canvas.style)]
        items = (*self._container(x), *canvas.backs, *braces, *canvas.wires, *canvas.fronts)
        return Group(f"tower/{self.column.id}", "tower", items, title=self.column.title)

    def _draw_out(self, x: float, exit_x: float, feeding: bool) -> None:
        """The output; of a small tower with a long title it goes behind that."""
        top, theme, name = self.frame.y, self.theme, self.column.id
        end = top - (GAP if self.above else 20.0)
        if not self.beside_title:
            self.canvas.wires.append(
                wire(f"{name}/out", (exit_x, top + TITLE + PAD), (x, top + TITLE + 3), theme, False)
            )
            self.canvas.wires.append(wire(f"{name}/leave", (x, top), (x, end), theme, not feeding))
        else:
            self.canvas.wires.append(wire(f"{name}/out", (exit_x, top + TITLE + PAD), (x, end), theme, not feeding))

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
                y = base - PAD - (self.parts[0].height if self.parts else 0.0) - canvas.gap / 2
                lane = min(frame.middle[0], x - self.parts[0].left - 14)
                points = ((lane, frame.y), (lane, y), (x - 3, y))
            else:
                lane = max(frame.middle[0], above.middle[0])
                points = ((lane, frame.y), (lane, above.bottom))
            path = Path(points, theme.accent, 1.6, 8.0, arrow_end=True)
            canvas.wires.append(Group(f"feed/{box.id}", "edge", (path,)))
            top, above = top + height + GAP, frame

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
        outside = self.above[0].height + GAP if self.above else 22.0
        middle = outside + TITLE + PAD + over + self.parts[place_].height / 2
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
