"""One line of a modelling file changed: the claim that it proved changes, or the tensors' digest does."""

from __future__ import annotations

import pytest

from archviz import pipeline
from archviz.interpreter.modules import SourceText
from archviz.sources.installed import find_transformers_source
from tests.verify.models import SETTINGS, interpreter, mutated, only, source_of, split_of, values, verified

DEEPSEEK_SPLIT = "q_pass, q_rot = torch.split(q_states, [self.qk_nope_head_dim, self.qk_rope_head_dim], dim=-1)"


def test_the_other_end_of_the_head_rotated_is_seen() -> None:
    swapped = "q_rot, q_pass = torch.split(q_states, [self.qk_rope_head_dim, self.qk_nope_head_dim], dim=-1)"
    found = mutated("deepseek_v3", DEEPSEEK_SPLIT, swapped)
    part = only(found, "rope.part")
    assert isinstance(part, dict)
    assert part["q_b_proj"] == "first 64 of 192"
    assert split_of(found, "q_b_proj") == {"of": "q_b_proj", "sizes": [64, 128], "names": ["q_rot", "q_pass"]}


def test_swapped_sizes_of_a_split_change_the_sizes_or_leave_a_gap() -> None:
    old = "kv_nope, k_rot = torch.split(compressed_kv, [self.kv_lora_rank, self.qk_rope_head_dim], dim=-1)"
    new = "kv_nope, k_rot = torch.split(compressed_kv, [self.qk_rope_head_dim, self.kv_lora_rank], dim=-1)"
    found = mutated("deepseek_v3", old, new)
    sizes = [c.value["sizes"] for c in found.claims if c.key == "split" and isinstance(c.value, dict)]
    assert [512, 64] not in sizes
    assert found.gaps or [64, 512] in sizes


def test_halves_in_place_of_neighbours_change_the_layout() -> None:
    old = "q1, q2 = q[..., 0::2], q[..., 1::2]\n    k1, k2 = k[..., 0::2], k[..., 1::2]"
    found = mutated("deepseek_v3", old, "q1, q2 = q.chunk(2, dim=-1)\n    k1, k2 = k.chunk(2, dim=-1)")
    assert only(verified("deepseek_v3"), "rope.layout") == "interleaved"
    assert only(found, "rope.layout") == "half_split"


def test_neighbours_in_place_of_halves_change_the_layout() -> None:
    old = "x1 = x[..., : x.shape[-1] // 2]\n    x2 = x[..., x.shape[-1] // 2 :]"
    found = mutated("llama", old, "x1 = x[..., 0::2]\n    x2 = x[..., 1::2]")
    assert only(verified("llama"), "rope.layout") == "half_split"
    assert (
        only(found, "rope.layout") == "no rotation: elements are not mixed in pairs"
    )  # neighbours in, halves out, and both added


def test_a_dropped_residual_is_seen() -> None:
    old = "hidden_states = self.mlp(hidden_states)\n        hidden_states = residual + hidden_states"
    found = mutated("llama", old, "hidden_states = self.mlp(hidden_states)")
    assert only(verified("llama"), "residual.count") == 2
    assert only(found, "residual.count") == 1


def test_rotation_moved_before_the_norms_is_seen() -> None:
    rotate = "query_states, key_states = apply_rotary_pos_emb(query_states, key_states, cos, sin)\n"
    norms = "        query_states, key_states = self.q_norm(query_states), self.k_norm(key_states)\n"
    dotted = "transformers.models.qwen3.modeling_qwen3"
    source = find_transformers_source(dotted)
    assert source is not None
    text = source.text
    for name in ("q", "k"):
        old = f"self.{name}_norm(self.{name}_proj(hidden_states).view(hidden_shape))"
        assert text.count(old) == 1
        text = text.replace(old, f"self.{name}_proj(hidden_states).view(hidden_shape)")
    assert text.count(rotate) == 1
    text = text.replace(rotate, rotate + norms)

    def find(name: str) -> SourceText | None:
        return source._replace(text=text) if name == dotted else find_transformers_source(name, SETTINGS.limits)

    found = pipeline.verify_source(source_of("qwen3"), interpreter=interpreter(find))[0]
    assert only(verified("qwen3"), "rope.after_norms") == ["k_norm", "q_norm"]
    assert values(verified("qwen3"), "rope.before_norms") == {}
    assert values(found, "rope.after_norms") == {}
    assert only(found, "rope.before_norms") == ["k_norm", "q_norm"]


