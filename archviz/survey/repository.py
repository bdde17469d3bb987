"""A repository on GitHub asked for: what it is now, its modelling files at a commit, and what its README says it is about."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from archviz.errors import ArchvizError
from archviz.late_patterns import late_pattern
from archviz.lookup.card.card import Card, parse_card
from archviz.lookup.github.client import GithubClient
from archviz.lookup.github.files import modelling_files
from archviz.lookup.names import OTHER_PAGES, classify
from archviz.network.services import HUB_HOSTS
from archviz.network.session import Session

MOST_README = 400_000
_README = late_pattern(r"readme(?:\.(?:md|rst|txt))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RepositoryRead:
    """What was read of a repository.

    Args:
        name: `owner/name` as it is now.
        renamed_from: What it was asked for as, where it has another name now.
        said: What there is to say about it, in parts of one line.
        readme: Its README's text at the commit; empty where none was read.
        card: The same as a card.
    """

    name: str
    url: str
    renamed_from: str | None = None
    said: tuple[str, ...] = ()
    readme: str = ""
    card: Card = field(default_factory=Card)

    @property
    def hub_models(self) -> tuple[str, ...]:
        """The ids of the Hub's models that its README links, in its order."""
        links = [link.url for link in self.card.links if link.kind in ("model", "other") and _on_hub(link.url)]
        return tuple(dict.fromkeys(model for url in links if (model := _model_of(url))))


def read_repository(name: str, revision: str | None, session: Session) -> RepositoryRead:
    """The repository of exactly this name at a revision; its newest commit where none is given.

    Raises:
        ModelNotFoundError: There is no such public repository.
    """
    client = GithubClient(session)
    found = client.find_repository(name)
    said = [found.name]
    said += [f"renamed from {found.renamed_from}"] if found.renamed_from else []
    said += [f"licence {found.licence}"] if found.licence else []
    said += [f"a fork of {found.parent}"] if found.parent else []
    said += ["archived"] if found.is_archived else []
    readme = ""
    try:
        commit = client.find_commit(found.name, revision or found.default_branch)
        tree = client.read_tree(found.name, commit)
        code = [file.path for file in modelling_files(tree.files) if file.kind == "modelling"]
        named = f"{', '.join(code[:4])}{' …' if len(code) > 4 else ''}" if code else "no modelling file"
        said.append(f"at {commit[:12]}: {named}{' (GitHub lists not all of its files)' if tree.is_cut else ''}")
        path = next((file.path for file in tree.files if _README.fullmatch(file.path)), None)
        if path is not None:
            readme = client.read_file(found.name, commit, path).decode("utf-8", "replace")[:MOST_README]
    except ArchvizError as error:
        said.append(f"not all of it was read: {error.message}")
    return RepositoryRead(found.name, found.url, found.renamed_from, tuple(said), readme, parse_card(readme))


def why_own(read: RepositoryRead, model_id: str, papers: Collection[str], *, is_alike: bool) -> str | None:
    """What in its README says that a repository is about a model; None where nothing does.

    Args:
        papers: arXiv ids that belong to the model.
        is_alike: Its owner or name is like the publisher's or the family's; of others, a word or a page of the publisher is not
            enough: a runtime's README names models too.
    """
    if model_id.lower() in map(str.lower, read.hub_models):
        return f"its README links {model_id}"
    if is_alike and re.search(rf"(?<![\w.-]){re.escape(model_id)}(?![\w/]|[.-]\w)", read.readme, re.IGNORECASE):
        return f"its README names {model_id}"
    for link in read.card.links:
        if link.kind == "paper" and link.key in papers:
            return f"its README links the model's paper arXiv:{link.key}"
    publisher = model_id.partition("/")[0].lower()
    if is_alike and any(_publisher_of(link.url) == publisher for link in read.card.links if _on_hub(link.url)):
        return f"its README links the publisher's page on the Hub, {model_id.partition('/')[0]}"
    return None


def _on_hub(url: str) -> bool:
    return urlsplit(url).hostname in HUB_HOSTS


def _publisher_of(url: str) -> str:
    """Whose page of the Hub an address is: of a model, a collection, or the publisher itself."""
    segments = [segment.lower() for segment in urlsplit(url).path.split("/") if segment]
    if segments[:1] == ["collections"]:
        segments = segments[1:]
    return segments[0] if segments and segments[0] not in OTHER_PAGES else ""


def _model_of(url: str) -> str | None:
    try:
        name = classify(url)
    except ArchvizError:
        return None
    return name.text if name.kind == "hub_id" else None
