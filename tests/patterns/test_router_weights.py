from __future__ import annotations

import pytest

from archviz.interpreter.reading import ValueRef
from archviz.patterns.moe import MixtureOfExperts, detect_moe
from archviz.patterns.router_weights import is_seen, normalising_step
from archviz.patterns.trace import Trace
from tests.patterns.tape import LENGTH, Tape, moe


def described(tape: Tape) -> MixtureOfExperts:
    result = detect_moe(moe("m", 64, 32, 8, 2), Trace(tape.events))
    assert result is not None
    return result


def whole_numbers(value: ValueRef) -> ValueRef:
    return ValueRef(value.id, value.shape, "int64")


def biased(*, weights_too: bool, factor: float | None = None) -> Tape:
    """Sigmoid scores, chosen with a stored number of each expert added; the weights are the scores with or without it."""
    tape = Tape()
    x = tape.value(LENGTH, 64)
    with tape.inside("call", "m", "ToyMoE", x) as out:
        with tape.inside("call", "m.gate", "ToyRouter", x) as weights:
            scores = tape.same("sigmoid", tape.op("linear", x, tape.value(8, 64), out=(LENGTH, 8)))
            biased = tape.same("add", scores, tape.value(8))
            chosen = whole_numbers(tape.op("topk", biased, outs=[(LENGTH, 2)] * 2, arg1=2)[1])
            value = tape.op("gather", biased if weights_too else scores, chosen, out=(LENGTH, 2))
            weights.append(tape.same("mul", value, arg1=factor) if factor else value)
        with tape.inside("call", "m.experts", "ToyExperts", x, weights[0]) as mixed:
            hidden = tape.op("linear", x, tape.value(32, 64), out=(LENGTH, 32))
            given = tape.op("linear", hidden, tape.value(64, 32), out=(LENGTH, 64))
            mixed.append(tape.same("mul", given, weights[0]))
        out.append(mixed[0])
    return tape


def test_a_bias_of_the_choice_is_seen_whatever_it_is_called() -> None:
    assert described(biased(weights_too=False)).correction_bias is True
    assert described(biased(weights_too=True)).correction_bias is False  # then it is a part of the scores


@pytest.mark.parametrize("factor", [2.5, None])
def test_the_factor_of_the_weights_is_what_they_are_multiplied_by(factor: float | None) -> None:
    assert described(biased(weights_too=False, factor=factor)).scaling == factor


def test_a_division_beside_the_chosen_scores_normalises_nothing() -> None:
    """Two picks one after the other, each weighed by a softmax of its own (SparseMixer): the weights do not add up to one."""
    tape = Tape()
    x = tape.value(LENGTH, 64)
    with tape.inside("call", "m", "ToyMoE", x) as out:
        with tape.inside("call", "m.gate", "ToyRouter", x) as weights:
            scores = tape.op("linear", x, tape.value(8, 64), out=(LENGTH, 8))
            best = tape.op("max", scores, outs=[(LENGTH, 1)] * 2)[1]
            first = tape.op("gather", tape.same("softmax", scores), best, out=(LENGTH, 1))
            rest = tape.same("scatter", scores, best)
            kept = tape.same("masked_fill", rest, tape.same("div", rest, tape.same("abs", scores)))
            second = tape.op("max", kept, outs=[(LENGTH, 1)] * 2)[1]
            weight = tape.op("gather", tape.same("softmax", kept), second, out=(LENGTH, 1))
            weights.append(tape.op("cat", first, weight, out=(LENGTH, 2)))
        out.append(weights[0])
    assert described(tape).normalised is False
    assert is_seen(tape.events)


def test_a_division_of_the_chosen_scores_normalises_them() -> None:
    tape = Tape()
    scores = tape.value(LENGTH, 8)
    value = tape.op("gather", scores, tape.value(LENGTH, 2, dtype="int64"), out=(LENGTH, 2))
    tape.same("div", value, tape.op("sum", value, out=(LENGTH, 1)))
    step = normalising_step(tape.events)
    assert step is not None
    assert step.name == "div"
    assert not is_seen([])
