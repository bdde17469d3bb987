"""Steps that leave every shape as it is, changed in a copy of a modelling file: which scores choose and weigh, which half is activated,
which side the softmax runs over, and how frequencies fall."""

from __future__ import annotations

import pytest

from archviz.figure.positions import logit_lines
from tests.verify.models import mutated, only, read_model, values, verified

TOPK = "torch.topk(router_probs, self.top_k, dim=-1)"
FALLING = "inv_freq = 1.0 / (base ** (torch.arange(0, dim, 2, dtype=torch.float) / dim))"


def test_weights_taken_from_the_biased_scores_are_told() -> None:
    assert only(verified("deepseek_v3"), "moe.correction_bias") is True
    found = mutated("deepseek_v3", "scores.gather(1, topk_indices)", "scores_for_choice.gather(1, topk_indices)")
    assert only(found, "moe.correction_bias") == "in the weights too"


@pytest.mark.parametrize(
    "new", [TOPK.replace("router_probs", "-router_probs"), TOPK.replace("router_probs", "1 - router_probs"),
            TOPK.replace("dim=-1", "dim=-1, largest=False")],
)  # fmt: skip
def test_a_choice_of_the_lowest_scores_is_told(new: str) -> None:
    assert only(verified("qwen3_moe"), "moe.choice") == "highest scores"
    assert only(mutated("qwen3_moe", TOPK, new), "moe.choice") == "lowest scores"


def test_a_choice_of_the_lowest_groups_is_told() -> None:
    old = "torch.topk(group_scores, k=self.topk_group"
    found = mutated("deepseek_v3", old, old.replace("group_scores", "-group_scores", 1))
    assert only(verified("deepseek_v3"), "moe.group_limit") == "4 of 8 groups"
    assert only(found, "moe.group_limit") == "4 of 8 groups, lowest scores"


def test_experts_that_nothing_weighs_are_told() -> None:
    old = "current_hidden_states = current_hidden_states * top_k_weights[token_idx, top_k_pos, None]"
    assert only(verified("qwen3_moe"), "moe.weighted") == "the experts' outputs"
    assert str(only(mutated("qwen3_moe", old, "pass"), "moe.weighted")).startswith("nothing")


def test_weights_put_before_the_experts_are_told() -> None:
    assert only(verified("llama4_text"), "moe.weighted") == "the experts' inputs"


@pytest.mark.parametrize(
    ("model_type", "old", "new", "before", "after"),
    [
        ("qwen3_moe", "self.act_fn(gate) * up", "gate * self.act_fn(up)", "first half", "second half"),
        ("deepseek_v3", "gate, up = nn.functional.linear", "up, gate = nn.functional.linear", "first half", "second half"),
        ("gpt_oss", "gate, up = gate_up[..., ::2], gate_up[..., 1::2]", "gate, up = gate_up[..., 1::2], gate_up[..., ::2]",
         "even places", "odd places"),
    ],
)  # fmt: skip
def test_an_activation_on_the_other_half_inside_experts_is_told(
    model_type: str, old: str, new: str, before: str, after: str
) -> None:
    assert only(verified(model_type), "moe.activated") == [f"gate_up_proj ({before})"]
    assert only(mutated(model_type, old, new), "moe.activated") == [f"gate_up_proj ({after})"]


@pytest.mark.parametrize(
    ("model_type", "old", "new", "before", "after"),
    [
        ("llama", "torch.matmul(query, key_states.transpose(2, 3))", "torch.matmul(key_states, query.transpose(2, 3))",
         "q_proj · k_proj", "k_proj · q_proj"),
        ("llama", "torch.matmul(query, key_states.transpose(2, 3))", "torch.matmul(query, value_states.transpose(2, 3))",
         "q_proj · k_proj", "q_proj · v_proj"),
        ("bloom", "query_layer, key_layer, value_layer = self._reshape(fused_qkv)",
         "key_layer, query_layer, value_layer = self._reshape(fused_qkv)",
         "query_key_value ([..., 0, :]) · query_key_value ([..., 1, :])",
         "query_key_value ([..., 1, :]) · query_key_value ([..., 0, :])"),
        ("deepseek_v3", "k_nope, value_states = torch.split", "value_states, k_nope = torch.split",
         "q_b_proj · kv_a_proj_with_mqa (part 2 of 2) + kv_b_proj (first half)",
         "q_b_proj · kv_a_proj_with_mqa (part 2 of 2) + kv_b_proj (second half)"),
    ],
)  # fmt: skip
def test_other_sides_of_the_product_of_queries_and_keys_are_told(
    model_type: str, old: str, new: str, before: str, after: str
) -> None:
    assert only(verified(model_type), "attention.product") == before
    assert only(mutated(model_type, old, new), "attention.product") == after


@pytest.mark.parametrize(
    ("new", "words"),
    [
        (FALLING.replace("/ dim", "/ (2 * dim)"), "θ^(−2i/256), i = 0 … 63"),
        (FALLING.replace("1.0 / ", ""), "θ^(2i/128), i = 0 … 63"),
        (FALLING.replace("= 1.0", "= -1.0"), "−1 · θ^(−2i/128), i = 0 … 63"),
        (FALLING.replace("base **", "2 * base **"), "0.5 · θ^(−2i/128), i = 0 … 63"),
    ],
)
def test_frequencies_that_fall_otherwise_are_told(new: str, words: str) -> None:
    assert only(verified("llama"), "rope.frequencies") == "θ^(−2i/128), i = 0 … 63"
    assert only(mutated("llama", FALLING, new), "rope.frequencies") == words


def test_frequencies_that_a_scaling_changes_are_numbers() -> None:
    assert only(verified("gpt_oss"), "rope.frequencies") == "32 numbers from 1 to 3.024e−07"
    assert set(values(verified("gemma4_text"), "rope.frequencies").values()) == {
        "θ^(−2i/256), i = 0 … 127", "θ^(−2i/512), i = 0 … 63, then 192 times 0",
    }  # fmt: skip


def test_a_factor_of_the_logits_in_the_code_is_a_fact_that_the_figure_shows() -> None:
    fact = read_model("t5")[1].fact("logit_scale")
    assert fact is not None
    assert (fact.value, fact.unit, fact.status) == (512**-0.5, "= d^-0.5", "verified")
    assert logit_lines(read_model("t5")[1]) == ["logits divided by √d = 22.6"]
    old = "sequence_output = sequence_output * (self.model_dim**-0.5)\n\n        lm_logits"
    found = mutated("t5", old, "sequence_output = sequence_output * 0.5\n\n        lm_logits")
    assert only(found, "logits.scale") == 0.5


def test_a_branch_that_is_divided_is_scaled_by_the_inverse() -> None:
    old = "hidden_states = self.mlp(hidden_states)\n        hidden_states = residual + hidden_states"
    assert only(mutated("qwen3", old, f"{old} / 4"), "residual.scale") == [None, 0.25]
