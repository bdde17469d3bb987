"""PyTorch's layers under the names of its files, the classes behind them, and functions beside them.  Numbers: PyTorch 2.13."""

from __future__ import annotations

from pathlib import Path

import pytest

from archviz import pipeline
from archviz.settings import Settings

OFFLINE = Settings(offline=True)
HEAD = """import torch, torch.nn as nn, torch.nn.modules as mods
from torch.nn.modules.utils import _pair, _single, _ntuple
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.loss import _Loss
from torch.nn.modules.transformer import _get_clones
from torch.nn.modules.container import ModuleList
from torch.nn.parameter import Parameter
"""
PARTS = [
    ("nn.Linear(*_pair(3))", {"part.weight": [3, 3], "part.bias": [3]}),
    ("nn.Linear(*_ntuple(2)((3, 4)))", {"part.weight": [4, 3], "part.bias": [4]}),
    ("mods.conv.Conv1d(2, 4, _single(3))", {"part.weight": [4, 2, 3], "part.bias": [4]}),
    ("mods.LayerNorm(5)", {"part.weight": [5], "part.bias": [5]}),
    ("ModuleList([mods.activation.PReLU(2)])", {"part.0.weight": [2]}),
    ("_get_clones(nn.Linear(1, 1, bias=False), 2)", {"part.0.weight": [1, 1], "part.1.weight": [1, 1]}),
    ("Parameter(torch.zeros(3))", {"part": [3]}),
    ("nn.Linear(1, 1 + isinstance(nn.BatchNorm2d(3), _BatchNorm), bias=False)", {"part.weight": [2, 1]}),
    ("nn.Linear(1, 1 + isinstance(nn.ConvTranspose2d(1, 1, 1), _ConvNd), bias=False)", {"part.weight": [2, 1]}),
    ("nn.Linear(1, 1 + isinstance(nn.Conv1d(1, 1, 1), mods.conv._ConvTransposeNd), bias=False)", {"part.weight": [1, 1]}),
    ("nn.Linear(1, 1 + isinstance(nn.CrossEntropyLoss(), _Loss), bias=False)", {"part.weight": [2, 1]}),
    ("nn.Linear(1, 1 + isinstance(nn.GRU(1, 1), nn.RNNBase), bias=False)", {"part.weight": [2, 1]}),
    ("_BatchNorm(4)", {"part.weight": [4], "part.bias": [4]}),
    (
        "_ConvNd(4, 6, (3, 3), (1, 1), (0, 0), (1, 1), False, (0, 0), 2, True, 'zeros')",
        {"part.weight": [6, 2, 3, 3], "part.bias": [6]},
    ),
    ("nn.RNNBase('RNN_TANH', 2, 3, bias=False)", {"part.weight_ih_l0": [3, 2], "part.weight_hh_l0": [3, 3]}),
]  # fmt: skip


@pytest.mark.parametrize(("part", "tensors"), PARTS)
def test_names_of_files_stand_for_the_same_layers(tmp_path: Path, part: str, tensors: dict[str, list[int]]) -> None:
    file = tmp_path / "m.py"
    body = f"class M(mods.Module):\n    def __init__(self):\n        super().__init__()\n        self.part = {part}\n"
    file.write_text(HEAD + body, encoding="utf-8")
    found = pipeline.tensors(str(file), class_name="M", settings=OFFLINE)
    assert not found["gaps"]
    assert found["tensors"] == tensors
