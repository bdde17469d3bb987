"""Names of tensors that one projection gives together with others: `qkv_proj (part 1 of 3)`, `query_key_value ([..., 0, :])`."""

from __future__ import annotations

from collections.abc import Sequence

from archviz.interpreter.reading import ValueRef
from archviz.patterns.origins import Origins, shown


def named_apart(origins: Origins, names: Sequence[str], values: Sequence[ValueRef]) -> list[str]:
    """The names of tensors, with the part of the projection where several are different parts of one.

    Args:
        origins: The way back inside the call that the values stand in.
        names: The projection of each value, as it is told where it gives that alone.
    """
    parts = {
        name: [origins.of(value).get(name) for other, value in zip(names, values, strict=True) if other == name]
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    }
    fused = {name for name, found in parts.items() if None not in found and len(set(found)) > 1}
    return [shown(name, parts[name].pop(0)) if name in fused else name for name in names]


def projection_of(tensor: str) -> str:
    """The projection that a tensor is told to come from, without the part of it.

    >>> projection_of("attn.qkv ([..., :-2, :])")
    'attn.qkv'
    """
    return tensor.partition(" (")[0]


def is_fused(tensor: str) -> bool:
    """Whether a tensor is a part of what its projection gives, or its projection gives queries, keys and values in one."""
    return " (" in tensor or "qkv" in tensor.lower()
