"""Figures generated from official models with one statement made wrong: each is found, with the line that says otherwise."""

from __future__ import annotations

import json
import re

import pytest

from archviz.figure.diagram_from_architecture import diagram_config
from archviz.verify.against_figure import check_figure
from archviz.verify.claims import Check
from archviz.verify.words_of_kind import numbers_of
from tests.verify.models import read_model


def check_generated(model_type: str, text: str) -> list[Check]:
    """All checks of a text of a generated figure, held against the figure written from the model."""
    found, architecture = read_model(model_type)
    return check_figure(json.loads(text), architecture, found.claims, json.loads(figure_of(model_type)))


def figure_of(model_type: str) -> str:
    return str(diagram_config(read_model(model_type)[1]).to_json())


def conflicts(model_type: str, text: str) -> list[Check]:
    found, architecture = read_model(model_type)
    return [c for c in check_figure(json.loads(text), architecture, found.claims) if c.status == "conflict"]


@pytest.mark.parametrize(
    "model_type",
    [
        "axk2",
        "csm",
        "camembert",
        "mobilebert",
        "gemma4_text",
        "llama4_text",
        "qwen3_5_moe_text",
        "whisper",
        "kimi_linear",
    ],
)
def test_a_generated_figure_agrees_with_its_model(model_type: str) -> None:
    assert conflicts(model_type, figure_of(model_type)) == []
    checks = check_generated(model_type, figure_of(model_type))
    assert [c for c in checks if c.status != "verified"] == []


@pytest.mark.parametrize(
    ("model_type", "old", "new", "key"),
    [
        ("gpt_oss", "64 Q / 8 KV", "48 Q / 8 KV", "heads"),
        ("gpt_oss", "64 Q / 8 KV", "64 Q / 4 KV", "kv_heads"),
        ("gpt_oss", "window 128", "window 4096", "window"),
        ("gpt_oss", "128 experts", "64 experts", "experts"),
        ("gpt_oss", "top-4", "top-8", "top_k"),
        ("gpt_oss", "half-split", "interleaved", "rope_layout"),
        ("gpt_oss", '"rope_theta": 150000', '"rope_theta": 10000', "rope_theta"),
        ("gpt_oss", '"layers": 2', '"layers": 24', "layers"),
        ("gpt_oss", '"norm_placement": "pre-norm"', '"norm_placement": "post-norm"', "norm_placement"),
        ("gemma2", "sandwich norm", "pre-norm", "norm_placement"),
        ("llama", "RMSNorm", "LayerNorm", "norm"),
        ("llama", "SwiGLU", "GeGLU", "feed_forward"),
        ("deepseek_v3", "64 of 192", "128 of 192", "rope_span"),
        ("deepseek_v3", "shared expert", "no shared expert", "shared_expert"),
        ("qwen3_5_moe_text", "64 of 256", "256 of 256", "rope_span"),
        ("gemma4_text", "full_attention: 1,000,000", "full_attention: 500,000", "rope_theta"),
        ("gemma4_text", "full_attention: 1,000,000", "full_attention: 10,000", "rope_theta"),
        ("gemma4_text", "sliding_attention: 10,000", "sliding_attention: 1,000,000", "rope_theta"),
        ("deepseek_v4", "indexer, top-512", "indexer, top-256", "indexer_top_k"),
        ("deepseek_v4", "4 streams → 1", "2 streams → 1", "streams"),
        ("deepseek_v4", "20 Sinkhorn iterations", "10 Sinkhorn iterations", "sinkhorn"),
        ("deepseek_v4", "128 positions → 1", "64 positions → 1", "pooled"),
    ],
)
def test_each_seeded_error_is_found_with_its_line(model_type: str, old: str, new: str, key: str) -> None:
    text = figure_of(model_type)
    assert old in text
    wrong = conflicts(model_type, text.replace(old, new))
    assert key in {check.key for check in wrong}
    assert any(".py:" in item.where for check in wrong if check.key == key for item in check.evidence)


def stage(details: str, block: str = "Output gate") -> dict[str, object]:
    return {"model_name": "m", "stages": [{"name": "Attention", "blocks": [{"type": block, "details": details}]}]}


@pytest.mark.parametrize(
    ("details", "key"),
    [
        ("sigmoid gate with its own Linear", "gate_linear"),
        ("g_proj 2048 → 4096", "g_proj projection"),
        ("256 experts, top-8", "shared_expert"),
    ],
)
def test_what_the_code_does_not_have_or_the_figure_leaves_out_is_found(details: str, key: str) -> None:
    found, architecture = read_model("qwen3_5_moe_text")
    wrong = [c for c in check_figure(stage(details), architecture, found.claims) if c.status == "conflict"]
    assert key in {check.key for check in wrong}
    assert all(any(".py:" in item.where for item in check.evidence) for check in wrong)


