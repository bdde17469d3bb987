"""Attribute access: Python's data model over interpreted objects, and a closed list of methods of plain values."""

from __future__ import annotations

from collections import ChainMap, Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from archviz.interpreter.control import RaisedError
from archviz.interpreter.modules import SourceModule
from archviz.interpreter.plain_methods import BY_OPERATOR, CONTAINERS, DICT_METHODS, special_method
from archviz.interpreter.values import (
    BoundMethod,
    ClassMethod,
    ClassValue,
    Device,
    DType,
    FunctionValue,
    Instance,
    LibraryModule,
    ModuleInstance,
    NativeFunction,
    PropertyValue,
    Shape,
    StaticMethod,
    SuperValue,
    Tensor,
    Unknown,
)
from archviz.interpreter.watched import plain

if TYPE_CHECKING:
    from archviz.interpreter.machine import Interpreter

MISSING = object()

_SEQUENCE = {"count", "index"}
# Methods of plain Python values that the interpreted program may use.  Nothing else of the host is reachable.
PLAIN_METHODS: dict[type, set[str]] = {
    str: {
        "capitalize", "casefold", "count", "encode", "endswith", "find", "format", "index", "isalnum", "isalpha",
        "isdigit", "isidentifier", "islower", "isnumeric", "isspace", "isupper", "join", "lower", "lstrip", "partition",
        "removeprefix", "removesuffix", "replace", "rfind", "rpartition", "rsplit", "rstrip", "split", "splitlines",
        "startswith", "strip", "swapcase", "title", "upper", "translate", "maketrans", "ljust", "rjust", "center", "zfill", "expandtabs",
        "isascii", "isdecimal", "isprintable", "istitle", "rindex",
    },
    list: _SEQUENCE | {"append", "clear", "copy", "extend", "insert", "pop", "remove", "reverse", "sort"},
    tuple: _SEQUENCE,
    Shape: _SEQUENCE | {"numel"},
    dict: {"clear", "copy", "get", "items", "keys", "pop", "popitem", "setdefault", "update", "values", "fromkeys"},
    set: {
        "add", "clear", "copy", "difference", "difference_update", "discard", "intersection", "intersection_update",
        "isdisjoint", "issubset", "issuperset", "pop", "remove", "symmetric_difference", "union", "update",
    },
    frozenset: {"copy", "difference", "intersection", "isdisjoint", "issubset", "issuperset", "union"},
    int: {"bit_length", "bit_count", "from_bytes", "as_integer_ratio", "is_integer", "real", "imag", "numerator", "denominator"},
    float: {"is_integer", "as_integer_ratio", "real", "imag", "hex"},
    bool: {"real", "imag", "numerator", "denominator", "bit_length"},
    complex: {"real", "imag", "conjugate"},
    bytes: {"decode", "hex"},
    range: {"start", "stop", "step", "count", "index"},
    slice: {"start", "stop", "step", "indices"},
    deque: _SEQUENCE | {
        "append", "appendleft", "pop", "popleft", "extend", "extendleft", "clear", "copy", "insert", "maxlen", "remove", "reverse", "rotate",
    },
}  # fmt: skip
PLAIN_METHODS[OrderedDict] = PLAIN_METHODS[dict] | {"move_to_end"}
PLAIN_METHODS[defaultdict] = PLAIN_METHODS[dict] | {"default_factory"}
PLAIN_METHODS[ChainMap] = {"get", "items", "keys", "maps", "new_child", "parents", "values"}
PLAIN_METHODS[Counter] = PLAIN_METHODS[dict] | {"elements", "most_common", "subtract", "total"}


class ModuleAttributes(dict[str, Any]):
    """`module.__dict__`: the plain attributes, and under names of their own the tables of what is registered."""

    def __init__(self, module: ModuleInstance) -> None:
        super().__init__(module.attrs)
        self.tables = {"_parameters": module.parameters, "_buffers": module.buffers, "_modules": module.modules}

    def __missing__(self, name: str) -> Any:
        return self.tables[name]

    def __contains__(self, name: object) -> bool:
        return name in self.tables or super().__contains__(name)

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name in self else default  # noqa: SIM401 -- that is this method


PLAIN_METHODS[ModuleAttributes] = PLAIN_METHODS[dict]


