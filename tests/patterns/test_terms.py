"""Expressions of small modules, as they are written."""

from __future__ import annotations

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
