"""The order of a hand-written figure's blocks, and parts that the model does not have."""

from __future__ import annotations

import pytest

from archviz.figure.diagram_from_architecture import diagram_config
from archviz.verify.claims import Check
from archviz.verify.figure_flow import check_flow
from tests.verify.models import read_model, verified


def checks(model_type: str, *stages: list[str | tuple[str, str]]) -> list[Check]:
    blocks = [
        [{"type": each} if isinstance(each, str) else dict(zip(("type", "details"), each, strict=True)) for each in own]
        for own in stages
    ]
    figure = {"stages": [{"name": "a stage", "blocks": own} for own in blocks]}
    found, architecture = read_model(model_type)
    return list(check_flow(figure, architecture, found.claims))


@pytest.mark.parametrize(
    "stage",
    [
        ["Attention", "RMSNorm", "Residual add", "RMSNorm", "SwiGLU"],
        ["RMSNorm", "Attention", "RMSNorm", "SwiGLU", "MLP"],
        ["RMSNorm", "SwiGLU", "RMSNorm", "Attention"],
    ],
)
def test_steps_of_a_layer_in_another_order_conflict(stage: list[str | tuple[str, str]]) -> None:
    (found,) = checks("qwen3", stage)
    assert (found.key, found.status, found.found) == ("order of a layer", "conflict", "norm, mixer, norm, feed-forward")
    assert found.evidence


@pytest.mark.parametrize(
    "stage",
    [
        ["RMSNorm", "Attention", "Residual add", "RMSNorm", "SwiGLU", "Residual add"],
        ["RMSNorm", "Attention", "SwiGLU"],
        ["Attention", "Something new", "RMSNorm"],
        ["Final RMSNorm", "LM head"],
    ],
)
def test_steps_left_out_or_not_understood_do_not(stage: list[str | tuple[str, str]]) -> None:
    assert checks("qwen3", stage) == []


def test_a_head_before_the_final_norm_conflicts() -> None:
    (found,) = checks("qwen3", ["LM head", "Final RMSNorm"])
    assert (found.key, found.status) == ("order of the ends", "conflict")


def test_experts_of_a_dense_model_conflict() -> None:
    (found,) = checks("qwen3", ["Mixture of experts, 64 experts"])
    assert (found.found, found.status) == ("no experts", "conflict")
    assert checks("deepseek_v3", ["Mixture of experts"]) == []


def test_rotated_values_conflict() -> None:
    (wrong,) = checks("qwen3", [("Attention", "RoPE on Q, K and V")])
    (right,) = checks("qwen3", [("Attention", "RoPE on Q and K")])
    assert (wrong.status, right.status) == ("conflict", "verified")
    assert wrong.found == "Q and K"


@pytest.mark.parametrize(
    "model_type",
    ["qwen3", "deepseek_v3", "gemma2", "gptj", "t5", "nemotron_h", "falcon_h1", "whisper", "clip", "olmo2"],
)
def test_figures_written_from_the_model_agree(model_type: str) -> None:
    _, architecture = read_model(model_type)
    figure = diagram_config(architecture).model_dump(mode="json", by_alias=True, exclude_none=True)
    assert [
        check for check in check_flow(figure, architecture, verified(model_type).claims) if check.status == "conflict"
    ] == []