def get_attribute(interp: Interpreter, value: Any, name: str) -> Any:
    """`value.name`; raises RaisedError(AttributeError) when there is none."""
    found = find_attribute(interp, value, name)
    if found is MISSING:
        kind = value.cls.name if isinstance(value, Instance) else getattr(value, "name", type(value).__name__)
        error = AttributeError(f"'{kind}' object has no attribute '{name}'")
        refuses = interp.recorder is None and (value is None or _is_configuration(value))
        raise RaisedError(error, interp.here(), explicit=refuses)
    return found


def _is_configuration(value: Any) -> bool:
    """Whether a missing attribute is the official code's own refusal: configurations are fully read."""
    return isinstance(value, Instance) and any(each.name == "PreTrainedConfig" for each in value.cls.mro)


def find_attribute(interp: Interpreter, value: Any, name: str) -> Any:
    """`value.name`, or MISSING."""
    if isinstance(value, Instance):
        found = _of_instance(interp, value, name)
    else:
        rule = _RULES.get(type(value))
        found = rule(interp, value, name) if rule is not None else _of_plain(interp, plain(value), name)
    region = interp.region
    if region is not None:
        if isinstance(value, ModuleInstance):
            region.touches(value.serial)
        region.sees(found)
    return found


def _of_instance(interp: Interpreter, value: Instance, name: str) -> Any:
    own = value.cls.find("__getattribute__")
    if own is not None:
        if isinstance(own, FunctionValue) and own.module.is_own and name != "__getattribute__":
            return _by_own_rule(interp, own, value, name)
        name = interp.renamed_attribute(value, name)
    return raw_attribute(interp, value, name)


def _by_own_rule(interp: Interpreter, rule: FunctionValue, value: Instance, name: str) -> Any:
    """What a class's own `__getattribute__` gives; where it finds nothing, its `__getattr__`."""
    try:
        with interp.guarded():
            return interp.call(rule, [value, name], {})
    except RaisedError as error:
        if not isinstance(error.value, AttributeError):
            raise
    if value.cls.has("__getattr__"):
        return interp.call(bind(interp, value.cls.lookup("__getattr__"), value, value.cls), [name], {})
    return MISSING


def raw_attribute(interp: Interpreter, value: Instance, name: str) -> Any:
    """An instance attribute by the default rules: data descriptors, own attributes, class attributes, `__getattr__`."""
    cls = value.cls
    raw: Any = MISSING
    for each in cls.mro:
        if name in each.namespace:
            raw = each.namespace[name]
            break
    if isinstance(raw, PropertyValue):
        return interp.call(raw.fget, [value], {})
    if isinstance(raw, Instance) and raw.cls.has("__set__"):
        return bind(interp, raw, value, cls)
    own = own_attribute(value, name)
    if own is not MISSING:
        if interp.recorder is not None and isinstance(own, int):
            interp.recorder.numbers_read.add((id(value), name))
        return own
    if raw is not MISSING:
        return bind(interp, raw, value, cls)
    special = _special_of_instance(interp, value, name)
    if special is not MISSING:
        return special
    if isinstance(value, ModuleInstance):
        if name == "__getattr__":
            return BoundMethod(interp.native("torch.nn.Module.__getattr__", _module_getattr), value)
        unread = _without_stub(interp, cls, name)
        if unread is not MISSING:
            return unread
    if name != "__getattr__" and cls.has("__getattr__") and not name.startswith("__"):
        return interp.call(bind(interp, cls.lookup("__getattr__"), value, cls), [name], {})
    return MISSING


def _without_stub(interp: Interpreter, cls: ClassValue, name: str) -> Any:
    """An attribute that PyTorch's layers have and that is not understood; MISSING where they have none of this name."""
    for each in cls.mro:
        if each.is_library and name in interp.library.attribute_names.get(each.qualified, ()):
            return Unknown(f"{each.qualified}.{name} has no stub", interp.here(), of_module=True)
    return MISSING


def own_attribute(value: Instance, name: str) -> Any:
    """What the instance itself holds: attributes, and a module's parameters, buffers and submodules."""
    if name in value.attrs:
        return value.attrs[name]
    if isinstance(value, ModuleInstance):
        if name in value.parameters:
            return value.parameters[name]
        if name in value.buffers:
            return value.buffers[name]
        if name in value.modules:
            return value.modules[name]
    return MISSING


