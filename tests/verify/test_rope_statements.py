"""What a figure says about RoPE: the dimensions, the projections, the layout, or that there is none."""

from __future__ import annotations

import pytest

from archviz.verify.against_figure import check_figure
from archviz.verify.claims import Check
from tests.verify.models import read_model


def checks(model_type: str, details: str, block: str = "Attention", stage: str = "Layer") -> list[Check]:
    found, architecture = read_model(model_type)
    figure = {"model_name": "m", "stages": [{"name": stage, "blocks": [{"type": block, "details": details}]}]}
    return check_figure(figure, architecture, found.claims)


@pytest.mark.parametrize(
    ("model_type", "details"),
    [
        ("deepseek_v3", "RoPE on all 192 dimensions of the head"),
        ("deepseek_v3", "RoPE 192 of 192"),
        ("deepseek_v3", "RoPE 192 out of 192 dimensions"),
        ("deepseek_v3", "rope dim 192"),
        ("deepseek_v3", "RoPE on 128 dimensions"),
        ("deepseek_v3", "qk_rope_head_dim 128"),
        ("deepseek_v3", "q: 64 NoPE + 128 RoPE"),
        ("deepseek_v3", "RoPE over the whole head"),
        ("deepseek_v3", "RoPE on every dimension"),
        ("deepseek_v3", "RoPE: full head dim"),
        ("deepseek_v3", "RoPE on the first 64 dimensions"),
        ("deepseek_v3", "no RoPE"),
        ("deepseek_v3", "NoPE"),
        ("deepseek_v3", "positions: without RoPE"),
        ("deepseek_v3", "RoPE: none"),
        ("deepseek_v3", "RoPE on q_a_proj"),
        ("deepseek_v3", "RoPE is applied to the outputs of q_a_proj and kv_a_proj_with_mqa"),
        ("deepseek_v3", "RoPE before q_b_proj"),
        ("deepseek_v3", "RoPE on o_proj"),
        ("deepseek_v3", "RoPE, half-split"),
        ("deepseek_v32", "RoPE on all 192 dimensions"),
        ("deepseek_v32", "RoPE over the entire head"),
        ("deepseek_v32", "RoPE on 64 of 128"),
        ("deepseek_v32", "indexer: RoPE on all 128 dimensions"),
        ("qwen3", "RoPE on 64 of 128"),
        ("qwen3", "RoPE on v_proj"),
        ("qwen3", "no RoPE on Q"),
        ("qwen3", "RoPE only on Q"),
        ("qwen3", "RoPE interleaved"),
        ("qwen3_5_moe_text", "RoPE on all 256 dimensions"),
        ("qwen3_5_moe_text", "RoPE on the whole head, 256 of 256"),
        ("qwen3_5_moe_text", "no RoPE"),
        ("bloom", "RoPE on 64 of 128 dimensions"),
    ],
)
def test_a_false_statement_conflicts_with_the_line(model_type: str, details: str) -> None:
    wrong = [check for check in checks(model_type, details) if check.status == "conflict"]
    assert wrong
    for check in wrong:
        assert check.stated is not None
        assert check.found is not None
        assert any(".py:" in item.where for item in check.evidence)


@pytest.mark.parametrize(
    ("model_type", "details"),
    [
        ("deepseek_v3", "RoPE on 64 of 192"),
        ("deepseek_v3", "RoPE on the last 64 dimensions"),
        ("deepseek_v3", "RoPE on the last 64 of 192"),
        ("deepseek_v3", "rope dim 64"),
        ("deepseek_v3", "qk_rope_head_dim 64"),
        ("deepseek_v3", "q: 128 NoPE + 64 RoPE"),
        ("deepseek_v3", "RoPE on q_b_proj and kv_a_proj_with_mqa"),
        ("deepseek_v3", "RoPE, interleaved"),
        ("deepseek_v32", "indexer: RoPE on 64 of 128"),
        ("deepseek_v32", "indexer: RoPE on the first 64 dimensions"),
        ("qwen3", "RoPE on all 128 dimensions of the head"),
        ("qwen3", "RoPE over the whole head"),
        ("qwen3", "RoPE: full head dim"),
        ("qwen3", "RoPE 128 of 128"),
        ("qwen3", "RoPE on q_proj, k_proj"),
        ("qwen3", "RoPE on Q"),
        ("qwen3", "no RoPE on V"),
        ("qwen3", "RoPE, half-split"),
        ("qwen3_5_moe_text", "RoPE on 64 of 256"),
        ("qwen3_5_moe_text", "Gated DeltaNet: no RoPE"),
        ("smollm3", "NoPE in every fourth layer"),
        ("bloom", "no RoPE"),
    ],
)
def test_a_true_statement_of_the_same_form_is_verified(model_type: str, details: str) -> None:
    assert {check.status for check in checks(model_type, details)} == {"verified"}


@pytest.mark.parametrize(
    "details",
    ["RoPE on whichever part suits", "RoPE across the odd ones", "no RoPE on the compressed vector", "RoPE on q_other"],
)
def test_what_is_not_read_is_told_as_not_checked(details: str) -> None:
    (check,) = checks("deepseek_v3", details)
    assert (check.status, check.found) == ("unverified", None)


@pytest.mark.parametrize(
    "details", ["RoPE", "attention with RoPE", "RoPE, θ = 1,000,000", "not RoPE on all 192 dimensions"]
)
def test_a_mention_alone_states_nothing_wrong(details: str) -> None:
    assert not [check for check in checks("qwen3", details) if check.status == "conflict" and check.key != "rope_theta"]
