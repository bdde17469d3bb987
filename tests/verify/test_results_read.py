"""A claim holds where the code uses what it computes: results that nothing reads, layers that do not run, rotations of one tensor."""

from __future__ import annotations

import pytest

from tests.verify.models import mutated, only, values, verified

ROTATED = "query_states, key_states = apply_rotary_pos_emb(query_states, key_states, cos, sin)"
CUT = "x1 = x[..., : x.shape[-1] // 2]\n    x2 = x[..., x.shape[-1] // 2 :]"
LOOP = "for i, decoder_layer in enumerate(self.layers[: self.config.num_hidden_layers])"


def test_a_rotated_tensor_that_is_dropped_is_not_rotated() -> None:
    assert only(verified("qwen3"), "rope.tensors") == ["q_proj", "k_proj"]
    found = mutated("qwen3", ROTATED, ROTATED.replace("query_states, key_states =", "query_states, _ ="))
    assert only(found, "rope.tensors") == ["q_proj"]


def test_a_product_with_the_cosine_alone_is_no_rotation() -> None:
    found = mutated("qwen3", "q_embed = (q * cos) + (rotate_half(q) * sin)", "q_embed = (q * cos)")
    assert only(found, "rope.tensors") == ["k_proj"]


def test_a_cut_in_unequal_parts_is_no_half_split() -> None:
    found = mutated("qwen3", CUT, CUT.replace("// 2", "// 4"))
    assert str(only(found, "rope.layout")).startswith("no rotation")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("return torch.cat((-x2, x1), dim=-1)", "return torch.cat((x2, -x1), dim=-1)"),
        ("q_embed = (q * cos) + (rotate_half(q) * sin)", "q_embed = (q * cos) - (rotate_half(q) * sin)"),
    ],
)
def test_signs_that_rotate_the_other_way_are_told(old: str, new: str) -> None:
    assert values(verified("qwen3"), "rope.direction") == {}
    assert values(mutated("qwen3", old, new), "rope.direction") != {}


@pytest.mark.parametrize(
    ("model_type", "old", "new", "unused"),
    [
        ("qwen3", "attn_output = self.o_proj(attn_output)", "self.o_proj(attn_output)", ["self_attn.o_proj"]),
        ("qwen3", "hidden_states = self.mlp(hidden_states)", "self.mlp(hidden_states)", ["mlp"]),
        (
            "qwen3",
            "torch.matmul(attn_weights, value_states)",
            "torch.matmul(attn_weights, key_states)",
            ["self_attn.v_proj"],
        ),
        (
            "qwen3_moe",
            "final_hidden_states = self.experts(hidden_states_reshaped, selected_experts, routing_weights)",
            "self.experts(hidden_states_reshaped, selected_experts, routing_weights); final_hidden_states = hidden_states_reshaped",
            ["mlp.gate", "mlp.experts"],
        ),
    ],
)
def test_modules_whose_results_nothing_reads_are_named(model_type: str, old: str, new: str, unused: list[str]) -> None:
    assert values(verified(model_type), "modules.unused") == {}
    assert only(mutated(model_type, old, new), "modules.unused") == unused


def test_a_shared_expert_that_never_runs_is_named() -> None:
    found = mutated("deepseek_v3", "hidden_states + self.shared_experts(residuals)", "hidden_states")
    assert values(verified("deepseek_v3"), "modules.not_called") == {}
    assert list(values(found, "modules.not_called").values()) == [["mlp.shared_experts"]]


@pytest.mark.parametrize(
    ("model_type", "old", "new", "key"),
    [
        (
            "deepseek_v3",
            'scores_for_choice = scores_for_choice.masked_fill(~score_mask.bool(), float("-inf"))',
            "scores_for_choice = scores_for_choice",
            "moe.group_limit",
        ),
        (
            "deepseek_v3",
            "topk_weights = topk_weights * self.routed_scaling_factor",
            "topk_weights = topk_weights",
            "moe.scaling",
        ),
        (
            "qwen3_moe",
            "torch.topk(router_probs, self.top_k, dim=-1)",
            "torch.topk(router_logits, self.top_k, dim=-1)",
            "moe.score",
        ),
    ],
)
def test_a_step_of_the_router_that_takes_no_effect_is_no_claim(model_type: str, old: str, new: str, key: str) -> None:
    assert values(verified(model_type), key) != {}
    assert values(mutated(model_type, old, new), key) == {}


def test_layers_that_do_not_run_or_run_in_another_order_are_told() -> None:
    first = mutated("qwen3", LOOP, "for i, decoder_layer in enumerate(self.layers[:1])")
    turned = mutated("qwen3", LOOP, "for i, decoder_layer in enumerate(reversed(self.layers))")
    assert str(only(first, "layers.pattern")).endswith("; forward does not call layers 1")
    assert str(only(turned, "layers.pattern")).endswith("; forward calls them in another order")


@pytest.mark.parametrize(
    ("old", "new", "key", "value"),
    [
        ("self.act_fn(self.gate_proj(x)) * self.up_proj(x)", "self.gate_proj(x) * self.act_fn(self.up_proj(x))",
         "feed_forward.activated", ["up_proj"]),
        ("self.act_fn(self.gate_proj(x)) * self.up_proj(x)", "self.act_fn(self.gate_proj(x)) * self.act_fn(self.up_proj(x))",
         "feed_forward.activated", ["gate_proj", "up_proj"]),
        ("return self.weight * hidden_states.to(input_dtype)", "return hidden_states.to(input_dtype)",
         "norm.kind", "RMSNorm, weight not used"),
        ("return self.weight * hidden_states.to(input_dtype)", "return (1 + self.weight) * hidden_states.to(input_dtype)",
         "norm.kind", "RMSNorm, weight as 1 + w"),
        (".softmax(attn_weights, dim=-1, dtype=torch.float32)", ".softmax(attn_weights, dim=-2, dtype=torch.float32)",
         "attention.score_function", "softmax over axis -2, which is not that of the keys"),
    ],
)  # fmt: skip
def test_the_inside_of_a_step_is_read_off_its_operations(old: str, new: str, key: str, value: object) -> None:
    assert only(verified("qwen3"), key) in (["gate_proj"], "RMSNorm", "softmax")
    assert only(mutated("qwen3", old, new), key) == value


@pytest.mark.parametrize("model_type", ["t5", "deepseek_v4"])
def test_a_layer_that_repeats_parts_of_another_and_a_window_longer_than_the_pass_are_used(model_type: str) -> None:
    assert values(verified(model_type), "modules.unused") == {}
