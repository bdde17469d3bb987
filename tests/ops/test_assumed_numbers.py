"""Numbers in tensors that nobody knows while a trace runs: one stands for all, and sizes sum to what there is."""

from __future__ import annotations

from typing import Any

import pytest

from archviz.interpreter.control import UnsupportedError
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
def sized(x):
    count = (x > 0).long().sum(dim=1).max()
    some = x.new_zeros(x.shape[0], count, 8)
    assert list(some.size()) == [x.shape[0], count, 8]
    left, rest = torch.cat((some, some), dim=1).narrow(1, 0, count), x.size(-1) - count
    return some, torch.arange(count), left, x.narrow(-1, count, rest), x.as_strided(size=(x.shape[0], count), stride=(1, 1))
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


def test_a_size_that_is_a_number_in_a_tensor_stays_what_it_was_taken_for() -> None:
    found, recorder = _traced("sized", (2, 5))
    assert [each.sizes for each in found] == [(2, 1, 8), (1,), (2, 1, 8), (2, 4), (2, 1)]
    assert recorder.assumed


def test_nothing_is_assumed_where_no_trace_runs() -> None:
    interp = interpreter(PROGRAM)
    interp.recorder = None
    module = interp.find_module("program")
    assert isinstance(module, SourceModule)
    with pytest.raises(UnsupportedError, match="a size that is a number in a tensor"):
        interp.call(module.lookup("sized"), [Tensor((2, 5), "float32")], {})
