"""Formulas of layers and their parts, and the known forms that are told by computing: what is no such form is not called one."""

from __future__ import annotations

import re

import pytest

from archviz import pipeline
from archviz.descriptions import describe
from archviz.settings import Settings
from archviz.verify.report import Verification
from tests.verify.models import claim_of, mutated, only, values, verified

EAGER = "attn_weights = torch.matmul(query, key_states.transpose(2, 3)) * scaling"
ADDED = "hidden_states = residual + hidden_states\n\n        # Fully Connected"
SQUARES = "variance = hidden_states.pow(2).mean(-1, keepdim=True)"
ROTATED = "q_embed = (q * cos) + (rotate_half(q) * sin)"


def test_the_formula_of_a_layer_and_its_parts_is_written_as_the_code_has_it() -> None:
    found = verified("qwen3")
    assert only(found, "layer.formula") == (
        "a = x + self_attn(input_layernorm(x)); a + mlp(post_attention_layernorm(a))"
    )
    assert only(found, "feed_forward.formula") == "down_proj(act_fn(gate_proj(x)) · up_proj(x))"
    assert only(found, "norm.formula") == "weight · x · rsqrt(mean(x^2, −1) + 1e−06)"
    assert only(found, "attention.formula") == (
        "a = apply_rotary_pos_emb(q_norm(q_proj(x))) @ apply_rotary_pos_emb(k_norm(k_proj(x))); "
        "o_proj(softmax(a · 0.0883883 + mask, dim=-1) @ v_proj(x))"
    )
    assert values(found, "model.formula") == {
        "": "lm_head(model(x))", "model": "norm(layers.0…1(embed_tokens(x)))"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("key", "old", "new"),
    [
        ("attention.formula", "self.v_proj(hidden_states)", "(0.5 * self.v_proj(hidden_states))"),
        ("attention.formula", "attn_output = self.o_proj(attn_output)", "attn_output = torch.tanh(self.o_proj(attn_output))"),
        ("attention.formula", "softmax(attn_weights, dim=-1", "softmax(attn_weights.relu(), dim=-1"),
        ("feed_forward.formula", "* self.up_proj(x))", "* (self.up_proj(x) + 1))"),
        ("layer.formula", ADDED, ADDED.replace("residual + hidden_states", "(residual + hidden_states).clamp(-5, 5)")),
        ("model.formula", "hidden_states = self.norm(hidden_states)", "hidden_states = self.norm(hidden_states).tanh()"),
    ],
)  # fmt: skip
def test_a_step_that_nothing_knows_changes_the_formula(key: str, old: str, new: str) -> None:
    assert values(mutated("qwen3", old, new), key) != values(verified("qwen3"), key)


@pytest.mark.parametrize(
    ("model_type", "old", "new", "told"),
    [
        ("qwen3", "return torch.cat((-x2, x1), dim=-1)", "return torch.cat((x2, x1), dim=-1)",
         "half_split, no rotation: the sine is added to both elements of a pair"),
        ("qwen3", "apply_rotary_pos_emb(query_states, key_states, cos, sin)", "apply_rotary_pos_emb(query_states, key_states, sin, cos)",
         "half_split, no rotation: cosine and sine are exchanged"),
        ("cohere", "x1 = x[..., ::2]", "x1 = x[..., 1::2]", "no rotation: elements are not mixed in pairs"),
        ("cohere", "torch.stack([-x2, x1], dim=-1).flatten(-2)", "torch.cat([-x2, x1], dim=-1)", "no rotation: elements are not mixed in pairs"),
        ("cohere", "torch.repeat_interleave(freqs, 2, dim=-1)", "torch.cat((freqs, freqs), dim=-1)",
         "interleaved, no rotation: the elements of a pair are turned by different angles"),
    ],
)  # fmt: skip
def test_what_rotates_no_pairs_is_called_no_rotation(model_type: str, old: str, new: str, told: str) -> None:
    assert " no " not in str(only(verified(model_type), "rope.layout"))
    assert only(mutated(model_type, old, new), "rope.layout") == told


