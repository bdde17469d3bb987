from __future__ import annotations

import pytest

from archviz.architecture.context import ConfigPart, Context
from archviz.architecture.feeding import reaches
from archviz.architecture.kinds import Stack
from archviz.interpreter.reading import ModelReading
from tests.patterns.tape import LENGTH, Tape, linear, module

EYE, TEXT = linear("vision.0", 8, 8), linear("text.0", 8, 8)


def stack(path: str, layer: object) -> Stack:
    return Stack(path, [layer], [], [], ConfigPart("", {}))  # type: ignore[list-item]


def pass_of(joined: str) -> bool | None:
    """An image and a text through a layer each; the image's result is added to the text, multiplied after it, or in a pass of its own."""
    tape = Tape()
    image, words = tape.value(1, LENGTH, 8), tape.value(1, LENGTH, 8)
    with tape.inside("call", "", "Toy", words, image) as results:
        seen = tape.linear(EYE, image) if joined != "alone" else image
        read = tape.linear(TEXT, tape.same("add", words, seen) if joined == "before" else words)
        results.append(tape.same("mul", read, seen) if joined == "after" else read)
    if joined == "alone":
        tape.linear(EYE, image)
    context = Context(ModelReading("Toy", {}, module("", "Toy", EYE, TEXT), events=tape.events))
    return reaches(context, [stack("vision", EYE)], [stack("text", TEXT)])


@pytest.mark.parametrize(("joined", "expected"), [("before", True), ("after", False), ("alone", None)])
def test_a_tower_feeds_another_where_its_output_enters_the_layers(joined: str, expected: bool | None) -> None:
    assert pass_of(joined) is expected
