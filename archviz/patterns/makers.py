"""Which step made a value."""

from __future__ import annotations

from collections.abc import Iterable

from archviz.interpreter.reading import Event


def makers(events: Iterable[Event], *, outermost: bool = False) -> dict[int, Event]:
    """The step that made each value, by the value's id; who writes into a value or hands it on did not make it.

    Of a function and the op inside it that give the same value it is the op, or with `outermost` the function.
    """
    made: dict[int, Event] = {}
    for event in events:
        for value in event.outputs:
            if all(value.id != source.id for source in event.inputs) and not (outermost and value.id in made):
                made[value.id] = event
    return made
