"""Positions that no weight and no rotation tells: a fixed table that is added to the stream, scores that read positions themselves."""

from __future__ import annotations

from collections.abc import Sequence

from archviz.architecture.context import Context, code
from archviz.architecture.kinds import Stack
from archviz.architecture.model import Evidence
from archviz.interpreter.reading import Event, ModuleRecord, ValueRef
from archviz.patterns.op_families import CONTRACTIONS, CONVOLUTIONS, canonical, writes_in_place
from archviz.patterns.trace import Trace

_FAR = 60  # steps back from the first layer
_WAVES = frozenset({"sin", "cos", "polar"})
_LOOKED_UP = frozenset({"embedding", "index_select", "getitem", "slice", "gather", "take", "narrow"})
_STOPS = frozenset({*CONTRACTIONS, *CONVOLUTIONS, "linear", "addmm"})


def fixed_table(context: Context, stack: Stack) -> tuple[str, list[Evidence]] | None:
    """What is added to the stream before the first layer and differs from place to place, but is neither data nor a weight."""
    call = context.trace.call(stack.layers[0].path)
    if call is None or not call.inputs:
        return None
    made = _makers(context.trace, context.trace.before(call))
    value = call.inputs[0]
    for _ in range(_FAR):
        step = made.get(value.id, [None])[0]
        data = [each for each in step.inputs if context.trace.carries(each)] if step is not None else []
        if step is None or not data or canonical(step.name) in _STOPS:
            return None
        others = [each for each in step.inputs if not context.trace.carries(each)]
        if canonical(step.name) == "add" and others and _by_place(others[0], value):
            words = _source(context, made, others[0])
            if words is not None:
                return words, code(step.at)
        value = data[0]
    return None


def is_handed_to_layers(context: Context, stack: Stack, table: ModuleRecord) -> bool:
    """Whether the layers are given what a table holds, and the stream is not: a rotation inside them reads it (RoFormer)."""
    call = context.trace.call(stack.layers[0].path)
    if call is None or not call.inputs:
        return False
    made = _makers(context.trace, context.trace.before(call))
    stream, *beside = ([step.module for step in _before(made, value)] for value in call.inputs)
    return table.path not in stream and any(table.path in modules for modules in beside)


def _by_place(added: ValueRef, stream: ValueRef) -> bool:
    """Whether what is added has the stream's width and its number of places."""
    have, want = added.shape or (), stream.shape or ()
    return len(have) >= 2 and len(want) >= 2 and have[-2:] == want[-2:] and have[-2] != 1


def _source(context: Context, made: dict[int, list[Event]], value: ValueRef) -> str | None:
    """What a table is made of, in words: waves, or a stored table that is no weight; None for weights."""
    steps = _before(made, value)
    if any(canonical(step.name) in _WAVES for step in steps):
        return "sinusoidal table of positions"
    looked_up = [step for step in steps if canonical(step.name) in _LOOKED_UP]
    holders = [context.modules[step.module] for step in looked_up if step.module in context.modules]
    fixed = looked_up and not any(each.parameters for each in holders)
    fixed = fixed or any(
        _is_of_a_buffer(context, made, step) for step in looked_up
    )  # learned tables may be added to it
    return "fixed table of positions" if fixed else None


def _is_of_a_buffer(context: Context, made: dict[int, list[Event]], step: Event) -> bool:
    """Whether rows are looked up in a tensor that a module without parameters holds as it is."""
    holder = context.modules.get(step.module)
    table = step.inputs[0]
    held = table.id not in made and "float" in (table.dtype or "") and len(table.shape or ()) > 1
    return held and holder is not None and bool(holder.buffers) and not holder.parameters


def reads_positions(module: ModuleRecord, trace: Trace) -> bool:
    """Whether an attention adds something to its scores that it makes of data and of positions (whole numbers)."""
    call = trace.call(module.path)
    inside = trace.inside(call) if call is not None else ()
    made = _makers(trace, inside)
    scores: set[int] = set()
    for event in inside:
        name = canonical(event.name)
        if event.kind != "op" or not event.outputs:
            continue
        data = [value for value in event.inputs if trace.carries(value)]
        if name in ("matmul", "bmm", "einsum") and len(data) == 2:
            scores.update(value.id for value in event.outputs)
        elif name == "softmax":
            scores.clear()
        elif any(value.id in scores for value in data):
            added = [value for value in data if value.id not in scores]
            if name == "add" and any(_of_whole_numbers(trace, made, value) for value in added):
                return True
            scores.update(value.id for value in event.outputs)
    return False


def scores_by_waves(module: ModuleRecord, trace: Trace) -> Event | None:
    """The product inside an attention of data with waves of distances (Transformer-XL): they are made of sines, and of no data."""
    call = trace.call(module.path)
    inside = trace.inside(call) if call is not None else ()
    made: dict[int, list[Event]] = {}
    for event in inside:
        others = [value for value in event.inputs if not trace.carries(value)]
        is_product = event.kind == "op" and canonical(event.name) in ("matmul", "bmm", "einsum")
        if is_product and len(others) == 1 and len(event.inputs) == 2 and call is not None:
            made = made or _makers(trace, [*trace.before(call), *inside])
            if any(canonical(step.name) in _WAVES for step in _before(made, others[0])):
                return event
    return None


def _of_whole_numbers(trace: Trace, made: dict[int, list[Event]], value: ValueRef) -> bool:
    """Whether whole numbers that are no choice among data (as of a `topk`) choose what a value holds."""
    steps = _before(made, value)
    if any(canonical(step.name) in ("topk", "argmax", "sort") for step in steps):
        return False
    read = [each for step in steps for each in step.inputs]
    return any(each.dtype in ("int64", "int32") and not trace.carries(each) for each in read)


def _before(made: dict[int, list[Event]], value: ValueRef) -> list[Event]:
    """All steps that a value is made by."""
    steps: dict[int, Event] = {}
    todo = [value]
    while todo:
        for step in made.get(todo.pop().id, ()):
            if step.index not in steps:
                steps[step.index] = step
                todo += step.inputs
    return list(steps.values())


def _makers(trace: Trace, events: Sequence[Event]) -> dict[int, list[Event]]:
    """The ops that made each value, moves included, and those that wrote into it."""
    made: dict[int, list[Event]] = {}
    for event in events:
        if event.kind == "op" and trace.is_leaf(event):
            written = event.inputs[:1] if writes_in_place(event.name) else ()
            new = [out for out in event.outputs if all(out.id != each.id for each in event.inputs)]
            for value in {each.id: each for each in (*new, *written)}.values():
                made.setdefault(value.id, []).append(event)
    return made
