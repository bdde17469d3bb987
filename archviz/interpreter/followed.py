"""The construction of one module, followed to find out what it depends on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from archviz.interpreter.values import (
    SERIAL,
    ClassValue,
    Device,
    DType,
    FunctionValue,
    Instance,
    LibraryModule,
    ModuleInstance,
    NativeFunction,
    Tensor,
)
from archviz.interpreter.watched import Answer, Expression, Watched

CONTAINERS = (list, dict, set, deque)
SCALARS = (str, float, bool, int, type(None))
_PLAIN = frozenset(SCALARS)  # by exact class, which is told faster
KEPT = (ClassValue, FunctionValue, NativeFunction, LibraryModule, DType, Device)
_KNOWN = (*SCALARS, *KEPT, *CONTAINERS, type, range)  # what a stub may be given: it cannot change unseen
_HARMLESS = frozenset(
    {"getattr", "hasattr", "isinstance", "issubclass", "setattr", "len", "callable", "super", "print", "bool"}
)
READING = frozenset({
    "get", "items", "keys", "values", "copy", "index", "count", "union", "intersection", "difference", "issubset", "issuperset",
    "isdisjoint", "symmetric_difference", "__contains__", "__getitem__", "__len__", "__eq__",
})  # fmt: skip


MOST_ANSWERS = 20_000  # that are kept of one construction, and asked again for each that may be alike


class Region:
    """The construction of one module, followed to find out what it depends on.

    Args:
        outer: The construction that it is part of, if that is followed too.
        args: The arguments as they came, positional ones first.
        changes: How many changes there had been.
    """

    def __init__(self, outer: Region | None, args: list[Any], changes: int) -> None:
        self.outer = outer
        self.args = args
        self.changes = changes
        self.start = next(SERIAL)
        self.answers: list[Answer] = []
        self.read: dict[int, Any] = {}  # lists and dicts from outside that it can see
        self.fresh: dict[int, Any] = {}  # those that it made itself, and its iterators
        self.modules: list[ModuleInstance] = []
        self.is_followed = True
        self.is_open = True

    def answer(self, expression: Expression, test: Callable[[Any], bool]) -> None:
        if len(self.answers) >= MOST_ANSWERS:
            self.lose()
            return
        self.answers.append((expression, test))
        if not self.is_open:  # the number outlived its construction
            self.lose()

    def lose(self) -> None:
        """Something happened that is not followed."""
        region: Region | None = self
        while region is not None:
            region.is_followed = False
            region = region.outer

    def sees(self, value: Any, depth: int = 0) -> None:
        """Note a list or dict from outside, and what it holds."""
        if value.__class__ in _PLAIN:
            return
        if isinstance(value, Instance):
            value = value.payload
        if not isinstance(value, (*CONTAINERS, tuple)) or id(value) in self.read or id(value) in self.fresh:
            return
        self.read[id(value)] = value
        if depth > 6 or len(value) > 5_000:
            self.lose()
            return
        for each in value.values() if isinstance(value, dict) else value:
            if not isinstance(each, SCALARS):
                self.sees(each, depth + 1)

    def makes(self, value: Any) -> Any:
        """Note a container or iterator that the construction made."""
        self.fresh[id(value)] = value
        return value

    def made(self, value: Any) -> Any:
        """What a stub or a method of the host gives: an iterator is a new one, a list or dict may be an old one."""
        if value.__class__ in _PLAIN:
            return value
        if isinstance(value, Iterator) and not isinstance(value, Instance):
            self.fresh[id(value)] = value
        else:
            self.sees(value)
        return value

    def touches(self, serial: int) -> None:
        """An object is used in a way that is only followed for objects made in here."""
        region: Region | None = self
        while region is not None and serial <= region.start:
            region.is_followed = False
            region = region.outer

    def changes_container(self, container: Any) -> None:
        region: Region | None = self
        while region is not None and id(container) not in region.fresh:
            region.is_followed = False
            region = region.outer

    def uses(self, function: NativeFunction, args: list[Any], kwargs: dict[str, Any]) -> None:
        """A stub gets these arguments: numbers are no longer watched, and objects from outside are not followed."""
        harmless = function.name in _HARMLESS
        for index, each in enumerate(args):
            if each.__class__ not in _PLAIN:
                args[index] = self._used(each, harmless=harmless)
        for name, each in kwargs.items():
            kwargs[name] = self._used(each, harmless=harmless)
        if function.name == "id":
            self.lose()

    def _used(self, value: Any, *, harmless: bool) -> Any:
        if value.__class__ is Watched:
            return value.exact()
        if isinstance(value, (Instance, Tensor)):
            if not harmless or isinstance(value, ModuleInstance):
                self.touches(value.serial)
        elif isinstance(value, (list, tuple)):
            for each in value:
                if isinstance(each, (Instance, Tensor)):
                    self.touches(each.serial)
        elif isinstance(value, Iterator) and id(value) not in self.fresh:
            self.changes_container(value)
        elif not harmless and not isinstance(value, _KNOWN):
            self.lose()
        return value
