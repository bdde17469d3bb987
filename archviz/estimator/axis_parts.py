"""What an axis that tensor parallelism cuts is made of: heads, groups that serve several heads, or several things side by side.

A head is not cut, and what has fewer heads or groups than there are devices is copied.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from archviz.estimator.pieces import Piece


class AxisPart(NamedTuple):
    """Neighbouring places of an axis that are cut together.

    Args:
        size: How many places; `heads` of how many heads or groups they are, None where they are cut anywhere.
    """

    size: int
    heads: int | None = None

    def share(self, devices: int) -> int | None:
        """Places on one of N devices; None where they do not divide evenly."""
        cuts = self.heads or self.size
        if cuts % devices == 0:
            return self.size // devices
        return self.size // cuts if self.heads and devices % cuts == 0 else None


def axis_parts(piece: Piece, tensor: str, size: int | None, *, writes: bool) -> tuple[AxisPart, ...]:
    """The parts of an axis of a tensor.

    Args:
        writes: The axis is what the projection gives, where queries stand beside fewer keys and values.
    """
    if not size:
        return ()
    if writes and (several := _grouped_states(piece, tensor, size) or _fused_heads(piece, tensor, size)):
        return several
    return (AxisPart(size, _heads(piece, size, writes=writes)),)


def share_of(parts: Sequence[AxisPart], devices: int) -> int | None:
    """Places of an axis on one of N devices; None where a part does not divide evenly."""
    shares = [part.share(devices) for part in parts]
    return None if None in shares else sum(each or 0 for each in shares)


def _grouped_states(piece: Piece, tensor: str, size: int) -> tuple[AxisPart, ...]:
    """What Mamba-2 reads its input into: gate and values by heads, B and C by groups that serve several heads, and a step for each head."""
    heads, groups, state, width = (_integer(piece.specs.get(key)) for key in ("num_heads", "groups", "state", "width"))
    if piece.kind != "mamba2" or not heads or not groups or not state or not width:
        return ()
    shared = AxisPart(2 * groups * state, groups)
    if size == width + shared.size and ".conv1d." in tensor:
        return AxisPart(width, heads), shared
    if size == 2 * width + shared.size + heads:
        return AxisPart(2 * width, heads), shared, AxisPart(heads, heads)
    return ()


def _fused_heads(piece: Piece, tensor: str, size: int) -> tuple[AxisPart, ...]:
    """Queries, with or without their gate, beside fewer keys and values; or those keys and values in one."""
    heads, shared = _integer(piece.specs.get("num_heads")), _integer(piece.specs.get("num_kv_heads"))
    width, value = _widths(piece)
    if not heads or not shared or not width or not value or shared >= heads:
        return ()
    queries, keys, values = heads * width, AxisPart(shared * width, shared), AxisPart(shared * value, shared)
    beside = size - keys.size - values.size
    if beside in (queries, 2 * queries):
        return AxisPart(beside, heads), keys, values
    return (keys, values) if beside == 0 and "kv" in tensor.replace("qkv", "") else ()


def _heads(piece: Piece, size: int, *, writes: bool) -> int | None:
    """How many heads an axis is made of: those of queries or of keys and values; None where it is not made of heads."""
    heads, shared = _integer(piece.specs.get("num_heads")), _integer(piece.specs.get("num_kv_heads"))
    width, value = _widths(piece)
    if not heads or not shared or not width or not value:
        return None
    if size in (shared * width, shared * value) and writes:
        return shared
    return heads if size % heads == 0 else None


def _widths(piece: Piece) -> tuple[int | None, int | None]:
    """Of a head of queries and keys, and of one of values."""
    width = _integer(piece.specs.get("head_dim"))
    return width, _integer(piece.specs.get("v_head_dim")) or width


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
