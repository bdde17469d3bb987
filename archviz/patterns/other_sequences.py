"""Cross-attention: keys of another sequence than the queries', no piece of the same one and no other mix of it."""

from __future__ import annotations

import re
from itertools import islice

from archviz.interpreter.reading import Event, ModuleRecord
from archviz.patterns.op_families import PLUMBING, canonical
from archviz.patterns.trace import Trace

_CUTS = ("slice", "getitem", "narrow", "split", "chunk", "contiguous", "to")
_POOLS = ("avg_pool1d", "avg_pool2d", "max_pool1d", "max_pool2d", "mean", "cat", "slice", "getitem")
_NEAR = 40  # steps before a call in which its inputs are cut


def reads_another_sequence(module: ModuleRecord, projections: dict[str, ModuleRecord], trace: Trace) -> bool:
    """Keys come from another sequence: the call reads a second stream of hidden states."""
    if module.attributes.get("is_cross_attention") is True:
        return True
    call = trace.call(module.path)
    if call is not None:
        streams = {v.id for v in call.inputs if trace.carries(v) and len(v.shape or ()) == 3 and _is_float(v.dtype)}
        named = re.search(
            r"cross|encoder_attn|encdec", (".".join(module.path.split(".")[-2:]) + module.class_name).lower()
        )
        if len(streams) > 1 and len({_whole(trace, call, stream) for stream in streams}) == 1:
            return False  # pieces of one sequence
        if len(streams) < 2 or named:
            return len(streams) > 1
        return _reads_keys_elsewhere(projections, call, streams, trace)
    return bool(re.search(r"cross_?att|encoder_attn|encdecatt", module.path.rpartition(".")[2].lower()))


def _whole(trace: Trace, call: Event, value: int) -> int:
    """The value that another one is cut off before a call."""
    for event in islice(trace.backwards(call), _NEAR):
        if event.kind == "op" and any(made.id == value for made in event.outputs) and event.inputs:
            if canonical(event.name) not in _CUTS:
                break
            value = event.inputs[0].id
    return value


def _reads_keys_elsewhere(projections: dict[str, ModuleRecord], call: Event, streams: set[int], trace: Trace) -> bool:
    """Whether keys are projected from one of the streams of a call, and queries from another alone."""
    ends = {name: found for name in ("q", "k") if (part := projections.get(name)) and (found := trace.call(part.path))}
    if len(ends) < 2 or not all(end.inputs and end.index > call.index for end in ends.values()):
        return False
    made = {stream: {stream} for stream in streams}
    for event in trace.inside(call):
        if event.index >= max(end.index for end in ends.values()):
            break
        for reached in made.values() if trace.is_leaf(event) else ():
            if not reached.isdisjoint([value.id for value in event.inputs]):
                reached.update([value.id for value in event.outputs])
    queries, keys = ({stream for stream, ids in made.items() if ends[name].inputs[0].id in ids} for name in ("q", "k"))
    if not queries or not keys or not queries.isdisjoint(keys):
        return False
    return not _have_one_origin(queries, keys, call, trace) and not _is_moved(trace, call, queries, keys)


def _have_one_origin(queries: set[int], keys: set[int], call: Event, trace: Trace) -> bool:
    """Whether keys are made of nothing but what queries are made of, in the layer around a call: two mixes of the same states."""
    layer = trace.parent(call)
    while layer is not None and layer.kind != "call":
        layer = trace.parent(layer)
    if layer is None:
        return False
    origins: dict[int, set[int]] = {value.id: {value.id} for value in layer.inputs if trace.carries(value)}
    for event in trace.inside(layer):
        if event.index >= call.index:
            break
        found = (
            set[int]().union(*(origins.get(value.id, ()) for value in event.inputs)) if trace.is_leaf(event) else set()
        )
        origins.update((value.id, found | origins.get(value.id, set())) for value in event.outputs if found)
    of_queries, of_keys = (set[int]().union(*(origins.get(each, {each}) for each in ids)) for ids in (queries, keys))
    return of_keys <= of_queries


def _is_moved(trace: Trace, call: Event, queries: set[int], keys: set[int]) -> bool:
    """Whether the queries' stream is the keys' own, pooled, cut or padded right before the call, and no other sequence."""
    steps = (event for event in trace.backwards(call) if event.kind == "op" and trace.is_leaf(event))
    wanted = set(queries)
    for event in islice(steps, _NEAR):
        if wanted.isdisjoint([value.id for value in event.outputs]):
            continue
        if canonical(event.name) not in (*PLUMBING, *_POOLS):
            return False
        read = {value.id for value in event.inputs if trace.carries(value)}
        if read & keys:
            return True
        wanted |= read
    return False


def _is_float(dtype: str | None) -> bool:
    return dtype is None or "float" in dtype
