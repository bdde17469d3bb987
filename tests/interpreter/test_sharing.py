"""Layers that do the same are run once; whatever may make a later one do something else keeps it from being repeated."""

from __future__ import annotations

import pytest

from archviz.interpreter.build import deep_recursion
from archviz.interpreter.sharing import SharedCalls
from archviz.interpreter.trace import trace_model
from archviz.interpreter.values import ModuleInstance
from tests.interpreter.programs import MODEL_HEADER, interpreter

PROGRAM = """
STATE = {{"n": 0}}
COUNT = 0


class Box:
    n = 0
    log = []


class Layer(nn.Module):
    shared = 0

    def __init__(self, index):
        super().__init__()
        self.layer_idx = index
        self.lin = nn.Linear(8, 8)
        self.box = None
        {init}

    def forward(self, x, given):
{layer}


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(100, 8)
        self.layers = nn.ModuleList([Layer(index) for index in range(4)])

    def forward(self, input_ids):
        x = self.embed(input_ids)
        box, given, numbers = Box(), [], iter(range(10))
        for index, layer in enumerate(self.layers):
{model}
        return x
"""
ALTERNATING = ["relu", "tanh", "relu", "tanh"]
READ_AND_CHANGE = {
    "an object's attribute, changed around the call": ("given.n", "box.n = index; x = layer(x, box)"),
    "a global dict, changed around the call": ("STATE['n']", "STATE['n'] = index; x = layer(x, None)"),
    "a list that is passed in": ("given[-1]", "given.append(index); x = layer(x, given)"),
    "a list held by an object": (
        "given.held[-1]",
        "box.held = getattr(box, 'held', []); box.held.append(index); x = layer(x, box)",
    ),
    "a set held by an object": (
        "len(given.held) - 1",
        "box.held = getattr(box, 'held', set()); box.held.add(index); x = layer(x, box)",
    ),
    "a list held by an object, lengthened in place": (
        "given.log[-1]",
        "log = box.log; log += [index]; x = layer(x, box)",
    ),
    "an attribute that is deleted": (
        "3 - sum(hasattr(given, name) for name in 'pqr')",
        "index or [setattr(box, name, 1) for name in 'pqr']; index and delattr(box, 'pqr'[index - 1]); x = layer(x, box)",
    ),
    "a class attribute": ("Layer.shared", "Layer.shared = index; x = layer(x, None)"),
    "a module's own attribute": ("self.box", "layer.box = index; x = layer(x, None)"),
    "an iterator that the call advances": ("next(given)", "x = layer(x, numbers)"),
    "a closure": ("given()", "x = layer(x, (lambda n: lambda: n)(index))"),
    "a nonlocal name": ("given()", "x = layer(x, count)"),
    "a global name, changed in the call": ("advance()", "x = layer(x, None)"),
    "the layer's number": ("self.layer_idx", "x = layer(x, None)"),
}
HELPERS = """
def counter():
    n = -1

    def count():
        nonlocal n
        n += 1
        return n

    return count


count = counter()


def advance():
    global COUNT
    COUNT += 1
    return COUNT - 1
"""


def traced(layer: list[str], model: list[str], helpers: str = "", init: str = "pass") -> tuple[list[str], SharedCalls]:
    """The activations of a pass, in order, and what was kept of its calls."""
    text = PROGRAM.format(
        init=init,
        layer="".join(f"        {line}\n" for line in layer),
        model="".join(f"            {line}\n" for line in model),
    )
    interp = interpreter(MODEL_HEADER + text + helpers)
    with deep_recursion():
        built = interp.call(interp.import_name("program", "Model", None), [], {})
        assert isinstance(built, ModuleInstance)
        recorder, gaps = trace_model(interp, built, batch=1, seq=3)
        assert gaps == []
        ran = [event.name for event in recorder.events if event.name in ("relu", "tanh")]
        return ran, interp.shared_calls(recorder)


@pytest.mark.parametrize("what", READ_AND_CHANGE)
def test_a_layer_that_reads_something_changed_is_run_again(what: str) -> None:
    read, change = READ_AND_CHANGE[what]
    layer = [f"n = {read}", "return torch.relu(self.lin(x)) if n % 2 == 0 else torch.tanh(self.lin(x))"]
    assert traced(layer, change.split("; "), HELPERS)[0] == ALTERNATING


@pytest.mark.parametrize(
    ("buffer", "expected", "kept"),
    [
        ("[index]", ALTERNATING, 4),
        ("[index % 2]", ALTERNATING, 2),
        ("[2]", ["relu"] * 4, 1),
    ],
)
def test_layers_whose_buffers_hold_other_numbers_are_not_the_same(buffer: str, expected: list[str], kept: int) -> None:
    layer = ["n = int(self.kind[0])", "return torch.relu(self.lin(x)) if n % 2 == 0 else torch.tanh(self.lin(x))"]
    ran, shared = traced(layer, ["x = layer(x, None)"], init=f"self.register_buffer('kind', torch.tensor({buffer}))")
    assert ran == expected
    assert sum(map(len, shared._known.values())) == kept


@pytest.mark.parametrize(
    "layer",
    [
        ["return torch.relu(self.lin(x))"],
        ["parts = []", "parts.append(self.lin(x))", "return torch.relu(parts.pop())"],
        ["found = {}", "for i, part in enumerate(x.unbind(-1)): found[i] = part", "return torch.relu(self.lin(x))"],
        ["return torch.relu(sum(part for part in [self.lin(x), x]))"],
        ["box = Box()", "box.held = self.lin(x)", "box.n += 1", "return torch.relu(box.held)"],
    ],
)
def test_a_layer_that_changes_only_what_it_made_is_run_once(layer: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    repeated: list[str] = []
    repeat = SharedCalls.repeat
    monkeypatch.setattr(SharedCalls, "repeat", lambda self, *args: (repeated.append("again"), repeat(self, *args))[1])
    ran, _ = traced(layer, ["x = layer(x, None)"])
    assert ran == ["relu"] * 4
    assert len(repeated) == 3


INNER = """
class Inner(nn.Module):
    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(8, 8)

    def forward(self, x):
        {result}
        return out
"""


@pytest.mark.parametrize("result", ["out = [self.lin(x)]", "out = Box(); out.held = [self.lin(x)]"])
def test_a_result_that_its_taker_changes_is_as_it_was_for_the_next(result: str) -> None:
    held = "out.held" if "Box" in result else "out"
    layer = [
        "for block in self.blocks:",
        "    out = block(x)",
        f"    x = torch.relu({held}[0]) if len({held}) == 1 else torch.tanh({held}[0])",
        f"    {held}.append(x)",
        "return x",
    ]
    init = "self.blocks = nn.ModuleList([Inner(), Inner()])"
    assert traced(layer, ["x = layer(x, None)"], INNER.format(result=result), init=init)[0] == ["relu"] * 8


def test_what_a_file_makes_on_first_use_is_no_change() -> None:
    """A global that the first layer needs is made then, and was there before for all that one can tell."""
    layer = ["return torch.relu(self.lin(x)) if TABLE.n == 1 else torch.tanh(self.lin(x))"]
    made = "class Table:\n    def __init__(self):\n        self.n = 0\n        self.n += 1\n\n\nTABLE = Table()\n"
    ran, shared = traced(layer, ["x = layer(x, None)"], made)
    assert ran == ["relu"] * 4
    assert sum(map(len, shared._known.values())) == 1
