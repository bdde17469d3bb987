"""The numbers that a dtype can hold: floating point is rounded as it is stored, integers wrap around.

Sums, products and quotients of two float32 computed in float64 and then rounded are what float32 arithmetic gives: float64 has more
than twice its digits.

Source: https://docs.pytorch.org/docs/stable/tensor_attributes.html#torch.dtype; C casts of integers keep the lowest bits.
"""

from __future__ import annotations

import math
from array import array
from typing import Any

from archviz.interpreter.sizes import Size

_INTEGER_BITS = {"int8": 8, "int16": 16, "int32": 32, "int64": 64, "uint8": 8, "uint16": 16, "uint32": 32, "uint64": 64}
_DIGITS = {"float32": (24, -149, 128), "bfloat16": (8, -133, 128), "float16": (11, -24, 16)}
"""Dtype → its binary digits, the exponent of its smallest number, the exponent that it does not reach."""
_FLOATS = {float}
_INTEGERS = frozenset({int, bool, Size})


def held(dtype: str, data: list[Any] | None) -> list[Any] | None:
    """Numbers as a tensor of a dtype holds them; None where that is not known.

    Numbers that need no change stay the objects they are: a size remembers where it comes from.

    >>> held("float32", [0.1, 3]), held("int8", [210, 2.7]), held("float16", [1e9])
    ([0.10000000149011612, 3], [-46, 2], [inf])
    """
    if not data:
        return data
    kinds = set(map(type, data))
    if dtype in _DIGITS:
        return _all_rounded(dtype, data) if kinds == _FLOATS else [_rounded(each, *_DIGITS[dtype]) for each in data]
    if dtype in _INTEGER_BITS:
        bits = _INTEGER_BITS[dtype]
        low = 0 if dtype.startswith("u") else -(1 << bits - 1)
        if kinds <= _INTEGERS and min(data) >= low and max(data) < low + (1 << bits):
            return data
        return _wrapped(data, low, bits)
    return None if dtype.startswith("float8") else data


def _all_rounded(dtype: str, data: list[float]) -> list[float]:
    """Numbers with a point as a dtype holds them; most lists repeat one, or need no change."""
    first = data[0]
    if data.count(first) == len(data):
        one = _rounded(first, *_DIGITS[dtype])
        return data if one == first else [one] * len(data)
    rounded = array("f", data).tolist() if dtype == "float32" else [_rounded(each, *_DIGITS[dtype]) for each in data]
    return data if rounded == data else rounded


def _rounded(value: Any, digits: int, smallest: int, largest: int) -> Any:
    """The nearest number of so many binary digits, the even one of two."""
    if not isinstance(value, (int, float)) or value == 0:
        return value
    if isinstance(value, float) and not math.isfinite(value):
        return value
    if abs(value) >= 1 << largest:
        return math.inf if value > 0 else -math.inf
    exponent = max(math.frexp(value)[1] - digits, smallest)
    nearest = math.ldexp(round(math.ldexp(float(value), -exponent)), exponent)
    if math.frexp(nearest)[1] > largest:
        return math.copysign(math.inf, value)
    return value if nearest == value else nearest


def _wrapped(data: list[Any], low: int, bits: int) -> list[Any] | None:
    """Integers of so many bits from the lowest on; None where a number that is none has no integer."""
    high = low + (1 << bits) - 1
    numbers = []
    for each in data:
        if each.__class__ is float:
            if not low <= each <= high:  # what a cast gives there is not defined
                return None
            each = int(each)
        fits = not isinstance(each, int) or low <= each <= high
        numbers.append(each if fits else (each - low) % (1 << bits) + low)
    return numbers


__all__ = ["held"]
