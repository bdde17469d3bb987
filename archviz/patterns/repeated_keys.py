"""How often the keys of an attention are repeated before they meet the queries: `repeat_interleave`, `expand`, `repeat_kv`."""

from __future__ import annotations

from math import prod

from archviz.interpreter.reading import Event, ValueRef
from archviz.patterns.op_families import PLUMBING, canonical, writes_in_place
from archviz.patterns.trace import Trace

_LONG = 60
_ENDS = frozenset({"split", "chunk", "unbind", "slice", "getitem", "narrow", "select", "linear", "matmul", "bmm", "einsum"})


def repeats(trace: Trace, call: Event, keys: ValueRef) -> int:
    """How many query heads share each key: elements of the keys as they are used, for each element that was projected or cut off.

    A step that makes more of them, such as a joint with cached keys, ends the way back.
    """
    makers: dict[int, Event] = {}
    for event in trace.inside(call):
        if event.kind != "call" and not writes_in_place(event.name):
            makers.update((value.id, event) for value in event.outputs if all(value.id != v.id for v in event.inputs))
    used, least, value = _count(keys), _count(keys), keys
    for _ in range(_LONG):
        event = makers.get(value.id)
        name = canonical(event.name) if event is not None else ""
        data = [each for each in event.inputs if trace.carries(each)] if event is not None else []
        if event is None or not data or name in _ENDS:
            break
        value = data[0] if len(data) == 1 else _same_place(event, value, data)
        before = _count(value)
        if name not in PLUMBING and before != least:
            break
        least = min(least, before) if before else least
    return used // least if least and used % least == 0 else 1


def _same_place(event: Event, value: ValueRef, data: list[ValueRef]) -> ValueRef:
    """Of several tensors that a step works on, such as a rotation of queries and keys, the one that stands where its result does."""
    place = next((at for at, made in enumerate(event.outputs) if made.id == value.id), 0)
    return data[place] if len(event.outputs) == len(data) else data[0]


def _count(value: ValueRef) -> int:
    return prod(size or 0 for size in value.shape or (0,))
