"""Lines on stdin that are no messages: answered with the errors of JSON-RPC, which the SDK leaves unanswered over stdio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import anyio
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from mcp_types import INVALID_REQUEST, PARSE_ERROR, ErrorData, JSONRPCError

if TYPE_CHECKING:
    from archviz.service.server import Server


async def serve_stdio(server: Server) -> None:
    """Serve on stdin and stdout until stdin ends.

    An SDK that keeps what serves a connection elsewhere serves by its own way, where such lines stay unanswered.
    """
    serving = vars(server).get("_lowlevel_server")
    if serving is None:
        await server.run_stdio_async()
        return
    async with stdio_server() as (read, write):
        await serving.run(Readable(read, write), write, serving.create_initialization_options())


class Readable:
    """A stream of messages alone: what else the client sends is answered here.

    Args:
        read: Messages, and an exception for each line that is none.
        write: Where answers go.
    """

    def __init__(self, read: Any, write: Any) -> None:
        self._read, self._write = read, write

    @property
    def last_context(self) -> Any:
        """The context in which the last message was sent; see `mcp.shared`."""
        return getattr(self._read, "last_context", None)

    async def receive(self) -> SessionMessage:
        """The next message."""
        while isinstance(item := await self._read.receive(), Exception):
            refused = refusal(item)
            if refused is not None:
                await self._write.send(SessionMessage(refused))
        return item  # type: ignore[no-any-return] # what is no exception is a message

    async def aclose(self) -> None:
        """Read no more."""
        await self._read.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


def refusal(error: Exception) -> JSONRPCError | None:
    """The answer to a line that is no message; none to an empty one."""
    faults: list[dict[str, Any]] = getattr(error, "errors", list)()
    if faults and faults[0]["type"] != "json_invalid":
        return _error(_asked(faults), INVALID_REQUEST, "Invalid request: no JSON-RPC message")
    if faults and not str(faults[0]["input"]).strip():
        return None
    return _error(None, PARSE_ERROR, "Parse error: each line must be one JSON object")


def _error(asked: int | str | None, code: int, message: str) -> JSONRPCError:
    return JSONRPCError(jsonrpc="2.0", id=asked, error=ErrorData(code=code, message=message))


def _asked(faults: list[dict[str, Any]]) -> int | str | None:
    """The id of a request whose rest is wrong; that of an answer is one of the server's own and says nothing to the client."""
    for fault in faults:
        given = fault["input"]
        if isinstance(given, dict) and "method" in given and type(given.get("id")) in (int, str):
            return given["id"]  # type: ignore[no-any-return] # as just seen
    return None
