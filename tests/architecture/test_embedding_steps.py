"""Factors of the embeddings are read off the pass: a number, a root, a stored number, one made on the way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from archviz.architecture.embedding_steps import is_root, scale_text
from archviz.architecture.model import Architecture
from archviz.descriptions import describe
from tests.verify.models import SETTINGS

SMALL = {"num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 4, "vocab_size": 99, "intermediate_size": 96}


def described(folder: Path, model_type: str, config: dict[str, Any]) -> Architecture:
    path = folder / "config.json"
    path.write_text(json.dumps({"model_type": model_type, **config}))
    return describe(str(path), settings=SETTINGS)


@pytest.mark.parametrize(
    ("model_type", "config", "value", "words"),
    [
        ("ctrl", {"n_layer": 2, "n_embd": 64, "n_head": 4, "dff": 96, "vocab_size": 99}, 8.0, "scaled × 8 (√64)"),
        ("recurrent_gemma", {**SMALL, "head_dim": 16}, 8.0, "scaled × 8 (√64)"),
        ("gemma2", {**SMALL, "head_dim": 16, "num_key_value_heads": 2}, 8.0, "scaled × 8 (√64)"),
        ("t5gemma", {name: {**SMALL, "head_dim": 16, "num_key_value_heads": 2} for name in ("encoder", "decoder")}, 8.0, "scaled × 8 (√64)"),
        ("granite", {**SMALL, "embedding_multiplier": 12.0}, None, "scaled × 12"),
        ("llama", SMALL, None, None),
    ],
)  # fmt: skip
def test_the_box_and_the_fact_tell_the_factor(
    tmp_path: Path, model_type: str, config: dict[str, Any], value: float | None, words: str | None
) -> None:
    found = described(tmp_path, model_type, config)
    fact = found.fact("embedding_scale")
    assert (fact.value if fact else None) == value
    assert fact is None or (fact.unit, fact.status) == ("= √d", "verified")
    boxes = [item.node for item in found.towers[0].column if item.node and item.node.role == "embedding"]
    told = [line for line in boxes[0].details if line.startswith("scaled")]
    assert told == ([words] if words else [])


def test_a_root_to_eight_bits_is_one() -> None:
    assert is_root(50.5, 2560)
    assert not is_root(50.0, 2560)
    assert not is_root(12.0, None)
    assert scale_text(50.5, 2560) == "scaled × 50.5 (√2560)"