def _special_of_instance(interp: Interpreter, value: Instance, name: str) -> Any:
    if name == "__class__":
        return value.cls
    if name == "__dict__":
        if isinstance(value, ModuleInstance) and not isinstance(value.attrs, ModuleAttributes):
            value.attrs = ModuleAttributes(value)
        return value.attrs
    if isinstance(value, ModuleInstance) and name in ("_parameters", "_buffers", "_modules"):
        return {"_parameters": value.parameters, "_buffers": value.buffers, "_modules": value.modules}[name]
    if value.payload is not None and not isinstance(value.payload, (PropertyValue, BaseException)):
        return _of_plain(interp, value.payload, name)
    if isinstance(value.payload, PropertyValue) and name in ("fget", "fset"):
        return getattr(value.payload, name)
    if value.payload is not None and name == "args":
        return getattr(value.payload, "args", ())
    if name in ("__init__", "__setattr__", "__getattribute__", "__init_subclass__", "__post_init__"):
        return BoundMethod(interp.native(f"object.{name}", _OBJECT_METHODS[name]), value)
    return MISSING


def bind(interp: Interpreter, raw: Any, receiver: Any, cls: ClassValue) -> Any:
    """A class attribute as seen from an instance (`receiver`) or from the class (`receiver` None)."""
    if isinstance(raw, FunctionValue) or (isinstance(raw, NativeFunction) and raw.kind != "static"):
        return raw if receiver is None else BoundMethod(raw, receiver)
    if isinstance(raw, ClassMethod):
        return BoundMethod(raw.function, cls)
    if isinstance(raw, StaticMethod):
        return raw.function
    if isinstance(raw, PropertyValue):
        return raw if receiver is None else interp.call(raw.fget, [receiver], {})
    if isinstance(raw, Instance) and raw.cls.has("__get__"):
        return interp.call(interp.get_attribute(raw, "__get__"), [receiver, cls], {})
    return raw


def _of_class(interp: Interpreter, value: ClassValue, name: str) -> Any:
    if value.enum_members is not None and name in value.enum_members:
        return value.enum_members[name]
    for each in value.mro:
        if name in each.namespace:
            return bind(interp, each.namespace[name], None, value)
    if value.is_library and interp.library.has(f"{value.qualified}.{name}"):
        return interp.library_name(f"{value.qualified}.{name}")
    if name in ("__name__", "__qualname__"):
        return value.name
    if name == "__module__":
        return value.source_module.dotted if value.source_module else value.qualified.rpartition(".")[0]
    if name == "__dict__":
        return value.namespace
    if name == "__mro__":
        return (*value.mro, object)
    if name == "__bases__":
        return tuple(value.bases)
    if name == "__class__":
        return interp.builtin("type")
    if name == "__doc__":
        return None
    if name == "__annotations__":
        return value.annotations
    if name == "__members__" and value.enum_members is not None:
        return value.enum_members
    if name == "_member_map_" and value.enum_members is not None:
        return value.enum_members
    if value.host_base is not None and name in PLAIN_METHODS.get(value.host_base, ()):
        return getattr(value.host_base, name)
    if name in _OBJECT_METHODS:
        return interp.native(f"object.{name}", _OBJECT_METHODS[name])
    if name == "__getattr__" and value.is_module:
        return interp.native("torch.nn.Module.__getattr__", _module_getattr)
    if value.metaclass is not None and value.metaclass.has(name):
        return bind(interp, value.metaclass.lookup(name), value, value.metaclass)
    return _without_stub(interp, value, name) if value.is_module else MISSING


