"""Modules before the layers that are no step of the stream: what they give goes into every layer beside it (per-layer embeddings)."""

from __future__ import annotations

from collections.abc import Sequence

from archviz.architecture.context import Context
from archviz.interpreter.reading import Event, ModuleRecord
from archviz.patterns.op_families import writes_in_place
from archviz.patterns.trace import Trace


def first_call(trace: Trace, module: ModuleRecord) -> Event | None:
    """The first call of a module; of a list that is never called itself, that of the first of its modules that runs."""
    own = trace.call(module.path)
    if own is not None or not module.children:
        return own
    calls = [call for child in module.walk() if (call := trace.call(child.path))]
    return min(calls, key=lambda call: call.index, default=None)


def find_beside(context: Context, around: Sequence[ModuleRecord], layer: ModuleRecord) -> dict[str, list[str]]:
    """Which of the modules around the layers run beside the stream, and which of the others each of them reads.

    Args:
        around: The modules around the layers of a tower.
        layer: The first layer; its first input is the stream.

    Returns:
        Path of each module that reaches the layer by another way than the stream → paths of the modules that it reads.
    """
    trace = context.trace
    start = trace.call(layer.path)
    if start is None or len(start.inputs) < 2:
        return {}
    calls = {m.path: call for m in around if (call := first_call(trace, m)) and call.index < start.index}
    stream = made_of(trace, start, {start.inputs[0].id})
    others = made_of(trace, start, {value.id for value in start.inputs[1:]})
    gives = {path: {value.id for value in call.outputs} for path, call in calls.items()}
    if not any(ids & stream for ids in gives.values()) and not _is_given(trace, start, stream):
        return {}  # where the stream itself was not followed, nothing is known about its sides
    beside = [path for path, ids in gives.items() if ids & others and not ids & stream]
    return {path: _read_by(trace, calls[path], {p: ids for p, ids in gives.items() if p != path}) for path in beside}


def _is_given(trace: Trace, start: Event, stream: set[int]) -> bool:
    """Whether what the pass itself is given is the stream, or what it is made of."""
    whole = trace.call(trace.called(trace.pass_of(start)))
    return whole is not None and not stream.isdisjoint([value.id for value in whole.inputs])


def taps_layers(context: Context, module: ModuleRecord, layers: Sequence[ModuleRecord]) -> bool:
    """Whether a module runs between the layers of a stack, on what they give, and nothing of it goes back into them."""
    trace = context.trace
    call, first, last = first_call(trace, module), trace.call(layers[0].path), trace.call(layers[-1].path)
    if call is None or first is None or last is None or not first.index < call.index < last.index:
        return False
    return not {value.id for value in call.outputs} & made_of(trace, last, {value.id for value in last.inputs})


def made_of(trace: Trace, end: Event, wanted: set[int], stop: set[int] | None = None) -> set[int]:
    """All values that some values are made of, themselves included; what stands in `stop` is not followed further."""
    found = set(wanted)
    for event in reversed(trace.before(end)):
        if trace.is_leaf(event) and any(value in found and value not in (stop or ()) for value in changed(event)):
            found |= {value.id for value in event.inputs}
    return found


def is_made_of(trace: Trace, end: Event, wanted: set[int], sources: set[int]) -> bool:
    """Whether some values are made of one of others, or are one: followed back only until it is found."""
    found = set(wanted)
    for event in trace.backwards(end):
        if not sources.isdisjoint(found):
            return True
        if trace.is_leaf(event) and not found.isdisjoint(changed(event)):
            found |= {value.id for value in event.inputs}
    return not sources.isdisjoint(found)


def changed(event: Event) -> list[int]:
    """The values that a step makes or writes into."""
    written = [event.inputs[0].id] if writes_in_place(event.name) and event.inputs else []
    return [value.id for value in event.outputs] + written


def _read_by(trace: Trace, call: Event, gives: dict[str, set[int]]) -> list[str]:
    """The modules whose results a call reads, none of the others in between."""
    stop = set().union(*gives.values())
    sources = made_of(trace, call, {value.id for value in call.inputs}, stop)
    return [path for path, ids in gives.items() if ids & sources]
