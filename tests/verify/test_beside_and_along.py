"""Steps beside the layers, along which axes an op runs, by how much it moves, and what is handed to layers: each changed line changes a claim."""

from __future__ import annotations

import pytest

from tests.verify.models import claim_of, mutated, values, verified

MASK = "expert_mask = expert_mask.permute(2, 1, 0)"
CASES = [
    ("deepseek_v3", MASK, MASK.replace("2, 1, 0", "0, 1, 2"), "module.formula"),
    ("gpt_neox", "(rotate_half(k_rot) * sin)", "(rotate_half(k_rot) / sin)", "rope.formula"),
    ("clip", "embeddings = inputs_embeds + position_embeddings", "embeddings = inputs_embeds - position_embeddings", "module.formula"),
    ("bloom", "(1 + 0.044715 * x * x)))", "(1 + 0.044715 * x / x)))", "module.formula"),
    ("swin", "(h_idx >= height - self.shift_size)", "(h_idx >= height + self.shift_size)", "layer.formula"),
    ("t5", "relative_position_if_large, torch.full_like(relative_position_if_large, num_buckets - 1)",
     "relative_position_if_large, torch.full_like(relative_position_if_large, num_buckets - 2)", "attention.formula"),
    ("swin", "shifts=(direction * self.shift_size, direction", "shifts=(direction * self.shift_size, -direction", "layer.formula"),
]  # fmt: skip


@pytest.mark.parametrize(("model_type", "old", "new", "key"), CASES)
def test_a_changed_step_changes_a_formula(model_type: str, old: str, new: str, key: str) -> None:
    assert values(mutated(model_type, old, new), key) != values(verified(model_type), key)


def test_a_dropout_at_work_is_a_step() -> None:
    old = "        hidden_states = self.mlp(hidden_states)\n"
    new = old + "        hidden_states = nn.functional.dropout(hidden_states, p=0.1)\n"
    assert "dropout" in str(claim_of(mutated("llama", old, new), "layer.formula").value)
    assert "dropout" not in str(claim_of(verified("llama"), "layer.formula").value)


def test_a_bias_of_zeros_from_another_layer_is_no_mask() -> None:
    cross = values(verified("t5"), "attention.formula")["decoder.block.{1}.layer.1.EncDecAttention"]
    assert "zeros" in str(cross)
    assert "mask" not in str(cross)


def test_norms_of_a_stack_that_differ_are_named_in_all_kinds_of_layers() -> None:
    scopes = set(values(verified("kimi_linear"), "norm.formula"))
    assert scopes == {
        "model.layers.{0-2}.self_attn.o_norm",
        "model.layers.{0-3}.input_layernorm, post_attention_layernorm",
        "model.layers.{3}.self_attn.kv_a_layernorm",
    }
    assert set(values(verified("llama"), "norm.formula")) == {"model.layers.{0-1}"}


def test_padding_of_positions_is_written_in_their_number() -> None:
    formula = str(next(iter(values(verified("kimi_linear"), "mixer.formula").values())))
    assert "(0, 0, 0, 64 − S)" in formula
    assert "57" not in formula
