"""Entries of a `ParameterDict` can be taken out, as PyTorch lets them."""

from __future__ import annotations

from pathlib import Path

from archviz import pipeline
from archviz.settings import Settings

MODEL = """import torch
from torch import nn
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.d = nn.ParameterDict({"a": torch.zeros(2), "b": torch.zeros(3), "c": torch.zeros(4)})
        del self.d["a"]
        self.size = len(self.d.pop("b"))
        self.l = nn.Linear(self.size, len(self.d))
"""


def test_entries_are_taken_out(tmp_path: Path) -> None:
    path = tmp_path / "model.py"
    path.write_text(MODEL, "utf-8")
    found = pipeline.tensors(str(path), class_name="Model", settings=Settings(offline=True))
    assert not found["gaps"]
    assert found["tensors"] == {"d.c": [4], "l.weight": [1, 3], "l.bias": [1]}
