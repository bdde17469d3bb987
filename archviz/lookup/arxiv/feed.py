"""The arXiv API's answers: an Atom feed → papers.

Read with a parser that refuses document types and entities, so that no answer can expand. An error of the API is a feed
too: one entry titled "Error" whose id leads to `/api/errors`.
Source: https://info.arxiv.org/help/api/user-manual.html
"""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from archviz.errors import BadResponseError, UsageError
from archviz.lookup.arxiv.ids import id_in_path
from archviz.lookup.clean_text import clean

ATOM = "{http://www.w3.org/2005/Atom}"
OPENSEARCH = "{http://a9.com/-/spec/opensearch/1.1/}"
ARXIV = "{http://arxiv.org/schemas/atom}"
MOST_AUTHORS = 200
MOST_CHARACTERS = 20_000  # of one field, an abstract or a comment: arXiv itself takes 1,920 for an abstract
DEEPEST = 20
MOST_ELEMENTS = 1_000_000  # 25 papers of 3,000 authors have a fifth of that


@dataclass(frozen=True, slots=True)
class Paper:
    """What the API says about one paper.

    Args:
        id: With its version, `2505.09388v1`.
        published: `YYYY-MM-DD` of the first version.
        updated: `YYYY-MM-DD` of this version.
        category: The primary one, `cs.CL`.
        comment: The authors' comment, which often names the code.
    """

    id: str
    title: str
    abstract: str
    authors: tuple[str, ...] = ()
    published: str | None = None
    updated: str | None = None
    category: str | None = None
    comment: str | None = None

    @property
    def url(self) -> str:
        """The paper's page."""
        return f"https://arxiv.org/abs/{self.id}"

    @property
    def pdf_url(self) -> str:
        return f"https://arxiv.org/pdf/{self.id}"


@dataclass(frozen=True, slots=True)
class Feed:
    """One answer: how many papers there are in all, and those of this page."""

    total: int
    papers: tuple[Paper, ...]


def parse_feed(data: bytes) -> Feed:
    """The papers of an answer.

    Raises:
        BadResponseError: It is no such feed.
        UsageError: It is the API's own complaint about the request.
    """
    root = _parse(data)
    if root.tag != f"{ATOM}feed":
        raise _unusable(f"its root is {root.tag[:60]!r}")
    entries = root.findall(f"{ATOM}entry")
    for entry in entries:
        if "/api/errors" in _text(entry, f"{ATOM}id"):
            raise UsageError(f"arXiv refuses the request: {_text(entry, f'{ATOM}summary')[:200]}", where="arXiv")
    total = _text(root, f"{OPENSEARCH}totalResults")
    if not total.isdecimal() or len(total) > 12:
        raise _unusable("it does not say how many results there are")
    return Feed(int(total), tuple(_paper(entry) for entry in entries))


def _paper(entry: Element) -> Paper:
    _, _, path = _text(entry, f"{ATOM}id").partition("arxiv.org")
    paper = id_in_path(path)
    if paper is None:
        raise _unusable(f"an entry has the id {_text(entry, f'{ATOM}id')[:80]!r}")
    names = [_text(author, f"{ATOM}name") for author in entry.findall(f"{ATOM}author")[:MOST_AUTHORS]]
    category = entry.find(f"{ARXIV}primary_category")
    return Paper(
        id=paper,
        title=_text(entry, f"{ATOM}title"),
        abstract=_text(entry, f"{ATOM}summary"),
        authors=tuple(name for name in names if name),
        published=_text(entry, f"{ATOM}published")[:10] or None,
        updated=_text(entry, f"{ATOM}updated")[:10] or None,
        category=category.get("term") if category is not None else None,
        comment=_text(entry, f"{ARXIV}comment") or None,
    )


def _text(element: Element, tag: str) -> str:
    """The text of a child on one line, cut at the bound; empty when it is not there."""
    text = element.findtext(tag) or ""
    return clean(text[:MOST_CHARACTERS]) + (" …" if len(text) > MOST_CHARACTERS else "")


def _parse(data: bytes) -> Element:
    builder, depth, elements = TreeBuilder(), 0, 0
    parser = expat.ParserCreate(namespace_separator="}")

    def named(tag: str) -> str:
        return f"{{{tag}" if "}" in tag else tag

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth, elements
        depth, elements = depth + 1, elements + 1
        if depth > DEEPEST:
            raise _unusable("its elements are nested too deep")
        if elements > MOST_ELEMENTS:
            raise _unusable(f"it has more than {MOST_ELEMENTS:,} elements")
        builder.start(named(tag), attributes)

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(named(tag))

    def refuse(*_: object) -> None:
        raise _unusable("it declares a document type or entities, which are not read")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise _unusable(f"it is not well-formed XML ({error})") from None
    return builder.close()


def _unusable(why: str) -> BadResponseError:
    return BadResponseError(f"arXiv's answer cannot be used: {why}", where="arXiv", hint="Try again later.")
