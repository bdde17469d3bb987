"""Sizes and counts that a card states in so many words: `Number of Layers: 94`, `235B in total and 22B activated`."""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST_STATEMENTS = 40
_UNITS = {"k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12, "million": 1e6, "billion": 1e9, "trillion": 1e12}
_NUMBER = r"(\d{1,3}(?:,\d{3})+|\d{1,6}(?:\.\d{1,4})?)"
_SIZE = rf"{_NUMBER}\s?(K|M|B|T|million|billion|trillion)\b"
_FORMS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "total",
        re.compile(
            rf"^\W*(?:number of |total )?param(?:eter)?s?(?: count)?(?: \(total\))?\W{{1,4}}{_SIZE}", re.IGNORECASE
        ),
    ),
    ("active", re.compile(rf"^\W*(?:number of )?activat?ed? param(?:eter)?s?\W{{1,4}}{_SIZE}", re.IGNORECASE)),
    ("active", re.compile(rf"\b{_SIZE}\s+(?:are |of them )?activated\b", re.IGNORECASE)),
    ("layers", re.compile(rf"^\W*(?:number of |num )?(?:hidden )?layers?\W{{1,4}}{_NUMBER}\b", re.IGNORECASE)),
    ("experts", re.compile(rf"^\W*(?:number of |num )?(?:routed )?experts?\W{{1,4}}{_NUMBER}\b", re.IGNORECASE)),
    ("experts_per_token", re.compile(rf"^\W*(?:number of )?activated experts?\W{{1,4}}{_NUMBER}\b", re.IGNORECASE)),
    ("hidden_size", re.compile(rf"^\W*hidden (?:dimension|size)\W{{1,4}}{_NUMBER}\b", re.IGNORECASE)),
)


@dataclass(frozen=True, slots=True)
class Statement:
    """A number in a card.

    Args:
        key: `total`, `active`, `layers`, `experts`, `experts_per_token` or `hidden_size`.
        value: Parameters for the first two, else a count.
        digits: The significant digits that it was written with, which say how exact it is.
        line: The line that it stands in.
    """

    key: str
    value: float
    digits: int
    line: str


def find_statements(text: str) -> tuple[Statement, ...]:
    """The statements in a card's plain text, the first of each key.

    >>> [(s.key, s.value) for s in find_statements("Number of Parameters: 235B in total and 22B activated")]
    [('total', 235000000000.0), ('active', 22000000000.0)]
    """
    found: dict[str, Statement] = {}
    for row in text.split("\n"):
        line = row.strip()[:400]
        for key, form in _FORMS:
            if key not in found and (match := form.search(line)):
                number = match[1].replace(",", "")
                unit = match[2].lower() if form.groups > 1 else ""
                value = float(number) * _UNITS.get(unit, 1.0)
                digits = len(number.replace(".", "").lstrip("0")) or 1
                found[key] = Statement(key, value, digits, line[:200])
    return tuple(found.values())[:MOST_STATEMENTS]


def agrees(stated: Statement, actual: float) -> bool:
    """Whether a number is the stated one, within what its written digits leave open (three quarters of a unit of the last: 7.6 is called 7)."""
    if stated.key not in ("total", "active"):
        return stated.value == actual
    magnitude = 10.0 ** (len(str(int(stated.value))) - stated.digits) if stated.value >= 1 else 1.0
    return abs(stated.value - actual) <= max(0.75 * magnitude, 0.03 * stated.value)
