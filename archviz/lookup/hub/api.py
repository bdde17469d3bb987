"""The `huggingface_hub` client over our own transport, and its documented exceptions as ours."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from archviz import __version__
from archviz.errors import ArchvizError, BadResponseError, GatedError, ModelNotFoundError, SourceUnavailableError
from archviz.network.client import open_client
from archviz.network.services import hub_service
from archviz.network.session import Session

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

_LOCK = threading.RLock()  # the client of huggingface_hub is one for the whole process
_ACCESS = "Ask for access on {page}, then set HF_TOKEN to a token of that account."


@contextlib.contextmanager
def hub_api(session: Session, *, stored: bool = True, account: str = "") -> Iterator[HfApi]:
    """The official client, every request of which goes through our transport; our transport adds the token.

    Args:
        stored: Whether answers may come from the cache and are kept there.
        account: Whom they are stored for, where they are not the same for all.
    """
    service = hub_service()
    _read_constants()
    from huggingface_hub import HfApi, close_session, set_client_factory

    with _LOCK:
        set_client_factory(lambda: open_client(service, session, account=account))
        try:
            headers = None if stored else {"Cache-Control": "no-store"}
            yield HfApi(
                service.endpoint, token=False, library_name="archviz", library_version=__version__, headers=headers
            )
        finally:
            close_session()


def _read_constants() -> None:
    """Let `huggingface_hub` read the environment, which it does once, as we read it; the process's own stays as it is.

    It takes `HF_ENDPOINT` with the blanks around it, which end its import, and unless told otherwise it asks the Hub for a list of
    agents. Which endpoint is asked is told to each `HfApi`.
    """
    with _LOCK:
        if "huggingface_hub.constants" in sys.modules:
            return
        stated = {"HF_ENDPOINT": hub_service().endpoint, "HF_HUB_DISABLE_TELEMETRY": "1"}
        before = {name: os.environ.get(name) for name in stated}
        try:
            os.environ.update(stated)
            import huggingface_hub.constants  # noqa: F401 # read by all of its modules
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


@contextlib.contextmanager
def hub_errors(model_id: str, revision: str | None = None) -> Iterator[None]:
    """The boundary: what `huggingface_hub` raises about a repository, as `archviz.errors`.

    Raises:
        GatedError: The files are not given to this account.
        ModelNotFoundError: There is no such repository or revision, or it is private.
        BadResponseError: The reply is not of the form that the Hub documents.
    """
    _read_constants()
    from huggingface_hub import errors

    try:
        yield
    except errors.HfHubHTTPError as error:
        raise _refusal(error, model_id, revision) from None
    except errors.HFValidationError as error:
        raise ModelNotFoundError(f"the Hub has nothing of this name: {_line(error)}", where=page_of(model_id)) from None
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        raise _undocumented(error, page_of(model_id)) from None


def _refusal(error: HfHubHTTPError, model_id: str, revision: str | None) -> ArchvizError:
    """What the Hub's own refusal says; a refusal that is not in its form is somebody else's, and says nothing about a model."""
    from huggingface_hub import errors

    if not _is_of_the_hub(error):
        return BadResponseError(
            f"the Hub's answer with status {error.response.status_code} is not of the Hub's own form",
            where=page_of(model_id),
            hint="A network or a proxy in between may have answered. Check HF_ENDPOINT and the proxy, and try again.",
        )
    if isinstance(error, errors.GatedRepoError):  # before its parent, RepositoryNotFoundError
        return gated(model_id)
    if isinstance(error, errors.DisabledRepoError):
        return SourceUnavailableError(f"the Hub has disabled access to {model_id}", where=page_of(model_id))
    if isinstance(error, errors.RepositoryNotFoundError):
        return missing(model_id)
    if isinstance(error, errors.RevisionNotFoundError):
        return no_revision(model_id, revision)
    if isinstance(error, errors.RemoteEntryNotFoundError):
        return ModelNotFoundError(f"the Hub has nothing of this name: {_line(error)}", where=page_of(model_id))
    return _by_status(error.response.status_code, model_id)


def _is_of_the_hub(error: HfHubHTTPError) -> bool:
    """Whether a refusal has the form of the Hub: a code in its headers, or JSON."""
    if error.response.headers.get("x-error-code"):
        return True
    try:
        return isinstance(error.response.json(), dict)
    except (ValueError, RecursionError):
        return False


@contextlib.contextmanager
def search_errors(where: str) -> Iterator[None]:
    """The boundary for searches: whatever is refused or malformed there is about the search, never about a repository.

    Raises:
        BadResponseError: The search was refused, or its reply is not of the form that the Hub documents.
    """
    _read_constants()
    from huggingface_hub import errors

    try:
        yield
    except errors.HfHubHTTPError as error:
        raise BadResponseError(f"its search answers with status {error.response.status_code}", where=where) from None
    except (errors.HFValidationError, ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        raise _undocumented(error, where) from None


def _undocumented(error: Exception, where: str) -> BadResponseError:
    return BadResponseError(
        f"the Hub's reply is not of the documented form ({type(error).__name__})",
        where=where,
        hint="Try again; if it stays, the Hub may speak a newer form than this huggingface_hub.",
    )


def page_of(model_id: str) -> str:
    """The repository's page at the endpoint in use."""
    return f"{hub_service().endpoint}/{model_id}"


def gated(model_id: str) -> GatedError:
    """The repository is there and shows its facts, but gives its files only to those whom its owner lets in."""
    return GatedError(
        f"{model_id} is gated: its files are given only to accounts that its owner let in",
        where=page_of(model_id),
        hint=_ACCESS.format(page=page_of(model_id)),
    )


def missing(model_id: str) -> ModelNotFoundError:
    """The Hub does not tell a private repository from a missing one, and neither do we."""
    return ModelNotFoundError(
        f"the Hub shows no repository {model_id}: there is none, or it is private to others",
        where=page_of(model_id),
        hint="Check the name on the Hub. For a private repository, set HF_TOKEN to a token that may read it.",
    )


def no_revision(model_id: str, revision: str | None) -> ModelNotFoundError:
    return ModelNotFoundError(
        f"{model_id} has no revision {revision or 'main'}",
        where=page_of(model_id),
        hint="Write the name of a branch or tag, or the 40 digits of a commit.",
    )


def _by_status(status: int, model_id: str) -> ArchvizError:
    if status in (401, 404):  # endpoints that leave out X-Error-Code
        return missing(model_id)
    if status == 403:
        return GatedError(
            f"the Hub forbids access to {model_id}",
            where=page_of(model_id),
            hint="Check what the token of HF_TOKEN may read.",
        )
    return BadResponseError(f"the Hub answers with status {status}", where=page_of(model_id))


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
