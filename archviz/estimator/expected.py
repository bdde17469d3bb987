"""Numbers that a layer class has to give for a model: shapes, parameters, operations, shards, bytes."""

from __future__ import annotations

import math

from archviz.estimator.parallelism import (
    TENSOR_SIZES,
    Strategy,
    kv_bytes,
    shard,
    state_elements,
    strategies,
    tensor_splits,
)
from archviz.estimator.pieces import Piece
from archviz.records import record

CONTEXT = 4_096
_ADDED = ("bias", "position_embedding", "positional_embedding", ".ape")
BATCH, TOKENS = 2, 16


@record(frozen=True)
class Expected:
    """What one layer of a piece costs.

    Args:
        flops: Of its matrices and its recurrence for one token; `attention_flops` of scores and weighted values over `CONTEXT`
            positions.
        shards: Devices → parameters on one of them; None where a tensor does not divide evenly.
    """

    parameters: int
    flops: int
    attention_flops: int
    weight_bytes: int
    kv_bytes: int | None
    shards: dict[int, int | None]
    strategies: list[Strategy]


def expected_numbers(piece: Piece) -> Expected:
    """The numbers of one layer: parameters from its tensors, 2 operations for each weight that a token meets."""
    splits = tensor_splits(piece)
    shards: dict[int, int | None] = {}
    for devices in TENSOR_SIZES:
        held = [shard(split, devices) for split in splits]
        shards[devices] = None if None in held else sum(each or 0 for each in held)
    count = sum(tensor.numel for tensor in piece.tensors)
    return Expected(
        count, _matrix_flops(piece) + _recurrence_flops(piece), _attention_flops(piece), 2 * count, kv_bytes(piece), shards, list(strategies(piece)),
    )  # fmt: skip


def _matrix_flops(piece: Piece) -> int:
    """2 for each weight of a matrix that one token is multiplied with; of experts the chosen ones; a table is looked up."""
    if piece.kind in ("embedding", "position_embedding"):
        return 0
    experts, top_k = piece.specs.get("num_experts"), piece.specs.get("top_k")
    total = 0
    for tensor in piece.tensors:
        if len(tensor.shape) < 2 or _is_looked_up(piece, tensor.shape) or tensor.name.endswith(_ADDED):
            continue  # tables are looked up, biases added
        if (
            len(tensor.shape) == 3
            and tensor.shape[0] == experts
            and isinstance(top_k, int)
            and isinstance(experts, int)
        ):
            total += 2 * tensor.numel * top_k // experts
        else:
            total += 2 * tensor.numel
    return total


def _recurrence_flops(piece: Piece) -> int:
    """A state is read, written and read out for each token: three products of the delta rule, two of a state-space model."""
    products = {"gated_deltanet": 3, "kda": 3, "mamba2": 2}.get(piece.kind, 0)
    return 2 * products * (state_elements(piece) or 0)


def _is_looked_up(piece: Piece, shape: tuple[int | None, ...]) -> bool:
    return bool(piece.specs.get("hash_routed")) and shape[-1] == piece.specs.get("top_k")


def _attention_flops(piece: Piece) -> int:
    """Scores and weighted values of one new token over the positions that it sees."""
    specs = piece.specs
    heads, width = specs.get("num_heads"), specs.get("head_dim")
    if piece.kind not in ("attention", "mla") or not isinstance(heads, int) or not isinstance(width, int):
        return 0
    value = specs.get("v_head_dim")
    window = specs.get("sliding_window") or specs.get("attention_chunk_size")
    seen = min(CONTEXT, window) if isinstance(window, int) else CONTEXT
    return 2 * heads * (width + (value if isinstance(value, int) else width)) * seen


def output_shape(piece: Piece) -> list[int] | None:
    """Shape of the output for `BATCH` × `TOKENS` positions; None where it is not one vector a position."""
    width = piece.specs.get("output_dim")
    return [BATCH, TOKENS, width] if isinstance(width, int) else None


def moved(strategy: Strategy, devices: int, tokens: int) -> int | None:
    """Bytes that one device sends for some tokens and one layer; None where that depends on the run."""
    factors = {
        "2 (N − 1) ∕ N": 2 * (devices - 1) / devices, "(N − 1) ∕ N": (devices - 1) / devices, "0": 0.0,
        "(N − 1) ∕ N, when experts are chosen evenly": (devices - 1) / devices, "1 for each border between stages": 1.0,
    }  # fmt: skip
    factor = factors.get(strategy.factor)
    if factor is None or strategy.bytes_per_token is None:
        return None
    return math.ceil(tokens * strategy.bytes_per_token * factor)
