"""Writing attributes: property setters, a module's registries, what classes, functions and files take."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from archviz.interpreter.calls import UNKNOWN_BASE
from archviz.interpreter.modules import SourceModule
from archviz.interpreter.part_names import check_name, check_showable
from archviz.interpreter.values import (
    BoundMethod,
    ClassValue,
    FunctionValue,
    Instance,
    LibraryModule,
    ModuleInstance,
    NativeFunction,
    PropertyValue,
    Tensor,
    Unknown,
)
from archviz.interpreter.watched import plain

if TYPE_CHECKING:
    from archviz.interpreter.machine import Interpreter
    from archviz.interpreter.twins import Twins
    from archviz.spans import Span

REGISTRIES = {"_parameters": "parameters", "_buffers": "buffers", "_modules": "modules"}


class AttributeWrites:
    """The part of the interpreter that sets and deletes attributes."""

    if TYPE_CHECKING:
        building: list[ModuleInstance]
        twins: Twins

        @property
        def itself(self) -> Interpreter: ...
        def gap(self, reason: str, at: Span | None = None) -> None: ...
        def note(self, reason: str) -> None: ...
        def call(self, function: Any, args: list[Any], kwargs: dict[str, Any]) -> Any: ...
        def get_attribute(self, value: Any, name: str) -> Any: ...
        def replace_name(self, dotted: str, new: Any) -> None: ...
        def set_tensor_attribute(self, value: Tensor, name: str, new: Any) -> None: ...

    def set_attribute(self, value: Any, name: str, new: Any) -> None:
        """`value.name = new`."""
        if isinstance(value, Instance):
            if value.cls.has("__setattr__"):
                setter = value.cls.lookup("__setattr__")
                self.call(setter, [value, name, new], {})
            else:
                self.raw_set_attribute(value, name, new)
        elif isinstance(value, (ClassValue, FunctionValue, NativeFunction, SourceModule, OrderedDict)):
            self.twins.forget()
            self._set_elsewhere(value, name, plain(new))
        elif isinstance(value, BoundMethod):
            self.set_attribute(value.function, name, new)
        elif isinstance(value, Tensor):
            self.set_tensor_attribute(value, name, new)
        elif isinstance(value, LibraryModule):
            self.twins.forget()
            self.replace_name(f"{value.dotted}.{name}", plain(new))
        elif not isinstance(value, Unknown):
            raise AttributeError(f"'{type(value).__name__}' object has no attribute '{name}'")  # noqa: TRY004

    def _set_elsewhere(self, value: Any, name: str, new: Any) -> None:
        """Set an attribute of a class, a function, a file or an `OrderedDict`, which takes them as in Python."""
        if isinstance(value, FunctionValue) and name == "__defaults__":
            value.defaults = list(new or ())
        elif isinstance(value, (FunctionValue, NativeFunction)):
            value.attrs[name] = new
            if name in ("__code__", "__kwdefaults__", "__globals__"):
                self.gap(f"{name} of a function is set")
        elif isinstance(value, SourceModule):
            value.replace(name, new)
        elif isinstance(value, ClassValue) and name == "__name__":
            value.name = str(new)
        elif not isinstance(value, OrderedDict):
            value.namespace[name] = new
        elif not name.startswith("__"):
            vars(value)[name] = new
        else:
            raise AttributeError(f"'{type(value).__name__}' object has no attribute '{name}'")

    def raw_set_attribute(self, value: Instance, name: str, new: Any) -> None:
        """Set by the default rules: property setters, then a module's registries, then plain attributes."""
        self.twins.written(value)
        if isinstance(value, ModuleInstance):  # its registries come before any property of the name
            registry = _registry_of(value, name)
            if registry is not None or _is_part(new):
                self._register(value, name, new, registry)
                return
        raw = None
        for each in value.cls.mro:
            if name in each.namespace:
                raw = each.namespace[name]
                break
        if "__slots__" in value.cls.namespace and raw is None and _refuses(value.cls, name):
            raise AttributeError(f"'{value.cls.name}' object has no attribute '{name}'")
        if isinstance(raw, PropertyValue):
            if raw.fset is None:
                raise AttributeError(f"property '{name}' of '{value.cls.name}' object has no setter")
            self.call(raw.fset, [value, new], {})
        elif isinstance(raw, Instance) and raw.cls.has("__set__"):
            self.call(self.get_attribute(raw, "__set__"), [value, new], {})
        elif not isinstance(value, ModuleInstance):
            value.attrs[name] = plain(new)
        elif name in REGISTRIES and isinstance(new, dict):
            setattr(value, REGISTRIES[name], new)
        else:
            self._keep(value, name, new)

    def _register(self, module: ModuleInstance, name: str, new: Any, registry: str | None) -> None:
        """`nn.Module.__setattr__` of a part, or of a name in one of the registries. Source: torch/nn/modules/module.py."""
        if registry is not None and not _takes(registry, new):
            raise TypeError(f"cannot assign '{type_name(new)}' as {registry[:-1]} '{name}'")
        if not module.is_ready and _is_part(new):
            raise AttributeError(f"cannot assign {_part_name(new)} before Module.__init__() call")
        if isinstance(new, Tensor) and new.is_parameter:
            check_name(self.itself, name, "parameter")
            for table in (module.attrs, module.buffers, module.modules):
                table.pop(name, None)
            module.parameters[name] = new
        elif isinstance(new, ModuleInstance):
            check_showable(self.itself, name)
            for table in (module.attrs, module.buffers, module.parameters):
                table.pop(name, None)
            module.modules[name] = new
        elif isinstance(new, Tensor) and new.attrs and new.attrs.get("_is_buffer"):
            module.attrs.pop(name, None)
            module.register_buffer(name, new, persistent=bool(new.attrs["persistent"]))
        elif name in module.parameters and (new is None or isinstance(new, Tensor)):
            module.parameters[name] = new
        elif name in module.buffers and (new is None or isinstance(new, Tensor)):
            module.buffers[name] = new
        elif name in module.modules and new is None:
            module.modules[name] = None
        else:
            self._keep(module, name, new)

    def _keep(self, module: ModuleInstance, name: str, new: Any) -> None:
        """A plain attribute of a module."""
        module.attrs[name] = new
        if isinstance(new, Unknown) and new.of_module is not False:
            self.gap(new.reason, new.at)
        elif isinstance(new, Instance) and self.building and new.cls.has(UNKNOWN_BASE):
            self.unknown_base(new.cls)
        elif isinstance(new, Unknown) and self.building:
            self.note(f"attribute {name} is not understood: {new.reason}")

    def unknown_base(self, cls: ClassValue) -> None:
        """A gap: what a class inherits, and whether its objects are modules, is not known."""
        base = cls.lookup(UNKNOWN_BASE)
        self.gap(f"a base class of {cls.name} is not understood: {base.reason}", base.at or cls.at)

    def delete_attribute(self, value: Any, name: str) -> None:
        """`del value.name`."""
        if isinstance(value, Instance) and value.cls.has("__delattr__"):
            self.call(value.cls.lookup("__delattr__"), [value, name], {})
            return
        if isinstance(value, Instance):
            self.twins.written(value)
        else:
            self.twins.forget()
        if isinstance(value, ModuleInstance):
            for table in (value.parameters, value.buffers, value.modules):
                if name in table:
                    del table[name]
                    return
        if isinstance(value, Instance) and name in value.attrs:
            del value.attrs[name]
        elif isinstance(value, ClassValue) and name in value.namespace:
            del value.namespace[name]
        elif not isinstance(value, Unknown):
            raise AttributeError(name)


