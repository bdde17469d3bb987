"""Containers and attributes of modules as PyTorch keeps them: by name, by place, with what it refuses.  Expected values are PyTorch's."""

from __future__ import annotations

import pytest

from archviz.interpreter.control import RaisedError
from archviz.interpreter.reading import ModelReading
from tests.interpreter.programs import model, shapes


def built(body: str) -> ModelReading:
    lines = "\n".join(f"        {line}" for line in body.splitlines())
    return model(
        "import copy\nfrom collections import OrderedDict\n"
        f"class Model(nn.Module):\n    def __init__(self):\n        super().__init__()\n{lines}\n"
    )


def sizes(body: str) -> dict[str, list[int | None]]:
    found = built(body)
    assert not found.gaps
    return shapes(found)


def test_a_shallow_copy_shares_the_parts() -> None:
    found = sizes(
        "self.a = nn.ModuleList([nn.Linear(1, 1, bias=False)])\nself.b = copy.copy(self.a)\nself.b.append(nn.Linear(2, 2, bias=False))"
    )
    assert found["a.1.weight"] == [2, 2]


def test_what_is_no_tensor_is_an_attribute_of_a_list_or_dict_of_parameters() -> None:
    found = sizes(
        "self.l = nn.ParameterList([None, torch.zeros(2), nn.ParameterList([torch.zeros(3)])])\n"
        "self.d = nn.ParameterDict({'k': None, 'a': torch.zeros(4)})\nself.d.setdefault('u', torch.zeros(5))\n"
        "self.n = nn.Linear(len(self.l), len(self.d), bias=False)\nself.s = self.l[1:]"
    )
    assert found == {"l.1": [2], "l.2.0": [3], "d.a": [4], "d.u": [5], "n.weight": [3, 3]}


def test_parts_of_a_list_are_found_by_their_number() -> None:
    found = sizes(
        "class Blocks(nn.ModuleList):\n    def __init__(self):\n        super().__init__([nn.Linear(1, 1, bias=False)])\n"
        "        self.norm = nn.RMSNorm(3)\n"
        "self.b = Blocks()\nself.b.append(nn.Linear(2, 2, bias=False))\nself.n = nn.Linear(len(self.b), 1, bias=False)"
    )
    assert found == {"b.0.weight": [1, 1], "b.norm.weight": [3], "b.2.weight": [2, 2], "n.weight": [1, 3]}


def test_a_module_is_registered_before_a_property_of_its_name() -> None:
    found = model(
        "class Model(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.part = nn.Linear(2, 2, bias=False)\n"
        "    @property\n    def part(self):\n        return None\n"
    )
    assert list(shapes(found)) == ["part.weight"]


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("self.l = nn.Linear(1, 1)\nself.l.weight = torch.zeros(2, 2)", "as parameter 'weight'"),
        ("self.l = nn.Linear(1, 1)\nself.l = 3", "as module 'l'"),
        ("self.register_buffer('b', torch.zeros(1))\nself.b = 'text'", "as buffer 'b'"),
        ("self.s = nn.Sequential({'a': nn.Linear(1, 1)})", "not a Module subclass"),
        ("self.s = nn.Sequential(OrderedDict(x=nn.Linear(1, 1)))\nself.s.insert(0, nn.Linear(1, 1))", "'0'"),
        ("self.s = nn.Sequential(nn.Linear(1, 1)) + [nn.Linear(1, 1)]", "Sequential class"),
        ("self.l = nn.ModuleList([nn.Linear(1, 1)])\nself.l[3]", "out of range"),
    ],
)
def test_what_torch_refuses_is_refused(statement: str, reason: str) -> None:
    try:
        told = "\n".join(gap.reason for gap in built(statement).gaps)
    except RaisedError as error:
        told = str(error)
    assert reason in told
