"""Rotations told by what they compute, whatever they are called and whether or not a function holds them.

`x · cos + rotate_half(x) · sin`; `a · cos − b · sin` beside `a · sin + b · cos`; a product of complex numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archviz.interpreter.reading import Event, ValueRef
from archviz.patterns.op_families import PLUMBING, canonical
from archviz.patterns.trace import Trace

_OTHER_WORK = frozenset({
    "matmul", "bmm", "baddbmm", "einsum", "softmax", "linear", "scaled_dot_product_attention", "conv1d", "conv2d", "cumsum",
})  # fmt: skip
"""Ops that a function which only rotates has not: one that holds them does more."""


def turning_steps(events: Iterable[Event], trace: Trace) -> list[Event]:
    """The sums, or complex products, by which steps turn pairs of elements of data by tables; none where they turn nothing."""
    steps = [event for event in events if event.kind == "op"]
    found = _Sums(trace)
    for event in steps:
        found.take(event)
    swapped = any(_swaps(event, steps) for event in steps if canonical(event.name) in ("cat", "stack"))
    turned = [*found.complex]
    for event, tables in found.sums:
        other = "add" if canonical(event.name) == "sub" else "sub"
        if swapped or tables in found.tables(other):
            turned.append(event)
    return sorted(turned, key=lambda event: event.index)


def only_turns(event: Event, trace: Trace) -> bool:
    """Whether a function turns pairs of what it is given, and does nothing but that."""
    inside = trace.inside(event)
    names = {canonical(each.name) for each in inside}
    if names & _OTHER_WORK or any(each.kind == "call" for each in inside):
        return False
    return bool(turning_steps(inside, trace))


class _Sums:
    """Sums of two products of data with two different tables, read in order of execution."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._products: dict[int, int] = {}  # value → the table that data was multiplied by
        self.sums: list[tuple[Event, frozenset[int]]] = []
        self.complex: list[Event] = []

    def tables(self, name: str) -> list[frozenset[int]]:
        return [tables for event, tables in self.sums if canonical(event.name) == name]

    def take(self, event: Event) -> None:
        name, inputs = canonical(event.name), event.inputs
        if name == "mul" and (table := self._table(inputs)) is not None:
            self._products.update((value.id, table) for value in event.outputs)
            if any("complex" in (value.dtype or "") for value in event.outputs):
                self.complex.append(event)
        elif name in PLUMBING and len(inputs) == 1 and inputs[0].id in self._products:
            self._products.update((value.id, self._products[inputs[0].id]) for value in event.outputs)
        elif name in ("add", "sub", "addcmul") and len(inputs) > 1:
            tables = frozenset(filter(None, (self._products.get(value.id) for value in inputs)))
            if name == "addcmul" and (table := self._table(inputs[1:])) is not None:
                tables |= {table}
            if len(tables) > 1:
                self.sums.append((event, tables))

    def _table(self, inputs: Sequence[ValueRef]) -> int | None:
        """The table of a product of data with one."""
        tables = [value.id for value in inputs if not self._trace.carries(value)]
        return tables[0] if len(inputs) == 2 and len(tables) == 1 else None


def _swaps(join: Event, steps: Sequence[Event]) -> bool:
    """Two parts joined, one of them with its sign changed."""
    parts = {value.id for value in join.inputs}
    negated = {value.id for e in steps if canonical(e.name) == "neg" for value in e.outputs}
    return len(parts) == 2 and len(parts & negated) == 1
