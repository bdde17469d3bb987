"""Whom a client may ask: hosts, the family that redirects may lead to, the token and its only host."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from archviz import __version__
from archviz.errors import UsageError
from archviz.late_patterns import late_pattern
from archviz.records import field, record

HUB_HOSTS = ("huggingface.co", "www.huggingface.co", "hf.co")
USER_AGENT = f"archviz/{__version__}"
GITHUB_API_VERSION = "2026-03-10"
ACCOUNT = "archviz_account"  # extension of a request: what its answer is stored under besides, where it is not for all
COMMIT_HEADER = "x-repo-commit"  # by which the Hub says of which commit a file is
# what follows the origin; a name may have 40 such digits too, so only where an address has its revision
_HUB_COMMIT = late_pattern(r"/(?:api/models/[^/?]+/[^/?]+/revision|[^/?]+/[^/?]+/resolve)/[0-9a-f]{40}(?:[/?]|$)")
_HUB_FILE = late_pattern(r"/[^/?]+/[^/?]+/resolve/")
_GITHUB_COMMIT = late_pattern(
    r"/(?:repos/[^/?]+/[^/?]+/(?:git/trees/[0-9a-f]{40}(?:\?|$)|contents/[^?]*\?ref=[0-9a-f]{40}$)"
    r"|(?!repos/)[^/?]+/[^/?]+/[0-9a-f]{40}/)"
)
_NEVER = late_pattern(r"(?!)")
_ARXIV_VERSION = late_pattern(r"/(?:abs|pdf|html)/(?:\d{4}\.\d{4,5}|[a-z.-]+/\d{7})v\d+(?:\.pdf)?$")
_TOKEN = late_pattern(r"[!-~]{4,400}")
_FRESH = 300.0  # seconds for which a moving answer (a branch, a search) is taken as it is


@record(frozen=True)
class Service:
    """One place on the network.

    Args:
        name: How messages call it.
        origins: `scheme://host[:port]` of every place that may be asked.
        family: Suffixes of the hosts that a redirect may lead to besides, such as `.hf.co`; always https.
        token_variable: The environment variable of the token; empty for none.
        token_origin: The only origin that is ever given the token.
        offline_variable: The environment variable by which its own client is told not to ask it.
        headers: Sent with every request.
        fresh_seconds: How long a moving answer is taken from the cache without asking again.
        interval: Seconds between two requests, kept across processes, one at a time.
        has_pages: It answers with HTML pages too.
        has_catalog: The embedded catalog may answer in its place.
        pinned: The form of what follows the origin in an address whose content never changes.
        file: The form of what follows it in an address of a file, whose body may be elsewhere.
    """

    name: str
    origins: tuple[str, ...]
    family: tuple[str, ...] = ()
    token_variable: str = ""
    token_origin: str = ""
    offline_variable: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    fresh_seconds: float = _FRESH
    interval: float = 0.0
    has_pages: bool = False
    has_catalog: bool = False
    pinned: re.Pattern[str] = field(default=_NEVER)
    file: re.Pattern[str] = field(default=_NEVER)

    @property
    def endpoint(self) -> str:
        """The first origin: where the service's own API is."""
        return self.origins[0]

    def is_pinned(self, url: str) -> bool:
        """Whether an address names a commit or a version, so that its content never changes."""
        return any(self.pinned.match(path) for path in self._paths(url))

    def is_file(self, url: str) -> bool:
        """Whether an address is one of a file, which the service may redirect to where it keeps the body."""
        return any(self.file.match(path) for path in self._paths(url))

    def _paths(self, url: str) -> list[str]:
        return [url.partition("#")[0].removeprefix(each) for each in self.origins if url.startswith(f"{each}/")]

    def token(self) -> str | None:
        """The token of the environment, if it can be one at all."""
        text = os.environ.get(self.token_variable, "").strip() if self.token_variable else ""
        return text if _TOKEN.fullmatch(text) else None

    def unsound_token(self) -> str | None:
        """The variable of the token, where what it holds can be none."""
        text = os.environ.get(self.token_variable, "").strip() if self.token_variable else ""
        return self.token_variable if text and not _TOKEN.fullmatch(text) else None

    def missing_token(self) -> str:
        """The variable of the token, where none is set; empty where one is, or the service takes none."""
        return "" if self.token() else self.token_variable

    def account(self) -> str:
        """What an answer that is not for all is stored under besides its address: a digest of the token."""
        token = self.token()
        return f"{hashlib.sha256(token.encode()).hexdigest()[:16]} " if token else ""


