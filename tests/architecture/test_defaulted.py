from __future__ import annotations

import json
from pathlib import Path

import pytest

from archviz.architecture.model import Architecture
from archviz.architecture.text import describe_text
from archviz.pipeline import describe
from archviz.settings import Settings

OFFLINE = Settings(offline=True)


def described(folder: Path, **values: object) -> Architecture:
    file = folder / "min.json"
    file.write_text(json.dumps(values))
    return describe(str(file), settings=OFFLINE)


def statuses(read: Architecture, *keys: str) -> list[str | None]:
    return [fact.status if (fact := read.fact(key)) else None for key in keys]


def test_a_value_of_the_class_alone_is_derived_and_names_its_line(tmp_path: Path) -> None:
    read = described(tmp_path, model_type="llama", hidden_size=4096)
    fact = read.fact("context_length")
    assert fact is not None
    assert fact.status == "derived"
    assert [each.where for each in fact.evidence if each.kind == "config"] == ["max_position_embeddings"]
    assert fact.evidence[-1].text == "default of LlamaConfig"
    assert "configuration_llama.py:" in fact.evidence[-1].where
    assert statuses(read, "rope_theta", "layers", "hidden_size") == ["derived", "derived", "verified"]
    assert "2,048 tokens  [default]" in describe_text(read)


def test_a_stated_value_that_equals_the_default_is_stated(tmp_path: Path) -> None:
    read = described(
        tmp_path, model_type="llama", max_position_embeddings=2048, rope_theta=10000.0, num_hidden_layers=32
    )
    assert statuses(read, "context_length", "rope_theta", "layers") == ["config", "config", "verified"]


def test_a_value_stated_under_an_alias_is_stated(tmp_path: Path) -> None:
    read = described(tmp_path, model_type="gpt2", n_layer=12, num_attention_heads=12)
    assert statuses(read, "layers", "attention_heads") == ["verified", "verified"]


def test_an_incomplete_record_says_so_and_its_defaults_are_unverified() -> None:
    read = describe("zai-org/GLM-4.7-FP8", settings=OFFLINE)
    assert statuses(read, "qk_norm", "rope_theta", "layers") == ["unverified", "unverified", "verified"]
    told = read.fact("record_lacks")
    assert told is not None
    assert "use_qk_norm" in str(told.value)


def test_keys_that_reach_no_part_make_the_part_unverified(tmp_path: Path) -> None:
    read = described(tmp_path, model_type="step3p7", vocab_size=128896, num_hidden_layers=45)
    assert statuses(read, "vocabulary_size", "layers", "router_scaling") == ["unverified"] * 3
    told = read.fact("text_source")
    assert told is not None
    assert "vocab_size" in str(told.value)


def test_flat_keys_that_the_class_passes_on_are_read(tmp_path: Path) -> None:
    read = described(tmp_path, model_type="qwen2_vl", vocab_size=1000, sliding_window=512, use_sliding_window=False)
    assert statuses(read, "vocabulary_size", "text_source") == ["verified", None]


def test_what_a_gap_may_change_is_not_verified() -> None:
    read = describe("zai-org/GLM-4.1V-9B-Thinking", settings=OFFLINE)
    assert {gap.module for gap in read.gaps} >= {"model.language_model.rotary_emb"}
    assert statuses(read, "rope_dimensions", "rope_partial_factor", "position_encoding") == ["unverified"] * 3


@pytest.mark.parametrize("model_type", ["olmo3", "modernbert-decoder", "bailing_hybrid"])
def test_a_base_that_the_class_writes_itself_is_a_default(model_type: str) -> None:
    read = describe(f"transformers:{model_type}", settings=OFFLINE)
    fact = read.fact("rope_theta")
    assert fact is not None
    assert fact.status == "derived"
    assert (fact.evidence[-1].text or "").startswith("default of ")


def test_a_base_of_one_kind_of_layer_is_stated_by_a_key_of_the_class(tmp_path: Path) -> None:
    stated = described(tmp_path, model_type="modernbert-decoder", num_hidden_layers=3, local_rope_theta=5000.0)
    fact = stated.fact("rope_theta")
    assert fact is not None
    assert (fact.value, fact.status) == ({"full_attention": 160000.0, "sliding_attention": 5000.0}, "config")
