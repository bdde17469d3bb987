"""The factor of the logits is read off the code, before or after the head."""

from __future__ import annotations

import pytest

from archviz.architecture.logit_factor import logit_factor
from archviz.patterns.trace import Trace
from tests.patterns.tape import Tape

WORDS = 32


def _traced(*, before: float | None = None, after: float | None = None, capped: bool = False) -> Trace:
    tape = Tape()
    x = tape.value(1, 7, 8)
    with tape.inside("call", "", "Model", x):
        hidden = tape.same("mul", x, arg1=before) if before is not None else x
        logits = tape.op("linear", tape.same("to", hidden), tape.value(WORDS, 8), out=(1, 7, WORDS))
        logits = tape.same("div", logits, arg1=after) if after is not None else logits
        if capped:
            tape.same("mul", tape.same("tanh", logits), arg1=after)
    return Trace(tape.events)


@pytest.mark.parametrize(
    ("trace", "factor"),
    [
        (_traced(), None),
        (_traced(before=0.25), 0.25),
        (_traced(after=8.0), 0.125),
        (_traced(before=0.5, after=4.0), 0.125),
        (_traced(before=1.0), None),
        (_traced(after=30.0, capped=True), None),
    ],
)
def test_the_factor_beside_the_head(trace: Trace, factor: float | None) -> None:
    found = logit_factor(trace, WORDS)
    assert (found[0] if found else None) == factor
