"""Names in which the numbers of equal layers stand together, as answers write them: `model.layers.{0-2,4-6}.mlp`."""

from __future__ import annotations

import re
from collections.abc import Callable

from archviz.late_patterns import late_pattern

_RANGE = r"\d{1,9}(?:-\d{1,9}(?:/\d{1,9})?)?"
_BRACES = late_pattern(rf"\{{({_RANGE}(?:, ?{_RANGE})*)\}}")
_FOLDED = late_pattern(r"\{(\d+)[^{}]*\}|(?<![^.])(\d+)-\d+(?:/\d+)?(?![^.])")
_MOST_NUMBERS = 10_000  # in one pair of braces
_FIRST_MARK = 0xE000  # characters that no name has


def first_module(path: str) -> str:
    """A module path in which numbers of equal modules stand together, as that of the first of them.

    >>> first_module("model.layers.{3-59/4}.self_attn"), first_module("model.layers.0-27.mlp"), first_module("lm_head")
    ('model.layers.3.self_attn', 'model.layers.0.mlp', 'lm_head')
    """
    return _FOLDED.sub(lambda found: found[1] or found[2], path.strip().strip("."))


def is_folded(name: str) -> bool:
    """Whether numbers stand together in a name."""
    return _BRACES.search(name) is not None


def folded_expression(pattern: str, write: Callable[[str], str]) -> re.Pattern[str]:
    """A pattern of names as a regular expression, in which numbers in braces are any of these.

    Args:
        write: How a pattern without braces is written as an expression; letters are to stay as they are.
    """
    kinds: list[str] = []

    def mark(found: re.Match[str]) -> str:
        numbers = _numbers(found[1])
        if len(numbers) > _MOST_NUMBERS:
            return found[0]
        kinds.append(f"(?<!\\d)(?:{'|'.join(map(str, numbers))})(?!\\d)")
        return chr(_FIRST_MARK + len(kinds) - 1)

    written = write(_BRACES.sub(mark, pattern))
    for index, kind in enumerate(kinds):
        written = written.replace(chr(_FIRST_MARK + index), kind)
    return re.compile(written)


def _numbers(text: str) -> list[int]:
    """The numbers of `0-2,4,8-16/4`; no more than one too many.

    >>> _numbers("0-2,4,8-16/4")
    [0, 1, 2, 4, 8, 12, 16]
    """
    found: list[int] = []
    for each in text.split(","):
        bounds, _, step = each.strip().partition("/")
        first, _, last = bounds.partition("-")
        numbers = range(int(first), int(last or first) + 1, max(1, int(step or 1)))
        found += numbers[: _MOST_NUMBERS + 1 - len(found)]
    return found
