"""Tables that hold no words: rows that go into the scores of attention (relative biases), rows of hash buckets, vectors that no id chooses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice

from archviz.architecture.context import Context
from archviz.interpreter.reading import Event, ModuleRecord
from archviz.patterns.op_families import PLUMBING, canonical
from archviz.patterns.trace import Trace

OF_SCORES = "added to the attention scores"
_MODULO = ("remainder", "fmod", "mod", "bitwise_and")
_NEAR = 64  # steps before a look-up in which its ids are made


def score_tables(
    context: Context, around: Iterable[ModuleRecord], joins: Mapping[str, Event], layer: ModuleRecord
) -> dict[str, str]:
    """The modules around the layers whose weights are added to the scores of attention alone, by path, with what to say of them.

    Args:
        around: The modules around the layers of a tower.
        joins: Where tensors meet what is made of the data that are read without a call of their module, by name.
        layer: The first layer.
    """
    biases = context.trace.score_biases
    found: dict[str, str] = {}
    for module in around:
        call = context.trace.call(module.path)
        given = call is not None and bool(call.outputs) and all(value.id in biases for value in call.outputs)
        met = [joins[tensor.name] for tensor in module.parameters.values() if tensor.name in joins]
        if given or (met and all(_is_of_scores(event, layer) for event in met)):
            found[module.path] = OF_SCORES
    return found


def _is_of_scores(event: Event, layer: ModuleRecord) -> bool:
    """Whether a step adds something to `[batch, heads, queries, keys]` inside a layer."""
    inside = f"{event.module}.".startswith(f"{layer.path}.")
    return inside and canonical(event.name) == "add" and any(len(value.shape or ()) == 4 for value in event.outputs)


def is_hashed(trace: Trace, table: ModuleRecord) -> bool:
    """Whether the rows of a table that a pass looks up are remainders of numbers: buckets, no words (CANINE)."""
    call = trace.call(table.path)
    wanted = call.inputs[0].id if call is not None and call.inputs else None
    for event in islice(trace.backwards(call), _NEAR) if call is not None else ():
        if event.kind == "op" and any(value.id == wanted for value in event.outputs) and event.inputs:
            name = canonical(event.name).strip("_")
            if name in _MODULO:
                return True
            if name not in PLUMBING:
                return False
            wanted = event.inputs[0].id
    return False


def is_left_alone(context: Context, table: ModuleRecord) -> bool:
    """Whether a pass that was understood looks no rows of a table up: it reads all of it, or nothing."""
    if not context.trace or context.trace.call(table.path) is not None:
        return False
    read = {stored.name for stored in context.reading.stored.values()}
    return context.trace.whole or any(tensor.name in read for tensor in table.parameters.values())
