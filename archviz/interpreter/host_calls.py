"""Calls of plain Python types and of methods of plain values, within bounds."""

from __future__ import annotations

from collections import OrderedDict
from types import BuiltinMethodType
from typing import TYPE_CHECKING, Any

from archviz.interpreter import bounds
from archviz.interpreter.followed import CONTAINERS, READING
from archviz.interpreter.plain_methods import VIEW_TYPES
from archviz.interpreter.sizes import Fraction, Size
from archviz.interpreter.texts import text_of
from archviz.interpreter.values import Instance, PropertyValue, Tensor, Unknown
from archviz.interpreter.watched import plain

if TYPE_CHECKING:
    from archviz.interpreter.operators import Operators

_METHOD = BuiltinMethodType
_BY_KEY = frozenset({"get", "pop", "setdefault"})


def call_host(interp: Operators, function: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """Call a plain Python type or a method of a plain value."""
    if function.__class__ is _METHOD and function.__name__ == "append" and function.__self__.__class__ is list:
        if len(args) == 1 and not kwargs:
            return _append(interp, function.__self__, args[0])
    if function.__class__ is _METHOD and function.__self__.__class__ is dict and function.__name__ in _BY_KEY:
        if args and not kwargs and args[0].__class__ is str:
            return _by_key(interp, function, args)
    if not callable(function):
        raise TypeError(f"'{type(function).__name__}' object is not callable")
    if interp.region is not None:
        args = [plain(each) for each in args]
        kwargs = {name: plain(each) for name, each in kwargs.items()}
    unknown = _first_unknown(args)
    receiver = getattr(function, "__self__", None)
    if unknown is not None and not isinstance(receiver, (list, dict, set)):
        is_error = isinstance(function, type) and issubclass(
            function, BaseException
        )  # it is raised, whatever its words
        return function(*args) if is_error else unknown
    if function is property:
        return PropertyValue(*args[:2])
    if getattr(function, "__name__", "") == "format" and isinstance(
        args[0] if receiver is None and args else receiver, str
    ):
        text, values = (args[0], args[1:]) if receiver is None else (receiver, args)
        return bounds.format_text(interp, text, values, kwargs)
    try:
        receiver, args = bounds.host_call(interp, function, args, kwargs)
    except bounds.RefusedPatternError as error:
        return Unknown(f"a regular expression: {error}", interp.here())
    if isinstance(receiver, CONTAINERS) and function.__name__ not in READING:
        interp.twins.changed(receiver)
    if function in (list, tuple, set, frozenset, dict, OrderedDict) and args:
        args = [_materialised(interp, args[0]), *args[1:]]
    elif function in (int, float, str, bool) and args and isinstance(args[0], (Tensor, Instance)):
        return _converted(interp, function, args[0])
    if function is str and len(args) == 1 and args[0].__class__ is not str:
        return text_of(interp, args[0])
    if function is int and len(args) == 1 and args[0].__class__ is Size:
        return args[0]
    if function is int and len(args) == 1 and isinstance(args[0], Fraction):
        return args[0].whole
    result = function(*args, **kwargs)
    if interp.recorder is not None and isinstance(function, type):
        interp.recorder.made(result)
    return result if interp.region is None else interp.region.made(result)


def _first_unknown(args: list[Any]) -> Unknown | None:
    for each in args:  # a generator would take twice as long
        if each.__class__ is Unknown:
            found: Unknown = each
            return found
    return None


def _by_key(interp: Operators, function: Any, args: list[Any]) -> Any:
    """`values.get(key, …)` of a dict, with text for a key: there is nothing to check."""
    if function.__name__ not in READING:
        interp.twins.changed(function.__self__)
    if interp.region is None:
        return function(*args)
    return interp.region.made(function(*[plain(each) for each in args]))


def _append(interp: Operators, receiver: list[Any], value: Any) -> None:
    """`receiver.append(value)` of a list: by far the most frequent method, and nothing to check."""
    interp.twins.changed(receiver)
    receiver.append(plain(value))


def _materialised(interp: Operators, value: Any) -> Any:
    if isinstance(value, (dict, *VIEW_TYPES)):
        return value
    if isinstance(value, Instance) and isinstance(value.payload, dict) and not value.cls.has("__iter__"):
        return value.payload
    if isinstance(value, Instance) and value.cls.has("keys") and value.cls.has("__getitem__"):
        return {key: value[key] for key in interp.iterate(interp.call(interp.get_attribute(value, "keys"), [], {}))}
    return list(interp.iterate(value))


def _converted(interp: Operators, function: Any, value: Tensor | Instance) -> Any:
    if isinstance(value, Instance):
        if function is str:
            return text_of(interp, value)
        if function is bool:
            return interp.truth(value)
        special = value.special(f"__{function.__name__}__")
        return special() if special else function(value.payload)
    if function is str:
        return text_of(interp, value)
    item = interp.op("torch.Tensor.item", value)
    return item if isinstance(item, Unknown) else function(item)
