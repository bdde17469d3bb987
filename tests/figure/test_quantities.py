from __future__ import annotations

import pytest

from archviz.figure.model import Words
from archviz.figure.quantities import compact, sentence, written


@pytest.mark.parametrize(
    ("count", "text"),
    [(396_802_360_816, "397B"), (596_049_920, "596M"), (6_740_000_000, "6.74B"), (999_999_999, "1B"), (0, "0"), (124, "124"), (1_500, "1.5k")],
)  # fmt: skip
def test_sizes_are_short(count: int, text: str) -> None:
    assert compact(count) == text


@pytest.mark.parametrize(
    ("value", "text"), [(262144, "262,144"), (1e7, "10,000,000"), (1e-6, "1e-06"), (False, "no"), ([1, "a"], "1, a")]
)
def test_values_are_written_for_readers(value: object, text: str) -> None:
    assert written(value) == text


def test_only_numbers_are_marked() -> None:
    marked = [words.text for words in sentence("10 of 512 experts, Mamba-2, q_proj1, 12.6M, 3.5") if words.accent]
    assert marked == ["10", "512", "12.6M", "3.5"]
    assert sentence("none") == (Words("none"),)
