"""Layers without attention say what mixes their positions, as their code does it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from archviz.architecture.model import Architecture
from archviz.architecture.text import describe_text
from archviz.descriptions import describe
from tests.verify.models import SETTINGS

CONFORMER = {"num_hidden_layers": 2, "hidden_size": 32, "num_attention_heads": 4, "intermediate_size": 64}


def official(folder: Path, model_type: str, config: dict[str, Any]) -> Architecture:
    path = folder / "config.json"
    path.write_text(json.dumps({"model_type": model_type, **config}))
    return describe(str(path), settings=SETTINGS)


def own(folder: Path, layer: str) -> Architecture:
    path = folder / "model.py"
    path.write_text(MODEL.replace("LAYER", layer))
    return describe(str(path), class_name="Model", settings=SETTINGS)


MODEL = """
import torch
from torch import nn

LAYER

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(100, 32)
        self.layers = nn.ModuleList([Layer() for _ in range(3)])
        self.head = nn.Linear(32, 100)

    def forward(self, input_ids: torch.LongTensor):
        x = self.embed(input_ids)
        for layer in self.layers:
            x = layer(x)
        return self.head(x)
"""
MLP = """
class MLP(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.up, self.act, self.down = nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width)

    def forward(self, x):
        return self.down(self.act(self.up(x)))
"""
MIXER = """
class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2, self.mixer, self.mlp = nn.LayerNorm(32), nn.LayerNorm(32), PARTS, MLP(32, 128)

    def forward(self, x):
        x = x + STEP
        return x + self.mlp(self.norm2(x))
"""
HYENA = """
class Filter(nn.Module):
    def __init__(self):
        super().__init__()
        self.enter, self.leave = nn.Linear(32, 64), nn.Linear(32, 32)
        self.filter = nn.Parameter(torch.zeros(32, 4096))

    def forward(self, x):
        v, gate = self.enter(x).transpose(1, 2).chunk(2, dim=1)
        length = v.shape[-1]
        spectrum = torch.fft.rfft(v, n=2 * length) * torch.fft.rfft(self.filter[:, :length], n=2 * length)
        return self.leave((torch.fft.irfft(spectrum, n=2 * length)[..., :length] * gate).transpose(1, 2))
