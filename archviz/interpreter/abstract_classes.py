"""What `isinstance` answers for abstract classes of the library: by what a value is, for it was never registered with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from archviz.interpreter.values import DType, Instance, ModuleInstance

ABSTRACT: dict[str, Any] = {
    "collections.abc.Mapping": lambda value: isinstance(value, dict),
    "collections.abc.MutableMapping": lambda value: isinstance(value, dict),
    "collections.abc.Iterable": lambda value: isinstance(value, Iterable),
    "collections.abc.Sequence": lambda value: isinstance(value, (list, tuple, str, range)),
    "collections.abc.Callable": callable,
    "collections.abc.Hashable": lambda value: not isinstance(value, (list, dict, set)),
    "collections.abc.Iterator": lambda value: isinstance(value, Iterator),
    "collections.abc.Generator": lambda value: hasattr(type(value), "send"),
    "collections.abc.Sized": lambda value: hasattr(type(value), "__len__"),
    "numbers.Number": lambda value: isinstance(value, (int, float, complex)),
    "numbers.Integral": lambda value: isinstance(value, int),
    "numbers.Real": lambda value: isinstance(value, (int, float)),
    "torch.dtype": lambda value: isinstance(value, DType),
    "torch.Size": lambda value: isinstance(value, tuple),
}
ABSTRACT.update(
    {f"typing.{name.rpartition('.')[2]}": check for name, check in ABSTRACT.items() if name.startswith("collections.")}
)
_BY_METHOD = {
    "Iterable": "__iter__",
    "Iterator": "__next__",
    "Sized": "__len__",
    "Container": "__contains__",
    "Callable": "__call__",
}


def is_like(value: Instance, qualified: str) -> bool:
    """Whether an object of an interpreted class counts as one of an abstract class: by its methods, or by the dict or list that it is."""
    if not qualified.startswith(("collections.abc.", "typing.", "numbers.")):
        return False
    name = qualified.rpartition(".")[2]
    if name == "Hashable":
        return not isinstance(value.payload, (dict, list, set))
    if name == "Callable" and isinstance(value, ModuleInstance):
        return True
    if name in _BY_METHOD and value.cls.has(_BY_METHOD[name]):
        return True
    check = ABSTRACT.get(qualified)
    return value.payload is not None and check is not None and name != "Callable" and bool(check(value.payload))
