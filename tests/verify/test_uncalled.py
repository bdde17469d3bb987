"""Modules that run for some tokens only, or whose weights an op reads, are not told as left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from archviz import pipeline
from tests.verify.models import SETTINGS, mutated, values

EXPERTS = {
    "model_type": "nllb-moe", "encoder_layers": 1, "decoder_layers": 1, "encoder_sparse_step": 1, "decoder_sparse_step": 1,
    "num_experts": 4, "d_model": 64, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64,
}  # fmt: skip
LENT = {
    "model_type": "wavlm",
    "num_hidden_layers": 1,
    "hidden_size": 64,
    "num_attention_heads": 4,
    "intermediate_size": 64,
}


@pytest.mark.parametrize("config", [EXPERTS, LENT])
def test_experts_that_data_choose_and_weights_that_an_op_is_lent_are_used(
    tmp_path: Path, config: dict[str, Any]
) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    found = pipeline.verify(str(path), settings=SETTINGS)
    assert found.claims
    assert values(found, "modules.not_called") == {}


def test_one_of_two_numbered_norms_that_is_left_out_is_told() -> None:
    found = mutated("gpt2", "hidden_states = self.ln_2(hidden_states)", "pass")
    assert list(values(found, "modules.not_called").values()) == [["ln_2"]]
