"""Tensors that leave a call by another way than its result: a hidden state that a hook keeps, a value stored on an object."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from archviz.interpreter.reading import Event, ValueRef


def escaping_values(
    events: Sequence[Event], parents: Mapping[int, int], is_inlined: Callable[[Event], bool]
) -> dict[int, list[ValueRef]]:
    """Call → what is read outside of it though it does not return it; the body that is written has to hand it out.

    Args:
        events: Those of a pass in order, calls that repeat not opened.
        parents: Event → the call or function around it.
        is_inlined: Whether a function is written where it is called, so that it has no body of its own.
    """
    of = {event.index: event for event in events}

    def body(index: int) -> int:
        """The call or function in whose body something inside `index` is written."""
        while index in of and is_inlined(of[index]):
            index = parents[index]
        return index

    made: dict[int, int] = {}
    for event in events:
        if event.kind == "op":
            made.update((value.id, body(event.parent)) for value in event.outputs if value.id not in made)
    for event in events:  # results of calls that were not opened
        made.update((value.id, body(event.parent)) for value in event.outputs if value.id not in made)
    seen = {(body(event.parent), value.id) for event in events for value in event.outputs}
    given = {(event.index, value.id) for event in events for value in event.inputs}
    found: dict[int, list[ValueRef]] = {}

    def hand_out(value: ValueRef, reader: int) -> None:
        inside, start = reader, made.get(value.id)
        around = {inside}
        while inside in of:
            inside = body(parents[inside])
            around.add(inside)
        while start is not None and start not in around and start in of and (reader, value.id) not in given:
            if value.id not in {each.id for each in (*of[start].outputs, *found.get(start, ()))}:
                found.setdefault(start, []).append(value)
            start = body(parents[start])

    for event in events:
        place = body(event.parent)
        for value in event.inputs:
            if (place, value.id) not in seen:
                hand_out(value, place)
        if event.kind != "op" and not is_inlined(event):
            for value in event.outputs:
                if (event.index, value.id) not in seen:
                    hand_out(value, event.index)
    return found
