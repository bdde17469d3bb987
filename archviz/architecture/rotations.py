"""Rotations of several tensors in one call, drawn apart: `q, k = apply_rotary_pos_emb(q, k, cos, sin)` are two boxes."""

from __future__ import annotations

from archviz.architecture.context import Context
from archviz.interpreter.reading import Event
from archviz.patterns.flow import Flow, FlowNode, renumber
from archviz.patterns.rope import detect_rope
from archviz.records import replace


def part_rotations(context: Context, flow: Flow) -> None:
    """Give each tensor that a rotation turns a node of its own, where each result is made of one tensor alone."""
    for node in list(flow.nodes.values()):
        if node.kind != "function" or len(node.events) != 1 or len(node.sources) < 2:
            continue
        event = node.events[0]
        if detect_rope(event, context.trace) is None:
            continue
        origins = _origins(context, event)
        if origins is None or not _all_parts_known(flow, node, len(origins)):
            continue
        _part(flow, node, origins)


def _origins(context: Context, event: Event) -> list[int] | None:
    """For each result of a function the one data input that it is made of (its place); None where they mix."""
    data = [value.id for value in event.inputs if context.trace.carries(value)]
    made_of: dict[int, frozenset[int]] = {value: frozenset({place}) for place, value in enumerate(data)}
    for inner in context.trace.inside(event):
        sources = frozenset().union(*(made_of.get(value.id, frozenset()) for value in inner.inputs))
        for value in inner.outputs:
            made_of[value.id] = made_of.get(value.id, frozenset()) | sources
    results = [made_of.get(value.id, frozenset()) for value in event.outputs]
    places = [next(iter(result)) for result in results if len(result) == 1]
    apart = len(places) == len(results) == len(set(places)) == len(data)
    return places if apart and len(places) > 1 else None


def _all_parts_known(flow: Flow, node: FlowNode, count: int) -> bool:
    """Whether every reader says which result it reads."""
    read = [value for other in flow.nodes.values() for source, value in other.sources if source == node.id]
    return (
        len(node.sources) == count
        and flow.output != node.id
        and all(value in node.parts and node.parts[value] < count for value in read)
    )


def _part(flow: Flow, node: FlowNode, origins: list[int]) -> None:
    """Replace a node by one for each of its results."""
    first = max(flow.nodes) + 1
    data = {value: shape for event in node.events for value, shape in ((v.id, v.shape) for v in event.inputs)}
    parts = []
    for result, origin in enumerate(origins):
        out = node.events[0].outputs[result]
        source = node.sources[origin]
        parts.append(
            replace(
                node, id=first + result, events=list(node.events), sources=[source], parts={}, reads=list(node.reads),
                shape_in=data.get(source[1], out.shape), shape_out=out.shape,
            )
        )  # fmt: skip
    for other in flow.nodes.values():
        other.sources = [
            (first + node.parts[value] if source == node.id else source, value) for source, value in other.sources
        ]
    flow.nodes = renumber([*(n for n in flow.nodes.values() if n.id != node.id), *parts])
