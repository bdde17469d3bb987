from __future__ import annotations

import copy
import json

import pytest

from archviz import pipeline
from archviz.interpreter.sizes import DEEPEST, Fraction, Size, evaluated, expression_of, product, quotient, sized
from archviz.settings import Settings
from archviz.sources.model_source import read_model_source


def test_arithmetic_keeps_the_keys_that_a_size_comes_from() -> None:
    heads, width = sized(4, "heads"), sized(16, "width")
    assert expression_of(heads * width * 2) == ("*", ("*", "heads", "width"), 2)
    assert expression_of(3 * heads - 1) == ("-", ("*", 3, "heads"), 1)
    assert expression_of(width // heads) == ("//", "width", "heads")
    assert expression_of(64 // heads) == ("//", 64, "heads")
    assert expression_of(width**2) == ("**", "width", 2)


def test_what_is_no_arithmetic_of_integers_is_a_plain_number() -> None:
    heads = sized(4, "heads")
    assert [type(each) for each in (heads / 2, heads * 0.5, -heads, heads == 4, [1] * heads)] == [
        float, float, int, bool, list,
    ]  # fmt: skip


def test_a_quotient_remembers_the_size_that_it_becomes_again() -> None:
    heads, width = sized(4, "heads"), sized(18, "width")
    even, uneven = quotient(width * 2, heads), quotient(width, heads)
    assert [type(even), even, uneven] == [Fraction, 9.0, 4.5]
    assert [expression_of(each.whole) for each in (even, uneven)] == [
        ("//", ("*", "width", 2), "heads"), ("//", "width", "heads"),
    ]  # fmt: skip
    assert [type(each) for each in (quotient(3, 2), quotient(width, 2.0), even + 1)] == [float, float, float]


def test_a_size_times_a_short_fraction_remembers_itself() -> None:
    width = sized(18, "width")
    ratios = [product(4.0, width), product(width, 0.5), product(width, 1.0), product(width, 1.25)]
    assert ratios == [72.0, 9.0, 18.0, 22.5]
    assert [expression_of(each.whole) for each in ratios] == [
        ("*", "width", 4), ("//", "width", 2), "width", ("//", ("*", "width", 5), 4),
    ]  # fmt: skip
    assert [type(product(width, each)) for each in (1.3, -0.5, float("inf"))] == [float, float, float]


def test_a_size_that_was_computed_in_too_many_steps_is_a_plain_number() -> None:
    size = sized(1, "one")
    for _ in range(DEEPEST):
        size = size + 1  # type: ignore[assignment]
    assert type(size) is Size
    assert type(size + 1) is int


def test_a_size_is_the_number_that_it_stands_for() -> None:
    size = sized(12, "hidden_size") * 2
    assert (size, hash(size), json.dumps([size]), f"{size:,}", repr(size)) == (24, hash(24), "[24]", "24", "24")
    assert type(copy.deepcopy({"a": size})["a"]) is Size


@pytest.mark.parametrize(
    "model_type",
    ["qwen3", "deepseek_v3", "mamba2", "gpt2", "gemma3", "swin", "t5", "falcon", "bert", "lfm2", "deepseek_v4"],
)
def test_every_expression_comes_to_the_size_of_its_tensor(model_type: str) -> None:
    reading = pipeline.read(read_model_source(f"transformers:{model_type}", Settings(offline=True)))

    def number(path: str) -> int:
        node: object = reading.config
        for part in path.split("."):
            name, _, index = part.partition("[")
            node = node[name] if isinstance(node, dict) else None
            node = node[int(index[:-1])] if index and isinstance(node, list) else node
            node = node[index[:-1]] if index and isinstance(node, dict) else node
        assert isinstance(node, int)
        return node

    told = 0
    for name, tensor in reading.parameters().items():
        expressions = reading.sizes[name]
        assert tuple(evaluated(each, number) for each in expressions) == tensor.shape, name
        told += sum(not isinstance(each, int) for each in expressions)
    assert told > len(reading.parameters())


def test_a_projection_says_how_the_code_computes_it() -> None:
    reading = pipeline.read(read_model_source("transformers:qwen3", Settings(offline=True)))
    assert reading.sizes["model.layers.0.self_attn.k_proj.weight"] == (
        ("*", "num_key_value_heads", "head_dim"), "hidden_size",
    )  # fmt: skip
    assert (
        reading.sizes["model.layers.9.self_attn.k_proj.weight"]
        == reading.sizes["model.layers.0.self_attn.k_proj.weight"]
    )


def test_no_size_is_left_in_what_is_read() -> None:
    reading = pipeline.read(read_model_source("transformers:swin", Settings(offline=True)))
    values = [each for module in reading.root.walk() for each in module.attributes.values()]
    sizes = [size for tensor in reading.parameters().values() for size in tensor.shape]
    assert not [each for each in [*values, *sizes, *reading.config.values()] if isinstance(each, Size)]
    assert not [
        each
        for value in [*values, *reading.config.values()]
        if isinstance(value, list)
        for each in value
        if isinstance(each, Size)
    ]


def test_a_head_width_by_division_is_told() -> None:
    reading = pipeline.read(read_model_source("google-bert/bert-base-uncased", Settings(offline=True)))
    assert reading.sizes["encoder.layer.0.attention.self.key.weight"] == (
        ("*", "num_attention_heads", ("//", "hidden_size", "num_attention_heads")), "hidden_size",
    )  # fmt: skip


def test_what_differs_by_layer_goes_by_the_given_key() -> None:
    reading = pipeline.read(read_model_source("google/gemma-4-26B-A4B", Settings(offline=True)))
    told = reading.sizes["model.language_model.layers.5.self_attn.k_proj.weight"]
    assert told[0] == ("*", "text_config.num_global_key_value_heads", "text_config.global_head_dim")
    assert reading.taken == {"text_config.num_global_key_value_heads": 2, "text_config.global_head_dim": 512}
    sliding = reading.sizes["model.language_model.layers.0.self_attn.k_proj.weight"]
    assert sliding[0] == ("*", "text_config.num_key_value_heads", "text_config.head_dim")
