"""A write through one of several tensors in the same memory: what the others held is not known any more.

Each row says which rows `int(…)` of the sum gives as the size of a layer; None where it is a gap. Truths are PyTorch's.
"""

from __future__ import annotations

from pathlib import Path
from weakref import ref

import pytest

from archviz.interpreter.values import Tensor
from archviz.ops.shared_numbers import share, written
from archviz.pipeline import tensors
from archviz.settings import Settings

MODULE = """import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, d):
        super().__init__()
        {lines}
        self.layer = nn.Linear(d, int(t.sum()))

    def forward(self, x):
        return self.layer(x)
"""
WRITTEN = (
    "t = torch.zeros(4); v = t[1:3]; v += 2",
    "t = torch.arange(6); u = t.view(2, 3); u[0, 0] = 10",
    "t = torch.zeros(3); t.T.fill_(2)",
    "t = torch.zeros(3); t.expand(2, 3)[0].add_(1)",
    "t = torch.zeros(2, 3); t.diagonal()[0:1].fill_(4)",
    "t = torch.zeros(4); a, b = t.chunk(2); a.copy_(torch.ones(2))",
    "t = torch.zeros(3); a = t.numpy(); a[0] = 7",
    "t = torch.zeros(3); torch.add(t, 1, out=t)",
    "t = torch.zeros(3); rows = [t.select(0, i).fill_(i) for i in range(3)]",
    "t = torch.zeros(2); k = t.unsqueeze(0).squeeze().detach(); k += 1",
    "t = torch.zeros(3); w = t.to(torch.float32); w += 1",
    "t = torch.zeros(3); w = t.float().contiguous(); w += 1",
    "t = torch.ones(2); j = t; j += 1",
    "t = torch.ones(3); u = +t; u += 1",
    "t = torch.zeros(3); p = nn.Parameter(t); p.data.fill_(2)",
    "t = torch.zeros(3); nn.init.constant_(t[:2], 3)",
    "t = torch.zeros(3); u = torch.ones(3); t.data = u; u.fill_(5)",
    "t = torch.ones(3); self.register_buffer('b', t); v = self.b[:2]; v += 1",
)
KEPT = {
    "t = torch.ones(3); c = t.clone(); c.zero_()": 3,
    "t = torch.ones(4); q = t[[0, 2]]; q += 3": 4,
    "t = torch.ones(4); v = t[1:3]; v = v + 2": 4,
    "t = torch.zeros(3); t += 1": 3,
    "t = torch.zeros(3); t[1] = 4": 4,
}


def built(lines: str, folder: Path) -> dict[str, object]:
    file = folder / "net.py"
    file.write_text(MODULE.format(lines=lines))
    return tensors(str(file), class_name="Net", settings=Settings(arguments='{"d": 8}'))


@pytest.mark.parametrize("lines", WRITTEN)
def test_what_a_write_may_have_changed_is_a_gap(lines: str, tmp_path: Path) -> None:
    found = built(lines, tmp_path)
    assert found["gaps"]
    assert found["tensors"]["layer.weight"] == [None]


@pytest.mark.parametrize(("lines", "rows"), KEPT.items())
def test_copies_and_own_writes_keep_their_numbers(lines: str, rows: int, tmp_path: Path) -> None:
    found = built(lines, tmp_path)
    assert not found["gaps"]
    assert found["tensors"]["layer.weight"] == [rows, 8]


def test_tensors_in_the_same_memory_do_not_keep_one_another() -> None:
    base, view = Tensor((2,), "float32", [1.0, 2.0]), Tensor((1,), "float32", [1.0])
    share(base, view)
    alive = ref(base)
    del base
    assert alive() is None  # without the collector of cycles
    written(view)
    assert view.data == [1.0]
