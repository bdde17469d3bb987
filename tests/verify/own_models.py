"""Small models of plain PyTorch, written around a part in the style of published repositories, and the claims about them."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent

from archviz import pipeline
from archviz.settings import Settings
from archviz.verify.report import Verification

HEADER = """import math
import torch
import torch.nn.functional as F
from torch import nn
"""
MLP = """
class Feed(nn.Module):
    def __init__(self):
        super().__init__()
        self.up, self.down = nn.Linear(64, 256), nn.Linear(256, 64)
    def forward(self, x):
        return self.down(F.gelu(self.up(x)))
"""


def attention(init: str, forward: str) -> str:
    """A module of attention; `forward` makes the result of `x` with `B, T, C` known."""
    return _module("Mix", init, f"B, T, C = x.shape\n{forward}")


def feed(init: str, forward: str) -> str:
    return _module("Feed", init, forward)


def _module(name: str, init: str, forward: str) -> str:
    return (
        f"\nclass {name}(nn.Module):\n    def __init__(self):\n        super().__init__()\n{indent(init.strip(), ' ' * 8)}\n"
        f"    def forward(self, x, mask=None, waves=None):\n{indent(forward.strip(), ' ' * 8)}\n"
    )


SDPA = attention(
    "self.qkv, self.out = nn.Linear(64, 192), nn.Linear(64, 64)",
    "q, k, v = (t.view(B, T, 4, 16).transpose(1, 2) for t in self.qkv(x).chunk(3, dim=-1))\n"
    "y = F.scaled_dot_product_attention(q, k, v, is_causal=True)\n"
    "return self.out(y.transpose(1, 2).reshape(B, T, C))",
)


def model(mix: str = SDPA, feeding: str = MLP, *, calls: str = "", given: str = "", before: str = "") -> str:
    """The source of a language model of three layers.

    Args:
        mix, feeding: The classes `Mix` and `Feed`.
        calls: How a layer calls them: `` or `.forward`.
        given: Further parameters of the model's `forward`.
        before: Its lines before the layers, which may make `mask` and `waves`.
    """
    return f"""{HEADER}{mix}{feeding}
class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.mix, self.two, self.feed = nn.LayerNorm(64), Mix(), nn.LayerNorm(64), Feed()
    def forward(self, x, mask=None, waves=None):
        x = x + self.mix{calls}(self.one(x), mask, waves)
        return x + self.feed{calls}(self.two(x))

class LM(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.layers = nn.Embedding(100, 64), nn.ModuleList(Layer() for _ in range(3))
        self.last, self.head = nn.LayerNorm(64), nn.Linear(64, 100, bias=False)
    def forward(self, ids{given}):
        x, mask, waves = self.table(ids), None, None
{indent(before, " " * 8)}
        for layer in self.layers:
            x = layer(x, mask, waves)
        return self.head(self.last(x))
"""


def claims_about(folder: Path, source: str, class_name: str = "LM") -> Verification:
    """What is claimed about a model of plain PyTorch."""
    file = folder / "model.py"
    file.write_text(source, encoding="utf-8")
    return pipeline.verify(str(file), class_name=class_name, settings=Settings(offline=True))


def told(found: Verification, part: str) -> dict[str, object]:
    """The claims about one module by key; `layers.{0-2}` where `part` is empty."""
    scope = f"layers.{{0-2}}.{part}" if part else "layers.{0-2}"
    return {claim.key: claim.value for claim in found.claims if claim.scope == scope}
