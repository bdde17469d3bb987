"""Small files of a repository at its commit: configuration, code, card. Never a file of weights."""

from __future__ import annotations

import re
from urllib.parse import quote

from archviz.errors import BadResponseError, SourceUnavailableError
from archviz.lookup.hub.facts import HubModel
from archviz.network.services import hub_service
from archviz.network.session import Session

_PATH = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]*/){0,8}[A-Za-z0-9_][A-Za-z0-9_.-]*")
_READABLE = (".json", ".py", ".md", ".txt")


def is_readable(path: str) -> bool:
    """Whether a path of a repository is one of a small text, written plainly."""
    return len(path) <= 300 and path.endswith(_READABLE) and _PATH.fullmatch(path) is not None and ".." not in path


def file_url(model: HubModel, path: str) -> str:
    """The address of a file at the model's commit."""
    return f"{hub_service().endpoint}/{model.id}/resolve/{model.commit}/{quote(path)}"


def is_stored(model: HubModel, path: str, session: Session) -> bool:
    """Whether a file is in the cache, so that reading it needs no request."""
    return session.cache.read(file_url(model, path)) is not None


def read_file(model: HubModel, path: str, session: Session, limit: int) -> bytes:
    """The content of a file at the model's commit, from the cache or the Hub.

    Raises:
        GatedError: The files are not given to this account.
        BadResponseError: It is larger than the limit, or no file that is read.
        SourceUnavailableError: It is not in the repository, or cannot be fetched.
    """
    if not is_readable(path):
        raise BadResponseError(f"{path[:100]!a} is no path of a text file", where=model.id)
    stored = session.cache.read(file_url(model, path))
    data = stored.body if stored else _fetch(model, path, session)
    if len(data) > limit:
        raise BadResponseError(
            f"the file has {len(data):,} bytes, at most {limit:,} are read", where=f"{model.id}, {path}"
        )
    return data


def _fetch(model: HubModel, path: str, session: Session) -> bytes:
    from archviz.network.client import open_client

    with open_client(hub_service(), session) as client:
        response = client.get(file_url(model, path))
    if response.status_code == 200:
        return response.content
    raise refusal(model, path, response.status_code, response.headers.get("x-error-code", ""))


def refusal(model: HubModel, path: str, status: int, code: str) -> SourceUnavailableError:
    """Why a file of a repository that shows its facts is not given."""
    from archviz.lookup.hub.api import gated

    if code == "GatedRepo" or status in (401, 403):
        return gated(model.id)
    if status == 404:
        return SourceUnavailableError(
            f"the Hub has no {path} of {model.id} at commit {model.commit[:12]}", where=file_url(model, path)
        )
    return BadResponseError(f"the Hub answers with status {status}", where=file_url(model, path))
