"""Layers that read more than their stream: an input from beside it (per-layer embeddings), keys and values of an earlier layer."""

from __future__ import annotations

import json

import pytest

from archviz import pipeline
from archviz.architecture.model import Architecture
from archviz.settings import Settings

SIZES = {
    "model_type": "gemma4_text", "hidden_size": 64, "intermediate_size": 96, "num_attention_heads": 4, "num_key_value_heads": 1,
    "num_hidden_layers": 6, "head_dim": 16, "global_head_dim": 32, "vocab_size": 128, "vocab_size_per_layer_input": 128,
    "hidden_size_per_layer_input": 8, "sliding_window": 32, "enable_moe_block": False, "num_kv_shared_layers": 2,
    "layer_types": ["sliding_attention", "sliding_attention", "full_attention"] * 2,
}  # fmt: skip


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Architecture:
    file = tmp_path_factory.mktemp("small") / "small.json"
    file.write_text(json.dumps(SIZES))
    return pipeline.describe(str(file), settings=Settings(offline=True))


def value(found: Architecture, key: str) -> object:
    fact = found.fact(key)
    return fact.value if fact else None


def test_a_gate_on_an_input_from_beside_is_no_feed_forward(small: Architecture) -> None:
    assert small.gaps == []
    assert (value(small, "feed_forward"), value(small, "intermediate_size")) == ("GeGLU", 96)
    assert value(small, "side_input_size") == 8
    assert {kind.feed_forward_kind for kind in small.layers[0].kinds} == {"geglu+side_input"}


def test_layers_that_read_keys_of_an_earlier_one_are_a_kind_of_their_own(small: Architecture) -> None:
    kinds = {index: kind for kind in small.layers[0].kinds for index in kind.indices}
    assert value(small, "kv_shared_layers") == 2
    assert [kinds[4].mixer_kind, kinds[5].mixer_kind] == ["sliding_attention (shared kv)", "full_attention (shared kv)"]
    assert kinds[4].title == "Sliding-window attention (shared KV) + GeGLU + Side input"
    assert not any("shared" in (kinds[index].mixer_kind or "") for index in range(4))
    assert small.layers[0].pattern_text.endswith("sliding (shared kv), 1 × full (shared kv)")
