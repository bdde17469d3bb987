"""Pages of panels: title, panels in columns, legend and footers; for the views that have no towers on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from math import ceil

from archviz.figure.display import DisplayList, Item
from archviz.figure.fonts import fit, measure
from archviz.figure.furniture import paint_footers, paint_legend, paint_title
from archviz.figure.model import Sentence
from archviz.figure.packing import GAP, Block, Packing, pack_within
from archviz.figure.paint import Frame, text_line
from archviz.figure.panels import Panel
from archviz.figure.print_size import MARGIN, RATIO, WIDEST
from archviz.figure.theme import Theme
from archviz.records import record
from archviz.spans import Status

_MARGIN = MARGIN
_TOP = 96.0
_CLOSE = 14.0  # px between panels of a single column
_AGAIN = 44.0  # px above the panels of a further page
_FOOT_MARGIN = 20.0
_MOST = 6  # panels of a page
_FOOT = 110.0  # px for legend and footers, about


@record(frozen=True)
class Heading:
    """The words around the panels of a sheet."""

    title: str
    subtitle: str
    description: str
    footers: tuple[Sentence, ...] = ()


def _single(panels: Sequence[Panel]) -> Packing | None:
    """All panels under each other, where that page is neither too high nor too wide for print."""
    width = max((panel.width for panel in panels), default=0.0)
    for wide in (width, WIDEST - 2 * _MARGIN - 1):
        height = sum(panel.height_at(wide) for panel in panels) + _CLOSE * (len(panels) - 1)
        ratio = (wide + 2 * _MARGIN) / (height + _TOP + _FOOT)
        if width <= wide <= WIDEST - 2 * _MARGIN and ratio >= RATIO[0]:
            return Packing((tuple(range(len(panels))),), (wide,), height)
    return None


def place_sheet(
    heading: Heading, panels: Sequence[Panel], theme: Theme, statuses: Sequence[Status] = ()
) -> DisplayList:
    """The display list of panels that are read down each column, on one page or, where that could not be read in print, on several.

    Args:
        statuses: Those that boxes have, for the legend.
    """
    single = _single(panels)
    if single is None:
        return _Pages(heading, panels, theme, statuses).display()
    need = min(measure(heading.title[:60], 30, 700), 900.0)
    spare = max(need - single.width, 0.0) / max(len(single.widths), 1)
    width = max(single.width, need) + 2 * _MARGIN
    items: list[Item] = list(paint_title(heading.title, heading.subtitle, _MARGIN, width - 2 * _MARGIN, theme))
    items += _painted(single, panels, _TOP, spare, _CLOSE)
    y = _TOP + single.height + 14
    foot, tall = _foot(heading, statuses, y, width, theme)
    return DisplayList(
        width=ceil(width),
        height=ceil(y + tall + 18),
        background=theme.background,
        title=heading.title,
        description=heading.description,
        items=(*items, *foot),
    )


def _painted(packing: Packing, panels: Sequence[Panel], top: float, spare: float, gap: float) -> Iterator[Item]:
    """The panels in their columns, each column `spare` px wider than it need be."""
    x = _MARGIN
    for column, wide in zip(packing.columns, packing.widths, strict=True):
        y = top
        for index in column:
            height = panels[index].height_at(wide + spare)
            yield panels[index].draw(Frame(x, y, wide + spare, height))
            y += height + gap
        x += wide + spare + GAP


def _foot(
    heading: Heading, statuses: Sequence[Status], top: float, width: float, theme: Theme
) -> tuple[list[Item], float]:
    """Legend and footers, and the height that they take, px."""
    legend, tall = paint_legend(statuses, _MARGIN, top, theme)
    feet, more = paint_footers(heading.footers, _MARGIN, top + tall, width - 2 * _MARGIN, theme)
    return [*legend, *feet], tall + more


class _Pages:
    """Panels on pages under each other, all as wide as words can be read at in print, none higher than a page may be."""

    def __init__(self, heading: Heading, panels: Sequence[Panel], theme: Theme, statuses: Sequence[Status]) -> None:
        self.heading, self.panels, self.theme, self.statuses = heading, panels, theme, statuses
        self.blocks = [Block(panel.width, lru_cache(maxsize=64)(panel.height_at)) for panel in panels]
        widest = max((panel.width for panel in panels), default=0.0) + 2 * _MARGIN
        self.width = float(ceil(max(WIDEST, widest)))
        self.inner = self.width - 2 * _MARGIN
        self.foot = _foot(heading, statuses, 0.0, self.width, theme)[1] + 32

    def _shared(self) -> list[tuple[int, int]]:
        """First and last panel of each page: as many as it holds, the last with the footers."""
        pages: list[tuple[int, int]] = []
        start = 0
        while start < len(self.blocks):
            end = start + 1
            while end < len(self.blocks) and end - start < _MOST and self._fits(start, end + 1):
                end += 1
            pages.append((start, end))
            start = end
        return pages

    def _fits(self, start: int, end: int) -> bool:
        room = self.width / RATIO[0] - (_TOP if start == 0 else _AGAIN) - _FOOT_MARGIN
        room -= self.foot if end == len(self.blocks) else 0.0
        return pack_within(self.blocks[start:end], self.inner).height <= room

    def display(self) -> DisplayList:
        shared = self._shared()
        last = shared[-1] if shared else (0, 0)
        if shared and not self._fits(*last):  # the footers stand on a page of their own
            shared.append((last[1], last[1]))
        items: list[Item] = []
        breaks: list[float] = []
        y = 0.0
        for number, (start, end) in enumerate(shared):
            if number:
                breaks.append(y)
            top = y + (_AGAIN if number else _TOP)
            items += self._head(number, len(shared), y)
            packing = pack_within(self.blocks[start:end], self.inner)
            items += _painted(packing, self.panels[start:end], top, 0.0, GAP)
            bottom = top + packing.height
            if number == len(shared) - 1:
                foot, tall = _foot(self.heading, self.statuses, bottom + 14, self.width, self.theme)
                items += foot
                bottom += 14 + tall
            y = ceil(max(bottom + _FOOT_MARGIN, y + self.width / RATIO[1] + 1))
        return DisplayList(
            width=self.width,
            height=y,
            background=self.theme.background,
            title=self.heading.title,
            description=self.heading.description,
            items=tuple(items),
            breaks=tuple(breaks),
        )

    def _head(self, number: int, count: int, top: float) -> Iterator[Item]:
        """The title on the first page, a running title on the others, and which page it is."""
        shown = f"{number + 1} of {count}"
        right = self.width - _MARGIN
        if number == 0:
            room = self.inner - measure(shown, 13) - 20
            yield from paint_title(self.heading.title, self.heading.subtitle, _MARGIN, room, self.theme)
        else:
            title = fit(self.heading.title, 14, 700, self.inner - 100)
            yield text_line(title, _MARGIN, top + 24, 14, 700, self.theme.accent)
        if count > 1:
            yield text_line(shown, right, top + (42 if number == 0 else 24), 13, 400, self.theme.muted, "end")
