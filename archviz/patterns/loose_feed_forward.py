"""Feed-forwards whose projections lie loose in a layer (BERT, OPT, Whisper): the steps of the pass between them, and their activation."""

from __future__ import annotations

from collections.abc import Sequence

from archviz.interpreter.reading import Event, ModuleRecord
from archviz.patterns.activations import activation_among, activation_in
from archviz.patterns.feed_forward import FeedForward, describe_projections
from archviz.patterns.linears import is_linear
from archviz.patterns.op_families import activation_of, canonical, writes_in_place
from archviz.patterns.trace import Trace
from archviz.records import replace


def last_called(linears: Sequence[ModuleRecord], trace: Trace) -> Event | None:
    """The call of the projection that leads down: the last one; None where one of them was not called."""
    calls = [call for linear in linears if (call := trace.call(linear.path)) is not None]
    return max(calls, key=lambda call: call.index) if calls and len(calls) == len(linears) else None


def steps_between(layer: ModuleRecord, linears: Sequence[ModuleRecord], trace: Trace) -> list[Event] | None:
    """What leads from the results of the first projections to what the last one reads, in order; None where the pass was not seen."""
    call, down = trace.call(layer.path), last_called(linears, trace)
    if call is None or down is None or not down.inputs:
        return None
    paths = {linear.path for linear in linears}
    inside = [event for event in trace.inside(call) if event.index < down.index]
    reached = {v.id for event in inside if event.kind == "call" and event.module in paths for v in event.outputs}
    events = [event for event in inside if event.module not in paths]
    steps = [event for event in events if trace.is_leaf(event)]
    for event in steps:
        if any(value.id in reached for value in event.inputs):
            reached.update(value.id for value in (*event.outputs, *event.inputs[: writes_in_place(event.name)]))
    wanted = {down.inputs[0].id}
    for event in reversed(steps):
        if any(value.id in wanted for value in event.outputs):
            wanted.update(value.id for value in event.inputs)
    return [
        event for event in events
        if any(v.id in reached for v in event.inputs) and any(v.id in wanted for v in event.outputs)
    ]  # fmt: skip


def describe_loose(layer: ModuleRecord, loose: Sequence[ModuleRecord], trace: Trace) -> FeedForward | None:
    """The feed-forward that loose modules of a layer form; None when their widths do not fit.

    The pass says which activation it has; where it was not seen, the modules that are registered and the settings do.
    """
    linears = [child for child in loose if is_linear(child)]
    if len(linears) < 2:
        return None
    steps = steps_between(layer, linears, trace)
    if steps is None:
        block = describe_projections(linears, _registered(layer, loose) or "activation")
    else:
        activation = activation_among(steps, trace)
        block = describe_projections(linears, activation or "none")
        block = replace(block, activation=activation) if block is not None else None
    if block is not None and block.kind == "mlp" and gates_side_input(layer, trace, linears):
        return replace(block, kind="side_input")
    return block


def describe_triple(
    layer: ModuleRecord, up: ModuleRecord, middle: ModuleRecord, down: ModuleRecord, trace: Trace
) -> FeedForward | None:
    """The feed-forward of a projection up, its activation and the one down again, registered in a row."""
    registered = activation_of(middle.class_name)
    if not registered or not is_linear(up) or not is_linear(down):
        return None
    block = describe_projections([up, down], registered)
    steps = steps_between(layer, [up, down], trace)
    if block is None or steps is None:
        return block
    return replace(block, activation=activation_among(steps, trace))


def _registered(layer: ModuleRecord, loose: Sequence[ModuleRecord]) -> str | None:
    """The activation among loose modules, or that which a module around them or the layer was configured with."""
    unseen = Trace(())
    for child in loose:
        if found := activation_of(child.class_name):
            return found
    for child in loose:
        parent = layer.find(child.path.removeprefix(layer.path + ".").rpartition(".")[0])
        if parent is not None and (found := activation_in(parent, unseen)):
            return found
    return activation_in(layer, unseen)


def gates_side_input(layer: ModuleRecord, trace: Trace, linears: Sequence[ModuleRecord]) -> bool:
    """Whether what the second projection reads is a product with data that comes into the layer beside its stream."""
    call, down = trace.call(layer.path), trace.call(linears[-1].path)
    if call is None or down is None or not down.inputs:
        return False
    inside = trace.inside(call)
    made = {value.id for event in inside for value in event.outputs}
    maker = next((e for e in inside if e.kind == "op" and any(v.id == down.inputs[0].id for v in e.outputs)), None)
    if maker is None or canonical(maker.name) != "mul":
        return False
    stream = call.inputs[0].id if call.inputs else None
    return any(trace.carries(value) and value.id not in made and value.id != stream for value in maker.inputs)
