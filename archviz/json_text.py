"""JSON that people write and repositories publish: read in one place, with words about what is wrong and where."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

from archviz.errors import UsageError
from archviz.late_patterns import late_pattern
from archviz.records import record

_MOST_DIGITS = 20
_SIMPLE_KEY = late_pattern(r"[A-Za-z_][A-Za-z0-9_]{0,60}")
_KINDS = {bool: "true or false", dict: "an object", list: "a list", str: "a text", int: "a number", float: "a number"}
_WORDS = (
    ("Unterminated string", "the text that begins here has no closing quote"),
    ("Expecting property name", "a key in double quotes belongs here"),
    ("Expecting value", "a value belongs here"),
    ("Expecting ',' delimiter", "a comma or a closing bracket belongs here"),
    ("Expecting ':' delimiter", "a colon belongs here"),
    ("Extra data", "the JSON has ended before this"),
)
"""What the standard library says, and what it means."""


@record(frozen=True)
class JsonText:
    """What a JSON text holds.

    Args:
        value: The value; of a key that is given twice the last one, as every reader takes it.
        twice: Where keys are given twice in one object.
        odd: Where numbers stand that JSON does not have: NaN and the infinities.
    """

    value: Any
    twice: list[tuple[str | int, ...]]
    odd: list[tuple[tuple[str | int, ...], str]]


def parse_json_text(data: bytes, name: str, error: type[UsageError], what: str = "the file") -> JsonText:
    """Read a JSON text.

    Args:
        name: The file, as errors name it; empty for a text of no file.
        error: What is raised.

    Raises:
        UsageError: As `error`, for what is no JSON, nested too deep, or has a number of more than 20 digits.
    """
    text = _decoded(data, name, error)
    shown = name or "the text"
    if not text.strip():
        raise error(f"{what} is empty", where=shown, hint="check that it was written, or copied whole")
    repeated: dict[int, list[str]] = {}
    odd: list[str] = []

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(found)
        if len(made) != len(found):
            keys = [key for key, _ in found]
            repeated[id(made)] = [key for key in made if keys.count(key) > 1]
        return made

    def constant(word: str) -> float:
        odd.append(word)
        return float(word)

    try:
        value = json.loads(text, object_pairs_hook=pairs, parse_constant=constant, parse_int=_bounded)
    except json.JSONDecodeError as wrong:
        raise _malformed(wrong, text, name, error) from None
    except RecursionError:
        raise error(
            "the JSON is nested too deeply", where=shown, hint="what is read here is a few levels deep"
        ) from None
    except ValueError as wrong:
        raise error(f"the JSON holds {wrong}", where=shown, hint="shorten the number") from None
    places = list(_places(value)) if repeated or odd else []
    twice = [(*path, key) for path, each in places if isinstance(each, dict) for key in repeated.get(id(each), ())]
    numbers = [(path, json.dumps(each)) for path, each in places if isinstance(each, float) and not math.isfinite(each)]
    return JsonText(value, twice, numbers)


def kind_of(value: object) -> str:
    """What a value is, in the words of JSON.

    >>> kind_of(None), kind_of([1]), kind_of(5)
    ('null', 'a list', 'a number')
    """
    return "null" if value is None else _KINDS.get(type(value), "a value")


def shown_path(location: Sequence[str | int]) -> str:
    """A path into the JSON as a reader writes it.

    >>> shown_path(("stages", 1, "blocks", 0, "type")), shown_path(("configuration", "hidden size"))
    ('stages[1].blocks[0].type', 'configuration["hidden size"]')
    """
    text = ""
    for step in location:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _SIMPLE_KEY.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f'["{step[:60]}"]'
    return text or "the whole config"


def _decoded(data: bytes, name: str, error: type[UsageError]) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line = data.count(b"\n", 0, wrong.start) + 1
        message = f"not UTF-8: byte 0x{data[wrong.start]:02x} at offset {wrong.start}"
        raise error(message, where=_at(name, f"line {line}"), hint="save the file as UTF-8") from None


def _bounded(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise ValueError(f"a number of {len(text):,} digits")
    return int(text)


def _malformed(wrong: json.JSONDecodeError, text: str, name: str, error: type[UsageError]) -> UsageError:
    ended = wrong.pos >= len(text.rstrip())
    what = "truncated JSON" if ended or "Unterminated" in wrong.msg else "malformed JSON"
    said = next((words for begin, words in _WORDS if wrong.msg.startswith(begin)), "")
    if ended:
        said = "the text ends here, before the JSON does"
    return error(
        f"{what}: {said or wrong.msg[:1].lower() + wrong.msg[1:]}",
        where=_at(name, f"line {wrong.lineno}, column {wrong.colno}"),
        hint=_hint(wrong.msg, truncated=what == "truncated JSON"),
    )


def _hint(message: str, *, truncated: bool) -> str:
    if truncated:
        return "check that it was copied or fetched whole"
    if "property name" in message:
        return "keys stand in double quotes, and no comma follows the last entry"
    if "control character" in message:
        return "write line breaks inside a text as \\n"
    return "check commas, quotes and brackets just before this place; comments are not JSON"


def _places(value: object) -> Iterator[tuple[tuple[str | int, ...], object]]:
    """Every value with its path, outer ones first."""
    todo: list[tuple[tuple[str | int, ...], object]] = [((), value)]
    while todo:
        path, each = todo.pop()
        yield path, each
        if isinstance(each, dict):
            todo += [((*path, key), item) for key, item in each.items()]
        elif isinstance(each, list):
            todo += [((*path, index), item) for index, item in enumerate(each)]


def _at(name: str, place: str) -> str:
    return f"{name}, {place}" if name else place
