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
        (
            "parametrizations.orthogonal(self.m)",
            {"m.bias", "m.parametrizations.weight.original"},
        ),
        (
            'parametrizations.orthogonal(self.m, "weight", "cayley"); parametrize.remove_parametrizations(self.m, "weight")',
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


@pytest.mark.parametrize(
    ("layer", "options", "base"),
    [
        ("nn.Linear(4, 4)", "", (4, 4)),
        ("nn.Linear(7, 4)", "", (7, 7)),
        ("nn.Linear(4, 7)", ', orthogonal_map="matrix_exp"', (7, 7)),
        ("nn.Linear(4, 7)", ", use_trivialization=False", None),
    ],
)
def test_an_orthogonal_weight_keeps_the_matrix_that_it_starts_from(
    layer: str, options: str, base: tuple[int, int] | None
) -> None:
    reading = programs.model(
        SYMMETRIC.replace("nn.Linear(4, 4)", layer) + f"        parametrizations.orthogonal(self.m{options})\n"
    )
    assert not reading.gaps
    held = reading.root.children["m"].children["parametrizations"].children["weight"].children["0"]
    assert held.class_name == "_Orthogonal"
    assert {name: each.shape for name, each in held.buffers.items()} == ({"base": base} if base else {})


def test_what_is_no_matrix_is_not_made_orthogonal() -> None:
    reading = programs.model(SYMMETRIC + '        parametrizations.orthogonal(self.m, "bias")\n')
    assert ["Got a tensor of 1 dimensions" in gap.reason for gap in reading.gaps] == [True]
