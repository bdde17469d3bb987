"""The leads of a model asked for: its paper on arXiv, its repository on GitHub, its pages; the rest stays `stated`."""

from __future__ import annotations

from collections.abc import Callable

from archviz.errors import ArchvizError, ModelNotFoundError, OfflineError
from archviz.lookup.arxiv.client import ArxivClient
from archviz.lookup.card.pages import may_be_read, read_page_text
from archviz.lookup.github.client import GithubClient
from archviz.lookup.github.files import modelling_files
from archviz.network.session import Session
from archviz.survey.entries import Entry, SourceKind, SourceStatus
from archviz.survey.leads import Lead

MOST_STATED = 8


def paper_entries(leads: tuple[Lead, ...], session: Session) -> list[Entry]:
    """The first paper asked for, the others as they are stated."""
    return _first_asked("paper", leads, lambda lead: _paper(lead, session))


def _paper(lead: Lead, session: Session) -> Entry:
    paper = ArxivClient(session).find_paper(lead.key)
    return Entry("paper", "found", f"{paper.title} (arXiv:{paper.id})", paper.url, lead.by)


def github_entries(own: tuple[Lead, ...], others: tuple[Lead, ...], session: Session) -> list[Entry]:
    """The model's own repository asked for, with its modelling files at a commit; the others as they are stated."""
    return [
        *_first_asked("github", own, lambda lead: _repository(lead, session)),
        *(Entry("github", "stated", lead.key, lead.url, lead.by) for lead in others[:MOST_STATED]),
    ]


def _repository(lead: Lead, session: Session) -> Entry:
    client = GithubClient(session)
    found = client.find_repository(lead.key)
    said = [found.name]
    if found.renamed_from:
        said.append(f"renamed from {found.renamed_from}")
    if found.licence:
        said.append(f"licence {found.licence}")
    if found.parent:
        said.append(f"a fork of {found.parent}")
    try:
        commit = client.find_commit(found.name, found.default_branch)
        files = modelling_files(client.read_tree(found.name, commit).files)
        code = [file.path for file in files if file.kind == "modelling"]
        named = f"{', '.join(code[:4])}{' …' if len(code) > 4 else ''}" if code else "no modelling file"
        said.append(f"at {commit[:12]}: {named}")
    except ArchvizError as error:
        said.append(f"its files are not known: {error.message}")
    status: SourceStatus = "renamed" if found.renamed_from else "found"
    return Entry("github", status, "; ".join(said), found.url, lead.by)


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
        return Entry(kind, "stated", lead.label or lead.key, lead.url, lead.by)
    status: SourceStatus = "missing" if isinstance(error, ModelNotFoundError) else "unknown"
    return Entry(kind, status, f"{lead.key}: {error.message}", lead.url, lead.by)
