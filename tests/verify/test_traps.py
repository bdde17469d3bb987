"""What is easy to get wrong about real models, as the claims say it; each with the line that proves it."""

from __future__ import annotations

import pytest

from archviz import pipeline
from archviz.sources.model_source import ModelSource
from tests.verify.models import MODELS, claim_of, only, read_model, split_of, values, verified

A = "model.layers.{%s}.self_attn"


@pytest.mark.parametrize("model_type", MODELS)
def test_every_claim_has_evidence_and_every_line_is_quoted(model_type: str) -> None:
    for claim in verified(model_type).claims:
        assert claim.evidence or claim.key.startswith("model."), claim
        for item in claim.evidence:
            if item.text is not None:
                assert item.text.strip()
                assert item.where.rpartition(":")[2].isdigit()


def test_qwen3_5_chunks_the_gate_from_a_doubled_query_projection() -> None:
    found = verified("qwen3_5_moe_text")
    assert split_of(found, "q_proj") == {"of": "q_proj", "sizes": [256, 256], "names": ["query_states", "gate"]}
    assert only(found, "attention.gate") == "σ of q_proj"
    assert "sigmoid(gate)" in str(claim_of(found, "attention.gate").evidence[0].text)


def test_qwen3_5_rotates_a_quarter_of_each_head_after_the_norms() -> None:
    found = verified("qwen3_5_moe_text")
    assert values(found, "rope.part") == {A % 3: "first 64 of 256"}
    assert only(found, "rope.layout") == "half_split"
    assert only(found, "rope.after_norms") == ["k_norm", "q_norm"]
    assert only(found, "attention.qk_norm") == "per head"


def test_qwen3_5_convolves_queries_keys_and_values_together_and_then_splits_them() -> None:
    found = verified("qwen3_5_moe_text")
    assert values(found, "mixer.kind") == {"model.layers.{0-2}.linear_attn": "Gated DeltaNet"}
    assert split_of(found, "in_proj_qkv")["sizes"] == [2048, 2048, 4096]


def test_qwen3_5_has_one_convolution_between_the_joint_projection_and_the_split() -> None:
    graph = next(g for g in read_model("qwen3_5_moe_text")[1].blocks if g.id.endswith("/gated_deltanet"))
    boxes = {node.id: node for node in graph.nodes}
    (convolution,) = [node for node in graph.nodes if node.role == "convolution"]
    assert convolution.details == ["8192", "depthwise, kernel 4"]
    before = [boxes[e.source].label for e in graph.edges if e.target == convolution.id]
    after = [(boxes[e.target].label, boxes[e.target].details) for e in graph.edges if e.source == convolution.id]
    assert (before, after) == (["in_proj_qkv"], [("split", ["2048 + 2048 + 4096"])])


def test_qwen3_5_rotates_by_three_positions_in_sections_of_a_part() -> None:
    claim = claim_of(verified("qwen3_5_moe_text"), "rope.axes")
    assert (claim.value, claim.status) == ("3, sections 11 + 11 + 10", "verified")
    assert "expand(3" in str(claim.evidence[0].text)


def test_qwen3_5_gates_its_shared_expert() -> None:
    gate = claim_of(verified("qwen3_5_moe_text"), "moe.shared_expert_gate")
    assert gate.value == "sigmoid"
    assert "sigmoid" in str(gate.evidence[0].text)


def test_deepseek_v3_rotates_the_last_64_of_192_interleaved() -> None:
    found = verified("deepseek_v3")
    assert only(found, "attention.kind") == "MLA"
    assert only(found, "rope.part") == {"q_b_proj": "last 64 of 192", "kv_a_proj_with_mqa": "last 64 of 576"}
    assert only(found, "rope.layout") == "interleaved"
    assert split_of(found, "q_b_proj") == {"of": "q_b_proj", "sizes": [128, 64], "names": ["q_pass", "q_rot"]}
    assert split_of(found, "kv_b_proj")["sizes"] == [128, 128]
    assert (only(found, "attention.query_rank"), only(found, "attention.kv_rank")) == (1536, 512)


