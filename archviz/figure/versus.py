"""Two models on one frame: their columns side by side, what differs marked, and the facts that differ in a table."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher
from math import ceil

from archviz.architecture.model import Architecture
from archviz.architecture.words import value_words
from archviz.comparison.comparing import Comparison
from archviz.errors import UsageError
from archviz.figure import captions
from archviz.figure.display import Circle, DisplayList, Group, Item, Path, Rect
from archviz.figure.furniture import paint_footers, paint_title
from archviz.figure.model import Column, LayerPanel, Merge, Repeat, Sentence, Step, Words
from archviz.figure.overview import build_overview
from archviz.figure.paint import Frame, paint_lines, wrap
from archviz.figure.print_size import WIDEST
from archviz.figure.savings import Savings
from archviz.figure.stack import ColumnArt
from archviz.figure.theme import Theme
from archviz.records import record, replace

_MARGIN, _TOP, _GAP = 26.0, 92.0, 24.0
_WIDTH = WIDEST
_SIZE, _LINE = 13.0, 18.0
_NAME = 170.0  # px: width of the names of facts
_MOST_ROWS = 34
_MOST_LINES = 3
_MOST_SHOWN = Savings(
    experts=True, minor_insets=True, feeds=True, twins=True, folded=True, notes=True, margins=True, insets=0
)
_SAVED = (_MOST_SHOWN, replace(_MOST_SHOWN, panels=1), replace(_MOST_SHOWN, layers=True))
"""Until both columns fit a page on which all words can be read in print."""
_MARK = 8.0


@record(frozen=True)
class Difference:
    """One row of the table: what differs, and how each of the two models has it."""

    name: str
    values: tuple[str, str]


def differences(comparison: Comparison) -> list[Difference]:
    """What differs between two models: facts, then the patterns of their layers."""
    rows = [
        Difference(row.key.replace("_", " "), (value_words(row.values[0]), value_words(row.values[1])))
        for row in comparison.differing_facts
        if not row.is_name
    ]
    plans = [
        Difference(f"layers, {plan.tower}", (plan.patterns[0] or "–", plan.patterns[1] or "–"))
        for plan in comparison.plans
        if plan.differs
    ]
    return rows + plans


def draw_versus(comparison: Comparison, theme: Theme) -> DisplayList:
    """The comparison figure of two models.

    Raises:
        UsageError: There are not two.
    """
    if len(comparison.models) != 2:
        raise UsageError("a comparison figure shows two models", hint="archviz compare A B -f svg")
    return _Versus(comparison, theme).display()


class _Versus:
    def __init__(self, comparison: Comparison, theme: Theme) -> None:
        self.comparison, self.theme = comparison, theme
        for savings in _SAVED:
            columns = [_main_column(model, side, savings) for model, side in zip(comparison.models, "ab", strict=True)]
            self.arts = [ColumnArt(column, theme) for column in columns]
            if sum(art.left + art.right for art in self.arts) + 2 * _MARGIN + _GAP <= _WIDTH:
                break
        self.marked = [unlike(columns[0], columns[1]), unlike(columns[1], columns[0])]
        self.rows = differences(comparison)
        self.names = [captions.title(model) for model in comparison.models]

    def display(self) -> DisplayList:
        theme = self.theme
        width = max(_WIDTH, sum(art.left + art.right for art in self.arts) + 2 * _MARGIN + _GAP)
        tall = max(art.height for art in self.arts)
        items: list[Item] = list(
            paint_title(" and ".join(self.names), self._subtitle(), _MARGIN, width - 2 * _MARGIN, theme, 30.0)
        )
        items += self._columns(width, tall)
        y = _TOP + tall + _GAP
        table, high = self._table(Frame(_MARGIN, y, width - 2 * _MARGIN, 0.0))
        items += table
        feet, more = paint_footers(self._footers(), _MARGIN, y + high + 12, width - 2 * _MARGIN, theme)
        return DisplayList(
            width=ceil(width),
            height=ceil(y + high + more + 28),
            background=theme.background,
            title=" and ".join(self.names),
            description="; ".join(f"{row.name}: {row.values[0]} against {row.values[1]}" for row in self.rows)[:4000],
            items=(*items, *feet),
        )

    def _subtitle(self) -> str:
        facts = [row for row in self.comparison.facts if not row.is_name]
        return f"{len(self.rows)} of {len(facts) + len(self.comparison.plans)} facts and layer plans differ"

    def _columns(self, width: float, tall: float) -> Iterator[Item]:
        drawn = [_stretched(art, tall, self.theme) for art in self.arts]
        wide = [shown.left + shown.right for shown in drawn]
        half = (width - 2 * _MARGIN) / 2
        if max(wide) <= half:
            starts = [half * place + (half - own) / 2 for place, own in enumerate(wide)]
        else:  # columns of unequal width: the narrower one gives of its half
            spare = max(width - 2 * _MARGIN - sum(wide), 0.0) / 3
            starts = [spare, 2 * spare + wide[0]]
        for place, (shown, start) in enumerate(zip(drawn, starts, strict=True)):
            yield shown.draw(_MARGIN + start + shown.left, _TOP + tall)
            for name in self.marked[place]:
                if name in shown.canvas.boxes:
                    yield from self._mark(name, shown.canvas.boxes[name])

    def _mark(self, name: str, frame: Frame) -> Iterator[Item]:
        """A ring around what the other model does not have like this, with ≠ at its corner."""
        theme = self.theme
        ring = Rect(frame.x - 3, frame.y - 3, frame.width + 6, frame.height + 6, None, theme.warning, 2.0, 9.0)
        yield Group(f"mark/{name}", "mark", (ring, *self._sign(frame.right, frame.y)), title="differs")

    def _sign(self, x: float, y: float) -> tuple[Item, ...]:
        theme = self.theme
        return (
            Circle(x, y, _MARK, theme.warning, theme.background, 1.2),
            Path(((x - 4, y - 2), (x + 4, y - 2)), theme.background, 1.6),
            Path(((x - 4, y + 2), (x + 4, y + 2)), theme.background, 1.6),
            Path(((x + 3, y - 5), (x - 3, y + 5)), theme.background, 1.6),
        )

    def _table(self, frame: Frame) -> tuple[list[Item], float]:
        """The facts that differ, in rows; with the height that they take, px."""
        theme = self.theme
        room = (frame.width - _NAME - 24) / 2 - 12
        xs = (frame.x + 12, frame.x + 12 + _NAME, frame.x + 12 + _NAME + room + 12)
        y = frame.y + 10
        items: list[Item] = []
        heads = ("Differs", *self.names)
        for x, head, weight in zip(xs, heads, (600, 700, 700), strict=True):
            lines = wrap((Words(head, strong=weight == 700),), _SIZE, room)[:1]
            items += paint_lines(lines, x, y, theme, size=_SIZE, spacing=_LINE, weight=weight)
        y += _LINE + 6
        for row in self.rows[:_MOST_ROWS]:
            cells = [
                wrap((Words(text[:600]),), _SIZE, width)[:_MOST_LINES]
                for text, width in zip((row.name, *row.values), (_NAME - 10, room, room), strict=True)
            ]
            rule = Path(((frame.x + 8, y - 2), (frame.right - 8, y - 2)), theme.container.stroke, 1.0)
            texts = [
                item
                for x, lines, weight in zip(xs, cells, (400, 600, 600), strict=True)
                for item in paint_lines(lines, x, y, theme, size=_SIZE, spacing=_LINE, weight=weight)
            ]
            items.append(Group(f"difference/{row.name}", "fact", (rule, *texts), title=row.name))
            y += _LINE * max(map(len, cells)) + 4
        height = y - frame.y + 6
        back = Rect(frame.x, frame.y, frame.width, height, theme.inset.fill, theme.inset.stroke, 1.2, 10.0)
        return [back, *items], height

    def _footers(self) -> list[Sentence]:
        lines: list[Sentence] = []
        if len(self.rows) > _MOST_ROWS:
            lines.append((Words(f"and {len(self.rows) - _MOST_ROWS} more; archviz compare lists them"),))
        lines.append((Words("≠: "), Words("the other model has no such box with these numbers.")))
        sources = [
            f"{model.identity.id} ({model.identity.code or model.identity.origin})" for model in self.comparison.models
        ]
        return [*lines, (Words(f"Source: {', '.join(sources)}. Drawn by archviz."),)]


def _main_column(model: Architecture, side: str, savings: Savings) -> Column:
    """The column of a model's main tower, named after the model; its ids begin with `side`."""
    figure = build_overview(model, savings)
    column = figure.columns[-1]
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
    """Ids of the boxes and bars of a column that the other has no match for, where both are read in order."""
    mine, its = list(_keys(one)), list(_keys(other))
    matcher = SequenceMatcher(None, [key for _, key in mine], [key for _, key in its], autojunk=False)
    matched = {place for block in matcher.get_matching_blocks() for place in range(block.a, block.a + block.size)}
    return [name for place, (name, key) in enumerate(mine) if place not in matched and key[0] != "round"]


def _keys(column: Column) -> Iterator[tuple[str, tuple[object, ...]]]:
    """Boxes and bars bottom-up with what they state; ⊕ and ⊗ keep the others in their places."""
    for step in column.steps:
        yield from _step_keys(step)
    for box in (*column.feeders, *([column.beyond] if column.beyond else [])):
        yield box.id, ("box", box.role, box.label, box.details, box.status)


def _step_keys(step: Step) -> Iterator[tuple[str, tuple[object, ...]]]:
    if isinstance(step, Repeat):
        for item in step.items:
            yield from _step_keys(item)
        yield step.id, ("repeat", step.times)
    elif isinstance(step, LayerPanel):
        if step.diagram is None:
            yield step.id, ("bar", step.title, step.times)
        for box in step.diagram.boxes if step.diagram else step.mixers:
            yield from _step_keys(box)
        if step.diagram is not None:
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
