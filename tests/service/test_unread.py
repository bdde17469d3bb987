"""Lines over stdio that are no messages are answered as JSON-RPC says, before the handshake and after it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE
from typing import Any

import anyio
import pytest
from mcp_types import jsonrpc_message_adapter

from archviz.service.unread import Readable, refusal, serve_stdio

ROOT = Path(__file__).parents[2]
INITIALIZE: dict[str, Any] = {
    "jsonrpc": "2.0", "id": 1, "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}},
}  # fmt: skip
NOT_READ, NO_REQUEST = -32700, -32600
LINES = {
    b"{bad": (None, NOT_READ),
    b"\xff\xfe": (None, NOT_READ),
    b"[" * 100_000: (None, NOT_READ),
    b'{"jsonrpc":"2.0","id":2,"method":"ping"} {}': (None, NOT_READ),
    b"[]": (None, NO_REQUEST),
    b"7": (None, NO_REQUEST),
    b'[{"jsonrpc":"2.0","id":3,"method":"ping"}]': (None, NO_REQUEST),
    b'{"jsonrpc":"2.0","id":4}': (None, NO_REQUEST),
    b'{"jsonrpc":"2.0","id":true,"method":5}': (None, NO_REQUEST),
    b'{"jsonrpc":"2.0","id":5,"method":5}': (5, NO_REQUEST),
    b'{"jsonrpc":"1.0","id":6,"method":"ping"}': (6, NO_REQUEST),
    b'{"jsonrpc":"2.0","id":"seven","method":"ping","params":[1]}': ("seven", NO_REQUEST),
}


def error_of(line: bytes) -> Exception:
    with pytest.raises(ValueError, match="error") as caught:
        jsonrpc_message_adapter.validate_json(line.decode("utf-8", "replace"), by_name=False)
    return caught.value


@pytest.mark.parametrize("line", LINES, ids=lambda line: line[:40])
def test_a_line_is_answered_by_what_is_wrong_with_it(line: bytes) -> None:
    answer = refusal(error_of(line))
    assert answer is not None
    assert (answer.id, answer.error.code) == LINES[line]


@pytest.mark.parametrize("line", [b"", b"\n", b"  \r\n"])
def test_an_empty_line_is_none_of_the_servers_business(line: bytes) -> None:
    assert refusal(error_of(line)) is None


def test_a_fault_of_the_stream_itself_is_told_too() -> None:
    answer = refusal(OSError("torn"))
    assert answer is not None
    assert (answer.id, answer.error.code) == (None, NOT_READ)


def test_a_process_answers_them_and_goes_on() -> None:
    first, *more = LINES
    ping = {"jsonrpc": "2.0", "id": 99, "method": "ping"}
    lines = [first, b"", json.dumps(INITIALIZE).encode(), *more, json.dumps(ping).encode()]
    command = [sys.executable, "-m", "archviz", "serve", "--offline"]
    with subprocess.Popen(command, cwd=ROOT, stdin=PIPE, stdout=PIPE, stderr=PIPE) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        assert server.stderr is not None
        server.stdin.write(b"\n".join(lines) + b"\n")
        server.stdin.flush()
        answers = [json.loads(server.stdout.readline()) for _ in range(len(LINES) + 2)]
        server.stdin.close()
        assert (server.stdout.read(), server.stderr.read(), server.wait(30)) == (b"", b"", 0)
    told = [(answer["id"], answer["error"]["code"]) for answer in answers if "error" in answer]
    assert sorted(told, key=str) == sorted(LINES.values(), key=str)
    assert {answer["id"] for answer in answers if "result" in answer} == {1, 99}


def test_what_serves_a_connection_is_found_or_the_sdk_serves() -> None:
    ran: list[str] = []

    class Other:
        async def run_stdio_async(self) -> None:
            ran.append("its own way")

    other: Any = Other()
    anyio.run(serve_stdio, other)
    assert ran == ["its own way"]


def test_the_end_of_the_input_ends_the_stream() -> None:
    async def read() -> list[Any]:
        sending, receiving = anyio.create_memory_object_stream[Any](5)
        answering, answers = anyio.create_memory_object_stream[Any](5)
        for item in ("one", error_of(b"{"), "two"):
            await sending.send(item)
        await sending.aclose()
        async with Readable(receiving, answering) as readable:
            heard = [item async for item in readable]
        answering.close()
        return [*heard, *[item.message.error.code async for item in answers]]

    assert anyio.run(read) == ["one", "two", NOT_READ]
