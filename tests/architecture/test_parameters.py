from __future__ import annotations

from tests.verify.models import read_model


def labels(model_type: str) -> set[str]:
    return {row.label for row in read_model(model_type)[1].parameters.breakdown}


def test_norms_of_compressed_vectors_are_no_query_and_key_norms() -> None:
    assert "Latent norms" in labels("deepseek_v3")
    assert not any("Q/K" in label for label in labels("deepseek_v3"))


def test_norms_of_heads_are_query_and_key_norms() -> None:
    assert "Q/K norms" in labels("qwen3")
