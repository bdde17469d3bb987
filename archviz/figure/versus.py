"""Two models on one frame: their columns side by side, what differs marked, and the facts that differ in a table."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import TypeAlias

from archviz.architecture.model import Architecture
from archviz.comparison.comparing import Comparison
from archviz.errors import UsageError
from archviz.figure import captions
from archviz.figure.column_art import ColumnArt
from archviz.figure.columns import spoken_tower
from archviz.figure.display import DisplayList, Item
from archviz.figure.fonts import fit, measure
from archviz.figure.furniture import SIZE as _SIZE
from archviz.figure.furniture import paint_footers, paint_legend, paint_title
from archviz.figure.model import Column, LayerPanel, Merge, Repeat, Sentence, Step, Words, column_boxes, layer_panels
from archviz.figure.overview import build_overview
from archviz.figure.paint import text_line
from archviz.figure.print_size import RATIO, WIDEST
from archviz.figure.savings import Savings
from archviz.figure.theme import Theme
from archviz.figure.versus_marks import paint_marks
from archviz.figure.versus_table import TableArt, differences
from archviz.records import replace
from archviz.spans import Status

_Key: TypeAlias = tuple[object, ...]
_MARGIN, _TOP, _GAP = 26.0, 92.0, 24.0
_AGAIN = 44.0  # px above the table of a further page
_FOOT = 28.0
_WIDTH = WIDEST
_HIGHEST = WIDEST / RATIO[0]
_MOST_SHOWN = Savings(
    experts=True, minor_insets=True, feeds=True, twins=True, folded=True, notes=True, margins=True, insets=0
)
_SAVED = (
    _MOST_SHOWN,
    replace(_MOST_SHOWN, panels=2),
    replace(_MOST_SHOWN, panels=1),
    replace(_MOST_SHOWN, layers=True),
)
"""Until both columns fit a page on which all words can be read in print."""


def draw_versus(comparison: Comparison, theme: Theme) -> DisplayList:
    """The comparison figure of two models: their columns, and the table of what differs below them or on further pages.

    Raises:
        UsageError: There are not two.
    """
    return drawn_versus(comparison, theme)[0]


def drawn_versus(comparison: Comparison, theme: Theme) -> tuple[DisplayList, tuple[Column, ...]]:
    """That figure, and the columns that it has to show."""
    if len(comparison.models) != 2:
        raise UsageError("a comparison figure shows two models", hint="archviz compare A B -f svg")
    page = _Versus(comparison, theme)
    return page.display(), tuple(art.column for art in page.arts)


class _Versus:
    def __init__(self, comparison: Comparison, theme: Theme) -> None:
        self.comparison, self.theme = comparison, theme
        for savings in _SAVED:
            columns = [_main_column(model, side, savings) for model, side in zip(comparison.models, "ab", strict=True)]
            self.arts = [ColumnArt(column, theme) for column in columns]
            self.tall = max(art.height for art in self.arts)
            wide = sum(art.left + art.right for art in self.arts) + 2 * _MARGIN + _GAP
            if wide <= _WIDTH and _TOP + self.tall + _GAP <= _HIGHEST:
                break
        self.width = max(_WIDTH, wide)
        self.inner = self.width - 2 * _MARGIN
        self.marked = [unlike(columns[0], columns[1]), unlike(columns[1], columns[0])]
        self.statuses = {status for column in columns for status in _statuses(column)}
        self.rows = differences(comparison)
        self.names = [captions.title(model) for model in comparison.models]
        self.title = " and ".join(self.names)
        self.table = TableArt(self.names, self.rows, self.inner, theme)
        self.foot = self._foot(0.0)[1] + 12 + _FOOT

    def display(self) -> DisplayList:
        pages = self._shared()
        items: list[Item] = [*self._head(0, len(pages), 0.0), *self._columns()]
        breaks: list[float] = []
        y = _TOP + self.tall + _GAP
        for number, (first, end) in enumerate(pages):
            if number:
                top = ceil(max(y, (breaks[-1] if breaks else 0.0) + self.width / RATIO[1] + 1))
                breaks.append(top)
                items += self._head(number, len(pages), top)
                y = top + _AGAIN
            if first < end:
                items += self.table.draw(_MARGIN, y, first, end)
                y += self.table.height(first, end) + 12
        feet, tall = self._foot(y)
        return DisplayList(
            width=ceil(self.width),
            height=ceil(max(y + tall + _FOOT, (breaks[-1] + self.width / RATIO[1] + 1) if breaks else 0.0)),
            background=self.theme.background,
            title=self.title,
            description="; ".join(f"{row.name}: {row.values[0]} against {row.values[1]}" for row in self.rows)[:4000],
            items=(*items, *feet),
            breaks=tuple(breaks),
        )

    def _shared(self) -> list[tuple[int, int]]:
        """First and last row of the table on each page; none on the first where not all fit there with the columns."""
        count = len(self.rows)
        if not count or _TOP + self.tall + _GAP + self.table.height() + self.foot <= _HIGHEST:
            return [(0, count)]
        pages = [(0, 0)]
        while pages[-1][1] < count:
            first = pages[-1][1]
            pages.append((first, self.table.fitting(first, _HIGHEST - _AGAIN - self.foot)))
        return pages

    def _head(self, number: int, count: int, top: float) -> Iterator[Item]:
        """The title on the first page, a running title on the others, and which page it is."""
        shown = f"{number + 1} of {count}"
        if number == 0:
            room = self.inner - (measure(shown, _SIZE) + 20 if count > 1 else 0.0)
            yield from paint_title(self.title, self._subtitle(), _MARGIN, room, self.theme, 30.0)
        else:
            yield text_line(fit(self.title, 14, 700, self.inner - 100), _MARGIN, top + 24, 14, 700, self.theme.accent)
        if count > 1:
            middle = top + (42 if number == 0 else 24)
            yield text_line(shown, self.width - _MARGIN, middle, _SIZE, 400, self.theme.muted, "end")

    def _subtitle(self) -> str:
        facts = [row for row in self.comparison.facts if not row.is_name]
        return f"{len(self.rows)} of {len(facts) + len(self.comparison.plans)} facts and layer plans differ"

    def _columns(self) -> Iterator[Item]:
        drawn = [_stretched(art, self.tall, self.theme) for art in self.arts]
        wide = [shown.left + shown.right for shown in drawn]
        half = self.inner / 2
        if max(wide) <= half:
            starts = [half * place + (half - own) / 2 for place, own in enumerate(wide)]
        else:  # columns of unequal width: the narrower one gives of its half
            spare = max(self.inner - sum(wide), 0.0) / 3
            starts = [spare, 2 * spare + wide[0]]
        for place, (shown, start) in enumerate(zip(drawn, starts, strict=True)):
            yield shown.draw(_MARGIN + start + shown.left, _TOP + self.tall)
            yield from paint_marks(self.marked[place], shown.canvas.boxes, self.theme)

    def _foot(self, top: float) -> tuple[list[Item], float]:
        """Legend and footers, and the height that they take, px."""
        legend, tall = paint_legend(self.statuses, _MARGIN, top, self.theme)
        meaning = "at this place the other model has no such box, or one with other numbers."
        named = [
            f"{model.identity.id} ({model.identity.code or model.identity.origin})" for model in self.comparison.models
        ]
        footers: list[Sentence] = [
            (Words("≠: "), Words(meaning)),
            (Words(f"Source: {', '.join(named)}. Drawn by archviz."),),
        ]
        feet, more = paint_footers(footers, _MARGIN, top + tall, self.inner, self.theme)
        return [*legend, *feet], tall + more


def _statuses(column: Column) -> Iterator[Status]:
    """Those of all boxes and layers of a column."""
    extra = (*column.feeders, *([column.beyond] if column.beyond else []))
    yield from (box.status for box in (*column_boxes(column.steps), *extra))
    yield from (panel.status for panel in layer_panels(column.steps))


def _main_column(model: Architecture, side: str, savings: Savings) -> Column:
    """The column of a model's main tower, named after the model; its ids begin with `side`."""
    figure = build_overview(model, savings)
    spoken = spoken_tower(model)  # the one that the facts below are of
    column = next((each for each in figure.columns if each.id == spoken), figure.columns[-1])
    steps = tuple(_scoped(step, side) for step in column.steps)
    feeders = tuple(replace(box, id=f"{side}/{box.id}") for box in column.feeders)
    beyond = replace(column.beyond, id=f"{side}/{column.beyond.id}") if column.beyond else None
    tied = (f"{side}/{column.tied[0]}", f"{side}/{column.tied[1]}") if column.tied else None
    return replace(
        column, id=f"{side}/{column.id}", title=captions.title(model), steps=steps, feeds=None, feeders=feeders,
        beyond=beyond, tied=tied, minor=False,
    )  # fmt: skip


