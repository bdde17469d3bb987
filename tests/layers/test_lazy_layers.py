"""Lazy layers have no sizes before their first call, and PyTorch's sizes after it.

What is expected was read off PyTorch 2.13: `list(model.named_parameters())` and `named_buffers()` after one pass.
"""

from __future__ import annotations

from tests.interpreter import programs

REACHED = """
class Mine(nn.LazyLinear):
    pass
class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.LazyLinear(6, bias=False)
        self.mine = Mine(4)
        self.conv = nn.LazyConv1d(4, 3, padding=1, groups=2)
        self.back = nn.modules.conv.LazyConvTranspose1d(4, 3, padding=1)
    def forward(self, x):
        return self.back(self.conv(self.mine(self.fc(x)).mT)).mT
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(9, 4)
        self.blocks = nn.ModuleList(Block() for _ in range(2))
    def forward(self, input_ids):
        x = self.emb(input_ids)
        for block in self.blocks:
            x = block(x)
        return x
"""
IN_CONSTRUCTOR = """
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.patch = nn.LazyConv2d(8, 4, 4)
        self.before = self.patch.has_uninitialized_params()
        width = self.patch(torch.zeros(1, 3, 16, 16)).flatten(1).shape[1]
        self.after = type(self.patch) is nn.Conv2d
        self.channels = self.patch.in_channels
        self.head = nn.Linear(width, 2)
        self.norm = nn.LazyInstanceNorm1d()
        self.norm(torch.zeros(2, 7, 5))
"""
UNREACHED = """
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(3, 3)
        self.never = nn.LazyLinear(5)
    def forward(self, x):
        return self.a(x)
"""


def test_layers_alike_each_take_their_sizes_from_the_first_pass() -> None:
    reading = programs.model(REACHED)
    assert not reading.gaps
    block = {"fc.weight": [6, 4], "mine.weight": [4, 6], "mine.bias": [4], "conv.weight": [4, 2, 3], "conv.bias": [4],
             "back.weight": [4, 4, 3], "back.bias": [4]}  # fmt: skip
    assert programs.shapes(reading) == {
        "emb.weight": [9, 4],
        **{f"blocks.{place}.{name}": sizes for place in range(2) for name, sizes in block.items()},
    }
    assert reading.root.children["blocks"].children["1"].children["mine"].class_name == "Linear"


def test_a_call_in_the_constructor_gives_the_sizes_to_what_comes_after_it() -> None:
    reading = programs.model(IN_CONSTRUCTOR)
    assert not reading.gaps
    assert programs.shapes(reading) == {
        "patch.weight": [8, 3, 4, 4], "patch.bias": [8], "head.weight": [2, 128], "head.bias": [2],
        "norm.weight": [7], "norm.bias": [7],
    }  # fmt: skip
    kept = reading.root.attributes
    assert (kept["before"], kept["after"], kept["channels"]) == (True, True, 3)
    assert {name: each.shape for name, each in reading.root.children["norm"].buffers.items()} == {
        "running_mean": (7,), "running_var": (7,), "num_batches_tracked": (),
    }  # fmt: skip


def test_a_layer_that_no_pass_reaches_is_a_gap_in_its_place() -> None:
    reading = programs.model(UNREACHED)
    assert {(gap.module, gap.reason.partition(":")[0]) for gap in reading.gaps} == {
        ("never", "the size of weight"),
        ("never", "the size of bias"),
    }
    assert programs.shapes(reading)["a.weight"] == [3, 3]
