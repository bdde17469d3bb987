"""Numbers in tensors that nobody knows while a trace runs: one stands for all, and sizes sum to what there is."""

from __future__ import annotations

from typing import Any

from archviz.interpreter.modules import SourceModule
from archviz.interpreter.tracing import Recorder
from archviz.interpreter.values import Tensor
from tests.interpreter.programs import interpreter

PROGRAM = """
import torch
from torch import nn
experts = nn.ModuleDict({f"expert_{idx}": nn.Linear(4, 4) for idx in range(3)})
def chosen(x):
    for hit in (x > 0).nonzero():
        x = experts[f"expert_{hit[0]}"](x)
    return x
def named(x):
    return f"expert_{torch.tensor(2)}"
def parted(x):
    counts = (x > 0).long().sum(1).tolist()
    return torch.cat([part * 2 for part in x.split(counts, dim=0)])
def overlapping(x):
    sizes, strides = list(x.size()), list(x.stride())
    return [*strides, x.stride(0), x.stride(-1)]
"""


def _traced(name: str, sizes: tuple[int, ...]) -> tuple[Any, Recorder]:
    interp = interpreter(PROGRAM)
    module = interp.find_module("program")
    assert isinstance(module, SourceModule)
    run = module.lookup(name)
    recorder = interp.recorder = Recorder({})
    return interp.call(run, [Tensor(sizes, "float32")], {}), recorder


def test_one_expert_stands_for_those_that_a_routed_loop_names_by_text() -> None:
    result, recorder = _traced("chosen", (5, 4))
    assert result.sizes == (5, 4)
    assert recorder.assumed


def test_a_number_that_is_known_is_the_text() -> None:
    assert _traced("named", (1,))[0] == "expert_2"


def test_counts_of_tokens_part_all_tokens() -> None:
    result, _ = _traced("parted", (7, 3))
    assert result.sizes == (7, 3)


def test_strides_are_those_of_a_tensor_in_one_piece() -> None:
    assert _traced("overlapping", (2, 3, 4))[0] == [12, 4, 1, 12, 1]