def _scoped(step: Step, side: str) -> Step:
    """A step with ids of its own side."""
    if isinstance(step, Repeat):
        items = tuple(_scoped(item, side) for item in step.items)
        return replace(
            step, id=f"{side}/{step.id}", items=tuple(i for i in items if isinstance(i, Repeat | LayerPanel))
        )
    if isinstance(step, Merge):
        sign, box = (replace(each, id=f"{side}/{each.id}") for each in (step.sign, step.box))
        return replace(step, id=f"{side}/{step.id}", sign=sign, box=box)
    if isinstance(step, LayerPanel):
        if step.diagram is None:
            mixers = tuple(replace(box, id=f"{side}/{box.id}") for box in step.mixers)
            return replace(step, id=f"{side}/{step.id}", mixers=mixers)
        boxes = tuple(replace(box, id=f"{side}/{box.id}") for box in step.diagram.boxes)
        arrows = tuple(
            replace(a, id=f"{side}/{a.id}", source=f"{side}/{a.source}", target=f"{side}/{a.target}")
            for a in step.diagram.arrows
        )
        return replace(step, id=f"{side}/{step.id}", diagram=replace(step.diagram, boxes=boxes, arrows=arrows))
    return replace(step, id=f"{side}/{step.id}")


def unlike(one: Column, other: Column) -> list[str]:
    """Ids of the boxes and bars of a column that the other has no match for, where both are read in order; as few as can be."""
    mine, its = list(_keys(one)), list(_keys(other))
    matched = _matched([key for _, key in mine], [key for _, key in its])
    return [name for place, (name, key) in enumerate(mine) if place not in matched and key[0] != "round"]


