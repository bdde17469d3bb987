"""Building: what is not understood leaves a gap under its module's path, and the rest stays exact."""

from __future__ import annotations

import gc
import weakref

import pytest

from archviz.interpreter import build
from archviz.interpreter.class_defaults import class_defaults
from archviz.interpreter.control import BudgetSpentError, RaisedError
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import ModuleInstance
from archviz.settings import Limits
from tests.interpreter.programs import MODEL_HEADER, model, module, shapes

TWO_PARTS = """
class Good(nn.Module):
    def __init__(self):
        super().__init__()
        self.proj = nn.Linear(2, 3)
class Odd(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 5)
        {statement}
        self.last = nn.Linear(6, 7)
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.good = Good()
        self.odd = Odd()
        self.after = nn.LayerNorm(8)
"""
ODD = {
    "a layer without a stub": "self.x = nn.NoSuchLayer(3)",
    "a branch on something unknown": "if torch.no_such_function(): self.x = nn.Linear(1, 1)",
    "a loop over something unknown": "for i in torch.no_such_function(): self.x = nn.Linear(i, 1)",
    "a size that is unknown": "self.x = nn.Linear(torch.no_such_function(), 3)",
    "an error in the code": "self.x = nn.Linear(undefined_name, 3)",
    "an await": "self.x = nn.Linear(await_me(), 1)",
    "an unknown parameter": "self.x = nn.Parameter(torch.no_such_function(3))",
    "an unknown layer in a list": "self.x = nn.ModuleList([nn.NoSuchLayer(3)])",
}


@pytest.mark.parametrize("statement", ODD.values(), ids=ODD.keys())
def test_what_is_not_understood_is_a_gap_and_the_rest_stays_exact(statement: str) -> None:
    reading = model(TWO_PARTS.format(statement=statement))
    found = shapes(reading)
    for name, sizes in {
        "good.proj.weight": [3, 2],
        "odd.first.weight": [5, 4],
        "odd.last.bias": [7],
        "after.weight": [8],
    }.items():
        assert found[name] == sizes
    assert reading.gaps
    assert all(gap.module == "odd" or gap.module.startswith("odd.") for gap in reading.gaps)
    assert all(gap.reason and gap.at is not None and gap.at.file == "program.py" for gap in reading.gaps)


def test_a_gap_names_the_line_that_is_not_understood() -> None:
    reading = model(TWO_PARTS.format(statement=ODD["an error in the code"]))
    (gap,) = reading.gaps
    assert gap.at is not None
    assert gap.at.line == 13  # three lines of imports stand before the program
    assert "undefined_name" in gap.reason


def test_understood_code_has_no_gaps() -> None:
    assert model(TWO_PARTS.format(statement="self.x = nn.Linear(1, 1)")).gaps == []


def test_the_codes_own_refusal_is_raised_and_not_a_gap() -> None:
    source = "class Model(nn.Module):\n    def __init__(self):\n        super().__init__()\n        raise ValueError('head size must divide')"
    with pytest.raises(RaisedError, match="head size must divide") as caught:
        model(source)
    assert caught.value.explicit


def test_a_spent_budget_is_an_error_and_not_a_gap() -> None:
    source = (
        "class Model(nn.Module):\n    def __init__(self):\n        super().__init__()\n        while True: self.x = 1"
    )
    with pytest.raises(BudgetSpentError, match="steps"):
        model(source, limits=Limits(steps=20_000))


def test_ties_are_told_under_the_name_that_counts() -> None:
    source = """
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(10, 4)
        self.head = nn.Linear(4, 10, bias=False)
        self.head.weight = self.embed.weight
"""
    reading = model(source)
    assert shapes(reading) == {"embed.weight": [10, 4]}
    assert reading.tied == {"head.weight": "embed.weight"}


def test_records_say_where_a_module_was_made_and_where_its_class_stands() -> None:
    reading = model(TWO_PARTS.format(statement="pass"))
    odd = reading.root.find("odd.first")
    assert odd is not None
    assert (odd.library, odd.class_name, odd.attributes) == (
        "torch.nn.Linear",
        "Linear",
        {"in_features": 4, "out_features": 5},
    )
    assert str(odd.created_at) == "program.py:12"
    good = reading.root.find("good")
    assert good is not None
    assert (str(good.defined_at), good.bases, good.library) == ("program.py:5", ("Module",), None)


def test_a_reading_is_set_aside_from_the_collector_until_enough_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    collected: list[int] = []
    monkeypatch.setattr(build, "_set_aside", build._SetAside())
    monkeypatch.setattr(build, "MOST_UNSEEN", 50_000)
    monkeypatch.setattr(gc, "collect", lambda: collected.append(1) or 0)
    blocks = iter([100_000, 140_000, 180_000, 180_000, 220_000])  # in use after each reading, and after the collection
    monkeypatch.setattr(build.sys, "getallocatedblocks", lambda: next(blocks))
    kept = []
    try:
        for _ in range(4):
            with build.deep_recursion():
                assert not gc.isenabled()
                kept.append([[] for _ in range(30_000)])
            assert gc.isenabled()
            assert gc.get_freeze_count() > 30_000
    finally:
        gc.unfreeze()
    assert len(collected) == 1  # not again before half as much as there was has come


def test_a_caller_that_does_without_the_collector_keeps_it_off() -> None:
    gc.disable()
    before = gc.get_freeze_count()
    try:
        with build.deep_recursion():
            kept = [[] for _ in range(30_000)]
        assert not gc.isenabled()
        assert gc.get_freeze_count() - before < len(kept)
    finally:
        gc.enable()


HANDLED = """
class Part(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Linear(1, 1)
        {statement}

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        try:
            self.part = Part()
        except (ValueError, KeyError, AttributeError) as error:
            self.other = nn.Linear(2, 2)
"""


@pytest.mark.parametrize("statement", ["raise ValueError('no')", "{}['absent']", "self.absent", "pass"])
def test_an_error_that_is_handled_keeps_no_part_of_the_model_alive(statement: str) -> None:
    def modules() -> int:
        return sum(isinstance(each, ModuleInstance) for each in gc.get_objects())

    gc.collect()
    before = modules()
    gc.disable()
    try:
        names = list(model(HANDLED.format(statement=statement)).root.children)
        assert names == (["part"] if statement == "pass" else ["other"])
        assert modules() == before
    finally:
        gc.enable()


def test_nothing_keeps_an_interpreter_whose_models_are_read() -> None:
    program = MODEL_HEADER + TWO_PARTS.format(statement="self.middle = nn.Linear(1, 1)")

    def read() -> weakref.ref[Interpreter]:
        cls = module(program).lookup("Model")
        with build.deep_recursion():
            built = cls.interpreter.call(cls, [], {})
            build.read_model(cls.interpreter, built, None)
        return weakref.ref(cls.interpreter)

    left = read()
    gc.unfreeze()
    gc.collect()
    assert left() is None


def test_the_line_of_a_default_is_kept_with_its_file() -> None:
    source = "class Config:\n    width: int = 3\n    depth: int = 2\ndef make():\n    return Config()\nresult = make()"
    program = module(source)
    config = program.lookup("result")
    config.attrs["depth"] = 2
    assert [(key, each.at.line) for key, each in class_defaults(config).items() if each.at] == [("depth", 3)]
    assert program.field_lines == {1: {"width": 2, "depth": 3}}
