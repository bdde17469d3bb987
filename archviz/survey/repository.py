"""A repository on GitHub asked for: what it is now, its modelling files at a commit, and what its README says it is about."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from archviz.errors import ArchvizError
from archviz.late_patterns import late_pattern
from archviz.lookup.card.card import Card, parse_card
from archviz.lookup.github.client import GithubClient, Tree
from archviz.lookup.github.files import TreeFile, modelling_files
from archviz.lookup.names import OTHER_PAGES, classify
from archviz.network.services import HUB_HOSTS
from archviz.network.session import Session

MOST_README = 400_000
_README = late_pattern(r"(?:\.github/|docs/)?readme(?:\.(?:md|rst|txt))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RepositoryRead:
    """What was read of a repository.

    Args:
        name: `owner/name` as it is now.
        renamed_from: What it was asked for as, where it has another name now.
        said: What there is to say about it, in parts of one line.
        readme: Its README's text at the commit; empty where none was read.
        card: The same as a card.
        unread: Why the README was not read; empty where it was, or there is none.
    """

    name: str
    url: str
    renamed_from: str | None = None
    said: tuple[str, ...] = ()
    readme: str = ""
    card: Card = field(default_factory=Card)
    unread: str = ""

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
        tree = client.read_tree(found.name, client.find_commit(found.name, revision or found.default_branch))
        said.append(_code_of(tree))
        readme = _text_of(_readme_of(tree), found.name, tree.commit, client)
    except ArchvizError as error:
        said.append(f"not all of it was read: {error.message}")
    return RepositoryRead(found.name, found.url, found.renamed_from, tuple(said), readme, parse_card(readme))


def read_lead(name: str, session: Session) -> RepositoryRead:
    """The repository that a card or a record leads to, at its newest commit, with two requests: its files, its README.

    Raises:
        ModelNotFoundError: There is no such public repository.
    """
    client = GithubClient(session)
    head = client.find_head(name)
    renamed = [f"renamed from {head.renamed_from}"] if head.renamed_from else []
    said = [head.name, *renamed, _code_of(head.tree, is_commit=head.is_commit)]
    readme, unread, file = "", "", _readme_of(head.tree)
    if file is None and head.tree.is_cut:
        unread = "its README is not among the files that GitHub lists"
    try:
        readme = _text_of(file, head.name, head.tree.commit if head.is_commit else None, client)
    except ArchvizError as error:
        unread = f"its README was not read: {error.message}"
    url = f"https://github.com/{head.name}"
    return RepositoryRead(head.name, url, head.renamed_from, tuple(said), readme, parse_card(readme), unread)


def _code_of(tree: Tree, *, is_commit: bool = True) -> str:
    code = [file.path for file in modelling_files(tree.files) if file.kind == "modelling"]
    named = f"{', '.join(code[:4])}{' …' if len(code) > 4 else ''}" if code else "no modelling file"
    at = "at" if is_commit else "in the tree that GitHub lists as"
    return f"{at} {tree.commit[:12]}: {named}{' (GitHub lists not all of its files)' if tree.is_cut else ''}"


def _readme_of(tree: Tree) -> TreeFile | None:
    """The README that GitHub shows of a repository: of its folder `.github`, of its root, of `docs`, the first that has one."""
    found = {file.path.rpartition("/")[0]: file for file in reversed(tree.files) if _README.fullmatch(file.path)}
    return next((found[folder] for folder in (".github", "", "docs") if folder in found), None)


def _text_of(file: TreeFile | None, name: str, commit: str | None, client: GithubClient) -> str:
    """The text of a file at a commit, or by its own id where the commit is not known; empty for none."""
    if file is None:
        return ""
    data = client.read_blob(name, file) if commit is None else client.read_file(name, commit, file.path)
    return data.decode("utf-8", "replace")[:MOST_README]


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
