"""Which paper, repository and blog belong to a model, as its card and its catalog record lead to them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from archviz.late_patterns import late_pattern
from archviz.lookup.arxiv.ids import arxiv_id_of_url, without_version
from archviz.lookup.card.card import Card
from archviz.lookup.card.links import Link
from archviz.lookup.catalog import find_record
from archviz.lookup.github.address import github_address
from archviz.lookup.identity import identity

_LABEL = late_pattern(r"\b(?:official|code|repo|repository|github)\b", re.IGNORECASE)
_REPORT = late_pattern("report|paper|arxiv", re.IGNORECASE)
CATALOG, CARD, TAGS = "the catalog", "the card", "the Hub's tags"


@dataclass(frozen=True, slots=True)
class Lead:
    """A thing that some source leads to: its id (`2505.09388`, `owner/name`, a URL), its address, and who says so."""

    key: str
    url: str
    by: str
    label: str = ""


def catalog_links(model_id: str) -> Mapping[str, str]:
    """The links of a model's catalog record, and of nothing else; none where it has no record."""
    record = find_record(model_id)
    return record.links if record else {}


def own_papers(leads: Iterable[Lead]) -> frozenset[str]:
    """The papers by which another source can show that it is about the model: the catalog's, or else the card's first report.

    A tag is of any paper that the card links, so it proves nothing.
    """
    found = list(leads)
    stated = [lead.key for lead in found if lead.by == CATALOG]
    reports = [lead.key for lead in found if lead.by == CARD and _REPORT.search(lead.label)]
    return frozenset(stated or reports[:1])


def papers(card: Card, links: Mapping[str, str], tagged: Iterable[str]) -> tuple[Lead, ...]:
    """The papers, likeliest first: the catalog's own, then the card's that are labelled as a report, then the others.

    Args:
        links: Those of the catalog's record (`catalog_links`).
        tagged: arXiv ids in the Hub's tags.
    """
    found = [Lead(without_version(paper), url, CATALOG) for url in links.values() if (paper := arxiv_id_of_url(url))]
    linked = [
        Lead(link.key, f"https://arxiv.org/abs/{link.key}", CARD, link.label)
        for link in card.links
        if link.kind == "paper"
    ]
    found += sorted(linked, key=lambda lead: not _REPORT.search(lead.label))
    found += [Lead(paper, f"https://arxiv.org/abs/{paper}", TAGS) for paper in tagged]
    return _each_once(found)


def repositories(card: Card, links: Mapping[str, str], model_id: str) -> tuple[tuple[Lead, ...], tuple[Lead, ...]]:
    """The GitHub repositories that may be the model's own, likeliest first, and the others.

    First the catalog's, then those whose owner or name begins with the model's publisher or family, then those whose label
    says that they are its code. Whether one really is its own is told by its README.
    """
    found = [
        Lead(address.repository, f"https://github.com/{address.repository}", CATALOG)
        for url in links.values()
        if (address := github_address(url))
    ]
    linked = [_lead(link) for link in card.links if link.kind == "repository"]
    own = [lead for lead in linked if is_alike(lead.key, model_id)]
    own += [lead for lead in linked if lead not in own and _LABEL.search(lead.label)]
    return _each_once([*found, *own]), _each_once([lead for lead in linked if lead not in own])


def pages(card: Card, links: Mapping[str, str], kind: str) -> tuple[Lead, ...]:
    """The blogs or reports."""
    stated = [Lead(url, url, CATALOG) for label, url in links.items() if label == kind]
    if kind == "report":
        stated += [
            Lead(url, url, CATALOG) for label, url in links.items() if label == "paper" and not arxiv_id_of_url(url)
        ]
    return _each_once([*stated, *(_lead(link) for link in card.links if link.kind == kind)])


def _lead(link: Link) -> Lead:
    key = link.url.removeprefix("https://github.com/") if link.kind == "repository" else link.key
    return Lead(key, link.url, CARD, link.label)


def is_alike(repository: str, model_id: str) -> bool:
    """Whether the owner or name of a repository begins with a model's publisher or family."""
    owner, _, name = repository.lower().partition("/")
    publisher, _, model = model_id.lower().partition("/")
    plain = re.sub(r"[^a-z0-9]", "", publisher)
    family = next((part.value for part in identity(model) if part.kind == "word" and len(part.value) > 2), "")
    same_owner = len(plain) > 3 and re.sub(r"[^a-z0-9]", "", owner).startswith(plain)
    return same_owner or (bool(family) and (owner.startswith(family) or name.startswith(family)))


def _each_once(leads: Iterable[Lead]) -> tuple[Lead, ...]:
    found: dict[str, Lead] = {}
    for lead in leads:
        found.setdefault(lead.key.lower().rstrip("/"), lead)
    return tuple(found.values())
