"""What one token leaves in the cache of keys and values, from the heads, widths and windows that the Architecture states."""

from __future__ import annotations

import re
from collections.abc import Iterator

from archviz.architecture.model import Architecture, BlockGraph, LayerKind, LayerStack
from archviz.figure.attention_ports import before, with_port_names
from archviz.records import record

_BYTES = 2  # of a number in bf16
_STATES = ("linear_attention", "state_space", "recurrent", "convolution_mixer")
_BOUNDED = ("window ", "chunked window ")  # how details of an attention begin that looks no further
_CROSS = "cross_attention"


@record(frozen=True)
class Entry:
    """Numbers that one layer keeps for a token: within its window, and for as long as the sequence lasts."""

    inside: float
    lasting: float


def cache_per_token(architecture: Architecture, stack: LayerStack) -> tuple[float, float] | None:
    """Bytes of keys and values in bf16 for one token: within all windows, and beyond them; None where it is not known.

    The same as `per_token` of `archviz memory`, which reads it off the caches of two passes: keys of an indexer are not counted, values
    that are the projected keys once, and of latent attention (MLA) the latents with their rotated part.
    """
    found = [(kind, _entry(architecture, kind)) for kind in stack.kinds]
    if not found or any(entry is None for _, entry in found):
        return None
    runs = (stack.runs or stack.count) // stack.count
    counted = [(kind.count * runs, entry) for kind, entry in found if entry is not None]
    inside, lasting = (
        _BYTES * sum(times * size for times, size in sizes)
        for sizes in zip(*([(times, each.inside), (times, each.lasting)] for times, each in counted), strict=True)
    )
    return (inside, lasting) if inside else None


def _entry(architecture: Architecture, kind: LayerKind) -> Entry | None:
    graph = architecture.block(kind.block)
    roles = {node.role for node in graph.nodes} if graph else set()
    if graph is None or "recurrent" in roles:
        return None
    if "attention" not in roles or kind.mixer_kind == _CROSS:
        return Entry(0.0, 0.0)
    size = _width(architecture, kind)
    if size is None:
        return None
    pooled = re.match(r"(\d+) positions", str(_of(architecture, "attention_compression", kind)))
    entries = size / int(pooled[1]) if pooled else 0.0
    details = [line for node in graph.nodes if node.role == "attention" for line in node.details]
    bounded = any(line.startswith(_BOUNDED) for line in details)
    return Entry(size + entries, (0.0 if bounded else size) + entries)


def _width(architecture: Architecture, kind: LayerKind) -> int | None:
    """Numbers of the keys and values of one token in one layer."""
    rank, rotated = _of(architecture, "kv_rank", kind), _of(architecture, "rope_dimensions", kind)
    if isinstance(rank, int):
        return rank + rotated if isinstance(rotated, int) else None
    heads, width = _of(architecture, "kv_heads", kind), _of(architecture, "head_dim", kind)
    if not isinstance(heads, int) or not isinstance(width, int):
        return None
    value = _of(architecture, "value_head_dim", kind)
    inside = architecture.block(kind.mixer) if kind.mixer else None
    shared = inside is not None and _is_shared(inside)
    return heads * (width if shared else width + (value if isinstance(value, int) else width))


def _of(architecture: Architecture, key: str, kind: LayerKind) -> object:
    """What a fact states of a kind of layer."""
    fact = architecture.fact(key)
    if fact is None or not isinstance(fact.value, dict):
        return fact.value if fact else None
    return fact.value.get(kind.mixer_kind or kind.id, fact.value.get(kind.id))


def _is_shared(graph: BlockGraph) -> bool:
    """Whether the values are the projected keys."""
    ports = {edge.label: edge.source for edge in with_port_names(graph).edges if edge.label in ("k", "v", "k, v")}
    if "k, v" in ports:
        return True
    if "k" not in ports or "v" not in ports:
        into = {
            edge.source
            for node in graph.nodes
            if node.role == "attention_core"
            for edge in graph.edges
            if edge.target == node.id
        }
        return len(into) == 2 and "split" not in {node.role for node in graph.nodes}
    keys, values = set(_projections(graph, ports["k"])), set(_projections(graph, ports["v"]))
    return keys == values and "split" not in keys


def _projections(graph: BlockGraph, name: str) -> Iterator[str]:
    """The projections that a tensor comes from, and `split` where it is a part of one."""
    for node, role in before(graph, name, ("projection",)):
        if role == "projection":
            yield node
        elif role == "split":
            yield "split"
