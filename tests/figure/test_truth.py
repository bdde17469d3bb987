"""Faults between the Architecture and the Figure: a part, a joint, a count or a number that the Architecture does not have."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from archviz.architecture.model import Architecture
from archviz.descriptions import describe
from archviz.figure.fitting import fitted_page
from archviz.figure.model import Box, Column, Diagram, Figure, LayerPanel, Repeat, Step
from archviz.figure.theme import LIGHT
from archviz.figure.truth import check_figure
from archviz.records import replace
from archviz.settings import Settings
from tests.figure.zoo import ZOO

MODELS = ("openai/gpt-oss-20b", "openai/whisper-tiny")


@cache
def model(name: str = MODELS[0]) -> Architecture:
    return describe(name, settings=Settings(offline=True))


@cache
def figure(name: str = MODELS[0]) -> Figure:
    return fitted_page(model(name), LIGHT).figure


def in_column(change: Callable[[Column], Column]) -> Callable[[Figure], Figure]:
    return lambda whole: replace(whole, columns=(*whole.columns[:-1], change(whole.columns[-1])))


def in_steps(change: Callable[[tuple[Step, ...]], tuple[Step, ...]]) -> Callable[[Figure], Figure]:
    return in_column(lambda column: replace(column, steps=change(column.steps)))


def in_panels(change: Callable[[LayerPanel], LayerPanel]) -> Callable[[Figure], Figure]:
    """The layers of the last column, changed."""

    def of(step: Step) -> Step:
        if isinstance(step, Repeat):
            return replace(step, items=tuple(of(item) for item in step.items))
        return change(step) if isinstance(step, LayerPanel) else step

    return in_steps(lambda steps: tuple(map(of, steps)))


def in_flow(change: Callable[[Diagram], Diagram]) -> Callable[[Figure], Figure]:
    return in_panels(lambda panel: replace(panel, diagram=change(panel.diagram)) if panel.diagram else panel)


def in_inset(change: Callable[[Diagram], Diagram]) -> Callable[[Figure], Figure]:
    return lambda whole: replace(
        whole, insets=(replace(whole.insets[0], diagram=change(whole.insets[0].diagram)), *whole.insets[1:])
    )


def boxes(change: Callable[[Box], Box]) -> Callable[[Diagram], Diagram]:
    return lambda flow: replace(flow, boxes=tuple(map(change, flow.boxes)))


def swapped(flow: Diagram) -> Diagram:
    """Two boxes in each other's place."""
    one, other = [box for box in flow.boxes if box.shape == "box"][:2]
    places = {one.id: replace(other, id=one.id), other.id: replace(one, id=other.id)}
    return replace(flow, boxes=tuple(places.get(box.id, box) for box in flow.boxes))


def rejoined(flow: Diagram) -> Diagram:
    """The residual led from another box."""
    skip = next(arrow for arrow in flow.arrows if arrow.skip)
    return replace(
        flow, arrows=tuple(replace(each, source=flow.boxes[1].id) if each is skip else each for each in flow.arrows)
    )


def digits(text: str, old: str, new: str) -> str:
    assert old in text, text
    return text.replace(old, new)


def detail(role: str, old: str, new: str) -> Callable[[Box], Box]:
    return lambda box: (
        replace(box, details=tuple(line.replace(old, new) for line in box.details)) if box.role == role else box
    )


