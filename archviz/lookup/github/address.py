"""GitHub addresses, told by their form alone."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from archviz.errors import UsageError
from archviz.late_patterns import late_pattern
from archviz.records import record

HOSTS = ("github.com", "www.github.com")
_OWNER = late_pattern(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,37}[A-Za-z0-9])?")
_NAME = late_pattern(r"[A-Za-z0-9._-]{1,100}")
_REVISION = late_pattern(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_NO_OWNERS = frozenset(
    "about apps collections contact customer-stories enterprise events explore features join login marketplace new "
    "notifications orgs pricing readme search security settings site sponsors stars topics trending".split()
)


@record(frozen=True)
class GithubAddress:
    """What a GitHub URL names.

    Args:
        repository: `owner/name`, as written.
        revision: The branch, tag or commit of a `/tree/`, `/blob/`, `/commit/` or `/releases/tag/` page; of a branch whose name
            holds a slash the part before it.
        path: The path in the repository after it; empty for its root.
    """

    repository: str
    revision: str | None = None
    path: str = ""

    @property
    def text(self) -> str:
        """The address in one line: `owner/name@revision:path`."""
        at = f"@{self.revision}" if self.revision else ""
        return f"{self.repository}{at}{':' + self.path if self.path else ''}"


def github_repository(text: str) -> str | None:
    """`owner/name` when a text has that form and GitHub could have such a repository."""
    owner, slash, name = text.partition("/")
    name = name.removesuffix(".git")
    if not slash or not _OWNER.fullmatch(owner) or not _NAME.fullmatch(name) or name in (".", ".."):
        return None
    return None if owner.lower() in _NO_OWNERS else f"{owner}/{name}"


def github_address(url: str) -> GithubAddress | None:
    """The repository, and the revision and path if any, that a GitHub URL names.

    None when it names no repository, or of one what it never had as a revision: a pull request, a comparison.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or host not in HOSTS:
        return None
    segments = [unquote(segment) for segment in parts.path.split("/") if segment]
    repository = github_repository("/".join(segments[:2]))
    if repository is None:
        return None
    page = segments[2:]
    if page[:1] in (["pull"], ["compare"]):
        return None
    if page[:2] == ["releases", "tag"]:
        page = ["tree", *page[2:3]]
    if len(page) < 2 or page[0] not in ("tree", "blob", "raw", "commit", "commits"):
        return GithubAddress(repository)
    revision, path = page[1], page[2:]
    if not _REVISION.fullmatch(revision) or not all(is_plain_segment(segment) for segment in path):
        return None
    return GithubAddress(repository, revision, "/".join(path))


def with_scheme(text: str) -> str:
    """An address on GitHub in full where it was written without its scheme; any other text as it is.

    >>> with_scheme("github.com/a/b"), with_scheme("a/b")
    ('https://github.com/a/b', 'a/b')
    """
    return f"https://{text}" if text.lower().startswith(tuple(f"{host}/" for host in HOSTS)) else text


def searched_address(text: str) -> GithubAddress | None:
    """The repository that is to be searched; None where a text is a path.

    Raises:
        UsageError: It is an address, and none of a repository on GitHub.
    """
    url = with_scheme(text)
    if "://" not in url or (url != text and Path(text).exists()):
        return None
    address = github_address(url)
    if address is None:
        raise UsageError(
            f"{text.partition('?')[0][:160]!a} is no address of a repository on GitHub",
            hint="Write https://github.com/OWNER/NAME, for a revision …/tree/REVISION; code elsewhere is searched in a folder.",
        )
    return address


def is_plain_segment(segment: str) -> bool:
    """Whether a path segment leads neither up nor elsewhere and holds no odd characters."""
    return segment not in ("", ".", "..") and segment.isprintable() and not set(segment) & set('/\\:*?"<>|')
