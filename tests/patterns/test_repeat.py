from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archviz.patterns.repeat import Repeat, find_repeats, repeat_text


@pytest.mark.parametrize(
    "kinds, text",
    [
        ("aaab" * 15, "15 × (3 × a, 1 × b)"),
        ("ab" * 12, "12 × (a, b)"),
        ("aaaaab" * 10 + "aa", "10 × (5 × a, 1 × b), 2 × a"),
        ("aaa" + "b" * 58, "3 × a, 58 × b"),
        ("a" * 62, "62 × a"),
        ("a", "1 × a"),
        ("abc", "a, b, c"),
        ("abaabaaba", "3 × (a, b, a)"),
    ],
)
def test_a_sequence_gets_its_shortest_description(kinds: str, text: str) -> None:
    assert repeat_text(find_repeats(list(kinds))) == text


def test_an_irregular_hybrid_stays_readable() -> None:
    kinds = list("MEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEMEM*EMEMEMEME")
    text = repeat_text(find_repeats(kinds), {"M": "mamba2", "E": "moe", "*": "attention"})
    assert len(text) < 160
    assert text.startswith("2 × (mamba2, moe)")


def test_nothing_is_described_by_nothing() -> None:
    assert find_repeats([]) == []


def test_labels_replace_kinds_in_the_text_only() -> None:
    repeats = find_repeats(["a", "b"] * 3)
    assert repeat_text(repeats, {"a": "sliding", "b": "full"}) == "3 × (sliding, full)"
    assert repeats[0].items[0] == Repeat(1, "a")


@settings(max_examples=150)
@given(st.lists(st.sampled_from("abc"), max_size=40))
def test_a_description_expands_to_its_sequence_and_is_never_longer(kinds: list[str]) -> None:
    repeats = find_repeats(kinds)
    assert [kind for item in repeats for kind in item.expand()] == kinds
    assert _named(repeats) <= max(1, len(kinds))
    assert find_repeats(kinds) == repeats


@settings(max_examples=60)
@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=6), st.integers(2, 12))
def test_a_repeated_unit_is_named_at_most_once(unit: list[str], times: int) -> None:
    assert _named(find_repeats(unit * times)) <= len(unit)


def _named(repeats: list[Repeat]) -> int:
    """How many kinds a description names."""
    return sum(1 if item.kind is not None else _named(list(item.items)) for item in repeats)


def test_two_hundred_layers_take_no_noticeable_time() -> None:
    kinds = ["abcd"[(index * index) % 7 % 4] for index in range(200)]
    start = time.perf_counter()
    find_repeats(kinds)
    find_repeats(["a", "b"] * 100)
    assert time.perf_counter() - start < 2.0
