"""Constructions that are followed cost what is bounded: many modules inside each other that are never built alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from archviz.errors import BudgetExceededError
from archviz.interpreter.followed import MOST_ANSWERS, Region
from archviz.interpreter.twins import Twins
from archviz.pipeline import tensors
from archviz.records import replace
from archviz.settings import Limits, Settings

DOUBLING = """from torch import nn


class M(nn.Module):
    def __init__(self, k=0):
        super().__init__()
        if k < 40:
            self.a = M(k + 1)
            self.b = M(k + 1)

    def forward(self, x):
        return x
"""


def test_a_spent_budget_ends_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    handed: list[int] = []
    monkeypatch.setattr(Twins, "_hand_on", lambda self, region: handed.append(len(region.answers)))
    file = tmp_path / "net.py"
    file.write_text(DOUBLING)
    settings = Settings(arguments="{}", limits=replace(Limits(), parts=2_000))
    with pytest.raises(BudgetExceededError, match="more than 2,000 modules"):
        tensors(str(file), class_name="M", settings=settings)
    assert not handed


def test_answers_of_one_construction_are_bounded() -> None:
    outer = Region(None, [], 0)
    region = Region(outer, [], 0)
    for _ in range(MOST_ANSWERS):
        region.answer(0, bool)
    assert region.is_followed
    region.answer(0, bool)
    assert len(region.answers) == MOST_ANSWERS
    assert not region.is_followed
    assert not outer.is_followed