def hub_service() -> Service:
    """The Hugging Face Hub at `HF_ENDPOINT`; it serves the bodies of files from hosts of its own family."""
    endpoint = _origin(os.environ.get("HF_ENDPOINT") or "https://huggingface.co", "HF_ENDPOINT")
    return Service(
        "the Hub",
        (endpoint,),
        family=(".hf.co", ".huggingface.co"),
        token_variable="HF_TOKEN",  # noqa: S106 # the variable's name
        token_origin=endpoint,
        offline_variable="HF_HUB_OFFLINE",
        has_catalog=True,
        pinned=_HUB_COMMIT,
        file=_HUB_FILE,
    )


def arxiv_service() -> Service:
    """arXiv: its API and its pages; one request per 3 seconds, one at a time."""
    stated = os.environ.get("ARCHVIZ_ARXIV_URL")
    own = _origin(stated, "ARCHVIZ_ARXIV_URL") if stated else None
    origins = (own,) if own else ("https://export.arxiv.org", "https://arxiv.org", "https://www.arxiv.org")
    return Service("arXiv", origins, interval=3.0, fresh_seconds=86_400.0, has_pages=True, pinned=_ARXIV_VERSION)


def github_service() -> Service:
    """GitHub: its API (the only place that is given the token), and files from the raw host."""
    api = _origin(os.environ.get("GITHUB_API_URL") or "https://api.github.com", "GITHUB_API_URL")
    raw = _origin(
        os.environ.get("ARCHVIZ_GITHUB_RAW_URL") or "https://raw.githubusercontent.com", "ARCHVIZ_GITHUB_RAW_URL"
    )
    return Service(
        "GitHub",
        (api, raw),
        token_variable="GITHUB_TOKEN",  # noqa: S106 # the variable's name
        token_origin=api,
        headers=(("Accept", "application/vnd.github+json"), ("X-GitHub-Api-Version", GITHUB_API_VERSION)),
        pinned=_GITHUB_COMMIT,
    )


def page_service(hosts: Iterable[str]) -> Service:
    """Pages on hosts that the caller lists, over https and without any token; redirects stay among them."""
    named = tuple(f"https://{host.lower()}" for host in hosts if re.fullmatch(r"[A-Za-z0-9.-]{1,253}", host))
    if not named:
        raise UsageError("no host is given whose pages may be read")
    return Service("the page", named, fresh_seconds=86_400.0, has_pages=True)


def origin_of(url: str) -> str:
    """`scheme://host[:port]` of an address, default ports left out; empty where it has none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    default = 443 if parts.scheme == "https" else 80
    return f"{parts.scheme}://{host}" + ("" if port in (None, default) else f":{port}")


def is_loopback(origin: str) -> bool:
    """Whether an origin is this machine itself."""
    host = urlsplit(origin).hostname or ""
    return host in ("localhost", "::1") or re.fullmatch(r"127(?:\.\d{1,3}){3}", host) is not None


def _origin(text: str, variable: str) -> str:
    """An endpoint from the environment: https, or plain http on this machine itself.

    Raises:
        UsageError: It is no such address.
    """
    origin = origin_of(text.strip()) if text.isascii() else ""  # a letter that looks like another leads elsewhere
    if not origin or (origin.startswith("http:") and not is_loopback(origin)):
        raise UsageError(
            f"{variable} is no address that can be used"
            if not origin
            else f"{variable} must be https unless it is loopback",
            where=variable,
            hint="Write https://host, or unset the variable.",
        )
    if urlsplit(text.strip()).path.strip("/"):
        return origin + urlsplit(text.strip()).path.rstrip("/")
    return origin
