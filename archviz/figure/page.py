"""The page of an overview: title, columns, margins, insets, strips, facts and footers, all on one frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import ceil

from archviz.figure.display import DisplayList, Group, Item, Point, Rect
from archviz.figure.fonts import fit, measure
from archviz.figure.margins import (
    notes_width,
    paint_connectors,
    paint_feed,
    paint_notes,
    paint_sides,
    side_width,
    wrapped_notes,
)
from archviz.figure.model import Figure, SideBox, Words, diagrams
from archviz.figure.packing import GAP, Block, Packing, pack
from archviz.figure.paint import DASHES, Frame, paint_badge, paint_lines, text_line, wrap
from archviz.figure.panels import FactsArt, InsetArt, Panel, StripArt
from archviz.figure.stack import ColumnArt
from archviz.figure.theme import Theme

_MARGIN = 36.0
_TOP = 104.0
_BETWEEN = 52.0
_MAX_STRETCH = 2.2
_MEANING = {
    "config": "stated by the configuration alone",
    "derived": "derived",
    "unverified": "not verified",
    "conflict": "sources disagree",
}


def place_page(figure: Figure, theme: Theme) -> DisplayList:
    """The display list of a figure."""
    return _Page(figure, theme).display()


class _Page:
    def __init__(self, figure: Figure, theme: Theme) -> None:
        self.figure, self.theme = figure, theme
        self.insets = [InsetArt(inset, theme) for inset in figure.insets]
        self.strips = [StripArt(strip, theme) for strip in figure.strips]
        self.notes = wrapped_notes(figure.notes)
        self.arts = [ColumnArt(column, theme) for column in figure.columns]
        self.sides = [self._sides_of(art) for art in self.arts]
        self.lifted: dict[str, list[InsetArt]] = {}
        self.items: list[Item] = []
        self.side_frames: dict[str, Frame] = {}

    def display(self) -> DisplayList:
        self._lift_minor_insets()
        xs, left = self._spines()
        packing = self._widened(self._pack(left), left)
        body = max([self._tallest(), packing.height, *(self._lifted_height(art) for art in self.arts)])
        self._stretch_columns(body)
        bottom = _TOP + body
        self._draw_columns(xs, bottom)
        width = left + packing.width + _MARGIN if packing.columns else max(left + _MARGIN, 640.0)
        self._draw_panels(packing, left, body)
        height = self._draw_foot(bottom, width)
        self._draw_title(width)
        return DisplayList(
            width=ceil(width),
            height=ceil(height),
            background=self.theme.background,
            title=self.figure.title,
            description=self.figure.description,
            items=tuple(self.items),
        )

    def _tallest(self) -> float:
        return max((art.height for art in self.arts), default=0.0)

    def _panels(self) -> list[Panel]:
        """What stands beside the columns, in reading order."""
        lifted = [inset for own in self.lifted.values() for inset in own]
        return [*(inset for inset in self.insets if inset not in lifted), *self.strips]

    def _pack(self, left: float) -> Packing:
        blocks = [Block(panel.width, panel.height_at) for panel in self._panels()]
        return pack(blocks, left, self._tallest())

    def _lift_minor_insets(self) -> None:
        """Puts insets of a minor column above it as far as they fit where the page would else be empty."""
        for art in self.arts[:-1]:
            own = [inset for inset in self.insets if inset.inset.column == art.column.id]
            for count in range(len(own), 0, -1) if art.column.minor else ():
                self.lifted[art.column.id] = own[-count:]
                packing = self._pack(self._spines()[1])
                if self._lifted_height(art) <= max(self._tallest(), packing.height) * 1.05:
                    break
                del self.lifted[art.column.id]

    def _lifted_height(self, art: ColumnArt) -> float:
        own = self.lifted.get(art.column.id, [])
        return art.height + sum(inset.height + GAP for inset in own) + 40 if own else 0.0

    def _sides_of(self, art: ColumnArt) -> list[SideBox]:
        """The side boxes with targets in a column, without their other targets."""
        known = art.known
        kept = [
            replace(side, targets=tuple(target for target in side.targets if target in known))
            for side in self.figure.sides
        ]
        return [side for side in kept if side.targets]

    def _spines(self) -> tuple[list[float], float]:
        """The x of each column's spine, and where the insets begin."""
        xs: list[float] = []
        x = _MARGIN
        for art, own in zip(self.arts, self.sides, strict=True):
            x += side_width(own)
            xs.append(x + art.left)
            lifted = max((inset.width for inset in self.lifted.get(art.column.id, ())), default=0.0)
            x += max(art.left + art.right, lifted) + _BETWEEN
        zooms = 26.0 if self._panels() else 0.0
        return xs, x - _BETWEEN + max(notes_width(self.notes), 20.0) + zooms

    def _widened(self, packing: Packing, left: float) -> Packing:
        """A packing at least so wide that the title fits."""
        need = measure(self.figure.title[:60], 34, 700) + 2 * _MARGIN - left - _MARGIN
        if not packing.columns or packing.width >= need:
            return packing
        share = (need - packing.width) / len(packing.widths)
        return replace(packing, widths=tuple(width + share for width in packing.widths))

    def _stretch_columns(self, body: float) -> None:
        """Longer wires in columns that are lower than the page, so that they fill it."""
        for index, art in enumerate(self.arts):
            if art.height >= body - 1 or art.column.id in self.lifted:
                continue
            longer = ColumnArt(art.column, self.theme, 2.0)
            stretch = 1 + (body - art.height) / max(longer.height - art.height, 1.0)
            self.arts[index] = ColumnArt(art.column, self.theme, min(stretch, _MAX_STRETCH))

    def _draw_columns(self, xs: list[float], bottom: float) -> None:
        for art, x, own in zip(self.arts, xs, self.sides, strict=True):
            targets = [target for side in own for target in side.targets]
            self.items.append(art.draw(x, bottom, targets, self._feeds(art)))
        for art, own in zip(self.arts, self.sides, strict=True):
            painted, frames = paint_sides(own, art, self.theme)
            self.items += painted
            self.side_frames |= frames
        self._draw_feeds()

    def _feeds(self, art: ColumnArt) -> bool:
        return any(other.column.id == art.column.feeds for other in self.arts)

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
            lane = self._edge(index) - 16 - 9 * (used[index] - 1)
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
        lowest = min(_TOP if art.column.id in self.lifted else art.frame.y - 30 for art in between)
        return [(self._edge(source + 1) - 14, lowest - 12)]

    def _draw_panels(self, packing: Packing, left: float, body: float) -> None:
        panels = self._panels()
        frames: dict[str, Frame] = {}
        x = left
        for column, width in zip(packing.columns, packing.widths, strict=True):
            for panel, frame in self._panel_frames([panels[index] for index in column], x, width, body):
                if isinstance(panel, InsetArt):
                    frames[panel.inset.id] = frame
                self.items.append(panel.draw(frame))
            x += width + GAP
        for art in self.arts:
            self._draw_lifted(art, frames)
        self._draw_joints(frames, left)

    def _panel_frames(
        self, panels: Sequence[Panel], x: float, width: float, body: float
    ) -> Iterator[tuple[Panel, Frame]]:
        """Frames under each other over the whole height; those that stretch share what is spare."""
        heights = [panel.height_at(width) for panel in panels]
        elastic = [panel for panel in panels if panel.stretches] or panels
        weight = sum(height for panel, height in zip(panels, heights, strict=True) if panel in elastic)
        spare = max(body - sum(heights) - GAP * (len(panels) - 1), 0.0)
        y = _TOP
        for panel, height in zip(panels, heights, strict=True):
            height += spare * height / weight if panel in elastic else 0.0
            yield panel, Frame(x, y, width, height)
            y += height + GAP

    def _draw_lifted(self, art: ColumnArt, frames: dict[str, Frame]) -> None:
        own = self.lifted.get(art.column.id, [])
        room = art.frame.y - 40 - _TOP - GAP * (len(own) - 1) if own else 0.0
        spare = (room - sum(inset.height for inset in own)) / max(len(own), 1)
        y = _TOP
        width = max([art.frame.width, *(inset.width for inset in own)])
        for inset in own:
            frame = Frame(art.frame.x, y, width, inset.height + min(max(spare, 0.0), 0.25 * inset.height))
            frames[inset.inset.id] = frame
            self.items.append(inset.draw(frame))
            y += frame.height + GAP

    def _draw_joints(self, frames: dict[str, Frame], left: float) -> None:
        """Badges on all boxes that an inset shows; lines from the last column to the insets next to it."""
        letters = {inset.id: inset.letter for inset in self.figure.insets}
        kinds = {inset.id: inset.kind for inset in self.figure.insets}
        badges: list[Item] = []
        for art in self.arts:
            for box_id, inset in art.zooms.items():
                frame = art.canvas.boxes[box_id]
                badges.append(paint_badge(letters[inset], frame.right - 2, frame.y + 1, self.theme))
        for panel in self.insets:
            for box in panel.inset.diagram.boxes:
                if box.zoom in letters and box.id in panel.boxes:
                    frame = panel.boxes[box.id]
                    badges.append(paint_badge(letters[box.zoom], frame.right - 2, frame.y + 1, self.theme))
        if self.arts:
            joined = self._joined(self.arts[-1], frames, left)
            colours = {box: self._joint_colour(kinds[self.arts[-1].zooms[box]]) for box in joined}
            self.items += paint_connectors(joined, colours, self.arts[-1], left)
            self.items += paint_notes(self.notes, self.arts[-1], set(joined), self.theme)
        self.items += badges

    def _joined(self, art: ColumnArt, frames: dict[str, Frame], left: float) -> dict[str, Frame]:
        """For each inset in the nearest column the box next to it that shows it, with the inset's frame."""
        boxes = art.canvas.boxes
        joined: dict[str, Frame] = {}
        for inset, frame in frames.items():
            near = [box for box, zoom in art.zooms.items() if zoom == inset and art.reaches_right(box)]
            if near and frame.x == left:
                joined[min(near, key=lambda box: abs(boxes[box].middle[1] - frame.y - 24))] = frame
        return joined

    def _joint_colour(self, kind: int | None) -> str:
        return self.theme.leader if kind is None else self.theme.tint(kind).stroke

    def _draw_foot(self, top: float, width: float) -> float:
        """Facts, legend and footers; returns the height of the page."""
        inner = width - 2 * _MARGIN
        y = top + GAP
        scale = _furniture_scale(width)
        if self.figure.facts:
            facts = FactsArt(self.figure.facts, self.theme, scale)
            height = facts.height_at(inner)
            self.items.append(facts.draw(Frame(_MARGIN, y, inner, height)))
            y += height + 4
        y += self._draw_legend(y, inner)
        for footer in self.figure.footers:
            size = 11.0 * scale
            lines = wrap(footer, size, inner)[:3]
            colour = self.theme.warning if footer[0].text.startswith("Gaps") else self.theme.muted
            self.items += paint_lines(lines, _MARGIN, y, self.theme, size=size, spacing=size * 1.45, colour=colour)
            y += size * 1.45 * len(lines)
        return y + 20

    def _draw_legend(self, y: float, inner: float) -> float:
        used = {box.status for diagram in diagrams(self.figure) for box in diagram.boxes}
        used |= {side.box.status for side in self.figure.sides}
        shown = [status for status in _MEANING if status in used and DASHES[status]]
        if not shown:
            return 0.0
        x = _MARGIN
        items: list[Item] = []
        for status in shown:
            colour = self.theme.warning if status in ("unverified", "conflict") else self.theme.ink
            items.append(Rect(x, y + 3, 26, 14, self.theme.background, colour, 1.3, 4.0, DASHES[status]))
            items.append(text_line(_MEANING[status], x + 33, y + 10, 11, 400, self.theme.muted))
            x += 33 + measure(_MEANING[status], 11) + 24
        self.items.append(Group("legend", "legend", tuple(items), title="Legend"))
        return 24.0

    def _draw_title(self, width: float) -> None:
        theme, inner = self.theme, width - 2 * _MARGIN
        size = 34.0 * min(_furniture_scale(width), 1.15)
        size = size if measure(self.figure.title[:60], size, 700) <= inner else 24.0
        title = fit(self.figure.title, size, 700, inner)
        self.items.append(text_line(title, _MARGIN, 42, size, 700, theme.accent))
        lines = wrap((Words(self.figure.subtitle),), 16, inner)[:1]
        self.items += paint_lines(lines, _MARGIN, 66, theme, size=16, spacing=20, colour=theme.muted)


def _furniture_scale(width: float) -> float:
    """How much larger the words around the drawing are on a wide page, which prints smaller."""
    return min(max(width / 1500, 1.0), 1.35)
