"""Building a model: from a model class and a configuration to a reading of its module tree."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any

from archviz.interpreter.class_defaults import class_defaults, declared_fields
from archviz.interpreter.classes import MODES
from archviz.interpreter.collect import config_values, module_tree, resolved_gaps, unknown_parts
from archviz.interpreter.ignored_keys import ignored_keys
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.reading import ModelReading
from archviz.interpreter.registering import define_registering
from archviz.interpreter.sizes import Tagged
from archviz.interpreter.unrun import unrun_effects
from archviz.interpreter.values import ClassValue, Instance, ModuleInstance
from archviz.interpreter.walk import distinct_modules
from archviz.progress import stop_if_unwanted

RECURSION = 12_000
MOST_UNSEEN = (
    3_000_000  # blocks of memory, some 200 MB, that may wait for the collector: most of them are trees, which stay
)


LAZY = "lazy layers"  # in `Interpreter.state`: some layer takes a size from its first call


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Room on the host's stack for interpreted calls; `Limits.depth` is the real bound.

    The collector of cyclic garbage rests meanwhile: syntax trees and frames are many and live as long as the reading, and looking
    through them again and again takes a third of the time. Both hold for the whole process, so threads come one after the other.
    """
    with _turn():
        previous, collects = sys.getrecursionlimit(), gc.isenabled()
        sys.setrecursionlimit(max(previous, RECURSION))
        gc.disable()
        try:
            yield
        finally:
            sys.setrecursionlimit(previous)
            if collects:
                _set_aside.after_reading()
                gc.enable()


class _SetAside:
    """What readings leave behind is set aside from the collector, which looks through it only when enough is new.

    Most of it are the parsed trees, which stay; the rest, an interpreter and its objects, refers to itself in circles.
    """

    def __init__(self) -> None:
        self.kept = (
            0  # blocks of memory in use when the collector last looked through everything; 0 before the first reading
        )

    def after_reading(self) -> None:
        """Set aside what there is; first collect, where half as much again has come and stayed, and at least MOST_UNSEEN blocks."""
        blocks = sys.getallocatedblocks()
        self.kept = self.kept or blocks
        if blocks - self.kept > max(MOST_UNSEEN, self.kept // 2):
            gc.unfreeze()
            gc.collect()
            self.kept = sys.getallocatedblocks()
        gc.freeze()


_set_aside = _SetAside()
_one_at_a_time = RLock()


@contextmanager
def _turn() -> Iterator[None]:
    """Wait until no other thread reads a model, or until nobody waits for this one any more."""
    while not _one_at_a_time.acquire(timeout=0.1):
        stop_if_unwanted()
    try:
        yield
    finally:
        _one_at_a_time.release()


def build_model(interp: Interpreter, cls: ClassValue, config: Any, **options: Any) -> ModuleInstance:
    """Run the model's `__init__`; raises RaisedError when the code refuses, UnsupportedError when it is not understood."""
    define_registering(interp, cls.source_module)
    build = interp.find_attribute(cls, "_from_config")
    model = interp.call(build if callable(build) else cls, [config], options)
    if not isinstance(model, ModuleInstance):
        raise TypeError(f"{cls.name} did not build a module")
    evaluate(interp, model)
    return model


def evaluate(interp: Interpreter, model: ModuleInstance) -> None:
    """`model.eval()` after the construction, in which modules are in training; where code has rules of its own for it, each pass runs them."""
    if interp.state.get(MODES):
        return
    for module in distinct_modules(model):
        module.attrs["training"] = False


def _call_once(interp: Interpreter, model: ModuleInstance) -> None:
    """One pass, in which lazy layers find their sizes; those that it does not reach stay without, which is a gap."""
    from archviz.interpreter.trace import trace_model  # for few models

    trace_model(interp, model)


def read_model(interp: Interpreter, model: ModuleInstance, config: Any, tagged: Tagged | None = None) -> ModelReading:
    """The reading of a built model: its module tree, ties, gaps and resolved configuration."""
    sizes = tagged.plain(model) if tagged is not None else {}
    if interp.state.pop(LAZY, False):
        _call_once(interp, model)
    tree = module_tree(model)
    gaps = resolved_gaps(interp, tree.paths())
    gaps += unknown_parts(tree.modules, gaps)
    gaps += [gap for gap in unrun_effects(interp) if gap not in gaps]
    values = config_values(config) if isinstance(config, Instance) else {}
    return ModelReading(
        model.cls.name,
        values,
        tree.root,
        tree.tied,
        gaps,
        source_files=interp.loaded_sources(),
        ignored=ignored_keys(module for _, module in tree.modules),
        defaults=class_defaults(config) if isinstance(config, Instance) else {},
        declared=declared_fields(config) if isinstance(config, Instance) else frozenset(),
        sizes={name: sizes[tensor] for tensor, name in tree.owners.items() if tensor in sizes},
        taken=tagged.taken if tagged is not None else {},
    )
