"""Numbers that a layer class has to give for a model: shapes, parameters, operations, shards, bytes."""

from __future__ import annotations

import math

from archviz.estimator.parallelism import TENSOR_SIZES, Strategy, shard, strategies, tensor_splits
from archviz.estimator.pieces import Piece
from archviz.numbers.cache_growth import CACHED, Kept
from archviz.numbers.layer_costs import LayerCosts
from archviz.records import record

CONTEXT = 4_096
BATCH, TOKENS = 2, 16


@record(frozen=True)
class Expected:
    """What one layer of a piece costs.

    Args:
        flops: Of its matrices and its recurrence for one token; `attention_flops` of products of tensors for one token of a prefill
            that sees `CONTEXT` positions: scores, weighted values, an indexer's scores.
        weight_bytes: In bf16.
        kv_bytes: Of keys and values that one token leaves, in bf16; None where it leaves none, or they are compressed.
        cache_bytes: Of all that later tokens read after `CONTEXT` positions, in bf16; None where nothing is kept for each token.
        state_bytes: Of the recurrent state of a sequence and of that of its convolution.
        shards: Devices → parameters on one of them; None where a tensor does not divide evenly.
        unknown: Why it is not known what is kept.
    """

    parameters: int
    flops: int
    attention_flops: int
    weight_bytes: int
    kv_bytes: int | None
    cache_bytes: int | None
    state_bytes: int | None
    shards: dict[int, int | None]
    strategies: list[Strategy]
    unknown: str | None = None


def expected_numbers(piece: Piece, costs: LayerCosts) -> Expected:
    """The numbers of one layer: parameters from its tensors, operations and bytes as the passes show them."""
    splits = tensor_splits(piece)
    shards: dict[int, int | None] = {}
    for devices in TENSOR_SIZES:
        held = [shard(split, devices) for split in splits]
        shards[devices] = None if None in held else sum(each or 0 for each in held)
    count = sum(tensor.numel for tensor in piece.tensors)
    kept = costs.kept(piece.modules)
    recurrent = [each for each in kept if each.name.startswith("recurrent_states")]
    state = (
        sum(each.constant * each.bits("bfloat16") for each in kept if each.role == "state") // 8 if recurrent else None
    )
    flops = _matrix_flops(piece, costs) + (costs.recurrence(piece.modules) if recurrent else 0)
    per_token = _per_token(kept)
    return Expected(
        count, flops, _attention_flops(piece, costs), 2 * count, per_token, _at_context(kept), state, shards,
        list(strategies(piece, per_token, state, compresses=any(each.rate > 1 for each in kept))),
        costs.missing if "num_kv_heads" in piece.specs else None,
    )  # fmt: skip


def _matrix_flops(piece: Piece, costs: LayerCosts) -> int:
    """2 for each weight that one token is multiplied with; of experts the chosen ones."""
    experts, zero = (n if isinstance(n := piece.specs.get(key), int) else 0 for key in ("num_experts", "zero_experts"))
    choices, top_k, total = experts + zero, piece.specs.get("top_k"), 0
    for tensor in piece.tensors:
        if not costs.is_multiplied(tensor.name, piece.modules):
            continue
        rows = tensor.shape[0] if len(tensor.shape) == 3 else None
        if rows and isinstance(top_k, int) and rows in (experts, choices):
            total += 2 * tensor.numel * top_k * experts // (rows * choices)
        else:
            total += 2 * tensor.numel
    return total


def _attention_flops(piece: Piece, costs: LayerCosts) -> int:
    """Products of tensors of one new token with the positions that it sees."""
    if "num_kv_heads" not in piece.specs:
        return 0
    window = piece.specs.get("sliding_window") or piece.specs.get("attention_chunk_size")
    return costs.products(piece.modules, CONTEXT, window if isinstance(window, int) else None) or 0


def _per_token(kept: tuple[Kept, ...]) -> int | None:
    """Bytes of keys and values that one token leaves, in bf16; values that are the projected keys once."""
    found = [each for each in kept if each.role in CACHED and each.slot and not each.again]
    if not found or any(each.rate > 1 for each in found):
        return None
    return sum(each.slot * each.bits("bfloat16") for each in found) // 8


def _at_context(kept: tuple[Kept, ...]) -> int | None:
    """Bytes that are kept after `CONTEXT` positions, in bf16, without keys of an indexer."""
    found = [each for each in kept if each.role in CACHED and not each.again]
    return sum(each.elements(CONTEXT) * each.bits("bfloat16") for each in found) // 8 or None


def output_shape(piece: Piece) -> list[int] | None:
    """Shape of the output for `BATCH` × `TOKENS` positions; None where it is not one vector a position."""
    width = piece.specs.get("output_dim")
    if not isinstance(width, int):
        return None
    kernel, stride, padding = (piece.specs.get(key) for key in ("kernel_size", "stride", "padding"))
    if stride is None:
        return [BATCH, TOKENS, width]
    if not all(isinstance(each, list) and len(each) == 1 for each in (kernel, stride, padding)):
        return None  # windows of several axes: not one vector a position
    return [BATCH, (TOKENS + 2 * padding[0] - kernel[0]) // stride[0] + 1, width]  # type: ignore[index]


def moved(strategy: Strategy, devices: int, tokens: int) -> int | None:
    """Bytes that one device sends for some tokens and one layer; None where that depends on the run."""
    if strategy.factor.of is None or strategy.bytes_per_token is None:
        return None
    return math.ceil(tokens * strategy.bytes_per_token * strategy.factor.of(devices))
