from __future__ import annotations

import pytest

from archviz.interpreter.reading import ModuleRecord
from archviz.patterns.feed_forward import detect_feed_forward
from archviz.patterns.trace import Trace
from tests.patterns.tape import LENGTH, Tape, linear, module, swiglu

QUIET = Trace(())


def plain(activation: str = "GELUActivation", hidden: int = 128) -> ModuleRecord:
    return module("m", "Toy", linear("m.fc1", 64, hidden), module("m.act", activation), linear("m.fc2", hidden, 64))


@pytest.mark.parametrize("hidden", [32, 128])
def test_three_projections_with_silu_are_swiglu_whether_wider_or_narrower(hidden: int) -> None:
    found = detect_feed_forward(swiglu("m", 64, hidden), QUIET)
    assert found is not None
    assert (found.kind, found.width, found.hidden, found.gated, found.activation) == (
        "swiglu",
        64,
        hidden,
        True,
        "SiLU",
    )


def test_the_order_of_the_projections_does_not_matter() -> None:
    record = module(
        "m",
        "Toy",
        linear("m.w1", 64, 128),
        linear("m.w2", 128, 64),
        linear("m.w3", 64, 128),
        hidden_act="gelu_pytorch_tanh",
    )
    found = detect_feed_forward(record, QUIET)
    assert found is not None
    assert (found.kind, found.hidden) == ("geglu", 128)


def test_a_fused_gate_is_recognised_by_its_double_width() -> None:
    record = module(
        "m", "Toy", linear("m.gate_up_proj", 64, 256), module("m.act", "SiLU"), linear("m.down_proj", 128, 64)
    )
    found = detect_feed_forward(record, QUIET)
    assert found is not None
    assert (found.kind, found.hidden) == ("swiglu", 128)


def test_two_projections_are_a_plain_mlp_named_by_its_activation() -> None:
    found = detect_feed_forward(plain(), QUIET)
    assert found is not None
    assert (found.kind, found.title) == ("mlp", "MLP (GELU)")


def test_the_activation_that_ran_wins_over_the_configured_one() -> None:
    record, tape = plain("Activation"), Tape()
    x = tape.value(1, LENGTH, 64)
    with tape.inside("call", "m", "Toy", x) as results:
        hidden = tape.same("square", tape.same("relu", tape.linear(record.children["fc1"], x)))
        results.append(tape.linear(record.children["fc2"], hidden))
    found = detect_feed_forward(record, Trace(tape.events))
    assert found is not None
    assert found.activation == "ReLU²"


@pytest.mark.parametrize(
    "record",
    [
        linear("l", 64, 64),
        module("m", "One", linear("m.only", 64, 64)),
        module("m", "Unfit", linear("m.a", 64, 100), linear("m.b", 30, 64)),
    ],
)
def test_other_modules_are_not_mine(record: ModuleRecord) -> None:
    assert detect_feed_forward(record, QUIET) is None
