"""A module that is called while the model is built, to learn a size, runs over shapes.  Sizes: PyTorch 2.13."""

from __future__ import annotations

from pathlib import Path

from archviz import pipeline
from archviz.settings import Settings

MODEL = """import torch
from torch import nn
import torch.nn.functional as F
class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.c, self.bn = nn.Conv2d(3, 16, 9), nn.BatchNorm2d(16)
        self.s = nn.Sequential(nn.Conv2d(16, 32, 9, 2), nn.ReLU(), nn.MaxPool2d(2))
    def forward(self, x): return self.s(F.relu(self.bn(self.c(x))))
class Model(nn.Module):
    def __init__(self, size=28):
        super().__init__()
        self.e = Encoder()
        with torch.no_grad():
            self.n = self.e(torch.zeros(1, 3, size, size)).view(1, -1).shape[1]
        self.fc = nn.Linear(self.n, 5)
        self.blocks = nn.ModuleList([nn.Linear(self.width(each), 2) for each in (28, 32)])
    def width(self, size): return self.e(torch.rand(1, 3, size, size)).flatten(1).size(-1)
    def forward(self, image): return self.fc(self.e(image).flatten(1))
"""


def _tensors(tmp_path: Path, text: str) -> dict[str, object]:
    path = tmp_path / "model.py"
    path.write_text(text, "utf-8")
    return pipeline.tensors(str(path), class_name="Model", settings=Settings(offline=True))


def test_sizes_learnt_by_a_call_are_known(tmp_path: Path) -> None:
    found = _tensors(tmp_path, MODEL)
    shapes = found["tensors"]
    assert isinstance(shapes, dict)
    assert not found["gaps"]
    assert (shapes["fc.weight"], shapes["blocks.0.weight"], shapes["blocks.1.weight"]) == ([5, 288], [2, 288], [2, 512])


def test_numbers_that_the_call_would_need_are_a_gap(tmp_path: Path) -> None:
    found = _tensors(
        tmp_path,
        MODEL.replace(
            "def forward(self, x): return", "def forward(self, x):\n        if x.sum() > 0: x = x * 2\n        return"
        ),
    )
    gaps = found["gaps"]
    assert isinstance(gaps, list)
    assert any("a test on numbers in a tensor" in gap["reason"] for gap in gaps)
