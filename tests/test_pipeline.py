"""The wiring: from a configuration to tensors, a trace and a description, with the errors that callers can act on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from archviz import pipeline
from archviz.errors import ModelNotFoundError, OfflineError, UsageError
from archviz.settings import Settings

OFFLINE = Settings(offline=True)
TINY: dict[str, Any] = {
    "model_type": "llama", "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "vocab_size": 50, "tie_word_embeddings": True,
}  # fmt: skip


@pytest.fixture
def tiny(tmp_path: Path) -> str:
    (tmp_path / "config.json").write_text(json.dumps(TINY), encoding="utf-8")
    return str(tmp_path)


def test_tensors_count_ties_once(tiny: str) -> None:
    result = pipeline.tensors(tiny, settings=OFFLINE)
    attention, feed_forward = 64 * 64 * 2 + 64 * 32 * 2, 3 * 64 * 96
    assert result["params"] == 50 * 64 + 2 * (attention + feed_forward + 2 * 64) + 64
    assert result["tied"] == {"lm_head.weight": "model.embed_tokens.weight"}
    assert result["gaps"] == []


def test_the_class_may_be_named(tiny: str) -> None:
    result = pipeline.tensors(tiny, class_name="LlamaForTokenClassification", settings=OFFLINE)
    assert result["class"] == "LlamaForTokenClassification"
    assert result["tensors"]["score.weight"] == [2, 64]


def test_a_class_that_is_not_there_is_refused(tiny: str) -> None:
    with pytest.raises(UsageError, match="LlamaForNothing"):
        pipeline.tensors(tiny, class_name="LlamaForNothing", settings=OFFLINE)


def test_a_trace_has_the_shapes_of_the_pass(tiny: str) -> None:
    result = pipeline.trace(tiny, batch=2, seq=5, settings=OFFLINE)
    assert result["gaps"] == []
    head = next(call for call in result["calls"] if call["module"] == "lm_head")
    assert head["in"] == [[2, 5, 64]]
    assert head["out"] == [2, 5, 50]


def test_the_digest_tells_models_apart_and_not_runs(tiny: str, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "config.json").write_text(json.dumps({**TINY, "intermediate_size": 97}), encoding="utf-8")
    first, again, second = (pipeline.tensors(each, settings=OFFLINE)["digest"] for each in (tiny, tiny, str(other)))
    assert first == again != second


def test_a_description_is_of_what_was_read(tiny: str) -> None:
    architecture = pipeline.describe(tiny, settings=OFFLINE)
    assert architecture.parameters.total == pipeline.tensors(tiny, settings=OFFLINE)["params"]
    assert architecture.gaps == []
    assert [stack.count for stack in architecture.layers] == [2]


def test_names_that_fit_no_model_are_refused() -> None:
    with pytest.raises(ModelNotFoundError):
        pipeline.tensors("nobody/No-Such-Model-7B", settings=OFFLINE)
    with pytest.raises(OfflineError, match="unknown model_type") as refused:  # newer code, not asked for, might know it
        pipeline.tensors("transformers:qwen33", settings=OFFLINE)
    assert "near names: qwen3, " in str(refused.value.hint)
