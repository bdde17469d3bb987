from __future__ import annotations

import pytest

from archviz.lookup.identity import differences, fitting, identity, line, size_of


@pytest.mark.parametrize(
    "repository, parts",
    [
        ("Qwen3.5-397B-A17B", "word:qwen version:3.5 size:397b active:a17b"),
        (
            "Llama-4-Maverick-17B-128E-Instruct",
            "word:llama version:4 word:maverick size:17b experts:128e word:instruct",
        ),
        ("Mixtral-8x22B-Instruct-v0.1", "word:mixtral size:8x22b word:instruct version:v0.1"),
        ("OLMo-2-1124-7B", "word:olmo version:2 stamp:1124 size:7b"),
        ("Qwen-1_8B-Chat", "word:qwen size:1_8b word:chat"),
        ("DeepSeek-V3.1", "word:deepseek version:v3.1"),
        ("Kimi-K2.5", "word:kimi word:k2.5"),
        ("gemma-4-E2B-it", "word:gemma version:4 size:e2b word:it"),
        ("granite-3.1-1b-a400m-instruct", "word:granite version:3.1 size:1b active:a400m word:instruct"),
        ("Qwen3_27B", "word:qwen version:3 size:27b"),
        ("gpt2-xl", "word:gpt version:2 word:xl"),
        ("Llama-3.1-405B-Instruct-FP8", "word:llama version:3.1 size:405b word:instruct word:fp8"),
    ],
)
def test_version_size_active_size_and_suffix_are_parts_of_a_name(repository: str, parts: str) -> None:
    assert " ".join(f"{part.kind}:{part.value}" for part in identity(repository)) == parts


@pytest.mark.parametrize(
    "asked, repository, organisation, expected",
    [
        ("Qwen3.5", "Qwen3.5-27B", "Qwen", True),
        ("Qwen3", "Qwen3.5-27B", "Qwen", False),
        ("Qwen3.5", "Qwen3-27B", "Qwen", False),
        ("Qwen3", "Qwen2-3B", "Qwen", False),
        ("Llama 3", "Meta-Llama-3-8B", "meta-llama", True),
        ("Llama 3", "Reflection-Llama-3-8B", "mattshumer", False),
        ("Llama 8B 3", "Llama-3-8B", "meta-llama", False),
        ("Nemotron 3", "NVIDIA-Nemotron-3-Nano-30B", "nvidia", True),
        ("bert", "distilbert-base", "distilbert", False),
        ("3B", "Qwen3-3B", "Qwen", False),
        ("", "Qwen3-3B", "Qwen", False),
    ],
)
def test_a_model_fits_a_name_when_it_says_every_part_of_it_in_order(
    asked: str, repository: str, organisation: str, expected: bool
) -> None:
    assert (fitting(identity(asked), repository, organisation) is not None) is expected


@pytest.mark.parametrize(
    "repository, size", [("a-7B", 7e9), ("a-0.6B", 6e8), ("a-8x7B", 56e9), ("a-1_8B", 1.8e9), ("a", None)]
)
def test_a_size_is_read_in_parameters(repository: str, size: float | None) -> None:
    assert size_of(identity(repository)) == pytest.approx(size) if size else size_of(identity(repository)) is None


@pytest.mark.parametrize(
    "repository, expected",
    [("Qwen3-VL-30B-A3B-Instruct", "Qwen3-VL"), ("gemma-2-2b-it", "gemma-2"), ("DeepSeek-V3", "DeepSeek-V3")],
)
def test_the_line_of_a_model_is_what_its_name_says_before_its_size(repository: str, expected: str) -> None:
    assert line(repository) == expected


@pytest.mark.parametrize(
    "asked, repository, said",
    [
        ("Qwen3.5-400B", "Qwen3.5-397B-A17B", "size 397B instead of 400B; adds active size A17B"),
        ("Qwen3.5-27B", "Qwen3.6-27B", "version 3.6 instead of 3.5"),
        ("gemma-3-27b", "gemma-3-27b-it", "adds it"),
        ("gemma-3-27b-it", "gemma-3-27b", "lacks it"),
        ("deepseek v3", "DeepSeek-V3", "the same parts, written differently"),
    ],
)
def test_differences_name_the_part_that_differs(asked: str, repository: str, said: str) -> None:
    assert differences(identity(asked), repository) == said
