"""Titles of papers: which is exactly the asked one, and how the others rank."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from archviz.late_patterns import late_pattern
from archviz.lookup.arxiv.feed import Paper

MATCHED_LENGTH = 400
_SPOKEN = late_pattern(r"[\w.+]+")
_SEARCHED = late_pattern(r"[\w.+]+(?:'\w+)*")


@dataclass(frozen=True, slots=True)
class Ranked:
    """A paper of a search: whether its title is exactly the asked one, and how like it is (0 to 1)."""

    paper: Paper
    is_exact: bool
    likeness: float


def normal_title(title: str) -> str:
    """A title by its words: letter case, spacing, TeX braces, dashes and closing marks aside; numbers and versions stay.

    >>> normal_title("DeepSeek-V3  Technical\\n Report.")
    'deepseek v3 technical report'
    >>> normal_title("Qwen2.5") == normal_title("Qwen2-5")
    False
    """
    return " ".join(word.rstrip(".") for word in _SPOKEN.findall(_plain(title)) if word.strip("."))


def searched_words(title: str) -> list[str]:
    """The words that a title is searched by: an apostrophe stays in its word, as the API takes words apart by itself.

    >>> searched_words("Let’s Verify Step-by-Step")
    ["let's", 'verify', 'step', 'by', 'step']
    """
    plain = _plain(title).replace("’", "'")
    return [word.rstrip(".") for word in _SEARCHED.findall(plain) if word.strip(".")]


def _plain(title: str) -> str:
    return unicodedata.normalize("NFKC", title).casefold().replace("$", "").replace("{", "").replace("}", "")


def rank(asked: str, papers: Sequence[Paper]) -> tuple[Ranked, ...]:
    """The papers of a search, exact titles first, then by likeness; an equal likeness keeps the search's order."""
    wanted = normal_title(asked)
    ranked = []
    for paper in papers:
        title = normal_title(paper.title)
        likeness = SequenceMatcher(None, wanted[:MATCHED_LENGTH], title[:MATCHED_LENGTH], autojunk=False).ratio()
        ranked.append(Ranked(paper, bool(wanted) and title == wanted, round(likeness, 3)))
    return tuple(sorted(ranked, key=lambda each: (not each.is_exact, -each.likeness)))
