"""Which dtype a mixed operation has.  Source: c10/core/ScalarType.cpp and aten/src/ATen/native/TypeProperties.cpp."""

from __future__ import annotations

from typing import Any

from archviz.interpreter.values import DEFAULT_FLOAT, Tensor

_INTEGERS = ("bool", "uint8", "int8", "int16", "int32", "int64")
_FLOATS = ("float8_e4m3fn", "float16", "bfloat16", "float32", "float64")
_RANK = (*_INTEGERS, *_FLOATS, "complex64", "complex128")
_NUMBERS: dict[type, str] = {bool: "bool", int: "int64", float: "float32", complex: "complex64"}


def is_inexact(dtype: str) -> bool:
    """Whether a dtype, by name, is of floating point or complex."""
    return "float" in dtype or "complex" in dtype


def promoted(*operands: Any) -> str:
    """The dtype of a mixed operation: tensors with axes decide, then those of one number, then Python numbers, each only if of a higher kind.

    >>> promoted(Tensor((3,), "float16"), Tensor((), "float32"), 2.0)
    'float16'
    """
    if len(operands) == 2 and isinstance(operands[0], Tensor) and isinstance(operands[1], Tensor):
        one, other = operands[0].dtype, operands[1].dtype
        if one == other:  # nearly always
            return other if one is DEFAULT_FLOAT else one
    found: list[str | None] = [None, None, None]
    for each in operands:
        if isinstance(each, Tensor):
            place, dtype = 0 if each.shape is None or each.shape else 1, each.dtype
        else:
            place, dtype = 2, _number_dtype(each)
        known = found[place]
        found[place] = dtype if known is None else common(known, dtype)
    axes, single, plain = found
    return _over(axes, _over(single, plain)) or "float32"


def _number_dtype(value: Any) -> str:
    return next((dtype for kind, dtype in _NUMBERS.items() if isinstance(value, kind)), "int64")


def _over(higher: str | None, lower: str | None) -> str | None:
    """The dtype of a group of operands over that of one that counts less."""
    if higher is None or lower is None or higher == lower:
        return lower if higher is None else higher
    return common(higher, lower) if _kind(lower) > _kind(higher) else higher


def _kind(dtype: str) -> int:
    """0 for truth values, then integers, floating point, complex."""
    if "complex" in dtype:
        return 3
    return 2 if "float" in dtype else int(dtype != "bool")


def common(first: str, second: str) -> str:
    """`torch.promote_types` of two dtypes, by name."""
    if first == second or first not in _RANK or second not in _RANK:
        return first
    pair = {first, second}
    if pair == {"float16", "bfloat16"}:
        return "float32"
    if pair == {"uint8", "int8"}:
        return "int16"
    if "complex64" in pair and "float64" in pair:
        return "complex128"
    return max(first, second, key=_RANK.index)
