"""How insets are shared out over columns, so that the figure is neither a ribbon nor a tower and little stays empty."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

GAP = 22.0
_MAX_COLUMNS = 4
_IDEAL_RATIO = 1.25


@dataclass(frozen=True, slots=True)
class Block:
    """What is packed: its natural size in px."""

    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Packing:
    """Columns of block numbers, with the width of each and the height of the highest."""

    columns: tuple[tuple[int, ...], ...]
    widths: tuple[float, ...]
    height: float

    @property
    def width(self) -> float:
        return sum(self.widths) + GAP * max(len(self.widths) - 1, 0)


def pack(
    blocks: Sequence[Block], left: float, height: float, extra: Callable[[float], float]
) -> Packing:
    """The best packing of the blocks, in their order, column by column from top to bottom.

    Args:
        left: Width of what stands on their left, px.
        height: Height of what stands on their left, px.
        extra: Height of what comes below the blocks, for their total width.
    """
    if not blocks:
        return Packing((), (), 0.0)
    choices = [_partition(blocks, count) for count in range(1, min(_MAX_COLUMNS, len(blocks)) + 1)]
    return min(choices, key=lambda packing: _badness(packing, blocks, left, height, extra))


def _badness(
    packing: Packing, blocks: Sequence[Block], left: float, height: float, extra: Callable[[float], float]
) -> float:
    """Share of the page that stays empty, and how far its shape is from the ideal."""
    tall = max(height, packing.height + extra(packing.width))
    wide = left + packing.width
    inked = left * height + sum(block.width * block.height for block in blocks) + packing.width * extra(packing.width)
    ratio = wide / tall
    return (1 - inked / (wide * tall)) + 0.55 * max(ratio / _IDEAL_RATIO, _IDEAL_RATIO / ratio)


def _partition(blocks: Sequence[Block], count: int) -> Packing:
    """Runs of blocks whose highest column is as low as can be."""

    def tall(start: int, stop: int) -> float:
        return sum(block.height for block in blocks[start:stop]) + GAP * (stop - start - 1)

    @lru_cache(maxsize=None)
    def best(start: int, columns: int) -> tuple[float, tuple[int, ...]]:
        if columns == 1:
            return tall(start, len(blocks)), (len(blocks),)
        options = []
        for stop in range(start + 1, len(blocks) - columns + 2):
            height, rest = best(stop, columns - 1)
            options.append((max(tall(start, stop), height), (stop, *rest)))
        return min(options)

    height, stops = best(0, count)
    starts = (0, *stops[:-1])
    columns = tuple(tuple(range(start, stop)) for start, stop in zip(starts, stops, strict=True))
    widths = tuple(max(blocks[index].width for index in column) for column in columns)
    return Packing(columns, widths, height)
