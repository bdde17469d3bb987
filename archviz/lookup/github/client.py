"""GitHub asked: an exact repository, the commit of a revision, its files, their text, and searches.

Source: https://docs.github.com/en/rest. Files are read by commit from the raw host, whose requests do not count.
"""

from __future__ import annotations

import base64
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from archviz.errors import BadResponseError, ModelNotFoundError, RateLimitedError, SourceUnavailableError, UsageError
from archviz.late_patterns import late_pattern
from archviz.lookup.github.address import github_repository, is_plain_segment
from archviz.lookup.github.files import TreeFile
from archviz.lookup.github.ranking import CodeResult, rank_code, rank_repositories
from archviz.lookup.github.tree_ids import blob_id, tree_id

if TYPE_CHECKING:
    import httpx2

    from archviz.network.session import Session

FEW = 10  # requests that remain, from which on the reader is told
MOST_TREE = 200_000
_WHO_MAY_SEARCH = "GitHub searches code only for those with a token (GITHUB_TOKEN)"
_COMMIT = late_pattern(r"[0-9a-f]{40}")
_TREE = late_pattern(r"/repos/([^/?]+/[^/?]+)/git/trees/")
_REVISION = late_pattern(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}")


@dataclass(frozen=True, slots=True)
class Repository:
    """A public repository.

    Args:
        name: `owner/name` as GitHub writes it now.
        asked: As it was asked for.
        licence: SPDX id.
        parent: The repository that it is a fork of, where it is one.
    """

    name: str
    asked: str
    default_branch: str
    description: str = ""
    licence: str | None = None
    is_fork: bool = False
    is_archived: bool = False
    parent: str | None = None

    @property
    def renamed_from(self) -> str | None:
        """See `_renamed_from`."""
        return _renamed_from(self.asked, self.name)

    @property
    def url(self) -> str:
        return f"https://github.com/{self.name}"


@dataclass(frozen=True, slots=True)
class Tree:
    """The files of one commit; `is_cut` where GitHub did not list all of them."""

    commit: str
    files: tuple[TreeFile, ...]
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Head:
    """A repository as it is now: its name and the files of its newest commit, which one reply tells.

    Args:
        is_commit: The tree is stated under its commit, not under an id of its own; a listing that is cut does not tell.
    """

    name: str
    asked: str
    tree: Tree
    is_commit: bool = True

    @property
    def renamed_from(self) -> str | None:
        """See `_renamed_from`."""
        return _renamed_from(self.asked, self.name)


