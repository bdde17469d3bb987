"""Sizes that a refusal asks for: each form of words, and what it makes of the inputs that were given."""

from __future__ import annotations

from typing import Any, cast

import pytest

from archviz.interpreter.refused_sizes import keys_of_mask, other_sizes
from archviz.interpreter.values import Tensor

IMAGE = Tensor((1, 3, 224, 224), "bfloat16")
SOUND = Tensor((1, 128, 750), "bfloat16")
IDS = Tensor((1, 7), "int64")


def asked(reason: str, **given: Tensor) -> list[dict[str, tuple[int, ...]]]:
    return list(other_sizes(cast("Any", None), None, given, reason, 1, 7))


@pytest.mark.parametrize(
    ("reason", "given", "sizes"),
    [
        ("Input image size (448*224) doesn't match model (224*224).", IMAGE, (1, 3, 112, 224)),
        ("broadcasting requires equal sizes or 1, got [[1, 3, 224, 224], [448, 448]]", IMAGE, (1, 3, 448, 448)),
        ("broadcasting requires equal sizes or 1, got [[1, 7], [33]]", IDS, (1, 7, 33)),
        ("broadcasting requires equal sizes or 1, got [[1, 7, 64], [1, 94, 64]]", IDS, (1, 94)),
        ("reshape requires 480000 elements, got [1, -1, 5120]", SOUND, (1, 128, 752)),
        ("Expected size 750 but got size 50 for tensor number 1", SOUND, (1, 128, 50)),
        ("linear requires 80 input features, got 750", SOUND, (1, 128, 80)),
        ("topk requires k of at most 256, got 300", IMAGE, (1, 3, 448, 448)),
        ("conv1d requires an input no smaller than its kernel", SOUND, (1, 128, 192000)),
        ("a multiple of 100, but got 750", SOUND, (1, 128, 800)),
    ],
)
def test_a_refusal_tells_the_sizes_that_it_wants(reason: str, given: Tensor, sizes: tuple[int, ...]) -> None:
    assert {"it": sizes} in asked(reason, it=given)


def test_all_images_change_together() -> None:
    found = asked("Input image size (448*224) doesn't match model (224*224).", one=IMAGE, two=IMAGE)
    assert found == [{"one": (1, 3, 112, 224), "two": (1, 3, 112, 224)}]


def test_words_of_something_else_ask_for_nothing() -> None:
    assert asked("'NoneType' object has no attribute 'shape'", it=IMAGE) == []
    assert asked("broadcasting requires equal sizes or 1, got [[1, 9], [33]]", it=IDS) == []


def test_a_mask_is_as_wide_as_the_scores_that_it_did_not_fit() -> None:
    assert keys_of_mask("broadcasting requires equal sizes or 1, got [[1, 32, 7, 14], [1, 1, 7, 7]]") == 14
    assert keys_of_mask("broadcasting requires equal sizes or 1, got [[1, 32, 7, 7], [1, 32, 7, 9]]") is None
