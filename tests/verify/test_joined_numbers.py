"""Sizes of the pass in formulas are told as such, and are no verified constants of the model."""

from __future__ import annotations

import pytest

from tests.verify.models import claim_of, mutated, verified

OLD = "        # Fully Connected\n"
LAYERS = "model.layers.{0-1}"
COMPUTED = [
    "min(hidden_states.shape[1], 4096)",
    "1 + (hidden_states.shape[1] > 2048)",
    "max(1, hidden_states.size(1) // 1024)",
    "(-1) ** (hidden_states.shape[-2] // 4096)",
]


@pytest.mark.parametrize("number", COMPUTED)
def test_a_number_of_the_sequence_length_is_told_and_not_verified(number: str) -> None:
    found = mutated("llama", OLD, f"        hidden_states = hidden_states * ({number})\n{OLD}")
    layer = claim_of(found, "layer.formula", LAYERS)
    assert str(layer.value).endswith(f" is {number} of this pass")
    assert layer.status == claim_of(found, "residual.skip_scale", LAYERS).status == "unverified"
    assert claim_of(found, "norm.formula", LAYERS).status == "verified"
    assert claim_of(found, "attention.scale", f"{LAYERS}.self_attn").status == "verified"


@pytest.mark.parametrize(
    "code",
    [
        "_, length, _ = hidden_states.shape\n        factor = length / 5\n        hidden_states = hidden_states / factor",
        "factor = hidden_states.shape[1] / 5\n        hidden_states /= factor",
        "factor = hidden_states.shape[1] / 5\n        hidden_states = torch.div(hidden_states, factor)",
        "factor = hidden_states.shape[1] / 5\n        hidden_states = hidden_states.mul(factor)",
        "factor = hidden_states.shape[1] / 5\n        hidden_states = hidden_states * torch.lt(hidden_states, factor)",
        "factor = hidden_states.shape[1] / 5\n        hidden_states = hidden_states * (hidden_states < factor)",
    ],
)
def test_a_number_is_followed_through_names_of_the_function(code: str) -> None:
    layer = claim_of(mutated("llama", OLD, f"        {code}\n{OLD}"), "layer.formula", LAYERS)
    assert layer.status == "unverified"
    assert str(layer.value).endswith("; 1.4 is factor of this pass")


def test_a_number_is_followed_through_attributes_that_the_function_sets() -> None:
    code = "self.most = hidden_states.shape[1] / 5\n        hidden_states = hidden_states * torch.lt(hidden_states, self.most)"
    layer = claim_of(mutated("llama", OLD, f"        {code}\n{OLD}"), "layer.formula", LAYERS)
    assert layer.status == "unverified"
    assert str(layer.value).endswith("; 1.4 is self.most of this pass")


def test_an_attribute_of_the_constructor_is_no_size_of_the_pass() -> None:
    code = "hidden_states = hidden_states * torch.lt(hidden_states, self.hidden_size)"
    layer = claim_of(mutated("llama", OLD, f"        {code}\n{OLD}"), "layer.formula", LAYERS)
    assert layer.status == "verified"


@pytest.mark.parametrize("number", ["hidden_states.shape[-1] ** -0.5", "(2 + 1)", "self.hidden_size * 2"])
def test_numbers_of_the_model_stay_verified(number: str) -> None:
    found = mutated("llama", OLD, f"        hidden_states = hidden_states * {number}\n{OLD}")
    layer = claim_of(found, "layer.formula", LAYERS)
    assert layer.status == claim_of(found, "residual.skip_scale", LAYERS).status == "verified"
    assert "of this pass" not in str(layer.value)


def test_official_models_have_no_sizes_of_the_pass_in_their_factors() -> None:
    for name in ("llama", "qwen3_moe", "t5"):
        assert not any("of this pass" in str(claim.value) for claim in verified(name).claims)