class GithubClient:
    """GitHub by the session of one command."""

    def __init__(self, session: Session) -> None:
        from archviz.network.services import github_service

        self._session = session
        self._service = github_service()
        self._api, self._raw = self._service.origins

    def find_repository(self, name: str) -> Repository:
        """The repository of exactly this name, or the one that it was renamed to.

        Raises:
            UsageError: The text is no `owner/name`.
            ModelNotFoundError: There is none, or it is not public.
        """
        asked = _asked(name)
        data = self._object(f"/repos/{asked}", f"GitHub has no public repository {asked}")
        found = self._named(github_repository(_text(data, "full_name")), asked)
        licence, parent = data.get("license"), data.get("parent")
        return Repository(
            found,
            asked,
            _branch(_text(data, "default_branch") or "main", asked),
            _text(data, "description")[:500],
            _text(licence, "spdx_id") or None if isinstance(licence, dict) else None,
            data.get("fork") is True,
            data.get("archived") is True,
            github_repository(_text(parent, "full_name")) if isinstance(parent, dict) else None,
        )

    def find_head(self, name: str) -> Head:
        """The repository of exactly this name, or the one that it was renamed to, with the files of its newest commit.

        A tree asked for by a reference comes under the commit that it leads to, at the address of the repository's own name, or
        under its own id, which its files are as sure of as of a commit.

        Raises:
            UsageError: The text is no `owner/name`.
            ModelNotFoundError: There is none, or it is not public.
        """
        asked = _asked(name)
        path = f"/repos/{asked}/git/trees/HEAD?recursive=1"
        answer = self._get(path)
        data = self._json(answer, path, dict) if answer.status_code == 200 else {}
        at, stated = _TREE.search(_text(data, "url")), _text(data, "sha")
        if at is None or not _COMMIT.fullmatch(stated):  # an empty repository, or a reply that tells less
            found = self.find_repository(asked)
            commit = self.find_commit(found.name, found.default_branch)
            return Head(found.name, asked, self.read_tree(found.name, commit))
        own_name, tree = self._named(github_repository(at[1]), asked), _tree(stated, data)
        is_commit = not tree.is_cut and tree_id(data.get("tree")) not in (stated, None)
        return Head(own_name, asked, tree, is_commit)

    def _named(self, found: str | None, asked: str) -> str:
        """The repository that an answer is of, where it is the asked one or a redirect led there."""
        if found is None:
            raise BadResponseError("GitHub's answer names no repository", where=f"/repos/{asked}")
        if found.lower() != asked.lower() and f"/repos/{asked}/" in f"{self._session.last_found_at}/":
            if self._session.last_key is not None:
                self._session.cache.forget(self._session.last_key)
            raise BadResponseError(
                f"GitHub answers with {found}, and no redirect leads there",
                where=f"/repos/{asked}",
                hint="Nothing of this answer is kept. Check GITHUB_API_URL and the proxy.",
            )
        return found

    def find_commit(self, repository: str, revision: str) -> str:
        """The commit, 40 hex digits, of a branch, tag or commit; one that is whole already is not asked for."""
        if _COMMIT.fullmatch(revision):
            return revision
        if not _is_revision(revision):
            raise UsageError(f"{revision[:80]!a} is no revision", where=repository)
        path = f"/repos/{repository}/commits/{quote(revision, safe='')}"
        answer = self._get(path, accept="application/vnd.github.sha")
        commit = answer.text.strip()
        if answer.status_code in (404, 422):
            raise ModelNotFoundError(f"{repository} has no revision {revision}", where="GitHub")
        if not _COMMIT.fullmatch(commit):
            raise BadResponseError("GitHub's answer is no commit", where=path)
        return commit

    def read_tree(self, repository: str, commit: str) -> Tree:
        """Every file of a commit."""
        data = self._object(
            f"/repos/{repository}/git/trees/{commit}?recursive=1", f"{repository} has no commit {commit}"
        )
        return _tree(commit, data)

    def read_folder(self, repository: str, commit: str, folder: str) -> tuple[TreeFile, ...]:
        """The files directly in one folder of a commit."""
        path = f"/repos/{repository}/contents/{_quoted(folder)}?ref={commit}"
        answer = self._get(path)
        if answer.status_code == 404:
            raise ModelNotFoundError(f"{repository} has no folder {folder} at {commit[:12]}", where="GitHub")
        return tuple(_files(self._json(answer, path, list), "file"))

    def read_file(self, repository: str, commit: str, path: str) -> bytes:
        """The content of one file at a commit, from the raw host.

        Raises:
            ModelNotFoundError: The commit has no such file.
            BadResponseError: It is larger than a source file may be.
        """
        if not _COMMIT.fullmatch(commit):
            raise UsageError(f"{commit[:80]!a} is no commit", where=repository)
        address = f"{self._raw}/{repository}/{commit}/{_quoted(path)}"
        answer = self._get(address, accept="*/*")
        if answer.status_code == 404:
            raise ModelNotFoundError(f"{repository} has no file {path} at {commit[:12]}", where="GitHub")
        self._check(answer, path)
        if len(answer.content) > self._session.settings.limits.source_bytes:
            raise BadResponseError(f"{path} is larger than a source file may be", where=repository)
        return answer.content

    def read_blob(self, repository: str, file: TreeFile) -> bytes:
        """The content of one file of a tree by its own id, which holds for it whatever the commit.

        Raises:
            BadResponseError: It is not the content of this id, or larger than a source file may be.
        """
        if not _COMMIT.fullmatch(file.sha) or file.size > self._session.settings.limits.source_bytes:
            raise BadResponseError(f"{file.path} has no id, or is larger than a source file may be", where=repository)
        data = self._object(f"/repos/{repository}/git/blobs/{file.sha}", f"{repository} has no file {file.path}")
        try:
            content = base64.b64decode(_text(data, "content"))
        except ValueError:
            content = b""
        if blob_id(content) != file.sha:
            raise BadResponseError(f"GitHub's answer is not the content of {file.path}", where=repository)
        return content

    def search_code(self, name: str, *, repository: str | None = None, results: int = 30) -> tuple[CodeResult, ...]:
        """Python files that hold a name, those that define exactly it first; GitHub wants a token for this.

        Raises:
            SourceUnavailableError: Without a token, or when the searches of this minute are used up.
        """
        if not re.fullmatch(r"\w[\w. -]{0,98}\w", name):
            raise UsageError(f"{name[:60]!a} is no name that code can be searched for")
        if self._service.token() is None:
            raise SourceUnavailableError(_WHO_MAY_SEARCH, hint="Set GITHUB_TOKEN.")
        query = f'"{name}" language:python' + (f" repo:{repository}" if repository else "")
        path = f"/search/code?q={quote(query, safe='')}&per_page={results}"
        answer = self._get(path, accept="application/vnd.github.text-match+json")
        if answer.status_code == 401:
            raise SourceUnavailableError(_WHO_MAY_SEARCH, hint="Set GITHUB_TOKEN.")
        items = self._json(answer, path, dict).get("items")
        return rank_code(name, [_code_item(item) for item in items or [] if isinstance(item, dict)])

    def search_repositories(self, name: str, results: int = 20) -> tuple[tuple[str, bool], ...]:
        """Repositories whose names hold the words, with whether it is exactly the name; those first."""
        words = " ".join(re.findall(r"[\w.-]+", name))[:100]
        if not words:
            raise UsageError(f"{name[:60]!a} has no word to search for")
        path = f"/search/repositories?q={quote(f'{words} in:name', safe='')}&per_page={results}"
        items = self._json(self._get(path), path, dict).get("items")
        names = [github_repository(_text(item, "full_name")) for item in items or [] if isinstance(item, dict)]
        return rank_repositories(name.strip(), [each for each in names if each])

    def _object(self, path: str, missing: str) -> dict[str, Any]:
        answer = self._get(path)
        if answer.status_code in (404, 451):
            raise ModelNotFoundError(missing, where="GitHub", hint="It may be private, or have another name.")
        found: dict[str, Any] = self._json(answer, path, dict)
        return found

    def _get(self, path: str, accept: str = "application/vnd.github+json") -> httpx2.Response:
        from archviz.network.client import open_client

        url = path if path.startswith(("http://", "https://")) else f"{self._api}{path}"
        with open_client(self._service, self._session) as client:
            answer = client.get(url, headers={"Accept": accept})
        self._tell_limit(answer)
        return answer

    def _json(self, answer: httpx2.Response, path: str, kind: type) -> Any:
        self._check(answer, path)
        try:
            data = answer.json()
        except (ValueError, RecursionError):
            data = None
        if not isinstance(data, kind):
            from archviz.network.transport import cache_key

            self._session.cache.forget(cache_key(answer.request))
            raise BadResponseError("GitHub's answer is not what it should be", where=path.partition("?")[0])
        return data

    def _check(self, answer: httpx2.Response, path: str) -> None:
        if answer.status_code == 200:
            return
        where = path.partition("?")[0]
        if answer.status_code in (403, 429) and "rate limit" in answer.text[:2000].lower():
            raise RateLimitedError("GitHub limits the rate of requests", where=where, hint="Wait, or set GITHUB_TOKEN.")
        raise SourceUnavailableError(f"GitHub answers with status {answer.status_code}", where=where)

    def _tell_limit(self, answer: httpx2.Response) -> None:
        """Note when few requests remain, and until when."""
        remaining, reset = answer.headers.get("x-ratelimit-remaining", ""), answer.headers.get("x-ratelimit-reset", "")
        if (
            remaining.isdecimal()
            and len(remaining) < 9
            and int(remaining) < FEW
            and reset.isdecimal()
            and len(reset) < 12
        ):
            until = time.strftime("%H:%M UTC", time.gmtime(int(reset)))
            self._session.note(
                f"GitHub allows {remaining} more requests until {until}; a GITHUB_TOKEN raises the limit."
            )


