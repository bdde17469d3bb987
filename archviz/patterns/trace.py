"""An index over the trace of one forward pass: what happened inside what, and which values carry the data."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property

from archviz.interpreter.events import Events, Repeat
from archviz.interpreter.reading import MASKS_GIVEN, Event, ValueRef
from archviz.patterns.op_families import FRESH, PLACED, SHAPED_LIKE, canonical, writes_in_place

_VIEWS = frozenset({
    "view", "reshape", "transpose", "permute", "contiguous", "to", "unsqueeze", "squeeze", "expand", "expand_as", "flatten",
    "unflatten", "detach", "t", "T", "mT", "view_as", "reshape_as", "as_strided", "alias", "getitem", "slice", "select", "narrow",
    "chunk", "split", "unbind", "diagonal", "unfold", "swapaxes",
})  # fmt: skip
"""Ops whose results may be the memory of their input: writing into one writes into the other."""


_ZEROS = ("zeros", "zeros_like", "new_zeros")


class Trace:
    """The events of one forward pass, by parent and by module.

    A call that repeats an equal one stays closed until somebody looks inside.

    Args:
        events: As the interpreter recorded them; may be empty.
        whole: Everything in the passes was understood, so that a result that nothing reads is one that the code does not use.
    """

    def __init__(self, events: Sequence[Event], *, whole: bool = False) -> None:
        self._events = events
        self.whole = whole
        self._repeats = events.repeats if isinstance(events, Events) else {}
        self._place = {} if isinstance(events, Events) else {event.index: place for place, event in enumerate(events)}
        self.outline: Sequence[Event] = events.outline() if isinstance(events, Events) else events
        self._closed = sorted(self._repeats)  # the repeated calls that nobody has looked into
        self._children: dict[int, list[Event]] = {}
        self._ends: dict[int, int] = {}  # event → the place after the last event inside it
        self._calls: dict[str, list[Event]] = {}
        self._hidden: dict[str, list[int]] = {}  # module → the repeated calls that may hold calls of it
        self._blocks: dict[int, tuple[Sequence[Event], set[int]]] = {}
        self._carried: dict[tuple[int, frozenset[int]], set[int]] = {}
        self._unread: dict[int, frozenset[int]] = {}
        self._take(self.outline)
        for place in self._closed:
            own = self._events[place].module
            for path in self._repeats[place].paths.values():
                if path != own:
                    self._hidden.setdefault(path, []).append(place)

    def _take(self, events: Sequence[Event]) -> None:
        """Index events that are seen for the first time."""
        for event in events:
            self._children.setdefault(event.parent, []).append(event)
            if event.kind == "call":
                self._calls.setdefault(event.module, []).append(event)
        for event in reversed(events):
            repeat = self._repeats.get(event.index)
            end = self._ends.setdefault(event.index, self._at(event.index) + 1 if repeat is None else repeat.end)
            self._ends.setdefault(event.parent, end)

    def _at(self, index: int) -> int:
        """The place of an event in the list."""
        return self._place[index] if self._place else index

    def _open(self, start: int, stop: int) -> None:
        """Index what the repeated calls in a stretch of the events hold inside."""
        first, last = bisect_left(self._closed, start), bisect_left(self._closed, stop)
        opened, self._closed[first:last] = self._closed[first:last], []
        for place in opened:
            inside = self._events[place + 1 : self._repeats[place].end]
            self._take(inside)
            for path in {event.module for event in inside if event.kind == "call"}:
                self._calls[path].sort(key=lambda call: call.index)

    def _look(self, event: Event) -> None:
        """Open the repeated call that an event stands in."""
        at = bisect_left(self._closed, event.index) - 1
        if at >= 0 and self._repeats[self._closed[at]].end > event.index:
            self._open(self._closed[at], event.index)

    def __bool__(self) -> bool:
        return bool(self._events)

    @property
    def events(self) -> Sequence[Event]:
        """All events in order."""
        self._open(0, len(self._events))
        return self._events

    def call(self, path: str) -> Event | None:
        """The first call of the module at `path`; None when the trace holds none."""
        hidden = self._hidden.get(path)
        while hidden and (path not in self._calls or hidden[0] < self._calls[path][0].index):
            place = hidden.pop(0)
            self._open(place, place + 1)
        return self._calls[path][0] if path in self._calls else None

    def calls(self, path: str) -> list[Event]:
        """All calls of the module at `path`, in order."""
        for place in self._hidden.pop(path, ()):
            self._open(place, place + 1)
        return self._calls.get(path, [])

    def repeated(self, call: Event) -> Event | None:
        """The earlier call that this one repeats."""
        repeat = self._repeats.get(call.index)
        return None if repeat is None else self._events[repeat.start]

    def parent(self, event: Event) -> Event | None:
        """The call or function that an event happened in; None for a pass itself."""
        if event.parent < 0 or (self._place and event.parent not in self._place):
            return None
        return self._events[self._at(event.parent)]

    def pass_of(self, event: Event) -> int:
        """The pass that an event happened in: the number of the outermost call around it."""
        while (parent := self.parent(event)) is not None:
            event = parent
        return event.index

    def outer(self, event: Event) -> Event:
        """The call of the pass that an event happened in."""
        return self._events[self._at(self.pass_of(event))]

    def called(self, number: int) -> str:
        """The path of the module that a pass called."""
        return self._events[self._at(number)].module

    def children(self, event: Event) -> list[Event]:
        """What happened directly inside an event, in order."""
        self._look(event)
        if event.index in self._repeats:
            self._open(event.index, event.index + 1)
        return self._children.get(event.index, [])

    def inside(self, event: Event) -> Sequence[Event]:
        """Everything that happened inside an event, however deep, in order: it follows the event directly."""
        self._look(event)
        start, end = self._at(event.index), self._ends[event.index]
        self._open(start, end)
        return self._events[start + 1 : end]

    def before(self, event: Event) -> Sequence[Event]:
        """Everything of the same pass that began before an event, in order, the pass itself left out."""
        start, end = self._at(self.pass_of(event)), self._at(event.index)
        self._open(start, end)
        return self._events[start + 1 : end]

    def backwards(self, event: Event) -> Iterator[Event]:
        """The same from the last on, for whoever stops early: what is not reached is not written out."""
        for place in range(self._at(event.index) - 1, self._at(self.pass_of(event)), -1):
            yield self._events[place]

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
        self._look(event)
        return not self._children.get(event.index) and event.index not in self._repeats

    def unread(self, event: Event) -> frozenset[int]:
        """Ids of what a call is handed and no step in it reads; none where not everything was understood, or nothing was seen in it."""
        known = self._unread.get(event.index)
        if known is None:
            known = self._unread[event.index] = self._find_unread(event)
        return known

    def _find_unread(self, event: Event) -> frozenset[int]:
        earlier = self.repeated(event)
        if earlier is not None:
            repeat = self._repeats[event.index]
            return frozenset(repeat.number(number) for number in self.unread(earlier))
        if not self.whole or self.is_leaf(event):
            return frozenset()
        left = {value.id for value in event.inputs}.difference(value.id for value in event.outputs)
        for step in self.children(event) if left else ():
            unread = self.unread(step)
            left.difference_update([value.id for value in step.inputs if value.id not in unread])
        return frozenset(left)

    def is_used(self, event: Event) -> bool:
        """Whether what an event makes reaches the output of its pass; true where that cannot be known."""
        return not self.whole or not event.outputs or any(self._lives(value.id) for value in event.outputs)

    def is_live(self, value: ValueRef) -> bool:
        """Whether a value reaches the output of its pass; true where that cannot be known."""
        return not self.whole or self._lives(value.id)

    def _lives(self, number: int) -> bool:
        """Whether a tensor reaches the output; one made inside a repeated call does where its likeness in the earlier call does."""
        while number not in self.live:
            at = bisect_right(self._made, number, key=lambda repeat: repeat.created + repeat.shift) - 1
            if at < 0 or number >= self._made[at].last + self._made[at].shift:
                return False
            number -= self._made[at].shift
        return True

    @cached_property
    def _made(self) -> list[Repeat]:
        """The repeated calls in the order of the tensors that they make."""
        return sorted(self._repeats.values(), key=lambda repeat: repeat.created + repeat.shift)

    @cached_property
    def steps(self) -> list[Event]:
        """What the passes do, in order, a call that repeats an equal one as one step."""
        return [event for event in self.outline if event.index in self._repeats or event.index not in self._children]

    @cached_property
    def made(self) -> frozenset[int]:
        """Ids of the values that those steps and the calls around them give."""
        return frozenset(value.id for event in self.outline for value in event.outputs)

    @cached_property
    def live(self) -> frozenset[int]:
        """Ids of the values that reach the output of their pass.

        A call that repeats an equal one is one step: any of its results keeps all that it reads.  Writing into a tensor matters where
        the tensor, or anything that looks into it, is read.
        """
        roots = [event for event in self.outline if event.parent == -1]
        base: dict[int, int] = {}
        for event in self.steps:
            if event.inputs and canonical(event.name) in _VIEWS:
                for value in event.outputs:
                    base[value.id] = base.get(event.inputs[0].id, event.inputs[0].id)
        found = {value.id for event in roots for value in event.outputs}
        bases = {base.get(id_, id_) for id_ in found}
        for event in reversed(self.steps):
            written = event.inputs and writes_in_place(event.name) and base.get(event.inputs[0].id, event.inputs[0].id)
            if written in bases or not found.isdisjoint([value.id for value in event.outputs]):
                for value in event.inputs:
                    found.add(value.id)
                    bases.add(base.get(value.id, value.id))
        return frozenset(found)

    @cached_property
    def score_biases(self) -> frozenset[int]:
        """Ids of the values made of what learned tables of biases give (`relative_attention_bias`), no data among them."""
        found: set[int] = set()
        for event in self.events:
            table = (
                event.kind == "call" and event.name.endswith("Embedding") and "bias" in event.module.rpartition(".")[2]
            )
            if table or (event.kind != "call" and any(value.id in found for value in event.inputs)):
                found.update(value.id for value in event.outputs if value.id not in self.carriers)
        return frozenset(found)

    @cached_property
    def tables(self) -> frozenset[int]:
        """Ids of the weights that rows are looked up in."""
        lookups = (event for event in self.outline if event.kind == "op" and canonical(event.name) == "embedding")
        return frozenset(event.inputs[1].id for event in lookups if len(event.inputs) > 1)

    @cached_property
    def zeros(self) -> frozenset[int]:
        """Ids of the values that are zero throughout: made so and never written into, moved at most."""
        base: dict[int, int] = {}
        written: set[int] = set()
        for event in self.outline:
            name = canonical(event.name)
            source = event.inputs[0].id if event.inputs else None
            if event.kind == "op" and writes_in_place(event.name):
                written.add(base.get(source, -1) if source is not None else -1)
            elif event.kind == "op" and name in _ZEROS:
                base.update((value.id, value.id) for value in event.outputs)
            elif event.kind == "op" and name in _VIEWS and source in base:
                base.update((value.id, base[source]) for value in event.outputs)
        return frozenset(each for each, first in base.items() if first not in written)

    def carries(self, value: ValueRef) -> bool:
        """Whether a value is derived from the model's inputs (and is no mask, position, rotary table or weight)."""
        return value.id in self.carriers

    @cached_property
    def carriers(self) -> frozenset[int]:
        """Ids of the values derived from the model's inputs, and from what a stack of layers is handed first."""
        roots = [event for event in self.outline if event.parent == -1]
        found = {value.id for event in roots for value in event.inputs}
        for event in roots:
            masks = event.options.get(MASKS_GIVEN, ())
            found.difference_update(masks if isinstance(masks, tuple) else ())
        for event in self.outline:
            if event.kind == "call" and event.module.endswith(".0") and self._starts_a_stream(event):
                found.add(event.inputs[0].id)
            repeat = self._repeats.get(event.index)
            if repeat is None:
                self._carry(event, found)
            else:
                self._carry_on(repeat, found)
        return frozenset(found)

    def _starts_a_stream(self, call: Event) -> bool:
        """Whether the first of several modules, one that holds others, is handed `[B, T, D]` and gives the same.

        What the model makes itself and hands to its layers (tokens to begin with, queries) is data from there on.
        """
        shape = call.inputs[0].shape if call.inputs and call.outputs else None
        if shape is None or len(shape) != 3 or "float" not in (call.inputs[0].dtype or "float"):
            return False
        first = self.repeated(call) or call
        return call.outputs[0].shape == shape and any(child.kind == "call" for child in self.children(first))

    def _carry(self, event: Event, found: set[int]) -> None:
        """Add what an op makes of values that carry the data."""
        inputs = event.inputs
        if event.index in self._children or found.isdisjoint([value.id for value in inputs]):
            return
        name = canonical(event.name) if event.kind == "op" else ""
        if name in FRESH or (name in SHAPED_LIKE and inputs[0].id not in found):
            return
        if name in PLACED and all(value.id not in found for value in (inputs[0], *inputs[2:])):
            return  # where something is put is no data
        for value in event.outputs:
            if value.dtype != "bool":  # which places hold something is a mask, no data
                found.add(value.id)
        if writes_in_place(event.name):
            found.add(inputs[0].id)

    def _carry_on(self, repeat: Repeat, found: set[int]) -> None:
        """Add what a repeated call makes: the same as the earlier call where the same of its values carry the data."""
        inside, outside = self._block(repeat)
        carrying = frozenset([number for number in outside if repeat.number(number) in found])
        made = self._carried.get((repeat.start, carrying))
        if made is None:
            made = self._carried[repeat.start, carrying] = set(carrying)
            for event in inside:
                self._carry(event, made)
        found.update([repeat.number(number) for number in made])

    def _block(self, repeat: Repeat) -> tuple[Sequence[Event], set[int]]:
        """What happened inside the call that one repeats, and the values there that it did not make itself."""
        known = self._blocks.get(repeat.start)
        if known is None:
            inside = self.inside(self._events[repeat.start])
            values = {value.id for event in inside for value in (*event.inputs, *event.outputs)}
            outside = {id_ for id_ in values if id_ in repeat.numbers or not repeat.created <= id_ < repeat.last}
            known = self._blocks[repeat.start] = (inside, outside)
        return known
