"""A pass that goes on without end is over a bound of what is recorded, long before that of time; the rest is a gap."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from archviz import pipeline
from archviz.settings import Limits, Settings

LIMITS = Limits(calls=200, events=1_000, values=5_000, steps=400_000, seconds=600.0)
CALLS = "more than 200 module calls in one pass"
EVENTS = "more than 1,000 steps recorded in one pass"
OVER = {
    "calls of a list that grows": ("xs = [x]\n        for a in xs: xs.append(self.l(a))", CALLS),
    "calls without end": ("while True: x = x + self.l(x)", CALLS),
    "ops without end": ("while True: x = x + 1", EVENTS),
    "layers that repeat each other": ("for _ in range(10_000):\n            for layer in self.layers: x = layer(x)", EVENTS),
    "a list of tensors handed on": ("xs = [x] * 500\n        while True: self.take(xs)", "more than 5,000 tensors named in one pass"),
    "a list of numbers handed on": ("xs = [1] * 90_000\n        while True: self.take(xs)", "more than 400,000 steps"),
}  # fmt: skip
MODEL = """import torch
from torch import nn
class Take(nn.Module):
    def forward(self, xs): return None
class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.l = nn.Linear(2, 2)
    def forward(self, x): return self.l(x) + self.l(x) * self.l(x)
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.l, self.take, self.layers = nn.Linear(2, 2), Take(), nn.ModuleList([Block() for _ in range(50)])
    def forward(self, ids):
        x = self.l(torch.zeros(2, 2))
        BODY
        return x
"""


@pytest.mark.parametrize(("body", "reason"), OVER.values(), ids=OVER.keys())
def test_a_pass_without_end_is_over_a_bound(tmp_path: Path, body: str, reason: str) -> None:
    path = tmp_path / "model.py"
    path.write_text(MODEL.replace("BODY", body), "utf-8")
    settings = replace(Settings(offline=True), limits=LIMITS)
    found = pipeline.trace(str(path), class_name="Model", settings=settings)
    assert any(reason in gap["reason"] and gap["at"] for gap in found["gaps"])
    assert len(found["calls"]) <= 1_200
