"""The toy interpreter does what its description says, and what the real one does on the same program."""

from __future__ import annotations

import pytest

from tests.interpreter.programs import model, shapes
from tests.interpreter.toy import Tensor, Toy

PROGRAM = """
class Model(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.up = nn.Linear(width, width * 3)
        self.down = nn.Linear(width * 3, width)
    def forward(self, x):
        for i in range(2):
            x = x + self.down(torch.relu(self.up(x)))
        return torch.cat([x, x])
"""


def test_the_toy_builds_what_the_interpreter_builds() -> None:
    module = Toy(PROGRAM).build("Model", 4)
    toy = {
        f"{path}.{name}": list(each.shape)
        for path, child in module.children.items()
        for name, each in child.parameters.items()
    }
    assert (
        toy
        == shapes(model(PROGRAM))
        == {"up.weight": [12, 4], "up.bias": [12], "down.weight": [4, 12], "down.bias": [4]}
    )


def test_the_toy_runs_forward_over_shapes() -> None:
    toy = Toy(PROGRAM)
    assert toy.call(toy.build("Model", 4), Tensor((2, 7, 4))) == Tensor((2, 7, 8))


def test_the_toy_leaves_gaps_and_goes_on() -> None:
    toy = Toy(
        PROGRAM.replace(
            "self.down = nn.Linear", "self.odd = nn.NoSuchLayer(1)\n        del width\n        self.down = nn.Linear"
        )
    )
    with pytest.raises(KeyError):
        toy.build("Nothing")
    assert list(toy.build("Model", 4).children) == ["up", "down"]
    assert toy.gaps == [(6, "nn.NoSuchLayer has no stub"), (7, "Delete is not understood")]


def test_the_toy_ends() -> None:
    toy = Toy(PROGRAM.replace("range(2)", "range(10000000)"))
    with pytest.raises(RuntimeError, match="too many steps"):
        toy.call(toy.build("Model", 4), Tensor((1, 4)))
