"""How panels are shared out over columns, so that the figure is neither a ribbon nor a tower and little stays empty."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, pairwise

from archviz.records import record

GAP = 20.0
_MAX_COLUMNS = 4
_FREE = 6  # up to so many panels every way to share them out is tried, else only runs
_IDEAL_RATIO = 1.15
_SLACK_WEIGHT = 0.3  # of the emptiest column
_READABLE_WIDTH = 3000.0  # px; wider pages print smaller

Columns = tuple[tuple[int, ...], ...]


@record(frozen=True)
class Block:
    """What is packed: its natural width, and its height at a given width, in px."""

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


def pack(blocks: Sequence[Block], left: float, height: float) -> Packing:
    """The best packing of the blocks, each column from top to bottom in their order.

    Args:
        left: Width of what stands on their left, px.
        height: Height of what stands on their left, px.
    """
    if not blocks:
        return Packing()
    known: dict[tuple[int, float], float] = {}

    def tall(index: int, width: float) -> float:
        key = (index, width)
        if key not in known:
            known[key] = blocks[index].height_at(width)
        return known[key]

    best, least = Packing(), float("inf")
    for columns in _ways(len(blocks)):
        widths = tuple(max(blocks[index].width for index in column) for column in columns)
        heights = [
            sum(tall(index, width) for index in column) + GAP * (len(column) - 1)
            for column, width in zip(columns, widths, strict=True)
        ]
        packing = Packing(columns, widths, max(heights))
        inked = sum(high * width for high, width in zip(heights, widths, strict=True))
        slack = 1 - min(heights) / max(height, *heights)
        badness = _badness(packing, inked, left, height) + _SLACK_WEIGHT * slack
        if badness < least - 1e-9:
            best, least = packing, badness
    return best


def pack_within(blocks: Sequence[Block], width: float) -> Packing:
    """The lowest packing that is no wider than `width` px, its columns widened to fill it; a block that is wider stands alone."""
    best, least = Packing(), float("inf")
    for columns in _ways(len(blocks)) if blocks else ():
        natural = [max(blocks[index].width for index in column) for column in columns]
        spare = width - sum(natural) - GAP * (len(columns) - 1)
        if spare < 0 and len(columns) > 1:
            continue
        widths = tuple(each + max(spare, 0.0) * each / sum(natural) for each in natural)
        heights = [
            sum(blocks[index].height_at(wide) for index in column) + GAP * (len(column) - 1)
            for column, wide in zip(columns, widths, strict=True)
        ]
        badness = max(heights) + _SLACK_WEIGHT * (max(heights) - min(heights))
        if badness < least - 1e-9:
            best, least = Packing(columns, widths, max(heights)), badness
    return best


def _badness(packing: Packing, inked: float, left: float, height: float) -> float:
    """Share of the page that stays empty, how far its shape is from the ideal, and how small it prints."""
    tall = max(height, packing.height)
    wide = left + packing.width
    ratio = wide / tall
    shape = max(ratio / _IDEAL_RATIO, _IDEAL_RATIO / ratio)
    return 1.3 * (1 - (inked + left * height) / (wide * tall)) + 0.4 * shape + 0.5 * wide / _READABLE_WIDTH


def _ways(count: int) -> Iterator[Columns]:
    if count <= _FREE:
        yield from _partitions(count)
        return
    for columns in range(1, _MAX_COLUMNS + 1):
        for cuts in combinations(range(1, count), columns - 1):
            yield tuple(tuple(range(start, stop)) for start, stop in pairwise((0, *cuts, count)))


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
