"""One paper by its exact id or exact title, with the sections that are wanted, or the papers that it may have been."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from archviz.errors import ModelNotFoundError, SourceUnavailableError, UsageError
from archviz.lookup.arxiv.client import ArxivClient
from archviz.lookup.arxiv.feed import Paper
from archviz.lookup.arxiv.ids import arxiv_id, arxiv_id_of_url

if TYPE_CHECKING:
    from archviz.lookup.arxiv.document import Section
    from archviz.lookup.arxiv.selection import Selection
    from archviz.lookup.arxiv.titles import Ranked
    from archviz.network.session import Session

PaperStatus = Literal["exact", "ambiguous", "not_found"]
SHOWN = 10
MOST_HEADINGS = 300  # of a paper that are listed
TOO_LONG = "Its HTML rendering is longer than any paper: only its beginning was read."
NO_PAGE = "arXiv has no HTML rendering of it: the abstract and the PDF are all there is to read; unverified"


@dataclass(frozen=True, slots=True)
class PaperAnswer:
    """What was found for an id or a title.

    Args:
        status: Only `exact` comes with a paper.
        results: For a title: the papers of the search, exact titles first.
        selection: The wanted sections; None where none were asked for, or there is no HTML rendering.
        contents: The headings of all sections, in order.
        unverified: Why nothing of the paper but its abstract could be read; empty when it could.
        failed: Why the sections, which may be there, could not be asked for.
        notes: What the session noted, such as that a stored copy was used.
    """

    status: PaperStatus
    asked: str
    message: str
    paper: Paper | None = None
    results: tuple[Ranked, ...] = ()
    selection: Selection | None = None
    contents: tuple[Section, ...] = ()
    unverified: str = ""
    failed: SourceUnavailableError | None = None
    notes: Sequence[str] = field(default=())

    @property
    def exit_status(self) -> int:
        if self.status != "exact" or (self.selection is not None and not self.selection.sections):
            return 3
        return 4 if self.failed else 0

    def as_dict(self) -> dict[str, object]:
        """The answer as data, for `--json`."""
        chosen = self.selection
        return {
            "status": self.status,
            "asked": self.asked,
            "message": self.message,
            "paper": self._paper() if self.paper else None,
            "results": [
                {"id": each.paper.id, "title": each.paper.title, "exact": each.is_exact, "likeness": each.likeness}
                for each in self.results[:SHOWN]
            ],
            "chosen_by": chosen.chosen_by if chosen else None,
            "sections": [_section_dict(section) for section in chosen.sections] if chosen else [],
            "left_off": chosen.left_off if chosen else 0,
            "contents": [section.heading for section in self.contents[:MOST_HEADINGS]],
            "contents_left_off": len(self.contents[MOST_HEADINGS:]),
            "evidence": "abstract" if self.unverified else "paper",
            "unverified": self.unverified or None,
            "notes": list(self.notes),
        }

    def _paper(self) -> dict[str, object]:
        assert self.paper is not None
        found = paper_dict(self.paper)
        return found | {"html": None} if self.unverified == NO_PAGE else found


def paper_dict(paper: Paper) -> dict[str, object]:
    """A paper as data."""
    return {
        "id": paper.id,
        "title": paper.title,
        "authors": list(paper.authors),
        "published": paper.published,
        "updated": paper.updated,
        "category": paper.category,
        "comment": paper.comment,
        "abstract": paper.abstract,
        "url": paper.url,
        "pdf": paper.pdf_url,
        "html": f"https://arxiv.org/html/{paper.id}",
    }


def _section_dict(section: Section) -> dict[str, object]:
    return {
        "number": section.number,
        "title": section.title,
        "in": list(section.above),
        "blocks": [{"kind": block.kind, "text": block.text} for block in section.blocks],
    }


def read_paper(asked: str, wanted: str | None, session: Session) -> PaperAnswer:
    """The paper of exactly this id or title, and the sections that are wanted of it.

    Args:
        asked: An arXiv id or URL, or a title.
        wanted: `architecture`, `all`, or numbers and words of titles; None for the abstract alone.

    Raises:
        UsageError: The text can be neither id nor title.
        SourceUnavailableError: arXiv could not be asked.
    """
    client, text = ArxivClient(session), asked.strip()
    paper_id = arxiv_id(text) or arxiv_id_of_url(text)
    if paper_id is None and "://" in text:
        raise UsageError(f"{text[:80]!a} is no address of a paper on arXiv", hint="Give its id or its title.")
    if paper_id is None and re.fullmatch(r"(?i:arxiv:)?\s*\d{4}\.\d+(?:v\d*)?", text):
        raise UsageError(f"{text[:80]!a} is no arXiv id", hint="Write YYMM.NNNNN, as 2505.09388, or the paper's title.")
    if paper_id is not None:
        try:
            paper = client.find_paper(paper_id)
        except ModelNotFoundError as error:
            return PaperAnswer("not_found", text, error.message, notes=session.notes)
        return _with_sections(client, paper, wanted, PaperAnswer("exact", text, "", notes=session.notes))
    search = client.search_title(text)
    if search.unseen:
        of = f"{len(search.ranked)} of the {search.total:,} papers whose titles hold these words were looked at"
        session.note(f"{of}; an arXiv id tells one for sure.")
    if len(search.exact) == 1:
        found = PaperAnswer("exact", text, "", results=search.ranked, notes=session.notes)
        return _with_sections(client, search.exact[0], wanted, found)
    if search.exact:
        said = f"{len(search.exact)} papers have exactly this title; give the id of one."
        return PaperAnswer("ambiguous", text, said, results=search.ranked, notes=session.notes)
    none = "no paper that was looked at has" if search.unseen else "arXiv has no paper of"
    said = f"{none} exactly this title" + ("; the nearest are listed." if search.ranked else ".")
    return PaperAnswer("not_found", text, said, results=search.ranked, notes=session.notes)


def _with_sections(client: ArxivClient, paper: Paper, wanted: str | None, found: PaperAnswer) -> PaperAnswer:
    from dataclasses import replace

    found = replace(found, paper=paper, message=f"{paper.id}: {paper.title}")
    if wanted is None:
        return found
    try:
        page = client.read_page(paper.id)
    except SourceUnavailableError as error:  # the abstract is there all the same
        return replace(found, unverified=f"its HTML rendering was not read: {error.message}", failed=error)
    if page is None:
        return replace(found, unverified=NO_PAGE)

    from archviz.lookup.arxiv.document import parse_document
    from archviz.lookup.arxiv.selection import select

    try:
        document = parse_document(page)
    except ValueError as error:
        return replace(found, unverified=f"its HTML rendering cannot be read ({error}); unverified")
    if not document.sections:
        return replace(found, unverified="its HTML rendering has no sections; unverified")
    if document.is_cut:
        client.session.note(TOO_LONG)
    chosen = select(document.sections, wanted)
    told = found.message if chosen.sections else f"{found.message}; no section of it is {wanted[:80]!a}"
    return replace(found, message=told, selection=chosen, contents=document.sections)


def paper_text(answer: PaperAnswer) -> str:
    """The answer as text for a terminal."""
    paper = answer.paper
    if paper is None:
        rows = [f"{each.paper.id}  {each.paper.title}" for each in answer.results[:SHOWN]]
        return "\n".join(rows) + "\n" if rows else ""
    authors = ", ".join(paper.authors[:6]) + (f" and {len(paper.authors) - 6} more" if len(paper.authors) > 6 else "")
    lines = [paper.title, f"arXiv:{paper.id}  {authors}", f"{paper.url}  {paper.pdf_url}"]
    if answer.unverified:
        lines += ["", f"UNVERIFIED: {answer.unverified}"]
    chosen = answer.selection
    if chosen is None:
        return "\n".join([*lines, "", "Abstract", "", paper.abstract, ""])
    how = {"title": "by their titles", "words": "no title says so: by their words", "asked": "as asked", "all": "all"}
    lines += ["", f"{len(chosen.sections)} of {len(answer.contents)} sections ({how[chosen.chosen_by]})"]
    for section in chosen.sections:
        within = f"  (in {' / '.join(section.above)})" if section.above else ""
        lines += ["", f"## {section.heading}{within}", "", section.text]
    if not chosen.sections:
        headings = [f"  {section.heading}" for section in answer.contents[:MOST_HEADINGS]]
        more = len(answer.contents) - len(headings)
        lines += ["", "Sections of the paper:", *headings, *([f"  … {more:,} more"] if more else [])]
    if chosen.left_off:
        lines += ["", f"… {chosen.left_off:,} characters more; name a section by its number (--sections 2.1)"]
    return "\n".join([*lines, ""])
