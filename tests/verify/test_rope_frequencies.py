"""The rule of frequencies is read off their numbers."""

from __future__ import annotations

import pytest

from archviz.verify.rope_frequencies import frequency_words

THETA = 10000.0
FALLING = [THETA ** (-2 * i / 8) for i in range(4)]


@pytest.mark.parametrize(
    ("numbers", "theta", "words"),
    [
        (FALLING, THETA, "θ^(−2i/8), i = 0 … 3"),
        ([1 / each for each in FALLING], THETA, "θ^(2i/8), i = 0 … 3"),
        ([-each for each in FALLING], THETA, "−1 · θ^(−2i/8), i = 0 … 3"),
        ([*FALLING, 0.0, 0.0], THETA, "θ^(−2i/8), i = 0 … 3, then 2 times 0"),
        (FALLING, None, "0.1^i, i = 0 … 3"),
        ([1.0, 0.5, 0.1], THETA, "3 numbers from 1 to 0.1"),
        ([1.0, 1.0, 1.0], THETA, "3 numbers from 1 to 1"),
        ([1.0, -0.5, 0.25], THETA, "3 numbers from 1 to 0.25"),
    ],
)
def test_frequencies_in_words(numbers: list[float], theta: object, words: str) -> None:
    assert frequency_words(numbers, theta) == words
