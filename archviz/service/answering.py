"""From an answer to a tool result, and the short lines that answers are made of."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mcp_types import CallToolResult, ContentBlock, TextContent

from archviz.errors import UsageError
from archviz.service.results import Answer

if TYPE_CHECKING:
    from archviz.architecture.model import GapEntry

MOST_LISTED = 8  # candidates, findings and notes in one answer
MOST_GAPS = 5
LONGEST_LINE = 180


def result_of(answer: Answer, more: Sequence[ContentBlock] = ()) -> CallToolResult:
    """An answer as a tool result: text and structured content say the same; what says nothing is left out."""
    stated = answer.model_dump(mode="json").items()
    data = {
        key: value if key in answer.verbatim else _without_nulls(value)
        for key, value in stated
        if key in answer.verbatim or not _is_empty(answer, key, value)
    }
    text = TextContent(type="text", text=json.dumps(data, ensure_ascii=False, separators=(",", ":")))
    return CallToolResult(content=[text, *more], structured_content=data)


def _without_nulls(value: object) -> object:
    """A value without entries that are null; in a list null stands for something that is not there."""
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _is_empty(answer: Answer, key: str, value: object) -> bool:
    """Whether an entry may be left out: it is None, or empty as it is by default."""
    field = type(answer).model_fields[key]
    return value is None or (not field.is_required() and value in ([], {}, 0, "") and value == field.default)


def refuse_idle(name: str, given: object, purpose: str) -> None:
    """Refuse an argument that would change nothing in this call.

    Raises:
        UsageError: With its name and what it is for.
    """
    if given:
        also = f"give {purpose} too, or " if "=" in purpose.split(maxsplit=1)[0] else ""  # an argument with its value
        raise UsageError(f"{name} is for {purpose}", where=name, hint=f"{also}leave {name} out")


def left_out_lines(left_out: dict[str, int], rest: str) -> list[str]:
    """What an answer was too small for, and where the rest is.

    >>> left_out_lines({"contexts": 185}, "the linked file has all")
    ['left out here: 185 of contexts; the linked file has all']
    """
    cut = ", ".join(f"{count:,} of {key}" for key, count in left_out.items())
    return [f"left out here: {cut}; {rest}"] if cut else []


def gap_lines(gaps: Sequence[GapEntry]) -> list[str]:
    """Gaps in short, those of one cause together: one line of code is often missed in every layer."""
    causes: dict[tuple[str, str | None], list[str]] = {}
    for gap in gaps:
        causes.setdefault((gap.reason, gap.at), []).append(gap.module or "the model")
    return [line(_gap_line(reason, at, modules)) for (reason, at), modules in list(causes.items())[:MOST_GAPS]]


def _gap_line(reason: str, at: str | None, modules: list[str]) -> str:
    more = f" and {len(modules) - 1} more" if len(modules) > 1 else ""
    return f"{modules[0]}{more}: {reason}" + (f" ({at})" if at else "")


def line(text: str, longest: int = LONGEST_LINE) -> str:
    """A text on one line, cut where it is long.

    >>> line("a\\n  b")
    'a b'
    """
    flat = " ".join(text.split())
    return flat if len(flat) <= longest else flat[: longest - 1] + "…"


def lines(texts: Sequence[str], most: int = MOST_LISTED) -> list[str]:
    """The first of many texts, each on one line, and how many more there are."""
    shown = [line(text) for text in texts[:most]]
    return [*shown, f"… and {len(texts) - most} more"] if len(texts) > most else shown
