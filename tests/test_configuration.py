"""Configurations have the values that the official classes give them, though these classes are only read as text.

The table was made with `transformers` imported (references/referee.md); here it is not. A name after a double dot, or after a
leading one, is not stored: the class answers to it by its `attribute_map` or by a property.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from archviz.errors import BadConfigError
from archviz.interpreter.build import deep_recursion
from archviz.interpreter.control import RaisedError
from archviz.settings import Settings
from archviz.sources.model_source import ModelSource, read_model_source
from archviz.sources.official import refusal
from scripts.dev.configuration_values import TABLE_KEYS, flat_values, table_values
from scripts.dev.referee_readings import Reader

TABLE: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parent / "tables" / "configurations.json").read_text("utf-8")
)


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader()


def values_of(reader: Reader, source: ModelSource) -> dict[str, Any]:
    config = reader.configuration(source)
    with deep_recursion():
        return flat_values(reader.interp, config)


def given(model_type: str, **values: Any) -> ModelSource:
    return ModelSource(model_type, "folder", model_type, {"model_type": model_type, **values})


@pytest.mark.parametrize("model", TABLE)
def test_a_catalog_model_has_the_values_that_its_official_class_makes(model: str, reader: Reader) -> None:
    found = table_values(values_of(reader, read_model_source(model, Settings(offline=True))))
    assert found == TABLE[model]


@pytest.mark.parametrize("model", ["Qwen/Qwen3.5-397B-A17B", "openai-community/gpt2", "openai/gpt-oss-20b"])
def test_a_reading_of_a_model_tells_the_same_values(model: str, reader: Reader) -> None:
    source = read_model_source(model, Settings(offline=True))
    stored = values_of(reader, source)
    config = reader.read(source).config
    for key in TABLE_KEYS:
        assert config.get(key) == stored.get(key)


def test_the_table_shows_what_only_official_classes_make() -> None:
    assert len(TABLE) >= 25
    keys = {key for values in TABLE.values() for key in values}
    assert {
        "rope_parameters",
        "layer_types",
        "text_config.layer_types",
        ".hidden_size",
        "text_config..num_experts",
    } <= keys
    kinds = {each["rope_type"] for values in TABLE.values() for each in ropes(values)}
    assert {"default", "yarn", "llama3", "longrope", "linear", "proportional"} <= kinds


def ropes(values: dict[str, Any]) -> list[dict[str, Any]]:
    """The rope parameters of a model, those of each kind of layer apart."""
    found = [value for key, value in values.items() if key.endswith("rope_parameters") and value]
    return [each for rope in found for each in ([rope] if "rope_type" in rope else rope.values())]


# --- how single values come about ---


def test_a_name_of_the_attribute_map_is_stored_under_the_other_name(reader: Reader) -> None:
    values = values_of(reader, given("gpt2", hidden_size=96, n_layer=3))
    assert values["n_embd"] == values[".hidden_size"] == 96
    assert values["n_layer"] == values[".num_hidden_layers"] == 3
    assert "hidden_size" not in values


def test_old_rope_keys_become_rope_parameters(reader: Reader) -> None:
    scaling = {"type": "linear", "factor": 4.0}
    values = values_of(reader, given("llama", rope_theta=5e5, rope_scaling=scaling))
    assert values["rope_parameters"] == {"type": "linear", "factor": 4.0, "rope_theta": 5e5, "rope_type": "linear"}


def test_the_kinds_of_layers_follow_from_counts_and_windows(reader: Reader) -> None:
    values = values_of(reader, given("gpt_oss", num_hidden_layers=3))
    assert values["layer_types"] == ["sliding_attention", "full_attention", "sliding_attention"]


def test_a_sub_configuration_is_made_by_its_own_class(reader: Reader) -> None:
    values = values_of(reader, given("qwen2_5_vl", text_config={"hidden_size": 64, "num_attention_heads": 4}))
    assert values["text_config.hidden_size"] == 64
    assert values["text_config.rope_parameters"]["rope_type"] == "default"
    assert values["vision_config.depth"] == 32


def test_a_value_of_the_wrong_type_is_refused_as_the_official_class_refuses_it(reader: Reader) -> None:
    with pytest.raises(RaisedError) as caught:
        reader.configuration(given("llama", num_hidden_layers="many"))
    error = refusal(caught.value)
    assert isinstance(error, BadConfigError)
    assert "num_hidden_layers" in error.message
