"""What PyTorch's layers call on themselves runs where a subclass overrides it, and where PyTorch calls it.  Numbers: PyTorch 2.13."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from archviz import pipeline
from archviz.settings import Settings

OFFLINE = Settings(offline=True)
MODEL = """import torch
from torch import nn
import torch.nn.functional as F
class Conv(nn.Conv1d):
    def reset_parameters(self):
        super().reset_parameters()
        self.scale = nn.Parameter(torch.ones(self.out_channels))
    def _conv_forward(self, x, weight, bias):
        return super()._conv_forward(F.pad(x, (4, 0)), weight * self.scale[:, None, None], bias)
class Norm(nn.LayerNorm):
    def reset_parameters(self):
        self.g = nn.Parameter(torch.zeros(7))
class Batch(nn.BatchNorm1d):
    def reset_running_stats(self):
        super().reset_running_stats()
        self.seen = nn.Parameter(torch.zeros(5))
    def _check_input_dim(self, input):
        if input.dim() != 3:
            raise ValueError("three axes only")
class Table(nn.Embedding):
    def reset_parameters(self):
        super().reset_parameters()
        self.register_parameter("bias", nn.Parameter(torch.zeros(self.embedding_dim)))
class Heads(nn.MultiheadAttention):
    def _reset_parameters(self):
        super()._reset_parameters()
        self.tau = nn.Parameter(torch.ones(1))
class Recurrent(nn.LSTM):
    def reset_parameters(self):
        super().reset_parameters()
        self.h0 = nn.Parameter(torch.zeros(3))
class Extra:
    def reset_parameters(self):
        super().reset_parameters()
        self.extra = nn.Parameter(torch.zeros(self.out_features, 1))
class Map(Extra, nn.Linear):
    pass
class Layer(nn.TransformerEncoderLayer):
    def _ff_block(self, x):
        return super()._ff_block(x) * torch.sigmoid(self.linear1(x))[..., :6]
class Model(nn.Module):
    def __init__(self, d=6):
        super().__init__()
        self.table, self.given = Table(20, d), Table(3, d, _weight=torch.zeros(3, d))
        self.conv, self.norm, self.batch = Conv(d, d, 3), Norm(d), Batch(d)
        self.heads, self.lstm, self.map, self.layer = Heads(d, 2), Recurrent(d, d), Map(d, 2), Layer(d, 2, 8)
    def forward(self, ids):
        x = self.batch(self.conv(self.table(ids).mT)).mT
        return self.layer(self.norm(x))
"""


def _written(tmp_path: Path, text: str = MODEL) -> str:
    path = tmp_path / "model.py"
    path.write_text(text, "utf-8")
    return str(path)


def test_parameters_made_by_an_overridden_initialisation_are_there(tmp_path: Path) -> None:
    found = pipeline.tensors(_written(tmp_path), class_name="Model", settings=OFFLINE)
    shapes = found["tensors"]
    own = {
        "table.bias": [6],
        "conv.scale": [6],
        "norm.g": [7],
        "batch.seen": [5],
        "heads.tau": [1],
        "lstm.h0": [3],
        "map.extra": [2, 1],
    }
    assert not found["gaps"]
    assert found["params"] == 1126  # as PyTorch counts
    assert {name: shapes.get(name) for name in own} == own
    assert "given.bias" not in shapes  # a weight that is given is not initialised
    assert sum(name.split(".")[0] == "layer" for name in shapes) == 12


def test_hooks_of_forward_run(tmp_path: Path) -> None:
    found = pipeline.trace(_written(tmp_path), class_name="Model", seq=10, settings=OFFLINE)
    calls: dict[str, Any] = {call["module"]: call["out"] for call in found["calls"]}
    assert not found["gaps"]
    assert calls["conv"] == [1, 6, 12]  # four more at the left, two fewer by the kernel
    assert [op["module"] for op in found["ops"] if op["op"] == "sigmoid"] == ["layer"]
    assert [call["module"] for call in found["calls"]].count("layer.linear1") == 2


def test_a_check_of_the_axes_may_refuse(tmp_path: Path) -> None:
    path = _written(tmp_path, MODEL.replace("dim() != 3", "dim() != 2"))
    found = pipeline.trace(path, class_name="Model", seq=10, settings=OFFLINE)
    assert any("three axes only" in gap["reason"] for gap in found["gaps"])
