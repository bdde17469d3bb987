"""Layers of one kind whose steps have other numbers: each claim names only the layers that it is true of."""

from __future__ import annotations

import math

from tests.verify.models import values, verified


def test_a_formula_with_a_number_of_the_layer_is_told_layer_by_layer() -> None:
    formulas = values(verified("diffllama"), "attention.formula")
    for layer in range(3):
        start = 0.8 - 0.6 * math.exp(-0.3 * layer)
        assert f"g + {start:.6g})" in str(formulas[f"model.layers.{{{layer}}}.self_attn"])
    assert len(formulas) == 3


def test_a_scale_that_falls_from_layer_to_layer_is_told_layer_by_layer() -> None:
    scales = values(verified("gpt2"), "attention.scale")
    assert scales == {f"transformer.h.{{{layer}}}.attn": round(0.125 / (layer + 1), 9) for layer in range(3)}


def test_what_the_layers_have_in_common_stays_one_claim() -> None:
    assert set(values(verified("diffllama"), "attention.kind")) == {"model.layers.{0-2}.self_attn"}
    assert set(values(verified("llama"), "attention.formula")) == {"model.layers.{0-1}.self_attn"}
