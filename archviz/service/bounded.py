"""A table that holds at most so many values, of at most so many bytes in all; those used last stay."""

from __future__ import annotations

import gc
import sys
from collections import OrderedDict
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Generic, TypeVar

_OF_THE_PROGRAM = (type, ModuleType, FunctionType, BuiltinFunctionType, MethodType)
_K = TypeVar("_K")
_V = TypeVar("_V")


class Bounded(Generic[_K, _V]):
    """The table.

    Args:
        most: Values.
        most_bytes: Of all of them; one that is larger on its own is not held.
    """

    def __init__(self, most: int, most_bytes: int) -> None:
        self.most, self.most_bytes = most, most_bytes
        self._held: OrderedDict[_K, tuple[_V, int]] = OrderedDict()
        self._bytes = 0

    def get(self, key: _K) -> _V | None:
        """The value, which counts as used now."""
        if key not in self._held:
            return None
        self._held.move_to_end(key)
        return self._held[key][0]

    def put(self, key: _K, value: _V, weight: int) -> None:
        """Hold a value of so many bytes; what was used longest ago goes where it is too much."""
        self._drop(key)
        if weight > self.most_bytes:
            return
        self._held[key] = value, weight
        self._bytes += weight
        while len(self._held) > self.most or self._bytes > self.most_bytes:
            self._drop(next(iter(self._held)))

    def _drop(self, key: _K) -> None:
        if key in self._held:
            self._bytes -= self._held.pop(key)[1]

    def newest_first(self) -> list[_K]:
        """The keys, that of the value used last first."""
        return list(reversed(self._held))


def weight_of(value: object, most: int) -> int:
    """Bytes of a value with all that it holds, counted until they are more than `most`; classes, modules and functions weigh nothing.

    >>> weight_of("x" * 1_000, 100_000) - weight_of("", 100_000)
    1000
    """
    seen: set[int] = set()
    rest, weight = [value], 0
    while rest and weight <= most:
        each = rest.pop()
        if id(each) not in seen and not isinstance(each, _OF_THE_PROGRAM):
            seen.add(id(each))
            weight += sys.getsizeof(each)
            rest.extend(gc.get_referents(each))
    return weight
