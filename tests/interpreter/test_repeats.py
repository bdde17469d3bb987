"""A comprehension of one and the same Unknown costs its steps, and what depends on the number is still evaluated for each."""

from __future__ import annotations

from typing import Any

import pytest

from archviz.interpreter import expressions
from archviz.interpreter.build import deep_recursion
from archviz.interpreter.control import BudgetSpentError, RaisedError
from archviz.interpreter.sizes import sized
from archviz.interpreter.values import Unknown
from archviz.settings import Limits
from tests.interpreter.programs import module, value

SETTLED = {
    "a call": "torch.no_such(j)",
    "a keyword": "torch.no_such(2, to=j)",
    "arithmetic over a call": "k / torch.no_such(10000, 2 * (j // 2) / k) + j",
    "a call of a call": "1 - torch.no_such(k) * torch.no_other(j % k)",
}
OPEN = {
    "a number in between": "torch.no_such(j) if j else 7",
    "a call that changes something": "torch.no_such(seen.append(j))",
    "a division that may fail": "torch.no_such(8 % (j - 9))",
    "a name bound on the way": "torch.no_such(last := j)",
    "an attribute": "torch.no_such(j).size",
}


def run(element: str, limits: Limits | None = None) -> tuple[list[Any], int]:
    """The list, and the steps that it took."""
    source = f"import torch\nseen = []\ndef run(k):\n    return [{element} for j in range(9)]\nresult = run(5)\n"
    program = module(source, limits=limits)
    with deep_recursion():
        return program.lookup("result"), program.interpreter.steps


@pytest.mark.parametrize("element", [*SETTLED.values(), *OPEN.values()], ids=[*SETTLED, *OPEN])
def test_elements_and_steps_are_those_of_evaluating_each(element: str, monkeypatch: pytest.MonkeyPatch) -> None:
    short = run(element)
    monkeypatch.setattr(expressions, "repeated", lambda *each: None)
    assert repr(short) == repr(run(element))


@pytest.mark.parametrize(
    ("element", "expected"), [*((each, 1) for each in SETTLED.values()), (OPEN["an attribute"], 9)]
)
def test_what_is_settled_is_evaluated_once(element: str, expected: int) -> None:
    found, _ = run(element)
    assert all(isinstance(each, Unknown) for each in found)
    assert len({id(each) for each in found}) == expected


def test_a_size_of_the_configuration_is_a_number_like_others() -> None:
    program = module(
        "import torch\ndef run(k):\n    return [j / torch.no_such(10000, 2 * (j // 2) / k) for j in range(9)]\n"
    )
    found = program.lookup("run")(sized(5, "hidden_size"))
    assert len(found) == 9
    assert len({id(each) for each in found}) == 1


def test_a_zero_divisor_is_still_met() -> None:
    with pytest.raises(RaisedError, match="ZeroDivisionError"):
        value("import torch\nresult = [torch.no_such(1 // j) for j in range(3, -1, -1)]")


def test_a_long_comprehension_still_spends_the_budget() -> None:
    with pytest.raises(BudgetSpentError, match="steps"):
        value("import torch\nresult = [torch.no_such(j) for j in range(100000)]", limits=Limits(steps=20_000))
