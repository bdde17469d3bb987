"""Faults in ledgers and bars: what a detailed view would say otherwise than the Architecture."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from archviz.architecture.model import Architecture
from archviz.descriptions import describe
from archviz.figure.detailed import build_detailed
from archviz.figure.ledger import Ledger
from archviz.figure.ledger_truth import check_ledgers, check_sizes
from archviz.figure.model import Arrow, Box
from archviz.figure.params import build_sizes
from archviz.records import replace
from archviz.settings import Settings
from tests.figure.zoo import ZOO


@cache
def model() -> Architecture:
    return describe("openai/gpt-oss-20b", settings=Settings(offline=True))


@cache
def ledgers() -> tuple[Ledger, ...]:
    return tuple(build_detailed(model()))


def layer(change: Callable[[Ledger], Ledger]) -> list[Ledger]:
    """The ledgers with that of the first kind of layer changed."""
    first = next(place for place, each in enumerate(ledgers()) if each.letter)
    return [change(each) if place == first else each for place, each in enumerate(ledgers())]


def column(change: Callable[[Ledger], Ledger]) -> list[Ledger]:
    return [change(ledgers()[0]), *ledgers()[1:]]


def boxed(change: Callable[[Box], Box]) -> Callable[[Ledger], Ledger]:
    return lambda each: replace(each, diagram=replace(each.diagram, boxes=tuple(map(change, each.diagram.boxes))))


def joined(change: Callable[[tuple[Arrow, ...]], tuple[Arrow, ...]]) -> Callable[[Ledger], Ledger]:
    return lambda each: replace(each, diagram=replace(each.diagram, arrows=change(each.diagram.arrows)))


def counted(each: Ledger) -> Ledger:
    return replace(each, formulas={name: replace(told, count=told.count + 1) for name, told in each.formulas.items()})


FAULTS: dict[str, tuple[list[Ledger], str]] = {
    "a number of a box": (layer(boxed(lambda box: replace(box, details=tuple(line.replace("2880", "2881") for line in box.details)))), "box-untrue"),
    "the name of a box": (layer(boxed(lambda box: replace(box, label=f"{box.label}?"))), "box-untrue"),
    "a box of nothing": (layer(boxed(lambda box: replace(box, id=f"{box.id}?"))), "box-untrue"),
    "a shape": (layer(lambda each: replace(each, shapes={name: shape.replace("S", "7") for name, shape in each.shapes.items()})), "number-untrue"),
    "a number of parameters": (layer(counted), "number-untrue"),
    "a number of parameters left out": (layer(lambda each: replace(each, formulas={})), "number-untrue"),
    "an edge within a part dropped": (layer(joined(lambda arrows: tuple(a for a in arrows if not (a.source.endswith("q_proj"))))), "flow-untrue"),
    "an edge into a part dropped": (layer(joined(lambda arrows: tuple(a for a in arrows if not a.target.endswith("q_proj")))), "flow-untrue"),
    "an edge drawn twice": (layer(joined(lambda arrows: (*arrows, arrows[0]))), "flow-untrue"),
    "the layers of a repeat": (column(lambda each: replace(each, frames=(("11 ×", each.frames[0][1]),))), "layers-untrue"),
    "the parameters of layers": (column(counted), "number-untrue"),
    "a ledger of no module": (layer(lambda each: replace(each, id="ledger/none")), "flow-untrue"),
}  # fmt: skip


def test_ledgers_say_what_their_architecture_says() -> None:
    assert check_ledgers(ledgers(), model()) == []
    for name, make in ZOO.items():
        assert check_ledgers(build_detailed(make()), make()) == [], name


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_a_ledger_is_found(fault: str) -> None:
    spoiled, rule = FAULTS[fault]
    assert rule in {finding.rule for finding in check_ledgers(spoiled, model())}


def test_bars_add_up_to_the_parameters_of_their_layers() -> None:
    sizes = build_sizes(model())
    assert check_sizes(sizes, model()) == []
    for change in (
        lambda group: replace(group, bars=group.bars[1:]),
        lambda group: replace(group, times=group.times + 1),
    ):
        spoiled = replace(sizes, groups=tuple(map(change, sizes.groups)))
        assert {finding.rule for finding in check_sizes(spoiled, model())} == {"number-untrue"}
