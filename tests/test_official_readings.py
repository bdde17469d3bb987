"""What is read off the official code of real models: facts that a wrong reading would get wrong."""

from __future__ import annotations

from functools import cache

import pytest

from archviz import pipeline
from archviz.architecture.model import Architecture, BlockGraph
from archviz.errors import BadConfigError, UsageError
from archviz.interpreter.sharing import SharedCalls


@cache
def described(model: str) -> Architecture:
    return pipeline.describe(model)


def graph_of(model: str, class_name: str) -> BlockGraph:
    return next(block for block in described(model).blocks if block.class_name == class_name)


def test_multi_head_latent_attention_joins_both_the_query_and_the_key_from_two_parts() -> None:
    graph = graph_of("deepseek-ai/DeepSeek-V3", "DeepseekV3Attention")
    into_core = {edge.source for edge in graph.edges if edge.target == "attention_core"}
    roles = sorted(node.role for node in graph.nodes if node.id in into_core)
    assert roles == ["concat", "concat", "split"]


def test_rope_of_deepseek_v3_acts_on_64_interleaved_dimensions() -> None:
    graph = graph_of("deepseek-ai/DeepSeek-V3", "DeepseekV3Attention")
    rope = next(node for node in graph.nodes if node.role == "rope")
    assert rope.details == ["64 dims", "interleaved"]
    assert rope.evidence[0].where.startswith("transformers/models/deepseek_v3/modeling_deepseek_v3.py:")


def test_an_activation_inside_an_inlined_feed_forward_is_named_as_one() -> None:
    graph = next(block for block in described("openai/whisper-tiny").blocks if block.title == "MLP (GELU)")
    assert [node.label for node in graph.nodes] == ["Input", "fc1", "GELU", "fc2", "Output"]


def test_a_shared_embedding_stands_once_in_each_column() -> None:
    towers = {tower.id: tower for tower in described("google-t5/t5-small").towers}
    for name in ("encoder", "decoder"):
        embeddings = [item.node for item in towers[name].column if item.node and item.node.role == "embedding"]
        assert [node.details[-1] for node in embeddings] == ["tied to shared.weight"]


def test_a_model_of_text_and_images_is_traced_with_both() -> None:
    architecture = described("openai/clip-vit-base-patch32")
    assert architecture.gaps == []
    assert all("derived" not in block.status for block in architecture.blocks)


def test_the_pattern_of_qwen3_5_repeats_three_to_one() -> None:
    stack = described("Qwen/Qwen3.5-397B-A17B").stack("model.language_model.layers")
    assert stack is not None
    assert stack.pattern_text == "15 × (3 × gated_deltanet+moe, 1 × gated_attention+moe)"
    assert described("Qwen/Qwen3.5-397B-A17B").parameters.total == 396_802_360_816


@pytest.mark.parametrize(
    ("model_type", "words"), [("dinat", "natten"), ("dots1", "must be an integer"), ("chameleon", "NoneType")]
)
def test_defaults_that_the_official_code_refuses_are_refused(model_type: str, words: str) -> None:
    with pytest.raises(BadConfigError, match=words):
        pipeline.tensors(f"transformers:{model_type}")


@pytest.mark.parametrize("model", ["transformers:gpt2", "transformers:openai-gpt", "transformers:gemma2"])
def test_repeating_equal_layers_gives_the_trace_that_running_each_gives(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    repeated = pipeline.trace(model, batch=2, seq=5)
    monkeypatch.setattr(SharedCalls, "find", lambda *_: None)
    assert pipeline.trace(model, batch=2, seq=5) == repeated


def test_a_trace_can_be_cut_to_one_module() -> None:
    trace = pipeline.trace("transformers:gpt2", seq=5, module="transformer.h.1")
    assert {call["module"].split(".attn")[0].split(".mlp")[0] for call in trace["calls"]} >= {"transformer.h.1"}
    assert all(call["module"].startswith("transformer.h.1") for call in trace["calls"])
    assert not any(call["module"].startswith("transformer.h.10") for call in trace["calls"])


def test_a_module_that_the_model_lacks_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no module"):
        pipeline.trace("transformers:gpt2", seq=5, module="transformer.h.99")


def test_queries_and_keys_are_rotated_in_boxes_of_their_own() -> None:
    graph = graph_of("Qwen/Qwen3-0.6B", "Qwen3Attention")
    ropes = [node.id for node in graph.nodes if node.role == "rope"]
    sources = [[edge.source for edge in graph.edges if edge.target == rope] for rope in ropes]
    assert sources == [["q_norm"], ["k_norm"]]
    assert all(any(e.source == rope and e.target == "attention_core" for e in graph.edges) for rope in ropes)


def test_the_inside_of_an_expert_is_what_its_code_does_to_one_token() -> None:
    experts = next(node for node in graph_of("openai/gpt-oss-20b", "GptOssMLP").nodes if node.role == "experts")
    inside = described("openai/gpt-oss-20b").block(experts.zoom or "")
    assert inside is not None
    assert inside.parameters == 24_891_840  # a 32nd of all experts
    steps = {node.label: node.details for node in inside.nodes}
    assert steps["gate_up_proj"] == ["2880 → 2 × 2880", "bias"]
    assert steps["down_proj"] == ["2880 → 2880", "bias"]
    assert [node.details for node in inside.nodes if node.label == "clamp"] == [["≤ 7"], ["−7 … 7"]]
    assert {"× 1.702", "+ 1", "σ"} <= set(steps)
    assert sum(node.parameters for node in inside.nodes) == inside.parameters


@pytest.mark.parametrize(
    ("model", "class_name", "line"),
    [
        ("google-t5/t5-small", "T5Attention", "+ relative position bias, 32 × 8"),
        ("bigscience/bloom", "BloomAttention", "+ ALiBi"),
        ("google/gemma-2-9b", "Gemma2Attention", "softcap 50"),
        ("openai/gpt-oss-20b", "GptOssAttention", "sinks"),
    ],
)
def test_the_core_of_an_attention_says_what_is_added_to_its_scores(model: str, class_name: str, line: str) -> None:
    core = next(node for node in graph_of(model, class_name).nodes if node.role == "attention_core")
    assert line in core.details


def test_cross_attention_of_t5_has_no_position_bias() -> None:
    crossed = next(block for block in described("google-t5/t5-small").blocks if block.title == "Cross attention")
    assert not any("bias" in line for node in crossed.nodes for line in node.details)


def test_an_embedding_that_scales_its_rows_says_so() -> None:
    nodes = [item.node for tower in described("google/gemma-2-9b").towers for item in tower.column if item.node]
    assert ["256,000 × 3,584", "scaled × 59.87 (√3584)"] in [node.details for node in nodes]


def test_a_split_into_one_whole_part_is_not_drawn() -> None:
    graph = graph_of("Qwen/Qwen3.5-397B-A17B", "Qwen3_5MoeVisionAttention")
    assert [node.details for node in graph.nodes if node.role == "split"] == [["3 × 72"]]
