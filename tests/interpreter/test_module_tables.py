"""Classes found by name in `globals()`, and `cls[…]` by `__class_getitem__`: built as Python builds them."""

from __future__ import annotations

from pathlib import Path

import pytest

from archviz.errors import ArchvizError
from archviz.pipeline import tensors
from archviz.settings import Settings

MODULE = """import torch
from torch import nn
import not_installed_anywhere as missing
from typing import Generic, TypeVar
V = TypeVar("V")


class Small(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.layer = nn.Linear(d, 3)


class Twice:
    def __class_getitem__(cls, item):
        return item * 2 if cls is Twice else item * 3


class Thrice(Twice):
    pass


class Explicit:
    @classmethod
    def __class_getitem__(cls, item):
        return len(cls.__name__) + item


class Box(Generic[V]):
    def __init__(self, d):
        self.layer = nn.Linear(d, 4)


def late():
    return 6


class Net(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.a = {made}

    def forward(self, x):
        return x
"""
MADE = {
    "globals()['Small'](d).layer": 3,
    "globals().get('Small')(d).layer": 3,
    "nn.Linear(d, 5 if 'late' in globals() else 7)": 5,
    "nn.Linear(d, 5 if 'nowhere' in globals() else 7)": 7,
    "nn.Linear(d, globals()['late']())": 6,
    "nn.Linear(d, sum(isinstance(v, type) and issubclass(v, Twice) for v in list(globals().values())))": 2,
    "nn.Linear(d, Twice[5])": 10,
    "nn.Linear(d, Thrice[5])": 15,
    "nn.Linear(d, Explicit[5])": 13,
    "Box[int](d).layer": 4,
}


@pytest.mark.parametrize(("made", "rows"), MADE.items())
def test_layers_are_made(made: str, rows: int, tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(MODULE.format(made=made))
    found = tensors(str(file), class_name="Net", settings=Settings(arguments='{"d": 8}'))
    assert not found["gaps"]
    assert found["tensors"]["a.weight"] == [rows, 8]


def test_a_name_that_is_nowhere_is_the_codes_own_error(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text(MODULE.format(made="globals()['Nowhere'](d)"))
    with pytest.raises(ArchvizError, match="KeyError: 'Nowhere'"):
        tensors(str(file), class_name="Net", settings=Settings(arguments='{"d": 8}'))
