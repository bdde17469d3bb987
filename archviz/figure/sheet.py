"""A page of panels: title, panels in columns, legend and footers; for the views that have no towers on it."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from archviz.figure.display import DisplayList, Item
from archviz.figure.fonts import measure
from archviz.figure.furniture import paint_footers, paint_legend, paint_title
from archviz.figure.model import Sentence, Words
from archviz.figure.packing import GAP, Block, Packing, pack
from archviz.figure.paint import Frame
from archviz.figure.panels import Panel
from archviz.figure.print_size import PRINT_WIDTH, RATIO, WIDEST
from archviz.figure.theme import Theme
from archviz.records import record
from archviz.spans import Status

_MARGIN = 30.0
_TOP = 96.0
_CLOSE = 14.0  # px between panels of a single column
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
    """The display list of a page of panels, read down each column.

    Args:
        statuses: Those that boxes have, for the legend.
    """
    single = _single(panels)
    gap = _CLOSE if single else GAP
    packing = single or pack([Block(panel.width, panel.height_at) for panel in panels], 0.0, 0.0)
    need = min(measure(heading.title[:60], 30, 700), 900.0)
    spare = max(need - packing.width, 0.0) / max(len(packing.widths), 1)
    width = max(packing.width, need) + 2 * _MARGIN
    items: list[Item] = list(paint_title(heading.title, heading.subtitle, _MARGIN, width - 2 * _MARGIN, theme))
    x = _MARGIN
    for column, wide in zip(packing.columns, packing.widths, strict=True):
        y = _TOP
        for index in column:
            height = panels[index].height_at(wide + spare)
            items.append(panels[index].draw(Frame(x, y, wide + spare, height)))
            y += height + gap
        x += wide + spare + GAP
    y = _TOP + packing.height + 14
    legend, tall = paint_legend(statuses, _MARGIN, y, theme)
    needed = PRINT_WIDTH * width / WIDEST
    printed: Sentence = (Words(f"In print its words can be read from a width of {ceil(needed)} mm."),)
    footers = (*heading.footers, *((printed,) if width > WIDEST else ()))
    feet, more = paint_footers(footers, _MARGIN, y + tall, width - 2 * _MARGIN, theme)
    return DisplayList(
        width=ceil(width),
        height=ceil(y + tall + more + 18),
        background=theme.background,
        title=heading.title,
        description=heading.description,
        items=(*items, *legend, *feet),
    )