def test_a_norm_moved_behind_its_branch_changes_the_placement() -> None:
    lines = ["hidden_states = self.post_attention_layernorm(hidden_states)", "hidden_states = self.mlp(hidden_states)"]
    found = mutated("llama", "\n        ".join(lines), "\n        ".join(reversed(lines)))
    assert only(verified("llama"), "norm.placement") == "pre-norm"
    after = "post-norm (after the branch, before the residual sum)"
    assert only(found, "norm.placement") == f"mixed: self_attn pre-norm; mlp {after}"


def test_a_feed_forward_put_behind_attention_is_no_longer_parallel() -> None:
    old = "mlp_output = self.mlp(self.post_attention_layernorm(hidden_states))"
    found = mutated("gpt_neox", old, "mlp_output = self.mlp(self.post_attention_layernorm(attn_output))")
    assert only(verified("gpt_neox"), "residual.structure") == "parallel"
    assert only(found, "residual.structure") == "sequential"


@pytest.mark.parametrize(
    ("model_type", "old", "new", "key"),
    [
        ("llama", "self.scaling = self.head_dim**-0.5", "self.scaling = 1.5", "attention.scale"),
        ("deepseek_v3", "scores = router_logits.sigmoid()", "scores = router_logits.softmax(-1)", "moe.score"),
        ("deepseek_v3", "scores_for_choice = scores + self.e_score_correction_bias",
         "scores_for_choice = scores + 0", "moe.correction_bias"),
        ("gemma2", "logits = logits * self.config.final_logit_softcapping", "logits = logits * 7", "logits.softcap"),
        ("gpt_oss", "combined_logits = torch.cat([attn_weights, sinks], dim=-1)",
         "combined_logits = attn_weights", "attention.sinks"),
    ],
)  # fmt: skip
def test_a_changed_constant_or_function_changes_its_claim(model_type: str, old: str, new: str, key: str) -> None:
    before, after = values(verified(model_type), key), values(mutated(model_type, old, new), key)
    assert before != after


def test_a_changed_width_changes_the_digest() -> None:
    old = "self.gate_proj = nn.Linear(self.hidden_size, self.intermediate_size, bias=config.mlp_bias)"
    new = old.replace("self.intermediate_size,", "self.intermediate_size + 8,")

    def find(name: str) -> SourceText | None:
        found = find_transformers_source(name, SETTINGS.limits)
        if found is not None and name.endswith("modeling_llama"):
            assert found.text.count(old) == 1
            return found._replace(text=found.text.replace(old, new))
        return found

    source = source_of("llama")
    digests = {pipeline.digest(pipeline.read(source, interpreter=i)) for i in (None, interpreter(find))}
    assert len(digests) == 2


def test_claims_that_a_gap_may_change_are_not_verified() -> None:
    old = "key_states = self.k_proj(hidden_states).view(hidden_shape).transpose(1, 2)"
    found = mutated("llama", old, "key_states = torch.nobody_knows_this_op(self.k_proj(hidden_states))")
    assert found.exit_status == 5
    about_attention = [c for c in found.claims if c.part == "self_attn"]
    assert {c.status for c in about_attention} <= {
        "unverified",
        "config",
        "derived",
    }  # a default of the class is no reading
    assert any(c.status == "verified" for c in found.claims if c.part == "mlp")


