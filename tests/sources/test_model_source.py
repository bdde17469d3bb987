"""Configurations from files: what is wrong with one is said, with its place and an exit status, and never costs much."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from archviz import pipeline
from archviz.errors import ArchvizError, BadConfigError, BudgetExceededError, UsageError
from archviz.settings import Limits, Settings
from archviz.sources.model_source import official_values, parse_config, read_config_file

SETTINGS = Settings(offline=True, limits=Limits(seconds=4.0, steps=1_000_000))
SMALL: dict[str, Any] = {
    "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 100,
}  # fmt: skip


def folder_with(tmp_path: Path, content: bytes) -> Path:
    (tmp_path / "config.json").write_bytes(content)
    return tmp_path


def small(**changes: Any) -> bytes:
    return json.dumps({**SMALL, **changes}).encode()


UNREADABLE = {
    "an empty file": (b"", "is empty"),
    "something that is no JSON": (b"{hello", "malformed JSON: a key in double quotes belongs here"),
    "a truncated file": (small()[:40], "truncated JSON"),
    "UTF-16": (json.dumps(SMALL).encode("utf-16"), "not UTF-8"),
    "Latin-1": (b'{"model_type": "\xe9"}', "not UTF-8"),
    "a list": (b"[1]", "must hold a JSON object, this is a list"),
    "null": (b"null", "must hold a JSON object, this is null"),
    "a text": (b'"x"', "must hold a JSON object, this is a text"),
    "an integer of thousands of digits": (b'{"model_type":"llama","hidden_size":' + b"9" * 5000 + b"}", "a number of 5,000 digits"),
    "lists nested a hundred thousand deep": (b'{"model_type":"llama","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
    "objects nested deep": (b'{"a":' * 20_000 + b"1" + b"}" * 20_000, "nested too deeply"),
    "a file of nine million bytes": (b'{"model_type":"llama","x":"' + b"a" * 9_000_000 + b'"}', "larger than"),
    "no model_type": (b"{}", "no model_type"),
    "a model_type that is a number": (b'{"model_type": 3}', "model_type must be a text, this is a number"),
    "a number that is none": (small(rope_theta=float("nan")), "rope_theta is NaN"),
    "a size without end": (small(rope_parameters={"factor": float("inf")}), "rope_parameters.factor is infinite"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "message"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_file_that_is_no_configuration_says_what_is_wrong(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(BadConfigError, match=message) as caught:
        read_config_file(folder_with(tmp_path, content), SETTINGS)
    assert caught.value.exit_status == 2
    assert "config.json" in str(caught.value.where)


def test_a_bound_may_be_infinite(tmp_path: Path) -> None:
    content = small(time_step_limit=[0.0, float("inf")], swiglu_limit=float("inf"))
    values = read_config_file(folder_with(tmp_path, content), SETTINGS).values or {}
    assert values["time_step_limit"] == [0.0, float("inf")]


def test_keys_that_are_given_twice_are_told(tmp_path: Path) -> None:
    content = small().replace(b'"hidden_size": 64', b'"hidden_size": 32, "hidden_size": 64')
    source = read_config_file(folder_with(tmp_path, content), SETTINGS)
    said = "hidden_size is given twice in the configuration: the official code takes the last one"
    assert source.remarks == [(said, "config", "hidden_size")]
    assert (source.values or {})["hidden_size"] == 64
    assert said in pipeline.describe_text(pipeline.architecture_of(source)).replace("\n      ", " ")


REFUSED = {
    "a model_type that is a path": ({"model_type": "../../etc"}, "unknown model_type"),
    "a model_type with a null byte": ({"model_type": "ll\0ama"}, "unknown model_type"),
    "a negative size": ({"hidden_size": -1}, "hidden size"),
    "a size that is text": ({"hidden_size": "abc"}, "hidden_size"),
    "a size that is a fraction": ({"num_hidden_layers": 2.5}, "num_hidden_layers"),
    "a size that is null": ({"hidden_size": None}, "hidden_size"),
    "a size that is a list": ({"hidden_size": [1, 2]}, "hidden_size"),
    "no heads": ({"num_attention_heads": 0}, "ZeroDivisionError"),
    "heads that do not divide the width": ({"num_attention_heads": 7}, "hidden size"),
    "a negative vocabulary": ({"vocab_size": -5}, "negative dimension"),
    "an unknown activation": ({"hidden_act": "nope"}, "nope"),
    "an unknown kind of rope": ({"rope_scaling": {"rope_type": "nope", "factor": 2}}, "nope"),
    "unknown layer types": ({"layer_types": ["a"]}, "layer_type"),
}


@pytest.mark.parametrize(("changes", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_values_that_the_official_code_refuses_are_refused_in_its_words(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadConfigError, match=message) as caught:
        pipeline.tensors(str(folder_with(tmp_path, small(**changes))), settings=SETTINGS)
    assert caught.value.exit_status == 2


def test_a_billion_layers_are_too_many_and_cost_little(tmp_path: Path) -> None:
    start = time.process_time()
    with pytest.raises(BudgetExceededError, match="num_hidden_layers of 1000000000") as caught:
        pipeline.tensors(str(folder_with(tmp_path, small(num_hidden_layers=10**9))), settings=SETTINGS)
    assert time.process_time() - start < 5
    assert caught.value.exit_status == 1


def test_a_hundred_thousand_layers_are_refused_by_their_number(tmp_path: Path) -> None:
    start = time.process_time()
    limits = Settings(offline=True, limits=Limits(seconds=2.0, steps=300_000))
    with pytest.raises(BudgetExceededError, match="took too much: 99,992 modules or tensors in one list or loop"):
        pipeline.tensors(str(folder_with(tmp_path, small(num_hidden_layers=100_000))), settings=limits)
    assert time.process_time() - start < 5


def test_a_width_of_a_hundred_million_is_a_number_like_any_other(tmp_path: Path) -> None:
    result = pipeline.tensors(str(folder_with(tmp_path, small(hidden_size=10**8))), settings=SETTINGS)
    assert result["tensors"]["lm_head.weight"] == [100, 10**8]


def test_more_elements_than_torch_can_count_are_refused_as_torch_does(tmp_path: Path) -> None:
    with pytest.raises(BadConfigError, match="Storage size calculation overflowed"):
        pipeline.tensors(str(folder_with(tmp_path, small(hidden_size=10**12))), settings=SETTINGS)


def test_a_folder_without_a_configuration_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no config\.json") as caught:
        read_config_file(tmp_path, SETTINGS)
    assert caught.value.exit_status == 2


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        read_config_file(tmp_path / "none.json", SETTINGS)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    source = read_config_file(folder_with(tmp_path, b"\xef\xbb\xbf" + small()), SETTINGS)
    assert (source.model_type, source.architectures) == ("llama", ["LlamaForCausalLM"])


def test_the_file_read_is_told_with_its_hash(tmp_path: Path) -> None:
    source = read_config_file(folder_with(tmp_path, small()), SETTINGS)
    assert list(source.files) == ["config.json"]
    assert len(source.files["config.json"]) == 64


def test_quantisation_does_not_reach_the_official_code() -> None:
    values = {
        "model_type": "llama",
        "quantization_config": {"bits": 4},
        "text_config": {"quantization_config": {}, "hidden_size": 3},
    }
    assert official_values(values) == {"model_type": "llama", "text_config": {"hidden_size": 3}}


def test_architectures_that_are_no_names_are_left_out(tmp_path: Path) -> None:
    assert read_config_file(folder_with(tmp_path, small(architectures=[3, "A"])), SETTINGS).architectures == ["A"]
    assert read_config_file(folder_with(tmp_path, small(architectures="A")), SETTINGS).architectures == []


def test_every_error_is_of_the_tree() -> None:
    with pytest.raises(ArchvizError):
        parse_config(b'{"model_type": ""}', "config.json")