def test_deepseek_v3_joins_the_rotated_part_behind_the_other() -> None:
    join = claim_of(verified("deepseek_v3"), "concat").value
    assert join == {"of": ["q_b_proj", "q_b_proj"], "sizes": [128, 64], "names": ["query_states"]}


def test_deepseek_v3_limits_groups_and_corrects_the_choice_by_a_bias() -> None:
    found = verified("deepseek_v3")
    assert values(found, "moe.group_limit") == {"model.layers.{3}.mlp": "4 of 8 groups"}
    assert only(found, "moe.score") == "sigmoid"
    assert "correction_bias" in str(claim_of(found, "moe.correction_bias").evidence[0].text)
    assert only(found, "moe.normalised") is True
    assert only(found, "moe.scaling") == 2.5
    assert only(found, "mtp.layers") == 1


def test_deepseek_v3_2_rotates_its_indexer_in_halves_and_its_attention_in_pairs_of_neighbours() -> None:
    layouts = {claim.value: claim for claim in verified("deepseek_v32").claims if claim.key == "rope.layout"}
    assert set(layouts) == {"interleaved", "half_split"}
    assert "apply_rotary_pos_emb_interleave(" in str(layouts["interleaved"].evidence[0].text)
    assert "apply_rotary_pos_emb(" in str(layouts["half_split"].evidence[0].text)


def test_deepseek_v4_has_hyper_connections_with_sinkhorn_iterations() -> None:
    found = verified("deepseek_v4")
    assert only(found, "residual.structure") == "hyper-connections, 4 streams"
    assert only(found, "residual.sinkhorn_iterations") == 20


def test_deepseek_v4_rotates_the_attention_output_back() -> None:
    found = verified("deepseek_v4")
    assert only(found, "rope.inverse") == {"attention output": "last 64 of 512"}
    assert only(found, "rope.layout") == "interleaved"


def test_deepseek_v4_compresses_by_layer_and_chooses_by_an_indexer() -> None:
    found = verified("deepseek_v4")
    assert values(found, "attention.compression") == {
        A % "0-2,4": "128 positions into one",
        A % "3,5": "4 positions into one",
    }
    assert values(found, "attention.indexer_top_k") == {A % "3,5": 512}


def test_deepseek_v4_routes_its_first_layers_by_hash_and_has_sinks_and_a_grouped_output() -> None:
    found = verified("deepseek_v4")
    assert list(values(found, "moe.routing")) == ["model.layers.{0-2}.mlp"]
    assert "tid2eid" in str(claim_of(found, "moe.routing").evidence[0].text)
    assert list(values(found, "moe.correction_bias")) == ["model.layers.{3-5}.mlp"]
    assert only(found, "attention.sinks") is True
    assert only(found, "attention.grouped_output") == {"projection": "o_a_proj", "groups": 8, "rank": 1024}
    assert only(found, "attention.values_from") == "kv_proj"


def test_deepseek_v4_has_another_theta_where_positions_are_compressed() -> None:
    found = verified("deepseek_v4")
    evidence = claim_of(found, "rope.theta").evidence
    assert only(found, "rope.theta") == 160_000.0
    assert evidence[-1].where == "transformers/models/deepseek_v4/configuration_deepseek_v4.py:40"  # no key states it


def test_deepseek_v4_states_what_it_spares_as_facts_by_kind() -> None:
    facts = {fact.key: fact for fact in read_model("deepseek_v4")[1].facts}
    assert facts["attention_compression"].value == {
        "heavily_compressed_attention": "128 positions into one",
        "compressed_sparse_attention": "4 positions into one",
    }
    assert facts["indexer_top_k"].value == {"heavily_compressed_attention": "none", "compressed_sparse_attention": 512}
    heads = facts["indexer_heads"].value
    assert isinstance(heads, dict)
    assert heads["heavily_compressed_attention"] == "none"
    assert isinstance(heads["compressed_sparse_attention"], int)
    assert facts["grouped_output"].value == "8 groups of rank 1,024"
    assert facts["query_rank"].value == only(verified("deepseek_v4"), "attention.query_rank") == 1024
    assert (facts["residual_streams"].value, facts["sinkhorn_iterations"].value) == (4, 20)
    told = [item for key in ("attention_compression", "residual_streams") for item in facts[key].evidence]
    assert {item.kind for item in told} == {"code", "config"}


