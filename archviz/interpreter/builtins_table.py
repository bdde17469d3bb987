"""Python's builtins as the interpreted program sees them: bounded, and without a way to the host."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from archviz.interpreter.attributes import MISSING, find_attribute
from archviz.interpreter.bounds import CHAIN_STEPS, is_iterator, weigh
from archviz.interpreter.control import BudgetSpentError, RaisedError, UnsupportedError
from archviz.interpreter.texts import text_of
from archviz.interpreter.values import (
    BoundMethod,
    ClassMethod,
    ClassValue,
    FunctionValue,
    Instance,
    ModuleInstance,
    NativeFunction,
    PropertyValue,
    StaticMethod,
    SuperValue,
    Tensor,
    Unknown,
)

if TYPE_CHECKING:
    from archviz.interpreter.machine import Interpreter

BUILTINS: dict[str, Any] = {
    name: getattr(builtins, name)
    for name in (
        "int", "float", "bool", "complex", "frozenset", "slice", "object", "property", "NotImplemented", "Ellipsis",
    )
}  # fmt: skip
BUILTINS.update(
    {
        name: value
        for name, value in vars(builtins).items()
        if isinstance(value, type) and issubclass(value, BaseException)
    }
)
BUILTINS["list"], BUILTINS["tuple"], BUILTINS["set"], BUILTINS["dict"] = list, tuple, set, dict
BUILTINS["str"], BUILTINS["bytes"], BUILTINS["range"] = str, bytes, range
BUILTINS["__debug__"] = False
NATIVE: dict[str, Callable[..., Any]] = {}


def builtin(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a builtin function `run(interpreter, …)`."""

    def register(run: Callable[..., Any]) -> Callable[..., Any]:
        NATIVE[name] = run
        return run

    return register


for _run in (chr, divmod, hex, ord, bin, oct):
    NATIVE[_run.__name__] = lambda interp, *args, _run=_run: _run(*args)


@builtin("abs")
def _abs(interp: Interpreter, value: Any) -> Any:
    if isinstance(value, Tensor):
        return interp.op("torch.abs", value)
    if isinstance(value, Instance) and value.cls.has("__abs__"):
        return interp.call(interp.get_attribute(value, "__abs__"), [], {})
    return value if isinstance(value, Unknown) else abs(value)


@builtin("len")
def _len(interp: Interpreter, value: Any) -> Any:
    if isinstance(value, Unknown):
        return value
    if isinstance(value, Tensor):
        return value.shape[0] if value.shape else Unknown("length of a tensor of unknown shape", interp.here())
    if value is None:
        raise interp.fault(TypeError("object of type 'NoneType' has no len()"), value)
    return len(value)


@builtin("print")
def _print(interp: Interpreter, *args: Any, **kwargs: Any) -> None:
    return None


@builtin("isinstance")
def _isinstance(interp: Interpreter, value: Any, classes: Any) -> Any:
    return interp.is_instance(value, classes)


@builtin("issubclass")
def _issubclass(interp: Interpreter, value: Any, classes: Any) -> Any:
    if isinstance(classes, tuple):
        return any(_issubclass(interp, value, each) is True for each in classes)
    if isinstance(value, ClassValue) and isinstance(classes, ClassValue):
        return value.issubclass(classes)
    if isinstance(value, ClassValue) and isinstance(classes, type):
        return classes is object or (value.host_base is not None and issubclass(value.host_base, classes))
    return isinstance(value, type) and isinstance(classes, type) and issubclass(value, classes)


@builtin("callable")
def _callable(interp: Interpreter, value: Any) -> Any:
    if isinstance(value, Unknown):
        return value
    if isinstance(value, Instance):
        return isinstance(value, ModuleInstance) or value.cls.has("__call__")
    return callable(value)


def _check_name(name: Any) -> None:
    """Refuse what is no name of an attribute, as Python does."""
    if isinstance(name, Unknown):
        raise UnsupportedError(f"an attribute whose name is {name.reason}", name.at)
    if not isinstance(name, str):
        raise TypeError(f"attribute name must be string, not '{type(name).__name__}'")


