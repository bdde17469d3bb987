"""Norms of a tower that are no module, before and behind its layers: where `forward` computes them on the stream."""

from __future__ import annotations

from collections.abc import Iterator

from archviz.architecture.beside import is_made_of, made_of
from archviz.architecture.context import Context, code
from archviz.architecture.labels import functional_norm_label
from archviz.architecture.model import BlockNode
from archviz.architecture.towers import Column
from archviz.interpreter.reading import Event
from archviz.patterns.norms import functional_norm
from archviz.patterns.op_families import canonical

_KINDS = ("RMSNorm", "LayerNorm")


def functional_norms(context: Context, column: Column) -> Iterator[tuple[int, BlockNode]]:
    """The boxes of norms without a module and without weights in the models around the layers, each with its place in the pass."""
    trace = context.trace
    first = trace.call(column.stacks[0].layers[0].path) if column.stacks else None
    calls = trace.calls(column.stacks[-1].layers[-1].path) if first is not None else []
    if first is None or not calls or not first.inputs or context.reading.trace_gaps:
        return
    last = calls[-1]
    found = [each for each in _around(context, first) if not first.index < each.index < last.index]
    leading = made_of(trace, first, {first.inputs[0].id}) if any(each.index < first.index for each in found) else set()
    given = {value.id for value in last.outputs}
    for number, event in enumerate(found, 1):
        behind = event.index > last.index
        read = {value.id for value in event.inputs}
        on_stream = is_made_of(trace, event, read, given) if behind else any(v.id in leading for v in event.outputs)
        norm = functional_norm(event, trace)
        if norm is None or not on_stream:
            continue
        label = functional_norm_label(norm)
        yield event.index, BlockNode(
            id=f"{column.id}_norm_{number}", role="norm", label=("Final " if behind else "") + label.text, details=label.details,
            code_name=canonical(event.name), parameters=0, evidence=code(event.at),
        )  # fmt: skip


def _around(context: Context, layer: Event) -> Iterator[Event]:
    """The norms without weights that are steps of the calls around a layer themselves."""
    trace, around = context.trace, context.trace.parent(layer)
    while around is not None:
        if around.kind == "call":
            for event in trace.children(around):
                norm = functional_norm(event, trace) if event.kind != "call" else None
                if norm is not None and not norm.weighted and norm.kind in _KINDS:
                    yield event
        around = trace.parent(around)
