"""Sizes by the batch `B` and the number of tokens `T`: read off two passes of different sizes."""

from __future__ import annotations

from typing import NamedTuple

Shape = tuple[int | None, ...]


class Sizes(NamedTuple):
    """Batch and tokens of two passes.

    The steps of the defaults, 3 and 4, have no factor in common: a multiple of `B` is never a sum with `T`.
    """

    first: tuple[int, int] = (2, 7)
    second: tuple[int, int] = (5, 11)

    def text(self, first: int, second: int | None) -> str:
        """A size that is one number in the first pass and another in the second, in `B` and `T`.

        >>> [Sizes().text(*pair) for pair in ((4096, 4096), (7, 11), (14, 55), (4, 10), (6, 10), (57, 53))]
        ['4096', 'T', 'B * T', '2 * B', 'T - 1', '64 - T']
        """
        if second is None or first == second:
            return str(first)
        (b1, t1), (b2, t2) = self
        for text, one, two in (("B * T", b1 * t1, b2 * t2), ("T", t1, t2), ("B", b1, b2)):
            if first % one == 0 and first // one * two == second:
                factor = first // one
                return text if factor == 1 else f"-{text}" if factor == -1 else f"{factor} * {text}"
        if (second - first) % (t2 - t1) == 0:
            factor = (second - first) // (t2 - t1)
            rest = first - factor * t1
            if factor < 0:
                return f"{rest} - {_times(-factor, 'T')}"
            return f"{_times(factor, 'T')} {'+' if rest >= 0 else '-'} {abs(rest)}"
        return self._floored(first, second) or str(first)

    def _floored(self, first: int, second: int) -> str | None:
        """A number of whole windows of tokens, beside the tokens or for each of the batch: `T // 4`, `T + T // 4`, `T // 128 * 128`.

        Only passes of many tokens tell windows apart.
        """
        (b1, t1), (b2, t2) = self
        if t1 < _MANY:
            return None
        if (text := _windows(first, second, t1, t2)) is not None:
            return text
        if (text := _windows(first - t1, second - t2, t1, t2)) is not None:
            return f"T + {text}"
        if first % b1 == second % b2 == 0 and (text := _windows(first // b1, second // b2, t1, t2)) is not None:
            return f"B * ({text})"
        return None

    def shape(self, first: Shape | None, second: Shape | None) -> str:
        """`[B, T, 4096]`."""
        if first is None:
            return "?"
        paired = second if second is not None and len(second) == len(first) else first
        parts = ["?" if a is None else self.text(a, b) for a, b in zip(first, paired, strict=True)]
        return f"[{', '.join(parts)}]"


_MANY = 128


def _windows(first: int, second: int, t1: int, t2: int) -> str | None:
    """Windows that are full, or the tokens in them; of sizes that fit a power of two, else the least."""
    if first < 1 or second <= first:
        return None
    for size in sorted(range(2, t1 + 1), key=lambda each: (each & (each - 1) != 0, each)):
        full = t1 // size, t2 // size
        if full == (first, second):
            return f"T // {size}"
        if (full[0] + 1, full[1] + 1) == (first, second):
            return f"T // {size} + 1"
        if (full[0] * size, full[1] * size) == (first, second):
            return f"T // {size} * {size}"
    return None


def _times(factor: int, text: str) -> str:
    return text if factor == 1 else f"{factor} * {text}"
