"""What stands around a drawing on every page: title and subtitle, the legend of statuses, footers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache

from archviz.figure.display import Group, Item, Rect
from archviz.figure.fonts import fit, measure
from archviz.figure.model import Sentence, Words
from archviz.figure.paint import DASHES, outline_of, paint_lines, shortened, text_line, wrap
from archviz.figure.theme import Theme

SIZE = 13.0
_MOST_LINES = 8  # of a footer; the symbols of a detailed view may need six
_MEANING = {
    "config": "stated by the configuration alone",
    "derived": "derived, not read from the running code",
    "unverified": "not verified",
    "conflict": "sources disagree",
}


def paint_title(title: str, subtitle: str, x: float, room: float, theme: Theme, size: float = 34.0) -> list[Item]:
    """The title in the accent colour, and a line under it; both are shortened where they are too long."""
    sizes = (size, 24.0, 20.0, 17.0)
    size = next((each for each in sizes if measure(title[:160], each, 700) <= room), sizes[-1])
    items: list[Item] = [text_line(fit(title, size, 700, room), x, 42, size, 700, theme.accent)]
    lines = [(Words(fit(subtitle, 16, 400, room)),)]
    return items + paint_lines(lines, x, 66, theme, size=16, spacing=20, colour=theme.muted)


def paint_legend(statuses: Collection[str], x: float, y: float, theme: Theme) -> tuple[list[Item], float]:
    """What the outlines mean that are not plain, and the height that this takes, px."""
    shown = [status for status in _MEANING if status in statuses]
    if not shown:
        return [], 0.0
    items: list[Item] = []
    for status in shown:
        items.append(Rect(x, y + 3, 26, 14, theme.background, outline_of(status, theme), 1.3, 4.0, DASHES[status]))
        items.append(text_line(_MEANING[status], x + 33, y + 10, SIZE, 400, theme.muted))
        x += 33 + measure(_MEANING[status], SIZE) + 24
    return [Group("legend", "legend", tuple(items), title="Legend")], 26.0


@lru_cache(maxsize=256)  # a figure is laid out several times until it fits its page
def _evenly(footer: Sentence, size: float, room: float) -> list[Sentence]:
    """A footer in as few lines as there is need, about equally long, so that none is a single word."""
    lines = wrap(footer, size, room)
    for share in (0.9, 0.8, 0.7, 0.6) if 1 < len(lines) <= 4 else ():
        narrower = wrap(footer, size, room * share)
        if len(narrower) > len(lines):
            break
        lines = narrower
    return shortened(lines, _MOST_LINES, size, room)


def footers_height(footers: Sequence[Sentence], room: float, size: float = SIZE) -> float:
    """The height that footers take, px."""
    return sum(size * 1.4 * len(_evenly(footer, size, room)) for footer in footers)


def paint_footers(
    footers: Sequence[Sentence], x: float, y: float, room: float, theme: Theme, size: float = SIZE
) -> tuple[list[Item], float]:
    """Where the figure comes from and what it lacks, and the height that this takes, px."""
    items: list[Item] = []
    height = 0.0
    for footer in footers:
        lines = _evenly(footer, size, room)
        colour = theme.warning if footer[0].text.startswith("Gaps") else theme.muted
        items += paint_lines(lines, x, y + height, theme, size=size, spacing=size * 1.4, colour=colour)
        height += size * 1.4 * len(lines)
    return items, height
