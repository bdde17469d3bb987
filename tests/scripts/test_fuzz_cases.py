"""The first cases of the fuzz harness, and that it finds what it should."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts" / "dev"))

from fuzz_cases import run_case
from fuzz_mutations import mutated_document, mutated_text, rewritten_text

TYPES = ("llama", "qwen2_moe")


@pytest.mark.parametrize("number", range(10))
@pytest.mark.parametrize("kind", ["figure", "search"])
def test_a_broken_file_is_no_fault(kind: str, number: int) -> None:
    assert run_case(number, (kind,), TYPES).fault == ""


@pytest.mark.parametrize(("kind", "number"), [("config", 3), ("rewritten", 5)])
def test_a_broken_configuration_and_a_rewritten_model_are_no_faults(kind: str, number: int) -> None:
    assert run_case(number, (kind,), TYPES).fault == ""


def test_the_same_number_breaks_the_same_thing() -> None:
    text = "import torch\n\n\nclass A:\n    def f(self, x):\n        return x + 1\n"
    assert mutated_text(text, random.Random(7)) == mutated_text(text, random.Random(7)) != text
    assert mutated_document({"a": [1, 2]}, random.Random(3)) == mutated_document({"a": [1, 2]}, random.Random(3))


def test_a_rewritten_text_does_the_same() -> None:
    text = "def f(x):\n    y = x * 2\n    y = max(y, 3)\n    return y\n"
    for number in range(20):
        namespace: dict[str, object] = {}
        exec(compile(rewritten_text(text, random.Random(number)), "text.py", "exec"), namespace)
        assert namespace["f"](5) == 10  # type: ignore[operator]
