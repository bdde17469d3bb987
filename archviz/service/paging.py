"""JSON pointers, and values cut to pages that fit an answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from archviz.errors import UsageError

ANSWER_BYTES = 5_000
"""Size of one answer as JSON: under 2,000 tokens, of which each takes 2.8 bytes and more in names and numbers."""

_NEAR_KEYS = 12
_LONGEST_TITLE = 80


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a value.

    Args:
        value: The items or characters from `offset` on; what is too large on its own stands as an outline
            `{"part": POINTER, "kind": …, "items": …}`.
        offset: Index of the first item, key or character shown.
        returned: How many are shown.
        total: How many there are.
        outlined: The pointer of the first that stands as an outline.
    """

    value: Any
    offset: int
    returned: int
    total: int
    outlined: str | None = None

    @property
    def bounds(self) -> dict[str, int]:
        """The page as answers state it."""
        return {"offset": self.offset, "returned": self.returned, "total": self.total}

    @property
    def next_offset(self) -> int | None:
        """Where the next page starts; None on the last."""
        end = self.offset + self.returned
        return end if end < self.total else None


def size_of(value: object) -> int:
    """Size of a value in bytes, as JSON without spaces."""
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))


def find_part(document: object, pointer: str) -> object:
    """The value that a JSON pointer (RFC 6901) names.

    >>> find_part({"a": [{"b/c": 7}]}, "/a/0/b~1c")
    7

    Raises:
        UsageError: The pointer is malformed or names nothing.
    """
    if pointer and not pointer.startswith("/"):
        raise UsageError(
            f"a part is a JSON pointer and starts with /, got {pointer[:80]!r}", hint="for example /parameters"
        )
    value, walked = document, ""
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        value = _child(value, key, walked)
        walked += f"/{token}"
    return value


def _child(value: object, key: str, walked: str) -> object:
    here = walked or "the document"
    if isinstance(value, dict):
        if key in value:
            return value[key]
        raise UsageError(
            f"{here} has no {key[:80]!r}", where=walked, hint=f"it has {', '.join(list(value)[:_NEAR_KEYS])}"
        )
    if isinstance(value, list):
        if key.isascii() and key.isdigit() and len(key) < 10 and int(key) < len(value):
            return value[int(key)]
        raise UsageError(
            f"{here} has no item {key[:80]!r}",
            where=walked,
            hint=f"items are 0 to {len(value) - 1}" if value else "it is empty",
        )
    raise UsageError(
        f"{here} is a single value and has no {key[:80]!r}", where=walked, hint="ask for that value itself"
    )


def page_of(value: object, pointer: str, offset: int = 0, budget: int = ANSWER_BYTES) -> Page:
    """As much of a value as fits.

    Args:
        value: A JSON value.
        pointer: Where it stands in its document; outlines name their parts by it.
        offset: The first item, key or character to show.
        budget: Size in bytes.

    Raises:
        UsageError: The offset lies behind the end.
    """
    if isinstance(value, str):
        return _text_page(value, pointer, offset, budget)
    if not isinstance(value, dict | list):
        return Page(value, 0, 1, 1)
    _check_offset(offset, len(value), pointer)
    items = list(_items(value))[offset:]
    shown = list(_fitting(items, pointer, budget))
    part = dict(shown) if isinstance(value, dict) else [item for _, item in shown]
    changed = (key for (key, item), (_, whole) in zip(shown, items, strict=False) if item is not whole)
    outlined = next((f"{pointer}/{_escaped(key)}" for key in changed), None)
    return Page(part, offset, len(shown), len(value), outlined)


def _check_offset(offset: int, total: int, pointer: str, of: str = "items") -> None:
    if offset and offset >= total:
        place = f" of {pointer}" if pointer else ""
        raise UsageError(
            f"offset {offset} lies behind the end{place}", where="offset", hint=f"there are {total:,} {of}"
        )


def _text_page(text: str, pointer: str, offset: int, budget: int) -> Page:
    _check_offset(offset, len(text), pointer, "characters")
    shown = _beginning(text[offset : offset + budget], budget) or text[offset : offset + 1]
    return Page(shown, offset, len(shown), len(text))


def _beginning(text: str, budget: int) -> str:
    """As many characters as fit into so many bytes."""
    data = text.encode("utf-8", "surrogatepass")[:budget]
    while data:
        with suppress(UnicodeDecodeError):
            return data.decode("utf-8", "surrogatepass")
        data = data[:-1]  # a character was cut
    return ""


def _items(value: dict[str, object] | list[object]) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        yield from value.items()
    else:
        yield from ((str(index), item) for index, item in enumerate(value))


def _fitting(items: list[tuple[str, object]], pointer: str, budget: int) -> Iterator[tuple[str, object]]:
    """The first items that fit together; at least one, so that paging always ends."""
    spent = 0
    for count, (key, item) in enumerate(items):
        shown = item if size_of(item) <= budget // 3 else outline(item, f"{pointer}/{_escaped(key)}")
        spent += size_of(shown) + len(key) + 4
        if count and spent > budget:
            return
        yield key, shown


def outline(value: object, pointer: str) -> dict[str, object]:
    """What stands for a value that is too large to be shown: its pointer, its kind and how much it holds.

    >>> outline([1, 2, 3], "/tensors")
    {'part': '/tensors', 'kind': 'array', 'items': 3}
    """
    if isinstance(value, dict):
        title = value.get("title")
        named = {"title": title[:_LONGEST_TITLE]} if isinstance(title, str) else {}
        return {"part": pointer, "kind": "object", "items": len(value), **named}
    if isinstance(value, list):
        return {"part": pointer, "kind": "array", "items": len(value)}
    return {"part": pointer, "kind": "text", "items": len(str(value))}


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def cut_to_fit(answer: dict[str, object], order: tuple[str, ...], budget: int = ANSWER_BYTES) -> dict[str, int]:
    """Shorten lists and objects of an answer, in place, until it fits.

    Args:
        answer: The answer; only the entries named in `order` are touched.
        order: Keys, the least needed first.
        budget: Size in bytes.

    Returns:
        For each shortened key, how many of its items were left out.
    """
    cut: dict[str, int] = {}
    for key in order:
        value = answer.get(key)
        while size_of(answer) > budget and isinstance(value, dict | list) and value:
            keep = len(value) - max(1, len(value) // 8)
            cut[key] = cut.get(key, 0) + len(value) - keep
            value = dict(list(value.items())[:keep]) if isinstance(value, dict) else value[:keep]
            answer[key] = value
    return cut
