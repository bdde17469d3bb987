"""Parts of the document as JSON: text as `describe --json` prints it, and data.

Numbers are written as ECMAScript and most JSON writers do (`1e-6`, `0.00001`), so that documents compare byte by byte.
"""

from __future__ import annotations

from json.encoder import encode_basestring
from math import isfinite

from archviz.records import is_record


def json_text(value: object, indent: int | None = None) -> str:
    """A value of the document as JSON text.

    Args:
        indent: Spaces a level; None for one line without any.

    >>> json_text({"eps": 1e-06, "shape": [2, None]})
    '{"eps":1e-6,"shape":[2,null]}'
    """
    return _text(value, None if indent is None else "\n", " " * (indent or 0))


def json_data(value: object) -> object:
    """A value of the document as dictionaries, lists and scalars."""
    if is_record(value):
        return {name: json_data(part) for name, part in vars(value).items()}
    if isinstance(value, dict):
        return {str(key): json_data(part) for key, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [json_data(part) for part in value]
    return value


def _text(value: object, line: str | None, step: str) -> str:
    """The text of a value; `line` breaks a line at its level (None: all stands on one), `step` is one level more."""
    if isinstance(value, str):
        return encode_basestring(value)
    if value is None:
        return "null"
    if isinstance(value, int):
        return int.__repr__(value) if value is not True and value is not False else "true" if value else "false"
    if isinstance(value, float):
        return number_text(value)
    inner = None if line is None else line + step
    if is_record(value):
        return _object(vars(value), line, inner, step)
    if isinstance(value, dict):
        return _object(value, line, inner, step)
    if isinstance(value, list | tuple | set | frozenset):
        return _joined("[", [_text(part, inner, step) for part in value], "]", line, inner)
    raise TypeError(f"a document holds no {type(value).__name__}")


def _object(values: dict[str, object], line: str | None, inner: str | None, step: str) -> str:
    colon = ":" if line is None else ": "
    rows = [encode_basestring(str(key)) + colon + _text(part, inner, step) for key, part in values.items()]
    return _joined("{", rows, "}", line, inner)


def _joined(opening: str, rows: list[str], closing: str, line: str | None, inner: str | None) -> str:
    if line is None or inner is None:
        return opening + ",".join(rows) + closing
    return opening + inner + ("," + inner).join(rows) + line + closing if rows else opening + closing


def number_text(value: float) -> str:
    """A number as JSON: the shortest digits that read back as the same; null for what JSON cannot say.

    >>> number_text(1e-05), number_text(2.5e-07), number_text(1e16), number_text(10000.0)
    ('0.00001', '2.5e-7', '1e+16', '10000.0')
    """
    if not isfinite(value):
        return "null"
    digits, mark, exponent = float.__repr__(value).partition("e")
    if not mark:
        return digits
    power = int(exponent)
    if power == -5:  # the last that is written out
        sign, figures = ("-", digits[1:]) if digits.startswith("-") else ("", digits)
        return f"{sign}0.0000{figures.replace('.', '')}"
    return f"{digits}e{power:+}"
