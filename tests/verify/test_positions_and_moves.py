"""Claims that change where positions, their biases, moves of axes or convolutions before the layers change."""

from __future__ import annotations

import pytest

from tests.verify.models import mutated, values, verified


@pytest.mark.parametrize(
    ("model", "key", "old", "new", "told"),
    [
        ("llama", "rope.positions", "position_ids = torch.arange(", "position_ids = 2 * torch.arange(", "2 · arange + 0"),
        ("llama", "norm.formula", "hidden_states = hidden_states.to(torch.float32)", "hidden_states = hidden_states.to(torch.int32).to(torch.float32)",
         "a = to(x, int32); weight · a · rsqrt(mean(a^2, −1) + 1e−06)"),
        ("mpt", "attention.position_bias_formula", "alibi_bias_max / num_heads_power_of_2", "2 * alibi_bias_max / num_heads_power_of_2",
         "arange · (1 / 2^(arange(from 1) · 1))[None, :, None, None]"),
        ("whisper", "convolution", "kernel_size=3, stride=2, padding=1", "kernel_size=3, stride=2, padding=2, dilation=2",
         "kernel 3, stride 2, padding 2, dilation 2"),
    ],
)  # fmt: skip
def test_a_changed_step_changes_its_claim(model: str, key: str, old: str, new: str, told: str) -> None:
    assert told not in values(verified(model), key).values()
    assert told in values(mutated(model, old, new), key).values()


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("attn_output = attn_output.transpose(1, 2).contiguous()", "attn_output = attn_output.contiguous()", "o_proj(reshape("),
        ("self.q_proj(hidden_states).view(hidden_shape).transpose(1, 2)",
         "self.q_proj(hidden_states).view(*input_shape, self.head_dim, -1).permute(0, 3, 1, 2)",
         "rearrange(q_proj(x), a b (c d) → a d b c)"),
    ],
)  # fmt: skip
def test_heads_and_tokens_that_are_mixed_change_the_formula(old: str, new: str, told: str) -> None:
    before = values(verified("llama"), "attention.formula").values()
    after = values(mutated("llama", old, new), "attention.formula").values()
    assert all(told not in str(text) for text in before)
    assert all(told in str(text) for text in after)


_QKV = "self.query_key_value(hidden_states).view(hidden_shape).transpose(1, 2)"


@pytest.mark.parametrize(
    ("new", "told"),
    [
        ("self.query_key_value(hidden_states).view(hidden_shape).movedim(2, 1)", "a = query_key_value(x)"),
        ("self.query_key_value(hidden_states).view(hidden_shape).moveaxis((-2, 1), (1, -2))", "a = query_key_value(x)"),
        (
            "self.query_key_value(hidden_states).unflatten(-1, (3 * self.head_size, -1)).movedim(-1, 1)",
            "a = rearrange(query_key_value(x), a b (c d) → a d b c)",
        ),
    ],
)
def test_axes_that_are_taken_elsewhere_are_followed(new: str, told: str) -> None:
    formulas = values(mutated("gpt_neox", _QKV, new), "attention.formula").values()
    assert formulas
    assert all(str(text).startswith(f"{told};") for text in formulas)


def test_groups_that_are_repeated_as_a_whole_change_the_formula_of_a_router() -> None:
    old = "            .reshape(-1, self.num_experts)\n"
    before = values(verified("deepseek_v3"), "module.formula")
    after = values(mutated("deepseek_v3", old, old.replace(".reshape", ".transpose(1, 2).reshape")), "module.formula")
    gate = "model.layers.{3}.mlp.gate"
    assert "new" not in str(before[gate])
    assert "rearrange(scatter(zeros_like, 1, c[result 2], 1), a b → a (new b))" in str(after[gate])


def test_layers_that_share_the_bias_of_the_first_say_so() -> None:
    found = values(verified("t5"), "attention.position_bias")
    assert list(found.values()).count("the relative bias that another layer computed") == 2
    formulas = [
        str(text) for scope, text in values(verified("t5"), "attention.formula").items() if "SelfAttention" in scope
    ]
    assert sum("+ position_bias" in text for text in formulas) == 2
    assert sum("arange[None, :] − (arange + 0)[:, None]" in text for text in formulas) == 2
