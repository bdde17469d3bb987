"""The numbers of a layer in a gap report are those that the passes of its model show."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from archviz.descriptions import described
from archviz.estimator.expected import CONTEXT, Expected, expected_numbers
from archviz.estimator.pieces import Piece, find_pieces
from archviz.numbers.layer_costs import LayerCosts
from archviz.numbers.memory import SAMPLED, Memory, find_memory
from archviz.readings import read_cached
from archviz.settings import Settings
from archviz.sources.model_source import read_model_source
from tests.estimator.models import expected

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


def read(folder: Path, **config: object) -> tuple[list[tuple[Piece, Expected]], Memory]:
    path = folder / "config.json"
    path.write_text(json.dumps({**SIZES, **config}))
    settings = Settings(offline=True)
    source = read_model_source(str(path), settings)
    reading, passes = read_cached(source, SAMPLED, stored=True, settings=settings)
    architecture = described(source, reading)
    costs = LayerCosts(reading, passes)
    found = [(piece, expected_numbers(piece, costs)) for piece in find_pieces(reading)]
    return found, find_memory(architecture, passes, [1, CONTEXT])


@pytest.mark.parametrize("kind", CONFIGS)
def test_keys_values_and_their_products_are_those_of_the_passes(tmp_path: Path, kind: str) -> None:
    pieces, memory = read(tmp_path, **CONFIGS[kind])
    found = [(piece.count, each) for piece, each in pieces if each.kv_bytes is not None]
    assert sum(count for count, _ in found) == SIZES["num_hidden_layers"]
    assert sum(count * (each.kv_bytes or 0) for count, each in found) == memory.per_token(growing=False)
    assert sum(count * (each.cache_bytes or 0) for count, each in found) == memory.contexts[1].cache
    grown = sum(
        growth.at(min(CONTEXT, growth.window or CONTEXT)) for growth in memory.operations.growths if not growth.anew  # type: ignore[arg-type]
    )  # fmt: skip
    assert sum(count * each.attention_flops for count, each in found) == grown


def test_matrices_without_a_module_of_their_own_are_multiplied_too() -> None:
    assert expected("openai-community/gpt2", "attention").flops == 2 * 768 * 768 * 4  # addmm with [in, out]
    assert expected("openai-community/gpt2", "position_embedding").flops == 0


def test_a_tower_without_a_cache_is_read_off_the_pass_of_all_towers() -> None:
    vision = expected("Qwen/Qwen3.5-397B-A17B", "vision_attention")
    assert (vision.kv_bytes, vision.cache_bytes) == (None, None)
    assert vision.attention_flops == 2 * 16 * (72 + 72) * CONTEXT


def test_a_compressed_cache_is_what_the_passes_keep() -> None:
    found = expected("deepseek-ai/DeepSeek-V4-Flash", "heavily_compressed_attention")
    assert found.kv_bytes is None
    assert found.cache_bytes == 2 * 512 * (128 + CONTEXT // 128)  # keys are values too
    assert found.attention_flops == 2 * 64 * 2 * 512 * (128 + CONTEXT // 128)


def test_a_state_decays_and_is_read_written_and_read_out() -> None:
    found = expected("Qwen/Qwen3.5-397B-A17B", "gated_deltanet")
    state = 64 * 128 * 128
    assert found.state_bytes == 4 * state + 2 * 12_288 * 4  # fp32; the convolution in bf16
    assert (
        found.flops == 2 * (4096 * (12_288 + 8_192 + 2 * 64) + 12_288 * 4 + 8_192 * 4096) + 7 * state
    )  # three products and the decay