def test_a_sine_that_is_subtracted_turns_back() -> None:
    found = mutated("qwen3", ROTATED, ROTATED.replace("+", "-"))
    assert only(found, "rope.direction") == "backward: q_proj"


def test_an_indexer_that_pairs_other_elements_is_told_from_the_queries() -> None:
    layouts = only(verified("deepseek_v32"), "rope.layouts")
    assert isinstance(layouts, dict)
    assert {name: layout for name, layout in layouts.items() if "indexer" not in name} == {
        "q_b_proj": "interleaved", "kv_a_proj_with_mqa": "interleaved"
    }  # fmt: skip
    assert [layout for name, layout in layouts.items() if "indexer" in name] == ["half_split", "half_split"]


@pytest.mark.parametrize(
    ("model_type", "old", "new", "kind"),
    [
        ("qwen3", SQUARES, SQUARES.replace("mean", "sum"), "L2 norm"),
        ("qwen3", SQUARES, SQUARES.replace("pow(2)", "pow(4)"), "none of the known norms (see norm.formula)"),
        ("qwen3", SQUARES, SQUARES.replace("hidden_states.pow(2)", "hidden_states.abs()"), "none of the known norms (see norm.formula)"),
        ("gemma2", "(1.0 + self.weight.float())", "(2.0 + self.weight.float())", "RMSNorm, weight as 2 + w"),
        ("cohere", "mean = hidden_states.mean(-1, keepdim=True)", "mean = 0", "RMSNorm"),
    ],
)  # fmt: skip
def test_a_norm_is_called_what_it_computes(model_type: str, old: str, new: str, kind: str) -> None:
    assert only(verified(model_type), "norm.kind") != kind
    assert only(mutated(model_type, old, new), "norm.kind") == kind


def test_norms_that_forward_leaves_out_are_told_and_not_listed() -> None:
    old = "self.q_b_proj(self.q_a_layernorm(self.q_a_proj(hidden_states)))"
    found = mutated(
        "deepseek_v3",
        old,
        old.replace("self.q_a_layernorm(self.q_a_proj(hidden_states))", "self.q_a_proj(hidden_states)"),
    )
    assert only(verified("deepseek_v3"), "attention.norms") == {"q_a_layernorm": "RMSNorm", "kv_a_layernorm": "RMSNorm"}
    assert only(found, "attention.norms") == {"kv_a_layernorm": "RMSNorm"}
    assert only(found, "modules.not_called") == ["self_attn.q_a_layernorm"]
    assert values(verified("deepseek_v3"), "modules.not_called") == {}


def test_a_last_norm_that_forward_leaves_out_is_told() -> None:
    found = mutated("qwen3", "hidden_states = self.norm(hidden_states)", "pass")
    assert values(found, "modules.not_called") == {"model": ["norm"]}
    assert values(verified("qwen3"), "modules.not_called") == {}


@pytest.mark.parametrize(
    ("old", "new", "factor"),
    [
        ("softmax(attn_weights, dim=-1", "softmax(-attn_weights, dim=-1", -0.088388348),
        ("self.q_norm(self.q_proj(hidden_states).view(hidden_shape))", "2 * self.q_norm(self.q_proj(hidden_states).view(hidden_shape))", 0.176776695),
        ("softmax(attn_weights, dim=-1", "softmax(attn_weights.sigmoid(), dim=-1", None),
    ],
)  # fmt: skip
def test_the_scale_is_that_of_the_product_of_what_the_norms_give(old: str, new: str, factor: float | None) -> None:
    assert only(verified("qwen3"), "attention.scale") == 0.088388348
    assert set(values(mutated("qwen3", old, new), "attention.scale").values()) == ({factor} if factor else set())


def test_a_mask_that_is_subtracted_is_no_mask_that_is_understood() -> None:
    found = mutated(
        "qwen3", "attn_weights = attn_weights + attention_mask", "attn_weights = attn_weights - attention_mask"
    )
    assert values(found, "attention.mask") == {}
    assert values(found, "model.encoder_type") == {}


