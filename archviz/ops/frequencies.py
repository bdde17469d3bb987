"""Tables of waves that a constructor computes, `positions[:, None] * frequencies`: too large for their numbers to be followed, but the
frequencies, which are a short vector, go with them through sine and cosine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from archviz.interpreter.frequencies import frequencies_of, is_vector, keep_frequencies
from archviz.interpreter.reading import Frequencies
from archviz.interpreter.values import Tensor
from archviz.ops.relations import Position

_CLOSE = 1e-6  # of the last position: a table may be rounded to single precision
Rule = Callable[[Sequence[Any], Any], None]


def _product(args: Sequence[Any], result: Any) -> None:
    """Columns by positions times a row of known numbers, one for each column."""
    parts = [each for each in args if isinstance(each, Tensor)]
    row = next((each for each in reversed(parts) if _is_row(each)), None)
    if row is None or len(parts) != 2 or not isinstance(result, Tensor) or len(result.sizes) < 2:
        return
    other = parts[1] if row is parts[0] else parts[0]
    counted = other.data is not None or isinstance(other.meaning, Position)  # a long range is known by its rule alone
    by_columns = result.sizes[-1] == row.sizes[-1] and other.sizes != row.sizes and counted
    if by_columns and (other.sizes[-1:] == (1,) or len(other.sizes) == 1):
        keep_frequencies(result, Frequencies(tuple(map(float, row.data or ())), row.at, _step(other.data or ())))


def _is_row(tensor: Tensor) -> bool:
    """Whether a tensor is a vector of known fractions, or one with further axes of one before its own."""
    return is_vector(tensor) or (
        tensor.sizes[-1:] > (1,) and len(tensor.data or ()) == tensor.sizes[-1] and "float" in tensor.dtype
    )


def _step(positions: Sequence[Any]) -> float | None:
    """How far it is from each position to the next; None where that differs."""
    if len(positions) < 2:
        return 1.0
    steps = [float(after) - float(before) for before, after in pairwise(positions)]
    even = max(steps) - min(steps) <= _CLOSE * max(1.0, abs(float(positions[-1])))
    return round(sum(steps) / len(steps), 9) if even else None


def _carried(args: Sequence[Any], result: Any) -> None:
    """A table made of tables of the same frequencies has them too."""
    parts = args[0] if args and isinstance(args[0], (list, tuple)) else args[:1]
    _hand_on(parts, result)


def _angles(args: Sequence[Any], result: Any) -> None:
    """Complex numbers of a length and an angle."""
    _hand_on(args[1:2], result)


def part(value: Any, result: Any) -> None:
    """Rows of a table, or new axes: its columns stay."""
    if isinstance(value, Tensor) and isinstance(result, Tensor) and value.sizes[-1:] == result.sizes[-1:]:
        _hand_on([value], result)


def _hand_on(parts: Sequence[Any], result: Any) -> None:
    found = {frequencies_of(each) for each in parts}
    if len(found) == 1 and isinstance(result, Tensor) and (one := found.pop()) is not None:
        keep_frequencies(result, one)


RULES: dict[str, Rule] = {
    **dict.fromkeys(("mul", "outer", "ger", "einsum"), _product),
    **dict.fromkeys(
        ("sin", "cos", "cat", "concat", "stack", "unsqueeze", "float", "to", "repeat_interleave", "contiguous", "repeat", "bfloat16", "half",
         "double", "type", "type_as", "clone", "view_as_real", "real", "imag", "complex"), _carried
    ),
    "polar": _angles,
}  # fmt: skip
"""By the name of an op in a trace; while a model is built."""
