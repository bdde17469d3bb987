"""Logits by a product with a table of tokens, where no module is the head: `F.linear(x, wte.weight)`, `x @ wte.weight.T`."""

from __future__ import annotations

from collections.abc import Collection

from archviz.architecture.context import Context
from archviz.interpreter.reading import Event
from archviz.patterns.op_families import canonical

_TURNS = ("t", "T", "mT", "transpose")


def lent_table(context: Context, tables: Collection[str]) -> Event | None:
    """The product; None where there is none.

    Args:
        tables: The names of the tables' tensors.
    """
    stored = {number for number, held in context.reading.stored.items() if held.name in tables}
    for event in context.trace.outline if stored else ():
        name = canonical(event.name)
        if name in _TURNS and event.inputs and event.inputs[0].id in stored:
            stored.update(value.id for value in event.outputs)
        elif name in ("linear", "matmul") and len(event.inputs) > 1 and event.inputs[1].id in stored:
            return event if context.trace.carries(event.inputs[0]) else None
    return None
