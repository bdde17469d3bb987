from __future__ import annotations

import pytest

from archviz import pipeline
from archviz.architecture.build import build_architecture
from archviz.architecture.model import Architecture, Fact, Identity
from archviz.conversions import stored_forms
from archviz.descriptions import described
from archviz.interpreter.reading import ModelReading
from archviz.numbers.reconcile import quantisation_of
from archviz.numbers.stored_forms import Form, find_forms
from archviz.numbers.weights import StoredWeights, stored_weights
from archviz.settings import Settings
from archviz.sources.model_source import read_model_source

LAYER = 2 * (1024 * 2048) + 2 * (1024 * 1024) + 3 * (1024 * 3072)
BLOCKS = LAYER // (128 * 128)


@pytest.fixture(scope="module")
def model() -> tuple[ModelReading, Architecture]:
    name = "Qwen/Qwen3-0.6B"
    reading = pipeline.read(read_model_source(name, Settings(offline=True)))
    architecture = build_architecture(reading, Identity(id=name, class_name="", origin="catalog"))
    architecture.facts = [fact for fact in architecture.facts if fact.key != "dtype"]
    architecture.facts.append(Fact(key="dtype", value="bfloat16"))
    return reading, architecture


def test_plain_weights_have_the_type_of_the_configuration(model: tuple[ModelReading, Architecture]) -> None:
    found = stored_weights(*model, {})
    assert found is not None
    assert (found.bytes, found.words) == (2 * model[1].parameters.total, "bfloat16, no quantisation stated")


def test_quantised_weights_have_their_bits_and_their_scales(model: tuple[ModelReading, Architecture]) -> None:
    rest = model[1].parameters.total - 28 * LAYER
    fp8 = stored_weights(*model, {"quant_method": "fp8", "weight_block_size": [128, 128]})
    int4 = stored_weights(
        *model, {"config_groups": {"g": {"weights": {"num_bits": 4, "strategy": "group", "group_size": 32}}}}
    )
    assert fp8 is not None
    assert int4 is not None
    assert fp8.bytes == 28 * LAYER + 28 * BLOCKS * 4 + 2 * rest
    assert int4.bytes == 28 * LAYER // 2 + 28 * LAYER // 32 * 2 + 2 * rest


@pytest.mark.parametrize(
    ("weights", "bits", "group"),
    [
        (
            {"num_bits": 4, "type": "int", "strategy": "group", "group_size": 32},
            16,
            32,
        ),  # pack-quantized: the model's type
        ({"num_bits": 4, "type": "float", "group_size": 16}, 8, 16),  # NVFP4
        ({"num_bits": 4, "type": "float", "group_size": 32, "scale_dtype": "torch.uint8"}, 8, 32),  # MXFP4
        ({"num_bits": 4, "type": "int", "group_size": 128, "scale_dtype": "torch.float32"}, 32, 128),
    ],
)
def test_scales_of_a_group_have_the_type_that_it_states_or_the_models(
    model: tuple[ModelReading, Architecture], weights: dict[str, object], bits: int, group: int
) -> None:
    rest = model[1].parameters.total - 28 * LAYER
    found = stored_weights(*model, {"config_groups": {"g": {"weights": weights, "targets": ["Linear"]}}})
    assert found is not None
    assert found.bytes == 28 * LAYER // 2 + 28 * LAYER // group * bits // 8 + 2 * rest