def test_deepseek_v4_draws_its_streams_in_words() -> None:
    architecture = read_model("deepseek_v4")[1]
    graph = architecture.block(architecture.layers[0].kinds[0].block)
    assert graph is not None
    told = [(node.label, node.details) for node in graph.nodes if node.role in ("other", "multiply")]
    branch = [
        ("Hyper-connection", ["4 streams → 1", "20 Sinkhorn iterations"]),
        ("Spread over streams", ["1 → 4 streams"]),
        ("Mix streams", ["4 × 4 matrix"]),
    ]
    assert sorted(told) == sorted(branch * 2)
    column = [item.node.label for item in architecture.towers[0].column if item.node]
    assert "Collapse streams" in column


def test_gemma_2_has_sandwich_norms_and_two_softcaps() -> None:
    found = verified("gemma2")
    assert only(found, "norm.placement") == "sandwich"
    assert only(found, "norm.kind") == "RMSNorm, weight as 1 + w"
    assert only(found, "attention.softcap") == 50.0
    assert "tanh" in str(claim_of(found, "attention.softcap").evidence[0].text)
    assert only(found, "logits.softcap") == 30.0
    assert only(found, "embedding.scale") == 48.0
    assert values(found, "attention.span") == {A % "0,2": "sliding", A % "1,3": "full"}


def test_gemma_4_has_two_head_dimensions_and_takes_values_from_keys_in_full_layers() -> None:
    found = verified("gemma4_text")
    assert values(found, "attention.head_dim") == {A % "0-4": 256, A % 5: 512}
    assert values(found, "attention.values_from") == {A % 5: "k_proj"}
    assert values(found, "rope.theta") == {A % "0-4": 10_000.0, A % 5: 1_000_000.0}


def test_gemma_4_embeds_tokens_once_more_beside_the_stream_and_chains_nothing_of_it() -> None:
    tower = read_model("gemma4_text")[1].towers[0]
    beside = {item.node.code_name: item.reads for item in tower.column if item.node and item.beside}
    assert beside == {
        "embed_tokens_per_layer": [],
        "per_layer_model_projection": ["model_embed_tokens"],
        "per_layer_projection_norm": ["model_per_layer_model_projection"],
    }
    before = [item.node.code_name for item in tower.column if item.node and not item.beside]
    assert before == [None, "embed_tokens", "norm", "lm_head"]


def test_gemma_3_has_another_theta_in_sliding_layers() -> None:
    found = verified("gemma3_text")
    assert values(found, "rope.theta") == {A % "0-4": 10_000.0, A % 5: 1_000_000.0}
    assert claim_of(found, "rope.theta", A % 5).status == "config"


def test_llama_4_interleaves_experts_and_leaves_positions_out_of_every_fourth_layer() -> None:
    found = verified("llama4_text")
    assert list(values(found, "moe.experts")) == ["model.layers.{1,3}.feed_forward"]
    assert values(found, "rope.tensors") == {A % "0-2": ["q_proj", "k_proj"], A % 3: "none (NoPE)"}
    assert values(found, "attention.span") == {A % "0-2": "chunked", A % 3: "full"}
    assert values(found, "attention.qk_norm") == {A % "0-2": "per head", A % 3: "none"}
    assert only(found, "rope.before_norms") == ["qk_norm"]
    assert only(found, "rope.layout") == "interleaved"
    assert only(found, "moe.score") == "sigmoid over top-k"


def test_gpt_oss_has_sinks_and_biases() -> None:
    found = verified("gpt_oss")
    assert only(found, "attention.sinks") is True
    assert "cat" in str(claim_of(found, "attention.sinks").evidence[0].text)
    assert only(found, "attention.qkv_bias") is True
    assert only(found, "attention.output_bias") is True
    assert only(found, "moe.score") == "softmax over top-k"
    assert only(found, "rope.layout") == "half_split"


