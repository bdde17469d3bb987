"""Sizes by the batch `B` and the number of tokens `T`: read off two passes of different sizes."""

from __future__ import annotations

from typing import NamedTuple

Shape = tuple[int | None, ...]


class Sizes(NamedTuple):
    """Batch and tokens of two passes.

    Args:
        window: Tokens that the code is known to take together; 0 where none are.

    The steps of the defaults, 3 and 4, have no factor in common: a multiple of `B` is never a sum with `T`.
    """

    first: tuple[int, int] = (2, 7)
    second: tuple[int, int] = (5, 11)
    window: int = 0

    def text(self, first: int, second: int | None) -> str:
        """A size that is one number in the first pass and another in the second, in `B` and `T`.

        >>> [Sizes().text(*pair) for pair in ((4096, 4096), (7, 11), (14, 55), (4, 10), (6, 10), (57, 53))]
        ['4096', 'T', 'B * T', '2 * B', 'T - 1', '64 - T']
        """
        return self.form(first, first if second is None else second) or str(first)

    def form(self, first: int, second: int) -> str | None:
        """The size as a text that gives both numbers; None where none is known that does."""
        if first == second:
            return str(first)
        (b1, t1), (b2, t2) = self[:2]
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
        return self._windowed(first, second)

    def _windowed(self, first: int, second: int) -> str | None:
        """A number of windows of tokens, beside the tokens or for each of the batch: `T // 4`, `T + T // 4`, `(T + 63) // 64`.

        Only passes of many tokens tell windows apart.
        """
        (b1, t1), (b2, t2) = self[:2]
        if t1 < _MANY:
            return None
        if (text := _windows(first, second, t1, t2, self.window)) is not None:
            return text
        if (text := _windows(first - t1, second - t2, t1, t2, self.window)) is not None:
            return f"T + {text}"
        if first % b1 == second % b2 == 0:
            text = _windows(first // b1, second // b2, t1, t2, self.window)
            return None if text is None else f"B * ({text})"
        return None

    def has_form(self, first: Shape | None, second: Shape | None) -> bool:
        """Whether the size of every dimension is known for other numbers of batch and tokens."""
        if first is None or second is None or len(first) != len(second):
            return first is None
        pairs = zip(first, second, strict=True)
        return all(a is None or b is None or self.form(a, b) is not None for a, b in pairs)

    def shape(self, first: Shape | None, second: Shape | None) -> str:
        """`[B, T, 4096]`."""
        if first is None:
            return "?"
        paired = second if second is not None and len(second) == len(first) else first
        parts = ["?" if a is None else self.text(a, b) for a, b in zip(first, paired, strict=True)]
        return f"[{', '.join(parts)}]"


DEFAULT_SIZES = Sizes()
_MANY = 128


def _windows(first: int, second: int, t1: int, t2: int, known: int) -> str | None:
    """Windows that are full or begun, the tokens in them, or what fills the last; of sizes that fit the known one, a power of two, else the least."""
    if first < 1:
        return None
    for size in sorted(range(2, t1 + 1), key=lambda each: (each != known, each & (each - 1) != 0, each)):
        full, begun = (t1 // size, t2 // size), (-(-t1 // size), -(-t2 // size))
        forms = {
            f"T // {size}": full,
            f"T // {size} * {size}": (full[0] * size, full[1] * size),
            f"(T + {size - 1}) // {size}": begun,
            f"(T + {size - 1}) // {size} * {size}": (begun[0] * size, begun[1] * size),
            f"T // {size} + 1": (full[0] + 1, full[1] + 1),
            f"(T + {size - 1}) // {size} + 1": (begun[0] + 1, begun[1] + 1),
            f"-T % {size}": (-t1 % size, -t2 % size),
        }
        found = next((text for text, sizes in forms.items() if sizes == (first, second)), None)
        if found is not None and (second > first or size == known):
            return found
    return None


def _times(factor: int, text: str) -> str:
    return text if factor == 1 else f"{factor} * {text}"
