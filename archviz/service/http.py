"""Streamable HTTP: who may ask, by which names, with which token; health, readiness and a graceful end.

Without anything else said the server listens on a loopback address and answers to that address's own names. Any other address needs a token
and the names by which clients reach it: a page in somebody's browser can send requests to any address, but it sends the
name that it was given along (Host, Origin), and it does not know the token.
"""

from __future__ import annotations

import hmac
import ipaddress
import logging
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.mcpserver import Context
from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.responses import JSONResponse

from archviz import __version__
from archviz.errors import UsageError
from archviz.records import field, record
from archviz.service.callers import Caller
from archviz.service.desk import GRACE_SECONDS, LAST_SECONDS, waited_for
from archviz.service.exchanges import Exchanges
from archviz.service.outputs import OutputRoot
from archviz.service.reach import Reach
from archviz.service.server import Server, build_server, prepare_process
from archviz.service.tokens import token_key
from archviz.settings import Settings

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp, Receive, Scope, Send

PATH = "/mcp"
HEALTH, READY = "/health", "/ready"
BODY_BYTES = 2_000_000
MOST_SESSIONS = 500
IDLE_SECONDS = 1_800.0
_MOST_REQUESTS = 600  # connections at once; more are told to come again
_AUTHORITY = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>\d{1,5}))?")
_LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
_log = logging.getLogger("archviz.service")


@record(frozen=True)
class Hosting:
    """Where the server listens, and who may ask.

    Args:
        host: An address of this machine.
        port: 0 for any that is free.
        tokens: SHA-256 of a token → name of the client that has it; without one, nobody needs one.
        names: Host names by which clients reach the server, besides those of a loopback address.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    tokens: Mapping[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()

    @property
    def is_loopback(self) -> bool:
        if self.host == "localhost":
            return True
        with suppress(ValueError):
            return ipaddress.ip_address(self.host).is_loopback
        return False

    def check(self) -> None:
        """Refuse an address that others reach without a token and names.

        Raises:
            UsageError: With what is missing.
        """
        if self.is_loopback:
            return
        if not self.tokens:
            raise UsageError(
                f"{self.host} is reached by others, so a token is needed",
                where="--http",
                hint="set ARCHVIZ_TOKEN, or give --token-file FILE",
            )
        if not self.names:
            raise UsageError(
                f"{self.host} is reached by others, so the names that they use must be known",
                where="--http",
                hint="--allow-host NAME[,NAME…]",
            )

    @property
    def all_names(self) -> frozenset[str]:
        """Every name that a request may carry as its Host."""
        address = f"[{self.host}]" if ":" in self.host else self.host
        own = _LOOPBACK_NAMES | {address.lower()} if self.is_loopback else frozenset()
        return own | {name.lower() for name in self.names}


def parse_address(text: str) -> tuple[str, int]:
    """`HOST:PORT`, `[::1]:PORT` or a port alone.

    >>> parse_address("127.0.0.1:8765"), parse_address("[::1]:80"), parse_address("9000")
    (('127.0.0.1', 8765), ('::1', 80), ('127.0.0.1', 9000))

    Raises:
        UsageError: It is neither.
    """
    whole = f"127.0.0.1:{text}" if text.isdecimal() else text
    found = _AUTHORITY.fullmatch(whole)
    if found is None or found["port"] is None or int(found["port"]) > 65_535:
        raise UsageError(f"{text[:60]!a} is no address to listen on", where="--http", hint="such as 127.0.0.1:8765")
    return found["name"].strip("[]"), int(found["port"])


def parse_names(text: str) -> tuple[str, ...]:
    """Host names separated by commas, without ports.

    Raises:
        UsageError: One of them is none.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        found = _AUTHORITY.fullmatch(name)
        if found is None or found["port"] is not None:
            raise UsageError(f"{name[:60]!a} is no host name", where="--allow-host", hint="such as archviz.example.org")
    return tuple(names)


class Gate:
    """Looks at every request before anything else does: names, token; and answers whether the server is well.

    Args:
        app: What it guards.
        hosting: Who may ask.
        server: Whose desk says how much there is to do.
    """

    def __init__(self, app: ASGIApp, hosting: Hosting, server: Server) -> None:
        self.app, self.hosting, self.server = app, hosting, server
        self.draining = False
        self.exchanges = Exchanges()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refused = self._refused(headers)
        if refused is None and scope["path"] in (HEALTH, READY):
            refused = self._state(scope)
        if refused is None and self.draining and scope["method"] != "DELETE":  # which ends a session
            refused = _refusal(503, "draining", "the server ends: it takes no new calls")
            refused.headers["retry-after"] = str(GRACE_SECONDS)
        if refused is None and self.hosting.tokens:
            stated = headers.getlist("authorization")
            client = self._client(stated[0]) if len(stated) == 1 else None
            if client is None:
                refused = _refusal(401, "invalid_token", "a valid bearer token is needed")
                refused.headers["www-authenticate"] = 'Bearer error="invalid_token"'
            else:
                scope["user"] = AuthenticatedUser(AccessToken(token="-", client_id=client, scopes=[]))  # noqa: S106 - none
        if refused is not None:
            await refused(scope, receive, send)
        else:
            await self.exchanges.serve(self.app, scope, receive, send)

    def _refused(self, headers: Headers) -> JSONResponse | None:
        """The answer to a request under a name that is not the server's own."""
        if len(headers.getlist("host")) != 1 or not self._is_own(headers["host"]):
            return _refusal(421, "wrong_host", "this server has no such name")
        origins = headers.getlist("origin")
        if not all(self._is_own_page(origin) for origin in origins):
            return _refusal(403, "wrong_origin", "pages of other places may not ask this server")
        return None

    def _is_own_page(self, origin: str) -> bool:
        scheme, _, authority = origin.partition("://")
        return scheme in ("http", "https") and self._is_own(authority)

    def _is_own(self, authority: str) -> bool:
        found = _AUTHORITY.fullmatch(authority)
        return found is not None and found["name"].lower() in self.hosting.all_names

    def _client(self, authorization: str) -> str | None:
        """The client whose token it is; every token is looked at, so that time tells nothing."""
        scheme, _, token = authorization.partition(" ")
        key = token_key(token.strip())
        found = [name for known, name in self.hosting.tokens.items() if hmac.compare_digest(known, key)]
        return found[0] if found and scheme.lower() == "bearer" else None

    def _state(self, scope: Scope) -> JSONResponse:
        if scope["method"] not in ("GET", "HEAD"):
            return _refusal(405, "method", "GET asks for the state")
        if scope["path"] == HEALTH:
            return JSONResponse({"status": "ok", "version": __version__})
        desk = self.server.desk
        ready = not self.draining and desk.count < desk.most
        state = "ready" if ready else "draining" if self.draining else "busy"
        return JSONResponse({"status": state, "calls": desk.count}, 200 if ready else 503)