def _of_super(interp: Interpreter, value: SuperValue, name: str) -> Any:
    receiver = value.receiver
    if isinstance(receiver, ClassValue) and receiver.metaclass is not None and value.owner in receiver.metaclass.mro:
        return _of_metaclass(interp, value, name)
    cls = receiver if isinstance(receiver, ClassValue) else receiver.cls
    order = cls.mro
    start = order.index(value.owner) + 1 if value.owner in order else len(order)
    for each in order[start:]:
        if name in each.namespace:
            raw = each.namespace[name]
            if isinstance(receiver, ClassValue) and not isinstance(raw, (ClassMethod, StaticMethod)):
                return BoundMethod(raw, receiver) if name in ("__new__", "__init_subclass__") else raw
            return bind(interp, raw, None if isinstance(receiver, ClassValue) else receiver, cls)
    if isinstance(receiver, Instance) and receiver.payload is not None:
        found = _payload_method(receiver, name)
        if found is not MISSING:
            return found
    if name == "__getattr__" and isinstance(receiver, ModuleInstance):
        return BoundMethod(interp.native("torch.nn.Module.__getattr__", _module_getattr), receiver)
    if name in _OBJECT_METHODS:
        return BoundMethod(interp.native(f"object.{name}", _OBJECT_METHODS[name]), receiver)
    return MISSING


def _module_getattr(interp: Interpreter, receiver: ModuleInstance, name: str) -> Any:
    """`nn.Module.__getattr__`, which subclasses with one of their own ask first."""
    found = own_attribute(receiver, name)
    if found is MISSING:
        error = AttributeError(f"'{receiver.cls.name}' object has no attribute '{name}'")
        raise RaisedError(error, interp.here(), explicit=False)
    return found


def _of_metaclass(interp: Interpreter, value: SuperValue, name: str) -> Any:
    """`super()` in a method of a metaclass, whose receiver is a class."""
    order = value.receiver.metaclass.mro
    for each in order[order.index(value.owner) + 1 :]:
        if name in each.namespace:
            return bind(interp, each.namespace[name], value.receiver, value.receiver.metaclass)
    return MISSING


def _payload_method(receiver: Instance, name: str) -> Any:
    allowed = {"__getitem__", "__setitem__", "__contains__", "__len__", "__iter__", "__delitem__", "__eq__", "__str__"}
    if name in allowed or name in PLAIN_METHODS.get(type(receiver.payload), ()):
        return getattr(receiver.payload, name, MISSING)
    if name == "__init__":
        return lambda *args, **kwargs: initialise_payload(receiver, args, kwargs)
    return MISSING


