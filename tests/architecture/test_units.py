from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache

import pytest

from archviz.architecture.documents import read_architecture
from archviz.architecture.model import Architecture
from archviz.architecture.units import SCHEMA, family_of, flags_of, units_document
from archviz.descriptions import describe
from archviz.settings import Settings

FAMILIES = {
    "openai-community/gpt2": "mha",
    "Qwen/Qwen3-0.6B": "gqa",
    "tiiuae/falcon-7b": "mqa",
    "deepseek-ai/DeepSeek-V3": "mla",
    "deepseek-ai/DeepSeek-V4-Flash": "dsv4",
}
KEYS = {"name", "family", "shape_in", "shape_out", "formula_symbolic", "formula_concrete", "param_count"}


@cache
def model(name: str) -> Architecture:
    return describe(name, settings=Settings(offline=True))


def units(name: str) -> Iterator[dict[str, object]]:
    listed = units_document(model(name))["units"]
    assert isinstance(listed, list)
    yield from listed


@pytest.mark.parametrize("name", FAMILIES)
def test_the_family_is_read_from_what_the_attention_does(name: str) -> None:
    assert family_of(model(name)) == FAMILIES[name]
    mixers = {unit["family"] for unit in units(name) if str(unit["key"]).endswith("/mixer")}
    assert mixers == {FAMILIES[name]}


def test_the_flags_of_deepseek_v4_name_its_routing_streams_and_further_tokens() -> None:
    flags = flags_of(model("deepseek-ai/DeepSeek-V4-Flash"))
    assert flags == {
        "moe": True, "hash_routing": True, "shared_experts": True, "mtp": True, "mtp_layers": 1, "tied_head": False,
        "dense_prefix": 0, "hybrid": False, "residual_streams": 4,
    }  # fmt: skip


def test_a_dense_prefix_and_a_tied_head_are_flagged() -> None:
    assert flags_of(model("deepseek-ai/DeepSeek-V3"))["dense_prefix"] == 3
    assert flags_of(model("Qwen/Qwen3-0.6B"))["tied_head"] is True
    head = next(unit for unit in units("Qwen/Qwen3-0.6B") if unit["key"] == "head")
    assert (head["tied_to"], head["param_count"]) == ("model.embed_tokens.weight", 0)


def test_the_tied_head_of_a_decoder_beside_an_encoder_is_a_unit() -> None:
    head = next(unit for unit in units("google-t5/t5-small") if unit["key"] == "decoder/head")
    assert (head["tied_to"], head["param_count"]) == ("shared.weight", 0)
    assert (head["shape_in"], head["shape_out"]) == (["B", "S", 512], ["B", "S", 32128])


@pytest.mark.parametrize("name", FAMILIES)
def test_every_unit_has_its_keys_and_every_formula_counts_its_parameters(name: str) -> None:
    for unit in units(name):
        assert set(unit) >= KEYS
        numbers = unit["formula_concrete"]
        if numbers is not None:
            text = (
                str(numbers)
                .replace("·", "*")
                .replace("∕", "/")
                .translate(str.maketrans({"²": "**2", "³": "**3", "⁴": "**4"}))
            )
            assert set(text) <= set("0123456789*+-/() ")
            assert eval(text.replace("/", "//"), {}) == unit["param_count"], unit["key"]


@pytest.mark.parametrize("name", FAMILIES)
def test_embedding_mixers_and_head_say_what_goes_in_and_out(name: str) -> None:
    wide = next(fact.value for fact in model(name).facts if fact.key == "hidden_size")
    told = {str(unit["key"]).rpartition("/")[2]: unit for unit in units(name)}
    assert (told["embedding"]["shape_in"], told["embedding"]["shape_out"]) == (["B", "S"], ["B", "S", wide])
    assert told["mixer"]["shape_in"] == told["mixer"]["shape_out"] == ["B", "S", wide]
    assert told["head"]["shape_in"] == ["B", "S", wide]


def test_units_without_overlap_add_up_to_the_model() -> None:
    whole = [unit for unit in units("deepseek-ai/DeepSeek-V4-Flash") if str(unit["key"]).count("/") <= 1]
    assert sum(int(str(unit["param_count"] or 0)) for unit in whole) == 284_332_230_231


def test_what_predicts_further_tokens_is_listed_as_the_configuration_states_it() -> None:
    unit = list(units("deepseek-ai/DeepSeek-V4-Flash"))[-1]
    assert (unit["family"], unit["status"], unit["param_count"], unit["times"]) == ("mtp", "config", None, 1)


def test_the_document_holds_the_architecture_to_draw_it_again() -> None:
    document = json.loads(json.dumps(units_document(model("Qwen/Qwen3-0.6B")), default=vars))
    assert document["schema"] == SCHEMA
    assert read_architecture(document["architecture"], "arch.json") == model("Qwen/Qwen3-0.6B")


def test_towers_have_shapes_and_kinds_of_their_own() -> None:
    listed = {str(unit["key"]): unit for unit in units("google-t5/t5-small")}
    parts = [key for key in listed if key.endswith(("/mixer", "/feed_forward", "embedding", "final_norm"))]
    assert {key.partition("/")[0] for key in parts} >= {"encoder", "decoder"}
    for key in parts:
        assert listed[key]["shape_out"] is not None, key
    sources = {key: str(listed[key]["source"]) for key in parts if key.endswith("/mixer")}
    assert all(sources.values())
