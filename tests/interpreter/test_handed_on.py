"""A number that a layer hands on to a part counts as read only where the part looks at it."""

from __future__ import annotations

import pytest

from archviz.interpreter.sharing import SharedCalls
from tests.interpreter.test_sharing import ALTERNATING, traced

PART = """
class Deeper(nn.Module):
    def forward(self, x, number):
        return torch.relu(x) if number % 2 == 0 else torch.tanh(x)


class Part(nn.Module):
    def __init__(self):
        super().__init__()
        self.deeper = Deeper()

    def forward(self, x, cache, number{more}):
        {body}
"""
LAYER = ["return self.part(self.lin(x), None, self.layer_idx)"]
LOOKED_AT = {
    "in a test": "return torch.relu(x) if number % 2 == 0 else torch.tanh(x)",
    "handed on": "return self.deeper(x, number)",
    "after it was handed on unread": "y = self.ignore(x, number)\n        return self.deeper(x, number)",
    "by a comprehension": "return [f for n, f in enumerate([torch.relu, torch.tanh] * 2) if n == number][0](x)",
    "by a function inside": "return (lambda: torch.relu(x) if number % 2 == 0 else torch.tanh(x))()",
    "among all names": "return torch.relu(x) if locals()['number'] % 2 == 0 else torch.tanh(x)",
    "changed in place": "number += 2\n        return torch.relu(x) if number % 2 == 0 else torch.tanh(x)",
    "as an index": "return [torch.relu, torch.tanh, torch.relu, torch.tanh][number](x)",
    "kept on the way": "self.kept = number\n        return torch.relu(x) if self.kept % 2 == 0 else torch.tanh(x)",
}
IGNORING = "\n    def ignore(self, x, number):\n        return x\n"


def ran(body: str, layer: list[str] = LAYER, more: str = "") -> tuple[list[str], int]:
    """The activations of a pass, and how many calls of layers were kept."""
    helpers = PART.format(body=body, more=more) + IGNORING
    names, shared = traced(layer, ["x = layer(x, None)"], helpers, init="self.part = Part()")
    return names, kept_layers(shared)


def kept_layers(shared: SharedCalls) -> int:
    """How many calls of layers ran, rather than stood for an earlier one."""
    return sum(call.module.cls.name == "Layer" for calls in shared._known.values() for call in calls)


@pytest.mark.parametrize("how", LOOKED_AT)
def test_layers_whose_parts_look_at_the_number_run_each(how: str) -> None:
    assert ran(LOOKED_AT[how])[0] == ALTERNATING


@pytest.mark.parametrize(
    "body",
    [
        "return torch.relu(x)",
        "held = cache.layers[number] if cache is not None else None\n        return torch.relu(x)",
        "held = cache.layers[number] if cache is not None else None\n        return torch.relu(x) if held is None else held",
    ],
)
def test_layers_whose_parts_never_look_at_the_number_run_once(body: str) -> None:
    assert ran(body) == (["relu"] * 4, 1)


def test_a_number_handed_on_twice_may_stay_unread() -> None:
    unread = "class Silent(nn.Module):\n    def forward(self, x, number):\n        return torch.relu(x)\n"
    helpers = PART.format(body="return self.silent(x, number)", more="") + unread
    init = "self.part = Part(); self.part.silent = Silent()"
    names, shared = traced(LAYER, ["x = layer(x, None)"], helpers, init=init)
    assert names == ["relu"] * 4
    assert kept_layers(shared) == 1


@pytest.mark.parametrize(
    "layer",
    [
        ["return self.part(self.lin(x), None, number=self.layer_idx)"],
        ["return self.part(self.lin(x), *[None, self.layer_idx])"],
        ["return self.part(self.lin(x), self.layer_idx % 2, self.layer_idx)"],
        ["return self.part.forward(self.lin(x), None, self.layer_idx)"],
    ],
)
def test_numbers_that_are_handed_over_otherwise_count_as_read(layer: list[str]) -> None:
    names, kept = ran("return torch.relu(x)", layer)
    assert names == ["relu"] * 4
    assert kept == 4


def test_a_number_that_goes_into_a_tuple_of_arguments_counts_as_read() -> None:
    body = "return torch.relu(x) if rest[0] % 2 == 0 else torch.tanh(x)"
    layer = ["return self.part(self.lin(x), None, 0, self.layer_idx)"]
    assert ran(body, layer, more=", *rest")[0] == ALTERNATING
