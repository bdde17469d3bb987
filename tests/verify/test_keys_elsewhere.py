"""Layers that attend with the keys and values of another layer, and what documents make of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from archviz import pipeline
from archviz.comparison.claimed_departures import claimed_departures
from archviz.comparison.departures import departures
from archviz.settings import Settings
from archviz.verify.claims import Claim
from tests.verify.models import claim_of, only, verified

OFFLINE = Settings(offline=True)
GEMMA = {
    "model_type": "gemma4_text", "num_hidden_layers": 6, "hidden_size": 32, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8,
    "global_head_dim": 16, "intermediate_size": 48, "vocab_size": 60, "vocab_size_per_layer_input": 60, "hidden_size_per_layer_input": 8,
    "num_kv_shared_layers": 3, "sliding_window": 64,
    "layer_types": ["full_attention", "sliding_attention", "sliding_attention", "sliding_attention", "full_attention", "sliding_attention"],
}  # fmt: skip


def test_each_kind_of_layer_tells_whose_keys_it_reads(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(GEMMA))
    found = pipeline.verify(str(path), settings=OFFLINE)
    claims = [claim for claim in found.claims if claim.key == "attention.keys_from"]
    assert {claim.indices: claim.value for claim in claims} == {
        (3,): "layer 2",
        (4, 5): "layer 0",
    }  # the last is full anyway
    assert all(item.where.startswith("transformers/models/gemma4/") for claim in claims for item in claim.evidence)
    shared = next(each for each in claimed_departures(found.claims) if each.key == "attention.keys_from")
    assert shared.text == "3 layers project no keys and values and attend with those of layer 2, layer 0"
    tables = next(
        each for each in departures(pipeline.describe(str(path), settings=OFFLINE)) if each.key == "embeddings"
    )
    assert f"{60 * 6 * 8:,} parameters" in tables.text


@pytest.mark.parametrize("model_type", ["qwen3", "t5", "deepseek_v3", "gpt_neox"])
def test_projected_keys_are_a_layers_own(model_type: str) -> None:
    assert not [claim for claim in verified(model_type).claims if claim.key == "attention.keys_from"]


def test_values_that_are_the_projected_keys_are_told_with_their_layers() -> None:
    assert only(verified("gemma4_text"), "attention.values_from") == "k_proj"
    found = {each.key: each for each in claimed_departures(verified("gemma4_text").claims)}
    assert found["attention.values_from"].text == "values are made of what projects the keys: k_proj; in 1 of 6 layers"
    everywhere = [
        Claim(key, "kv_proj", stack="layers", indices=(0, 1)) for key in ("attention.kind", "attention.values_from")
    ]
    assert claimed_departures(everywhere)[0].text == "values are made of what projects the keys: kv_proj"


def test_a_tower_rests_on_the_configuration_that_is_named_as_it_is() -> None:
    keys = {item.where for item in claim_of(verified("chinese_clip"), "model.vision_layers").evidence}
    assert "vision_config.num_hidden_layers" in keys