def _refusal(status: int, error: str, message: str) -> JSONResponse:
    return JSONResponse({"error": error, "message": message}, status)


def caller_over_http(context: Context[Any, Any] | None, outputs: OutputRoot) -> Caller:
    """The client of a request: by its token alone, else by its session, or on this machine by the name that it gives itself."""
    from mcp.server.apps import client_supports_apps

    if context is None:
        return Caller(outputs.of_client("nobody"), remote=True)
    request = context.request_context.request
    user = request.scope.get("user") if request is not None else None
    session = request.headers.get("mcp-session-id", "") if request is not None else ""
    parameters = context.request_context.session.client_params
    named = parameters.client_info.name if parameters is not None and not session else ""
    token = user.access_token.client_id if isinstance(user, AuthenticatedUser) else ""
    key = "\0".join(("token", token) if token else ("open", session, named[:200]))
    return Caller(outputs.of_client(key), remote=True, shows_apps=client_supports_apps(context))


def build_app(
    hosting: Hosting, settings: Settings, outputs: OutputRoot | None = None, *, reach: Reach | None = None
) -> Gate:
    """The guarded application: everything that a request passes."""
    hosting.check()
    server = build_server(settings, outputs, reach=reach or Reach(()), caller_of=caller_over_http)
    app = server.streamable_http_app(
        streamable_http_path=PATH,
        host=hosting.host,
        max_request_body_size=BODY_BYTES,
        session_idle_timeout=IDLE_SECONDS,
        max_sessions=MOST_SESSIONS,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),  # names are the gate's
    )
    return Gate(app, hosting, server)


def run_http(
    hosting: Hosting, settings: Settings, outputs: OutputRoot | None = None, *, reach: Reach | None = None
) -> None:
    """Serve until the process is asked to end; calls that are being worked on are ended first.

    Raises:
        UsageError: The address needs a token and names, or cannot be listened on.
    """
    import socket

    prepare_process()
    gate = build_app(hosting, settings, outputs, reach=reach)
    family = socket.AF_INET6 if ":" in hosting.host else socket.AF_INET
    try:
        listening = socket.create_server((hosting.host, hosting.port), family=family)
    except OSError as error:
        raise UsageError(f"cannot listen there: {error.strerror}", where=f"{hosting.host}:{hosting.port}") from None
    shown = f"[{hosting.host}]" if ":" in hosting.host else hosting.host
    settings.say(f"listening on http://{shown}:{listening.getsockname()[1]}{PATH}")
    event_server(gate).run(sockets=[listening])


def event_server(gate: Gate) -> uvicorn.Server:
    """The server of an application that ends in good order.

    It listens until the calls at work have ended, so that whoever asks is told that it ends. What is still at work near the end of
    the time that all of this may take is answered with an error; then the streams in which nothing is answered are ended.
    """
    import uvicorn

    class Ending(uvicorn.Server):
        async def shutdown(self, sockets: Sequence[Any] | None = None) -> None:
            gate.draining = True
            end = time.monotonic() + GRACE_SECONDS
            await gate.server.desk.finish(end - LAST_SECONDS, lambda: self.force_exit)
            await waited_for(lambda: not gate.exchanges.calls, end, lambda: self.force_exit)
            gate.exchanges.hang_up()
            self.config.timeout_graceful_shutdown = max(1, round(end - time.monotonic()))
            await super().shutdown(list(sockets) if sockets is not None else None)

    _leave_streams_alone()
    return Ending(
        uvicorn.Config(
            gate, log_level="warning", access_log=False, server_header=False, limit_concurrency=_MOST_REQUESTS,
            timeout_keep_alive=30, lifespan="on",
        )
    )  # fmt: skip


def _leave_streams_alone() -> None:
    """Have streams end when their calls do: the SDK's library for them would cut them as soon as the process is asked to end."""
    with suppress(ImportError, AttributeError):  # an SDK or a release of the library without it
        from sse_starlette.sse import AppStatus

        AppStatus.disable_automatic_graceful_drain()  # type: ignore[no-untyped-call] # of the library
