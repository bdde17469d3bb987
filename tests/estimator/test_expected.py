"""The numbers of a layer in a gap report are those that the passes of its model show."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from archviz.descriptions import described
from archviz.estimator.expected import CONTEXT, expected_numbers
from archviz.estimator.pieces import Piece, find_pieces
from archviz.numbers.memory import SAMPLED, Memory, find_memory
from archviz.readings import read_cached
from archviz.settings import Settings
from archviz.sources.model_source import read_model_source

SIZES = {
    "num_hidden_layers": 2,
    "hidden_size": 64,
    "num_attention_heads": 4,
    "intermediate_size": 96,
    "vocab_size": 128,
}
LATENT = {
    "first_k_dense_replace": 2, "num_key_value_heads": 4, "q_lora_rank": 24, "kv_lora_rank": 16, "qk_nope_head_dim": 12, "qk_rope_head_dim": 8,
    "v_head_dim": 10,
}  # fmt: skip
CONFIGS = {
    "attention": {"model_type": "qwen3", "num_key_value_heads": 2, "head_dim": 24},
    "sliding_attention": {
        "model_type": "mistral", "num_key_value_heads": 2, "head_dim": 16, "sliding_window": 32,
    },
    "mla": {"model_type": "deepseek_v3", **LATENT},
}  # fmt: skip


def read(folder: Path, **config: object) -> tuple[list[Piece], Memory]:
    path = folder / "config.json"
    path.write_text(json.dumps({**SIZES, **config}))
    settings = Settings(offline=True)
    source = read_model_source(str(path), settings)
    reading, passes = read_cached(source, SAMPLED, settings=settings)
    architecture = described(source, reading)
    return find_pieces(reading), find_memory(architecture, passes, [1, CONTEXT])


@pytest.mark.parametrize("kind", CONFIGS)
def test_keys_values_and_their_products_are_those_of_the_passes(tmp_path: Path, kind: str) -> None:
    pieces, memory = read(tmp_path, **CONFIGS[kind])
    mixers = [piece for piece in pieces if expected_numbers(piece).kv_bytes is not None]
    assert sum(piece.count for piece in mixers) == SIZES["num_hidden_layers"]
    found = [(piece.count, expected_numbers(piece)) for piece in mixers]
    assert sum(count * (each.kv_bytes or 0) for count, each in found) == memory.per_token(growing=False)
    grown = sum(
        growth.at(min(CONTEXT, growth.window or CONTEXT), CONTEXT) for growth in memory.operations.growths if not growth.anew  # type: ignore[arg-type]
    )  # fmt: skip
    assert sum(count * each.attention_flops for count, each in found) == grown