def test_a_function_of_the_scores_is_no_gate() -> None:
    assert (
        values(
            mutated("gemma2", "attn_weights = torch.tanh(attn_weights)", "attn_weights = torch.sigmoid(attn_weights)"),
            "attention.gate",
        )
        == {}
    )


def test_heads_that_share_a_key_head_are_told_in_their_order() -> None:
    old = "hidden_states = hidden_states[:, :, None, :, :].expand(batch, num_key_value_heads, n_rep, slen, head_dim)"
    found = mutated(
        "mixtral",
        old,
        old.replace("[:, :, None, :, :]", "[:, None, :, :, :]").replace(
            "num_key_value_heads, n_rep", "n_rep, num_key_value_heads"
        ),
    )
    assert only(verified("mixtral"), "attention.head_sharing") == "4 query heads in a row share a key head"
    assert only(found, "attention.head_sharing") == "query heads that are 8 apart share a key head"


@pytest.mark.parametrize(
    ("new", "told"),
    [
        ("0.9 * residual + hidden_states", {"residual.skip_scale": [0.9, None]}),
        ("torch.lerp(residual, hidden_states, 0.25)", {"residual.skip_scale": [0.75, None], "residual.scale": [0.25, None]}),
        ("torch.addcmul(residual, hidden_states, hidden_states)", {"residual.scale": ["other data", None]}),
        ("residual + hidden_states / 4", {"residual.scale": [0.25, None]}),
    ],
)  # fmt: skip
def test_sums_that_weigh_their_parts_are_residual_all_the_same(new: str, told: dict[str, object]) -> None:
    found = mutated("qwen3", ADDED, ADDED.replace("residual + hidden_states", new))
    assert only(found, "residual.count") == 2
    assert {key: only(found, key) for key in told} == told


def test_a_layer_whose_result_is_multiplied_says_so() -> None:
    assert only(verified("gemma4_text"), "residual.layer_scale") == "stored: layer_scalar"


@pytest.mark.parametrize(
    ("model_type", "old", "new", "kind"),
    [
        ("gpt_neox", "hidden_states = self.act(hidden_states)", "pass", "MLP, no activation"),
        ("gpt_neox", "hidden_states = self.act(hidden_states)", "hidden_states = self.act(hidden_states) ** 2",
         "MLP (GELU), but in other steps (see feed_forward.formula)"),
        ("qwen3", "* self.up_proj(x))", "* (self.up_proj(x) + 1))", "SwiGLU, but in other steps (see feed_forward.formula)"),
    ],
)  # fmt: skip
def test_a_feed_forward_of_other_steps_is_not_called_by_its_name_alone(
    model_type: str, old: str, new: str, kind: str
) -> None:
    assert "other steps" not in str(only(verified(model_type), "feed_forward.kind"))
    found = mutated(model_type, old, new)
    assert only(found, "feed_forward.kind") == kind
    assert bool(values(found, "feed_forward.activation")) == ("no activation" not in kind)


@pytest.mark.parametrize(
    ("old", "new", "key", "told"),
    [
        ("~score_mask.bool()", "score_mask.bool()", "moe.group_limit", "4 of 8 groups; the chosen ones are left out"),
        ('float("-inf")', "0.0", "moe.group_limit", "4 of 8 groups; the others' scores are set to 0"),
        (".topk(2, dim=-1)[0]", ".topk(3, dim=-1)[0]", "moe.group_score", "the sum of its 3 highest scores"),
        ("top_k_weights[token_idx, top_k_pos, None]", "top_k_weights[token_idx, top_k_pos, None] ** 2", "moe.weighted",
         "the experts' outputs, by weights that went through pow"),
        ("+ self.shared_experts(residuals)", "- self.shared_experts(residuals)", "moe.formula",
         "a = gate(x); experts(x, a[result 3], a[result 2]) − shared_experts(x)"),
    ],
)  # fmt: skip
def test_steps_of_a_router_and_its_experts_are_told(old: str, new: str, key: str, told: str) -> None:
    assert only(verified("deepseek_v3"), key) != told
    assert only(mutated("deepseek_v3", old, new), key) == told


