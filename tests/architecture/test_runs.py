from __future__ import annotations

import json
from pathlib import Path

import pytest

from archviz.architecture.text import describe_text
from archviz.descriptions import described
from archviz.figure.model import Box
from archviz.figure.overview import build_overview
from archviz.pipeline import describe
from archviz.readings import read
from archviz.settings import Settings
from archviz.sources.model_source import read_model_source

OFFLINE = Settings(offline=True)


def values(model: str) -> dict[str, object]:
    return {fact.key: fact.value for fact in describe(model, settings=OFFLINE).facts}


def test_layers_with_shared_weights_count_as_often_as_they_run() -> None:
    read = describe("transformers:albert", settings=OFFLINE)
    facts = {fact.key: fact.value for fact in read.facts}
    assert (facts["layers"], facts["shared_layers"]) == (12, "1 set of weights for 12 layers")
    assert (read.layers[0].count, read.layers[0].runs) == (1, 12)
    assert "run 12 times with shared weights" in describe_text(read)


def test_layers_of_their_own_run_once() -> None:
    read = describe("transformers:bert", settings=OFFLINE)
    assert read.layers[0].runs is None
    assert read.fact("shared_layers") is None


def test_a_tower_that_no_pass_reached_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "archviz.interpreter.tower_passes.tower_inputs", lambda *_: iter(())
    )  # nothing is known to call it with
    read = describe("google/gemma-4-26B-A4B", settings=OFFLINE)
    fact = read.fact("vision_trace")
    assert fact is not None
    assert fact.status == "unverified"
    assert "not traced" in describe_text(read)
    assert read.fact("text_trace") is None


def test_stages_of_an_encoder_are_told_apart_and_it_is_no_decoder() -> None:
    facts = values("transformers:convnext")
    assert facts["stage_layers"] == [3, 3, 9, 3]
    assert facts["stage_hidden_sizes"] == [96, 192, 384, 768]
    assert facts["layers"] == 18
    assert not {"decoder_type", "hidden_size"} & set(facts)
    assert "decoder_type" not in values("transformers:longformer")
    assert "decoder_type" in values("transformers:llama")


def test_a_rotation_and_a_table_are_both_said() -> None:
    facts = values("Qwen/Qwen3-VL-4B-Instruct")
    assert facts["vision_position_encoding"] == "RoPE and table of positions"
    assert facts["position_encoding"] == "M-RoPE"


def test_a_table_that_a_rotation_reads_is_not_added() -> None:
    assert values("transformers:roformer")["position_encoding"] == "RoPE"


def test_the_divisor_of_the_logits_is_a_fact() -> None:
    assert values("ibm-granite/granite-3.1-1b-a400m-instruct")["logits_scaling"] == 6.0


def test_experts_below_each_other_in_one_matrix_have_a_width() -> None:
    facts = values("databricks/dbrx-base")
    assert facts["expert_hidden_size"] == 10752


def test_a_gate_whose_function_was_not_seen_is_unverified(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(
        json.dumps(
            {"model_type": "step3p7", "text_config": {"layer_types": ["sliding_attention"] * 45, "sliding_window": 512}}
        )
    )
    source = read_model_source(str(file), OFFLINE)
    without_pass = described(source, read(source, settings=OFFLINE)).fact("attention_gate")
    assert without_pass is not None
    assert (without_pass.value, without_pass.status) == ("gate on the output, function not seen", "unverified")
    seen = describe(str(file), settings=OFFLINE).fact("attention_gate")
    assert seen is not None
    assert (seen.value, seen.status) == ("sigmoid gate on the output", "verified")


def test_mergers_between_the_layers_tap_them_and_are_no_step() -> None:
    read = describe("Qwen/Qwen3-VL-4B-Instruct", settings=OFFLINE)
    vision = next(tower for tower in read.towers if tower.id == "vision")
    tapping = [item.node.code_name for item in vision.column if item.taps and item.node]
    assert tapping == ["deepstack_merger_list"]
    figure = build_overview(read)
    drawn = [step.label for column in figure.columns for step in column.steps if isinstance(step, Box)]
    assert "deepstack_merger_list" not in drawn
    assert "merger" in drawn
    assert any("deepstack_merger_list" in words.text for line in figure.footers for words in line)