def test_a_gate_with_a_projection_of_its_own_may_be_drawn_so() -> None:
    found, architecture = read_model("laguna")
    checks = check_figure(stage("output gate: Linear"), architecture, found.claims)
    assert {c.status for c in checks if c.key == "gate_linear"} == {"verified"}


@pytest.mark.parametrize(
    ("details", "right"),
    [
        ("Sliding-window layers: θ = 10,000\nfull layers: θ = 1,000,000", True),
        ("Sliding-window layers: θ = 1,000,000\nfull layers: θ = 10,000", False),
        ("RoPE, θ = 10,000", True),
    ],
)
def test_the_theta_of_one_kind_of_layer_is_not_true_of_another(details: str, right: bool) -> None:
    found, architecture = read_model("gemma4_text")
    checks = [c for c in check_figure(stage(details), architecture, found.claims) if c.key == "rope_theta"]
    assert checks
    assert {c.status for c in checks} == ({"verified"} if right else {"conflict"})


def test_a_block_named_after_a_kind_of_layer_may_state_only_its_theta() -> None:
    found, architecture = read_model("gemma4_text")
    figure = stage("θ = 1,000,000", block="Sliding-window attention")
    assert [c.status for c in check_figure(figure, architecture, found.claims) if c.key == "rope_theta"] == ["conflict"]


@pytest.mark.parametrize(
    ("model_type", "old", "new"),
    [
        ("qwen3", "151,936", "99,999"),
        ("qwen3", "4,096", "2,048"),
        ("qwen3", "Layers 0–1", "Layers 0–30"),
        ("qwen3", "4096 → 32 × 128", "4096 → 99 × 128"),
        ("qwen3", "SwiGLU", "GELU MLP"),
        ("qwen3", '"type": "Residual add"', '"type": "Multiply"'),
        ("qwen3", '"attention_mask": "causal"', '"attention_mask": "bidirectional"'),
        ("gemma2", "sliding_attention: sliding", "sliding_attention: full"),
        ("qwen3", "3. Residual add", "6. Residual add"),
        ("deepseek_v3", "128 × (128 + 64)", "128 × (128 + 32)"),
        ("deepseek_v3", "MoE", "SwiGLU"),
        ("whisper", "1,500 × 384", "1,501 × 384"),
        ("nemotron_h", "Mamba", "DeltaNet"),
        ("gemma4_text", "Sliding", "Full"),
    ],
)
def test_what_the_generator_writes_is_checked(model_type: str, old: str, new: str) -> None:
    text = figure_of(model_type)
    assert old in text
    wrong = [c for c in check_generated(model_type, text.replace(old, new)) if c.status == "conflict"]
    assert wrong
    assert all(c.evidence and c.found is not None and c.stated is not None for c in wrong)


def figure_numbers(text: str) -> list[tuple[int, int]]:
    """Places of all numbers in the texts of stages, in the JSON itself."""
    start, end = text.index('"stages"'), text.index('"custom_edges"')
    lines = re.finditer(r'"(?:type|details)": "([^"]*)"', text[start:end])
    return [
        (start + line.start(1) + number.start, start + line.start(1) + number.end)
        for line in lines
        for number in numbers_of(line[1].replace("\\n", " \n"))
    ]


@pytest.mark.parametrize("model_type", ["qwen3", "t5", "gpt_oss"])
def test_no_number_of_a_block_can_be_changed_unnoticed(model_type: str) -> None:
    text = figure_of(model_type)
    places = figure_numbers(text)
    assert len(places) > 30
    for start, end in places[:: max(1, len(places) // 25)]:
        changed = f"{text[:start]}{int(text[start:end].replace(',', '')) * 2 + 1:,}{text[end:]}"
        assert any(c.status == "conflict" for c in check_generated(model_type, changed)), text[start - 60 : end + 20]


def test_a_number_in_a_text_of_the_author_is_told_where_nothing_reads_it() -> None:
    found, architecture = read_model("qwen3")
    checks = check_figure(stage("spread over 77 buckets", "Output"), architecture, found.claims)
    assert [(c.status, c.stated, c.quote) for c in checks] == [("unverified", "77", "spread over 77 buckets")]


@pytest.mark.parametrize(
    ("details", "status"),
    [
        ("context 33K", "verified"),
        ("context 32K", "verified"),
        ("context 64K", "conflict"),
        ("vocabulary 152K", "verified"),
        ("vocabulary 0.2M", "verified"),
        ("vocabulary 160K", "conflict"),
    ],
)
def test_rounded_numbers_with_units_are_read(details: str, status: str) -> None:
    found, architecture = read_model("qwen3")
    checks = check_figure(stage(details, "Output"), architecture, found.claims)
    assert [c.status for c in checks] == [status]
