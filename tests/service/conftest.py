"""Conversations with a server in memory and over HTTP, in both protocol eras."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client

from archviz.service.callers import CALLER, Caller
from archviz.service.desk import Desk
from archviz.service.http import Hosting, build_app, event_server
from archviz.service.outputs import OutputRoot
from archviz.service.reach import Reach
from archviz.service.server import build_server
from archviz.service.tokens import token_key
from archviz.service.workshop import Workshop
from archviz.settings import Settings

ERAS = ("legacy", "auto")
Talk = Callable[[Client], Awaitable[Any]]
Ask = Callable[..., Any]
OFFLINE = Settings(offline=True)


@pytest.fixture(params=ERAS)
def ask(request: pytest.FixtureRequest, tmp_path: Path) -> Ask:
    """Run a conversation with a server in memory."""

    def ask(talk: Talk, **client: Any) -> Any:
        async def run() -> Any:
            server = build_server(OFFLINE, OutputRoot(tmp_path / "out"))
            async with Client(server, mode=request.param, **client) as asking:
                return await talk(asking)

        return anyio.run(run)

    return ask


def call(tool: str, /, **arguments: Any) -> Talk:
    return lambda client: client.call_tool(tool, arguments)


@pytest.fixture
def say() -> Callable[..., Talk]:
    return call


@pytest.fixture
def workshop(tmp_path: Path) -> Any:
    """The workshop of tools that are called by a local client, with its folder `tmp_path / "out"`."""
    token = CALLER.set(Caller(OutputRoot(tmp_path / "out")))
    yield Workshop(OFFLINE)
    CALLER.reset(token)


class Hosted:
    """A server on a loopback port, in a thread of this process.

    Args:
        tokens: Name of a client → its token.
    """

    def __init__(self, outputs: Path, tokens: dict[str, str], names: tuple[str, ...], reach: tuple[Path, ...]) -> None:
        hosting = Hosting(port=0, tokens={token_key(token): name for name, token in tokens.items()}, names=names)
        self.gate = build_app(hosting, OFFLINE, OutputRoot(outputs), reach=Reach(reach))
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.base = f"http://127.0.0.1:{self.port}"
        self.url = f"{self.base}/mcp"
        self.uvicorn = event_server(self.gate)
        self._thread = threading.Thread(target=self.uvicorn.run, kwargs={"sockets": [self._listening]}, daemon=True)

    def start(self) -> None:
        self._thread.start()
        deadline = time.monotonic() + 20
        while not self.uvicorn.started and time.monotonic() < deadline:
            time.sleep(0.01)

    def stop(self) -> None:
        self.uvicorn.should_exit = True
        self._thread.join(20)

    @property
    def desk(self) -> Desk:
        return self.gate.server.desk

    @property
    def stopped(self) -> bool:
        return not self._thread.is_alive()


@pytest.fixture
def hosted(tmp_path: Path) -> Iterator[Callable[..., Hosted]]:
    """Start a server over HTTP; it ends with the test."""
    running: list[Hosted] = []

    def host(tokens: dict[str, str] | None = None, names: tuple[str, ...] = (), reach: tuple[Path, ...] = ()) -> Hosted:
        running.append(Hosted(tmp_path / "http", tokens or {}, names, reach))
        running[-1].start()
        return running[-1]

    yield host
    for each in running:
        each.stop()
