"""How panels are shared out over columns under a drawing, so that they are as low as they can be and little stays empty."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import combinations, pairwise

from archviz.records import record

GAP = 20.0
_MAX_COLUMNS = 4
_FREE = 6  # up to so many panels every way to share them out is tried, else only runs
_SLACK_WEIGHT = 0.3  # of the emptiest column

Columns = tuple[tuple[int, ...], ...]


@record(frozen=True)
class Block:
    """What is packed: its natural width, and its height at a given width, in px; it is no higher where it is wider."""

    width: float
    height_at: Callable[[float], float]


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
    best, least = Packing(), float("inf")
    lows = [block.height_at(width) for block in blocks]
    for columns in _ways(len(blocks)):
        natural = [max([blocks[index].width for index in column]) for column in columns]
        spare = width - sum(natural) - GAP * (len(columns) - 1)
        if spare < 0 and len(columns) > 1:
            continue
        if max([sum([lows[index] for index in column]) for column in columns]) >= least:
            continue
        share = 1 + max(spare, 0.0) / sum(natural)
        widths = tuple([each * share for each in natural])
        heights = [
            sum([blocks[index].height_at(wide) for index in column]) + GAP * (len(column) - 1)
            for column, wide in zip(columns, widths, strict=True)
        ]
        badness = max(heights) + _SLACK_WEIGHT * (max(heights) - min(heights))
        if badness < least - 1e-9:
            best, least = Packing(columns, widths, max(heights)), badness
    return best


def least_height(blocks: Sequence[Block], width: float) -> float:
    """A height that no packing of the blocks within `width` px is lower than, px: that of their areas."""
    return sum(block.width * block.height_at(max(width, block.width)) for block in blocks) / width


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
