"""Amounts as people write them, and the bytes of data types."""

from __future__ import annotations

from archviz.errors import UsageError

BYTES: dict[str, float] = {
    "float64": 8, "float32": 4, "fp32": 4, "float": 4, "float16": 2, "fp16": 2, "half": 2, "bfloat16": 2, "bf16": 2,
    "float8": 1, "fp8": 1, "float8_e4m3fn": 1, "float8_e5m2": 1, "int8": 1, "uint8": 1, "int4": 0.5, "fp4": 0.5, "nf4": 0.5,
}  # fmt: skip


def bytes_of(dtype: str) -> float:
    """Bytes of an element.

    Raises:
        UsageError: There is no such type.
    """
    size = BYTES.get(str(dtype).removeprefix("torch.").lower())
    if size is None:
        raise UsageError(f"unknown data type {str(dtype)[:40]!r}", where="dtype", hint=f"one of {', '.join(BYTES)}")
    return size


def formatted(count: int) -> str:
    """A count with three digits and a letter.

    >>> formatted(70_553_706_496), formatted(396_802_360_816), formatted(999), formatted(1_234_567)
    ('70.6B', '396.8B', '999', '1.2M')
    """
    for size, letter in ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "K")):
        if count >= size:
            return f"{count / size:.1f}{letter}"
    return str(count)
