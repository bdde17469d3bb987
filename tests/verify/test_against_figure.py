from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from archviz.architecture.model import Architecture
from archviz.figure.diagram_from_architecture import diagram_config
from archviz.pipeline import verify_source
from archviz.settings import Settings
from archviz.sources.model_source import read_model_source
from archviz.verify import against_figure
from archviz.verify.against_figure import check_figure
from archviz.verify.claims import Check
from archviz.verify.report import Verification
from tests.verify.models import read_model


def figure(details: str, block: str = "Attention", stage: str = "Decoder", **more: Any) -> dict[str, Any]:
    return {"model_name": "m", "stages": [{"name": stage, "blocks": [{"type": block, "details": details}]}], **more}


def checked(model_type: str, config: dict[str, Any]) -> list[Check]:
    found, architecture = read_model(model_type)
    return check_figure(config, architecture, found.claims)


def conflicts(checks: list[Check]) -> dict[str, tuple[object, object]]:
    return {check.key: (check.stated, check.found) for check in checks if check.status == "conflict"}


@pytest.mark.parametrize("model_type", ["deepseek_v3", "deepseek_v4", "gpt_oss", "t5", "nemotron_h", "gemma4_text"])
def test_a_figure_written_from_the_model_agrees_with_it(model_type: str) -> None:
    found, architecture = read_model(model_type)
    config = json.loads(diagram_config(architecture).to_json())
    checks = check_figure(config, architecture, found.claims)
    assert len(checks) > 15
    assert conflicts(checks) == {}


@pytest.mark.parametrize(
    ("details", "key", "stated", "found"),
    [
        ("7 layers", "layers", 7, None),
        ("Q heads 48", "heads", 48, 64),
        ("64 Q / 4 KV heads", "kv_heads", 4, 8),
        ("head dim 128", "head_dim", 128, 64),
        ("64 experts, top-4", "experts", 64, 128),
        ("128 experts, top-8", "top_k", 8, 4),
        ("vocabulary 200,000", "vocab", 200_000, 201_088),
        ("window 4,096", "window", 4096, 128),
        ("q_proj 2,880 → 64 × 32", "q_proj projection", "2880 → 2048", "2880 → 4096"),
        ("MLA", "attention_kind", "MLA", "GQA"),
        ("LayerNorm", "norm", "LayerNorm", "RMSNorm"),
        ("post-norm", "norm_placement", "post-norm", "pre-norm"),
        ("parallel block", "residual", "parallel", "sequential"),
        ("RoPE interleaved", "rope_layout", "interleaved", "half_split"),
        ("RoPE on the last 32 of 64", "rope_part", "last 32 of 64", "all 64"),
    ],
)
def test_each_false_statement_is_found(details: str, key: str, stated: object, found: object) -> None:
    checks = checked("gpt_oss", figure(details))
    wrong = conflicts(checks)
    assert list(wrong) == [key]
    assert wrong[key][0] == stated
    assert found is None or wrong[key][1] == found


def test_a_mismatch_names_the_path_the_code_and_the_line() -> None:
    (check,) = [c for c in checked("gpt_oss", figure("KV heads 16")) if c.status == "conflict"]
    assert check.path == "stages[0].blocks[0].details"
    assert (check.stated, check.found, check.quote) == (16, 8, "KV heads 16")
    assert any("modeling_gpt_oss.py:" in item.where for item in check.evidence)


def test_configuration_and_parameters_are_read_too() -> None:
    config = figure(
        "", parameters={"total": 10**12, "active": "1T"}, configuration={"Layers": 2, "Hidden size": 2881, "Tied": True}
    )
    assert set(conflicts(checked("gpt_oss", config))) == {"total", "active", "hidden", "tied"}


def test_a_rounded_count_agrees_within_its_rounding() -> None:
    total = read_model("gpt_oss")[1].parameters.total
    config = figure("", parameters={"total": f"{round(total / 1e9)}B"})
    assert conflicts(checked("gpt_oss", config)) == {}


def test_the_words_vision_and_encoder_choose_the_tower() -> None:
    assert conflicts(checked("t5", figure("8 heads", stage="Encoder"))) == {}


def test_the_example_config_of_the_documents_agrees_with_its_model(tmp_path: Path) -> None:
    from archviz import pipeline
    from archviz.settings import Settings

    example = Path(__file__).parents[2] / "assets" / "example_config.json"
    found = pipeline.verify("Qwen/Qwen3.5-397B-A17B", against=example, settings=Settings(offline=True))
    assert len(found.checks) > 50
    assert [c for c in found.checks if c.status == "conflict"] == []
    assert all(c.quote for c in found.checks if c.status == "unverified")
    assert found.exit_status == 0


@pytest.mark.parametrize(
    ("details", "wrong"),
    [("64 heads, top-k 2,048", []), ("64 heads, top-k 1,024", ["indexer_top_k"]), ("32 heads", ["indexer_heads"])],
)
def test_an_indexer_has_heads_and_a_choice_of_its_own(details: str, wrong: list[str]) -> None:
    checks = checked("deepseek_v32", figure(details, block="Indexer"))
    assert checks
    assert list(conflicts(checks)) == wrong


@cache
def qwen() -> tuple[Verification, Architecture]:
    settings = Settings(offline=True)
    return verify_source(read_model_source("Qwen/Qwen3.5-397B-A17B", settings), settings=settings)


@pytest.mark.parametrize(
    ("details", "block", "stage", "found"),
    [
        ("Q heads 16, head dim 72", "Gated attention", "Decoder (60 layers)", {"heads", "head_dim"}),
        ("Q heads 32, head dim 256", "Gated attention", "Decoder (87 layers)", {"layers"}),
        ("512 experts", "MoE", "Decoder (15 layers)", {"layers"}),
        ("45 layers", "Gated DeltaNet", "Decoder (60 layers)", set()),
        ("16 heads, head dim 72, 27 layers", "Attention", "Vision encoder", set()),
        ("60 layers", "Attention", "Vision encoder", {"layers"}),
    ],
)
def test_a_number_of_another_tower_or_kind_is_not_held_true(
    details: str, block: str, stage: str, found: set[str]
) -> None:
    verification, architecture = qwen()
    checks = check_figure(figure(details, block, stage), architecture, verification.claims)
    wrong = {check.key for check in checks if check.status == "conflict"}
    assert wrong - {"shared_expert"} == found


def test_rows_of_a_configuration_may_have_a_value_for_each_kind_of_layer() -> None:
    stated = {
        "rope_theta": "sliding_attention: 10,000; full_attention (shared kv)+moe: 1,000,000",
        "note": "a: b, then; c",
    }
    rows = [each for key, value in stated.items() for each in against_figure._rows(key, value)]
    assert rows == [
        ("rope theta: 10,000", "[sliding_attention]"),
        ("rope theta: 1,000,000", "[full_attention (shared kv)+moe]"),
        ("note: a: b, then; c", ""),
    ]


def test_embedding_and_head_in_the_words_of_the_documentation_are_held_against_the_code() -> None:
    blocks = [{"type": "Token embedding", "details": "50,401 → 4,097"}, {"type": "LM head", "details": "tied"}]
    wrong = conflicts(checked("gpt_oss", {"model_name": "x", "stages": [{"name": "Ends", "blocks": blocks}]}))
    assert {key: stated for key, (stated, *_) in wrong.items()} == {"table": "50401 × 4097", "tied": "True"}