MORE = [
    ("qwen3_5_moe_text", "attn_output = attn_output * torch.sigmoid(gate)", "attn_output = attn_output * F.silu(gate)",
     "attention.gate"),
    ("qwen3_5_moe_text", "F.sigmoid(self.shared_expert_gate(hidden_states_reshaped))",
     "self.shared_expert_gate(hidden_states_reshaped)", "moe.shared_expert_gate"),
    ("mpt", 'nn.GELU(approximate="none")', 'nn.GELU(approximate="tanh")', "feed_forward.activation"),
    ("gemma2", "hidden_states = self.post_attention_layernorm(hidden_states)\n        hidden_states = residual + hidden_states",
     "hidden_states = residual + hidden_states\n        hidden_states = self.post_attention_layernorm(hidden_states)",
     "norm.places"),
    ("deepseek_v4", "attn_output.transpose(1, 2), cos, -sin)", "attn_output.transpose(1, 2), cos, sin)", "rope.inverse"),
    ("deepseek_v4", "indices = self.tid2eid[input_ids.reshape(-1)].long()", "indices = logits.topk(self.top_k)[1]",
     "moe.routing"),
    ("granite", "self.scaling = config.attention_multiplier", "self.scaling = 2 * config.attention_multiplier",
     "attention.scale"),
    ("granite", "inputs_embeds = inputs_embeds * self.embedding_multiplier", "inputs_embeds = inputs_embeds",
     "embedding.scale"),
    ("llama4_text", "torch.nn.functional.sigmoid(router_scores.float())", "router_scores.float().softmax(-1)", "moe.score"),
    ("gpt_oss", "torch.nn.functional.softmax(router_top_value, dim=1, dtype=router_top_value.dtype)",
     "torch.sigmoid(router_top_value)", "moe.score"),
    ("kimi_linear", "scores = router_logits.sigmoid()", "scores = router_logits.softmax(-1)", "moe.score"),
    ("kimi_linear", "beta = torch.sigmoid(self.b_proj(hidden_states))", "beta = torch.tanh(self.b_proj(hidden_states))",
     "mixer.functions"),
    ("olmo2", "query_states = self.q_norm(self.q_proj(hidden_states))", "query_states = self.q_proj(hidden_states)",
     "rope.after_norms"),
    ("t5", "attn_weights = attn_weights + position_bias", "attn_weights = attn_weights", "attention.position_bias"),
    ("mpt", "attention_scores = attention_scores + position_bias", "attention_scores = attention_scores",
     "attention.position_bias"),
    ("smollm3", "if self.use_rope:", "if True:", "rope.tensors"),
    ("bloom", "residual = layernorm_output\n        else:\n            residual = hidden_states\n\n        # Self attention.",
     "residual = hidden_states\n        else:\n            residual = layernorm_output\n\n        # Self attention.",
     "residual.skips"),
    ("falcon_h1", "hidden_states = mamba_hidden_states + attention_hidden_states", "hidden_states = attention_hidden_states",
     "mixers.parallel"),
    ("cohere", "logits = logits * self.logit_scale", "logits = logits", "logits.scale"),
    ("rwkv", "key = torch.square(torch.relu(self.key(key)))", "key = torch.relu(self.key(key))", "feed_forward.activation"),
    ("nemotron_h", "hidden_states = residual + hidden_states", "hidden_states = hidden_states", "residual.count"),
    ("xlstm", "x = self.act_fn(self.proj_up_gate(x)) * self.proj_up(x)", "x = self.act_fn(self.proj_up_gate(x)) + self.proj_up(x)",
     "feed_forward.gated"),
    ("cohere2", "if self.sliding_window is not None:\n            query_states", "if True:\n            query_states", "rope.tensors"),
    ("olmo3", "query_states = self.q_norm(self.q_proj(hidden_states))", "query_states = self.q_proj(hidden_states)",
     "rope.after_norms"),
    ("exaone4", "query_states = self.q_norm(query_states)\n", "\n", "rope.after_norms"),
    ("ernie4_5_moe", "routing_weights = F.softmax(router_logits, dim=1, dtype=torch.float)",
     "routing_weights = F.sigmoid(router_logits)", "moe.score"),
    ("granitemoe", "self.residual_multiplier = config.residual_multiplier", "self.residual_multiplier = 0.5", "residual.scale"),
]  # fmt: skip


@pytest.mark.parametrize(("model_type", "old", "new", "key"), MORE)
def test_one_changed_line_changes_the_claim_that_it_proved(model_type: str, old: str, new: str, key: str) -> None:
    before, after = values(verified(model_type), key), values(mutated(model_type, old, new), key)
    assert before != after
