"""Norms that are functions of the code, without weights and without a module, stand where `forward` computes them and are told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from archviz.descriptions import describe
from tests.verify.models import SETTINGS, only

WAYS = {
    "of PyTorch": "F.rms_norm(x, (x.size(-1),))",
    "spelt out": "x * torch.rsqrt(x.float().pow(2).mean(-1, keepdim=True) + 1e-6)",
}
CONFIGURATION = """from transformers import PretrainedConfig
class OwnConfig(PretrainedConfig):
    model_type = "own"
    def __init__(self, vocab_size=50, hidden_size=32, num_hidden_layers=3, num_attention_heads=4, **kwargs):
        self.vocab_size, self.hidden_size, self.num_hidden_layers = vocab_size, hidden_size, num_hidden_layers
        self.num_attention_heads = num_attention_heads
        super().__init__(**kwargs)
"""
MODEL = """import torch
import torch.nn as nn
import torch.nn.functional as F
from transformers import PreTrainedModel
from .configuration_own import OwnConfig
def norm(x):
    return NORM
class Attention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.heads, d = config.num_attention_heads, config.hidden_size
        self.q_proj, self.k_proj = nn.Linear(d, d, bias=False), nn.Linear(d, d, bias=False)
        self.v_proj, self.o_proj = nn.Linear(d, d, bias=False), nn.Linear(d, d, bias=False)
    def forward(self, x):
        b, t, d = x.shape
        q, k, v = (p(x).view(b, t, self.heads, -1).transpose(1, 2) for p in (self.q_proj, self.k_proj, self.v_proj))
        q, k = norm(q), norm(k)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.o_proj(y.transpose(1, 2).reshape(b, t, d))
class MLP(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.up, self.down = nn.Linear(config.hidden_size, 64, bias=False), nn.Linear(64, config.hidden_size, bias=False)
    def forward(self, x):
        return self.down(F.relu(self.up(x)).square())
class Block(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.attn, self.mlp = Attention(config), MLP(config)
    def forward(self, x):
        x = x + self.attn(norm(x))
        return x + self.mlp(norm(x))
class OwnForCausalLM(PreTrainedModel):
    config_class = OwnConfig
    def __init__(self, config):
        super().__init__(config)
        self.wte = nn.Embedding(config.vocab_size, config.hidden_size)
        self.h = nn.ModuleList([Block(config) for _ in range(config.num_hidden_layers)])
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()
    def forward(self, input_ids):
        x = norm(self.wte(input_ids))
        for block in self.h:
            x = block(x)
        return self.lm_head(norm(x))
"""


def written(folder: Path, way: str) -> str:
    (folder / "modeling_own.py").write_text(MODEL.replace("NORM", WAYS[way]))
    (folder / "configuration_own.py").write_text(CONFIGURATION)
    auto_map = {"AutoConfig": "configuration_own.OwnConfig", "AutoModelForCausalLM": "modeling_own.OwnForCausalLM"}
    values = {"model_type": "own", "architectures": ["OwnForCausalLM"], "auto_map": auto_map}
    (folder / "config.json").write_text(json.dumps(values))
    return str(folder)


@pytest.mark.parametrize("way", WAYS)
def test_norms_by_functions_are_told(tmp_path: Path, way: str) -> None:
    found = describe(written(tmp_path, way), settings=SETTINGS)
    facts = {fact.key: fact.value for fact in found.facts}
    assert (facts["norm"], facts["norm_placement"]) == ("RMSNorm without weights", "pre-norm")
    assert facts["qk_norm"] == "per head, by a function (RMSNorm)"
    column = [(item.node.label, item.node.details) if item.node else "layers" for item in found.towers[0].column]
    told = ["without weights"]
    assert column[2:5] == [("RMSNorm", told), "layers", ("Final RMSNorm", told)]
    layer = found.block(found.layers[0].kinds[0].block)
    assert layer is not None
    assert [node.label for node in layer.nodes if node.role == "norm"] == ["RMSNorm", "RMSNorm"]


@pytest.mark.parametrize("way", WAYS)
def test_the_claim_about_them_needs_no_softmax(tmp_path: Path, way: str) -> None:
    from archviz import pipeline

    found = pipeline.verify(written(tmp_path, way), settings=SETTINGS)
    assert only(found, "attention.qk_norm") == "RMS norm without a module of its own"
