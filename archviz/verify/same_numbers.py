"""Layers of one kind that compute with other numbers (`0.8 − 0.6 · exp(−0.3 · layer)`): no claim about one of them is one about all."""

from __future__ import annotations

from collections.abc import Iterator

from archviz.architecture.context import Context
from archviz.architecture.kinds import Stack, complete_parts
from archviz.architecture.naming import Kind
from archviz.interpreter.reading import Event, ModuleRecord
from archviz.patterns.op_families import canonical
from archviz.records import replace

_SCALAR_OPS = frozenset({"add", "sub", "mul", "div", "pow", "clamp", "addcmul", "addcdiv", "lerp", "softmax"})
"""Ops whose whole numbers are arithmetic, and neither sizes nor places."""


def alike_in_numbers(context: Context, stack: Stack, kind: Kind) -> Iterator[Kind]:
    """A kind of layer, in parts whose layers compute with the same numbers; whole where all do, or where nothing was traced."""
    groups: dict[object, list[int]] = {}
    known: dict[int, object] = {}
    for index in kind.indices:
        groups.setdefault(_layer_numbers(context, stack.layers[index], known), []).append(index)
    untold = groups.pop(None, [])  # layers that no pass reached say nothing else
    if len(groups) < 2:
        yield kind
        return
    for place, indices in enumerate(groups.values()):
        example = stack.layers[indices[0]]
        whole = sorted([*indices, *untold]) if place == 0 else indices
        parts = complete_parts(context, example, indices, stack.config, len(stack.layers))
        yield replace(kind, indices=whole, example=example, parts=parts)


def _layer_numbers(context: Context, layer: ModuleRecord, known: dict[int, object]) -> object:
    """The numbers of a layer's steps, in order; those of an equal layer where its call repeats that one's."""
    call = context.trace.call(layer.path)
    if call is None:
        return None
    run = context.trace.repeated(call) or call
    if run.index not in known:
        known[run.index] = tuple(filter(None, map(_numbers, context.trace.inside(run))))
    return known[run.index]


def _numbers(event: Event) -> tuple[object, ...]:
    """The fractions that an event is given, and of arithmetic all numbers."""
    kinds = (int, float) if event.kind == "op" and canonical(event.name) in _SCALAR_OPS else float
    told = [
        (name, value)
        for name, value in event.options.items()
        if isinstance(value, kinds) and not isinstance(value, bool) and name not in ("dim", "axis")
    ]
    return (event.name, *told) if told else ()