FAULTS: dict[str, tuple[Callable[[Figure], Figure], str]] = {
    "a number of a box": (in_flow(boxes(detail("attention", "64", "65"))), "box-untrue"),
    "the name of a box": (in_flow(boxes(lambda box: replace(box, label="Norm") if box.role == "norm" else box)), "box-untrue"),
    "the role of a box": (in_flow(boxes(lambda box: replace(box, role="other") if box.role == "norm" else box)), "box-untrue"),
    "a residual that is none": (in_flow(lambda flow: replace(flow, arrows=tuple(replace(each, skip=False) for each in flow.arrows))), "flow-untrue"),
    "a residual from elsewhere": (in_flow(rejoined), "flow-untrue"),
    "an edge dropped": (in_flow(lambda flow: replace(flow, arrows=flow.arrows[1:])), "flow-untrue"),
    "an edge drawn twice": (in_flow(lambda flow: replace(flow, arrows=(*flow.arrows, flow.arrows[0]))), "flow-untrue"),
    "an edge turned around": (
        in_inset(lambda flow: replace(flow, arrows=(replace(flow.arrows[0], source=flow.arrows[0].target, target=flow.arrows[0].source), *flow.arrows[1:]))),
        "flow-untrue",
    ),
    "a box dropped": (in_inset(lambda flow: replace(flow, boxes=flow.boxes[1:])), "flow-untrue"),
    "a box drawn twice": (in_inset(lambda flow: replace(flow, boxes=(*flow.boxes, flow.boxes[0]))), "flow-untrue"),
    "two boxes in each other's place": (in_inset(swapped), "box-untrue"),
    "a number in an inset": (in_inset(boxes(detail("router", "2880", "2881"))), "box-untrue"),
    "the number of experts": (in_inset(boxes(lambda box: replace(box, label=box.label.replace("32", "33")))), "box-untrue"),
    "the size of an inset": (lambda whole: replace(whole, insets=(replace(whole.insets[0], subtitle="798M parameters"), *whole.insets[1:])), "inset-untrue"),
    "an inset of nothing": (lambda whole: replace(whole, insets=(replace(whole.insets[0], id="inset/none"), *whole.insets[1:])), "inset-untrue"),
    "the repeat": (in_steps(lambda steps: tuple(replace(step, times=11) if isinstance(step, Repeat) else step for step in steps)), "layers-untrue"),
    "the order in the repeat": (
        in_steps(lambda steps: tuple(replace(step, items=step.items[::-1]) if isinstance(step, Repeat) else step for step in steps)),
        "layers-untrue",
    ),
    "layers of another kind": (in_panels(lambda panel: replace(panel, title="Full attention + MoE")), "layers-untrue"),
    "a kind of layers dropped": (
        in_steps(lambda steps: tuple(replace(step, items=step.items[1:]) if isinstance(step, Repeat) else step for step in steps)),
        "layers-untrue",
    ),
    "the final norm dropped": (in_steps(lambda steps: tuple(step for step in steps if not (isinstance(step, Box) and step.role == "norm"))), "column-untrue"),
    "the column upside down": (in_steps(lambda steps: steps[::-1]), "column-untrue"),
    "a column of no tower": (in_column(lambda column: replace(column, id="other")), "column-untrue"),
    "a cell of the pattern": (lambda whole: replace(whole, strips=(replace(whole.strips[0], cells=(*whole.strips[0].cells[1:], 0)),)), "layers-untrue"),
    "a count in the key of the pattern": (
        lambda whole: replace(whole, strips=(replace(whole.strips[0], keys=tuple(replace(key, count=13) for key in whole.strips[0].keys)),)),
        "layers-untrue",
    ),
    "the parameters": (lambda whole: replace(whole, facts=tuple(replace(cell, value="20,914,757,185") if cell.label == "Parameters" else cell for cell in whole.facts)), "fact-untrue"),
    "the context": (lambda whole: replace(whole, facts=tuple(replace(cell, value="131,073") if cell.label == "Context" else cell for cell in whole.facts)), "fact-untrue"),
    "a sentence on a leader": (
        lambda whole: replace(whole, notes=tuple(replace(note, lines=tuple(tuple(words._replace(text=words.text.replace("201", "202")) for words in line) for line in note.lines)) for note in whole.notes)),
        "note-untrue",
    ),
    "the base of RoPE": (lambda whole: replace(whole, sides=tuple(replace(side, box=detail("rope", "150,000", "150,001")(side.box)) for side in whole.sides)), "box-untrue"),
    "the size in the heading": (lambda whole: replace(whole, subtitle=digits(whole.subtitle, "20.9B", "21.9B")), "heading-untrue"),
    "the name in the heading": (lambda whole: replace(whole, title="gpt-oss-120b"), "heading-untrue"),
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_a_figure_says_what_its_architecture_says(name: str) -> None:
    assert check_figure(figure(name), model(name)) == []


def test_the_figures_of_all_samples_do() -> None:
    for name, make in ZOO.items():
        assert check_figure(fitted_page(make(), LIGHT).figure, make()) == [], name


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_between_architecture_and_figure_is_found(fault: str) -> None:
    change, rule = FAULTS[fault]
    spoiled = change(figure())
    assert spoiled != figure()
    assert rule in {finding.rule for finding in check_figure(spoiled, model())}
