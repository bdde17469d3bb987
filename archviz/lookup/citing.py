"""Models by what they cite: the catalog models whose records name a paper or a code repository.  Never a choice."""

from __future__ import annotations

from archviz.lookup.arxiv.ids import arxiv_id_of_url, without_version
from archviz.lookup.catalog import CatalogRecord, find_record, model_ids
from archviz.lookup.github.address import github_address
from archviz.lookup.identity import line
from archviz.lookup.names import ModelName
from archviz.lookup.resolution import Candidate


def find_citing(asked: ModelName) -> tuple[Candidate, ...]:
    """The catalog models that name this paper or repository among their links, in the catalog's order."""
    found = []
    for model_id in model_ids():
        record = find_record(model_id)
        label = _label(asked, record) if record else None
        if label:
            found.append(Candidate(model_id, f"its record names it as its {label}", line(model_id.split("/", 1)[1])))
    return tuple(found)


def _label(asked: ModelName, record: CatalogRecord) -> str | None:
    """Under which label (`paper`, `repository`) a record links to it."""
    return next((label for label, url in record.links.items() if _is_about(url, asked)), None)


def _is_about(url: str, asked: ModelName) -> bool:
    if asked.kind == "arxiv_id":
        paper = arxiv_id_of_url(url)
        return paper is not None and without_version(paper) == without_version(asked.text)
    address = github_address(url)
    return address is not None and address.repository.lower() == asked.text.lower()
