"""States of several layers side by side: what a tower hands on where it joins them (Llama-3.2-Vision: 6 × 1,280 = 7,680)."""

from __future__ import annotations

from collections.abc import Iterator

from archviz.architecture.beside import first_call
from archviz.architecture.context import Context, code
from archviz.architecture.kinds import Stack
from archviz.architecture.model import Evidence
from archviz.interpreter.reading import Event, ModuleRecord, ValueRef

_PASSED = frozenset({"view", "reshape", "slice", "getitem", "to", "contiguous", "unsqueeze", "squeeze", "flatten"})
_JOINS = frozenset({"cat", "stack"})


def joined_states(context: Context, stacks: list[Stack]) -> tuple[str, list[Evidence]] | None:
    """How many states of the tower's width stand side by side in what it gives, and which layers give them."""
    found = _found(context, stacks)
    if found is None:
        return None
    event, layers, count = found
    return _words(stacks[0].width or 0, count, layers), code(event.at)


def joined_before(context: Context, module: ModuleRecord, stacks: list[Stack]) -> list[str]:
    """The states of several layers that a module behind them reads side by side; nothing where it reads one."""
    call, found = first_call(context.trace, module), _found(context, stacks)
    if call is None or found is None or not call.inputs:
        return []
    event, layers, count = found
    if event.index > call.index or (call.inputs[0].shape or (0,))[-1] != count * (stacks[0].width or 0):
        return []
    numbers = ", ".join(f"{layer:,}" for layer in layers)
    return [f"{count} × {stacks[0].width:,}: {_others(count - len(layers), ', ')}layers {numbers}"]


def _found(context: Context, stacks: list[Stack]) -> tuple[Event, list[int], int] | None:
    """The step that joins states, the layers that give them, and how many they are."""
    width = stacks[0].width
    given = _given(context, stacks)
    made = {value.id: event for event in context.trace.outline if event.kind == "op" for value in event.outputs}
    for event in context.trace.outline:
        if event.kind != "op" or event.name != "cat" or not event.outputs or not event.outputs[0].shape:
            continue
        leaves = list(_leaves(event, made, set()))
        layers = [given[value.id] for value in leaves if value.id in given]
        alike = all(value.shape and value.shape[-1] == width for value in leaves)
        if layers and alike and len(leaves) > 1 and len(leaves) * (width or 0) == event.outputs[0].shape[-1]:
            return event, layers, len(leaves)
    return None


def _given(context: Context, stacks: list[Stack]) -> dict[int, int]:
    """The states that the layers of the longest stack give, by their identity, with the number of the layer."""
    stack = max(stacks, key=lambda each: len(each.layers))
    calls = [context.trace.call(layer.path) for layer in stack.layers]
    found = {call.inputs[0].id: index - 1 for index, call in enumerate(calls) if index and call and call.inputs}
    return found | {call.outputs[0].id: index for index, call in enumerate(calls) if call and call.outputs}


def _leaves(event: Event, made: dict[int, Event], seen: set[int]) -> Iterator[ValueRef]:
    """What is joined, followed through joins and other shapes of the same numbers."""
    for value in event.inputs:
        before = made.get(value.id)
        if before is not None and before.index not in seen and before.name in (*_PASSED, *_JOINS):
            yield from _leaves(before, made, seen | {before.index})
        else:
            yield value


def _words(width: int, count: int, layers: list[int]) -> str:
    *many, last = [f"{layer:,}" for layer in layers]
    which = f"layers {', '.join(many)} and {last}" if many else f"layer {last}"
    others = _others(count - len(layers), " and ")
    return f"{count} × {width:,} = {count * width:,}: {others}what {which} give{'' if many else 's'}"


def _others(rest: int, then: str) -> str:
    """The states that are no layer's own."""
    return "" if not rest else f"the last{then}" if rest == 1 else f"{rest} others{then}"
