"""Values go back to the projections, and to the part of what these gave."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from archviz.interpreter.reading import ValueRef
from archviz.patterns.origins import Origins
from archviz.patterns.trace import Trace
from tests.patterns.tape import Tape, linear


@contextmanager
def _inside(tape: Tape) -> Iterator[ValueRef]:
    x = tape.value(1, 7, 8)
    with tape.inside("call", "", "Model", x), tape.inside("call", "m", "Part", x):
        yield x


def _words(tape: Tape, value: ValueRef, stored: dict[int, str] | None = None) -> list[str]:
    trace = Trace(tape.events)
    call = trace.call("m")
    assert call is not None
    return Origins(trace, call, stored or {}).words(value)


def test_a_part_of_a_fused_projection_goes_by_its_place() -> None:
    tape = Tape()
    with _inside(tape) as x:
        _, second, _ = tape.op("chunk", tape.linear(linear("m.qkv", 8, 24), x), outs=[(1, 7, 8)] * 3)
        scaled = tape.same("mul", second, tape.value(8))
    assert _words(tape, scaled) == ["qkv (part 2 of 3)"]


def test_all_parts_together_are_no_part() -> None:
    tape = Tape()
    with _inside(tape) as x:
        first, second = tape.op("chunk", tape.linear(linear("m.q", 8, 24), x), outs=[(1, 7, 12)] * 2)
        joined = tape.op("cat", tape.same("neg", second), first, out=(1, 7, 24))
    assert _words(tape, second) == ["q (second half)"]
    assert _words(tape, joined) == ["q"]


def test_a_stored_weight_without_a_module_goes_by_its_name() -> None:
    tape = Tape()
    with _inside(tape) as x:
        stack = tape.value(4, 8, 24)
        up = tape.op("matmul", x, tape.op("getitem", stack, out=(8, 24)), out=(1, 7, 24))
        half = tape.op("slice", up, out=(1, 7, 12), start=1, step=2)
    assert _words(tape, half, {stack.id: "layers.0.m.up_proj"}) == ["up_proj (odd places)"]


def test_what_is_written_into_an_empty_tensor_is_found_in_it() -> None:
    tape = Tape()
    with _inside(tape) as x:
        made = tape.linear(linear("m.k", 8, 8), x)
        empty = tape.op("new_empty", x, out=(1, 7, 16))
        place = tape.op("slice", empty, out=(1, 7, 8), stop=8)
        tape.op("copy_", place, made, out=(1, 7, 8))
        turned = tape.op("transpose", empty, out=(1, 16, 7))
    assert _words(tape, turned) == ["k"]


def test_a_cut_back_to_the_tokens_takes_no_part() -> None:
    tape = Tape()
    with _inside(tape) as x:
        padded = tape.op("pad", tape.linear(linear("m.k", 8, 8), x), out=(1, 8, 10))
        back = tape.op("slice", padded, out=(1, 8, 7), stop=7)
    assert _words(tape, back) == ["k"]
