"""Rounds of loops that count tokens: the pass of more tokens goes through them more often, and does the same in each round."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import NamedTuple

from archviz.interpreter.reading import Event
from archviz.spans import Span

LoopAt = Callable[[Span | None], ast.For | None]
"""The counted loop around a line."""

Pair = tuple[Event, Event]


class Round(NamedTuple):
    """The round of a loop that an event belongs to.

    Args:
        loop: Index of the loop's first event.
        number: Which round, from 0.
        first, second: How many there are in the pass that is written and in the second one.
    """

    loop: int
    number: int
    first: int
    second: int


def pair_events(
    mine: Sequence[Event], theirs: Sequence[Event], loop_at: LoopAt
) -> tuple[list[Pair], dict[int, Round]] | None:
    """The events of a body with those in their place in the second pass, and the rounds of loops that went on there.

    None where the second pass did something else.
    """
    if _kinds(mine) == _kinds(theirs):
        return list(zip(mine, theirs, strict=True)), {}
    parts, others = _parts(mine, loop_at), _parts(theirs, loop_at)
    if [loop for loop, _ in parts] != [loop for loop, _ in others]:
        return None
    pairs: list[Pair] = []
    rounds: dict[int, Round] = {}
    for (loop, part), (_, other) in zip(parts, others, strict=True):
        if _kinds(part) != _kinds(other):
            found = _rounds(part, other) if loop is not None else None
            if found is None:
                return None
            rounds |= found
        pairs += zip(part, other, strict=False)
    return pairs, rounds


def _kinds(events: Sequence[Event]) -> list[tuple[str, str, str]]:
    return [(event.kind, event.name, event.module) for event in events]


def _parts(events: Sequence[Event], loop_at: LoopAt) -> list[tuple[ast.For | None, list[Event]]]:
    """The events of each loop apart from those between loops."""
    found = [(loop_at(event.at), event) for event in events]
    return [(loop, [event for _, event in part]) for loop, part in groupby(found, key=lambda each: each[0])]


def _rounds(mine: Sequence[Event], theirs: Sequence[Event]) -> dict[int, Round] | None:
    """The rounds of a loop; None where rounds differ, or where the first pass does not show how one follows another."""
    keys, others = ([(event.at, *kind) for event, kind in zip(e, _kinds(e), strict=True)] for e in (mine, theirs))
    period = next((p for p in range(1, len(keys) // 2 + 1) if keys == keys[:p] * (len(keys) // p)), None)
    if period is None or others != keys[:period] * (len(others) // period) or len(others) < len(keys):
        return None
    counts = len(keys) // period, len(others) // period
    return {event.index: Round(mine[0].index, place // period, *counts) for place, event in enumerate(mine)}
