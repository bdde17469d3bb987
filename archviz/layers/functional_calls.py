"""Calls of a module with other tensors in the place of its own.  Source: torch/nn/utils/stateless.py."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import ModuleInstance, Unknown
from archviz.interpreter.walk import walk

Place = tuple[ModuleInstance, dict[str, Any], str]


def register(library: Library) -> None:
    @library.function("torch.func.functional_call", "torch.nn.utils.stateless.functional_call")
    def functional_call(
        interp: Interpreter, module: Any, parameter_and_buffer_dicts: Any, args: Any = None, kwargs: Any = None, *,
        tie_weights: Any = True, strict: Any = False,
    ) -> Any:  # fmt: skip
        if isinstance(module, Unknown):
            return module
        given = parameter_and_buffer_dicts
        tensors: dict[str, Any] = {}
        for each in (given,) if isinstance(given, dict) else tuple(interp.iterate(given)):
            if isinstance(each, Unknown):
                return each
            tensors.update(each)
        positional = () if args is None else args if isinstance(args, tuple) else (args,)
        with _exchanged(interp, module, tensors, tied=bool(tie_weights), strict=bool(strict)):
            return interp.call(module, list(positional), dict(kwargs or {}))


@contextmanager
def _exchanged(
    interp: Interpreter, module: ModuleInstance, tensors: dict[str, Any], *, tied: bool, strict: bool
) -> Iterator[None]:
    """The module holds these tensors meanwhile; under all names of a tied one where one of them is given."""
    places = _places(module)
    strange = [name for name in tensors if name not in places]
    if strict:
        _check(
            module,
            strange,
            [name for name, (_, table, key) in places.items() if table[key] is not None and name not in tensors],
        )
    for name in strange:  # set for the time of the call: whether anything reads it is not followed
        interp.gap(f"functional_call with {name}, which {module.cls.name} does not have")
    other = {
        id(table[name]): tensors[path]
        for path, (_, table, name) in places.items()
        if path in tensors and table[name] is not None
    }
    other = other if tied else {}
    kept = [(place, place[1][place[2]]) for place in places.values()]
    for path, (_, table, name) in places.items():
        table[name] = tensors[path] if path in tensors else other.get(id(table[name]), table[name])
    _written(interp, places)
    try:
        yield
    finally:
        for (_, table, name), tensor in kept:
            table[name] = tensor
        _written(interp, places)


def _check(module: ModuleInstance, strange: list[str], missing: list[str]) -> None:
    told = (("Unexpected", strange), ("Missing", missing))
    words = [f"\n\t{kind} key(s): {', '.join(map(repr, sorted(names)))}." for kind, names in told if names]
    if words:
        raise RuntimeError(f"Error(s) in reparametrizing for {module.cls.name}:{''.join(words)}")


def _places(module: ModuleInstance) -> dict[str, Place]:
    """Where the tensors of a module stand, by their names."""
    return {
        f"{path}.{name}" if path else name: (each, table, name)
        for path, each in walk(module, "", None)
        for table in (each.parameters, each.buffers)
        for name in table
    }


def _written(interp: Interpreter, places: dict[str, Place]) -> None:
    """What was built or runs alike is so no more."""
    for owner, _, _ in places.values():
        interp.twins.written(owner)
    if interp.recorder is not None:
        interp.recorder.wrote()
