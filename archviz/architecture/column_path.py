"""Which boxes around the layers of a tower lie on its way from input to output, as the pass shows it; the others are no steps of its column."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archviz.architecture.beside import first_call, made_of
from archviz.architecture.context import Context
from archviz.architecture.kinds import Stack
from archviz.interpreter.reading import Event, ModuleRecord
from archviz.patterns.op_families import writes_in_place
from archviz.patterns.trace import Trace

UNREAD = "the layers read nothing of what it gives"
APART = "made of something else than what stands below"


def off_path(context: Context, around: Iterable[ModuleRecord], stacks: Sequence[Stack]) -> dict[str, str]:
    """The modules that the stream of a tower passes by, by path, each with why.

    Nothing is said where a pass was not understood whole, or where no module on that side of the layers is seen on the way.
    """
    trace = context.trace
    first, last = trace.call(stacks[0].layers[0].path), trace.call(stacks[-1].layers[-1].path)
    if context.reading.trace_gaps or first is None or last is None or not first.inputs:
        return {}
    calls = sorted(((call.index, m.path, call) for m in around if (call := first_call(trace, m))), key=lambda c: c[:2])
    same = [each for each in calls if trace.pass_of(each[2]) == trace.pass_of(first)]
    before = {path: call for index, path, call in same if index < first.index}
    after = [(path, call) for index, path, call in same if index > last.index]
    return _unread(trace, before, first) | _apart(trace, after, last)


def _unread(trace: Trace, calls: dict[str, Event], first: Event) -> dict[str, str]:
    read = made_of(trace, first, {value.id for value in first.inputs}) if len(calls) > 1 else set()
    idle = [path for path, call in calls.items() if read.isdisjoint([value.id for value in call.outputs])]
    return dict.fromkeys(idle, UNREAD) if len(idle) < len(calls) else {}


def _apart(trace: Trace, calls: Sequence[tuple[str, Event]], last: Event) -> dict[str, str]:
    found: dict[str, str] = {}
    stream = {value.id for value in last.outputs}
    since = last.index
    for path, call in calls:
        reached = _made_from(trace, stream, since, call.index)
        if reached.isdisjoint([value.id for value in call.inputs]):
            found[path] = APART
        else:
            stream, since = {value.id for value in call.outputs}, call.index
    return found if len(found) < len(calls) else {}


def _made_from(trace: Trace, ids: set[int], since: int, until: int) -> set[int]:
    """All values that are made of some values between two events; a call that repeats an equal one is one step."""
    reached = set(ids)
    for event in trace.outline:
        if not since < event.index < until:
            continue
        step = trace.repeated(event) is not None or trace.is_leaf(event)
        if step and not reached.isdisjoint([value.id for value in event.inputs]):
            reached.update(value.id for value in event.outputs)
            if writes_in_place(event.name):
                reached.add(event.inputs[0].id)
    return reached
