"""The projections of an attention by what becomes of their results, whatever they are called."""

from __future__ import annotations

from collections.abc import Mapping

from archviz.interpreter.reading import Event, ModuleRecord, ValueRef
from archviz.patterns.linears import is_linear
from archviz.patterns.makers import makers
from archviz.patterns.op_families import PLUMBING, canonical, writes_in_place
from archviz.patterns.score_path import find_score_path
from archviz.patterns.trace import Trace

_PRODUCTS = frozenset({"matmul", "bmm", "einsum"})
_LONG = 60


def seen_projections(module: ModuleRecord, trace: Trace) -> dict[str, ModuleRecord]:
    """The projections by their part: `q`, `k`, `v`, `o`, `qkv`, `kv`; none where one of the first three was not followed."""
    call = trace.call(module.path)
    path = find_score_path(trace, call)
    if call is None or path is None or path.operands is None or path.softmax_at is None:
        return {}
    linears = {each.path: each for each in module.walk() if is_linear(each)}
    steps = [event for event in trace.inside(call) if event.kind == "op"]
    made = makers(event for event in steps if not writes_in_place(event.name))
    weighing = _weighing(steps, path.operands)
    if weighing is None:
        return {}
    values, last = weighing
    read = [_projection(trace, made, linears, value) for value in (*path.operands, values)]
    after = (event for event in steps if event.index > last.index and event.module in linears)
    out = next(after, None)
    found = _by_part(read)
    return found | ({"o": linears[out.module]} if found and out is not None else {})


def _by_part(read: list[ModuleRecord | None]) -> dict[str, ModuleRecord]:
    query, key, value = read
    if query is None or key is None or value is None:
        return {}
    if query is key is value:
        return {"qkv": query}
    return {"q": query, "kv": key} if key is value else {"q": query, "k": key, "v": value}


def _weighing(steps: list[Event], operands: tuple[ValueRef, ValueRef]) -> tuple[ValueRef, Event] | None:
    """The values that the softmax weighs, and the step that does so: fused, or the product that reads what the softmax made."""
    weights: set[int] = set()
    for event in steps:
        name = canonical(event.name)
        if name == "scaled_dot_product_attention" and len(event.inputs) > 2 and event.inputs[0].id == operands[0].id:
            return event.inputs[2], event
        if name == "softmax":
            weights.update(value.id for value in event.outputs)
        elif weights and name in _PRODUCTS and any(value.id in weights for value in event.inputs):
            return next(((value, event) for value in event.inputs if value.id not in weights), None)
        elif name in PLUMBING or name in ("getitem", "slice", "mul"):
            weights.update(value.id for value in event.outputs if event.inputs and event.inputs[0].id in weights)
    return None


def _projection(
    trace: Trace, made: Mapping[int, Event], linears: Mapping[str, ModuleRecord], value: ValueRef
) -> ModuleRecord | None:
    """The projection that a value goes back to, over cuts, norms and rotations."""
    for _ in range(_LONG):
        event = made.get(value.id)
        if event is None or not event.inputs:
            return None
        if event.module in linears:
            return linears[event.module]
        value = next((each for each in event.inputs if trace.carries(each)), event.inputs[0])
    return None
