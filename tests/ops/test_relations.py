"""The arithmetic of masks agrees with the sets of positions that it stands for, counted out one by one."""

from __future__ import annotations

import itertools
from math import inf

import pytest

from archviz.ops.relations import (
    EVERYTHING,
    NOTHING,
    Constant,
    Distance,
    Position,
    Relation,
    both,
    compare,
    complement,
    difference,
    either,
    shifted,
)

LENGTH = 9
SETS = (
    EVERYTHING, NOTHING, Relation(low=0), Relation(high=3), Relation(high=-1), Relation(low=0, high=3), Relation(-2, 2),
    Relation(low=4), Relation(chunk=3), Relation(chunk=3, chunk_shift=1), Relation(low=0, chunk=3), Relation(0, 3, outside=True),
)  # fmt: skip
COMPARISONS = {
    "lt": int.__lt__, "le": int.__le__, "gt": int.__gt__, "ge": int.__ge__, "eq": int.__eq__, "ne": int.__ne__,
}  # fmt: skip


def pairs(relation: Relation) -> set[tuple[int, int]]:
    """All (query, key) in a relation."""
    found = set()
    for query, key in itertools.product(range(LENGTH), repeat=2):
        near = relation.low <= query - key <= relation.high
        together = relation.chunk is None or (query + relation.chunk_shift) // relation.chunk == key // relation.chunk
        if (near and together) != relation.outside:
            found.add((query, key))
    return found


ALL = pairs(EVERYTHING)


@pytest.mark.parametrize("relation", SETS, ids=repr)
def test_the_complement_holds_every_other_pair(relation: Relation) -> None:
    assert pairs(complement(relation)) == ALL - pairs(relation)


@pytest.mark.parametrize("one, other", list(itertools.product(SETS, repeat=2)), ids=repr)
def test_meets_and_joins_are_those_of_the_sets_or_not_known(one: Relation, other: Relation) -> None:
    meet, join = both(one, other), either(one, other)
    assert meet is None or pairs(meet) == pairs(one) & pairs(other)
    assert join is None or pairs(join) == pairs(one) | pairs(other)


@pytest.mark.parametrize("one, other", list(itertools.product(SETS, repeat=2)), ids=repr)
def test_a_difference_is_known_only_of_a_part(one: Relation, other: Relation) -> None:
    found = difference(one, other)
    assert found is None or pairs(found) == pairs(one) ^ pairs(other)


def test_a_window_is_understood_from_what_it_allows_and_from_what_it_blocks() -> None:
    blocked = either(Relation(high=-1), Relation(low=4))
    assert both(Relation(low=0), Relation(high=3)) == Relation(0, 3)
    assert blocked is not None
    assert complement(blocked) == Relation(0, 3)


@pytest.mark.parametrize("name", COMPARISONS)
@pytest.mark.parametrize("shift", [-3, 0, 2])
@pytest.mark.parametrize("turned", [False, True])
def test_comparing_positions_gives_the_pairs_for_which_it_holds(name: str, shift: int, turned: bool) -> None:
    query, key = Position(-2, shift), Position(-1)
    found = compare(name, *((key, query) if turned else (query, key)))
    holds = COMPARISONS[name]
    wanted = {(q, k) for q, k in ALL if (holds(k, q + shift) if turned else holds(q + shift, k))}
    assert found is not None
    assert pairs(found) == wanted


@pytest.mark.parametrize("name", COMPARISONS)
def test_comparing_an_absolute_distance_gives_a_band(name: str) -> None:
    found = compare(name, Distance(1, absolute=True), Constant(2))
    if found is None:  # equal at two distances: no interval
        assert name in ("eq", "ne")
    else:
        assert pairs(found) == {(q, k) for q, k in ALL if COMPARISONS[name](abs(q - k), 2)}


@pytest.mark.parametrize(
    "relation, kind, window",
    [
        (Relation(low=0), "causal", None), (Relation(0, 3), "sliding", 4), (Relation(-3, 3), "sliding", 3),
        (Relation(low=0, chunk=8), "chunked", 8), (EVERYTHING, "bidirectional", None), (Relation(low=2), None, None),
        (Relation(0, 3, outside=True), None, None), (Relation(high=inf, low=-4), None, None),
    ],
    ids=repr,
)  # fmt: skip
def test_kinds_and_windows(relation: Relation, kind: str | None, window: int | None) -> None:
    assert (relation.kind, relation.window) == (kind, window)


def test_queries_after_cached_keys_are_the_last_positions() -> None:
    assert shifted(Relation(low=-5), 5).kind == "causal"
