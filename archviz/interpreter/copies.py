"""Copies of built modules: their parts and tensors are new, everything that came from outside is shared."""

from __future__ import annotations

import functools
from typing import Any

from archviz.interpreter.followed import SCALARS, Region
from archviz.interpreter.sizes import Size
from archviz.interpreter.values import (
    BoundMethod,
    ClassValue,
    Device,
    DType,
    FunctionValue,
    Instance,
    LibraryModule,
    ModuleInstance,
    NativeFunction,
)
from archviz.interpreter.watched import Expression, Watched, evaluated

_FIXED = frozenset({str, float, bool, type(None)})
_SIMPLE = frozenset({Size, int, *_FIXED})


class Copying:
    """A deep copy of a module: its parts and tensors are new, everything that came from outside is shared.

    Args:
        region: The construction, to make a prototype; None to copy one.
        given: The arguments.
    """

    def __init__(self, region: Region | None, given: list[Any]) -> None:
        self.region = region
        self.start = region.start if region else -1
        self.read = region.read if region else {}
        self.fresh = region.fresh if region else {}
        self.given = given
        self.is_whole = True
        self.containers: list[Any] = []  # the lists and dicts that a copy holds as its own
        self._made: dict[int, Any] = {}

    def copy(self, module: ModuleInstance) -> ModuleInstance:
        twin = self._made.get(id(module))
        if twin is not None:
            found: ModuleInstance = twin
            return found
        if module.serial <= self.start:
            self.is_whole = False
        twin = self._made[id(module)] = ModuleInstance(module.cls)
        twin.created_at = module.created_at
        for name, value in module.attrs.items():
            twin.attrs[name] = value if value.__class__ in _FIXED else self._attribute(value)
        if module.parameters:
            twin.parameters = {name: self._tensor(each) for name, each in module.parameters.items()}
        if module.buffers:
            twin.buffers = {name: self._tensor(each) for name, each in module.buffers.items()}
            twin.transient = set(module.transient)
        for name, child in module.modules.items():
            if child is not None and not isinstance(child, ModuleInstance):
                self.is_whole = False
            twin.modules[name] = self.copy(child) if isinstance(child, ModuleInstance) else child
        return twin

    def _attribute(self, value: Any) -> Any:
        if value.__class__ is Watched:
            self.is_whole = self.is_whole and value.region is self.region
            return Later(value.expression)
        if value.__class__ is Later:
            return evaluated(value.expression, self.given)
        if value.__class__ is Own:
            return self._container(value)
        if value.__class__ is int or value.__class__ is Size or self.start < 0:
            return value
        if id(value) in self.fresh and _holds_scalars(value):
            return self._made.setdefault(id(value), Own(value.copy()))
        if isinstance(value, tuple):
            known = all(type(each) in (int, Size, str, float, bool, type(None)) for each in value)
        elif isinstance(value, FunctionValue):
            known = value.frame.is_top or value.serial <= self.start
        elif isinstance(value, BoundMethod):  # of a class: `Function.apply`
            known = isinstance(value.receiver, ClassValue) and isinstance(value.function, NativeFunction)
        elif isinstance(value, Instance) and not isinstance(value, ModuleInstance):
            known = value.serial <= self.start
        elif isinstance(value, functools.partial):
            scalars = all(isinstance(each, SCALARS) for each in (*value.args, *value.keywords.values()))
            known = scalars and isinstance(value.func, (NativeFunction, ClassValue))
        else:
            known = (
                isinstance(value, (ClassValue, NativeFunction, LibraryModule, DType, Device)) or id(value) in self.read
            )
        self.is_whole = self.is_whole and known
        return value

    def _container(self, own: Own) -> Any:
        """A list or dict of this copy alone; the same one for all its attributes that hold it."""
        twin = self._made.get(id(own))
        if twin is None:
            twin = self._made[id(own)] = own.value.copy()
            self.containers.append(twin)
        return twin

    def _tensor(self, tensor: Any) -> Any:
        if tensor is None:
            return None
        twin = self._made.get(id(tensor))
        if twin is None:
            if tensor.serial <= self.start or tensor.shape is None:
                self.is_whole = False
            twin = self._made[id(tensor)] = tensor.twin()
        return twin


class Later:
    """An attribute of a prototype that depends on the arguments."""

    __slots__ = ("expression",)

    def __init__(self, expression: Expression) -> None:
        self.expression = expression


class Own:
    """A list or dict of scalars that a construction made for its module."""

    __slots__ = ("value",)

    def __init__(self, value: list[Any] | dict[Any, Any]) -> None:
        self.value = value


def _holds_scalars(value: Any) -> bool:
    if type(value) is dict:
        return all(key.__class__ in _SIMPLE and each.__class__ in _SIMPLE for key, each in value.items())
    return type(value) is list and all(each.__class__ in _SIMPLE for each in value)


def unwatch(region: Region, given: list[Any]) -> None:
    """Give the attributes of the new modules back their plain numbers, or those watched by the construction around them."""
    for module in region.modules:
        for name, value in module.attrs.items():
            if value.__class__ is Watched and value.region is region:
                module.attrs[name] = evaluated(value.expression, given)