def test_gpt_oss_clamps_its_experts_and_slopes_their_activation() -> None:
    found = verified("gpt_oss")
    activation = claim_of(found, "moe.activation")
    assert (activation.value, activation.status) == ("SiLU (α = 1.702, clamped)", "verified")
    assert "sigmoid(gate * self.alpha)" in str(activation.evidence[0].text)
    assert only(found, "moe.clamp") == ["≤ 7", "−7 … 7"]
    assert ".clamp(" in str(claim_of(found, "moe.clamp").evidence[0].text)
    assert only(found, "moe.linear_shift") == 1.0
    assert "(up + 1)" in str(claim_of(found, "moe.linear_shift").evidence[0].text)


def test_kimi_linear_projects_its_gates_through_a_low_rank() -> None:
    boxes = [node for graph in read_model("kimi_linear")[1].blocks for node in graph.nodes]
    gates = [node for node in boxes if node.code_name == "forget_gate"]
    assert gates
    assert {node.label for node in gates} == {"Low-rank projection"}
    assert gates[0].details[0] == "2304 → 128 → 4096"


def test_kimi_linear_alternates_with_mla_that_leaves_positions_out() -> None:
    found = verified("kimi_linear")
    assert list(values(found, "mixer.kind")) == [A % "0-2"]
    assert values(found, "attention.kind") == {A % 3: "MLA"}
    assert values(found, "rope.tensors") == {A % 3: "none (NoPE)"}
    assert split_of(found, "q_proj + k_proj + v_proj")["sizes"] == [4096, 4096, 4096]
    functions = claim_of(found, "mixer.functions").evidence
    assert {item.where.rpartition("/")[2].partition(":")[0] for item in functions} == {"modeling_kimi_linear.py"}


def test_olmo_2_normalises_after_the_branch_and_queries_as_a_whole() -> None:
    found = verified("olmo2")
    assert str(only(found, "norm.placement")).startswith("post-norm (after the branch")
    assert only(found, "attention.qk_norm") == "over the whole projection"


def test_cohere_is_parallel_under_one_norm_and_scales_logits() -> None:
    found = verified("cohere")
    assert only(found, "residual.structure") == "parallel"
    assert only(found, "residual.shared_norm") is True
    assert only(found, "rope.layout") == "interleaved"
    assert only(found, "logits.scale") == 0.0625
    assert only(found, "embedding.tied") is True


def test_gpt_j_rotates_the_first_64_of_256_interleaved() -> None:
    found = verified("gptj")
    assert only(found, "rope.part") == "first 64 of 256"
    assert only(found, "rope.layout") == "interleaved"
    assert split_of(found, "q_proj") == {"of": "q_proj", "sizes": [64, 192], "names": ["q_rot", "q_pass"]}
    assert (only(found, "residual.structure"), only(found, "residual.shared_norm")) == ("parallel", True)


def test_gpt_neox_is_parallel_under_two_norms_and_rotates_a_quarter() -> None:
    found = verified("gpt_neox")
    assert (only(found, "residual.structure"), only(found, "residual.shared_norm")) == ("parallel", False)
    assert only(found, "rope.part") == "first 24 of 96"
    assert only(found, "rope.layout") == "half_split"


def test_smollm3_leaves_positions_out_of_every_fourth_layer() -> None:
    assert values(verified("smollm3"), "rope.tensors") == {A % "0-2": ["q_proj", "k_proj"], A % 3: "none (NoPE)"}


def test_t5_has_a_relative_bias_in_its_first_layers_that_the_others_share_and_does_not_scale_scores() -> None:
    found = verified("t5")
    bias, shared = "relative bias, 32 buckets × 8 heads", "the relative bias that another layer computed"
    assert values(found, "attention.position_bias") == {
        "decoder.block.{0}.layer.0.SelfAttention": bias,
        "decoder.block.{1}.layer.0.SelfAttention": shared,
        "encoder.block.{0}.layer.0.SelfAttention": bias,
        "encoder.block.{1}.layer.0.SelfAttention": shared,
    }
    assert only(found, "attention.scale") == 1.0
    assert only(found, "logits.scale") == pytest.approx(512**-0.5)


