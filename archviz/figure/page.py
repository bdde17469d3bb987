"""The page of an overview: title, columns, margins, insets, strips, facts and footers, all on one frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil

from archviz.figure.arrangement import Arrangement, Room, arrange
from archviz.figure.column_art import ColumnArt
from archviz.figure.display import DisplayList, Item, Point
from archviz.figure.fonts import measure
from archviz.figure.furniture import footers_height, paint_footers, paint_legend, paint_title
from archviz.figure.margins import (
    SUMMIT,
    note_ends,
    notes_width,
    paint_connectors,
    paint_feed,
    paint_notes,
    paint_sides,
    paint_summit,
    side_width,
    wrapped_notes,
)
from archviz.figure.model import Figure, SideBox, bars, column_boxes, diagrams
from archviz.figure.packing import GAP, Block
from archviz.figure.paint import Frame, box_size, paint_badge, side_style
from archviz.figure.panels import FRAMED, FactsArt, InsetArt, Panel, StripArt
from archviz.figure.print_size import RATIO, WIDEST
from archviz.figure.theme import Theme
from archviz.records import replace

_MARGIN = 24.0
_TOP = 92.0
_BETWEEN = 44.0
_LANE = 34.0  # px between a small tower and the column that it feeds
_LANE_ROOM = 12.0  # px between side boxes and a line up beside them
_ZOOMS = 28.0  # px between the columns and the panels, for the lines that join them
_MAX_STRETCH = 3.2
_CLIMB = 22.0  # px that wires have between the columns and what stands above them, with its own output
_SLACK = 0.25  # by so much the frame of a panel that does not stretch may be higher than it, to end with its neighbours
_ALONE, _TOGETHER = 1.2, 0.45  # by so much a panel that stretches may be higher, alone beside others or under others
_EXACT = 0.01  # px that sums of widths may be off by
_INNER = WIDEST - 2 * _MARGIN


def place_page(figure: Figure, theme: Theme) -> DisplayList:
    """The display list of a figure."""
    return Page(figure, theme).display()


class Page:
    """A page whose panels have their places, and that can be drawn once.

    `badness` says by how much, in px, it is too wide to be read in print or too high.

    Args:
        density: Factor of the distances between boxes; below 1 more fits on the page.
        brief: Whether cells alone tell the pattern of the layers, not words too.
        named: Whether insets are high enough for the names on their wires.
        like: A page of the same figure; what is the same on both is taken from it.
    """

    def __init__(
        self, figure: Figure, theme: Theme, density: float = 1.0, brief: bool = False, named: bool = True,
        like: Page | None = None,
    ) -> None:  # fmt: skip
        self.figure, self.theme, self.density, self.brief, self.named = figure, theme, density, brief, named
        dense = like if like and like.density == density else None
        self.insets: list[InsetArt] = (
            dense.insets
            if dense and dense.named == named
            else [InsetArt(inset, theme, density, named) for inset in figure.insets]
        )
        self.strips: list[StripArt] = (
            like.strips if like and like.brief == brief else [StripArt(strip, theme, brief) for strip in figure.strips]
        )
        self.panels: list[Panel] = [*self.insets, *self.strips]
        self.feet: dict[float, float] = like.feet if like else {}  # heights by width, px
        self.notes = wrapped_notes(figure.notes, figure.slim)
        self.arts: list[ColumnArt] = (
            dense.arts
            if dense
            else [ColumnArt(column, theme, density, density, figure.slim) for column in figure.columns]
        )
        self.sides = [self._sides_of(art) for art in self.arts]
        self.items: list[Item] = []
        self.side_frames: dict[str, Frame] = {}
        self.summit_frame = Frame(0, 0, 0, 0)
        self.tucked = self._is_tucked()
        # Beside a column that another feeds the feeding line comes in, or a small tower stands, where a note would be.
        self.notes_left = not self.tucked and not any(self._feeds_last(art) for art in self.arts)
        self.xs, self.left = self._spines()
        self.plan = self._arranged()
        width = self._width(self.plan)
        self.xs = self._spread(width)
        excess = max(width - WIDEST, 0.0) + max(self._height(width) - width / RATIO[0], 0.0)
        self.badness = excess if excess > _EXACT else 0.0

    def _foot_height(self, width: float) -> float:
        """Of facts, legend and footers, px."""
        if width not in self.feet:
            inner = width - 2 * _MARGIN
            facts = FactsArt(self.figure.facts, self.theme).height_at(inner) + 4 if self.figure.facts else 0.0
            legend = paint_legend(self._statuses(), 0.0, 0.0, self.theme)[1]
            self.feet[width] = GAP + facts + legend + footers_height(self.figure.footers, inner) + 17
        return self.feet[width]

    def _body(self) -> float:
        """Height of the columns and of what stands beside them, px."""
        return self._summit_height() + self._flow_height()

    def _summit_height(self) -> float:
        """Of what stands above the columns, px."""
        return box_size(self.figure.summit.box, SUMMIT)[1] + _CLIMB if self.figure.summit else 0.0

    def _flow_height(self) -> float:
        """Height of the columns and of what stands beside them, px."""
        beside = self.plan.beside_height + self._noted() if self.plan.beside else 0.0
        feeding = any(self._feeds_last(art) and art.height > self._tallest() - 16 for art in self.arts)
        return max(self._tallest() + (16 if feeding else 0.0), beside)

    def display(self) -> DisplayList:
        plan, body = self.plan, self._body()
        width = self._width(plan)
        self._stretch_columns(body - self._summit_height())
        bottom = _TOP + body
        self._draw_columns(bottom)
        frames = self._draw_panels(plan, width, bottom)
        self._draw_joints(plan, frames)
        end = bottom + (GAP + plan.packing.height if plan.below else 0.0)
        height = self._draw_foot(end, width)
        title = paint_title(self.figure.title, self.figure.subtitle, _MARGIN, width - 2 * _MARGIN, self.theme)
        return DisplayList(
            width=ceil(width - _EXACT),
            height=ceil(height - _EXACT),
            background=self.theme.background,
            title=self.figure.title,
            description=self.figure.description,
            items=(*self.items, *title),
        )

    def _tallest(self) -> float:
        return max((art.height for art in self.arts), default=0.0)

    def _arranged(self) -> Arrangement:
        opened = {zoom for art in self.arts for zoom in art.zooms.values()}
        inner = [isinstance(panel, InsetArt) and panel.inset.id not in opened for panel in self.panels]
        blocks = [Block(panel.width, panel.height_at, deep) for panel, deep in zip(self.panels, inner, strict=True)]
        whole = max(_INNER, self.left - _MARGIN)
        room = Room(whole - self.left - _ZOOMS + _MARGIN, self._tallest(), self._noted())
        return arrange(blocks, room, whole)

    def _width(self, plan: Arrangement) -> float:
        """As wide as the columns with what stands beside them; the whole width of print where something stands below."""
        noted = notes_width(self.notes) if self.notes and not self.notes_left else 0.0
        beside = plan.beside_width + _ZOOMS if plan.beside else 0.0
        need = self.left + max(beside, noted) + _MARGIN
        title = min(measure(self.figure.title[:60], 34, 700), _INNER) + 2 * _MARGIN
        below = max(plan.packing.width + 2 * _MARGIN, _INNER + 2 * _MARGIN) if plan.below else 0.0
        width = max(need, title, below, 560.0)
        return max(width, min(self._height(width) * RATIO[0] + 2, WIDEST))

    def _height(self, width: float) -> float:
        rows = GAP + self.plan.packing.height if self.plan.below else 0.0
        return _TOP + self._body() + rows + self._foot_height(width)

    def _noted(self) -> float:
        """Height beside the last column that notes take at its top and bottom, px."""
        return sum(self._note_bands())

    def _note_bands(self) -> tuple[float, float]:
        """How far notes on its right reach from the top of the last column, and from its bottom."""
        top = bottom = 0.0
        if self.notes_left:
            return top, bottom
        art = self.arts[-1] if self.arts else None
        for note in self.notes:
            depths = art.depths(note.note.target) if art else None
            if depths and depths[0] < depths[1]:
                top = max(top, depths[0] + note.height / 2 + 30)
            elif depths:
                bottom = max(bottom, depths[1] + note.height / 2 + 30)
        return top, bottom

    def _sides_of(self, art: ColumnArt) -> list[SideBox]:
        """The side boxes with targets in a column, without their other targets; one of several columns is drawn in each."""
        kept: list[SideBox] = []
        for side in self.figure.sides:
            targets = tuple(target for target in side.targets if target in _known(art))
            if targets:
                first = next(other for other in self.arts if not _known(other).isdisjoint(side.targets))
                own = side.box if art is first else replace(side.box, id=f"{side.box.id}@{art.column.id}")
                kept.append(SideBox(own, targets))
        return kept

    def _spines(self) -> tuple[list[float], float]:
        """The x of each column's spine, and where the last column ends."""
        xs: list[float] = []
        x = _MARGIN
        last = len(self.arts) - 1
        for index, (art, own) in enumerate(zip(self.arts, self.sides, strict=True)):
            noted = notes_width(self.notes) - 4 if self.notes_left and index == last else 0.0
            if index == last and self.tucked:
                x -= _BETWEEN  # the small tower stands where side boxes have their room
                x = max(x + max(_LANE, art.overhang + _LANE_ROOM), _MARGIN + side_width(own))
            else:
                x += max(side_width(own), noted, art.overhang)
            xs.append(x + art.left)
            x += art.left + art.right + _BETWEEN
        return xs, x - (_BETWEEN if xs else 0.0)

    def _spread(self, width: float) -> list[float]:
        """The x of each column's spine, several spread over a page on which nothing stands beside them."""
        count = len(self.arts)
        noted = notes_width(self.notes) if self.notes and not self.notes_left else 0.0
        more = max(width - _MARGIN - self.left - noted, 0.0) / max(count, 1)
        if self.plan.beside or count < 2:
            return self.xs
        if self.tucked:
            return self._below_lane([x + more * count / 2 for x in self.xs])
        return [x + more * (place + 0.5) for place, x in enumerate(self.xs)]

    def _below_lane(self, xs: list[float]) -> list[float]:
        """A small tower moved a little to the left, where its output then goes straight up beside the side box that it gives."""
        small, large = self.arts
        lane = xs[1] - large.left - side_width(self.sides[1]) - _LANE_ROOM
        reads = any(side.box.role == "input" for side in self.sides[1])
        near = reads and lane < xs[0] < lane + small.left / 2 and lane - small.left >= _MARGIN
        return [lane, xs[1]] if near else xs

    def _is_tucked(self) -> bool:
        """Whether a small tower stands below the side boxes of the last column, in their margin."""
        if len(self.arts) != 2 or not self.sides[1] or self.sides[0]:
            return False
        small, large = self.arts
        tall = sum(box_size(side.box, side_style(side.box))[1] + 12 for side in self.sides[1])
        return small.column.minor and small.height + tall + 80 < large.height

    def _feeds_last(self, art: ColumnArt) -> bool:
        return art.column.feeds == self.arts[-1].column.id and art is not self.arts[-1]

    def _stretch_columns(self, body: float) -> None:
        """Longer wires in columns that are lower than the page, so that they fill it."""
        slim = self.figure.slim
        for index, art in enumerate(self.arts):
            if art.height >= body - 1 or (self.tucked and index == 0):
                continue
            goal = body - 16 if self._feeds_last(art) else body  # for the line that leaves above it
            longer = ColumnArt(art.column, self.theme, 2.0, self.density, slim)
            stretch = self.density + (2.0 - self.density) * max(goal - art.height, 0.0) / max(
                longer.height - art.height, 1.0
            )
            self.arts[index] = ColumnArt(art.column, self.theme, min(stretch, _MAX_STRETCH), self.density, slim)

    def _draw_columns(self, bottom: float) -> None:
        for art, x, own in zip(self.arts, self.xs, self.sides, strict=True):
            targets = [target for side in own for target in side.targets]
            self.items.append(art.draw(x, bottom, targets, self._feeds(art)))
        for art, own in zip(self.arts, self.sides, strict=True):
            lowest = note_ends(self.notes, art)[1] - 12 if self.notes_left else float("inf")
            if self.tucked and art is self.arts[-1]:
                lowest = min(lowest, self.arts[0].frame.y - 44)
            painted, frames = paint_sides(own, art, self.theme, lowest)
            self.items += painted
            self.side_frames |= frames
        self._draw_feeds()
        if self.figure.summit:
            met = [art for art in self.arts if art.column.id in self.figure.summit.columns]
            painted, self.summit_frame = paint_summit(self.figure.summit.box, met, self.theme)
            self.items += painted

    def _feeds(self, art: ColumnArt) -> bool:
        summit = self.figure.summit
        return (summit is not None and art.column.id in summit.columns) or any(
            other.column.id == art.column.feeds for other in self.arts
        )

    def _draw_feeds(self) -> None:
        by_id = {art.column.id: index for index, art in enumerate(self.arts)}
        used: dict[int, int] = {}
        for art in self.arts:
            index = by_id.get(art.column.feeds or "", -1)
            if index < 0:
                continue
            target = self.arts[index]
            used[index] = used.get(index, 0) + 1
            inputs = [side.box.id for side in self.sides[index] if side.box.role == "input"]
            goal = self.side_frames[inputs[0]] if inputs else None
            edge = target.frame.x if self.tucked else self._edge(index)
            lane = edge - 16 - 9 * (used[index] - 1)
            if self.tucked and goal:  # up beside the side boxes, which stand above the small tower
                lane = min(frame.x for frame in self.side_frames.values()) - _LANE_ROOM
            over = self._way_over(by_id[art.column.id], index)
            self.items.append(paint_feed(art, target, goal, lane, over, self.theme))

    def _edge(self, index: int) -> float:
        """Where a column begins on the left, its side boxes included."""
        sides = [self.side_frames[side.box.id].x for side in self.sides[index]]
        return min([*sides, self.arts[index].frame.x])

    def _way_over(self, source: int, target: int) -> list[Point]:
        """The turn that takes a line above the columns between two columns."""
        between = self.arts[source + 1 : target]
        if not between:
            return []
        lowest = min(art.frame.y - 30 for art in between)
        return [(self._edge(source + 1) - 14, lowest - 12)]

    def _draw_panels(self, plan: Arrangement, width: float, bottom: float) -> dict[str, Frame]:
        """Draws the panels; the frames of the insets by id."""
        placed = list(self._beside_frames(plan, width, bottom)) + list(self._below_frames(plan, width, bottom))
        frames: dict[str, Frame] = {}
        for panel, frame in placed:
            if isinstance(panel, InsetArt):
                frames[panel.inset.id] = frame
            self.items.append(panel.draw(frame))
        return frames

    def _beside_frames(self, plan: Arrangement, width: float, bottom: float) -> Iterator[tuple[Panel, Frame]]:
        high, low = self._note_bands()
        x = self.left + _ZOOMS
        top = _TOP if self.notes_left or not self.arts else bottom - self.arts[-1].height + high
        panels, wide = [self.panels[i] for i in plan.beside], width - _MARGIN - x
        need = sum(panel.height_at(wide) for panel in panels) + GAP * (len(panels) - 1)
        top = max(_TOP, min(top, bottom - low - need))  # higher than the last column rather than into what stands below
        yield from _stacked(panels, x, top, wide, bottom - low - top)

    def _below_frames(self, plan: Arrangement, width: float, bottom: float) -> Iterator[tuple[Panel, Frame]]:
        spare = max(width - 2 * _MARGIN - plan.packing.width, 0.0) / max(len(plan.packing.widths), 1)
        x = _MARGIN
        for column, wide in zip(plan.packing.columns, plan.packing.widths, strict=True):
            panels = [self.panels[plan.below[index]] for index in column]
            yield from _stacked(panels, x, bottom + GAP, wide + spare, plan.packing.height)
            x += wide + spare + GAP

    def _draw_joints(self, plan: Arrangement, frames: dict[str, Frame]) -> None:
        """Badges on all boxes that an inset shows; lines from the last column to the insets next to it."""
        letters = {inset.id: inset.letter for inset in self.figure.insets}
        kinds = {inset.id: inset.kind for inset in self.figure.insets}
        badges: list[Item] = []
        for art in self.arts:
            for box_id, inset in art.zooms.items():
                frame = art.canvas.boxes[box_id]  # a bar of layers has its frame there too
                badges.append(paint_badge(letters[inset], frame.right - 2, frame.y + 1, self.theme))
        if self.figure.summit and self.figure.summit.box.zoom in letters:
            frame = self.summit_frame
            badges.append(paint_badge(letters[self.figure.summit.box.zoom], frame.right - 2, frame.y + 1, self.theme))
        for panel in self.insets:
            for box in panel.inset.diagram.boxes:
                if box.zoom in letters and box.id in panel.boxes:
                    frame = panel.boxes[box.id]
                    badges.append(paint_badge(letters[box.zoom], frame.right - 2, frame.y + 1, self.theme))
        if self.arts:
            joined = self._joined(self.arts[-1], frames)
            colours = {box: self._joint_colour(kinds[self.arts[-1].zooms[box]]) for box in joined}
            self.items += paint_connectors(joined, colours, self.arts[-1], self.left + _ZOOMS)
            self.items += paint_notes(self.notes, self.arts[-1], self.theme, self.notes_left)
        self.items += badges

    def _joined(self, art: ColumnArt, frames: dict[str, Frame]) -> dict[str, Frame]:
        """For each inset beside the column the box next to it that shows it, with the inset's frame."""
        boxes = art.canvas.boxes
        joined: dict[str, Frame] = {}
        for inset, frame in frames.items():
            near = [box for box, zoom in art.zooms.items() if zoom == inset and art.reaches_right(box)]
            if near and frame.x == self.left + _ZOOMS:
                joined[min(near, key=lambda box: abs(boxes[box].middle[1] - frame.y - 24))] = frame
        return joined

    def _joint_colour(self, kind: int | None) -> str:
        return self.theme.leader if kind is None else self.theme.tint(kind).stroke

    def _draw_foot(self, top: float, width: float) -> float:
        """Facts, legend and footers; returns the height of the page."""
        inner = width - 2 * _MARGIN
        y = top + GAP
        if self.figure.facts:
            facts = FactsArt(self.figure.facts, self.theme)
            height = facts.height_at(inner)
            self.items.append(facts.draw(Frame(_MARGIN, y, inner, height)))
            y += height + 4
        legend, tall = paint_legend(self._statuses(), _MARGIN, y, self.theme)
        feet, more = paint_footers(self.figure.footers, _MARGIN, y + tall, inner, self.theme)
        self.items += [*legend, *feet]
        return y + tall + more + 16

    def _statuses(self) -> set[str]:
        used = {str(box.status) for diagram in diagrams(self.figure) for box in diagram.boxes}
        columns = self.figure.columns
        used |= {str(box.status) for column in columns for box in column_boxes(column.steps)}
        used |= {str(column.beyond.status) for column in columns if column.beyond}
        used |= {cell.status for cell in self.figure.facts if cell.status in FRAMED}
        used |= {str(self.figure.summit.box.status)} if self.figure.summit else set()
        return used | {str(side.box.status) for side in self.figure.sides}


def _known(art: ColumnArt) -> set[str]:
    """What a side box may lead to: the boxes of a column, and layers drawn as bars."""
    return art.known | {bar.id for bar in bars(art.column.steps)}


def _stacked(panels: Sequence[Panel], x: float, top: float, width: float, room: float) -> Iterator[tuple[Panel, Frame]]:
    """Frames under each other over the whole height; those that stretch share what is spare, else the last takes a little."""
    heights = [panel.height_at(width) for panel in panels]
    elastic = [panel for panel in panels if panel.stretches]
    weight = sum(height for panel, height in zip(panels, heights, strict=True) if panel in elastic)
    spare = max(room - sum(heights) - GAP * (len(panels) - 1), 0.0)
    if panels and not elastic and spare <= _SLACK * heights[-1]:
        elastic, weight = list(panels[-1:]), heights[-1]
    y = top
    for panel, height in zip(panels, heights, strict=True):
        most = height * (_ALONE if len(panels) == 1 else _TOGETHER)
        more = min(spare * height / weight, most) if panel in elastic else 0.0
        yield panel, Frame(x, y, width, height + more)
        y += height + more + GAP
