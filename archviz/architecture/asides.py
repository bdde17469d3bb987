"""Modules around a tower that are no steps of its column: the pass does not call them, or their data flows elsewhere; each with why."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise

from archviz.architecture.beside import first_call, is_made_of, made_of
from archviz.architecture.context import Context
from archviz.architecture.feeding import runs_beside, unread
from archviz.architecture.kinds import Stack
from archviz.architecture.towers import Column, below, is_outside
from archviz.interpreter.reading import Event, ModuleRecord, ValueRef
from archviz.patterns.flow import Shape
from archviz.patterns.norms import detect_norm
from archviz.patterns.trace import Trace

NOT_CALLED = "not called in the pass that was read"
NOT_READ = "no step of forward reads it"
_AS_WEIGHT = "read as a weight, not called"
_UNREAD = "no layer reads the output"
_UNUSED = "nothing reads the output"
ENTERS = "enters the layers by another way than the steps below"
_APART = "called apart from the layers"
_ELSEWHERE = "fed by something else than the steps below"


def find_asides(context: Context, column: Column, columns: list[Column]) -> dict[str, str]:
    """The modules around a tower which its path from input to output leaves out, by path, each with why."""
    target = next((other for other in columns if other.id == column.feeds), None)
    if target is None or column.is_main or not column.feeds_seen:
        return {}
    found = {
        module.path: NOT_CALLED for module in column.around
        if is_outside(column, module.path) and not runs_beside(context, module, column.stacks)
    }  # fmt: skip
    norms = [module for module in column.around if detect_norm(module, context.trace) is not None]
    for module in unread(context, norms, target.stacks):
        found[module.path] = f"the {target.title[:1].lower()}{target.title[1:]} does not read its output"
    return found


def asides_by_flow(context: Context, column: Column, order: Sequence[ModuleRecord | Stack]) -> dict[str, str]:
    """The modules that an arrow of the column would lead to or from without data flowing there, by path.

    Before the first layers each step leads to them; behind them, and where there are none, each reads the step before it.

    Args:
        order: The steps of the column, bottom-up: modules and stacks; nothing that joins the stream or stands beside it.
    """
    trace = context.trace
    start = _start(trace, order)
    if context.reading.trace_gaps or start is None:
        return {}
    found: dict[str, str] = {}
    first = next((place for place, step in enumerate(order) if isinstance(step, Stack)), 0)
    leading = made_of(trace, start, {value.id for value in start.inputs})
    last: set[int] | None = None
    read = _read_outside(context, column, order, start)
    entering: set[int] = set()  # what the step before the layers gives, the last that is drawn
    below_last: list[tuple[str, set[int]]] = []  # what each step behind the first layers gives
    for place, step in enumerate(order):
        if isinstance(step, Stack):
            last = {value.id for each in step.layers for call in trace.calls(each.path) for value in call.outputs}
            below_last.append(("the layers", last))
            continue
        call = first_call(trace, step)
        if call is None:
            if step.path.startswith(below(trace.called(trace.pass_of(start)))):
                found[step.path] = _AS_WEIGHT if _is_read(context, step) else NOT_CALLED
        elif trace.pass_of(call) != trace.pass_of(start):
            found[step.path] = _APART  # no pass reaches it from here, and it was called on its own
        elif last is not None and not any(
            trace.is_live(value) and (read is None or value.id in read) for value in _given(trace, step)
        ):
            found[step.path] = (
                _UNUSED if read is None else f"{order[-1].path.rpartition('.')[2]} does not read its output"
            )
        elif place < first:
            if leading.isdisjoint([value.id for value in _given(trace, step)]):
                found[step.path] = _UNREAD
            elif entering and not is_made_of(trace, call, {value.id for value in call.inputs}, entering):
                found[step.path] = ENTERS
            else:
                entering = {value.id for value in _given(trace, step)}
        elif last is not None and not is_made_of(trace, call, {value.id for value in call.inputs}, last):
            found[step.path] = _read_below(trace, call, below_last)
            below_last.append((step.name, {value.id for value in _given(trace, step)}))
        else:
            last = {value.id for value in _given(trace, step)}
            below_last.append((step.name, last))
    return found


def unseen_links(context: Context, order: Sequence[ModuleRecord | Stack]) -> set[str]:
    """The modules of a column that no pass shows to read what the step below gives; before layers, that the layers read them. By path."""
    trace = context.trace
    found: set[str] = set()
    for lower, upper in pairwise(order):
        call = trace.call(upper.layers[0].path) if isinstance(upper, Stack) else first_call(trace, upper)
        if isinstance(lower, Stack):
            given = {v.id for each in lower.layers for c in trace.calls(each.path) for v in c.outputs}
        else:
            given = {value.id for value in _given(trace, lower)}
        if call is None or not is_made_of(trace, call, {value.id for value in call.inputs}, given):
            step = lower if isinstance(upper, Stack) else upper
            found |= set() if isinstance(step, Stack) else {step.path}
    return found


def _read_outside(
    context: Context, column: Column, order: Sequence[ModuleRecord | Stack], start: Event
) -> set[int] | None:
    """What the last step gives and is made of, where it stands outside of the tower and translates its output; else None."""
    end = order[-1]
    call = first_call(context.trace, end) if not isinstance(end, Stack) and is_outside(column, end.path) else None
    if call is None or context.trace.pass_of(call) != context.trace.pass_of(start):
        return None
    ids = {value.id for value in call.inputs}
    layers = [layer for step in order if isinstance(step, Stack) for layer in step.layers]
    given = {value.id for layer in layers for each in context.trace.calls(layer.path) for value in each.outputs}
    if not is_made_of(context.trace, call, ids, given):
        return None
    return made_of(context.trace, call, ids) | {value.id for value in call.outputs}


def _read_below(trace: Trace, call: Event, steps: Sequence[tuple[str, set[int]]]) -> str:
    """The step further below that a module reads, where it branches off there (a second head); else that it is fed from elsewhere."""
    read = {value.id for value in call.inputs}
    source = next((name for name, given in reversed(steps) if is_made_of(trace, call, read, given)), None)
    return f"reads the output of {source}" if source else _ELSEWHERE


def _start(trace: Trace, order: Sequence[ModuleRecord | Stack]) -> Event | None:
    """The call of the first layer; of the first module that runs where there are no layers. None where a stack did not run."""
    stacks = [trace.call(step.layers[0].path) for step in order if isinstance(step, Stack)]
    if stacks:
        return None if None in stacks else stacks[0]
    calls = (first_call(trace, step) for step in order if not isinstance(step, Stack))
    return next((call for call in calls if call is not None), None)


def unread_tensors(context: Context, column: Column) -> set[str]:
    """Which of the own tensors of a tower's holders no step of theirs reads (the mask of a pre-training task), by name."""
    ran = context.trace and all(context.trace.call(stack.layers[0].path) for stack in column.stacks)
    if context.reading.trace_gaps or not ran:
        return set()
    return {
        tensor.name for holder in column.holders for tensor in holder.parameters.values()
        if not _any_reads(context.trace, {holder.path}, [tensor.shape])
    }  # fmt: skip


def _given(trace: Trace, module: ModuleRecord) -> list[ValueRef]:
    """What a module gives, in all of its calls; a list that is never called itself gives what its modules give."""
    calls = trace.calls(module.path) or [call for child in module.walk() for call in trace.calls(child.path)]
    return [value for call in calls for value in call.outputs]


def _is_read(context: Context, module: ModuleRecord) -> bool:
    """Whether a module around another one reads a weight of it without a call, as far as shapes tell."""
    parts = module.path.split(".")
    above = {".".join(parts[:length]) for length in range(len(parts))}
    shapes = [tensor.shape for inner in module.walk() for tensor in inner.parameters.values()]
    return _any_reads(context.trace, above, shapes)


def _any_reads(trace: Trace, modules: Collection[str], shapes: Collection[Shape]) -> bool:
    """Whether a step of some modules' own reads a value of one of some shapes that no step made."""
    made: set[int] = set()
    for event in trace.outline:
        own = event.module in modules and event.kind != "call" and trace.is_leaf(event)
        if own and any(value.shape in shapes and value.id not in made for value in event.inputs):
            return True
        made.update(value.id for value in event.outputs)
    return False