def test_experts_that_are_picked_one_by_one_are_the_highest() -> None:
    claim = claim_of(verified("phimoe"), "moe.choice")
    assert (claim.status, claim.value) == ("verified", "highest scores")


def test_numbers_before_the_head_and_behind_the_table_are_told_as_factors() -> None:
    found = mutated(
        "qwen3", "hidden_states = self.norm(hidden_states)", "hidden_states = self.norm(hidden_states) / 16"
    )
    assert only(found, "logits.scale") == 0.0625
    found = mutated("qwen3", "hidden_states = inputs_embeds", "hidden_states = inputs_embeds / 4.0")
    assert only(found, "embedding.scale") == 0.25


def published(name: str) -> Verification:
    return pipeline.verify(name, settings=Settings(offline=True))


def test_a_base_of_frequencies_that_reaches_nothing_is_no_statement_of_the_one_used() -> None:
    claim = claim_of(published("databricks/dbrx-base"), "rope.theta")
    assert (claim.value, claim.status) == (10000.0, "derived")
    assert any((each.text or "").startswith("default of DbrxConfig") for each in claim.evidence)
    text = pipeline.describe_text(describe("databricks/dbrx-base", settings=Settings(offline=True)))
    assert "attn_config.rope_theta 500,000 reaches no part that the official code reads" in text
    assert "rope theta:                 10,000  [default]" in text


@pytest.mark.parametrize(
    ("name", "key", "told"),
    [
        ("databricks/dbrx-base", "attention.clamp", ["Wqkv: −8 … 8"]),
        ("XiaomiMiMo/MiMo-V2-Flash", "attention.value_scale", 0.707),
        ("google/gemma-4-26B-A4B", "moe.expert_scale", "stored: per_expert_scale"),
        ("LiquidAI/LFM2-1.2B", "mixer.products", ["in_proj (part 1 of 3) · in_proj (part 3 of 3)", "in_proj (part 2 of 3) · in_proj"]),
        ("LiquidAI/LFM2-1.2B", "split", {"of": "in_proj", "sizes": [2048, 2048, 2048], "names": ["B", "C", "x"]}),
    ],
)  # fmt: skip
def test_factors_bounds_and_gates_of_published_models_are_told(name: str, key: str, told: object) -> None:
    assert only(published(name), key) == told


def test_a_tower_that_was_not_run_has_no_verified_windows_or_pattern(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "archviz.interpreter.tower_passes.tower_inputs", lambda *_: iter(())
    )  # nothing is known to call it with
    found = published("meta-models/Muse-Glimmer-30B")
    statuses = {
        c.key: c.status
        for c in found.claims
        if "vision_tower" in c.scope and c.key in ("attention.span", "layers.pattern")
    }
    assert statuses == {"attention.span": "unverified", "layers.pattern": "unverified"}
    assert (only(found, "logits.scale"), only(found, "attention.scale")) == (0.196116135, 0.342062905)


def test_a_rotation_that_was_not_followed_claims_no_part_of_the_head() -> None:
    found = published("zai-org/GLM-4.1V-9B-Thinking")
    assert found.gaps
    assert [scope for scope in values(found, "rope.part") if "language_model" in scope] == []


def test_norms_of_a_layer_are_not_listed_as_its_feed_forwards() -> None:
    assert values(published("facebook/bart-large-cnn"), "feed_forward.norms") == {}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Qwen/Qwen3.5-397B-A17B", ["[0 to S of S + 3]", "[:, :, :S]"]),
        ("deepseek-ai/DeepSeek-V4-Flash", ["[0 to S of S + 1]", "[0 to S + S/4 of S + S/4 + 1]"]),
    ],
)
def test_cuts_along_the_sequence_are_in_symbols_of_its_length(name: str, told: list[str]) -> None:
    claims = pipeline.verify(name, settings=Settings(offline=True)).claims
    text = " ".join(str(claim.value) for claim in claims if claim.key.endswith("formula"))
    assert all(each in text for each in told)
    assert not re.search(r"\[0 to \d+ of (10|264|266|329|66)\]", text)
