"""Layers of einops: an op by a pattern of named axes as a module without parameters.  Source: einops/layers/torch.py."""

from __future__ import annotations

from typing import Any

from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import ModuleInstance
from archviz.ops.axis_patterns import layer_call

LAYERS = "einops.layers.torch"


def register(library: Library) -> None:
    """Fill the table with `Rearrange` and `Reduce`."""

    @library.constructor(f"{LAYERS}.Rearrange")
    def rearrange(interp: Interpreter, self: ModuleInstance, pattern: str, **axes_lengths: Any) -> None:
        self.attrs.update(pattern=pattern, reduction="", axes_lengths=axes_lengths)

    @library.constructor(f"{LAYERS}.Reduce")
    def reduce(interp: Interpreter, self: ModuleInstance, pattern: str, reduction: Any, **axes_lengths: Any) -> None:
        self.attrs.update(pattern=pattern, reduction=reduction, axes_lengths=axes_lengths)

    for name in ("Rearrange", "Reduce"):
        library.method(f"{LAYERS}.{name}.forward")(layer_call)
