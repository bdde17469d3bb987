"""How well one colour is seen on another, as WCAG defines it.  Source: https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio."""

from __future__ import annotations

from functools import lru_cache


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two opaque colours `#rrggbb`, 1 to 21.

    >>> contrast("#000000", "#ffffff")
    21.0
    """
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def channels(colour: str) -> tuple[int, int, int]:
    """Red, green and blue (0 … 255) of `#rrggbb…`."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


@lru_cache(maxsize=256)
def _luminance(colour: str) -> float:
    """Relative luminance, 0 (black) … 1 (white)."""
    shares = [each / 255 for each in channels(colour)]
    red, green, blue = (value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in shares)
    return float(0.2126 * red + 0.7152 * green + 0.0722 * blue)
