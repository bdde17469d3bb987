"""A model card as data: its front matter, its links, what it states, its text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from archviz.late_patterns import late_pattern
from archviz.lookup.card.links import Link, find_links
from archviz.lookup.card.stated import Statement, find_statements
from archviz.lookup.clean_text import clean

MOST_CHARACTERS = 400_000
MOST_TEXT = 20_000
_MOST_ROWS = 400
_SCALAR = late_pattern(r"([A-Za-z_][\w-]{0,60}):[ \t]*(.*)")
_ITEM = late_pattern(r"[ \t]*-[ \t]+(.+)")


@dataclass(frozen=True, slots=True)
class Card:
    """What a README says.

    Args:
        front: Its front matter: key → values as text; nested values are left out.
        links: Where it leads, in its order.
        statements: Sizes and counts that it states.
        text: Its text without markup, cut to a bound.
    """

    front: dict[str, tuple[str, ...]] = field(default_factory=dict)
    links: tuple[Link, ...] = ()
    statements: tuple[Statement, ...] = ()
    text: str = ""

    @property
    def licence(self) -> str | None:
        """The licence that the front matter states; the name of an `other` one."""
        stated = self.front.get("license", ())
        named = self.front.get("license_name", ())
        return (named if stated == ("other",) and named else stated or (None,))[0]

    @property
    def base_models(self) -> tuple[str, ...]:
        return self.front.get("base_model", ())


def parse_card(text: str) -> Card:
    """The card that a README is; one without front matter is a card too."""
    text = text[:MOST_CHARACTERS].replace("\r\n", "\n")
    front, body = _split(text)
    plain = plain_text(body)
    return Card(parse_front(front), find_links(front, body), find_statements(plain), plain[:MOST_TEXT])


def _split(text: str) -> tuple[str, str]:
    if not text.startswith("---\n"):
        return "", text
    end = text.find("\n---", 4)
    return ("", text) if end < 0 else (text[4:end], text[end + 4 :])


def parse_front(front: str) -> dict[str, tuple[str, ...]]:
    """The top-level keys of a front matter with a value or a plain list.

    >>> parse_front("license: mit\\nbase_model:\\n- a/b\\n- c/d")
    {'license': ('mit',), 'base_model': ('a/b', 'c/d')}
    """
    found: dict[str, list[str]] = {}
    key: str | None = None
    for row in front.split("\n")[:_MOST_ROWS]:
        if scalar := _SCALAR.fullmatch(row.rstrip()):
            key = scalar[1]
            found[key] = [_scalar(value) for value in _inline(scalar[2])]
        elif key and (item := _ITEM.fullmatch(row.rstrip())) and not re.match(r"[\w-]+:(?: |$)", item[1]):
            found[key].append(_scalar(item[1]))
        elif row.strip() and not row[:1].isspace() and not row.startswith(("-", "#")):
            key = None
    return {name: tuple(value for value in values if value) for name, values in found.items()}


def _inline(value: str) -> list[str]:
    value = value.strip()
    if value.startswith("[") and value.endswith("]"):
        return value[1:-1].split(",")
    return [] if value in ("|", ">", "|-", ">-", "") else [value]


def _scalar(value: str) -> str:
    return clean(re.split(r"\s#", value[:1000])[0].strip().strip("\"'"))[:300]


def plain_text(markdown: str) -> str:
    """Markdown without its markup, line by line: images and tags go, links keep their words."""
    text = _without(_without(markdown, "```", "```"), "<!--", "-->")
    for tag in ("script", "style"):
        text = _without(text, f"<{tag}", f"</{tag}>")
    text = re.sub(r"!\[[^\[\]\n]{0,300}\]\([^()\n]{0,1000}\)", "", text)
    text = re.sub(r"\[([^\[\]\n]{0,300})\]\([^()\n]{0,1000}\)", r"\1", text)
    text = re.sub(r"</?[A-Za-z][^<>\n]{0,1000}>", " ", text)
    rows = (clean(re.sub(r"[*_`]{1,3}|^#{1,6}\s|^\s*[-+]\s", "", row)) for row in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(rows)).strip()


def _without(text: str, begin: str, end: str) -> str:
    """The text without what stands between two marks; without the second mark, the rest of the text goes."""
    parts, position = [], 0
    while (start := text.find(begin, position)) >= 0:
        parts.append(text[position:start])
        stop = text.find(end, start + len(begin))
        if stop < 0:
            return "".join(parts)
        position = stop + len(end)
    return "".join([*parts, text[position:]])
