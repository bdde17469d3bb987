"""The table of what differs between two models, in as many pieces as there are pages for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archviz.architecture.words import value_words
from archviz.comparison.comparing import Comparison
from archviz.figure.display import Group, Item, Path, Rect
from archviz.figure.model import Sentence, Words
from archviz.figure.paint import paint_lines, wrap
from archviz.figure.theme import Theme
from archviz.records import record

_SIZE, _LINE = 13.0, 16.0
_NAME = 170.0  # px: width of the names of facts
_MOST_LINES = 3
_HEAD, _FOOT, _APART = 32.0, 7.0, 4.0  # px: of the names of the models, under the last row, between rows
_PAD = 12.0


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


class TableArt:
    """Rows of a table that is `width` px wide, each with the height that it needs."""

    def __init__(self, names: Sequence[str], rows: Sequence[Difference], width: float, theme: Theme) -> None:
        self.rows, self.width, self.theme = rows, width, theme
        room = (width - _NAME - 2 * _PAD) / 2 - _PAD
        self.lefts = (_PAD, _PAD + _NAME, 2 * _PAD + _NAME + room)
        self.heads = [wrap((Words(name, strong=True),), _SIZE, room)[:1] for name in names]
        self.cells = [
            [
                wrap((Words(text[:600]),), _SIZE, wide)[:_MOST_LINES]
                for text, wide in zip((row.name, *row.values), (_NAME - 10, room, room), strict=True)
            ]
            for row in rows
        ]
        self.heights = [_LINE * max(map(len, cells)) + _APART for cells in self.cells]

    def height(self, first: int = 0, end: int | None = None) -> float:
        """Height of the table of some of the rows, px."""
        return _HEAD + sum(self.heights[first:end]) + _FOOT

    def fitting(self, first: int, room: float) -> int:
        """The end of the rows from `first` on that a table of `room` px holds; one row at least."""
        end = first + 1
        while end < len(self.rows) and self.height(first, end + 1) <= room:
            end += 1
        return min(end, len(self.rows))

    def draw(self, x: float, y: float, first: int, end: int) -> Iterator[Item]:
        """The table of some of the rows with its left top corner at a place."""
        theme, tall = self.theme, self.height(first, end)
        yield Rect(x, y, self.width, tall, theme.inset.fill, theme.inset.stroke, 1.2, 10.0)
        differs: list[Sentence] = [(Words("Differs"),)]
        for left, lines in zip(self.lefts, (differs, *self.heads), strict=True):
            yield from paint_lines(lines, x + left, y + 9, theme, size=_SIZE, spacing=_LINE, weight=600)
        top = y + _HEAD
        for row, cells, height in zip(
            self.rows[first:end], self.cells[first:end], self.heights[first:end], strict=True
        ):
            yield self._row(row, cells, x, top)
            top += height

    def _row(self, row: Difference, cells: Sequence[Sequence[Sentence]], x: float, top: float) -> Group:
        theme = self.theme
        rule = Path(((x + 8, top - 2), (x + self.width - 8, top - 2)), theme.container.stroke, 1.0)
        texts = [
            item
            for left, lines, weight in zip(self.lefts, cells, (400, 600, 600), strict=True)
            for item in paint_lines(lines, x + left, top, theme, size=_SIZE, spacing=_LINE, weight=weight)
        ]
        return Group(f"difference/{row.name}", "fact", (rule, *texts), title=row.name)
