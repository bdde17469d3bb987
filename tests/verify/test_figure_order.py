from __future__ import annotations

import pytest

from archviz.verify.claims import Check
from archviz.verify.figure_order import check_orders
from tests.verify.models import read_model


def check(model_type: str, text: str) -> Check | None:
    return next(check_orders("stages[0].name", text, read_model(model_type)[1]), None)


@pytest.mark.parametrize(
    ("model_type", "text", "status"),
    [
        ("gemma2", "2 × (1 × sliding window, 1 × full)", "verified"),
        ("gemma2", "2 × (1 × full, 1 × sliding window)", "conflict"),
        ("gemma2", "2 × (2 × sliding, 1 × full)", "conflict"),  # six layers, the model has four
        ("qwen3_5_moe_text", "1 × (3 × gated DeltaNet + MoE, 1 × gated attention + MoE)", "verified"),
        ("qwen3_5_moe_text", "1 x (3 x linear attention, 1 x full attention)", "verified"),
        ("qwen3_5_moe_text", "1 × (1 × attention, 3 × DeltaNet)", "conflict"),
        ("llama4_text", "2 × (1 × dense, 1 × MoE)", "verified"),
        ("llama4_text", "2 × (1 × MoE, 1 × dense)", "conflict"),
        ("smollm3", "1 × (3 × RoPE attention, 1 × NoPE attention)", "verified"),
        ("smollm3", "1 × (1 × NoPE, 3 × attention)", "conflict"),
    ],
)
def test_orders_are_held_against_the_layers(model_type: str, text: str, status: str) -> None:
    found = check(model_type, text)
    assert found is not None
    assert found.status == status
    assert found.evidence


@pytest.mark.parametrize("text", ["32 × (128 + 64)", "2 × (a, b)", "1000000 × (1 × attention)", "3 × (2 × 4)", ""])
def test_what_is_no_order_of_layers_is_not_judged(text: str) -> None:
    assert check("gemma2", text) is None


def test_the_first_layer_that_differs_is_named() -> None:
    found = check("gemma2", "2 × (1 × full, 1 × sliding)")
    assert found is not None
    assert "layer 0 is Sliding" in str(found.found)
