"""How a kind of layer is spread over devices: which tensors split how, what is sent, how many bytes that is for this model.

A projection that reads the layer's input splits by columns (its output is spread over devices), one that writes the layer's
output by rows (its results are added over devices): one all-reduce a layer. That is read off the tensors' shapes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from archviz.estimator.axis_parts import AxisPart, axis_parts, share_of
from archviz.estimator.pieces import Piece
from archviz.records import record, replace

TENSOR_SIZES = (2, 4, 8)
BYTES = 2  # activations in bf16
_RECURRENT = ("gated_deltanet", "kda", "mamba2", "mamba", "lightning_attention")


@record(frozen=True)
class Split:
    """How tensor parallelism treats a tensor: `columns`, `rows`, `experts` or `whole` (each device has all of it).

    Args:
        axis: Along which it splits.
        parts: What that axis is made of; empty where it is cut anywhere.
    """

    tensor: str
    shape: tuple[int | None, ...]
    how: str
    axis: int = 0
    parts: tuple[AxisPart, ...] = ()


class Factor(NamedTuple):
    """What the bytes of a token are multiplied by on N devices: in words, and as a function; None where that depends on the run."""

    text: str
    of: Callable[[int], float] | None = None


_AROUND = Factor("2 (N − 1) ∕ N", lambda devices: 2 * (devices - 1) / devices)
_NOTHING = Factor("0", lambda devices: 0.0)
_BORDER = Factor("once for each border, not for each token")
_ONCE = Factor("(N − 1) ∕ N", lambda devices: (devices - 1) / devices)


@record(frozen=True)
class Strategy:
    """One way to spread a layer.

    Args:
        name: Tensor, expert, pipeline or sequence parallelism.
        splits: What each device holds.
        sends: What is communicated.
        bytes_per_token: Bytes a device sends for one token and one layer in bf16, before the factor in `factor`.
        factor: What the bytes are multiplied by on N devices.
        at_border: Bytes a device sends once, to the device that has the positions after its own, however many tokens it has.
    """

    name: str
    splits: str
    sends: str
    bytes_per_token: int | None
    factor: Factor
    at_border: int | None = None


def tensor_splits(piece: Piece) -> list[Split]:
    """How each tensor of a piece splits under tensor parallelism."""
    width = _integer(piece.specs.get("hidden_size")) or _integer(piece.specs.get("input_dim"))
    found: dict[str, Split] = {}
    for tensor in piece.tensors:
        turned = tensor.name in piece.transposed
        how = _split(piece, tensor.name, tensor.shape[::-1] if turned else tensor.shape, width)
        weight = found.get(tensor.name.removesuffix("bias") + "weight")
        if tensor.name.endswith("bias") and weight is not None:
            how = "columns" if weight.how == "columns" else "whole"
        inner = how == "experts" and tensor.shape[1] == width and tensor.shape[2] != width
        second = how == "experts" or (how == "rows" and piece.kind != "embedding")
        axis = 2 if inner else int(second is not turned)
        cut = how in ("columns", "rows")
        parts = axis_parts(piece, tensor.name, tensor.shape[axis], writes=how == "columns") if cut else ()
        if how == "columns" and parts and all(part.heads == 1 for part in parts):
            how, parts = "whole", ()  # the one head of keys and values serves the queries of every device
        found[tensor.name] = Split(tensor.name, tensor.shape, how, axis, parts)
    return _closed(piece, list(found.values()))


def _closed(piece: Piece, splits: list[Split]) -> list[Split]:
    """Of projections in a row all of which would split by columns, the last splits by rows: it reads what an earlier one spread."""
    matrices = [split for split in splits if len(split.shape) == 2 and not split.tensor.endswith("bias")]
    if len(matrices) < 2 or any(split.how in ("rows", "experts") for split in splits):
        return splits
    last = matrices[-1]
    spread = {split.shape[0] for split in matrices[:-1] if split.how == "columns"}
    if last.shape[0] != piece.specs.get("output_dim") or last.shape[1] not in spread:
        return splits
    bias = last.tensor.removesuffix("weight") + "bias"
    return [
        replace(each, how="rows", axis=1, parts=()) if each is last else replace(each, how="whole", parts=()) if each.tensor == bias else each
        for each in splits
    ]  # fmt: skip


def is_fused(piece: Piece, split: Split) -> bool:
    """Whether a tensor that splits by columns writes several things side by side: queries, keys and values, or a gate beside what it gates."""
    names = split.tensor.split(".")[-2:]
    several = any(
        name == "in_proj" or (name.startswith("in_proj_") and len(name) > len("in_proj_z"))  # `in_proj_qkvz`; `in_proj_z` is one part
        or any(word in name for word in ("qkv", "gate_up", "c_attn", "query_key_value"))
        for name in names
    )  # fmt: skip
    inner = "conv1d" in names and any("in_proj" in tensor.name for tensor in piece.tensors)
    return split.how == "columns" and len(split.shape) > 1 and (several or inner)


def _expert_rows(piece: Piece) -> set[int]:
    """Leading axes of stacked experts: with or without rows for zero experts."""
    experts = _integer(piece.specs.get("num_experts"))
    return {experts, experts + (_integer(piece.specs.get("zero_experts")) or 0)} if experts else set()


def _split(piece: Piece, name: str, shape: tuple[int | None, ...], width: int | None) -> str:
    """How a tensor of this shape, outputs first, splits."""
    if piece.kind in ("embedding", "lm_head") and len(shape) == 2:
        return "rows" if piece.kind == "embedding" else "columns"
    if piece.kind in ("moe_router", "position_embedding") or "streams" in piece.specs:
        return "whole"  # small, and every device needs all of its result
    if len(shape) < 2:
        per_head = {piece.specs.get(key) for key in ("value_heads", "num_heads")} - {None, 1}
        per_channel = {piece.specs.get("width")} - {None} if piece.kind == "mamba" else set()
        return "columns" if shape and shape[0] in per_head | per_channel and "norm" not in name else "whole"
    if len(shape) == 3 and shape[0] in _expert_rows(piece):
        return "experts"
    if "num_heads" in piece.specs and any(name.startswith(f"{path}.") for path in _nested(piece)):
        return "whole"  # what compresses keys or chooses positions serves all heads
    out, into = shape[0], shape[1]
    if len(shape) > 2:
        return "columns" if into == 1 else "whole"  # a depthwise convolution works on each channel alone
    if _reads_channels(piece, shape):
        return "rows"
    if into == width and (out != width or not _writes(name)):
        return "columns" if (out or 0) > 1 and not _is_latent(name) else "whole"
    return "rows" if out == width else "columns"  # or from a latent vector to heads


def _reads_channels(piece: Piece, shape: Sequence[int | None]) -> bool:
    """Whether a projection of Mamba reads the channels, which are spread, to make what all of them need (step, B and C)."""
    return piece.kind == "mamba" and shape[1] == piece.specs.get("width") and shape[0] != piece.specs.get("output_dim")


def _nested(piece: Piece) -> set[str]:
    """Modules of an attention that hold several tensors of their own modules: a compressor, an indexer."""
    found: dict[str, set[str]] = {}
    for tensor in piece.tensors:
        root = next((path for path in piece.modules if tensor.name.startswith(f"{path}.")), "")
        names = tensor.name[len(root) + 1 :].split(".")
        if len(names) > 2:
            found.setdefault(f"{root}.{names[0]}", set()).add(names[1])
    return {path for path, inner in found.items() if len(inner) > 1}


def _writes(name: str) -> bool:
    words = name.split(".")[-2:]
    return any(
        w in ("o_proj", "out_proj", "down_proj", "dense", "c_proj", "wo", "fc2", "w2", "proj", "o_b_proj")
        for w in words
    )


def _is_latent(name: str) -> bool:
    """A projection to a latent vector that every head reads: it is not split by heads."""
    return any(w in name for w in ("q_a_proj", "kv_a_proj", "wq_a", "q_down", "kv_down"))


def strategies(
    piece: Piece, kv_bytes: int | None, state_bytes: int | None, *, compresses: bool = False
) -> Iterator[Strategy]:
    """Tensor, expert, pipeline and sequence parallelism as far as they apply.

    Args:
        kv_bytes: Bytes of keys and values that one token leaves in a layer; `state_bytes` of a sequence's recurrent state.
        compresses: What is kept for some tokens is compressed to one entry.
    """
    width = _integer(piece.specs.get("output_dim"))
    splits = tensor_splits(piece)
    out = None if width is None else width * BYTES
    yield _tensor_parallel(piece, splits, out)
    experts, top_k = _integer(piece.specs.get("num_experts")), _integer(piece.specs.get("top_k"))
    if experts and piece.kind in ("moe", "moe_experts", "moe_router"):
        hidden = _integer(piece.specs.get("hidden_size"))
        volume = 2 * top_k * hidden * BYTES if top_k and hidden and piece.kind != "moe_router" else 0
        yield Strategy(
            "Expert parallelism",
            f"{experts} experts over N devices, {experts} ∕ N each; the router is on every device",
            "all-to-all to the devices of the chosen experts, and back" if volume else "nothing: every device routes its own tokens",
            volume, Factor("(N − 1) ∕ N, when experts are chosen evenly", _ONCE.of),
        )  # fmt: skip
    held = f"{piece.count} of them over N stages by whole layers" if piece.stack else "one stage has it"
    stream = piece.stream or _integer(piece.specs.get("hidden_size")) or width
    yield Strategy(
        "Pipeline parallelism", f"{held}; no tensor is split",
        "the hidden state from one stage to the next", stream * BYTES if stream else None, Factor("1 for each border between stages", lambda devices: 1.0),
    )  # fmt: skip
    yield _sequence_parallel(piece, out, kv_bytes, state_bytes, compresses=compresses)


def _tensor_parallel(piece: Piece, found: Sequence[Split], out: int | None) -> Strategy:
    sizes = {split.how for split in found}
    held = {
        "columns": "columns of what reads the input", "rows": "rows of what writes the output", "experts": "a slice of each expert",
        "whole": "the whole of the small ones",
    }  # fmt: skip
    splits = ", ".join(held[how] for how in ("columns", "rows", "experts", "whole") if how in sizes) or "nothing"
    if piece.kind == "lm_head":
        return Strategy("Tensor parallelism", "the vocabulary over N devices", "all-gather of the logits", out, _ONCE)
    inner = [each for each in found if len(each.shape) == 2 and _reads_channels(piece, each.shape)]
    if inner and out is not None:
        more = ", ".join(f"`{each.tensor.split('.')[-2]}`" for each in inner)
        volume = out + BYTES * sum(each.shape[0] or 0 for each in inner)
        return Strategy(
            "Tensor parallelism", splits, f"all-reduces of what {more} gives and of the output", volume, _AROUND
        )
    if sizes & {"rows", "experts"}:
        return Strategy("Tensor parallelism", splits, "one all-reduce of the output", out, _AROUND)
    if "columns" in sizes:
        return Strategy("Tensor parallelism", splits, "all-gather of the output", out, _ONCE)
    return Strategy("Tensor parallelism", splits, "nothing: every device computes it", 0, _NOTHING)


def _sequence_parallel(
    piece: Piece, out: int | None, kv_bytes: int | None, state_bytes: int | None, *, compresses: bool
) -> Strategy:
    """T ∕ N positions on each device: what a layer needs of the positions that other devices have."""
    window = _integer(piece.specs.get("sliding_window"))
    if kv_bytes is not None and window is not None:
        sends = f"keys and values of the {window - 1:,} positions before the first of each part"
        return _sequence("a window reaches into the part before", sends, at_border=kv_bytes * (window - 1))
    if kv_bytes is not None:
        return _sequence(
            "keys and values go round (ring attention)", "keys and values of the other positions", kv_bytes,
            Factor("(N − 1) for the token's own keys and values", lambda devices: devices - 1.0),
        )  # fmt: skip
    if compresses:
        return _sequence(
            "what is kept of keys and values goes round", "the kept part of the other positions, which is compressed", None,
            Factor("depends on the compression and on the window"),
        )  # fmt: skip
    if piece.kind in _RECURRENT and not state_bytes:
        return _sequence("one after the other", "its state at the end of each part, whose size is not known")
    if state_bytes:
        sends = "the recurrent state and that of the convolution at the end of each part"
        return _sequence("one after the other", sends, at_border=state_bytes)
    if piece.kind == "cross_attention":
        sends = "keys and values of the other sequence, where each device has a part of them"
        return _sequence("each needs all of the other sequence", sends, None, Factor("depends on the other sequence"))
    if "num_kv_heads" in piece.specs:
        sends = "keys and values of the other positions"
        return _sequence("keys and values go round (ring attention)", sends, None, Factor("depends on the run"))
    if (reach := _reach(piece)) is not None:
        return _sequence(
            "a window reaches into the part before", "the positions under both parts' windows", at_border=reach
        )
    if {split.how for split in tensor_splits(piece)} & {"rows", "experts"}:
        sends = "nothing by itself; beside tensor parallelism reduce-scatter and all-gather in place of the all-reduce"
        return _sequence(
            "it works on each position alone",
            sends,
            out,
            Factor("2 (N − 1) ∕ N in place of the all-reduce", _AROUND.of),
        )
    return _sequence("it works on each position alone", "nothing", 0, _NOTHING)


def _sequence(
    how: str, sends: str, bytes_per_token: int | None = None, factor: Factor = _BORDER, *, at_border: int | None = None
) -> Strategy:
    splits = f"T ∕ N positions on each device; {how}"
    return Strategy("Sequence parallelism", splits, sends, bytes_per_token, factor, at_border)


def _reach(piece: Piece) -> int | None:
    """Bytes of the positions that the window of a convolution has beyond its stride; None where it sees each position alone."""
    kernel, stride, channels = (piece.specs.get(key) for key in ("kernel_size", "stride", "in_channels"))
    if isinstance(kernel, list) and isinstance(stride, list):  # windows of several axes that touch share no position
        beyond = [max(size - step, 0) for size, step in zip(kernel, stride, strict=True)]
        known = len(beyond) == 1 and isinstance(channels, int)
        return beyond[0] * int(str(channels)) * BYTES or None if known else None
    if piece.kind != "short_convolution":
        return None
    long, width = _integer(piece.specs.get("kernel")), _integer(piece.specs.get("hidden_size"))
    return (long - 1) * width * BYTES or None if long and width else None


def shard(split: Split, devices: int) -> int | None:
    """Elements of a tensor on one of N devices; None where it does not divide evenly."""
    total = math.prod(size or 0 for size in split.shape)
    if split.how == "whole":
        return total
    size = split.shape[split.axis]
    if not size:
        return None
    share = share_of(split.parts or (AxisPart(size),), devices)
    return None if share is None else total // size * share


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
