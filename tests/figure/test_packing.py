from __future__ import annotations

from archviz.figure.packing import GAP, Block, pack


def blocks(*heights: float, width: float = 400) -> list[Block]:
    return [Block(width, lambda _, height=height: height) for height in heights]


def test_each_block_is_placed_once_in_order() -> None:
    for count in (1, 2, 5, 6, 9, 14):
        packing = pack(blocks(*[300.0 + 10 * n for n in range(count)]), 700, 1000)
        assert sorted(index for column in packing.columns for index in column) == list(range(count))
        assert all(list(column) == sorted(column) for column in packing.columns)
        assert packing.columns[0][0] == 0


def test_few_blocks_stand_under_each_other_beside_a_high_column() -> None:
    assert pack(blocks(400, 400, 400), 700, 1300).columns == ((0, 1, 2),)


def test_many_blocks_are_shared_out_evenly() -> None:
    packing = pack(blocks(600, 600, 600, 600), 700, 1200)
    assert [len(column) for column in packing.columns] == [2, 2]
    assert packing.height == 1200 + GAP
    assert packing.width == 800 + GAP


def test_nothing_takes_no_room() -> None:
    assert pack([], 700, 1000).width == 0
