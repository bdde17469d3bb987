from __future__ import annotations

import pytest

from archviz.patterns.feed_forward import detect_feed_forward
from archviz.patterns.linears import low_rank_sizes
from archviz.patterns.trace import Trace
from tests.patterns.tape import LENGTH, Tape, linear, module


def pair(rank: int, between: str | None) -> tuple[int, int, int] | None:
    """Two projections in a row, 64 → rank → 96, with an op between them; a softplus follows."""
    record, tape = module("m", "Gate", linear("m.a", 64, rank), linear("m.b", rank, 96)), Tape()
    x = tape.value(1, LENGTH, 64)
    with tape.inside("call", "m", "Gate", x) as results:
        inner = tape.linear(record.children["a"], x)
        if between is not None:
            inner = tape.same(between, inner)
        results.append(tape.same("softplus", tape.linear(record.children["b"], inner)))
    trace = Trace(tape.events)
    found = low_rank_sizes(record, trace)
    assert (detect_feed_forward(record, trace) is None) == (found is not None)
    return found


@pytest.mark.parametrize("between", [None, "to", "dropout"])
def test_two_projections_in_a_row_through_a_narrow_middle_are_low_rank(between: str | None) -> None:
    assert pair(8, between) == (64, 8, 96)


def test_an_activation_between_them_makes_a_feed_forward() -> None:
    assert pair(8, "gelu") is None


def test_a_wide_middle_is_no_low_rank() -> None:
    assert pair(128, None) is None


def test_a_pair_whose_pass_was_not_seen_is_not_called_low_rank() -> None:
    record = module("m", "Gate", linear("m.a", 64, 8), linear("m.b", 8, 96))
    assert low_rank_sizes(record, Trace(())) is None
