"""How a box before the layers meets the stream that it is no step of: a table of positions is added, a class token put in front.

What reads the stream and is added to what it read (a convolution of positions) is a branch of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from archviz.architecture.beside import changed, first_call, made_of
from archviz.architecture.context import Context
from archviz.architecture.model import Join
from archviz.interpreter.reading import Event, ModuleRecord
from archviz.patterns.op_families import JOINS, canonical
from archviz.records import record

_WAYS: Mapping[str, Join] = {"add": "add", "mul": "multiply", **dict.fromkeys(JOINS, "concat")}


@record(frozen=True)
class Meeting:
    """The step at which what a module or a tensor gives meets the stream, and what that step does.

    Args:
        reads: Whether the module reads the stream that it meets.
    """

    join: Join
    at: Event
    reads: bool = False


def meetings(
    context: Context, around: Iterable[ModuleRecord], tensors: Mapping[str, Event], layer: ModuleRecord
) -> dict[str, Meeting]:
    """The modules before the first layer that are no steps of the stream, by path, with where they meet it.

    Args:
        around: The modules around the layers of a tower.
        tensors: Where tensors meet the stream that are read without a call of their module, by name.
        layer: The first layer.
    """
    found: dict[str, Meeting] = {}
    calls: dict[str, Event] = {}
    for module in around:
        call = first_call(context.trace, module)
        if call is not None:
            calls[module.path] = call
            continue
        read = [tensors[tensor.name] for tensor in module.parameters.values() if tensor.name in tensors]
        join = way_of(read[0]) if read else None
        if join is not None:
            found[module.path] = Meeting(join, read[0])
    return found | _of_calls(context, calls, layer)


def _of_calls(context: Context, calls: Mapping[str, Event], layer: ModuleRecord) -> dict[str, Meeting]:
    start = context.trace.call(layer.path)
    # What is made of no data (of positions) meets the stream, whether it is made before the stream begins or later.
    before = [
        (not any(context.trace.carries(value) for value in call.outputs), call.index, path)
        for path, call in calls.items() if start and call.index < start.index
    ]  # fmt: skip
    if start is None or len(before) < 2:
        return {}
    events = [event for event in context.trace.before(start) if context.trace.is_leaf(event)]
    found: dict[str, Meeting] = {}
    stream: set[int] = set()
    for _, index, path in sorted(before):
        call = calls[path]
        given = {value.id for value in call.outputs}
        steps = [event for event in events if event.index > index]
        meeting = _meeting(steps, stream, set(given)) if stream and not _depends(context, call, stream) else None
        if meeting is not None:
            found[path] = meeting
        elif stream or any(context.trace.carries(value) for value in call.outputs):
            branch = _branch(call, steps, given)
            if branch is not None and stream:
                found[path] = branch
            stream |= given
            _follow(steps, stream)
    return {path: each for path, each in found.items() if not _is_read_on_the_way(context, path, found, calls)}


def _is_read_on_the_way(context: Context, path: str, found: Mapping[str, Meeting], calls: Mapping[str, Event]) -> bool:
    """Whether another module that meets the stream at the same step reads what one gives (a projection of an embedding)."""
    given = {value.id for value in calls[path].outputs}
    return any(
        made_of(context.trace, calls[other], {value.id for value in calls[other].inputs}) & given
        for other, each in found.items()
        if other != path and each.at.index == found[path].at.index and calls[other].index > calls[path].index
    )


def _branch(call: Event, steps: Sequence[Event], given: set[int]) -> Meeting | None:
    """Where what a call gives is added to what the call read, and goes no other way."""
    made = set(given)
    meeting = _meeting(steps, {value.id for value in call.inputs} - given, made)
    if meeting is None or meeting.join != "add":
        return None
    later = (event for event in steps if event.index > meeting.at.index)
    again = any(value.id in made for event in later for value in event.inputs)
    return None if again else Meeting("add", meeting.at, reads=True)


def _depends(context: Context, call: Event, stream: set[int]) -> bool:
    """Whether what a call gives is made of the stream; one that asks it for its length alone is not (BART's positions)."""
    read = {value.id for value in call.inputs if value.id in stream}
    if not read or context.trace.is_leaf(call):
        return bool(read)
    _follow([event for event in context.trace.inside(call) if context.trace.is_leaf(event)], read)
    return any(value.id in read for value in call.outputs)


def way_of(event: Event | None) -> Join | None:
    """What the step at which a tensor meets the stream does with it."""
    return _WAYS.get(canonical(event.name)) if event is not None else None


def _meeting(steps: Sequence[Event], stream: set[int], given: set[int]) -> Meeting | None:
    """The first step that reads both the stream and something made of what is given alone."""
    for event in steps:
        read = {value.id for value in event.inputs}
        if not read & given:
            continue
        if read & stream:
            join = way_of(event)
            return Meeting(join, event) if join is not None else None
        given.update(changed(event))
    return None


def _follow(steps: Sequence[Event], ids: set[int]) -> None:
    """Add all that is made of some values."""
    for event in steps:
        if any(value.id in ids for value in event.inputs):
            ids.update(changed(event))
