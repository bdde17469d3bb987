"""A paper or a repository on GitHub that was asked for by its address: it itself, and the models that it may be about."""

from __future__ import annotations

from dataclasses import replace

from archviz.errors import ArchvizError, ModelNotFoundError, OfflineError, SourceUnavailableError
from archviz.lookup.arxiv.client import ArxivClient
from archviz.lookup.card.links import find_links
from archviz.lookup.names import ModelName
from archviz.lookup.resolution import Resolution
from archviz.network.session import Session
from archviz.survey.entries import Entry, SourceKind, SourceStatus, Survey, in_order
from archviz.survey.found import MOST_STATED
from archviz.survey.repository import read_repository

ADDRESSES = ("arxiv_id", "github")
"""The kinds of names that are no model's, but of something that models name."""
_README = "its README links it"


def survey_address(asked: ModelName, found: Resolution, session: Session) -> Survey:
    """What exists for a paper or a repository; models that it may be about are candidates, and none is chosen.

    Args:
        found: What its name was resolved to: candidates at most.
    """
    # the models that name it are known, it itself is not: that is waited for, unless nobody answered for those either
    session.at_hand = session.at_hand and not session.contacted
    known = [(item.id, item.why) for item in found.candidates]
    what = "a paper on arXiv" if asked.kind == "arxiv_id" else "a repository on GitHub"
    said = found.message if known else f"{found.asked} is {what}, not a model; no model is known that names it."
    survey = Survey(found.asked, found.status, said, revision=asked.revision, notes=session.notes)
    try:
        entries, linked = _paper(asked, session) if asked.kind == "arxiv_id" else _repository(asked, session)
    except ArchvizError as error:
        kind: SourceKind = "paper" if asked.kind == "arxiv_id" else "github"
        status: SourceStatus = "missing" if isinstance(error, ModelNotFoundError) else "unknown"
        entry = Entry(kind, status, f"{found.asked}: {error.message}", _url(asked), error=error)
        not_known = () if status == "missing" else (f"{kind}: {error.message}",)
        if not known and isinstance(error, SourceUnavailableError) and not isinstance(error, OfflineError):
            said = f"{found.asked} is {what}, not a model; {error.message}, so which models it names is not known."
            survey = replace(survey, status="unreachable", message=said)
        return replace(survey, entries=(entry,), candidates=tuple(known), not_known=not_known)
    listed = {each.lower() for each, _ in known}
    more = [(each, _README) for each in linked if each.lower() not in listed][:MOST_STATED]
    if more and not known:
        said = f"{found.asked} is {what}, not a model; its README links {len(more)} on the Hub. None was chosen."
        survey = replace(survey, status="ambiguous", message=said)
    return replace(survey, entries=in_order(entries), candidates=(*known, *more))


def _paper(asked: ModelName, session: Session) -> tuple[list[Entry], tuple[str, ...]]:
    paper = ArxivClient(session).find_paper(asked.text)
    entries = [Entry("paper", "found", f"{paper.title} (arXiv:{paper.id}; PDF {paper.pdf_url})", paper.url)]
    for text, by in ((paper.comment or "", "the paper's comment"), (paper.abstract, "the abstract")):
        links = [link for link in find_links("", text) if link.kind == "repository"]
        entries += [
            Entry("github", "stated", link.url.removeprefix("https://github.com/"), link.url, by) for link in links
        ]
    return entries, ()


def _repository(asked: ModelName, session: Session) -> tuple[list[Entry], tuple[str, ...]]:
    read = read_repository(asked.text, asked.revision, session)
    status: SourceStatus = "renamed" if read.renamed_from else "found"
    entries = [Entry("github", status, "; ".join(read.said), read.url)]
    papers = [link for link in read.card.links if link.kind == "paper"][:MOST_STATED]
    entries += [
        Entry("paper", "stated", link.label or link.key, f"https://arxiv.org/abs/{link.key}", "the README")
        for link in papers
    ]
    return entries, read.hub_models


def _url(asked: ModelName) -> str:
    place = "https://arxiv.org/abs" if asked.kind == "arxiv_id" else "https://github.com"
    return f"{place}/{asked.text}"
