"""What was not understood and reaches what a pass gives: never silent, a gap for each cause, once in a trace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from archviz.interpreter.values import Instance, ModuleInstance, Tensor, Unknown

if TYPE_CHECKING:
    from archviz.interpreter.machine import Interpreter

_DEEPEST = 5
_SHAPELESS = "a tensor of unknown shape"


def report(interp: Interpreter, value: Any) -> None:
    """Leave a gap for everything in a value that a running trace does not understand: the output of a call, an op's input."""
    recorder = interp.recorder
    if recorder is None:
        return
    for lost in unknowns(value):
        cause = (lost.reason, lost.at)
        if cause not in recorder.lost:
            recorder.lost.add(cause)
            interp.gap(lost.reason, lost.at)


def unknowns(value: Any, depth: int = 0) -> Iterator[Unknown]:
    """What was not understood in nested containers, records and tensors without a shape."""
    kind = value.__class__
    if kind is Tensor:
        if value.shape is None:
            yield value.source or Unknown(_SHAPELESS, value.at)
    elif kind is Unknown:
        yield value
    elif depth < _DEEPEST and isinstance(value, (list, tuple)):
        for each in value:
            yield from unknowns(each, depth + 1)
    elif depth < _DEEPEST and isinstance(value, dict):
        for each in value.values():
            yield from unknowns(each, depth + 1)
    elif depth < _DEEPEST and isinstance(value, Instance) and not isinstance(value, ModuleInstance):
        yield from unknowns([*value.attrs.values(), value.payload], depth + 1)
