"""Events of repeated calls, written out late: the same in whatever order they are asked for."""

from __future__ import annotations

import pytest

from archviz.interpreter.build import deep_recursion
from archviz.interpreter.events import Events
from archviz.interpreter.reading import Event
from archviz.interpreter.sharing import SharedCalls
from archviz.interpreter.towers import append
from archviz.interpreter.trace import trace_model
from archviz.interpreter.tracing import Recorder
from archviz.interpreter.values import ModuleInstance
from tests.interpreter.programs import MODEL_HEADER, interpreter

PROGRAM = """
class Expert(nn.Module):
    def __init__(self):
        super().__init__()
        self.up = nn.Linear(8, 16)

    def forward(self, x):
        return torch.relu(self.up(x)).sum(-1, keepdim=True) * x


class Layer(nn.Module):
    def __init__(self, index, norm):
        super().__init__()
        self.layer_idx = index
        self.norm = norm
        self.experts = nn.ModuleList([Expert() for _ in range(3)])
        self.kind = "even" if index % 3 == 0 else "odd"

    def forward(self, x, mask):
        y = self.norm(x)
        for expert in self.experts:
            y = y + expert(y)
        x.add_(y)
        return (x + mask if self.kind == "even" else torch.tanh(x)), y


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(100, 8)
        norm = nn.LayerNorm(8)
        self.layers = nn.ModuleList([Layer(index, norm) for index in range(7)])

    def forward(self, input_ids):
        x = self.embed(input_ids)
        mask = torch.ones(8)
        for layer in self.layers:
            x, y = layer(x, mask)
        return x + y
"""


def passed(monkeypatch: pytest.MonkeyPatch | None = None) -> Recorder:
    """A pass over layers of two kinds; every call run where a patch is given."""
    if monkeypatch is not None:
        monkeypatch.setattr(SharedCalls, "find", lambda self, key, module: None)
    interp = interpreter(MODEL_HEADER + PROGRAM)
    with deep_recursion():
        built = interp.call(interp.import_name("program", "Model", None), [], {})
        assert isinstance(built, ModuleInstance)
        recorder, gaps = trace_model(interp, built, batch=1, seq=3)
    assert gaps == []
    return recorder


def renumbered(events: list[Event]) -> list[Event]:
    """Events whose tensors are numbered in order of appearance."""
    numbers: dict[int, int] = {}
    return [
        event._replace(
            inputs=tuple(v._replace(id=numbers.setdefault(v.id, len(numbers))) for v in event.inputs),
            outputs=tuple(v._replace(id=numbers.setdefault(v.id, len(numbers))) for v in event.outputs),
        )
        for event in events
    ]


def test_repeated_calls_are_what_running_each_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    repeated = passed()
    assert len(repeated.events.outline()) < len(repeated.events) // 2
    run = passed(monkeypatch)
    assert run.events.outline() == list(run.events)
    assert renumbered(list(repeated.events)) == renumbered(list(run.events))
    assert repeated.passed.keys() == run.passed.keys()
    assert repeated.events.called() == run.events.called()


def test_the_order_of_asking_changes_nothing() -> None:
    whole = list(passed().events)
    one_by_one = passed().events
    places = [(7 * place) % len(whole) for place in range(len(whole))]
    assert len(set(places)) == len(whole)
    assert {place: one_by_one[place] for place in places} == dict(enumerate(whole))
    assert one_by_one[-1] == whole[-1]
    parts = passed().events
    middle = len(whole) // 2
    assert parts[middle:] == whole[middle:]
    assert parts[:middle] == whole[:middle]
    assert parts[::-1] == whole[::-1]


def test_asking_for_a_call_does_not_write_out_its_inside() -> None:
    events = passed().events
    outline = events.outline()
    assert [events[event.index] for event in outline] == outline
    assert len(events._waiting) == len(events.repeats)
    inside = next(iter(events.repeats)) + 1
    assert events[inside].index == inside
    assert len(events._waiting) == len(events.repeats) - 1
    assert events.outline() == outline


def test_the_events_of_another_pass_follow_under_their_own_numbers() -> None:
    first, second, both = passed(), passed(), passed()
    list(second.events)
    append(both, passed())
    append(first, second)
    assert list(both.events) == list(first.events)
    assert both.next_number == first.next_number
    assert both.passed.keys() == first.passed.keys()
    half = len(both.events) // 2
    ids = [{v.id for e in part for v in (*e.inputs, *e.outputs)} for part in (both.events[:half], both.events[half:])]
    assert ids[0].isdisjoint(ids[1])
    assert both.events[half].parent == -1


def test_no_events_are_none() -> None:
    assert list(Events()) == []
    assert not Events()
