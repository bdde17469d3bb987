"""A model without a repository of its name: what is named like it.  Nothing of it is the model's own for sure."""

from __future__ import annotations

import re
from collections.abc import Callable

from archviz.errors import ArchvizError
from archviz.lookup.arxiv.client import ArxivClient
from archviz.lookup.arxiv.titles import normal_title
from archviz.lookup.github.client import GithubClient
from archviz.lookup.names import classify, why_no_hub_name
from archviz.lookup.resolution import Resolution
from archviz.network.session import Session
from archviz.survey.entries import Entry, SourceKind, SourceStatus, Survey, in_order
from archviz.survey.found import code_entries

MOST_NAMED = 8
NOT_ON_THE_HUB = "No repository of exactly this name is on the Hub, so neither code nor configuration: all that is said of it is unverified."
NOT_ASKED = "No repository of exactly this name is known here, and not every place could be asked: all that is said of it is unverified."


def survey_closed(found: Resolution, session: Session) -> Survey:
    """What exists for a name that no repository has: papers that name it, repositories called like it."""
    text = found.asked.partition("@")[0]
    asked = classify(text) if text and why_no_hub_name(text) is None else None
    known: SourceStatus = "missing" if found.complete else "unknown"
    entries = [Entry("hub", known, found.message, error=found.as_error())]
    not_known: list[str] = []
    if asked is not None and asked.kind in ("hub_id", "bare_name"):
        name = asked.repository
        entries += _named("paper", lambda: _papers(name, session), not_known)
        entries += _named("github", lambda: _repositories(name, session), not_known)
        entries += _named("code", lambda: code_entries(name, session), not_known)
    code: SourceStatus = "unknown" if any(each.startswith("code:") for each in not_known) else known
    entries.append(Entry("code", code, "no code is known for this name"))
    return Survey(
        found.asked,
        "unverified",
        NOT_ON_THE_HUB if found.complete else NOT_ASKED,
        revision=found.revision,
        entries=in_order(entries),
        not_known=tuple(not_known),
        candidates=tuple((item.id, item.why) for item in found.candidates),
        notes=session.notes,
    )


def _named(kind: SourceKind, ask: Callable[[], list[Entry]], not_known: list[str]) -> list[Entry]:
    try:
        return ask()
    except ArchvizError as error:
        not_known.append(f"{kind}: {error.message}")
        return []


def _papers(name: str, session: Session) -> list[Entry]:
    """Papers whose titles hold the whole name, as words in a row: `GPT-4o System Card`."""
    search = ArxivClient(session).search_title(name, whole=False)
    wanted = f" {normal_title(name)} "
    holding = [each.paper for each in search.ranked if wanted in f" {normal_title(each.paper.title)} "]
    if not holding:
        return [Entry("paper", "missing", f"no title on arXiv holds {name}")]
    return [
        Entry(
            "paper",
            "unverified",
            f"{paper.title} (arXiv:{paper.id}; PDF {paper.pdf_url})",
            paper.url,
            "its title",
            text=paper.abstract,  # all that may be known of a closed model
        )
        for paper in holding[:MOST_NAMED]
    ]


def _repositories(name: str, session: Session) -> list[Entry]:
    found = [each for each, is_exact in GithubClient(session).search_repositories(name) if is_exact]
    if not found:
        return [Entry("github", "missing", f"no repository on GitHub has exactly the name {name}")]
    return [
        Entry(
            "github",
            "unverified",
            f"{each}, an unofficial implementation at most",
            f"https://github.com/{each}",
            "its name",
        )
        for each in found[:MOST_NAMED]
        if re.fullmatch(r"[\w.-]+/[\w.-]+", each)
    ]
