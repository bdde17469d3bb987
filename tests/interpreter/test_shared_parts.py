"""Layers that write a cache are run again; their parts that are handed tensors only are run once, unless they see what was changed."""

from __future__ import annotations

import pytest

from archviz.interpreter.build import deep_recursion
from archviz.interpreter.sharing import SharedCalls
from archviz.interpreter.trace import trace_model
from archviz.interpreter.values import ModuleInstance
from tests.interpreter.programs import MODEL_HEADER, interpreter

PROGRAM = """
LOG = [0]
HELD = {{}}


class Cache:
    def __init__(self):
        self.layers = []
        self.n = -1


class Mixer(nn.Module):
    seen = 0

    def __init__(self, index):
        super().__init__()
        self.index = index
        self.cache = None
        self.up = nn.Linear(8, 8)

    def forward(self, x, given=None):
        n = {read}
        return torch.relu(self.up(x)) if n % 2 == 0 else torch.tanh(self.up(x))


class Layer(nn.Module):
    def __init__(self, index):
        super().__init__()
        self.lin = nn.Linear(8, 8)
        self.mixer = Mixer(index)

    def forward(self, x, cache):
        cache.layers.append(self.lin(x))
        cache.n += 1
        {change}
        return self.mixer(x{given})


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(100, 8)
        self.layers = nn.ModuleList([Layer(index) for index in range(4)])

    def forward(self, input_ids):
        x, cache = self.embed(input_ids), Cache()
        {before}
        for layer in self.layers:
            x = layer(x, cache)
        return x
"""
ALTERNATING = ["relu", "tanh", "relu", "tanh"]


def traced(
    read: str, *, change: str = "pass", given: str = "", before: str = "pass", monkeypatch: pytest.MonkeyPatch
) -> tuple[list[str], int]:
    """The activations of a pass with the modules that ran them, and how many calls were repeated."""
    repeated: list[str] = []
    repeat = SharedCalls.repeat
    monkeypatch.setattr(SharedCalls, "repeat", lambda self, *args: (repeated.append("again"), repeat(self, *args))[1])
    interp = interpreter(MODEL_HEADER + PROGRAM.format(read=read, change=change, given=given, before=before))
    with deep_recursion():
        built = interp.call(interp.import_name("program", "Model", None), [], {})
        assert isinstance(built, ModuleInstance)
        recorder, gaps = trace_model(interp, built, batch=1, seq=3)
    assert gaps == []
    ran = [event for event in recorder.events if event.name in ("relu", "tanh")]
    assert [event.module for event in ran] == [f"layers.{index}.mixer" for index in range(4)]
    return [event.name for event in ran], len(repeated)


@pytest.mark.parametrize(
    ("read", "given"), [("0", ""), ("2", ", [x, {'a': x}]"), ("given is None", ", None"), ("len(given)", ", (x, x)")]
)
def test_a_part_that_is_handed_tensors_is_run_once_though_the_layer_writes_a_cache(
    read: str, given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran, repeated = traced(read, given=given, monkeypatch=monkeypatch)
    assert len(set(ran)) == 1
    assert repeated == 2  # the second layer shows that the first was no exception


@pytest.mark.parametrize(
    ("read", "change", "given", "before"),
    [
        ("given.n", "pass", ", cache", "pass"),
        ("given[0].n", "pass", ", [cache]", "pass"),
        ("given()", "pass", ", lambda: cache.n", "pass"),
        ("LOG[-1]", "LOG.append(cache.n)", "", "pass"),
        ("HELD['cache'].n", "pass", "", "HELD['cache'] = cache"),
        ("HELD['cache'].n", "HELD['cache'] = cache", "", "pass"),
        ("len(HELD['list']) - 1", "pass", "", "HELD['list'] = cache.layers"),
        ("self.cache.n", "self.mixer.cache = cache", "", "pass"),
        ("self.cache.n", "pass", "", "[setattr(layer.mixer, 'cache', cache) for layer in self.layers]"),
        ("Mixer.seen", "Mixer.seen = cache.n", "", "pass"),
        ("Mixer.seen.n", "pass", "", "Mixer.seen = cache"),
        ("self.index", "pass", "", "pass"),
    ],
)
def test_a_part_that_sees_what_was_changed_is_run_again(
    read: str, change: str, given: str, before: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran, _ = traced(read, change=change, given=given, before=before, monkeypatch=monkeypatch)
    assert ran == ALTERNATING


def test_a_layer_depends_on_the_numbers_that_its_repeated_parts_read() -> None:
    """A part that stands for another's call reads what that read, also for the list around both."""
    text = """
class Part(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.kind = kind

    def forward(self, x):
        return torch.relu(x) if self.kind == 0 else torch.tanh(x)


class Group(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.parts = nn.ModuleList([Part(kind), Part(kind)])

    def forward(self, x):
        return self.parts[1](x)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(100, 8)
        self.first = nn.ModuleList([Part(0)])
        self.groups = nn.ModuleList([Group(0), Group(1)])

    def forward(self, input_ids):
        x = self.first[0](self.embed(input_ids))
        for group in self.groups:
            x = group(x)
        return x
"""
    interp = interpreter(MODEL_HEADER + text)
    with deep_recursion():
        built = interp.call(interp.import_name("program", "Model", None), [], {})
        recorder, gaps = trace_model(interp, built, batch=1, seq=3)
    assert gaps == []
    assert [event.name for event in recorder.events if event.name in ("relu", "tanh")] == ["relu", "relu", "tanh"]
