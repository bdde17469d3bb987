"""Data types of weights and caches: their names and how many bits one number takes."""

from __future__ import annotations

from archviz.errors import UsageError

BITS = {
    "float64": 64, "float32": 32, "bfloat16": 16, "float16": 16, "float8_e4m3fn": 8, "float8_e5m2": 8, "float8_e8m0fnu": 8,
    "int64": 64, "int32": 32, "int16": 16, "int8": 8, "uint8": 8, "int4": 4, "float4": 4, "bool": 8,
}  # fmt: skip
SHORT = {
    "fp64": "float64", "fp32": "float32", "f32": "float32", "bf16": "bfloat16", "fp16": "float16", "f16": "float16", "half": "float16",
    "fp8": "float8_e4m3fn", "f8": "float8_e4m3fn", "fp4": "float4", "nvfp4": "float4", "mxfp4": "float4", "nf4": "float4",
    "double": "float64", "float": "float32", "float8": "float8_e4m3fn",
}  # fmt: skip
WIDTHS = ("float32", "bfloat16", "float8_e4m3fn", "int4")
"""The types that weights are given in where nothing else is asked."""


def dtype_of(name: str) -> str:
    """The full name of a data type.

    >>> dtype_of("bf16")
    'bfloat16'

    Raises:
        UsageError: There is no such type.
    """
    plain = name.strip().lower().removeprefix("torch.")
    found = SHORT.get(plain, plain)
    if found not in BITS:
        raise UsageError(f"{name[:40]!r} is no data type", hint=f"known: {', '.join([*SHORT, *BITS])}")
    return found


def short_name(dtype: str) -> str:
    """`bf16` for `bfloat16`."""
    return next((short for short, full in SHORT.items() if full == dtype), dtype)
