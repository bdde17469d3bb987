"""The leads of a model asked for: its paper on arXiv, its repository on GitHub, its pages; the rest stays `stated`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from archviz.errors import ArchvizError, ModelNotFoundError, OfflineError
from archviz.lookup.arxiv.client import ArxivClient
from archviz.lookup.card.pages import may_be_read, read_page_text
from archviz.lookup.github.client import GithubClient
from archviz.lookup.github.ranking import Match
from archviz.network.session import Session
from archviz.survey.entries import Entry, SourceKind, SourceStatus
from archviz.survey.leads import CATALOG, Lead, is_alike
from archviz.survey.repository import read_lead, why_own

MOST_STATED = 8
MOST_ASKED = 2  # repositories that are asked for, two requests each
CODE_SEARCH = "GitHub's code search"


@dataclass(frozen=True, slots=True)
class About:
    """What a source must be about to be the model's own: its id, and the arXiv ids of its papers."""

    model_id: str
    papers: frozenset[str] = frozenset()


def paper_entries(leads: tuple[Lead, ...], session: Session) -> list[Entry]:
    """The first paper asked for, the others as they are stated."""
    return _first_asked("paper", leads, lambda lead: _paper(lead, session))


def _paper(lead: Lead, session: Session) -> Entry:
    paper = ArxivClient(session).find_paper(lead.key)
    return Entry("paper", "found", f"{paper.title} (arXiv:{paper.id})", paper.url, lead.by)


def github_entries(own: tuple[Lead, ...], others: tuple[Lead, ...], about: About, session: Session) -> list[Entry]:
    """The repositories that may be the model's own, asked for until one is; the others as they are stated."""
    entries: list[Entry] = []
    for index, lead in enumerate(own):
        if index >= MOST_ASKED or any(entry.status in ("found", "renamed") for entry in entries):
            others = (*own[index:], *others)
            break
        try:
            entries.append(_repository(lead, about, session))
        except ArchvizError as error:
            entries.append(_not_read("github", lead, error))
    return [*entries, *(Entry("github", "stated", lead.key, lead.url, lead.by) for lead in others[:MOST_STATED])]


def _repository(lead: Lead, about: About, session: Session) -> Entry:
    """A repository is the model's own where the catalog says so or its own README does; its name alone proves nothing."""
    read = read_lead(lead.key, session)
    reason = why_own(read, about.model_id, about.papers, is_alike=is_alike(read.name, about.model_id))
    said = [*read.said, reason or read.unread or "nothing in its README says that it is about this model"]
    status: SourceStatus = "renamed" if read.renamed_from else "found"
    if reason is None and lead.by != CATALOG:
        status = "unverified"
    return Entry("github", status, "; ".join(said), read.url, lead.by)


def code_entries(name: str, session: Session, matches: tuple[Match, ...] = ("defines", "file")) -> list[Entry]:
    """Public Python files that are exactly of this name, by GitHub's code search; nothing says that they are the model's.

    Args:
        name: A class (`AcmeForCausalLM`), or the model's name.

    Raises:
        SourceUnavailableError: GitHub was not asked: it searches code for those with a token only.
    """
    found = [each for each in GithubClient(session).search_code(name) if each.match in matches]
    words = {"defines": f"defines {name}", "file": "has its name"}
    return [
        Entry("github", "unverified", f"{each.repository}: {each.path} {words[each.match]}", each.url, CODE_SEARCH)
        for each in found[:MOST_STATED]
    ]


def page_entries(kind: SourceKind, leads: tuple[Lead, ...], session: Session, *, read: bool) -> list[Entry]:
    """Blogs or reports as they are stated; with their text where that is wanted and their host is one that is read."""
    entries = []
    for lead in leads[:MOST_STATED]:
        what = lead.label or lead.url
        if not (read and kind == "blog" and may_be_read(lead.url)):
            entries.append(Entry(kind, "stated", what, lead.url, lead.by))
            continue
        try:
            entries.append(Entry(kind, "found", what, lead.url, lead.by, text=read_page_text(lead.url, session)))
        except ArchvizError as error:
            entries.append(_not_read(kind, lead, error))
    return entries


def _first_asked(kind: SourceKind, leads: tuple[Lead, ...], ask: Callable[[Lead], Entry]) -> list[Entry]:
    entries = []
    for index, lead in enumerate(leads[:MOST_STATED]):
        if index:
            entries.append(Entry(kind, "stated", lead.label or lead.key, lead.url, lead.by))
            continue
        try:
            entries.append(ask(lead))
        except ArchvizError as error:
            entries.append(_not_read(kind, lead, error))
    return entries


def _not_read(kind: SourceKind, lead: Lead, error: ArchvizError) -> Entry:
    if isinstance(error, OfflineError):
        return Entry(kind, "stated", lead.key if kind == "github" else lead.label or lead.key, lead.url, lead.by)
    status: SourceStatus = "missing" if isinstance(error, ModelNotFoundError) else "unknown"
    return Entry(kind, status, f"{lead.key}: {error.message}", lead.url, lead.by)
