from __future__ import annotations

import pytest

from archviz.patterns.attention import detect_attention
from archviz.patterns.trace import Trace
from tests.patterns.tape import LENGTH, Tape, attention


def scaling(
    *, stated: float | None = None, queries: float = 1.0, scores: float = 1.0, name: str = "mul"
) -> float | None:
    """The factor that is read of an attention with this setting, whose code multiplies queries and scores so."""
    record = attention("a", 64, 4, 4, 16, **({} if stated is None else {"scaling": stated}))
    tape = Tape()
    x = tape.value(1, LENGTH, 64)
    with tape.inside("call", "a", "ToyAttention", x) as out:
        made = [tape.op("linear", x, tape.value(64, 64), out=(1, 4, LENGTH, 16)) for _ in range(3)]
        q = tape.same("mul", made[0], **{"1": queries}) if queries != 1 else made[0]
        product = tape.op(
            "matmul", q, tape.op("transpose", made[1], out=(1, 4, 16, LENGTH)), out=(1, 4, LENGTH, LENGTH)
        )
        product = tape.same(name, product, **{"1": scores}) if scores != 1 else product
        out.append(tape.op("matmul", tape.same("softmax", product, dim=-1), made[2], out=(1, LENGTH, 64)))
    found = detect_attention(record, Trace(tape.events))
    assert found is not None
    return found.scaling


@pytest.mark.parametrize(("name", "number"), [("mul", 0.25), ("div", 4.0)])
def test_the_factor_of_the_scores_needs_no_setting(name: str, number: float) -> None:
    assert scaling(scores=number, name=name) == 0.25


def test_what_the_code_multiplies_by_wins_over_a_setting() -> None:
    assert scaling(stated=0.25, scores=0.5) == 0.5
    assert scaling(stated=0.25) is None  # the pass multiplies by nothing: the setting is not used


def test_a_factor_of_the_queries_is_one_of_the_scores() -> None:
    assert scaling(stated=0.25, queries=3.0, scores=0.25) == 0.75
