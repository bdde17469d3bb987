"""A convolution that is padded with anything but zeros pads before: the op sees the padded input, as in PyTorch."""

from __future__ import annotations

from pathlib import Path

from archviz import pipeline
from archviz.settings import Settings

MODEL = """import torch
from torch import nn
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([
            nn.Conv1d(1, 4, 5, padding="same", padding_mode="reflect"),
            nn.Conv1d(1, 4, 4, padding="same", dilation=2, padding_mode="circular"),
            nn.Conv1d(1, 4, 3, padding=1, padding_mode="replicate"),
            nn.Conv1d(1, 4, 3, padding=1),
        ])
    def forward(self, x):
        return [layer(x.float()[:, None]) for layer in self.layers]
"""


def test_the_op_gets_the_padded_input(tmp_path: Path) -> None:
    path = tmp_path / "model.py"
    path.write_text(MODEL, "utf-8")
    found = pipeline.trace(str(path), class_name="Model", seq=20, settings=Settings(offline=True))
    assert [(op["in"][0], op["out"]) for op in found["ops"] if op["op"] == "conv1d"] == [
        ([1, 1, 24], [1, 4, 20]),
        ([1, 1, 26], [1, 4, 20]),
        ([1, 1, 22], [1, 4, 20]),
        ([1, 1, 20], [1, 4, 20]),
    ]
