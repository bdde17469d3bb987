"""Parametrizations that are removed again leave what PyTorch leaves."""

from __future__ import annotations

import pytest

from tests.interpreter import programs

SYMMETRIC = """
from torch.nn.utils import parametrize, parametrizations
class Symmetric(nn.Module):
    def forward(self, x):
        return x.triu() + x.triu(1).mT
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.m = nn.Linear(4, 4)
"""


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (
            'parametrize.register_parametrization(self.m, "weight", Symmetric())',
            {"m.bias", "m.parametrizations.weight.original"},
        ),
        (
            'parametrize.register_parametrization(self.m, "weight", Symmetric()); parametrize.remove_parametrizations(self.m, "weight")',
            {"m.bias", "m.weight"},
        ),
        (
            'parametrizations.weight_norm(self.m); parametrize.remove_parametrizations(self.m, "weight")',
            {"m.bias", "m.weight"},
        ),
        ("nn.utils.weight_norm(self.m); nn.utils.remove_weight_norm(self.m)", {"m.bias", "m.weight"}),
    ],
)
def test_names_of_the_tensors(body: str, names: set[str]) -> None:
    reading = programs.model(SYMMETRIC + "".join(f"        {line}\n" for line in body.split("; ")))
    assert not reading.gaps
    assert set(programs.shapes(reading)) == names
    made = reading.root.children["m"]
    assert made.class_name == ("Linear" if "m.weight" in names else "ParametrizedLinear")
