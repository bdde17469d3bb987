"""The events of a pass; those inside a call that repeats an equal one are written out when they are first wanted."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, overload

from archviz.interpreter.reading import Event, ValueRef


class Repeat(NamedTuple):
    """A call that did what an earlier one did, under other names.

    Args:
        first: The place of its own event.
        start, stop: The events of the call that it repeats, that call's own first.
        numbers: Tensors that both were given or hold: number then → number now.
        created, last: Numbers of the tensors that the earlier call made, the last not included.
        shift: What their numbers are now more.
        paths: Where the events of each module go; a part that both share keeps its path.
        parent: The event around the call.
    """

    first: int
    start: int
    stop: int
    numbers: dict[int, int]
    created: int
    last: int
    shift: int
    paths: dict[str, str]
    parent: int

    @property
    def end(self) -> int:
        """The place after its last event."""
        return self.first + self.stop - self.start

    def number(self, number: int) -> int:
        """What a tensor of the earlier call goes by in this one."""
        known = self.numbers.get(number)
        if known is not None:
            return known
        return number + self.shift if self.created <= number < self.last else number

    def moved(self, events: Sequence[Event]) -> list[Event]:
        """Events of the earlier call as those of this one."""
        offset, start, numbers, paths = self.first - self.start, self.start, self.numbers, self.paths
        created, last, shift = self.created, self.last, self.shift
        references: dict[int, ValueRef] = {}

        def reference(value: ValueRef) -> ValueRef:
            number, shape, dtype = value
            known = numbers.get(number)
            if known is None:
                known = number + shift if created <= number < last else number
            references[number] = found = ValueRef(known, shape, dtype)
            return found

        return [
            Event(
                index + offset,
                kind,
                paths.get(path, path),
                name,
                tuple([references.get(value[0]) or reference(value) for value in inputs]),
                tuple([references.get(value[0]) or reference(value) for value in outputs]),
                above + offset if above >= start else self.parent,
                at,
                options,
                assumed,
            )
            for index, kind, path, name, inputs, outputs, above, at, options, assumed in events
        ]


Passed = tuple[tuple[Any, ...], dict[str, Any], Any]


class Events(Sequence[Event]):
    """The events of a pass, in order; an event's place is its index.

    `outline` and `repeats` show them without what repeated calls hold inside.
    """

    def __init__(self) -> None:
        self.repeats: dict[int, Repeat] = {}  # by the place of the call
        self.passed: dict[int, Passed] = {}  # event → arguments and result
        self.callees: dict[
            int, Any
        ] = {}  # op → dotted name of the function called; named function → it; none of what repeats
        self._events: list[Event | None] = []
        self._waiting: list[int] = []  # the places of repeated calls whose inside is not written out, in order

    def append(self, event: Event) -> None:
        self._events.append(event)

    def repeat(self, repeat: Repeat) -> None:
        """Add a call that repeats an earlier one."""
        call = self._events[repeat.start]
        assert call is not None
        self._events += repeat.moved([call])
        self._pass_on(repeat, repeat.start)
        inside = repeat.stop - repeat.start - 1
        if inside:
            self.repeats[repeat.first] = repeat
            self._waiting.append(repeat.first)
            self._events += [None] * inside

    def outline(self) -> list[Event]:
        """The events without those inside repeated calls; what these do, the calls do that they repeat."""
        inside = 0  # the end of the repeated call that holds the place
        found: list[Event] = []
        for place, event in enumerate(self._events):
            if place >= inside and event is not None:
                found.append(event)
                repeat = self.repeats.get(place)
                inside = place if repeat is None else repeat.end
        return found

    def called(self) -> set[str]:
        """The paths of the modules that were called, inside repeated calls too."""
        outline = [event for event in self.outline() if event.kind == "call"]
        found = {event.module for event in outline}
        for repeat in self.repeats.values():
            found |= {path for old, path in repeat.paths.items() if old in found}
        return found

    def add(self, more: Events, numbers: int) -> None:
        """Add the events of another pass, their tensors under numbers of their own.

        Args:
            numbers: What the numbers of their tensors become more.
        """
        first = len(self)
        for place in more.repeats:
            old = more.repeats[place]
            moved = {one + numbers: other + numbers for one, other in old.numbers.items()}
            self.repeats[place + first] = old._replace(
                first=place + first, start=old.start + first, stop=old.stop + first, numbers=moved,
                created=old.created + numbers, last=old.last + numbers, parent=_later(old.parent, first),
            )  # fmt: skip
        self._waiting += [place + first for place in more._waiting]
        self._events += [None if event is None else _renumbered(event, first, numbers) for event in more._events]
        self.passed.update({place + first: passed for place, passed in more.passed.items()})
        self.callees.update({place + first: callee for place, callee in more.callees.items()})

    @overload
    def __getitem__(self, place: int) -> Event: ...
    @overload
    def __getitem__(self, place: slice) -> list[Event]: ...
    def __getitem__(self, place: int | slice) -> Event | list[Event]:
        if isinstance(place, slice):
            start, stop, step = place.indices(len(self._events))
            self._write_out(start, stop) if step > 0 else self._write_out(0, len(self._events))
            return self._events[place]  # type: ignore[return-value] # all of them are written out
        event = self._events[place]
        if event is None:
            place = place % len(self._events)
            self._write_out(place, place + 1)
            event = self._events[place]
            assert event is not None
        return event

    def __setitem__(self, place: int, event: Event) -> None:
        self._events[place] = event

    def __len__(self) -> int:
        return len(self._events)

    def __iter__(self) -> Iterator[Event]:
        return iter(self[:])

    def _write_out(self, start: int, stop: int) -> None:
        """Write out the repeated calls that hold any of these places."""
        while (at := self._holding(start, stop)) is not None:
            repeat = self.repeats[self._waiting.pop(at)]
            first = repeat.start + 1
            self._events[repeat.first + 1 : repeat.end] = repeat.moved(self[first : repeat.stop])
            for place in range(first, repeat.stop):
                self._pass_on(repeat, place)

    def _holding(self, start: int, stop: int) -> int | None:
        """Which of the waiting calls holds one of these places inside, the first of them."""
        waiting = self._waiting
        at = bisect_right(waiting, start - 1) - 1  # the last that begins before the first place
        if at >= 0 and self.repeats[waiting[at]].end > start:
            return at
        at += 1
        return at if at < len(waiting) and waiting[at] + 1 < stop else None

    def _pass_on(self, repeat: Repeat, place: int) -> None:
        if place in self.passed:
            self.passed[place + repeat.first - repeat.start] = self.passed[place]


def _later(parent: int, first: int) -> int:
    return parent + first if parent >= 0 else -1


def _renumbered(event: Event, first: int, numbers: int) -> Event:
    return event._replace(
        index=event.index + first,
        inputs=tuple([ValueRef(number + numbers, shape, dtype) for number, shape, dtype in event.inputs]),
        outputs=tuple([ValueRef(number + numbers, shape, dtype) for number, shape, dtype in event.outputs]),
        parent=_later(event.parent, first),
    )
