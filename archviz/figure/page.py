"""The page of an overview: title, columns, margins, insets, strips, facts and footers, all on one frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from archviz.figure.display import DisplayList, Group, Item, Rect
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
from archviz.figure.panels import FactsArt, InsetArt, StripArt
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
        self.facts = FactsArt(figure.facts, theme)
        self.notes = wrapped_notes(figure.notes)
        self.arts = [ColumnArt(column, theme) for column in figure.columns]
        self.items: list[Item] = []
        self.side_frames: dict[str, Frame] = {}

    def display(self) -> DisplayList:
        sides = [self._sides_of(art) for art in self.arts]
        xs, left = self._spines(sides)
        tallest = max((art.height for art in self.arts), default=0.0)
        blocks = [Block(art.width, art.height) for art in self.insets]
        packing = pack(blocks, left, tallest, self._strips_height)
        packing = self._widened(packing, left)
        strips = self._strips_height(packing.width) if packing.columns else 0.0
        body = max(tallest, packing.height + strips)
        self._stretch_columns(body)
        bottom = _TOP + body
        self._draw_columns(xs, sides, bottom)
        width = left + packing.width + _MARGIN if packing.columns else max(left + _MARGIN, 640.0)
        self._draw_insets(packing, left, body, strips)
        height = self._draw_foot(bottom, width, packing, left)
        self._draw_title(width)
        return DisplayList(
            width=round(width, 2),
            height=round(height, 2),
            background=self.theme.background,
            title=self.figure.title,
            description=self.figure.description,
            items=tuple(self.items),
        )

    def _sides_of(self, art: ColumnArt) -> list[SideBox]:
        """The side boxes with targets in a column, without their other targets."""
        known = art.known
        kept = [
            replace(side, targets=tuple(target for target in side.targets if target in known))
            for side in self.figure.sides
        ]
        return [side for side in kept if side.targets]

    def _spines(self, sides: Sequence[Sequence[SideBox]]) -> tuple[list[float], float]:
        """The x of each column's spine, and where the insets begin."""
        xs: list[float] = []
        x = _MARGIN
        for art, own in zip(self.arts, sides, strict=True):
            x += side_width(own)
            xs.append(x + art.left)
            x += art.left + art.right + _BETWEEN
        zooms = 26.0 if self.insets else 0.0
        return xs, x - _BETWEEN + max(notes_width(self.notes), 20.0) + zooms

    def _strips_height(self, width: float) -> float:
        return sum(strip.height_at(width) + GAP for strip in self.strips)

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
            if art.height >= body - 1:
                continue
            longer = ColumnArt(art.column, self.theme, 2.0)
            stretch = 1 + (body - art.height) / max(longer.height - art.height, 1.0)
            self.arts[index] = ColumnArt(art.column, self.theme, min(stretch, _MAX_STRETCH))

    def _draw_columns(self, xs: list[float], sides: list[list[SideBox]], bottom: float) -> None:
        for art, x, own in zip(self.arts, xs, sides, strict=True):
            targets = [target for side in own for target in side.targets]
            self.items.append(art.draw(x, bottom, targets))
        for art, own in zip(self.arts, sides, strict=True):
            painted, frames = paint_sides(own, art, self.theme)
            self.items += painted
            self.side_frames |= frames
        self._draw_feeds(sides)

    def _draw_feeds(self, sides: list[list[SideBox]]) -> None:
        by_id = {art.column.id: index for index, art in enumerate(self.arts)}
        used: dict[int, int] = {}
        for art in self.arts:
            index = by_id.get(art.column.feeds or "", -1)
            if index < 0:
                continue
            target = self.arts[index]
            used[index] = used.get(index, 0) + 1
            inputs = [side.box.id for side in sides[index] if side.box.role == "input"]
            goal = self.side_frames[inputs[0]] if inputs else None
            edge = min([self.side_frames[side.box.id].x for side in sides[index]], default=target.frame.x)
            lane = edge - 16 - 9 * (used[index] - 1)
            self.items.append(paint_feed(art, target, goal, lane, self.theme))

    def _draw_insets(self, packing: Packing, left: float, body: float, strips: float) -> None:
        frames: dict[str, Frame] = {}
        x = left
        for column, width in zip(packing.columns, packing.widths, strict=True):
            heights = [self.insets[index].height_at(width) for index in column]
            spare = (body - strips - sum(heights) - GAP * (len(column) - 1)) / len(column)
            y = _TOP
            for index, height in zip(column, heights, strict=True):
                frame = Frame(x, y, width, height + max(spare, 0.0))
                frames[self.insets[index].inset.id] = frame
                self.items.append(self.insets[index].draw(frame))
                y += frame.height + GAP
            x += width + GAP
        self._draw_joints(frames, left)
        y = _TOP + body - strips + GAP
        for strip in self.strips if packing.columns else []:
            height = strip.height_at(packing.width)
            self.items.append(strip.draw(Frame(left, y, packing.width, height)))
            y += height + GAP

    def _draw_joints(self, frames: dict[str, Frame], left: float) -> None:
        """Badges on all boxes that an inset shows; lines from the last column to the insets next to it."""
        letters = {art.inset.id: art.inset.letter for art in self.insets}
        kinds = {art.inset.id: art.inset.kind for art in self.insets}
        joined: dict[str, Frame] = {}
        colours: dict[str, str] = {}
        badges: list[Item] = []
        for art in self.arts:
            for box_id, inset in art.zooms.items():
                frame = art.canvas.boxes[box_id]
                badges.append(paint_badge(letters[inset], frame.right - 2, frame.y + 1, self.theme))
                near = inset in frames and frames[inset].x == left
                if art is self.arts[-1] and near and frames[inset] not in joined.values():
                    joined[box_id] = frames[inset]
                    kind = kinds[inset]
                    colours[box_id] = self.theme.tint(kind).stroke if kind is not None else self.theme.leader
        if self.arts:
            self.items += paint_connectors(joined, colours, self.arts[-1], left)
            self.items += paint_notes(self.notes, self.arts[-1], set(joined), self.theme)
        self.items += badges

    def _draw_foot(self, top: float, width: float, packing: Packing, left: float) -> float:
        """Strips without insets, facts, footers and legend; returns the height of the page."""
        inner = width - 2 * _MARGIN
        y = top + GAP
        for strip in self.strips if not packing.columns else []:
            height = strip.height_at(inner)
            self.items.append(strip.draw(Frame(_MARGIN, y, inner, height)))
            y += height + GAP
        if self.figure.facts:
            height = self.facts.height_at(inner)
            self.items.append(self.facts.draw(Frame(_MARGIN, y, inner, height)))
            y += height + 4
        y += self._draw_legend(y, inner)
        for footer in self.figure.footers:
            lines = wrap(footer, 11, inner)[:3]
            colour = self.theme.warning if footer[0].strong else self.theme.muted
            self.items += paint_lines(lines, _MARGIN, y, self.theme, size=11, spacing=16, colour=colour)
            y += 16 * len(lines)
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
        size = 34.0 if measure(self.figure.title[:60], 34, 700) <= inner else 24.0
        title = fit(self.figure.title, size, 700, inner)
        self.items.append(text_line(title, _MARGIN, 42, size, 700, theme.accent))
        lines = wrap((Words(self.figure.subtitle),), 15, inner)[:1]
        self.items += paint_lines(lines, _MARGIN, 64, theme, size=15, spacing=20, colour=theme.muted)
