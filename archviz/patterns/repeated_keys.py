"""How often the keys of an attention are repeated before they meet the queries: `repeat_interleave`, `expand`, `repeat_kv`."""

from __future__ import annotations

from math import prod

from archviz.interpreter.reading import Event, ValueRef
from archviz.patterns.makers import makers
from archviz.patterns.op_families import PLUMBING, canonical, writes_in_place
from archviz.patterns.trace import Trace

_LONG = 60
_ENDS = frozenset({"linear", "matmul", "bmm", "addmm", "einsum"})


def repeats(trace: Trace, call: Event, keys: ValueRef) -> int:
    """How many query heads share each key: by how much the elements grow in number on the way from their projection.

    Moves alone make more of them; a join, such as that of a rotated part with the rest, puts different ones together.
    """
    made = makers(event for event in trace.inside(call) if event.kind == "op" and not writes_in_place(event.name))
    value, times = keys, 1
    for _ in range(_LONG):
        maker = made.get(value.id)
        source = next((each for each in maker.inputs if trace.carries(each)), None) if maker is not None else None
        if maker is None or source is None or canonical(maker.name) in _ENDS:
            break
        before, after = _count(source), _count(value)
        if canonical(maker.name) in PLUMBING and before and after > before and after % before == 0:
            times *= after // before
        value = source
    return times


def _count(value: ValueRef) -> int:
    return prod(size or 0 for size in value.shape or (0,))
