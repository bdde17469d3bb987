from __future__ import annotations

import pytest

from archviz.patterns.positions_cut import Positions


@pytest.mark.parametrize(
    ("positions", "cut", "words"),
    [
        (Positions(7), (0, 7, 10), "0 to S of S + 3"),
        (Positions(263), (0, 263, 264), "0 to S of S + 1"),
        (Positions(263, (4,)), (0, 328, 329), "0 to S + S/4 of S + S/4 + 1"),
        (Positions(263, (128,)), (0, 265, 266), "0 to S + S/128 of S + S/128 + 1"),
        (Positions(263, (4,)), (0, 65, 66), "0 to S/4 of S/4 + 1"),
        (Positions(263), (1, 264, 264), "1 to S + 1 of S + 1"),
    ],
)
def test_cuts_along_positions_are_in_symbols(
    positions: Positions, cut: tuple[int, int, int], words: str | None
) -> None:
    assert positions.words(*cut) == words


@pytest.mark.parametrize("cut", [(0, 64, 192), (0, 7, 64), (255, 256, 256), (128, 192, 192), (0, 5, 64)])
def test_cuts_of_features_and_chunks_stay_numbers(cut: tuple[int, int, int]) -> None:
    assert Positions(7).words(*cut) is None


def test_only_an_index_of_whole_axes_beside_the_positions_is_rewritten() -> None:
    assert Positions(7).index_words(":, :, :7") == ":, :, :S"
    for kept in ("..., 7, :7", ":7, :7", ":, :, 0", ":, :, :8"):
        assert Positions(7).index_words(kept) == kept


def test_a_number_is_a_size_of_the_pass_where_it_is_one_and_not_small() -> None:
    positions = Positions(263, (4,))
    assert [positions.size_words(each) for each in (263, 65, 64, 4)] == ["S", "S/4", None, None]
    assert Positions(7).size_words(7) is None  # experts, kernels and heads are as few
