"""Bodies of two passes, the second of more tokens."""

from __future__ import annotations

import ast

from archviz.interpreter.reading import Event
from archviz.pseudocode.rounds import pair_events
from archviz.spans import Span

LOOP = ast.parse("for i in range(n):\n    a = x[i]\n    b = a + b").body[0]


def loop_at(at: Span | None) -> ast.For | None:
    return LOOP if at is not None and at.line in (2, 3) and isinstance(LOOP, ast.For) else None


def events(*named: tuple[str, int]) -> list[Event]:
    return [Event(n, "op", "", name, (), (), at=Span("m.py", line)) for n, (name, line) in enumerate(named)]


ROUND = [("getitem", 2), ("add", 3)]


def test_rounds_are_paired_from_the_first_on() -> None:
    mine, theirs = events(("zeros", 1), *ROUND * 2, ("cat", 4)), events(("zeros", 1), *ROUND * 3, ("cat", 4))
    found = pair_events(mine, theirs, loop_at)
    assert found is not None
    pairs, rounds = found
    assert [(one.index, two.index) for one, two in pairs] == [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (5, 7)]
    assert [rounds[place] for place in (1, 2, 3, 4)] == [(1, 0, 2, 3), (1, 0, 2, 3), (1, 1, 2, 3), (1, 1, 2, 3)]


def test_one_round_does_not_show_how_the_next_follows() -> None:
    assert pair_events(events(*ROUND), events(*ROUND * 2), loop_at) is None


def test_another_round_or_another_op_outside_is_another_body() -> None:
    assert pair_events(events(*ROUND * 2), events(*ROUND * 2, ("getitem", 2), ("mul", 3)), loop_at) is None
    assert pair_events(events(("zeros", 1), *ROUND * 2), events(("ones", 1), *ROUND * 3), loop_at) is None
