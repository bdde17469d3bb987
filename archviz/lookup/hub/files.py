"""Small files of a repository at its commit: configuration, code, card. Never a file of weights."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from archviz.errors import ArchvizError, BadResponseError, SourceUnavailableError
from archviz.late_patterns import late_pattern
from archviz.lookup.hub.facts import HubModel
from archviz.network.services import ACCOUNT, COMMIT_HEADER, hub_service, origin_of
from archviz.network.session import Session

if TYPE_CHECKING:
    import httpx2

_PATH = late_pattern(r"(?:[A-Za-z0-9_][A-Za-z0-9_.-]*/){0,8}[A-Za-z0-9_][A-Za-z0-9_.-]*")
CONFIG = "config.json"
_READABLE = (".json", ".py", ".md", ".txt")


def is_readable(path: str) -> bool:
    """Whether a path of a repository is one of a small text, written plainly."""
    return len(path) <= 300 and path.endswith(_READABLE) and _PATH.fullmatch(path) is not None and ".." not in path


def file_url(model: HubModel, path: str) -> str:
    """The address of a file at the model's commit."""
    return f"{hub_service().endpoint}/{model.id}/resolve/{model.commit}/{quote(path)}"


def file_key(model: HubModel, path: str) -> str:
    """What a file is stored under: of a gated or private repository, for the account that was given it."""
    return account_of(model) + file_url(model, path)


def account_of(model: HubModel) -> str:
    """The account that the files of a repository are stored for; empty where they are for all."""
    return hub_service().account() or "nobody " if model.gated or model.private else ""


def read_file(model: HubModel, path: str, session: Session, limit: int) -> bytes:
    """The content of a file at the model's commit, from the cache or the Hub.

    Raises:
        GatedError: The files are not given to this account.
        BadResponseError: It is larger than the limit, or no file that is read.
        SourceUnavailableError: It is not in the repository, or cannot be fetched.
    """
    if not is_readable(path):
        raise BadResponseError(f"{path[:100]!a} is no path of a text file", where=model.id)
    stored = session.cache.read(file_key(model, path))
    of_commit = stored is not None and stored.headers.get(COMMIT_HEADER, model.commit) == model.commit
    data = stored.body if stored and of_commit else _fetch(model, path, session)
    if len(data) > limit:
        raise BadResponseError(
            f"the file has {len(data):,} bytes, at most {limit:,} are read", where=f"{model.id}, {path}"
        )
    return data


def read_config(model: HubModel, session: Session, *, stands: bool) -> bytes:
    """The configuration at the model's commit; it is waited for where the catalog cannot stand for it.

    Args:
        stands: The catalog has facts of this repository at this revision.

    Raises:
        GatedError: It is not given to this account.
        SourceUnavailableError: It is not in the repository, or cannot be fetched.
    """
    alone = contextlib.nullcontext() if stands else session.waiting_for_it()
    with alone:
        return read_file(model, CONFIG, session, session.settings.limits.config_bytes)


@contextlib.contextmanager
def unless_bad(model: HubModel, path: str, session: Session) -> Iterator[None]:
    """Forget the copy of a file whose content turns out to be none of its kind: a proxy may have answered in the Hub's place."""
    try:
        yield
    except ArchvizError:
        session.cache.forget(file_key(model, path))
        raise


def _fetch(model: HubModel, path: str, session: Session) -> bytes:
    from archviz.network.client import open_client

    with open_client(hub_service(), session) as client:
        response = client.get(file_url(model, path), extensions={ACCOUNT: account_of(model)})
    if response.status_code == 200:
        try:
            check_origin(model, path, response)
        except BadResponseError:
            session.cache.forget(file_key(model, path))
            raise
        return response.content
    raise refusal(model, path, response.status_code, response.headers.get("x-error-code", ""))


def check_origin(model: HubModel, path: str, response: httpx2.Response) -> None:
    """Whether an answer is a file of this repository at this commit, by what it states or by where it was found.

    Raises:
        BadResponseError: It names another commit, or a redirect took it from another repository.
    """
    from archviz.network.faults import shown
    from archviz.network.transport import found_at

    stated, at = response.headers.get(COMMIT_HEADER), found_at(response)
    if stated is not None and stated != model.commit:
        why = f"of commit {stated[:12]!a}"
    elif stated is None and _is_elsewhere(model, at):
        why = "from another repository"
    else:
        return
    raise BadResponseError(
        f"the Hub answers with a file {why} where {path} of {model.id} at {model.commit[:12]} was asked for",
        where=shown(at),
        hint="Nothing of this answer is kept. Check HF_ENDPOINT and the proxy.",
    )


def _is_elsewhere(model: HubModel, url: str) -> bool:
    """Whether an address of the Hub itself is of another repository; its hosts of bodies name none."""
    at_hub = origin_of(url) == origin_of(hub_service().endpoint)
    return at_hub and f"/{model.id}/".lower() not in unquote(url.partition("?")[0]).lower()


def refusal(model: HubModel, path: str, status: int, code: str) -> SourceUnavailableError:
    """Why a file of a repository that shows its facts is not given."""
    from archviz.lookup.hub.api import gated

    if code == "GatedRepo" or (status in (401, 403) and (model.gated or model.private)):
        return gated(model.id)
    if status in (401, 403):  # such as a signature of a host of bodies that has run out
        return BadResponseError(
            f"{path} of {model.id} is refused with status {status}, though the repository is open to all",
            where=file_url(model, path),
            hint="Try again; if it stays, a proxy may be in the way.",
        )
    if status == 404:
        return SourceUnavailableError(
            f"the Hub has no {path} of {model.id} at commit {model.commit[:12]}", where=file_url(model, path)
        )
    return BadResponseError(f"the Hub answers with status {status}", where=file_url(model, path))