"""


@pytest.mark.parametrize(
    ("model_type", "config", "kind", "fact", "value"),
    [
        ("fnet", {"num_hidden_layers": 2, "hidden_size": 32, "intermediate_size": 64, "vocab_size": 99}, "fourier_mixing+mlp", "fourier_mixing", True),
        ("convnext", {"hidden_sizes": [16, 32], "depths": [2, 2], "num_stages": 2}, "depthwise_convolution+mlp", "depthwise_convolution", {"kernel": "7 × 7"}),
        ("poolformer", {"hidden_sizes": [16, 32], "depths": [2, 2], "num_encoder_blocks": 2, "patch_sizes": [7, 3], "strides": [4, 2], "padding": [2, 1], "mlp_ratios": [4.0, 4.0]}, "average_pooling+mlp", "average_pooling", {"kernel": "3 × 3"}),
        ("patchtsmixer", {}, "token_mlp+mlp", "token_mlp", {"tokens": 4, "hidden": 8}),
        ("wav2vec2-conformer", {**CONFORMER, "conv_depthwise_kernel_size": 15}, "attention+depthwise_convolution+mlp×2", "depthwise_convolution", {"kernel": 15}),
    ],
)  # fmt: skip
def test_a_kind_of_layer_names_its_mixer(
    tmp_path: Path, model_type: str, config: dict[str, Any], kind: str, fact: str, value: object
) -> None:
    found = official(tmp_path, model_type, config)
    assert {each.id for stack in found.layers for each in stack.kinds} == {kind}
    told = found.fact(fact)
    assert told is not None
    assert (told.value, told.status) == (value, "verified")


@pytest.mark.parametrize(
    ("parts", "step", "kind"),
    [
        ("Filter()", "self.mixer(self.norm1(x))", "fft_convolution+mlp"),
        ("MLP(64, 48)", "self.mixer(self.norm1(x).transpose(1, 2)).transpose(1, 2)", "token_mlp+mlp"),
        ("MLP(32, 48)", "self.mixer(self.norm1(x))", "mlp×2"),
        ("nn.Conv1d(32, 32, 5, padding=2, groups=32)", "self.mixer(self.norm1(x).transpose(1, 2)).transpose(1, 2)", "depthwise_convolution+mlp"),
        ("nn.Conv1d(32, 32, 1)", "self.mixer(self.norm1(x).transpose(1, 2)).transpose(1, 2)", "mlp"),
        ("nn.AvgPool1d(3, stride=1, padding=1)", "self.mixer(self.norm1(x).transpose(1, 2)).transpose(1, 2)", "average_pooling+mlp"),
    ],
)  # fmt: skip
def test_mixers_of_code_that_nobody_published_are_told_by_what_they_do(
    tmp_path: Path, parts: str, step: str, kind: str
) -> None:
    layer = HYENA + MLP + MIXER.replace("PARTS", parts).replace("STEP", step)
    found = own(tmp_path, layer)
    assert [each.id for each in found.layers[0].kinds] == [kind]


def test_layers_of_convolutions_alone_are_layers_where_a_model_has_no_others(tmp_path: Path) -> None:
    found = official(tmp_path, "resnet", {"embedding_size": 16, "hidden_sizes": [16, 32], "depths": [2, 3]})
    assert [stack.count for stack in found.layers] == [2, 3]
    assert {kind.title.partition(" (")[0] for stack in found.layers for kind in stack.kinds} == {"Convolution"}


def test_convolutions_side_by_side_are_no_layers(tmp_path: Path) -> None:
    path = tmp_path / "model.py"
    path.write_text(BRANCHES)
    assert describe(str(path), class_name="Model", settings=SETTINGS).layers == []


BRANCHES = """
from torch import nn


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.act = nn.Conv1d(16, 16, 3, padding=1), nn.ReLU()

    def forward(self, x):
        return self.act(self.conv(x))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.branches = nn.Embedding(99, 16), nn.ModuleList([Block() for _ in range(3)])

    def forward(self, input_ids):
        x = self.embed(input_ids).transpose(1, 2)
        return sum(branch(x) for branch in self.branches)
"""


def test_a_norm_inside_of_a_branch_has_no_placement(tmp_path: Path) -> None:
    found = official(tmp_path, "convnextv2", {"hidden_sizes": [16], "depths": [2], "num_stages": 1})
    assert found.fact("norm_placement") is None
    placed = official(tmp_path, "fnet", {"num_hidden_layers": 1}).fact("norm_placement")
    assert placed is not None
    assert placed.value == "post-norm (after the sum)"


def test_a_gate_that_is_called_attention_is_none(tmp_path: Path) -> None:
    assert "ttention" not in describe_text(official(tmp_path, "patchtsmixer", {})).partition("Modules")[0]


def test_a_feed_forward_with_a_convolution_inside_says_so(tmp_path: Path) -> None:
    found = official(tmp_path, "segformer", {})
    assert {kind.title for stack in found.layers for kind in stack.kinds} == {
        "Attention + MLP (GELU) with depthwise convolution 3 × 3"
    }


def test_a_feed_forward_of_convolutions_is_told_with_its_inner_width(tmp_path: Path) -> None:
    found = official(
        tmp_path, "vits", {"num_hidden_layers": 2, "hidden_size": 32, "ffn_dim": 64, "num_attention_heads": 2}
    )
    fact = found.fact("convolution_mlp")
    assert fact is not None
    assert fact.value == {"kernel": 3, "hidden": 64}


def test_what_drops_paths_in_training_parts_no_layers(tmp_path: Path) -> None:
    assert official(tmp_path, "segformer", {}).layers[0].pattern_text == "2 × attention+mlp"
