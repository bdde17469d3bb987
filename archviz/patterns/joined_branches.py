"""An attention and a feed-forward in one module, whose results it adds: parallel branches behind one residual sum (PaLM)."""

from __future__ import annotations

from archviz.interpreter.reading import Event, ValueRef
from archviz.patterns.makers import makers
from archviz.patterns.op_families import PLUMBING, activation_of, canonical
from archviz.patterns.operand_factors import is_attention_function
from archviz.patterns.trace import Trace

_LONG = 12  # moves behind the sum


def joins_branches(trace: Trace, call: Event) -> bool:
    """Whether what a call gives is the sum of an attention's result and of one with an activation and no attention in it."""
    made = makers(trace.inside(call))
    total = _sum_of(made, call)
    if total is None:
        return False
    ways = [_before(made, value) for value in total.inputs if trace.carries(value)]
    attending = [any(map(_attends, way)) for way in ways]
    return len(ways) == 2 and sum(attending) == 1 and any(map(_activates, ways[attending.index(False)]))


def _sum_of(made: dict[int, Event], call: Event) -> Event | None:
    value = call.outputs[0] if call.outputs else None
    for _ in range(_LONG):
        event = made.get(value.id) if value is not None else None
        if event is None or canonical(event.name) not in (*PLUMBING, "dropout"):
            return event if event is not None and canonical(event.name) == "add" else None
        value = event.inputs[0] if event.inputs else None
    return None


def _before(made: dict[int, Event], value: ValueRef) -> list[Event]:
    """The steps that a value is made by, back to what the call was given."""
    found: dict[int, Event] = {}
    todo = [value]
    while todo:
        event = made.get(todo.pop().id)
        if event is not None and event.index not in found:
            found[event.index] = event
            todo += event.inputs
    return list(found.values())


def _attends(event: Event) -> bool:
    return canonical(event.name) == "softmax" or is_attention_function(event)


def _activates(event: Event) -> bool:
    return activation_of(event.name) is not None
