"""Flows of thousands of steps: drawn as few, soon, and without a cycle."""

from __future__ import annotations

import time
from pathlib import Path

from archviz import pipeline
from archviz.patterns.flow import Flow, FlowNode
from archviz.patterns.regions import LONGEST, limit_nodes
from archviz.settings import Settings

UNFUSED = """
import torch
from torch import nn

class Expert(nn.Module):
    def __init__(self):
        super().__init__()
        self.w1, self.w2 = nn.Linear(8, 4), nn.Linear(4, 8)
    def forward(self, x): return self.w2(torch.relu(self.w1(x)))

class MoE(nn.Module):
    def __init__(self, count):
        super().__init__()
        self.count = count
        self.gate = nn.Linear(8, count, bias=False)
        self.experts = nn.ModuleList([Expert() for _ in range(count)])
    def forward(self, x):
        flat = x.view(-1, 8)
        weights, indices = self.gate(flat).softmax(-1).topk(2, dim=-1)
        y = torch.zeros_like(flat)
        for i in range(self.count):
            row, place = torch.where(indices == i)
            y[row] += self.experts[i](flat[row]) * weights[row, place, None]
        return y.view(x.shape)

class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.moe = nn.RMSNorm(8), MoE(128)
    def forward(self, x): return x + self.moe(self.norm(x))

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(10, 8)
        self.layers = nn.ModuleList([Block() for _ in range(2)])
    def forward(self, ids):
        x = self.embed(ids)
        for layer in self.layers: x = layer(x)
        return x
"""


def test_a_loop_over_a_hundred_experts_is_described_soon(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(UNFUSED, encoding="utf-8")
    start = time.process_time()
    found = pipeline.describe(str(tmp_path / "model.py"), class_name="Model", settings=Settings(offline=True))
    assert time.process_time() - start < 20  # hours, step by step
    assert found.gaps == []
    assert max(len(block.nodes) for block in found.blocks) < 60


def test_a_flow_that_is_too_long_is_contracted_without_a_cycle() -> None:
    nodes = {0: FlowNode(0, "input", "input", "", [])}
    for number in range(1, 5000):
        kind = "call" if number % 1000 == 0 else "op"
        sources = [(number - 1, number - 1), (max(0, number - 700), max(0, number - 700))]
        nodes[number] = FlowNode(number, kind, "add" if kind == "op" else "Linear", "", [], sources)
    flow = Flow(nodes, [0], 4999)
    assert limit_nodes(flow, 40)
    assert len(flow.nodes) < LONGEST
    seen: set[int] = set()
    for node in flow.nodes.values():
        assert {source for source, _ in node.sources} <= seen
        seen.add(node.id)
    assert flow.output in seen