def test_groups_store_the_modules_that_they_name(model: tuple[ModelReading, Architecture]) -> None:
    eight = {"weights": {"num_bits": 8, "type": "float", "strategy": "channel"}, "targets": ["re:.*self_attn.*"]}
    four = {
        "weights": {"num_bits": 4, "type": "float", "group_size": 16},
        "targets": [r"re:.*mlp.*(gate|up|down)_proj$"],
    }
    found = stored_weights(*model, {"config_groups": {"a": eight, "b": four}})
    feed, mix = 28 * 3 * 1024 * 3072, 28 * (LAYER - 3 * 1024 * 3072)
    rows = 28 * (2048 + 2 * 1024 + 1024)
    assert found is not None
    assert found.bytes == mix + 2 * rows + feed // 2 + feed // 16 + 2 * (model[1].parameters.total - feed - mix)
    assert f"{mix:,} weights of 8 bits, a scale for each row, {feed:,} weights of 4 bits" in found.words
    elsewhere = {**four, "targets": [r"re:.*ffn.*(gate|up|down)_proj$"]}  # names of another engine
    found = stored_weights(*model, {"config_groups": {"a": eight, "b": elsewhere}})
    assert found is not None
    assert found.bytes is None
    assert found.words.endswith("for `re:.*ffn.*(gate|up|down)_proj$`: the official code calls no module so")


def test_gptq_and_awq_have_a_scale_and_a_zero_for_a_group(model: tuple[ModelReading, Architecture]) -> None:
    rest = model[1].parameters.total - 28 * LAYER
    found = stored_weights(*model, {"quant_method": "awq", "bits": 4, "group_size": 128})
    assert found is not None
    assert found.bytes == 28 * LAYER // 2 + 28 * LAYER // 128 * 20 // 8 + 2 * rest


def test_what_the_configuration_does_not_say_is_not_guessed(model: tuple[ModelReading, Architecture]) -> None:
    found = stored_weights(*model, {"quant_method": "something"})
    assert found == StoredWeights(None, "the quantisation something states no bits of a weight")
    found = stored_weights(*model, {"quant_method": "modelopt", "quant_algo": "W9A9"})
    assert found == StoredWeights(None, "the algorithm W9A9 is not understood")


def test_names_of_the_checkpoint_are_those_of_the_code_with_renamings_turned_back() -> None:
    """Groups of DeepSeek-V4 in NVFP4 and FP8 name `attn.wq_b`, `ffn.….up_proj`, and a matrix that an engine joined."""
    name = "RedHatAI/DeepSeek-V4-Flash-NVFP4-FP8"
    source = read_model_source(name, Settings(offline=True))
    reading = pipeline.read(source)
    architecture = build_architecture(reading, Identity(id=name, class_name="", origin="catalog"))
    found = stored_weights(
        reading, architecture, quantisation_of(source.values or {}), stored_forms(reading, Settings(offline=True))
    )
    feeds = 43 * (256 + 1) * 3 * 4096 * 2048
    mixers = 43 * (1024 * 32768 + 8192 * 4096 + 8192 * 4096) + 21 * 1024 * 64 * 128
    scales = 43 * (8 * 256 + 64 * 32 + 64 * 32) + 21 * 8 * 64
    assert found is not None
    assert f"{feeds:,} weights of 4 bits" in found.words
    assert f"{mixers:,} weights of 8 bits" in found.words
    assert "what fused_wqa_wkv stands for" in found.words
    rest = architecture.parameters.total - feeds - mixers
    assert found.bytes == feeds // 2 + feeds // 16 + mixers + 2 * scales + 2 * rest


def test_modelopt_states_an_algorithm_or_one_for_each_layer(model: tuple[ModelReading, Architecture]) -> None:
    rest = model[1].parameters.total - 28 * LAYER
    whole = {"quantization": {"quant_algo": "NVFP4", "group_size": 16, "exclude_modules": ["lm_head"]}}
    found = stored_weights(*model, {"quant_method": "modelopt", **whole})
    assert found is not None
    assert found.bytes == 28 * LAYER // 2 + 28 * LAYER // 16 + 2 * rest
    layers = {
        f"model.layers.{n}.mlp.{part}_proj": {"quant_algo": "NVFP4", "group_size": 16}
        for n in range(28)
        for part in ("gate", "up", "down")
    }
    layers |= {f"model.layers.{n}.self_attn.{part}_proj": {"quant_algo": "FP8"} for n in range(28) for part in "qkvo"}
    mixed = stored_weights(
        *model, {"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION", "quantized_layers": layers}
    )
    feed = 28 * 3 * 1024 * 3072
    assert mixed is not None
    assert mixed.bytes == feed // 2 + feed // 16 + (28 * LAYER - feed) + 28 * 4 * 4 + 2 * rest


