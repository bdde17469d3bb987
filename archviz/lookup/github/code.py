"""The modelling code of a repository at one commit: path → text.  Nothing of it is executed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archviz.errors import BadResponseError, ModelNotFoundError
from archviz.lookup.github.address import GithubAddress
from archviz.lookup.github.client import GithubClient, Repository
from archviz.lookup.github.files import TreeFile, modelling_files

if TYPE_CHECKING:
    from archviz.network.session import Session

MOST_FILES = 24  # a request each
_MOST_SLASHES = 3  # in the name of a branch; a request each


def read_code(address: GithubAddress, session: Session) -> dict[str, bytes]:
    """The Python files that an address leads to: the one that it names, or the modelling files below it.

    What was read, and at which commit, is noted in the session.

    Raises:
        ModelNotFoundError: There is no such repository, revision or path, or no modelling file below it.
        SourceUnavailableError: GitHub could not be asked.
    """
    session.reads_files()
    client = GithubClient(session)
    found = client.find_repository(address.repository)
    commit, path = _commit(client, found, address)
    tree = client.read_tree(found.name, commit)
    paths = _paths(tree.files, path)
    if tree.is_cut:
        session.note(f"GitHub lists not all files of {found.name}: code that is not listed was not read.")
    if not paths:
        place = f"{found.name}, {path}" if path else found.name
        raise ModelNotFoundError(
            f"{place} has no modelling code at {commit[:12]} (modeling_*.py, model*.py, inference/)"
            + (" among the files that GitHub lists, which are not all" if tree.is_cut else ""),
            where="GitHub",
            hint="Give the address of a Python file (…/blob/BRANCH/PATH.py), or a copy of the repository.",
        )
    renamed = f", renamed from {found.renamed_from}," if found.renamed_from else ""
    left = f"; {len(paths) - MOST_FILES} more were left out" if len(paths) > MOST_FILES else ""
    texts, skipped = _read(client, found.name, commit, paths[:MOST_FILES])
    session.note(f"{found.name}{renamed} at commit {commit}: files read: {len(texts)}{left}.")
    for trouble in skipped:
        session.note(f"Left out: {trouble.message}.")
    return texts


def _commit(client: GithubClient, found: Repository, address: GithubAddress) -> tuple[str, str]:
    """The commit of an address, and the path in it: where its first part is no revision, that may be a branch with slashes.

    Raises:
        ModelNotFoundError: There is no such revision.
    """
    revision, path = address.revision or found.default_branch, address.path
    for _ in range(_MOST_SLASHES):
        try:
            return client.find_commit(found.name, revision), path
        except ModelNotFoundError:
            if not path:
                raise
            more, _, path = path.partition("/")
            revision = f"{revision}/{more}"
    return client.find_commit(found.name, revision), path


def _read(
    client: GithubClient, repository: str, commit: str, paths: list[str]
) -> tuple[dict[str, bytes], list[BadResponseError]]:
    """The files that can be used, and why others cannot, such as their size.

    Raises:
        BadResponseError: None can.
    """
    texts: dict[str, bytes] = {}
    skipped: list[BadResponseError] = []
    for path in paths:
        try:
            texts[path] = client.read_file(repository, commit, path)
        except BadResponseError as error:
            skipped.append(error)
    if skipped and not texts:
        raise skipped[0]
    return texts, skipped


def _paths(tree: tuple[TreeFile, ...], below: str) -> list[str]:
    if below.endswith(".py"):
        return [file.path for file in tree if file.path == below]
    prefix = f"{below}/" if below else ""
    inside = [file for file in tree if file.path.startswith(prefix)]
    return [
        file.path
        for file in modelling_files(inside, most=None)
        if file.kind == "modelling" and file.path.endswith(".py")
    ]