@pytest.mark.parametrize("model_type", ["bloom", "mpt"])
def test_alibi_is_told_from_rotation(model_type: str) -> None:
    found = verified(model_type)
    assert only(found, "attention.position_bias") == "ALiBi"
    assert only(found, "model.positions") == "ALiBi"
    assert values(found, "rope.tensors") == {}


def test_bloom_normalises_its_embedding() -> None:
    assert only(verified("bloom"), "embedding.norm") == "LayerNorm"


def test_nemotron_h_has_one_mixer_or_feed_forward_a_layer() -> None:
    found = verified("nemotron_h")
    assert only(found, "residual.count") == 1
    assert values(found, "mixer.kind") == {"model.layers.{0}.mixer": "Mamba-2"}
    assert list(values(found, "moe.experts")) == ["model.layers.{1}.mixer"]
    assert list(values(found, "attention.kind")) == ["model.layers.{2}.mixer"]
    assert list(values(found, "feed_forward.kind")) == ["model.layers.{3}.mixer"]


def test_falcon_h1_runs_its_two_mixers_side_by_side() -> None:
    found = verified("falcon_h1")
    assert only(found, "mixers.parallel") == ["mamba", "self_attn"]
    assert only(found, "residual.count") == 2


def test_granite_scales_embeddings_residuals_and_logits() -> None:
    found = verified("granite")
    assert only(found, "embedding.scale") == 12.0
    assert only(found, "residual.scale") == [0.22, 0.22]
    assert only(found, "logits.scale") == 0.125


def test_mamba_2_splits_its_projection_into_gate_states_and_steps() -> None:
    found = verified("mamba2")
    assert only(found, "mixer.family") == "state space"
    assert values(found, "attention.kind") == {}
    splits = {
        str(c.value["names"]): c.value["sizes"] for c in found.claims if c.key == "split" and isinstance(c.value, dict)
    }
    assert splits["['gate', 'hidden_states_B_C', 'dt']"] == [8192, 10240, 128]
    assert splits["['hidden_states', 'B', 'C']"] == [8192, 1024, 1024]


def test_glm_5_has_a_sparse_indexer_that_rotates_the_other_end_of_its_heads() -> None:
    found = verified("glm_moe_dsa")
    assert only(found, "attention.indexer_top_k") == 2048
    part = only(found, "rope.part")
    assert isinstance(part, dict)
    assert part["q_b_proj"] == "last 64 of 256"
    assert part["indexer.wq_b"] == part["indexer.wk"] == "first 64 of 128"
    norms = only(found, "attention.norms")
    assert isinstance(norms, dict)
    assert (norms["q_a_layernorm"], norms["indexer.k_norm"]) == ("RMSNorm", "LayerNorm")
    assert only(found, "attention.qk_norm") == "none"  # norms of compressed vectors are no QK-norms


@pytest.mark.parametrize(
    ("model_type", "kind", "family"),
    [
        ("kimi_linear", "Kimi Delta Attention", "linear attention"),
        ("xlstm", "mLSTM", "recurrent"),
        ("rwkv", "RWKV time mixing", "recurrent"),
        ("mamba2", "Mamba-2", "state space"),
    ],
)
def test_mixers_with_a_state_are_told_by_their_tensors(model_type: str, kind: str, family: str) -> None:
    found = verified(model_type)
    assert only(found, "mixer.kind") == kind
    assert only(found, "mixer.family") == family


def test_xlstm_caps_its_gates_and_has_a_swiglu_beside() -> None:
    found = verified("xlstm")
    functions = only(found, "mixer.functions")
    assert isinstance(functions, list)
    assert functions[:2] == ["tanh of igate_preact", "tanh of fgate_preact"]
    assert functions[-1] == "σ of ogate_preact"
    assert only(found, "feed_forward.kind") == "SwiGLU"
    assert values(found, "attention.kind") == {}


