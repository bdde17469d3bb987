"""An index over the trace of one forward pass: what happened inside what, and which values carry the data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property

from archviz.interpreter.reading import Event, ValueRef
from archviz.patterns.op_families import FRESH, canonical, writes_in_place


class Trace:
    """The events of one forward pass, by parent and by module.

    Args:
        events: As the interpreter recorded them; may be empty.
    """

    def __init__(self, events: Sequence[Event]) -> None:
        self.events = events
        self._place = {event.index: place for place, event in enumerate(events)}
        self._children: dict[int, list[Event]] = defaultdict(list)
        self._calls: dict[str, Event] = {}
        for event in events:
            self._children[event.parent].append(event)
            if event.kind == "call":
                self._calls.setdefault(event.module, event)

    def __bool__(self) -> bool:
        return bool(self.events)

    def call(self, path: str) -> Event | None:
        """The first call of the module at `path`; None when the trace holds none."""
        return self._calls.get(path)

    def parent(self, event: Event) -> Event | None:
        """The call or function that an event happened in; None for a pass itself."""
        place = self._place.get(event.parent)
        return self.events[place] if place is not None else None

    def children(self, event: Event) -> list[Event]:
        """What happened directly inside an event, in order."""
        return self._children.get(event.index, [])

    def inside(self, event: Event) -> Sequence[Event]:
        """Everything that happened inside an event, however deep, in order."""
        start = self._place[event.index]
        return self.events[start + 1 : self._ends[start]]

    @cached_property
    def _ends(self) -> list[int]:
        """For each place in the list the place after the last event inside it: an event's inside follows it directly."""
        ends = list(range(1, len(self.events) + 1))
        parents = [self._place.get(event.parent, -1) for event in self.events]
        for place in range(len(ends) - 1, -1, -1):
            parent = parents[place]
            if parent >= 0 and ends[parent] < ends[place]:
                ends[parent] = ends[place]
        return ends

    def own(self, event: Event) -> Iterator[Event]:
        """What happened inside an event outside of submodules: ops and named functions, functions opened."""
        for child in self.children(event):
            yield child
            if child.kind == "function":
                yield from self.own(child)

    def ops_of(self, path: str) -> list[str]:
        """Canonical names of all ops inside the module's first call, submodules included."""
        call = self.call(path)
        return [canonical(e.name) for e in self.inside(call) if e.kind == "op"] if call else []

    def own_ops(self, path: str) -> list[str]:
        """Canonical names of the module's own ops and functions (submodules excluded)."""
        call = self.call(path)
        return [canonical(e.name) for e in self.own(call) if e.kind != "call"] if call else []

    def is_leaf(self, event: Event) -> bool:
        return not self._children.get(event.index)

    @cached_property
    def carriers(self) -> frozenset[int]:
        """Ids of the values derived from the model's inputs (not masks, positions, rotary tables or weights)."""
        roots = [event for event in self.events if event.parent == -1 and event.kind == "call"]
        found = {value.id for event in roots for value in event.inputs}
        for event in self.events:
            inputs = event.inputs
            if event.index in self._children or found.isdisjoint([value.id for value in inputs]):
                continue
            if event.kind == "op" and canonical(event.name) in FRESH:
                continue
            for value in event.outputs:
                found.add(value.id)
            if writes_in_place(event.name):
                found.add(inputs[0].id)
        return frozenset(found)

    def carries(self, value: ValueRef) -> bool:
        return value.id in self.carriers
