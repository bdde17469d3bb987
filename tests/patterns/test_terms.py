"""Expressions of small modules, as they are written."""

from __future__ import annotations

from typing import Any

import pytest

from archviz.patterns.term_text import term_lines
from archviz.patterns.terms import TermReader
from archviz.patterns.trace import Trace
from tests.patterns.tape import LENGTH, Tape


def written(tape: Tape) -> list[str]:
    trace = Trace(tape.events)
    call = next(event for event in trace.events if event.kind == "call")
    return term_lines(TermReader(trace, call, lambda event: event.kind == "call", {}).results())


def test_moves_are_left_out_and_what_is_used_twice_gets_a_name() -> None:
    tape = Tape()
    x = tape.value(1, LENGTH, 8)
    with tape.inside("call", "m", "M", x) as outputs:
        y = tape.same("sigmoid", tape.same("contiguous", x))
        outputs.append(tape.same("add", tape.same("mul", y, y), x))
    assert written(tape) == ["a = sigmoid(x)", "a · a + x"]


def test_what_is_subtracted_and_divided_by_keeps_its_brackets() -> None:
    tape = Tape()
    x = tape.value(1, LENGTH, 8)
    with tape.inside("call", "m", "M", x) as outputs:
        less = tape.same("sub", x, tape.same("add", x, **{"1": 2.0}))
        outputs.append(tape.same("div", tape.same("neg", less), tape.same("mul", x, **{"0": 3.0})))
    assert written(tape) == ["(−(x − (x + 2))) / (3 · x)"]


def test_numbered_modules_that_read_each_other_are_one_step() -> None:
    tape = Tape()
    x = tape.value(1, LENGTH, 8)
    with tape.inside("call", "m", "M", x) as outputs:
        y = x
        for number in range(3):
            with tape.inside("call", f"m.layers.{number}", "Layer", y) as made:
                made.append(tape.value(1, LENGTH, 8))
            y = made[0]
        outputs.append(y)
    assert written(tape) == ["layers.0…2(x)"]


def test_events_of_a_written_tensor_stand_for_it_afterwards() -> None:
    tape = Tape()
    x = tape.value(1, LENGTH, 8)
    with tape.inside("call", "m", "M", x) as outputs:
        y = tape.same("exp", x)
        tape._add("op", "m", "mul_", (y,), [y], {"1": 2.0})
        outputs.append(y)
    assert written(tape) == ["exp(x) · 2"]


Move = tuple[str, tuple[int, ...], dict[str, Any]]
"""An op that moves: its name, the shape of what it gives, its options."""


def at(axis: int) -> dict[str, Any]:
    return {"1": axis}


def one_step(step: str, moves: list[Move], shape: tuple[int, ...] = (1, LENGTH, 8)) -> list[str]:  # fmt: skip
    """A module that moves its input and takes one step."""
    tape = Tape()
    x = tape.value(*shape)
    with tape.inside("call", "m", "M", x) as outputs:
        y = x
        for name, out, options in moves:
            y = tape.op(name, y, out=out, **options)
        outputs.append(tape.same(step, y))
    return written(tape)


SPLIT: Move = ("view", (1, LENGTH, 2, 4), {})
HEADS_FIRST: Move = ("transpose", (1, 2, LENGTH, 4), {"1": 1, "2": 2})
HEADS_LAST: Move = ("transpose", (1, LENGTH, 2, 4), {"1": 1, "2": 2})


@pytest.mark.parametrize(
    ("moves", "told"),
    [
        ([SPLIT, HEADS_FIRST], "exp(x)"),
        ([SPLIT, HEADS_FIRST, HEADS_LAST, ("reshape", (1, LENGTH, 8), {})], "exp(x)"),
        ([("view", (LENGTH, 8), {})], "exp(x)"),
        ([SPLIT, HEADS_FIRST, ("reshape", (1, LENGTH, 8), {})], "exp(reshape(x))"),
        ([("view", (1, LENGTH, 4, 2), {}), ("permute", (1, 2, LENGTH, 4), {"1": (0, 3, 1, 2)})],
         "exp(rearrange(x, a b (c d) → a d b c))"),
        ([SPLIT, ("transpose", (1, LENGTH, 4, 2), {"1": 2, "2": 3}), ("reshape", (1, LENGTH, 8), {})],
         "exp(rearrange(x, a b (c d) → a b (d c)))"),
        ([("transpose", (LENGTH, 1, 8), {"1": 0, "2": 1}), ("reshape", (1, LENGTH, 8), {})],
         "exp(reshape(rearrange(x, a b c → b a c)))"),
        ([("transpose", (LENGTH, 1, 8), {"1": 0, "2": 1})], "exp(rearrange(x, a b c → b a c))"),
        ([("transpose", (LENGTH, 1, 8), {"1": 0, "2": 1}), ("transpose", (1, LENGTH, 8), {"1": 0, "2": 1})], "exp(x)"),
        ([("transpose", (1, 8, LENGTH), {"1": 1, "2": 2}), ("reshape", (1, LENGTH, 8), {})], "exp(reshape(x))"),
    ],
)  # fmt: skip
def test_moves_that_mix_heads_and_tokens_are_written(moves: list[Move], told: str) -> None:
    assert one_step("exp", moves) == [told]


def test_exchanged_axes_of_one_size_and_turned_matrices_are_written() -> None:
    moves: list[Move] = [("transpose", (1, 2, 7, 7), {"1": 2, "2": 3})]
    assert one_step("softmax", moves, (1, 2, 7, 7)) == ["softmax(rearrange(x, a b c d → a b d c))"]
    assert one_step("exp", [("t", (8, 7), {})], (7, 8)) == ["exp(xᵀ)"]


def test_products_of_two_kinds_are_told_apart_by_brackets() -> None:
    tape = Tape()
    x = tape.value(1, 8, 8)
    with tape.inside("call", "m", "M", x) as outputs:
        product = tape.same("matmul", tape.same("mul", tape.same("exp", x), x), x)
        gated = tape.same("mul", tape.same("sin", x), tape.same("matmul", tape.same("cos", x), x))
        outputs.append(tape.same("add", product, tape.same("div", gated, **{"1": 2.0})))
    assert written(tape) == ["(exp(x) · x) @ x + (sin(x) · (cos(x) @ x)) / 2"]


def test_a_difference_of_one_value_with_itself_says_which_is_which() -> None:
    tape = Tape()
    x = tape.value(1, LENGTH, 8)
    with tape.inside("call", "m", "M", x) as outputs:
        rows = tape.op("unsqueeze", x, out=(1, LENGTH, 1, 8), **at(-2))
        columns = tape.op("unsqueeze", x, out=(1, 1, LENGTH, 8), **at(-3))
        outputs.append(tape.op("sub", tape.same("add", rows, **{"1": 0}), columns, out=(1, LENGTH, LENGTH, 8)))
    assert written(tape) == ["(x + 0)[..., None, :] − x[:, None, :, :]"]


def test_a_cast_to_whole_numbers_is_a_step_and_one_between_fractions_is_none() -> None:
    tape = Tape()
    x = tape.value(1, LENGTH, 8)
    with tape.inside("call", "m", "M", x) as outputs:
        half = tape.same("to", x)
        whole = tape.value(1, LENGTH, 8, dtype="int32")
        tape._add("op", "m", "to", (half,), [whole], {})
        outputs.append(tape.same("exp", whole))
    assert written(tape) == ["exp(to(x, int32))"]
