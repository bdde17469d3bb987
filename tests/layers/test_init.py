"""Numbers that initialisations are computed with, as torch/nn/init.py computes them: code builds sizes of them."""

from __future__ import annotations

import pytest

from tests.interpreter import programs

HEAD = "class Model(nn.Module):\n    def __init__(self):\n        super().__init__()\n"


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ("nn.init._calculate_fan_in_and_fan_out(nn.Linear(6, 8).weight)[0]", 6),
        ("nn.init._calculate_fan_in_and_fan_out(nn.Conv2d(4, 8, (3, 5)).weight)[0]", 60),
        ("nn.init._calculate_fan_in_and_fan_out(nn.Conv2d(4, 8, (3, 5)).weight)[1]", 120),
        ('int(nn.init.calculate_gain("relu") * 100)', 141),
        ('int(nn.init.calculate_gain("leaky_relu", 0.2) * 100)', 138),
        ('int(nn.init.calculate_gain("tanh") * 3)', 5),
        ('nn.init.calculate_gain("conv_transpose2d")', 1),
    ],
)
def test_fans_and_gains_are_those_of_the_tensor_and_the_curve(size: str, expected: int) -> None:
    reading = programs.model(f"{HEAD}        self.own = nn.Parameter(torch.empty({size}))\n")
    assert not reading.gaps
    assert programs.shapes(reading) == {"own": [expected]}


@pytest.mark.parametrize(
    "call", ["nn.init._calculate_fan_in_and_fan_out(torch.ones(3))", 'nn.init.calculate_gain("gelu")']
)
def test_what_has_no_fan_or_gain_is_refused(call: str) -> None:
    body = f"        try:\n            {call}\n        except ValueError:\n            self.refused = nn.Linear(1, 1)\n"
    assert sorted(programs.shapes(programs.model(HEAD + body))) == ["refused.bias", "refused.weight"]
