from __future__ import annotations

from collections.abc import Callable

import pytest

from archviz.interpreter.reading import Event, ValueRef
from archviz.patterns.activations import activation_in, clamp_bounds, read_activation
from archviz.patterns.trace import Trace
from tests.patterns.tape import LENGTH, Tape, linear, module


def quick(tape: Tape, x: ValueRef, slope: float = 1.702) -> ValueRef:
    return tape.same("mul", x, tape.same("sigmoid", tape.same("mul", x, **{"0": slope})))


def squared(tape: Tape, x: ValueRef) -> ValueRef:
    return tape.same("square", tape.same("relu", x))


def gelu_tanh(tape: Tape, x: ValueRef) -> ValueRef:
    cube = tape.same("mul", tape.same("pow", x, **{"1": 3.0}), **{"0": 0.044715})
    inner = tape.same("tanh", tape.same("mul", tape.same("add", x, cube), **{"0": 0.79788}))
    return tape.same("mul", x, tape.same("add", inner, **{"0": 1.0}))


@pytest.mark.parametrize(
    ("class_name", "compute", "name"),
    [
        ("QuickGELUActivation", quick, "QuickGELU"),
        ("Act", squared, None),  # neither a name nor one op: not read as an activation
        ("ReLUSquaredActivation", squared, "ReLU²"),
        ("NewGELUActivation", gelu_tanh, "GELU-tanh"),
        ("GELUTanh", lambda tape, x: tape.same("gelu", x, approximate="tanh"), "GELU-tanh"),
        ("GELUActivation", lambda tape, x: tape.same("gelu", x), "GELU"),
        ("QuickGELUActivation", lambda tape, x: quick(tape, x, 1.5), "x·σ(1.5x)"),  # ops before names
    ],
)
def test_an_activation_goes_by_what_it_computes(
    class_name: str, compute: Callable[[Tape, ValueRef], ValueRef], name: str | None
) -> None:
    tape = Tape()
    x = tape.value(1, LENGTH, 64)
    with tape.inside("call", "m.act", class_name, x) as results:
        results.append(compute(tape, x))
    assert read_activation(tape.events[0], Trace(tape.events)) == name


def test_a_sloped_and_clamped_silu_spelt_out_says_so() -> None:
    record, tape = module("m", "Toy", linear("m.up", 64, 128), linear("m.down", 64, 64)), Tape()
    x = tape.value(1, LENGTH, 64)
    with tape.inside("call", "m", "Toy", x) as results:
        both = tape.linear(record.children["up"], x)
        gate, up = tape.op("chunk", both, outs=[(1, LENGTH, 64), (1, LENGTH, 64)])
        results.append(tape.same("mul", up, quick(tape, tape.same("clamp", gate))))
    assert activation_in(record, Trace(tape.events)) == "SiLU (α = 1.702, clamped)"


def test_a_submodule_says_more_than_a_function_that_cuts_off_small_values() -> None:
    record, tape = module("m", "Toy", module("m.act_fn", "GELUTanh")), Tape()
    x = tape.value(1, LENGTH, 64)
    with tape.inside("call", "m", "Toy", x) as results:
        cut = tape.same("relu", x)
        with tape.inside("call", "m.act_fn", "GELUTanh", cut) as inner:
            inner.append(tape.same("gelu", cut, approximate="tanh"))
        results.append(inner[0])
    assert activation_in(record, Trace(tape.events)) == "GELU-tanh"


def softcapped(tape: Tape, x: ValueRef) -> ValueRef:
    return tape.same("mul", tape.same("tanh", tape.same("div", x, **{"1": 7.0})), **{"1": 7.0})


def test_a_softcap_is_no_activation() -> None:
    record, tape = module("m", "Toy", linear("m.up", 64, 128), linear("m.down", 64, 64)), Tape()
    x = tape.value(1, LENGTH, 64)
    with tape.inside("call", "m", "Toy", x) as results:
        gate, up = tape.op("chunk", tape.linear(record.children["up"], x), outs=[(1, LENGTH, 64), (1, LENGTH, 64)])
        gated = tape.same("mul", softcapped(tape, gate), tape.same("sigmoid", gate))
        results.append(tape.same("mul", gated, softcapped(tape, up)))
    assert activation_in(record, Trace(tape.events)) == "SiLU (softcapped)"


def test_a_bound_from_above_alone_is_read_as_one() -> None:
    x, y = ValueRef(1, (2,)), ValueRef(2, (2,))
    bounds = [
        clamp_bounds(Event(0, "op", "", name, (x,), (y,), options={"1": 7.0}))
        for name in ("clamp_max", "clamp_min", "clamp")
    ]
    assert bounds == ["≤ 7", "≥ 7", "≥ 7"]


def test_a_clamp_between_infinities_bounds_nothing() -> None:
    x, y = ValueRef(0, (4,)), ValueRef(1, (4,))

    def bounds(**options: float) -> str | None:
        return clamp_bounds(Event(0, "op", "", "clamp", (x,), (y,), options=options))

    inf = float("inf")
    assert bounds(max=inf) is None
    assert bounds(min=-inf, max=inf) is None
    assert bounds(min=-7.0, max=inf) == "≥ −7"
    assert bounds(min=-7.0, max=7.0) == "−7 … 7"