def _asked(name: str) -> str:
    """The `owner/name` that is asked for.

    Raises:
        UsageError: The text is none.
    """
    asked = github_repository(name)
    if asked is None:
        raise UsageError(f"{name[:80]!a} is no GitHub repository", hint="Write owner/name.")
    return asked


def _renamed_from(asked: str, name: str) -> str | None:
    """The asked name where the repository has another one now; letter case is no other name."""
    return asked if asked.lower() != name.lower() else None


def _is_revision(text: str) -> bool:
    return _REVISION.fullmatch(text) is not None and ".." not in text


def _branch(text: str, asked: str) -> str:
    """The branch that an answer states.

    Raises:
        BadResponseError: It can be none.
    """
    if not _is_revision(text):
        raise BadResponseError(f"GitHub states {text[:80]!a} as a branch, which is none", where=f"/repos/{asked}")
    return text


def _text(data: dict[str, Any], key: str) -> str:
    value = data.get(key)
    return value if isinstance(value, str) else ""


def _quoted(path: str) -> str:
    segments = path.split("/")
    if not all(map(is_plain_segment, segments)):
        raise UsageError(f"{path[:80]!a} is no path in a repository")
    return "/".join(quote(segment, safe="") for segment in segments)


def _tree(commit: str, data: dict[str, Any]) -> Tree:
    return Tree(commit, tuple(_files(data.get("tree"), "blob")), data.get("truncated") is True)


def _files(rows: object, kind: str) -> list[TreeFile]:
    """The files of a listing whose paths and sizes are sound."""
    files = []
    for row in (rows if isinstance(rows, list) else [])[:MOST_TREE]:
        if not isinstance(row, dict) or row.get("type") != kind:
            continue
        path, size = _text(row, "path"), row.get("size")
        if path and isinstance(size, int) and size >= 0 and all(map(is_plain_segment, path.split("/"))):
            files.append(TreeFile(path, size, _text(row, "sha")))
    return files


def _code_item(item: dict[str, Any]) -> tuple[str, str, str, list[str]]:
    repository = item.get("repository")
    matches = item.get("text_matches")
    fragments = (
        [_text(match, "fragment") for match in matches if isinstance(match, dict)] if isinstance(matches, list) else []
    )
    name = _text(repository, "full_name") if isinstance(repository, dict) else ""
    return name, _text(item, "path"), _text(item, "html_url"), fragments
