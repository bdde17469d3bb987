"""Residual sums whose operands are scaled, shifted or joined in a module of their own, and norms beside them."""

from __future__ import annotations

import pytest

from tests.verify.models import mutated, only, values, verified


def test_a_sum_of_a_scaled_norm_and_a_scaled_branch_is_residual() -> None:
    found = verified("minimax")
    assert only(found, "residual.count") == 2
    assert only(found, "residual.skips") == ["output of input_layernorm", "output of post_attention_layernorm"]
    assert values(found, "residual.skip_scale")["model.layers.{0}"] == [3.5, 1.0]
    assert only(found, "norm.placement") == "post-norm (after the residual sum)"


def test_a_module_that_adds_what_it_scales_is_a_residual_sum() -> None:
    found = verified("zaya")
    assert only(found, "residual.count") == 2
    assert only(found, "residual.skips") == ["input", "sum before"]
    assert only(found, "residual.skip_scale") == ["learned", "learned"]


def test_a_gate_of_weights_alone_scales_a_residual_sum() -> None:
    found = verified("muse_spark_text")
    assert only(found, "residual.skips") == ["input", "sum before"]
    assert only(found, "norm.placement") == "sandwich"


def test_a_norm_of_a_sum_that_goes_on_beside_it_is_no_post_norm() -> None:
    assert only(verified("gemma3n_text"), "norm.placement") == "sandwich"


def test_a_norm_between_two_branches_stands_before_the_second() -> None:
    places = values(verified("zamba2"), "norm.places")["model.layers.{6}"]
    assert places == {
        "shared_transformer.input_layernorm": "before a branch",
        "shared_transformer.pre_ff_layernorm": "before a branch",
        "mamba_decoder.input_layernorm": "before a branch",
    }
    assert only(verified("gemma2"), "norm.placement") == "sandwich"


def test_an_attention_whose_projections_stand_in_a_child_is_the_one_that_weighs() -> None:
    found = verified("zaya")
    assert set(values(found, "attention.mask")) == {"model.layers.{0-1}.self_attn"}
    assert only(found, "rope.part") == "first 64 of 128"
    assert only(found, "attention.scale") == round(128**-0.5, 9)


def test_a_norm_of_queries_without_a_module_is_told() -> None:
    assert only(verified("zaya"), "attention.qk_norm") == "L2 norm without a module of its own"
    assert only(verified("swinv2"), "attention.qk_norm") == "L2 norm without a module of its own"
    assert only(verified("llama"), "attention.qk_norm") == "none"


def test_a_bottleneck_that_a_branch_is_added_to_is_a_residual_too() -> None:
    found = verified("mobilebert")
    assert only(found, "residual.count") == 6
    assert only(found, "norm.places")["attention.output.LayerNorm"] == "after a residual sum"  # type: ignore[index] # a dict


def test_a_norm_before_a_branch_and_one_after_its_sum_are_both_told() -> None:
    old = "hidden_states = residual + hidden_states\n        return hidden_states"
    new = "hidden_states = self.post_attention_layernorm(residual + hidden_states)\n        return hidden_states"
    both = "pre-norm and a norm after the residual sum"
    assert only(mutated("llama", old, new), "norm.placement") == f"mixed: self_attn pre-norm; mlp {both}"


def test_what_mixes_without_weights_joins_the_stream_by_a_residual_sum() -> None:
    found = verified("fnet")
    assert only(found, "residual.skips") == ["input", "output of fourier.output.LayerNorm"]
    assert only(found, "norm.places") == dict.fromkeys(
        ("fourier.output.LayerNorm", "output.LayerNorm"), "after a residual sum"
    )


def test_a_norm_before_a_convolution_that_joins_the_stream_is_placed() -> None:
    places = only(verified("lasr_encoder"), "norm.places")
    assert isinstance(places, dict)
    assert places["norm_conv"] == "before a branch"
    assert "conv.norm" not in places  # in the middle of the branch
    assert only(verified("lasr_encoder"), "norm.placement") == (
        "pre-norm, but feed_forward2 pre-norm and a norm after the residual sum"
    )


@pytest.mark.parametrize(
    ("model_type", "first"),
    [("albert", "attention.LayerNorm"), ("big_bird", "attention.output.LayerNorm"), ("xlnet", "rel_attn.layer_norm")],
)
def test_a_sum_and_a_norm_inside_the_attention_are_the_layers_too(model_type: str, first: str) -> None:
    found = verified(model_type)
    assert only(found, "residual.skips") == ["input", f"output of {first}"]
    assert only(found, "norm.count") == 2
    assert only(found, "norm.placement") == "post-norm (after the residual sum)"
    assert only(found, "norm.places")[first] == "after a residual sum"  # type: ignore[index] # a dict


def test_an_attention_that_adds_nothing_holds_no_sum() -> None:
    found = mutated("albert", "self.LayerNorm(hidden_states + attn_output)", "self.LayerNorm(attn_output)")
    assert only(found, "residual.count") == 1


def test_a_block_around_an_attention_and_the_output_behind_one_are_no_attention() -> None:
    block, output = verified("cpmant"), verified("lxmert")
    assert only(block, "attention.kind") == "MHA"
    assert only(block, "norm.count") == 2
    assert only(block, "residual.skips") == ["input", "sum before"]
    assert set(values(output, "attention.kind").values()) == {"MHA"}


def test_a_branch_times_zero_is_scaled_by_zero() -> None:
    old = "hidden_states = residual + hidden_states\n        return hidden_states"
    found = mutated("llama", old, old.replace("residual + hidden_states", "residual + 0 * hidden_states"))
    assert only(found, "residual.scale") == [None, 0]
