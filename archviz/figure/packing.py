"""How panels are shared out over columns under a drawing, so that they are as low as they can be and little stays empty."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import combinations, pairwise
from operator import itemgetter

from archviz.records import record

GAP = 20.0
_MAX_COLUMNS = 4
_FREE = 6  # up to so many panels every way to share them out is tried, else only runs
ALIKE = 1e-9  # px, of two ways that are the same but for rounding
_SLACK_WEIGHT = 0.3  # of the emptiest column

Columns = tuple[tuple[int, ...], ...]


@record(frozen=True)
class Block:
    """What is packed: its natural width, and its height at a given width, in px; it is no higher where it is wider.

    Args:
        inner: Whether it shows the inside of something in another one, not of a box of a column.
    """

    width: float
    height_at: Callable[[float], float]
    inner: bool = False


@record(frozen=True)
class Packing:
    """Columns of block numbers, with the width of each and the height of the highest."""

    columns: Columns = ()
    widths: tuple[float, ...] = ()
    height: float = 0.0

    @property
    def width(self) -> float:
        return sum(self.widths) + GAP * max(len(self.widths) - 1, 0)


def pack_within(blocks: Sequence[Block], width: float) -> Packing:
    """The lowest packing that is no wider than `width` px, its columns widened to fill it; a block that is wider stands alone."""
    if not blocks:
        return Packing()
    best, least, first = Packing(), float("inf"), 0
    for low, number, columns, natural in _hopeful(blocks, width):
        if low > least + ALIKE:
            break
        spare = width - sum(natural) - GAP * (len(columns) - 1)
        share = 1 + max(spare, 0.0) / sum(natural)
        widths = tuple([each * share for each in natural])
        heights = [
            sum([blocks[index].height_at(wide) for index in column]) + GAP * (len(column) - 1)
            for column, wide in zip(columns, widths, strict=True)
        ]
        badness = max(heights) + _SLACK_WEIGHT * (max(heights) - min(heights))
        if badness < least - ALIKE or (badness < least + ALIKE and number < first):
            best, least, first = Packing(columns, widths, max(heights)), badness, number
    return best


def _hopeful(blocks: Sequence[Block], width: float) -> list[tuple[float, int, Columns, list[float]]]:
    """The ways to share the blocks out that fit a width, the most hopeful first.

    Each with a height in px that it is not below, its number, and the widths that its columns have at least.
    """
    lows, wides = [block.height_at(width) + GAP for block in blocks], [block.width for block in blocks]
    found: list[tuple[float, int, Columns, list[float]]] = []
    for number, columns in enumerate(_ways(len(blocks))):
        natural = [max([wides[index] for index in column]) for column in columns]
        if len(columns) == 1 or sum(natural) + GAP * (len(columns) - 1) <= width:
            low = max([sum([lows[index] for index in column]) for column in columns]) - GAP
            found.append((low, number, columns, natural))
    found.sort(key=itemgetter(0, 1))
    return found


def least_height(blocks: Sequence[Block], width: float) -> float:
    """A height that no packing of the blocks within `width` px is lower than, px: that of their areas, or of the highest."""
    heights = [block.height_at(max(width, block.width)) for block in blocks]
    areas = [block.width * height for block, height in zip(blocks, heights, strict=True)]
    return max([sum(areas) / width, *heights])


@lru_cache(maxsize=32)
def _ways(count: int) -> tuple[Columns, ...]:
    """The ways to share so many blocks out over columns that are tried."""
    if count <= _FREE:
        return tuple(_partitions(count))
    return tuple(
        tuple(tuple(range(start, stop)) for start, stop in pairwise((0, *cuts, count)))
        for columns in range(1, _MAX_COLUMNS + 1)
        for cuts in combinations(range(1, count), columns - 1)
    )


def _partitions(count: int) -> Iterator[Columns]:
    """All ways to share the blocks out over at most `_MAX_COLUMNS` columns, a column named by its first block."""

    def extend(index: int, columns: list[list[int]]) -> Iterator[Columns]:
        if index == count:
            yield tuple(tuple(column) for column in columns)
            return
        for column in columns:
            column.append(index)
            yield from extend(index + 1, columns)
            column.pop()
        if len(columns) < _MAX_COLUMNS:
            columns.append([index])
            yield from extend(index + 1, columns)
            columns.pop()

    yield from extend(0, [])