@builtin("getattr")
def _getattr(interp: Interpreter, value: Any, name: str, *default: Any) -> Any:
    if isinstance(name, Unknown):
        return name
    _check_name(name)
    try:
        with interp.guarded():
            found = find_attribute(interp, value, name)
    except RaisedError as error:
        if not default or not isinstance(error.value, AttributeError):
            raise
        return default[0]
    if found is not MISSING:
        return found
    if default:
        return default[0]
    return interp.get_attribute(value, name)


@builtin("hasattr")
def _hasattr(interp: Interpreter, value: Any, name: str) -> Any:
    if isinstance(value, Unknown) or isinstance(name, Unknown):
        return value if isinstance(value, Unknown) else name
    _check_name(name)
    try:
        with interp.guarded():
            return find_attribute(interp, value, name) is not MISSING
    except RaisedError as error:
        if isinstance(error.value, AttributeError):
            return False
        raise


@builtin("setattr")
def _setattr(interp: Interpreter, value: Any, name: str, new: Any) -> None:
    _check_name(name)
    interp.set_attribute(value, name, new)


@builtin("delattr")
def _delattr(interp: Interpreter, value: Any, name: str) -> None:
    _check_name(name)
    interp.delete_attribute(value, name)


@builtin("type")
def _type(interp: Interpreter, value: Any, *rest: Any, **keywords: Any) -> Any:
    if len(rest) == 2:  # a class by call: name, bases, namespace
        return interp.type_by_call(value, tuple(rest[0]), rest[1], **keywords)
    return interp.type_of(value)


@builtin("super")
def _super(interp: Interpreter, owner: ClassValue, receiver: Any = None) -> SuperValue:
    return SuperValue(owner, receiver)


@builtin("vars")
def _vars(interp: Interpreter, value: Any) -> Any:
    return interp.get_attribute(value, "__dict__")


@builtin("dir")
def _dir(interp: Interpreter, value: Any) -> list[str]:
    cls = value.cls if isinstance(value, Instance) else value
    names = set(value.attrs) if isinstance(value, Instance) else set()
    for each in getattr(cls, "mro", ()):
        names.update(each.namespace)
    return sorted(names)


@builtin("id")
def _id(interp: Interpreter, value: Any) -> int:
    return interp.identity(value)


@builtin("hash")
def _hash(interp: Interpreter, value: Any) -> int:
    weigh(interp, value)
    return hash(value)


@builtin("repr")
def _repr(interp: Interpreter, value: Any) -> Any:
    weigh(interp, value)
    text = value if isinstance(value, Unknown) else text_of(interp, value, is_repr=True)
    return text if isinstance(text, Unknown) else interp.bounded_text(text)


@builtin("format")
def _format(interp: Interpreter, value: Any, spec: str = "") -> Any:
    return interp.format_value(value, spec, -1)


@builtin("iter")
def _iter(interp: Interpreter, value: Any) -> Iterator[Any]:
    return value if is_iterator(value) else iter(_elements_of(interp, value))


@builtin("next")
def _next(interp: Interpreter, value: Any, *default: Any) -> Any:
    if isinstance(value, (Unknown, Tensor)):
        return value
    interp.advanced(value)
    return next(value, *default)


@builtin("enumerate")
def _enumerate(interp: Interpreter, value: Any, start: int = 0) -> Any:
    return enumerate(_elements_of(interp, value), start)


@builtin("zip")
def _zip(interp: Interpreter, *values: Any, strict: bool = False) -> Any:
    return zip(*(_elements_of(interp, value) for value in values), strict=strict)


@builtin("map")
def _map(interp: Interpreter, function: Any, *values: Any) -> Any:
    return map(lambda *args: interp.call(function, list(args), {}), *(_elements_of(interp, value) for value in values))


def _elements_of(interp: Interpreter, value: Any) -> Iterator[Any]:
    """The elements for a lazy function; one over another iterator costs more, as it stays on the host's stack."""
    if is_iterator(value):
        interp.spend(CHAIN_STEPS)
    return interp.iterate(value)


@builtin("filter")
def _filter(interp: Interpreter, function: Any, values: Any) -> Any:

    def passes(each: Any) -> bool:
        return interp.truth(each if function is None else interp.call(function, [each], {}))

    return (each for each in _elements_of(interp, values) if passes(each))


@builtin("reversed")
def _reversed(interp: Interpreter, value: Any) -> Any:
    return iter(list(interp.iterate(value))[::-1])


