"""A search result for a terminal: by file, class and function, a line a place."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from archviz.codesearch.result import Match, SearchResult
from archviz.late_patterns import late_pattern

_CONTROL = late_pattern(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def result_text(result: SearchResult) -> str:
    """The matches, each place once with all its topics; skipped files are for stderr."""
    return "\n".join(_lines(result)) + "\n" if result.matches else ""


def _lines(result: SearchResult) -> Iterator[str]:
    width = max(len(_topics(group)) for group in _places(result.matches))
    number = max(len(str(match.line)) for match in result.matches)
    for count, (file, matches) in enumerate(groupby(result.matches, key=lambda match: match.file)):
        if count:
            yield ""
        yield printable(file)
        for name, members in groupby(matches, key=lambda match: match.class_name):
            yield f"  class {name}" if name else "  module"
            for function, found in groupby(members, key=lambda match: match.function):
                indent = "    "
                if function:
                    yield f"    {function}"
                    indent = "      "
                for group in _places(list(found)):
                    place = f"{group[0].line:>{number}}  {_topics(group):{width}}"
                    yield f"{indent}{place}  {place_text(group[0])}{_leads(group)}".rstrip()


def _places(matches: list[Match]) -> list[list[Match]]:
    """Matches of the same line and text together."""
    return [list(group) for _, group in groupby(matches, key=lambda match: (match.file, match.line, place_text(match)))]


def _topics(group: list[Match]) -> str:
    return ",".join(dict.fromkeys(match.topic for match in group))


def _leads(group: list[Match]) -> str:
    names = dict.fromkeys(match.resolved for match in group if match.resolved)
    return f"  → {printable(', '.join(names))}" if names else ""


def place_text(match: Match) -> str:
    """What stands there: the line of code, or where a call goes over several lines, all of the call on one."""
    written = match.call.removeprefix("if ") if match.kind == "branch" else match.call
    if match.kind == "import" or (match.kind != "definition" and written in match.source):
        return printable(match.source)
    assigned = (
        f"{', '.join(match.targets)} = " if match.targets and match.kind in ("call", "slice", "expression") else ""
    )
    return printable(f"{assigned}{match.call}")


def printable(text: str) -> str:
    """A text without what would move a terminal's cursor or turn the direction of writing.

    >>> printable("a\\x1b[2Jb")
    'a\\\\x1b[2Jb'
    """
    return _CONTROL.sub(lambda found: found.group().encode("unicode_escape").decode(), text)
