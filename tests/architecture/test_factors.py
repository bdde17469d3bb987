"""Factors that belong to no branch are told and drawn: of values, of queries by position, of experts, of a whole layer, of logits."""

from __future__ import annotations

from archviz.architecture.model import Architecture, BlockNode, Fact
from archviz.descriptions import describe
from archviz.figure.overview import build_overview
from archviz.settings import Settings
from tests.verify.models import read_model


def of_catalog(name: str) -> Architecture:
    return describe(name, settings=Settings(offline=True))


def fact(architecture: Architecture, key: str) -> Fact:
    found = architecture.fact(key)
    assert found is not None, key
    return found


def node(architecture: Architecture, graph: str, role: str) -> BlockNode:
    block = architecture.block(graph)
    assert block is not None, graph
    return next(each for each in block.nodes if each.role == role)


def test_values_are_scaled_before_they_are_weighed() -> None:
    found = of_catalog("XiaomiMiMo/MiMo-V2-Flash")
    assert fact(found, "value_scale").value == 0.707
    assert "values × 0.707" in node(found, "text/full_attention", "attention_core").details


def test_queries_without_rotation_have_a_temperature_of_their_position() -> None:
    found = read_model("llama4_text")[1]
    words = {"chunked_rope_attention": "none", "full_nope_attention": "grows with the logarithm of the position"}
    assert fact(found, "query_temperature").value == words
    line = "queries × temperature of their position"
    assert line in node(found, "text/full_nope_attention", "attention_core").details
    assert line not in node(found, "text/chunked_rope_attention", "attention_core").details
    assert read_model("qwen3")[1].fact("query_temperature") is None


def test_gemma_4_scales_layers_experts_and_logits() -> None:
    found = of_catalog("google/gemma-4-26B-A4B")
    assert fact(found, "layer_scale").value == "layer_scalar, stored number"
    assert fact(found, "layer_scale").evidence[0].where.endswith("modeling_gemma4.py:1424")
    assert fact(found, "router_expert_scale").value == "stored for each expert (per_expert_scale)"
    assert (fact(found, "logit_softcap").value, fact(found, "logit_softcap").status) == (30.0, "verified")
    assert "weights × per_expert_scale" in node(found, "text/moe", "router").details
    assert node(found, "text/layer/full_attention+geglu+moe", "scale").label == "× layer_scalar"
    layer = found.block("text/layer/full_attention+geglu+moe")
    assert layer is not None
    sums = [each for each in layer.nodes if each.role == "residual_add"]
    assert all("1424" not in place.where for each in sums for place in each.evidence)


def test_the_softcap_of_logits_is_in_the_figure() -> None:
    figure = build_overview(of_catalog("google/gemma-4-26B-A4B"))
    assert "capped at" in str(figure)


def test_an_activation_whose_input_is_kept_within_bounds_says_so() -> None:
    found = of_catalog("deepseek-ai/DeepSeek-V4-Flash")
    assert fact(found, "activation").value == "SiLU (clamped)"


def test_experts_that_a_hash_chooses_are_no_top_k() -> None:
    found = of_catalog("deepseek-ai/DeepSeek-V4-Flash")
    assert (
        node(found, "text/moe (hash-routed)", "router").details[1]
        == "sqrt of softplus, experts by the token's id, normalised"
    )
    assert "top-6" in node(found, "text/moe", "router").details[1]
