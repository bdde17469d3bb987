"""The way from the code's count to what is published: by mechanisms, to the unit, on models of the catalog."""

from __future__ import annotations

import pytest

from archviz import pipeline
from archviz.architecture.build import build_architecture
from archviz.architecture.model import Architecture, Identity
from archviz.architecture.spec import check_architecture
from archviz.interpreter.reading import ModelReading
from archviz.numbers.reconcile import Reconciliation, quantisation_of, reconcile
from archviz.settings import Settings
from archviz.sources.model_source import read_model_source

OFFLINE = Settings(offline=True)
FP8 = {"quant_method": "fp8", "weight_block_size": [128, 128]}
EXACT = [
    ("Qwen/Qwen3.5-397B-A17B", [("mtp", 6595568128, "config")]),
    ("Qwen/Qwen3-Next-80B-A3B-Instruct", [("mtp", 1650471424, "derived")]),
    ("zai-org/GLM-4.5", [("mtp", 5539962272, "config"), ("buffers", 14240, "verified")]),
    ("zai-org/GLM-5", [("mtp", 9952920576, "config"), ("buffers", 19200, "verified")]),
    ("moonshotai/Kimi-K2.5", [("buffers", 23040, "verified")]),
    ("Qwen/Qwen3-0.6B", [("tied", 155582464, "derived")]),
    ("Qwen/Qwen3-Embedding-8B", [("head", -621219840, "derived")]),
    ("meta-llama/Llama-2-7b-hf", [("rotary", 2048, "derived")]),
    ("openai-community/gpt2", [("masks", 12582912, "derived")]),
    ("BAAI/bge-large-en-v1.5", [("buffers", 512, "derived")]),
    ("nvidia/Qwen3-32B-NVFP4", [("packed", -15602810880, "derived")]),
    ("openai/gpt-oss-20b", []),
]


def read(model: str) -> tuple[ModelReading, Architecture, int | None]:
    source = read_model_source(model, OFFLINE)
    reading = pipeline.read(source)
    return (
        reading,
        build_architecture(reading, Identity(id=model, class_name="", origin="catalog")),
        source.published_total,
    )


def reconciled(model: str, quantisation: dict[str, object] | None = None) -> Reconciliation:
    reading, architecture, published = read(model)
    assert published is not None
    return reconcile(reading, architecture, published, quantisation)


@pytest.mark.parametrize(("model", "steps"), EXACT, ids=[row[0] for row in EXACT])
def test_the_steps_lead_to_the_published_total(model: str, steps: list[tuple[str, int, str]]) -> None:
    found = reconciled(model)
    assert [(step.key, step.count, step.status) for step in found.steps] == steps
    assert found.rest == 0
    assert found.code + sum(step.count for step in found.steps) == found.published


@pytest.mark.parametrize("model", ["deepseek-ai/DeepSeek-V3", "MiniMaxAI/MiniMax-M2.5"])
def test_scales_that_the_configuration_states_have_its_status(model: str) -> None:
    found = reconciled(model, FP8)
    scales = next(step for step in found.steps if step.key == "scales")
    assert (scales.status, scales.where) == ("config", "quantization_config")
    assert found.rest == 0


def test_modules_that_are_not_converted_have_no_scales() -> None:
    reading, architecture, _ = read("Qwen/Qwen3-0.6B")
    total = architecture.parameters.total
    layer = 8 * 16 + 2 * (8 * 8) + 16 * 8 + 3 * (8 * 24)
    all_scales = reconcile(reading, architecture, total + 28 * layer, FP8)
    assert [step.count for step in all_scales.steps] == [28 * layer]
    listed: dict[str, object] = {**FP8, "modules_to_not_convert": ["lm_head", "mlp", "re:.*layers\\.0\\.self_attn.*"]}
    rest = reconcile(reading, architecture, total + 27 * (layer - 3 * 8 * 24), listed)
    assert [(step.key, step.status) for step in rest.steps] == [("scales", "config")]


def test_what_nothing_explains_stays_as_a_rest() -> None:
    reading, architecture, _ = read("Qwen/Qwen3-0.6B")
    found = reconcile(reading, architecture, architecture.parameters.total + 12345677)
    assert (found.steps, found.rest) == ([], 12345677)


def test_what_is_built_is_no_further_layer() -> None:
    reading, architecture, _ = read("Qwen/Qwen3-0.6B")
    twice = 2 * architecture.parameters.total
    assert all(step.key != "mtp" for step in reconcile(reading, architecture, twice).steps)


def test_the_description_names_the_steps() -> None:
    architecture = pipeline.describe("zai-org/GLM-4.5", settings=OFFLINE)
    assert [step.key for step in architecture.parameters.reconciliation] == ["mtp", "buffers"]
    assert architecture.parameters.unexplained == 0
    assert check_architecture(architecture) == []
    assert "a layer that predicts a further token" in pipeline.describe_text(architecture)
    where = [each.where for step in architecture.parameters.reconciliation for each in step.evidence]
    assert where[0] == "num_nextn_predict_layers"
    assert ".py:" in where[1]


def test_a_quantisation_is_found_in_the_text_part_too() -> None:
    assert quantisation_of({"text_config": {"quantization_config": FP8}}) == FP8
    assert quantisation_of({"text_config": 7}) == {}
