"""Sizes that modelling code computes with numpy, as numpy computes them; what no line knows is a gap."""

from __future__ import annotations

import pytest

from tests.interpreter import programs

HEAD = "import numpy as np\nclass Model(nn.Module):\n    def __init__(self):\n        super().__init__()\n"


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ("int(np.linspace(0, 10, num=5)[1] * 10)", 25),
        ("int(np.linspace(0, 10, 5, endpoint=False)[1] * 10)", 20),
        ("int(np.linspace(0, 1, 11)[7] * 10)", 7),  # in float32 it would be 6
        ("int(np.arange(0, 1, 0.1)[7] * 10)", 7),
        ("int(np.prod([[2, 3], [4, 5]]))", 120),
        ("int(np.cumsum([[1, 2], [3, 4]])[3])", 10),
        ("int(np.cumsum([[1, 2], [3, 4]], axis=1)[0, 1])", 3),
        ("np.meshgrid(np.arange(3), np.arange(5))[0].shape[0]", 5),
        ('np.meshgrid(np.arange(3), np.arange(5), indexing="ij")[0].shape[0]', 3),
        ("np.stack([np.arange(4), np.arange(4)], axis=1).shape[0]", 4),
        ("np.concatenate([np.arange(4), np.arange(3)]).shape[0]", 7),
        ("int(np.max(np.array([3, 9])))", 9),
        ("int(np.sum([3, 9]))", 12),
        ("int(np.argsort(np.array([3, 9, 1]))[0])", 2),
        ("int(np.log10(1000.0) + 0.5)", 3),
        ("int(np.float32(3.7))", 3),
        ("int(np.power(3, 2))", 9),
        ("int(np.power(4, 1.5))", 8),
        ("int(sum([np.power(2.0, j) for j in range(5)]))", 31),
        ("int(np.clip(7, 0, 5))", 5),
        ("int(np.clip(-2, 1, None))", 1),
        ("int(np.clip(np.array([3, 9]), 0, 5)[1])", 5),
    ],
)
def test_a_size_is_what_numpy_makes_it(size: str, expected: int) -> None:
    reading = programs.model(f"{HEAD}        self.own = nn.Parameter(torch.empty({size}))\n")
    assert not reading.gaps
    assert programs.shapes(reading) == {"own": [expected]}


@pytest.mark.parametrize(
    ("made", "dtype"),
    [
        ("np.zeros((3, 4))", "float64"),
        ("np.ones((3, 4), dtype=np.float32)", "float32"),
        ("np.array([0.5])", "float64"),
        ("np.array([1, 2])", "int64"),
        ("np.arange(3, dtype=np.int32)", "int32"),
        ("np.linspace(1, 2, 3).astype(int)", "int64"),
        ("np.zeros(3).astype(np.float32)", "float32"),
        ("np.zeros(3).astype('int64')", "int64"),
    ],
)
def test_arrays_have_the_dtype_of_numpy(made: str, dtype: str) -> None:
    reading = programs.model(f'{HEAD}        self.register_buffer("own", torch.from_numpy({made}))\n')
    assert not reading.gaps
    assert reading.root.buffers["own"].dtype == dtype


def test_an_argument_that_is_not_known_is_a_gap() -> None:
    reading = programs.model(f"{HEAD}        self.own = nn.Linear(int(np.linspace(0, 1, 3, retstep=True)[1] * 8), 2)\n")
    assert any("retstep" in gap.reason for gap in reading.gaps)


def test_a_long_table_of_positions_is_read_by_its_sizes() -> None:
    table = "np.array([[i / np.power(10000, 2 * (j // 2) / 768) for j in range(768)] for i in range(1568)])"
    reading = programs.model(
        f"{HEAD}        table = {table}\n        self.t = nn.Parameter(torch.FloatTensor(table).unsqueeze(0))"
    )
    assert not reading.gaps
    assert programs.shapes(reading) == {"t": [1, 1568, 768]}


def test_a_number_of_a_long_table_is_none_that_decides_sizes() -> None:
    reading = programs.model(
        f"{HEAD}        row = [np.power(2, j / 99) for j in range(999)]\n        self.l = nn.Linear(int(row[99]), 3)"
    )
    assert reading.gaps
