"""From a source string to an interpreted module, and the same string run by Python itself for comparison."""

from __future__ import annotations

from typing import Any

from archviz import pipeline
from archviz.interpreter.build import deep_recursion, read_model
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.modules import SourceModule, SourceText
from archviz.interpreter.reading import ModelReading
from archviz.interpreter.values import ClassValue, Instance
from archviz.settings import Limits

Sources = str | dict[str, str]
MODEL_HEADER = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n"


def interpreter(sources: Sources, limits: Limits | None = None) -> Interpreter:
    """An interpreter that finds the given files: module name → text; a name that ends in `/` is a package."""
    files = {"program": sources} if isinstance(sources, str) else sources
    texts = {}
    for name, text in files.items():
        dotted = name.rstrip("/")
        shown = dotted.replace(".", "/") + ("/__init__.py" if name.endswith("/") else ".py")
        texts[dotted] = SourceText(dotted, shown, text, is_package=name.endswith("/"))
    return Interpreter(pipeline.library(), texts.get, limits)


def module(sources: Sources, name: str = "program", limits: Limits | None = None) -> SourceModule:
    """The interpreted module of a program."""
    found = interpreter(sources, limits).find_module(name)
    assert isinstance(found, SourceModule)
    return found


def value(sources: Sources, name: str = "result", limits: Limits | None = None) -> Any:
    """What the interpreter finds under a module-level name of `program`."""
    with deep_recursion():
        return module(sources, limits=limits).lookup(name)


def in_python(source: str, name: str = "result") -> Any:
    """What Python itself finds under the name: for the snippets of these tests only."""
    namespace: dict[str, Any] = {"__name__": __name__}  # a module that exists: dataclasses look theirs up
    exec(compile(source, "program.py", "exec", dont_inherit=True), namespace)
    return namespace[name]


def plain(given: Any) -> Any:
    """A value without the interpreter's own classes, so that it can be compared with Python's."""
    if isinstance(given, Instance) and given.payload is not None:
        return plain(given.payload)
    if isinstance(given, dict):
        return {plain(key): plain(each) for key, each in given.items()}
    if isinstance(given, (list, tuple)):
        return type(given)(plain(each) for each in given) if type(given) in (list, tuple) else tuple(map(plain, given))
    return given


def model(source: str, class_name: str = "Model", limits: Limits | None = None) -> ModelReading:
    """The reading of a module class that takes no arguments; `torch`, `nn` and `F` are imported for it."""
    interp = interpreter(MODEL_HEADER + source, limits)
    cls = interp.import_name("program", class_name, None)
    assert isinstance(cls, ClassValue)
    with deep_recursion():
        return read_model(interp, interp.call(cls, [], {}), None)


def shapes(reading: ModelReading) -> dict[str, list[int | None]]:
    """Name → sizes of every distinct parameter."""
    return {name: list(tensor.shape) for name, tensor in reading.parameters().items()}


__all__ = ["in_python", "interpreter", "model", "module", "plain", "shapes", "value"]
