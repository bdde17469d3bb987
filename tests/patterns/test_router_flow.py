"""Scores are followed from the router to what they choose and multiply."""

from __future__ import annotations

from archviz.interpreter.reading import ValueRef
from archviz.patterns.router_flow import RouterFlow, router_flow
from archviz.patterns.trace import Trace
from tests.patterns.tape import Tape

EXPERTS, TOP, WIDTH, HIDDEN = 4, 2, 8, 16


def _expert(tape: Tape, states: ValueRef) -> ValueRef:
    with tape.inside("call", "m.experts", "Experts", states) as results:
        up = tape.op("linear", states, tape.value(HIDDEN, WIDTH), out=(7, HIDDEN))
        results.append(tape.op("linear", tape.same("silu", up), tape.value(WIDTH, HIDDEN), out=(7, WIDTH)))
    return results[0]


def _flow(
    *, choose: str = "", before: bool = False, biased: bool = False, weigh: bool = True, shared: int = 0
) -> RouterFlow:
    """`shared` experts have scores of their own beside those that are chosen among."""
    tape = Tape()
    x = tape.value(7, WIDTH)
    with tape.inside("call", "", "Model", x), tape.inside("call", "m", "Block", x):
        logits = tape.op("linear", x, tape.value(EXPERTS + shared, WIDTH), out=(7, EXPERTS + shared))
        scores = tape.same("sigmoid", logits)
        scores = tape.op("getitem", scores, out=(7, EXPERTS)) if shared else scores
        sought = tape.same("add", scores, tape.value(EXPERTS)) if biased else scores
        sought = tape.same(choose, sought) if choose else sought
        top, _ = tape.op("topk", sought, outs=[(7, TOP)] * 2, k=TOP, dim=-1)
        weights = tape.op("getitem", top, out=(7, 1))
        states = tape.same("mul", x, weights) if before else x
        result = _expert(tape, states)
        if weigh and not before:
            tape.same("mul", result, weights)
        if shared:
            with tape.inside("call", "m.shared", "Shared", x, scores):
                tape.same("mul", x, tape.op("getitem", scores, out=(7, 1)))
    trace = Trace(tape.events)
    block = trace.call("m")
    assert block is not None
    return router_flow(trace, block, list(trace.own(block)), "m.experts", EXPERTS)


def test_the_highest_scores_weigh_the_outputs() -> None:
    found = _flow()
    assert [(choice.lowest, choice.of) for choice in found.choices] == [(False, EXPERTS)]
    assert (found.place, found.bias, found.biased_weights) == ("output", None, False)


def test_scores_with_their_sign_changed_choose_the_lowest() -> None:
    assert [choice.lowest for choice in _flow(choose="neg").choices] == [True]


def test_a_bias_that_the_weights_see_is_told() -> None:
    found = _flow(biased=True)
    assert found.bias is not None
    assert found.biased_weights


def test_weights_before_the_experts_are_told_from_those_behind() -> None:
    assert _flow(before=True).place == "input"


def test_nothing_is_weighed_where_no_product_is() -> None:
    found = _flow(weigh=False)
    assert found.ran
    assert found.weighting is None


def test_scores_beside_which_shared_experts_have_theirs_are_followed_as_well() -> None:
    found = _flow(biased=True, shared=2)
    assert found.bias is not None
    assert [choice.of for choice in found.choices] == [EXPERTS]
    assert found.place == "output"  # what weighs the shared ones is another's
