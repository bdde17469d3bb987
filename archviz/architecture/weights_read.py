"""Where weights join the stream that are read without a call of their module: `x + self.embed_positions.weight`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from archviz.architecture.context import Context
from archviz.interpreter.reading import Event, ModuleRecord, TensorRecord


def joining(context: Context, modules: Iterable[ModuleRecord]) -> dict[str, Event]:
    """The step at which each of some modules' own tensors, by name, first meets what is made of the model's inputs.

    A tensor is known by its shape: it is the first value of it that no step made, read in the module or in one that holds it.
    """
    wanted = {tensor.name: tensor for module in modules for tensor in module.parameters.values()}
    found: dict[str, Event] = {}
    following: dict[str, set[int]] = {}
    made: set[int] = set()
    for event in context.trace.outline if wanted else ():
        if event.kind == "call" or not context.trace.is_leaf(event):
            made.update(value.id for value in event.outputs)
            continue
        read = {value.id for value in event.inputs}
        for value in event.inputs:
            known = value.id in made or any(value.id in ids for ids in following.values())
            name = None if known else _first(wanted, following, event, value.shape)
            if name is not None:
                following[name] = {value.id}
        for name, ids in following.items():
            if name in found or ids.isdisjoint(read):
                continue
            if any(value.id not in ids and context.trace.carries(value) for value in event.inputs):
                found[name] = event
            ids.update(value.id for value in event.outputs)
        made.update(value.id for value in event.outputs)
    return found


def _first(
    wanted: Mapping[str, TensorRecord], taken: Mapping[str, object], event: Event, shape: tuple[int | None, ...] | None
) -> str | None:
    """The first tensor of a shape that nobody has read yet and that the module of an event holds, itself or further inside."""
    holder = f"{event.module}." if event.module else ""
    names = (name for name, tensor in wanted.items() if name not in taken and name.startswith(holder))
    return next((name for name in names if shape is not None and tuple(wanted[name].shape) == tuple(shape)), None)
