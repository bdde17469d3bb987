from __future__ import annotations

import pytest

from archviz.pseudocode.expressions import Expression, Piece
from archviz.pseudocode.loops import UncountedError, body_text
from archviz.pseudocode.rounds import Round
from archviz.pseudocode.scopes import Line

NAMES = {number: f"v{number}" for number in range(40)}


def line(target: int, *pieces: Piece) -> Line:
    return Line([target], Expression(list(pieces)), ["[T]"])


def layer(target: int, index: int, given: int, *more: Piece) -> Line:
    return line(target, ("self.layers", index), "(", given, *more, ")")


def text(lines: list[Line], returns: list[int]) -> list[str]:
    return [row.strip() for row in body_text(lines, NAMES, returns)[0]]


def test_layers_that_hand_on_one_value_are_a_loop() -> None:
    lines = [layer(n + 1, n, n) for n in range(4)]
    assert text(lines, [4]) == ["v1 = v0", "for i in range(4):", "v1 = self.layers[i](v1)  # [T]"]


def test_a_unit_of_two_is_a_loop_in_steps_of_two() -> None:
    lines = [layer(n + 1, n, n, ", ", 30 + n % 2) for n in range(6)]
    assert text(lines, [6])[1:] == [
        "for i in range(0, 6, 2):",
        "v1 = self.layers[i](v2, v30)  # [T]",
        "v2 = self.layers[i + 1](v1, v31)  # [T]",
    ]


def test_what_is_read_later_from_within_keeps_rounds_apart() -> None:
    lines = [layer(n + 1, n, n) for n in range(4)]
    assert not any(row.startswith("for") for row in text([*lines, line(9, "f(", 2, ")")], [4, 9])[:2])


def test_a_value_that_every_round_reads_and_the_first_one_starts_from_is_no_loop() -> None:
    lines = [layer(n + 1, n, n, ", ", 0) for n in range(4)]
    assert len(text(lines, [4])) == 4


def test_rounds_without_modules_are_counted() -> None:
    lines = [line(1, 0, " / ", 20), *(line(n + 1, n, " / ", 20) for n in range(1, 5))]
    assert "for _ in range(5):" in text(lines, [5])


def test_rounds_that_more_tokens_take_more_often_are_counted_by_tokens() -> None:
    def rounds(first: int, second: int) -> list[Line]:
        lines = [line(n + 1, "x[", str(4 * n), "] + ", n) for n in range(first)]
        for number, each in enumerate(lines):
            each.round = Round(0, number, first, second)
        return lines

    assert text(rounds(7, 11), [7]) == ["v1 = v0", "for i in range(T):", "v1 = x[4 * i] + v1  # [T]"]
    with pytest.raises(UncountedError):  # of a number that does not follow from the tokens
        text(rounds(3, 6), [3])


def test_different_shapes_do_not_repeat() -> None:
    lines = [layer(n + 1, n, n) for n in range(4)]
    for number, each in enumerate(lines):
        each.shapes = [f"[{number}]"]
    assert len(text(lines, [4])) == 4


def test_what_a_loop_hands_on_is_called_after_the_loop_as_in_it() -> None:
    _, names = body_text([layer(n + 1, n, n) for n in range(4)], NAMES, [4])
    assert names[4] == "v1"
