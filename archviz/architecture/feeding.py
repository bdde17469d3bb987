"""Which tower reads what another one gives, as one forward pass of both shows it."""

from __future__ import annotations

from collections.abc import Sequence

from archviz.architecture.context import Context
from archviz.architecture.kinds import Stack
from archviz.interpreter.reading import Event
from archviz.patterns.op_families import writes_in_place
from archviz.patterns.trace import Trace


def reaches(context: Context, source: Sequence[Stack], target: Sequence[Stack]) -> bool | None:
    """Whether the layers of one tower read anything made of the output of another's.

    None where no pass ran through both: a tower that a pass left out is called on its own, and nothing follows from that.
    """
    trace = context.trace
    given = [call for stack in source if (call := trace.call(stack.layers[-1].path)) is not None]
    readers = [call for stack in target for layer in stack.layers if (call := trace.call(layer.path)) is not None]
    if not given or not readers or _pass(trace, given[-1]) != _pass(trace, readers[0]):
        return None
    reached = {value.id for call in given for value in call.outputs}
    for event in trace.events:
        if trace.is_leaf(event) and not reached.isdisjoint(value.id for value in event.inputs):
            reached |= {value.id for value in event.outputs}
            reached |= {event.inputs[0].id} if writes_in_place(event.name) else set()
    return any(value.id in reached for call in readers for value in call.inputs)


def _pass(trace: Trace, event: Event) -> int:
    """The outermost call that an event happened in."""
    while (parent := trace.parent(event)) is not None:
        event = parent
    return event.index