@builtin("sorted")
def _sorted(interp: Interpreter, value: Any, *, key: Any = None, reverse: bool = False) -> Any:
    values = list(interp.iterate(value))
    weigh(interp, values)
    keys = values if key is None else [interp.call(key, [each], {}) for each in values]
    unknown = next((each for each in keys if isinstance(each, (Unknown, Tensor))), None)
    if unknown is not None:
        return unknown if isinstance(unknown, Unknown) else Unknown("an order by tensors", interp.here())
    weigh(interp, keys)
    order = sorted(range(len(values)), key=keys.__getitem__, reverse=bool(reverse))
    return [values[place] for place in order]


@builtin("sum")
def _sum(interp: Interpreter, value: Any, start: Any = 0) -> Any:
    total = start
    for each in interp.iterate(value):
        total = interp.binary(_ADD, total, each)
    return total


@builtin("any")
def _any(interp: Interpreter, value: Any) -> Any:
    return _quantifier(interp, value, stop_at=True)


@builtin("all")
def _all(interp: Interpreter, value: Any) -> Any:
    return _quantifier(interp, value, stop_at=False)


def _quantifier(interp: Interpreter, value: Any, *, stop_at: bool) -> Any:
    unknown = value if isinstance(value, Unknown) else None
    for each in () if unknown else interp.iterate(value):
        if isinstance(each, Unknown):
            unknown = each
        elif interp.truth(each) is stop_at:
            return stop_at
    return unknown or (not stop_at)


def _extreme(name: str) -> Callable[..., Any]:
    host = getattr(builtins, name)

    def run(interp: Interpreter, *args: Any, key: Any = None, default: Any = MISSING) -> Any:
        values = list(interp.iterate(args[0])) if len(args) == 1 else list(args)
        unknown = next((each for each in values if isinstance(each, (Unknown, Tensor))), None)
        if unknown is not None:
            return unknown
        weigh(interp, values)
        if key is None or not values:
            return host(values) if default is MISSING else host(values, default=default)
        keys = [interp.call(key, [each], {}) for each in values]
        unknown = next((each for each in keys if isinstance(each, (Unknown, Tensor))), None)
        return unknown if unknown is not None else values[host(range(len(values)), key=keys.__getitem__)]

    return run


NATIVE["max"], NATIVE["min"] = _extreme("max"), _extreme("min")


@builtin("round")
def _round(interp: Interpreter, value: Any, digits: Any = None) -> Any:
    if isinstance(digits, int) and abs(digits) > 1000:
        raise BudgetSpentError(f"rounding to {digits} digits", interp.here())
    return value if isinstance(value, (Unknown, Tensor)) else round(value, digits)


@builtin("pow")
def _pow(interp: Interpreter, base: Any, exponent: Any, modulus: Any = None) -> Any:
    return interp.binary(_POW, base, exponent) if modulus is None else pow(base, exponent, modulus)


@builtin("staticmethod")
def _staticmethod(interp: Interpreter, function: Any) -> StaticMethod:
    return StaticMethod(function)


@builtin("classmethod")
def _classmethod(interp: Interpreter, function: Any) -> ClassMethod:
    return ClassMethod(function)


@builtin("globals")
def _globals(interp: Interpreter) -> dict[str, Any]:
    return interp.frame.module.whole_namespace()


@builtin("locals")
def _locals(interp: Interpreter) -> dict[str, Any]:
    return dict(interp.frame.names)


def _refused(name: str) -> Callable[..., Any]:
    def run(interp: Interpreter, *args: Any, **kwargs: Any) -> Unknown:
        interp.gap(f"{name}() is never run")
        return Unknown(f"{name}() is never run", interp.here())

    return run


REFUSED = ("exec", "eval", "compile", "open", "input", "__import__", "breakpoint", "memoryview", "exit", "quit")
for _name in REFUSED:
    NATIVE[_name] = _refused(_name)


def make_property(fget: Any, fset: Any = None) -> PropertyValue:
    """`property(...)` of the interpreted program."""
    return PropertyValue(fget, fset)


def is_callable_value(value: object) -> bool:
    return isinstance(value, (FunctionValue, NativeFunction, BoundMethod, ClassValue))


import ast as _ast  # noqa: E402 - only for the two operator keys below

_ADD, _POW = _ast.Add, _ast.Pow
