"""Inputs with which archviz understands a model, or a part of it: what make_tower_table.py gives to PyTorch as well.  Needs no torch."""

from __future__ import annotations

from typing import Any

from archviz.interpreter.build import deep_recursion
from archviz.interpreter.inputs import example_inputs
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.named_inputs import WHOLE
from archviz.interpreter.reading import Gap
from archviz.interpreter.towers import other_inputs, tower_inputs
from archviz.interpreter.trace import run_pass
from archviz.interpreter.trace_rows import trace_rows
from archviz.interpreter.values import ModuleInstance
from archviz.readings import _build, interpreter_for
from archviz.settings import Settings
from archviz.sources.model_source import read_model_source

BATCH, SEQ = 2, 53


def understood(model_type: str, path: str) -> tuple[str, dict[str, Any], dict[str, Any], list[Gap]]:
    """The class of a type's defaults, the inputs with which it or a part of it is understood, and the rows of that pass.

    Args:
        model_type: The type.
        path: The part; empty for the whole model.
    """
    settings = Settings()
    source = read_model_source(f"transformers:{model_type}", settings)
    interp = interpreter_for(source, settings)
    with deep_recursion():
        model, _ = _build(interp, source, None, "eager")
        part = part_of(model, path)
        given: dict[str, Any] = {}
        gaps: list[Gap] = [Gap(path, "no inputs are known", None)]
        for given in _inputs(interp, model, part):
            recorder, gaps, _ = run_pass(interp, model, given, part=part if path else None)
            if not gaps:
                return model.cls.name, given, trace_rows(recorder), gaps
    return model.cls.name, given, {"calls": [], "ops": []}, gaps


def part_of(model: ModuleInstance, path: str) -> ModuleInstance:
    part: Any = model
    for name in path.split(".") if path else ():
        part = part.modules[name]
    assert isinstance(part, ModuleInstance)
    return part


def _inputs(interp: Interpreter, model: ModuleInstance, part: ModuleInstance) -> list[dict[str, Any]]:
    if part is not model:
        interp.state[WHOLE] = model.attrs.get("config")
        return list(tower_inputs(interp, part, BATCH, SEQ))
    found: list[dict[str, Any]] = []
    for pixels in (True, False):
        given = example_inputs(interp, model, BATCH, SEQ, pixels=pixels)
        found += [given, *other_inputs(interp, model, given, BATCH, SEQ)]
    return found
