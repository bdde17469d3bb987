from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from archviz.figure.packing import GAP, Block, Columns, _partitions, least_height, pack_within

PAGE = 880.0


def blocks(*heights: float, width: float = 400) -> list[Block]:
    return [Block(width, _always(height)) for height in heights]


def _always(height: float) -> Callable[[float], float]:
    return lambda _: height


def _wrapping(width: float, area: float) -> Block:
    """A block of words, lower where it is wider."""
    return Block(width, lambda wide: 60 + 17.0 * (area / wide // 17))


def test_each_block_is_placed_once_in_order() -> None:
    for count in (1, 2, 5, 6, 9, 14):
        packing = pack_within(blocks(*[300.0 + 10 * n for n in range(count)]), PAGE)
        assert sorted(index for column in packing.columns for index in column) == list(range(count))
        assert all(list(column) == sorted(column) for column in packing.columns)
        assert packing.columns[0][0] == 0


def test_wide_blocks_stand_under_each_other() -> None:
    assert pack_within(blocks(400, 400, 400, width=700), PAGE).columns == ((0, 1, 2),)


def test_many_blocks_are_shared_out_evenly_over_the_whole_width() -> None:
    packing = pack_within(blocks(600, 600, 600, 600), PAGE)
    assert [len(column) for column in packing.columns] == [2, 2]
    assert packing.height == 1200 + GAP
    assert packing.width == pytest.approx(PAGE)


def test_blocks_that_differ_stand_so_that_the_highest_column_is_low() -> None:
    assert pack_within(blocks(900, 300, 300, 300), PAGE).columns == ((0,), (1, 2, 3))


def test_no_packing_is_lower_than_the_least_height() -> None:
    for heights in ((600.0,), (100.0, 500.0), (300.0, 300.0, 300.0), (200.0, 700.0, 100.0, 100.0)):
        found = blocks(*heights, width=300)
        assert 0 < least_height(found, PAGE) <= pack_within(found, PAGE).height


def test_the_most_hopeful_way_first_finds_what_trying_all_ways_finds() -> None:
    for seed in range(40):
        random = Random(seed)
        found = [_wrapping(random.uniform(150, 500), random.uniform(4e4, 4e5)) for _ in range(random.randint(1, 5))]

        def badness(columns: Columns, blocks: list[Block] = found) -> float:
            natural = [max(blocks[index].width for index in column) for column in columns]
            spare = PAGE - sum(natural) - GAP * (len(columns) - 1)
            share = 1 + max(spare, 0.0) / sum(natural)
            heights = [
                sum(blocks[index].height_at(wide * share) for index in column) + GAP * (len(column) - 1)
                for column, wide in zip(columns, natural, strict=True)
            ]
            return (
                float("inf") if spare < 0 and len(columns) > 1 else max(heights) + 0.3 * (max(heights) - min(heights))
            )

        assert pack_within(found, PAGE).columns == min(_partitions(len(found)), key=badness), seed


def test_nothing_takes_no_room() -> None:
    assert pack_within([], PAGE).width == 0
