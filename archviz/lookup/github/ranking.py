"""Results of GitHub's searches by how exactly they are what was asked: what is only like it comes last, and says so."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Match = Literal["defines", "names", "file", "repository", "other"]
_ORDER: tuple[Match, ...] = ("defines", "file", "repository", "names", "other")


@dataclass(frozen=True, slots=True)
class CodeResult:
    """A file that a search gave.

    Args:
        match: It `defines` exactly the asked name as a class or function, its `file` name is it, its `repository`'s name is
            it, it `names` it as a whole word, or it is only like it (`other`).
    """

    repository: str
    path: str
    url: str
    match: Match


def rank_code(asked: str, items: Sequence[tuple[str, str, str, Sequence[str]]]) -> tuple[CodeResult, ...]:
    """The results of a code search, those that are exactly the asked name first, else in the search's order.

    Args:
        items: Repository, path, URL, and the fragments of the file that matched.
    """
    results = [
        CodeResult(repository, path, url, _match(asked, repository, path, parts))
        for repository, path, url, parts in items
    ]
    return tuple(sorted(results, key=lambda result: _ORDER.index(result.match)))


def _match(asked: str, repository: str, path: str, fragments: Sequence[str]) -> Match:
    name, text = re.escape(asked), "\n".join(fragments)
    if re.search(rf"^\s*(?:class|def)\s+{name}\b", text, re.MULTILINE):
        return "defines"
    if path.rpartition("/")[2].rpartition(".")[0] == asked:
        return "file"
    if repository.rpartition("/")[2].lower() == asked.lower():
        return "repository"
    return "names" if re.search(rf"(?<!\w){name}(?!\w)", text) else "other"


def rank_repositories(asked: str, names: Sequence[str]) -> tuple[tuple[str, bool], ...]:
    """The repositories of a search, with whether the name is exactly the asked one; those first, else in the search's order."""
    pairs = [
        (name, name.lower() == asked.lower() or name.rpartition("/")[2].lower() == asked.lower()) for name in names
    ]
    return tuple(sorted(pairs, key=lambda pair: not pair[1]))
