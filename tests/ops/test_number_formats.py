"""Known numbers are kept as their dtype holds them.  Truths are PyTorch's."""

from __future__ import annotations

from pathlib import Path

import pytest

from archviz.ops.number_formats import held
from archviz.pipeline import tensors
from archviz.settings import Settings

MODULE = """import torch
from torch import nn
T = torch.tensor


class Net(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.layer = nn.Linear(d, int({size}))

    def forward(self, x):
        return self.layer(x)
"""
SIZES = {
    "T([1e-8]).add(1).sub(1).gt(0).item() + 1": 1,
    "T([7]).to(torch.int8).mul(30).item() % 50": 4,
    "T(16777217.).item() % 10 + 1": 7,
    "T(.1).item() == .1 and 3 or 4": 4,
    "(T(.1) == .1).item() + 1": 2,
    "(T(.1, dtype=torch.float64) == .1).item() + 1": 2,
    "(T(1) / 3 * 3 == 1).item() + 1": 2,
    "(T(.1) * 3 == .3).item() + 1": 2,
    "T([200], dtype=torch.uint8).add(100).item()": 44,
    "T([2.7, 3.9], dtype=torch.int64).sum().item()": 5,
    "T([2049.]).half().item()": 2048,
    "T([257.]).bfloat16().item()": 256,
    "torch.stack([T([100], dtype=torch.int8), T([100], dtype=torch.int8)]).prod(0, dtype=torch.int8).item() + 20": 36,
    "T(-7.).div(2, rounding_mode='floor').item() + 9": 5,
    "T(-7).div(2, rounding_mode='trunc').item() + 9": 6,
    "torch.div(T(7), 2, rounding_mode='floor').item()": 3,
}
UNKNOWN = (
    "torch.add(T(1), T(2), alpha=3).item()",
    "T(9).sub(1, alpha=2).item()",
    "T(2.567).round(decimals=1).mul(10).item()",
)


@pytest.mark.parametrize("size", UNKNOWN)
def test_options_that_change_the_numbers_make_them_unknown(size: str, tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(MODULE.format(size=size))
    found = tensors(str(file), class_name="Net", settings=Settings(arguments='{"d": 8}'))
    assert found["gaps"]
    assert found["tensors"]["layer.weight"] == [None]


@pytest.mark.parametrize(("size", "rows"), SIZES.items())
def test_sizes_from_rounded_and_wrapped_numbers(size: str, rows: int, tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(MODULE.format(size=size))
    found = tensors(str(file), class_name="Net", settings=Settings(arguments='{"d": 8}'))
    assert not found["gaps"]
    assert found["tensors"]["layer.weight"] == [rows, 8]


@pytest.mark.parametrize(
    ("dtype", "numbers", "kept"),
    [
        ("float32", [1e39, -1e39, 1e-46], [float("inf"), float("-inf"), 0.0]),
        ("float32", [1, 0.5, 2**24 + 1], [1, 0.5, 2**24]),
        ("float32", [10**400, -(10**400), 0.25, 3], [float("inf"), float("-inf"), 0.25, 3]),
        ("float16", [65519.0, 65520.0, 3e-8, 2e-8], [65504.0, float("inf"), 2**-24, 0.0]),
        ("bfloat16", [1.00390625, 1.01171875], [1.0, 1.015625]),
        ("int32", [2**31, -(2**31) - 1], [-(2**31), 2**31 - 1]),
        ("uint8", [-1, 256], [255, 0]),
        ("int8", [1e6], None),
        ("int64", [float("nan")], None),
        ("float8_e4m3fn", [1.0], None),
        ("float64", [0.1], [0.1]),
        ("bool", [True], [True]),
        ("float32", [0.1] * 3, [0.10000000149011612] * 3),
        ("float16", [1e9] * 2, [float("inf")] * 2),
        ("int64", [2.5, 2.5], [2, 2]),
    ],
)
def test_numbers_held_by_a_dtype(dtype: str, numbers: list[float], kept: list[float] | None) -> None:
    assert held(dtype, numbers) == kept


@pytest.mark.parametrize(
    ("dtype", "numbers"),
    [("float32", [0.5] * 4), ("float32", [0.0, 1.5]), ("int64", [1, True, 2**62]), ("uint8", [0, 255])],
)
def test_numbers_that_need_no_change_are_kept_as_they_are(dtype: str, numbers: list[float]) -> None:
    assert held(dtype, numbers) is numbers