def _matched(mine: list[_Key], its: list[_Key]) -> set[int]:
    """Places of the longest sequence that two sequences have in common, in the first; ⊕ and ⊗ only where boxes leave a choice."""
    worth = [1 if key[0] == "round" else len(mine) + 1 for key in mine]
    best = [[0] * (len(its) + 1) for _ in range(len(mine) + 1)]
    for i in reversed(range(len(mine))):
        for j in reversed(range(len(its))):
            taken = worth[i] + best[i + 1][j + 1] if mine[i] == its[j] else 0
            best[i][j] = max(taken, best[i + 1][j], best[i][j + 1])
    found: set[int] = set()
    i = j = 0
    while i < len(mine) and j < len(its):
        if mine[i] == its[j] and best[i][j] == worth[i] + best[i + 1][j + 1]:
            found.add(i)
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return found


def _keys(column: Column) -> Iterator[tuple[str, _Key]]:
    """Boxes and bars bottom-up with what they state; ⊕ and ⊗ keep the others in their places."""
    for step in column.steps:
        yield from _step_keys(step)
    for box in (*column.feeders, *([column.beyond] if column.beyond else [])):
        yield box.id, ("box", box.role, box.label, box.details, box.status)


def _step_keys(step: Step) -> Iterator[tuple[str, _Key]]:
    if isinstance(step, Repeat):
        for item in step.items:
            yield from _step_keys(item)
        yield step.id, ("repeat", step.times)
    elif isinstance(step, LayerPanel):
        if step.diagram is None:  # small: one mark says it of the bar and of what stands in it
            mixers = tuple((box.label, box.details, box.status) for box in step.mixers)
            yield step.id, ("bar", step.title, step.times, mixers)
            return
        for box in step.diagram.boxes:
            yield from _step_keys(box)
        yield step.id, ("panel", step.times)
    elif isinstance(step, Merge):
        yield from _step_keys(step.box)
        yield from _step_keys(step.sign)
    elif step.shape != "point":
        yield step.id, (step.shape, step.role, step.label, step.details)


def _stretched(art: ColumnArt, tall: float, theme: Theme) -> ColumnArt:
    if art.height >= tall - 1:
        return art
    longer = ColumnArt(art.column, theme, 2.0)
    return ColumnArt(art.column, theme, min(1 + (tall - art.height) / max(longer.height - art.height, 1.0), 3.2))
