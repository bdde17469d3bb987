"""Methods with two underscores of plain Python values: containers answer them by the interpreter's own operators."""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from archviz.interpreter.values import BoundMethod, Instance

if TYPE_CHECKING:
    from archviz.interpreter.machine import Interpreter

VIEW_TYPES: tuple[type, ...] = (type({}.keys()), type({}.values()), type({}.items()))
CONTAINERS: tuple[type, ...] = (list, tuple, dict, set, frozenset, str, range, deque, *VIEW_TYPES)
BY_OPERATOR: dict[str, Callable[..., Any]] = {
    "__len__": lambda interp, value: len(value),
    "__iter__": lambda interp, value: interp.call(interp.builtin("iter"), [value], {}),
    "__next__": lambda interp, value: interp.call(interp.builtin("next"), [value], {}),
    "__contains__": lambda interp, value, item: interp.compare(ast.In, item, value),
    "__getitem__": lambda interp, value, index: interp.get_item(value, index),
    "__setitem__": lambda interp, value, index, new: interp.set_item(value, index, new),
    "__delitem__": lambda interp, value, index: interp.delete_item(value, index),
    "__add__": lambda interp, value, other: interp.binary(ast.Add, value, other),
}


def special_method(interp: Interpreter, value: Any, name: str) -> Any:
    """`values.__len__`, and `list.__getitem__` of a class whose instances hold a list."""
    method = interp.native(f"{type(value).__name__}.{name}", BY_OPERATOR[name])
    if not isinstance(value, type):
        return BoundMethod(method, value)
    run = BY_OPERATOR[name]
    return interp.native(
        f"{value.__name__}.{name}",
        lambda interp, receiver, *args: run(
            interp, receiver.payload if isinstance(receiver, Instance) else receiver, *args
        ),
    )


def _held(receiver: Any) -> Any:
    """The dict that a method of `dict` works on: an object's own, where its class is derived from `dict`."""
    return receiver.payload if isinstance(receiver, Instance) else receiver


DICT_METHODS: dict[str, Callable[..., Any]] = {  # so that `__getattr__ = dict.get` becomes a method
    "get": lambda interp, receiver, *args: interp.call(_held(receiver).get, list(args), {}),
    "__getitem__": lambda interp, receiver, key: interp.get_item(_held(receiver), key),
    "__setitem__": lambda interp, receiver, key, value: interp.set_item(_held(receiver), key, value),
    "__delitem__": lambda interp, receiver, key: interp.delete_item(_held(receiver), key),
    "__contains__": lambda interp, receiver, key: key in _held(receiver),
}


def is_plain(value: Any) -> bool:
    """Whether a value is Python's own number, text or container."""
    return isinstance(value, (int, float, str, set, frozenset, dict, list, tuple, bytes, *VIEW_TYPES))
