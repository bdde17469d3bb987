"""Copies of built modules: their parts and tensors are new, everything that came from outside is shared."""

from __future__ import annotations

import functools
from typing import Any

from archviz.interpreter.followed import SCALARS, Region
from archviz.interpreter.sizes import Fraction, Size
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
    Tensor,
)
from archviz.interpreter.watched import Expression, Watched, evaluated

_FIXED = frozenset({str, float, Fraction, bool, type(None)})
_SIMPLE = frozenset({Size, int, *_FIXED})


class Mould:
    """What a module to be copied holds: attributes, tensors and modules that nothing else holds.

    Args:
        module: The module that was built.
    """

    __slots__ = ("at", "attrs", "buffers", "cls", "is_shared", "late", "modules", "parameters", "transient")

    def __init__(self, module: ModuleInstance) -> None:
        self.cls = module.cls
        self.at = module.created_at
        self.attrs: dict[str, Any] = {}
        self.late: list[tuple[str, Later | Own]] = []  # attributes that each copy has a value of its own for
        self.parameters: dict[str, Tensor | None] = {}
        self.buffers: dict[str, Tensor | None] = {}
        self.transient = module.transient
        self.modules: dict[str, Mould | None] = {}
        self.is_shared = False  # it stands in several places


class Moulding:
    """Takes the mould of a module that was just built: its parts are copied, everything that came from outside is shared.

    Args:
        region: The construction.
    """

    def __init__(self, region: Region) -> None:
        self.region = region
        self.is_whole = True
        self.shared: set[int] = set()  # tensors that stand in several places, by identity
        self._made: dict[int, Any] = {}

    def mould(self, module: ModuleInstance) -> Mould:
        """The mould of a module with all below it."""
        made = self._made.get(id(module))
        if made is not None:
            found: Mould = made
            found.is_shared = True
            return found
        if module.serial <= self.region.start:
            self.is_whole = False
        mould = self._made[id(module)] = Mould(module)
        for name, value in module.attrs.items():
            kept = mould.attrs[name] = value if value.__class__ in _FIXED else self._attribute(value)
            if kept.__class__ is Later or kept.__class__ is Own:
                mould.late.append((name, kept))
        mould.parameters = {name: self._tensor(each) for name, each in module.parameters.items()}
        mould.buffers = {name: self._tensor(each) for name, each in module.buffers.items()}
        for name, child in module.modules.items():
            if child is not None and not isinstance(child, ModuleInstance):
                self.is_whole = False
            mould.modules[name] = self.mould(child) if isinstance(child, ModuleInstance) else None
        return mould

    def _attribute(self, value: Any) -> Any:
        if value.__class__ is Watched:
            self.is_whole = self.is_whole and value.region is self.region
            return Later(value.expression)
        if value.__class__ is int or value.__class__ is Size:
            return value
        if id(value) in self.region.fresh and _holds_scalars(value):
            return self._made.setdefault(id(value), Own(value.copy()))
        self.is_whole = self.is_whole and self._is_known(value)
        return value

    def _is_known(self, value: Any) -> bool:
        """Whether copies may share a value: it cannot change, or it came from outside and its changes are followed."""
        start = self.region.start
        if isinstance(value, tuple):
            return all(type(each) in _SIMPLE for each in value)
        if isinstance(value, FunctionValue):
            return value.frame.is_top or value.serial <= start
        if isinstance(value, BoundMethod):  # of a class: `Function.apply`
            return isinstance(value.receiver, ClassValue) and isinstance(value.function, NativeFunction)
        if isinstance(value, Instance) and not isinstance(value, ModuleInstance):
            return value.serial <= start
        if isinstance(value, functools.partial):
            scalars = all(isinstance(each, SCALARS) for each in (*value.args, *value.keywords.values()))
            return scalars and isinstance(value.func, (NativeFunction, ClassValue))
        shared = (ClassValue, NativeFunction, LibraryModule, DType, Device)
        return isinstance(value, shared) or id(value) in self.region.read

    def _tensor(self, tensor: Tensor | None) -> Tensor | None:
        if tensor is None:
            return None
        made: Tensor | None = self._made.get(id(tensor))
        if made is not None:
            self.shared.add(id(made))
            return made
        if tensor.serial <= self.region.start or tensor.shape is None:
            self.is_whole = False
        self._made[id(tensor)] = twin = tensor.twin()
        return twin


class Casting:
    """Makes one module from a mould, with tensors, lists and dicts of its own.

    Args:
        shared: The tensors of the mould that stand in several places.
        given: The arguments.
    """

    def __init__(self, shared: set[int], given: list[Any]) -> None:
        self.given = given
        self.containers: list[Any] = []  # the lists and dicts that the copy holds as its own
        self._shared = shared
        self._made: dict[int, Any] = {}

    def cast(self, mould: Mould) -> ModuleInstance:
        """A new module."""
        if mould.is_shared and id(mould) in self._made:
            found: ModuleInstance = self._made[id(mould)]
            return found
        module = ModuleInstance(mould.cls)
        module.created_at = mould.at
        module.attrs = mould.attrs.copy()
        if mould.is_shared:
            self._made[id(mould)] = module
        for name, value in mould.late:
            kept = self._container(value) if isinstance(value, Own) else evaluated(value.expression, self.given)
            module.attrs[name] = kept
        if mould.parameters:
            module.parameters = {name: each and self._tensor(each) for name, each in mould.parameters.items()}
        if mould.buffers:
            module.buffers = {name: each and self._tensor(each) for name, each in mould.buffers.items()}
            module.transient = mould.transient
        if mould.modules:
            module.modules = {name: each and self.cast(each) for name, each in mould.modules.items()}
        return module

    def _tensor(self, tensor: Tensor) -> Tensor:
        if id(tensor) not in self._shared:
            return tensor.twin()
        if id(tensor) not in self._made:
            self._made[id(tensor)] = tensor.twin()
        twin: Tensor = self._made[id(tensor)]
        return twin

    def _container(self, own: Own) -> Any:
        """A list or dict of this copy alone; the same one for all its attributes that hold it."""
        twin = self._made.get(id(own))
        if twin is None:
            twin = self._made[id(own)] = own.value.copy()
            self.containers.append(twin)
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
