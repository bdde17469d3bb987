"""Conversations with a server in memory, in both protocol eras."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client

from archviz.service.callers import CALLER, Caller
from archviz.service.outputs import OutputRoot
from archviz.service.server import build_server
from archviz.service.tools.workshop import Workshop
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
