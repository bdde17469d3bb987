"""The examples of references/interpreter.md work as they stand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from archviz.interpreter.library import DuplicateStubError, Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.modules import SourceText
from archviz.interpreter.values import ModuleInstance, Tensor, Unknown
from archviz.layers import register_layers
from archviz.layers.module import new_parameter
from archviz.layers.nn_layers import keep
from archviz.ops import register_ops, shapes
from archviz.ops.registry import like, op

PAGE = Path(__file__).resolve().parents[2] / "references" / "interpreter.md"
PROGRAM = """
import torch
from torch import nn
from somewhere import round_up, IS_AVAILABLE, Mixin
class Model(nn.Module, Mixin):
    def __init__(self):
        super().__init__()
        self.scale = nn.Scale(round_up(5, 4))
def run(x): return nn.Scale(8).forward(torch.swap_halves(x))
result = [round_up(5, 4), IS_AVAILABLE]
"""


def new_library() -> Library:
    library = Library()
    register_ops(library)
    register_layers(library)
    return library


def with_examples(library: Library) -> Library:
    """The library with the examples of the page registered in it."""
    names = {
        "library": library, "op": op, "like": like, "shapes": shapes, "keep": keep, "new_parameter": new_parameter, "Any": Any,
        "Interpreter": Interpreter, "ModuleInstance": ModuleInstance, "Tensor": Tensor,
    }  # fmt: skip
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(block, "references/interpreter.md", "exec"), names)
    return library


def program(library: Library) -> Interpreter:
    return Interpreter(library, {"program": SourceText("program", "program.py", PROGRAM)}.get)


def test_an_op_a_layer_and_a_stub_are_added_as_the_page_says() -> None:
    interp = program(with_examples(new_library()))
    model = interp.call(interp.import_name("program", "Model", None), [], {})
    assert [list(each.sizes) for each in model.modules["scale"].parameters.values()] == [[8]]
    run = interp.import_name("program", "run", None)
    assert repr(interp.call(run, [Tensor((2, 8))], {})) == "f32[2,8]"
    assert interp.import_name("program", "result", None) == [8, False]
    with pytest.raises(RuntimeError, match=r"swap_halves requires an even size, got f32\[2,7\]"):
        interp.op("torch.swap_halves", Tensor((2, 7)))
    unknown = Unknown("why")
    assert interp.op("torch.swap_halves", unknown) is unknown
    assert interp.op("torch.swap_halves", Tensor(None)).shape is None


def test_two_stubs_for_one_name_are_refused() -> None:
    library = with_examples(new_library())
    with pytest.raises(DuplicateStubError, match=r"torch\.swap_halves"):
        with_examples(library)


def test_the_page_names_every_part_of_the_room() -> None:
    page = PAGE.read_text(encoding="utf-8")
    parts = {file.name for file in (PAGE.parents[1] / "archviz" / "interpreter").glob("*.py")} - {
        "__init__.py",
        "control.py",
        "reading.py",
    }
    assert {part for part in parts if part not in page} == set()