def test_experts_in_one_tensor_are_found_by_the_names_of_their_parts() -> None:
    paths = ["model.layers.0.mlp.experts.gate_up_proj", "model.layers.0.mlp.experts.down_proj"]
    layers: dict[str, object] = {
        f"model.layers.0.mlp.experts.{n}.{part}_proj": {"quant_algo": "NVFP4"}
        for n in range(4)
        for part in ("gate", "up", "down")
    }
    (form,) = find_forms({"quantized_layers": layers}, paths)
    assert isinstance(form, Form)
    assert [form.takes(path) for path in paths] == [True, True]
    layers["model.layers.0.mlp.experts.3.gate_proj"] = {"quant_algo": "FP8"}
    told = "the experts of model.layers.0.mlp.experts are quantised by several algorithms"
    assert find_forms({"quantized_layers": layers}, paths) == told


@pytest.mark.parametrize(
    ("name", "size", "word"),
    [
        (
            "nvidia/Qwen3-32B-NVFP4",
            15_602_810_880 + 2 * (32_762_123_264 - 2 * 15_602_810_880),
            "17,159,312,384 numbers are published",
        ),
        ("nvidia/DeepSeek-V3-0324-NVFP4", None, "packed in a way that is not understood"),
    ],
)
def test_fewer_published_numbers_than_parameters_tell_that_they_are_packed(
    name: str, size: int | None, word: str
) -> None:
    """NVIDIA states the quantisation in a file beside config.json."""
    source = read_model_source(name, Settings(offline=True))
    reading = pipeline.read(source)
    found = stored_weights(reading, described(source, reading), quantisation_of(source.values or {}))
    assert found is not None
    assert found.bytes == size
    assert word in found.words


def test_only_experts_are_packed_as_mxfp4() -> None:
    name = "openai/gpt-oss-20b"
    reading = pipeline.read(read_model_source(name, Settings(offline=True)))
    architecture = build_architecture(reading, Identity(id=name, class_name="", origin="catalog"))
    found = stored_weights(reading, architecture, {"quant_method": "mxfp4"})
    assert found is not None
    experts = 24 * 32 * 3 * 2880 * 2880
    assert found.bytes == experts // 2 + experts // 32 + 2 * (architecture.parameters.total - experts)


def test_experts_may_be_stated_as_packed_apart_from_the_rest() -> None:
    name = "deepseek-ai/DeepSeek-V4-Flash"
    source = read_model_source(name, Settings(offline=True))
    reading = pipeline.read(source)
    architecture = build_architecture(reading, Identity(id=name, class_name="", origin="catalog"))
    found = stored_weights(reading, architecture, quantisation_of(source.values or {}))
    assert found is not None
    experts = 43 * 256 * 3 * 4096 * 2048
    assert f"{experts:,} of experts of 4 bits" in found.words
    others = found.bytes - experts // 2 - experts // 32
    assert others < 2 * (architecture.parameters.total - experts)


@pytest.mark.parametrize(
    ("name", "size"), [("deepseek-ai/DeepSeek-V3", 673_150_552_416), ("openai/gpt-oss-20b", 13_761_264_768)]
)
def test_the_catalog_knows_what_published_weights_are_stored_as(name: str, size: int) -> None:
    source = read_model_source(name, Settings(offline=True))
    reading = pipeline.read(source)
    architecture = described(source, reading)
    found = stored_weights(reading, architecture, quantisation_of(source.values or {}))
    assert found is not None
    assert found.bytes == size
