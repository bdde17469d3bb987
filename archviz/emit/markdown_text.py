"""The pieces of Markdown: escaped text, tables, links and code that no content can break out of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from archviz.late_patterns import late_pattern

_CONTROL = late_pattern("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_SPECIAL = late_pattern(r"([\\`*{}\[\]<>#|~$!^]|(?<![^\W_])_|_(?![^\W_]))")  # an underscore inside a word is no mark
_LINE_START = late_pattern(r"^(\s*)([-+=:]|\d+[.)])", re.MULTILINE)
_NUMBERED = late_pattern(r"(\d{1,4})[.)]\s+(.+)")
_AUTOLINK = late_pattern(r"(?i)\b(https?|ftp|mailto|www)([:.])")
_ENTITY = late_pattern(r"&(?=#?\w+;)")
_SAFE_URL = late_pattern(r"https?://[^\s<>\"'()\[\]\\`|]+")


def text(content: str) -> str:
    r"""Text that Markdown shows as it is: marks are escaped, HTML and autolinks stay words.

    >>> print(text("a*b* <b> [x](y) | c"))
    a\*b\* \<b\> \[x\](y) \| c
    """
    clean = _CONTROL.sub("\ufffd", content).replace("\t", "    ")
    escaped = _SPECIAL.sub(r"\\\1", _ENTITY.sub("&amp;", clean))
    escaped = _AUTOLINK.sub(lambda match: f"{match[1]}{'&#58;' if match[2] == ':' else '&#46;'}", escaped)
    return _LINE_START.sub(_escaped_start, escaped)


def _escaped_start(match: re.Match[str]) -> str:
    mark = match[2]
    return f"{match[1]}\\{mark}" if len(mark) == 1 else f"{match[1]}{mark[:-1]}\\{mark[-1]}"


def line(content: str) -> str:
    """`text` on one line, for headings, table cells and list entries."""
    return text(" ".join(content.split()))


def link(content: str) -> str:
    """A web address as a link, anything else as text.

    >>> link("https://huggingface.co/a"), link("javascript:x")
    ('<https://huggingface.co/a>', 'javascript:x')
    """
    address = content.strip()
    return f"<{address}>" if _SAFE_URL.fullmatch(address) else line(content)


def links_in(content: str) -> str:
    """Text in which whole web addresses are links."""
    parts: list[str] = []
    position = 0
    flat = " ".join(content.split())
    for match in _SAFE_URL.finditer(flat):
        address = match[0].rstrip(".,;")
        parts += [text(flat[position : match.start()]), f"<{address}>"]
        position = match.start() + len(address)
    return "".join([*parts, text(flat[position:])])


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table whose cells are escaped here."""
    lines = [f"| {' | '.join(header)} |", f"|{'|'.join(' --- ' for _ in header)}|"]
    return [*lines, *(f"| {' | '.join(line(cell) for cell in row)} |" for row in rows)]


def code(language: str, content: str) -> list[str]:
    """A fenced block, its fence longer than any run of backticks inside."""
    longest = max((len(run) for run in re.findall(r"`+", content)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", *_CONTROL.sub("\ufffd", content).rstrip("\n").split("\n"), fence]


def bullets(content: str) -> list[str]:
    """The lines of a text as list entries; their indent and their numbers are kept."""
    entries = []
    for raw in content.split("\n"):
        numbered = _NUMBERED.match(raw.strip())
        if numbered:
            entries.append(f"{numbered[1]}. {line(numbered[2])}")
        elif raw.strip():
            indent = (len(raw) - len(raw.lstrip())) // 2
            entries.append(f"{'  ' * min(indent, 6)}- {line(raw.strip())}")
    return entries


def filled_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table without the columns that are empty throughout."""
    kept = [number for number in range(len(header)) if any(row[number] for row in rows)]
    return table([header[number] for number in kept], [[row[number] for number in kept] for row in rows])


def inline_code(content: str) -> str:
    r"""The text of a code span: on one line, without backticks.

    >>> inline_code("a`b\nc")
    "a'b c"
    """
    return " ".join(_CONTROL.sub("\ufffd", content).replace("`", "'").split()) or " "
