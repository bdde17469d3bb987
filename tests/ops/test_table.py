"""Every op gives the shapes and dtypes that PyTorch gives: against the answers that scripts/dev/make_op_table.py wrote."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from archviz.interpreter.machine import Interpreter
from archviz.interpreter.modules import SourceModule
from archviz.interpreter.tracing import Recorder
from archviz.interpreter.values import Tensor, Unknown
from tests.interpreter.programs import interpreter

ROWS: list[dict[str, Any]] = json.loads(Path(__file__).with_name("table.json").read_text(encoding="utf-8"))
LONG = {"f": "float", "bf": "bfloat", "i": "int", "c": "complex", "bool": "bool"}


def form_of(value: Any) -> Any:
    """A result in the words of the table."""
    if isinstance(value, Tensor):
        sizes = "?" if value.shape is None else ",".join(map(str, value.shape))
        return f"{value.dtype.replace('bfloat', 'bf').replace('float', 'f').replace('uint', 'u').replace('int', 'i').replace('complex', 'c')}[{sizes}]"
    if isinstance(value, (tuple, list)):
        return [form_of(each) for each in value]
    return value


def tensor_of(form: str) -> Tensor:
    kind, digits, sizes = re.fullmatch(r"([a-z]+?)(\d*)\[([\d,]*)\]", form).groups()  # type: ignore[union-attr]
    return Tensor(tuple(int(size) for size in sizes.split(",") if size), LONG[kind] + digits)


@pytest.fixture(scope="module")
def calls() -> tuple[Interpreter, SourceModule]:
    """One program with a function for each row."""
    lines = ["import torch", "import torch.nn.functional as F"]
    lines += [f"def f{place}({', '.join(row['inputs'])}): return {row['call']}" for place, row in enumerate(ROWS)]
    interp = interpreter("\n".join(lines))
    module = interp.find_module("program")
    assert isinstance(module, SourceModule)
    return interp, module


# Calls that no modelling code makes so far; they give an Unknown that says so.
WITHOUT_A_STUB = {
    "F.multilabel_margin_loss(x, torch.zeros(3, 16, dtype=torch.long))",
}

# Sizes that depend on the numbers of their operands: unknown, and taken for granted where a trace runs.
CHOSEN_BY_NUMBERS = {"torch.bincount(i, minlength=9)"}


@pytest.mark.parametrize("place", range(len(ROWS)), ids=[row["call"] for row in ROWS])
def test_an_op_gives_the_form_that_torch_gives(place: int, calls: tuple[Interpreter, SourceModule]) -> None:
    interp, module = calls
    row = ROWS[place]
    if row["call"] in CHOSEN_BY_NUMBERS:
        unknown = interp.call(module.lookup(f"f{place}"), [tensor_of(form) for form in row["inputs"].values()], {})
        assert unknown.shape is None
        assert "depends on numbers" in unknown.source.reason
        interp.recorder = Recorder({})
    result = interp.call(module.lookup(f"f{place}"), [tensor_of(form) for form in row["inputs"].values()], {})
    interp.recorder = None
    if row["call"] in WITHOUT_A_STUB:
        assert isinstance(result, Unknown), "it has a stub now: take it off the list"
        assert "has no stub" in result.reason
    else:
        assert form_of(result) == row["output"]
