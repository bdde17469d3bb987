"""Forward passes of official code: masks, caches, towers called on their own, kernels and dispatch."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from archviz import pipeline
from archviz.architecture.model import Architecture


@cache
def described(model: str) -> Architecture:
    return pipeline.describe(model)


@cache
def traced(model: str, step: str = "none") -> dict[str, Any]:
    return pipeline.trace(model, batch=2, seq=5, cache=step)


def masks(model: str) -> list[tuple[str, int | None]]:
    """The kinds and windows of the masks of a model's softmax ops, each once, in order of appearance."""
    rows = [row["mask"] for row in traced(model)["ops"] if "mask" in row and row["op"] == "softmax"]
    return list(dict.fromkeys((mask["kind"], mask.get("window")) for mask in rows))


@pytest.mark.parametrize(
    "model, found",
    [
        ("llama", [("causal", None)]),
        ("gpt_oss", [("sliding", 128), ("causal", None)]),
        ("llama4_text", [("chunked", 8192), ("causal", None)]),
        ("gpt_neo", [("causal", None), ("sliding", 256)]),
        ("modernbert", [("none", None), ("sliding", 64)]),
        ("bert", [("none", None)]),
        ("vit", [("none", None)]),
        ("bloom", [("causal", None)]),
        ("mpt", [("causal", None)]),
        ("t5", [("none", None), ("causal", None)]),
    ],
)
def test_masks_of_official_code_have_their_kind(model: str, found: list[tuple[str, int | None]]) -> None:
    assert masks(f"transformers:{model}") == found


def test_the_mask_names_the_line_of_the_model_that_makes_it() -> None:
    rows = {row["mask"]["kind"]: row["mask"]["at"] for row in traced("transformers:gpt_oss")["ops"] if "mask" in row}
    file = "transformers/models/gpt_oss/modeling_gpt_oss.py:"
    assert all(at.startswith(file) for at in rows.values())
    assert rows["sliding"] != rows["causal"]


def test_the_eager_path_is_named_where_it_was_dispatched() -> None:
    rows = [row for row in traced("transformers:llama")["functions"] if row["function"] == "eager_attention_forward"]
    assert [row["dispatch"] for row in rows] == ["eager"] * 32


@pytest.mark.parametrize(
    "model, function, kernel, package",
    [
        ("qwen3_next", "torch_chunk_gated_delta_rule", "chunk_gated_delta_rule", "fla"),
        ("qwen3_next", "causal_conv1d_fn", "causal_conv1d_fn", "causal_conv1d"),
        ("mamba", "mamba_selective_scan", "selective_scan_fn", "mamba_ssm"),
    ],
)
def test_reference_functions_carry_the_name_of_their_kernel(
    model: str, function: str, kernel: str, package: str
) -> None:
    rows = [row for row in traced(f"transformers:{model}")["functions"] if row["function"] == function]
    assert rows
    assert {(row["kernel"], row["kernel_package"]) for row in rows} == {(kernel, package)}


def cached(model: str, step: str) -> list[tuple[str, str, dict[str, list[int]]]]:
    """Kind, module and shapes of each cached layer."""
    rows = traced(f"transformers:{model}", step)["cache"]
    return [(row["kind"], row["module"], {k: v["shape"] for k, v in row["tensors"].items()}) for row in rows]


@pytest.mark.parametrize("step, length", [("prefill", 5), ("decode", 6)])
def test_a_cache_grows_by_the_new_token(step: str, length: int) -> None:
    shape = [2, 8, length, 64]
    found = cached("gpt_oss", step)
    assert found[0] == ("sliding", "model.layers.0.self_attn", {"keys": shape, "values": shape})
    assert found[1] == ("full", "model.layers.1.self_attn", {"keys": shape, "values": shape})


@pytest.mark.parametrize("step", ["prefill", "decode"])
def test_states_of_linear_attention_keep_their_size(step: str) -> None:
    states = {"conv_states.0": [2, 8192, 4], "recurrent_states.0": [2, 32, 128, 128]}
    assert cached("qwen3_next", step)[0] == ("linear", "model.layers.0.linear_attn", states)


def test_a_decoder_caches_the_encoders_keys_once() -> None:
    rows = pipeline.trace(
        "transformers:bart", class_name="BartForConditionalGeneration", batch=2, seq=5, cache="decode"
    )
    lengths = {row["part"]: row["tensors"]["keys"]["shape"][2] for row in rows["cache"]}
    assert lengths == {"self": 6, "cross": 5}
    assert not any(call["module"].startswith("model.encoder") for call in rows["calls"])


def test_one_new_token_is_all_that_a_decode_step_computes() -> None:
    outputs = {call["module"]: call["out"] for call in traced("transformers:llama", "decode")["calls"]}
    assert outputs["model.layers.0.mlp"] == [2, 1, 4096]


def test_the_default_pass_lists_no_cache() -> None:
    assert "cache" not in traced("transformers:llama")


@pytest.mark.parametrize(
    "model, tower",
    [("qwen2_5_vl", "model.visual"), ("paddleocr_vl", "model.visual"), ("voxtral", "model.audio_tower")],
)
def test_towers_that_text_does_not_reach_are_traced_on_their_own(model: str, tower: str) -> None:
    architecture = described(f"transformers:{model}")
    assert architecture.gaps == []
    stacks = [stack for stack in architecture.layers if stack.path.startswith(tower)]
    kinds = {kind.block for stack in stacks for kind in stack.kinds}
    assert kinds
    assert all(block.status == "verified" for block in architecture.blocks if block.id in kinds)


def test_rope_of_a_vision_tower_is_seen() -> None:
    architecture = described("transformers:qwen2_5_vl")
    graph = next(block for block in architecture.blocks if block.class_name == "Qwen2_5_VLVisionAttention")
    assert any(node.role == "rope" for node in graph.nodes)
