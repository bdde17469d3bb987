"""What `isinstance` answers for abstract classes of the library: by what a value is, for it was never registered with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from archviz.interpreter.values import DType

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
