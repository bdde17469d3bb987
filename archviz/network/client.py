"""The client of a service: an `httpx2.Client` whose every request goes through `GuardedTransport`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archviz.network.services import USER_AGENT, Service
from archviz.network.session import Session

if TYPE_CHECKING:
    import httpx2


def open_client(service: Service, session: Session, *, account: str = "") -> httpx2.Client:
    """A client for one service; close it, or use it in a `with`.

    What its requests raise is `archviz.errors`: `SourceUnavailableError` and its kinds. Answers 2xx and 4xx come back.

    Args:
        service: Whom it may ask: `hub_service()`, `arxiv_service()`, `github_service()`, `page_service(hosts)`.
        session: The command's time, cache and notes, shared between its clients.
        account: Whom all its answers are stored for, where they are not the same for all.
    """
    import httpx2

    from archviz.network.transport import GuardedTransport

    return httpx2.Client(
        transport=GuardedTransport(service, session, account),
        headers={"User-Agent": USER_AGENT},
        follow_redirects=False,  # the transport follows them, and keeps the answer under the address that was asked
        timeout=None,  # the transport bounds each attempt itself
        trust_env=False,  # no netrc: tokens come from their own variables only
    )
