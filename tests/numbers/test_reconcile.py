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
    assert architecture.parameters.reconciliation[0].title.endswith(", and 160 numbers of its stored buffers")
    assert check_architecture(architecture) == []
    assert "a layer that predicts a further token" in pipeline.describe_text(architecture)
    where = [each.where for step in architecture.parameters.reconciliation for each in step.evidence]
    assert where[0] == "num_nextn_predict_layers"
    assert ".py:" in where[1]


def test_layers_of_mixed_kinds_are_tried_as_often_as_they_leave_least() -> None:
    """A class ignores the weights of further layers; how many there are, and of which kind, their number of parameters tells."""
    found = reconciled("XiaomiMiMo/MiMo-V2-Flash", FP8)
    assert [(step.key, step.status) for step in found.steps] == [
        ("mtp", "derived"),
        ("scales", "derived"),
        ("buffers", "verified"),
    ]
    assert found.steps[0].title.startswith(
        "3 layers that predict further tokens, each a layer like layer 0, but with the self_attn of layer 46"
    )
    assert 0 <= found.rest < 1000


def test_steps_that_leave_more_than_a_thousandth_are_not_told() -> None:
    reading, architecture, published = read("Qwen/Qwen3-Next-80B-A3B-Instruct")
    assert published is not None
    more = published + (published - architecture.parameters.total) // 500
    assert reconcile(reading, architecture, published).steps
    assert reconcile(reading, architecture, more).steps == []


def test_steps_never_come_to_more_than_there_is() -> None:
    reading, architecture, published = read("zai-org/GLM-4.5")
    assert published is not None
    assert reconcile(reading, architecture, published + 7).rest == 7
    less = reconcile(reading, architecture, published - 7)
    assert sum(step.count for step in less.steps) <= published - 7 - less.code


def test_of_a_count_that_may_not_be_the_models_only_what_comes_out_is_told() -> None:
    reading, architecture, published = read("zai-org/GLM-4.5")
    assert published is not None
    assert reconcile(reading, architecture, published, certain=False).rest == 0
    assert reconcile(reading, architecture, published + 7, certain=False).steps == []
    assert pipeline.describe("stepfun-ai/Step-3.7-Flash", settings=OFFLINE).parameters.reconciliation == []


def test_heads_of_the_class_for_pre_training_are_a_step() -> None:
    parameters = pipeline.describe("google-bert/bert-base-uncased", settings=OFFLINE).parameters
    (step,) = parameters.reconciliation
    assert (step.key, step.count, step.status) == ("heads", 624188, "derived")
    assert step.title == "the heads of BertForPreTraining, which BertModel does not build"
    assert parameters.unexplained == 0


def test_a_quantisation_is_found_in_the_text_part_too() -> None:
    assert quantisation_of({"text_config": {"quantization_config": FP8}}) == FP8
    assert quantisation_of({"text_config": 7}) == {}
