"""The rule that the frequencies of a rotation follow, in words."""

from __future__ import annotations

import math
from collections.abc import Sequence

from archviz.architecture.frequencies import CLOSE, ratio_of


def frequency_words(numbers: Sequence[float], theta: object, step: float | None = 1.0) -> str:
    """The rule of a vector of frequencies, in words; `step` is how far positions lie apart, None where that differs.

    >>> frequency_words([1.0, 0.1, 0.01], 1000.0)
    'θ^(−2i/6), i = 0 … 2'
    >>> frequency_words([1.0, 0.5, 0.1], 1000.0)
    '3 numbers from 1 to 0.1'
    >>> frequency_words([1.0, 0.1, 0.01], 1000.0, 0.25)
    'θ^(−2i/6), i = 0 … 2; positions times 0.25'
    """
    if step is not None and not math.isclose(step, 1.0, rel_tol=CLOSE):
        return f"{frequency_words(numbers, theta)}; positions times {_short(step)}"
    last = len(numbers)
    while last > 1 and numbers[last - 1] == 0:
        last -= 1
    rest = f", then {len(numbers) - last} times 0" if last < len(numbers) else ""
    ratio = ratio_of(numbers[:last])
    if ratio is None:
        return f"{len(numbers)} numbers from {_short(numbers[0])} to {_short(numbers[-1])}"
    indices = f", i = 0 … {last - 1}{rest}"
    start = "" if math.isclose(numbers[0], 1.0, rel_tol=CLOSE) else f"{_short(numbers[0])} · "
    base = float(theta) if isinstance(theta, (int, float)) and not isinstance(theta, bool) and theta > 1 else None
    if base is not None:
        size = -2 * math.log(base) / math.log(ratio)
        if abs(size - round(size)) < 1e-3 * max(1.0, abs(size) / 100):
            return f"{start}θ^({_exponent(round(size))}){indices}"
    return f"{start}{ratio:.6g}^i{indices}"


def _exponent(size: int) -> str:
    return f"−2i/{size}" if size > 0 else f"2i/{-size}"


def _short(number: float) -> str:
    return f"{number:.4g}".replace("-", "−")
