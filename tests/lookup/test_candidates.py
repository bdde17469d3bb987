from __future__ import annotations

import pytest

from archviz.lookup.candidates import WITHOUT_AROUND, find_fitting, find_near
from archviz.lookup.names import classify

KNOWN = (
    "Qwen/Qwen3-27B",
    "Qwen/Qwen3.5-27B",
    "Qwen/Qwen3.5-397B-A17B",
    "Qwen/Qwen3.5-VL-27B",
    "Qwen/Qwen3.6-35B-A3B",
    "other/Qwen3.5-27B-FP8",
    "other/Something-7B",
)


def near(name: str) -> list[str]:
    return [candidate.id for candidate in find_near(classify(name), KNOWN)]


def test_near_names_rank_family_then_version_then_words_then_size() -> None:
    assert near("Qwen/Qwen3.5-30B")[:4] == [
        "Qwen/Qwen3.5-27B",
        "Qwen/Qwen3.5-VL-27B",
        "other/Qwen3.5-27B-FP8",
        "Qwen/Qwen3.5-397B-A17B",
    ]
    assert near("Qwen/Qwen3.6-27B")[0] == "Qwen/Qwen3.6-35B-A3B"


def test_a_stated_line_ranks_before_a_nearer_size() -> None:
    assert near("Qwen/Qwen3.5-VL-400B")[0] == "Qwen/Qwen3.5-VL-27B"


def test_a_misspelt_family_is_near_by_its_spelling() -> None:
    assert near("Qwem3.5-27B")[0] == "Qwen/Qwen3.5-27B"


@pytest.mark.parametrize("name", ["Totally-Different-1B", "x", "7B"])
def test_another_family_is_not_near(name: str) -> None:
    assert near(name) == []


def test_fitting_models_of_the_main_publisher_come_first_and_lines_stay_together() -> None:
    assert [candidate.id for candidate in find_fitting(classify("Qwen3.5"), KNOWN)] == [
        "Qwen/Qwen3.5-27B",
        "Qwen/Qwen3.5-397B-A17B",
        "Qwen/Qwen3.5-VL-27B",
        "other/Qwen3.5-27B-FP8",
    ]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("google gemma 3 27b it", ["google/gemma-3-27b-it"]),
        ("google gemma3 27b it", ["google/gemma-3-27b-it"]),
        ("OpenAI whisper tiny", ["openai/whisper-tiny"]),
        ("Meta Llama 3.1 8B Instruct", ["meta-llama/Llama-3.1-8B-Instruct"]),
        ("openai gemma 3 27b it", []),  # the words in front name another publisher
        ("google 27b", []),  # a publisher is no family
    ],
)
def test_a_publisher_in_words_in_front_leaves_the_rest_of_the_name_whole(asked: str, found: list[str]) -> None:
    known = ("google/gemma-3-27b-it", "google/gemma-3-4b-it", "openai/whisper-tiny")
    known += ("meta-llama/Llama-3.1-8B-Instruct", "meta-llama/Meta-Llama-3-8B-Instruct")
    offered = find_fitting(classify(asked), known)
    assert [candidate.id for candidate in offered] == found
    assert not any("lacks" in candidate.why for candidate in offered)


@pytest.mark.parametrize(
    ("asked", "first"),
    [
        ("Qwen/Qwen3-06B", "Qwen/Qwen3-0.6B"),
        ("llama31 8b", "meta-llama/Llama-3.1-8B-Instruct"),
        ("gptoss", "openai/gpt-oss-20b"),
    ],
)
def test_the_same_letters_and_digits_are_nearest(asked: str, first: str) -> None:
    known = ("Qwen/Qwen3-8B", "Qwen/Qwen3-0.6B", "Qwen/Qwen3-Embedding-8B", "meta-llama/Llama-4-Scout-17B-16E")
    known += ("meta-llama/Llama-3.1-8B-Instruct", "openai/gpt-oss-20b")
    assert find_near(classify(asked), known)[0].id == first


@pytest.mark.parametrize("asked", ['"Qwen/Qwen3.5-27B"', "Qwen/Qwen3.5-27B.", "Qwen3.5-27B."])
def test_a_name_with_signs_around_it_is_not_called_exactly_this_name(asked: str) -> None:
    near = find_near(classify(asked), KNOWN)[0]
    assert (near.id, near.why) == ("Qwen/Qwen3.5-27B", f"{WITHOUT_AROUND}, published by Qwen")
    assert "exactly this name" in find_near(classify("Qwen3.5-27B"), KNOWN)[0].why