def initialise_payload(receiver: Instance, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """`super().__init__(…)` of a class derived from a Python container or exception."""
    payload = receiver.payload
    if isinstance(payload, dict):
        payload.update(*args, **kwargs)
    elif isinstance(payload, list) and args:
        payload[:] = list(args[0])
    elif isinstance(payload, BaseException):
        payload.args = args


def _object_init(interp: Interpreter, receiver: Any, *args: Any, **kwargs: Any) -> None:
    return None


def _object_setattr(interp: Interpreter, receiver: Any, name: str, value: Any) -> None:
    interp.raw_set_attribute(receiver, name, value)


def _plain_setattr(interp: Interpreter, receiver: Any, name: str, value: Any) -> None:
    """`object.__setattr__(module, …)`: past the registries of a module."""
    if isinstance(receiver, ModuleInstance):
        interp.twins.written(receiver)
        receiver.attrs[name] = value
    else:
        interp.raw_set_attribute(receiver, name, value)


def _object_getattribute(interp: Interpreter, receiver: Any, name: str) -> Any:
    found = raw_attribute(interp, receiver, name) if isinstance(receiver, Instance) else MISSING
    if found is MISSING:
        raise RaisedError(AttributeError(name), interp.here(), explicit=False)
    return found


def _object_new(interp: Interpreter, receiver: Any, *args: Any, **kwargs: Any) -> Any:
    cls = args[0] if args and isinstance(args[0], ClassValue) else receiver
    return interp.allocate(cls, list(args[1:]), kwargs)


_OBJECT_METHODS: dict[str, Callable[..., Any]] = {
    "__init__": _object_init,
    "__post_init__": _object_init,
    "__init_subclass__": _object_init,
    "__setattr__": _object_setattr,
    "__getattribute__": _object_getattribute,
    "__new__": _object_new,
    "__enter__": lambda interp, receiver: receiver,
    "__exit__": _object_init,
}


def _of_function(interp: Interpreter, value: FunctionValue | NativeFunction, name: str) -> Any:
    if name in value.attrs:
        return value.attrs[name]
    if name in ("__name__", "__qualname__"):
        return value.name.rpartition(".")[2]
    if name == "__module__":
        return value.module.dotted if isinstance(value, FunctionValue) else value.name.rpartition(".")[0]
    if name == "__defaults__" and isinstance(value, FunctionValue):
        return tuple(value.defaults) or None
    if name in ("__doc__", "__annotations__", "__wrapped__"):
        return MISSING if name == "__wrapped__" else None
    if name == "__get__":
        return lambda receiver, cls=None: BoundMethod(value, receiver)
    if isinstance(value, NativeFunction) and interp.library.has(f"{value.name}.{name}"):
        return interp.library_name(f"{value.name}.{name}")
    return MISSING


def _of_bound(interp: Interpreter, value: BoundMethod, name: str) -> Any:
    if name == "__self__":
        return value.receiver
    if name == "__func__":
        return value.function
    return find_attribute(interp, value.function, name)


def _of_source_module(interp: Interpreter, value: SourceModule, name: str) -> Any:
    try:
        return value.lookup(name)
    except KeyError:
        return MISSING


def _of_library_module(interp: Interpreter, value: LibraryModule, name: str) -> Any:
    return interp.library_name(f"{value.dotted}.{name}")


def _of_tensor(interp: Interpreter, value: Tensor, name: str) -> Any:
    if value.attrs and name in value.attrs:
        return value.attrs[name]
    return interp.tensor_attribute(value, name)


def _of_unknown(interp: Interpreter, value: Unknown, name: str) -> Any:
    return value


def _of_dtype(interp: Interpreter, value: DType, name: str) -> Any:
    if name in ("is_floating_point", "name"):
        return getattr(value, name)
    if name == "is_complex":
        return "complex" in value.name
    if name == "itemsize":
        return interp.library_name("torch._itemsize")(value)
    return MISSING


def _of_device(interp: Interpreter, value: Device, name: str) -> Any:
    return {"type": value.type, "index": None}.get(name, MISSING)


def _of_property(interp: Interpreter, value: PropertyValue, name: str) -> Any:
    if name == "setter":
        return lambda function: PropertyValue(value.fget, function)
    if name == "getter":
        return lambda function: PropertyValue(function, value.fset)
    if name == "__set__":
        return lambda receiver, new: interp.call(value.fset, [receiver, new], {})
    if name == "__get__":
        return lambda receiver, owner=None: interp.call(value.fget, [receiver], {})
    return {"fget": value.fget, "fset": value.fset}.get(name, MISSING)


def _of_plain(interp: Interpreter, value: Any, name: str) -> Any:
    if name in PLAIN_METHODS.get(type(value), ()):
        return getattr(value, name)
    found = interp.host_attribute(value, name)
    if found is not MISSING:
        return found
    if name == "__class__":
        return interp.type_of(value)
    if isinstance(value, BaseException) and name == "args":
        return value.args
    if isinstance(value, OrderedDict) and name in vars(value):
        return vars(value)[name]
    if value is object and name in _OBJECT_METHODS:
        return interp.native(f"object.{name}", _plain_setattr if name == "__setattr__" else _OBJECT_METHODS[name])
    if isinstance(value, type) and name in ("__name__", "__qualname__"):
        return value.__name__
    if isinstance(value, type) and name == "fromkeys" and issubclass(value, dict):
        return value.fromkeys
    if isinstance(value, type) and issubclass(value, dict) and name in DICT_METHODS:
        return interp.native(f"{value.__name__}.{name}", DICT_METHODS[name])
    if name in BY_OPERATOR and (isinstance(value, (*CONTAINERS, Iterator)) or value in CONTAINERS):
        return special_method(interp, value, name)
    if isinstance(value, type) and name in PLAIN_METHODS.get(value, ()):
        return getattr(value, name)
    return MISSING


_RULES: dict[type, Any] = {
    ClassValue: _of_class,
    SuperValue: _of_super,
    FunctionValue: _of_function,
    NativeFunction: _of_function,
    BoundMethod: _of_bound,
    SourceModule: _of_source_module,
    LibraryModule: _of_library_module,
    Tensor: _of_tensor,
    Unknown: _of_unknown,
    DType: _of_dtype,
    Device: _of_device,
    PropertyValue: _of_property,
}
