"""What a module's registries refuse, and what its constructor does to them, as in torch/nn/modules/module.py."""

from __future__ import annotations

import pytest

from tests.interpreter import programs

HEAD = "class Model(nn.Module):\n    def __init__(self):\n"


def _names(body: str) -> list[str]:
    reading = programs.model(HEAD + "".join(f"        {line}\n" for line in body.strip().splitlines()))
    assert not reading.gaps
    return sorted({name.split(".")[0] for name in programs.shapes(reading)})


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ('self.register_buffer("scale", torch.ones(2))', "KeyError"),
        ('self.register_buffer("forward", torch.ones(2))', "KeyError"),
        ('self.register_buffer("other", 3.0)', "TypeError"),
        ('self.add_module("forward", nn.Linear(1, 1))', "KeyError"),
        ('self.add_module("scale", nn.Linear(1, 1))', "KeyError"),
        ('self.register_parameter("p", torch.ones(2))', "TypeError"),
        ('self.register_parameter("m", nn.Parameter(torch.ones(2)))', "KeyError"),
    ],
)
def test_taken_names_and_wrong_values_are_refused(call: str, error: str) -> None:
    body = f"super().__init__()\nself.scale = 3\nself.m = nn.Linear(1, 1)\ntry:\n    {call}\nexcept {error}:\n    self.refused = nn.Linear(1, 1)"
    assert _names(body) == ["m", "refused"]


def test_an_entry_of_the_same_registry_is_replaced() -> None:
    body = 'super().__init__()\nself.m = nn.Linear(1, 1)\nself.add_module("m", nn.Linear(2, 2))\nself.register_buffer("b", None)\nself.register_buffer("b", torch.ones(2))'
    assert _names(body) == ["m"]


def test_parts_are_refused_and_numbers_taken_before_the_constructor_of_module() -> None:
    body = "self.n = 3\ntry:\n    self.m = nn.Linear(1, 1)\nexcept AttributeError:\n    self.flag = True\nsuper().__init__()\nif self.flag and self.n == 3:\n    self.after = nn.Linear(1, 1)"
    assert _names(body) == ["after"]


def test_a_second_call_of_the_constructor_empties_the_registries() -> None:
    assert _names(
        "super().__init__()\nself.a = nn.Linear(1, 1)\nnn.Module.__init__(self)\nself.b = nn.Linear(1, 1)"
    ) == ["b"]


def test_module_takes_no_arguments() -> None:
    body = (
        "try:\n    super().__init__(3)\nexcept TypeError:\n    super().__init__()\n    self.refused = nn.Linear(1, 1)"
    )
    assert _names(body) == ["refused"]