def test_rwkv_gates_time_and_channel_mixing_by_a_receptance_and_normalises_once_before_all() -> None:
    found = verified("rwkv")
    assert only(found, "mixer.functions") == ["σ of receptance"]
    assert only(found, "feed_forward.kind") == "RWKV channel mixing"
    assert only(found, "feed_forward.activation") == "ReLU²"
    assert only(found, "feed_forward.gated") is True
    assert values(found, "residual.skips") == {
        "rwkv.blocks.{0}": ["output of pre_ln", "sum before"],
        "rwkv.blocks.{1}": ["input", "sum before"],
    }


def test_falcon_h1_and_nemotron_h_differ_in_positions() -> None:
    assert only(verified("falcon_h1"), "rope.tensors") == ["q_proj", "k_proj"]
    assert only(verified("nemotron_h"), "rope.tensors") == "none (NoPE)"


def test_whisper_attends_to_its_encoder_and_has_tables_of_positions() -> None:
    found = verified("whisper")
    assert list(values(found, "attention.cross")) == ["model.decoder.layers.{0-1}.encoder_attn"]
    assert "model.encoder.layers" in {claim.stack for claim in found.claims}
    assert only(found, "model.positions") == "table of positions"
    assert set(values(found, "attention.mask").values()) == {"none", "causal"}
    assert values(found, "attention.mask")["model.encoder.layers.{0-1}.self_attn"] == "none"
    assert only(found, "attention.qkv_bias") == ["v_proj", "q_proj"]  # keys have none


def test_clip_has_two_towers_of_plain_attention() -> None:
    found = verified("clip")
    assert set(values(found, "attention.heads").values()) == {8, 12}
    assert values(found, "attention.mask") == {
        "text_model.encoder.layers.{0-11}.self_attn": "causal",
        "vision_model.encoder.layers.{0-11}.self_attn": "none",
    }
    assert only(found, "feed_forward.activation") == "QuickGELU"
    assert only(found, "attention.kind") == "MHA"


def test_clip_has_two_encoders_side_by_side_and_no_count_per_text_token() -> None:
    found, architecture = read_model("clip")
    assert {(tower.title, tower.feeds) for tower in architecture.towers} == {
        ("Text encoder", None),
        ("Vision encoder", None),
    }
    assert "model.active_parameters" not in {claim.key for claim in found.claims}
    assert "model.decoder_type" not in {claim.key for claim in found.claims}
    assert architecture.parameters.active is None
    told = architecture.parameters.active_definition
    assert told is not None
    assert told.startswith("Not counted: there is no decoder")
    assert "text encoder 63,428,096, vision encoder 87,849,216" in told


def test_mobilebert_has_four_feed_forwards_a_layer_and_a_bottleneck_around_them() -> None:
    found, architecture = read_model("mobilebert")
    assert architecture.layers[0].pattern_text == "2 × attention+mlp×4"
    assert architecture.layers[0].kinds[0].title == "Attention + 4 × MLP (ReLU)"
    assert only(found, "feed_forward.hidden_size") == 512
    assert only(found, "model.hidden_size") == 512
    graph = architecture.block(architecture.layers[0].kinds[0].block)
    assert graph is not None
    widths = [node.details[0] for node in graph.nodes if node.role == "projection"]
    assert widths == ["512 → 128", "512 → 128", "128 → 512"]


def test_an_attention_whose_mask_was_not_read_is_not_verified_to_see_all() -> None:
    """Longformer masks blocks of its own; nothing that was read says how far a query sees."""
    values = {"model_type": "longformer", "num_hidden_layers": 2, "attention_window": [512, 512]}
    found = pipeline.verify_source(ModelSource("longformer", "folder", "longformer", values, architectures=[]))[0]
    spans = {(c.value, c.status) for c in found.claims if c.key == "attention.span"}
    assert spans == {("full", "unverified")}
    assert "attention.mask" not in {c.key for c in found.claims}
