"""How a kind of layer is spread over devices: which tensors split how, what is sent, how many bytes that is for this model.

A projection that reads the layer's input splits by columns (its output is spread over devices), one that writes the layer's
output by rows (its results are added over devices): one all-reduce a layer. That is read off the tensors' shapes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from archviz.estimator.pieces import Piece
from archviz.interpreter.reading import TensorRecord
from archviz.records import record

TENSOR_SIZES = (2, 4, 8)
BYTES = 2  # activations in bf16


@record(frozen=True)
class Split:
    """How tensor parallelism treats a tensor: `columns`, `rows`, `experts` or `whole` (each device has all of it)."""

    tensor: str
    shape: tuple[int | None, ...]
    how: str


@record(frozen=True)
class Strategy:
    """One way to spread a layer.

    Args:
        name: Tensor, expert, pipeline or sequence parallelism.
        splits: What each device holds.
        sends: What is communicated.
        bytes_per_token: Bytes a device sends for one token and one layer in bf16, before the factor in `factor`.
        factor: What the bytes are multiplied by on N devices.
    """

    name: str
    splits: str
    sends: str
    bytes_per_token: int | None
    factor: str


def tensor_splits(piece: Piece) -> list[Split]:
    """How each tensor of a piece splits under tensor parallelism."""
    width = _integer(piece.specs.get("hidden_size")) or _integer(piece.specs.get("input_dim"))
    return [Split(_short(piece, t), t.shape, _split(piece, t, width)) for t in piece.tensors]


def _split(piece: Piece, tensor: TensorRecord, width: int | None) -> str:
    if piece.kind in ("embedding", "lm_head") and len(tensor.shape) == 2:
        return "rows" if piece.kind == "embedding" else "columns"
    if piece.kind == "moe_router" or len(tensor.shape) < 2:
        return "whole"
    if len(tensor.shape) == 3 and tensor.shape[0] == piece.specs.get("num_experts"):
        return "experts"
    out, into = tensor.shape[0], tensor.shape[1]
    if len(tensor.shape) > 2 and into == 1:
        return "columns"  # a depthwise convolution works on each channel alone
    if len(tensor.shape) > 2:
        return "whole"
    if into == width and (out != width or not _writes(tensor.name)):
        return "columns" if (out or 0) > 1 and not _is_latent(tensor.name) else "whole"
    if out == width:
        return "rows"
    return "columns"  # from a latent vector to heads


def _writes(name: str) -> bool:
    words = name.split(".")[-2:]
    return any(w in ("o_proj", "out_proj", "down_proj", "dense", "c_proj", "wo", "fc2", "w2", "proj", "o_b_proj") for w in words)


def _is_latent(name: str) -> bool:
    """A projection to a latent vector that every head reads: it is not split by heads."""
    return any(w in name for w in ("q_a_proj", "kv_a_proj", "wq_a", "q_down", "kv_down"))


def strategies(piece: Piece) -> Iterator[Strategy]:
    """Tensor, expert, pipeline and sequence parallelism as far as they apply."""
    width = _integer(piece.specs.get("output_dim"))
    sizes = {split.how for split in tensor_splits(piece)}
    out = None if width is None else width * BYTES
    yield _tensor_parallel(piece, sizes, out)
    experts, top_k = _integer(piece.specs.get("num_experts")), _integer(piece.specs.get("top_k"))
    if experts and piece.kind in ("moe", "moe_experts", "moe_router"):
        hidden = _integer(piece.specs.get("hidden_size"))
        volume = 2 * top_k * hidden * BYTES if top_k and hidden and piece.kind != "moe_router" else 0
        yield Strategy(
            "Expert parallelism",
            f"{experts} experts over N devices, {experts} ∕ N each; the router is on every device",
            "all-to-all to the devices of the chosen experts, and back" if volume else "nothing: every device routes its own tokens",
            volume, "(N − 1) ∕ N, when experts are chosen evenly",
        )  # fmt: skip
    stream = _integer(piece.specs.get("hidden_size")) or width
    yield Strategy(
        "Pipeline parallelism", f"{piece.count} of them over N stages by whole layers; no tensor is split",
        "the hidden state from one stage to the next", stream * BYTES if stream else None, "1 for each border between stages",
    )  # fmt: skip
    yield _sequence_parallel(piece, out)


def _tensor_parallel(piece: Piece, sizes: set[str], out: int | None) -> Strategy:
    held = {
        "columns": "columns of what reads the input", "rows": "rows of what writes the output", "experts": "a slice of each expert",
        "whole": "the whole of the small ones",
    }  # fmt: skip
    splits = ", ".join(held[how] for how in ("columns", "rows", "experts", "whole") if how in sizes) or "nothing"
    if piece.kind == "lm_head":
        return Strategy("Tensor parallelism", "the vocabulary over N devices", "all-gather of the logits", out, "(N − 1) ∕ N")
    if sizes & {"rows", "experts"}:
        return Strategy("Tensor parallelism", splits, "one all-reduce of the output", out, "2 (N − 1) ∕ N")
    return Strategy("Tensor parallelism", splits, "nothing: every device computes it", 0, "0")


def _sequence_parallel(piece: Piece, out: int | None) -> Strategy:
    per_token = kv_bytes(piece)
    if per_token is not None:
        return Strategy(
            "Sequence parallelism", "T ∕ N positions on each device; keys and values go round (ring attention)",
            "keys and values of the other positions", per_token, "N − 1 for the token's own keys and values",
        )  # fmt: skip
    if "state" in piece.specs or "value_heads" in piece.specs or piece.kind in ("mamba", "mamba2", "kda"):
        return Strategy(
            "Sequence parallelism", "T ∕ N positions on each device, one after the other",
            "the recurrent state at the end of each part, once a part", None, "once for each border, not for each token",
        )  # fmt: skip
    return Strategy(
        "Sequence parallelism", "T ∕ N positions on each device; it works on each position alone",
        "nothing by itself; beside tensor parallelism reduce-scatter and all-gather in place of the all-reduce", out, "2 (N − 1) ∕ N in place of the all-reduce",
    )  # fmt: skip


def kv_bytes(piece: Piece) -> int | None:
    """Bytes of keys and values that one token leaves in one layer, in bf16; None for what keeps none or compresses them."""
    specs = piece.specs
    if specs.get("compress_rate") or specs.get("output_dim") is None:
        return None
    if piece.kind == "mla":
        latent, rope = _integer(specs.get("kv_lora_rank")), _integer(specs.get("qk_rope_head_dim"))
        return (latent + rope) * BYTES if latent and rope is not None else None
    heads, width = _integer(specs.get("num_kv_heads")), _integer(specs.get("head_dim"))
    if piece.kind != "attention" or not heads or not width or specs.get("q_lora_rank") and not specs.get("kv_lora_rank"):
        return None
    return heads * (width + (_integer(specs.get("v_head_dim")) or width)) * BYTES


def shard(split: Split, devices: int) -> int | None:
    """Elements of a tensor on one of N devices; None where it does not divide evenly."""
    total = math.prod(size or 0 for size in split.shape)
    if split.how == "whole":
        return total
    axis = {"columns": split.shape[0], "rows": split.shape[1] if len(split.shape) > 1 else 1, "experts": split.shape[1]}[split.how]
    return total // devices if axis and axis % devices == 0 else None


def _short(piece: Piece, tensor: TensorRecord) -> str:
    return tensor.name


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
