from __future__ import annotations

import pytest

from archviz.lookup.candidates import find_fitting, find_near
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
