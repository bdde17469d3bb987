"""Which tower reads what another one gives, as one forward pass of both shows it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archviz.architecture.beside import changed, first_call, made_of
from archviz.architecture.context import Context
from archviz.architecture.kinds import Stack
from archviz.interpreter.reading import Event, ModuleRecord
from archviz.patterns.trace import Trace


def reaches(context: Context, source: Sequence[Stack], target: Sequence[Stack]) -> bool | None:
    """Whether the layers of one tower read anything made of the output of another's layers, the last or an earlier one.

    None where no pass ran through both: a tower that a pass left out is called on its own, and nothing follows from that; nor does
    it where something in the pass was not understood, behind which the output may be lost.
    """
    trace = context.trace
    given, readers = _calls(trace, source), _calls(trace, target)
    if not given or not readers or trace.pass_of(given[-1]) != trace.pass_of(readers[0]):
        return None
    reached = made_from(trace, {value.id for call in given for value in call.outputs})
    seen = any(value.id in reached for call in readers for value in call.inputs)
    return None if not seen and context.reading.trace_gaps else seen


def reads(context: Context, module: ModuleRecord, source: Sequence[Stack]) -> bool:
    """Whether a module outside of the layers reads anything made of the output of some layers."""
    call, given = first_call(context.trace, module), _calls(context.trace, source)
    if call is None or not given or context.trace.pass_of(given[0]) != context.trace.pass_of(call):
        return False
    reached = made_from(context.trace, {value.id for event in given for value in event.outputs})
    return any(value.id in reached for value in call.inputs)


def enters(context: Context, module: ModuleRecord, target: Sequence[Stack]) -> bool:
    """Whether a module outside of the layers runs before the first of some layers, which reads what it gives, and never again."""
    trace = context.trace
    calls, start = trace.calls(module.path), trace.call(target[0].layers[0].path)
    if not calls or start is None or max(call.index for call in calls) > start.index:
        return False
    reached = made_from(trace, {value.id for call in calls for value in call.outputs}, until=start)
    return any(value.id in reached for value in start.inputs)


def runs_beside(context: Context, module: ModuleRecord, stacks: Sequence[Stack]) -> bool:
    """Whether a module runs in the pass in which some layers run; a part that `forward` does not reach is called on its own."""
    call, layers = first_call(context.trace, module), _calls(context.trace, stacks)
    return call is not None and bool(layers) and context.trace.pass_of(call) == context.trace.pass_of(layers[0])


def goes_on(context: Context, source: Stack, target: Stack) -> bool:
    """Whether the stream of some layers is that of others, carried on: it is made of nothing that enters in between but weights."""
    trace = context.trace
    given, reader = trace.call(source.layers[-1].path), trace.call(target.layers[0].path)
    if given is None or reader is None or not reader.inputs or not given.outputs:
        return False
    reached = made_from(trace, {given.outputs[0].id}, until=reader)
    return reader.inputs[0].id in reached and not _joined_by_others(trace, given, reader, reached)


def _joined_by_others(trace: Trace, given: Event, reader: Event, reached: set[int]) -> bool:
    """Whether what a layer gives meets other data before a later one reads it: inputs of the model that it is not made of itself."""
    stream = made_of(trace, reader, {reader.inputs[0].id})
    entering = {
        value.id
        for event in trace.before(reader)
        if event.index > given.index and trace.is_leaf(event) and not stream.isdisjoint(changed(event))
        and not reached.isdisjoint([value.id for value in event.inputs])
        for value in event.inputs
        if value.id not in reached and trace.carries(value) and "float" in (value.dtype or "float")
    }  # fmt: skip
    known = made_of(trace, given, {value.id for value in given.inputs})
    given_to_pass = {value.id for value in trace.outer(reader).inputs}
    return bool(made_of(trace, reader, entering) & given_to_pass - known)


def unread(context: Context, modules: Iterable[ModuleRecord], target: Sequence[Stack]) -> list[ModuleRecord]:
    """The modules of a tower whose results the tower that it feeds never reads: built and run for nothing, or for other uses."""
    trace, readers = context.trace, _calls(context.trace, target)
    if not readers:
        return []
    last = max(readers, key=lambda call: call.index)
    read = made_of(trace, last, {value.id for call in readers for value in call.inputs})
    return [
        module for module in modules
        if runs_beside(context, module, target) and _gives(context, module) and _gives(context, module).isdisjoint(read)
    ]  # fmt: skip


def _gives(context: Context, module: ModuleRecord) -> set[int]:
    call = first_call(context.trace, module)
    return {value.id for value in call.outputs} if call is not None else set()


def layer_read(context: Context, module: ModuleRecord, stack: Stack) -> list[str]:
    """`reads layer 23 of 24` where a module reads the layers of a stack before the last one; nothing where it reads the last."""
    trace, call = context.trace, first_call(context.trace, module)
    if call is None or trace.call(stack.layers[-1].path) is None:
        return []
    read = made_of(trace, call, {value.id for value in call.inputs})
    given = [trace.call(layer.path) for layer in stack.layers]
    numbers = [n for n, each in enumerate(given, start=1) if each and not read.isdisjoint([v.id for v in each.outputs])]
    last = max(numbers, default=len(given))
    return [f"reads the output of layer {last} of {len(given)}"] if last < len(given) else []


def made_from(trace: Trace, ids: set[int], until: Event | None = None) -> set[int]:
    """All values that are made of some values, themselves included, but what is made and used up inside of repeated calls."""
    reached = set(ids)
    steps = trace.steps if trace.made.issuperset(ids) else filter(trace.is_leaf, trace.events)
    for event in steps:
        if until is not None and event.index >= until.index:
            break
        if not reached.isdisjoint([value.id for value in event.inputs]):
            reached.update(changed(event))
    return reached


def _calls(trace: Trace, stacks: Sequence[Stack]) -> list[Event]:
    """The calls of the layers of some stacks that a pass shows."""
    return [call for stack in stacks for layer in stack.layers if (call := trace.call(layer.path)) is not None]
