"""The index over a trace: with repeated calls closed it answers as it does with every event written out."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from archviz.interpreter.reading import Event
from archviz.patterns.trace import Trace
from tests.interpreter.test_events import passed
from tests.patterns.tape import LENGTH, Tape

QUESTIONS: dict[str, Callable[[Trace, Event], object]] = {
    "parent": lambda trace, event: trace.parent(event),
    "children": lambda trace, event: trace.children(event),
    "inside": lambda trace, event: list(trace.inside(event)),
    "before": lambda trace, event: list(trace.before(event)),
    "own": lambda trace, event: list(trace.own(event)),
    "is a leaf": lambda trace, event: trace.is_leaf(event),
    "carries": lambda trace, event: [trace.carries(value) for value in (*event.inputs, *event.outputs)],
    "call": lambda trace, event: trace.call(event.module),
    "calls": lambda trace, event: trace.calls(event.module),
    "ops": lambda trace, event: (trace.ops_of(event.module), trace.own_ops(event.module)),
}


def both() -> tuple[Trace, Trace, list[Event]]:
    """A trace with closed calls, the same with every event, and the events."""
    events = list(passed().events)
    return Trace(passed().events), Trace(events), events


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS.keys())
def test_closed_calls_answer_as_open_ones(question: Callable[[Trace, Event], object], backwards: bool) -> None:
    closed, whole, events = both()
    for event in reversed(events) if backwards else events:
        assert question(closed, event) == question(whole, event)


def test_what_carries_the_data_is_the_same_without_looking_into_repeated_calls() -> None:
    closed, whole, _ = both()
    assert closed.carriers == whole.carriers
    assert len(closed._closed) > 2


def test_a_call_says_which_one_it_repeats() -> None:
    closed, whole, events = both()
    layers = [closed.call(f"layers.{index}") for index in range(7)]
    repeated = [closed.repeated(layer) for layer in layers if layer is not None]
    assert [each and each.module for each in repeated] == [
        None,
        None,
        "layers.1",
        "layers.0",
        "layers.1",
        "layers.1",
        "layers.0",
    ]
    assert all(whole.repeated(event) is None for event in events)


def test_all_events_are_there_when_they_are_asked_for() -> None:
    closed, _, events = both()
    assert list(closed.events) == events
    assert closed._closed == []


def test_a_call_without_a_pass_around_it_has_nothing_before() -> None:
    events = [event._replace(parent=-1) for event in both()[2][:3]]
    assert list(Trace(events).before(events[2])) == []
    assert not Trace(())


@pytest.mark.parametrize("name", ["type_as", "expand_as", "to"])
def test_a_tensor_that_takes_its_type_or_shape_from_the_data_carries_none(name: str) -> None:
    tape = Tape()
    x = tape.value(1, LENGTH, 8)
    with tape.inside("call", "", "Model", x) as out:
        table = tape.op("arange", out=(LENGTH, 8))
        made = tape.op(name, table, x, out=(LENGTH, 8))
        moved = tape.op(name, x, table, out=(1, LENGTH, 8))
        out.append(tape.op("add", x, made, out=(1, LENGTH, 8)))
    trace = Trace(tape.events)
    assert not trace.carries(made)
    assert trace.carries(moved)
