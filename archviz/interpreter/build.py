"""Building a model: from a model class and a configuration to a reading of its module tree."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from archviz.interpreter.collect import config_values, module_tree, resolved_gaps, unknown_parts
from archviz.interpreter.ignored_keys import ignored_keys
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.reading import ModelReading
from archviz.interpreter.unrun import unrun_effects
from archviz.interpreter.values import ClassValue, Instance, ModuleInstance

RECURSION = 12_000


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Room on the host's stack for interpreted calls; `Limits.depth` is the real bound.

    The collector of cyclic garbage rests meanwhile: syntax trees and frames are many and live as long as the reading, and looking
    through them again and again takes a third of the time.
    """
    previous, collects = sys.getrecursionlimit(), gc.isenabled()
    sys.setrecursionlimit(max(previous, RECURSION))
    gc.disable()
    try:
        yield
    finally:
        sys.setrecursionlimit(previous)
        if collects:
            gc.enable()


def build_model(interp: Interpreter, cls: ClassValue, config: Any, **options: Any) -> ModuleInstance:
    """Run the model's `__init__`; raises RaisedError when the code refuses, UnsupportedError when it is not understood."""
    build = interp.find_attribute(cls, "_from_config")
    model = interp.call(build if callable(build) else cls, [config], options)
    if not isinstance(model, ModuleInstance):
        raise TypeError(f"{cls.name} did not build a module")
    return model


def read_model(interp: Interpreter, model: ModuleInstance, config: Any) -> ModelReading:
    """The reading of a built model: its module tree, ties, gaps and resolved configuration."""
    root, tied, paths = module_tree(model)
    gaps = resolved_gaps(interp, paths)
    gaps += [gap for gap in [*unknown_parts(model), *unrun_effects(interp)] if gap not in gaps]
    values = config_values(config) if isinstance(config, Instance) else {}
    return ModelReading(
        model.cls.name, values, root, tied, gaps, source_files=interp.loaded_sources(), ignored=ignored_keys(model)
    )