def _takes(registry: str, new: Any) -> bool:
    """Whether a name of a registry may be given a value: a parameter takes None, a module and a buffer what is like them; all take parameters."""
    if new is None or isinstance(new, Unknown) or (isinstance(new, Tensor) and new.is_parameter):
        return True
    return {
        "parameters": False,
        "modules": isinstance(new, ModuleInstance),
        "buffers": isinstance(new, (Tensor, ModuleInstance)),
    }[registry]


def type_name(value: Any) -> str:
    """The name of a value's class as messages have it."""
    return (
        value.cls.name
        if isinstance(value, Instance)
        else "torch.Tensor"
        if isinstance(value, Tensor)
        else type(value).__name__
    )


def _is_part(value: Any) -> bool:
    """Whether a value is registered by what it is: a module, a parameter, a `Buffer`."""
    return isinstance(value, ModuleInstance) or (
        isinstance(value, Tensor) and (value.is_parameter or bool(value.attrs and value.attrs.get("_is_buffer")))
    )


def _part_name(value: Any) -> str:
    return "module" if isinstance(value, ModuleInstance) else "parameters" if value.is_parameter else "buffer"


def _registry_of(module: ModuleInstance, name: str) -> str | None:
    """Which registry of a module has a name."""
    if name in module.parameters:
        return "parameters"
    if name in module.buffers:
        return "buffers"
    return "modules" if name in module.modules else None


def _refuses(cls: ClassValue, name: str) -> bool:
    """Whether the `__slots__` of a class and of all its bases leave no room for an attribute; private names are not looked at."""
    slots = [each.namespace["__slots__"] for each in cls.mro if "__slots__" in each.namespace]
    if len(slots) < len(cls.mro) or cls.host_base is not None or "__" in name:
        return False
    names = {name for each in slots for name in ([each] if isinstance(each, str) else each)}
    return name not in names and "__dict__" not in names
