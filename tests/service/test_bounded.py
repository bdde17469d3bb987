"""What is kept is bounded in number and in size."""

from __future__ import annotations

import sys

from archviz.service.bounded import Bounded, weight_of


def test_the_values_used_longest_ago_go_first_by_number_and_by_size() -> None:
    table: Bounded[str, int] = Bounded(most=3, most_bytes=100)
    for number, key in enumerate("abc"):
        table.put(key, number, 10)
    assert table.get("a") == 0
    table.put("d", 3, 10)
    assert table.newest_first() == ["d", "a", "c"]
    table.put("e", 4, 85)
    assert table.newest_first() == ["e", "d"]
    table.put("f", 5, 101)
    assert table.newest_first() == ["e", "d"]


def test_another_value_under_a_key_takes_the_place_of_the_first() -> None:
    table: Bounded[str, int] = Bounded(most=3, most_bytes=100)
    for number in range(5):
        table.put("a", number, 90)
    assert (table.get("a"), table.get("b"), table.newest_first()) == (4, None, ["a"])


def test_a_value_weighs_what_it_holds_once_and_nothing_of_the_program() -> None:
    text = "x" * 5_000

    class Held:
        def __init__(self) -> None:
            self.rows = [text, text]

    weight = weight_of(Held(), 10**6)
    assert sys.getsizeof(text) < weight < sys.getsizeof(text) + 2_000


def test_counting_ends_where_it_is_too_much() -> None:
    assert 1_000 < weight_of([f"row {number}" for number in range(100_000)], 1_000) < 1_000_000
