"""The requests over HTTP that are being answered, so that a server that ends can end each of them whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

DISCONNECT = "http.disconnect"


class Exchanges:
    """Those of one server."""

    def __init__(self) -> None:
        self._open: set[_Exchange] = set()
        self._hung_up = False

    @property
    def calls(self) -> int:
        """Requests with a message that are not answered; streams on which a client only listens are none."""
        return sum(each.method == "POST" for each in self._open)

    async def serve(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the application answer."""
        exchange = _Exchange(scope, receive, send)
        if self._hung_up:
            exchange.ended.set()
        self._open.add(exchange)
        try:
            await app(scope, exchange.receive, exchange.send)
        finally:
            self._open.discard(exchange)
        if exchange.ended.is_set():
            await exchange.finish()

    def hang_up(self) -> None:
        """End them all, as if their clients had gone."""
        self._hung_up = True
        for each in self._open:
            each.ended.set()


class _Exchange:
    """One request with its answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.method: str = scope["method"]
        self.ended = anyio.Event()
        self._scope, self._receive, self._send = scope, receive, send
        self._begun = self._whole = False

    async def receive(self) -> Message:
        """The next message of the client; that it has gone where the exchange ends."""
        found: list[Message] = []
        async with anyio.create_task_group() as group:

            async def until_ended() -> None:
                await self.ended.wait()
                group.cancel_scope.cancel()

            group.start_soon(until_ended)
            found.append(await self._receive())
            group.cancel_scope.cancel()
        return found[0] if found else {"type": DISCONNECT}

    async def send(self, message: Message) -> None:
        self._begun = True
        self._whole = message["type"] == "http.response.body" and not message.get("more_body", False)
        await self._send(message)

    async def finish(self) -> None:
        """Say that this was all, where the application left that out."""
        if not self._begun:
            refused = JSONResponse({"error": "shutting_down", "message": "the server ends"}, 503)
            await refused(self._scope, self._receive, self._send)
        elif not self._whole:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
