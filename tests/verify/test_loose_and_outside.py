"""What lies loose in a layer or outside its parts, cuts along positions, equations and truth values, complex tables: one line changed."""

from __future__ import annotations

import pytest

from tests.verify.models import mutated, only, values, verified

ACT = "hidden_states = self.intermediate_act_fn(hidden_states)"


@pytest.mark.parametrize(
    ("model_type", "old", "new", "kind", "activation"),
    [
        ("bert", ACT, "pass", "MLP, no activation", None),
        ("bert", ACT, "hidden_states = torch.relu(hidden_states)", "MLP (ReLU)", "ReLU"),
        ("bert", ACT, "hidden_states = torch.sin(hidden_states)", "MLP, but in other steps (see feed_forward.formula)", None),
        ("bert", ACT, f"{ACT} ** 2", "MLP (GELU), but in other steps (see feed_forward.formula)", "GELU"),
        ("opt", "hidden_states = self.activation_fn(hidden_states)", "pass", "MLP, no activation", None),
        ("opt", "hidden_states = self.activation_fn(hidden_states)", "hidden_states = torch.tanh(hidden_states)",
         "MLP (tanh)", "tanh"),
    ],
)  # fmt: skip
def test_the_activation_between_loose_projections_is_that_of_the_pass(
    model_type: str, old: str, new: str, kind: str, activation: str | None
) -> None:
    before = {"bert": "GELU", "opt": "ReLU"}[model_type]
    assert only(verified(model_type), "feed_forward.kind") == f"MLP ({before})"
    assert only(verified(model_type), "feed_forward.activation") == before
    found = mutated(model_type, old, new)
    assert only(found, "feed_forward.kind") == kind
    assert list(values(found, "feed_forward.activation").values()) == ([] if activation is None else [activation])


def test_an_activation_before_the_first_of_loose_projections_is_none_between_them() -> None:
    lines = ["hidden_states = self.dense(hidden_states)", ACT]
    found = mutated("bert", "\n        ".join(lines), "\n        ".join(reversed(lines)))
    assert only(found, "feed_forward.kind") == "MLP, no activation"


def test_loose_projections_have_a_formula_of_what_lies_between_them() -> None:
    assert only(verified("opt"), "feed_forward.formula") == "fc2(activation_fn(fc1(x)))"
    assert only(verified("bert"), "feed_forward.formula") == (
        "output.dense(intermediate.intermediate_act_fn(intermediate.dense(x)))"
    )


def test_a_gated_feed_forward_that_applies_no_activation_is_not_called_by_that_of_its_module() -> None:
    found = mutated("llama", "self.act_fn(self.gate_proj(x))", "self.gate_proj(x)")
    assert only(verified("llama"), "feed_forward.kind") == "SwiGLU"
    assert only(found, "feed_forward.kind") == "Gated MLP, no activation"


@pytest.mark.parametrize(
    ("model_type", "old", "new", "key"),
    [
        ("deepseek_v4", "post = 2 * torch.sigmoid(", "post = torch.sigmoid(", "module.formula"),
        ("muse_spark_text", "* (1.0 + beta)", "* (1.0 - beta)", "module.formula"),
        ("muse_spark_text", "alpha * residual + beta * hidden_states", "beta * residual + alpha * hidden_states",
         "module.formula"),
        ("gemma3n_text", "return hidden_states + normed_laurel_hidden_states", "return torch.tanh(hidden_states) + normed_laurel_hidden_states",
         "module.formula"),
        ("bert", f"{ACT}\n", f"{ACT} + hidden_states\n", "module.formula"),
        ("opt", "super().forward(position_ids + self.offset)", "super().forward(position_ids - self.offset)", "module.formula"),
        ("convnext", "self.layernorm(last_hidden_state.mean([-2, -1]))", "self.layernorm(last_hidden_state.sum([-2, -1]))",
         "model.formula"),
        ("mamba2", '"bclhn,bcshn->bclsh"', '"bclhn,bcshn->bcslh"', "mixer.formula"),
        ("xlnet", '"bnij,jbnd->ibnd"', '"bnij,ibnd->jbnd"', "attention.formula"),
        ("glm_moe_dsa", ".scatter(-1, topk_indices.long(), False)", ".scatter(-1, topk_indices.long(), True)",
         "attention.formula"),
        ("llama4_text", "torch.polar(torch.ones_like(freqs), freqs)", "torch.polar(torch.ones_like(freqs), freqs * 2)",
         "rope.tables"),
        ("llama4_text", "freqs_cis = freqs_cis * self.attention_scaling", "freqs_cis = freqs_cis * 3", "rope.tables"),
        ("gptj", "return embed_positions.repeat(", "return 2 * embed_positions.repeat(", "rope.tables"),
    ],
)  # fmt: skip
def test_a_changed_step_changes_its_formula(model_type: str, old: str, new: str, key: str) -> None:
    before = values(verified(model_type), key)
    assert before != values(mutated(model_type, old, new), key)


@pytest.mark.parametrize(
    ("cut", "told"),
    [
        ("[:, :1]", "[:, :1]"), ("[:, -1:]", "[:, -1:]"), ("[:, [0]]", "[:, [0]]"),
        (".narrow(1, 0, 1)", "[0 to 1 of axis 1]"),
    ],
)  # fmt: skip
def test_a_cut_along_positions_is_written(cut: str, told: str) -> None:
    found = mutated("llama", "self.mlp(hidden_states)", f"self.mlp(hidden_states{cut})")
    assert (
        only(found, "layer.formula")
        == f"a = x + self_attn(input_layernorm(x)); a + mlp(post_attention_layernorm(a){told})"
    )


def test_which_half_of_twice_the_positions_is_kept_is_written() -> None:
    joined = "torch.cat([hidden_states, hidden_states], 1)"
    first = mutated("llama", "self.mlp(hidden_states)", f"self.mlp({joined}[:, : hidden_states.shape[1]])")
    second = mutated("llama", "self.mlp(hidden_states)", f"self.mlp({joined}[:, hidden_states.shape[1] :])")
    assert str(only(first, "layer.formula")).endswith("mlp(cat(b, b, 1)[:, :S])")
    assert str(only(second, "layer.formula")).endswith("mlp(cat(b, b, 1)[:, S:])")


@pytest.mark.parametrize(
    ("layer", "told"), [('nn.GELU(approximate="tanh")', "approximated by tanh"), ("nn.LeakyReLU(0.3)", "slope 0.3")]
)
def test_settings_of_a_library_s_layer_inside_a_layer_are_told(layer: str, told: str) -> None:
    assert values(verified("mpt"), "module.settings") == {}
    found = mutated("mpt", 'nn.GELU(approximate="none")', layer)
    assert only(found, "module.settings") == told
