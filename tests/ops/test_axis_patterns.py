"""einops by pattern: shapes as einops gives them, what it refuses, and what a trace shows of it."""

from __future__ import annotations

from typing import Any

import pytest

from archviz.interpreter.control import RaisedError
from archviz.interpreter.modules import SourceModule
from archviz.interpreter.tracing import Recorder
from archviz.interpreter.values import Tensor
from tests.interpreter.programs import interpreter

HEADER = "import torch\nfrom einops import rearrange, repeat, reduce, einsum, pack, unpack, parse_shape\n"
CALLS = {
    "rearrange(x, 'b s (h d) -> b h s d', h=3)": (2, 3, 5, 4),
    "rearrange(x, 'b s c -> (b s) c')": (10, 12),
    "rearrange(x, '... (h d) -> ... h d', d=6)": (2, 5, 2, 6),
    "rearrange(x, 'b ... -> b (...)')": (2, 60),
    "rearrange(x, 'b s c -> b () s 1 c')": (2, 1, 5, 1, 12),
    "rearrange([x, x, x], 'n b s c -> b s (n c)')": (2, 5, 36),
    "rearrange(x, 'b s (two h d) -> two b h s d', two=2, h=3)": (2, 2, 3, 5, 2),
    "repeat(x, 'b s c -> b r s c', r=4)": (2, 4, 5, 12),
    "repeat(x, 'b s c -> b (s 3) c')": (2, 15, 12),
    "reduce(x, 'b s c -> b c', 'mean')": (2, 12),
    "reduce(x, 'b s (g c) -> b s g', 'max', g=4)": (2, 5, 4),
    "reduce(x, 'b s c -> b 1 c', 'sum')": (2, 1, 12),
    "einsum(x, x, 'batch i dim, batch j dim -> batch i j')": (2, 5, 5),
    "pack([x, x[:, 0]], 'b * c')[0]": (2, 6, 12),
    "unpack(*pack([x, x[:, 0]], 'b * c'), 'b * c')[1]": (2, 12),
}
REFUSED = [
    "rearrange(x, 'b s -> s b')",
    "rearrange(x, 'b s (h d) -> b h s d', h=5)",
    "rearrange(x, 'b s (h d) -> b h s d')",
    "rearrange(x, 'b s c -> b s')",
    "rearrange(x, 'b s c b s c')",
    "rearrange(x, 'b (s c -> b s c')",
]


def found(call: str) -> tuple[Any, Recorder]:
    result, recorder, gaps = run(call)
    assert gaps == []
    return result, recorder


def run(call: str) -> tuple[Any, Recorder, list[str]]:
    interp = interpreter(f"{HEADER}def run(x):\n    return {call}\n")
    module = interp.find_module("program")
    assert isinstance(module, SourceModule)
    recorder = interp.recorder = Recorder({})
    try:
        result = interp.call(module.lookup("run"), [Tensor((2, 5, 12), "float32")], {})
    except RaisedError as error:
        return None, recorder, [str(error)]
    return result, recorder, [reason for _, reason, _ in interp.gaps]


@pytest.mark.parametrize("call", CALLS)
def test_a_pattern_gives_the_shape_that_einops_gives(call: str) -> None:
    assert found(call)[0].sizes == CALLS[call]


@pytest.mark.parametrize("call", REFUSED)
def test_a_pattern_that_does_not_fit_is_refused(call: str) -> None:
    result, _, gaps = run(call)
    assert not isinstance(result, Tensor)
    assert len(gaps) == 1


def test_a_trace_shows_the_ops_that_a_pattern_stands_for() -> None:
    _, recorder = found("rearrange(x, 'b s (h d) -> b h s d', h=3)")
    assert [event.name for event in recorder.events if event.kind == "op"] == ["view", "permute"]
