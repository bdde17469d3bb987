"""Bytes in writing."""

from __future__ import annotations

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def size_text(count: float) -> str:
    """Bytes in the largest binary unit that leaves at least 1.

    >>> size_text(70272)
    '68.6 KiB'
    """
    for unit in _UNITS:
        if count < 1024 or unit == _UNITS[-1]:
            return (
                f"{count:,.0f} B"
                if unit == "B" and count == int(count)
                else f"{count:,.3g} {unit}"
                if count < 100
                else f"{count:,.0f} {unit}"
            )
        count /= 1024
    raise AssertionError
