"""Tools and prompts are made when they are asked for, and at once where the SDK keeps them elsewhere."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.server import MCPServer

from archviz.service.late import can_be_late
from archviz.service.server import build_server
from archviz.settings import Settings


async def told(client: Client) -> tuple[Any, ...]:
    """What a client sees of tools and prompts."""
    tools = [tool.model_dump() for tool in (await client.list_tools()).tools]
    prompts = [prompt.model_dump() for prompt in (await client.list_prompts()).prompts]
    drawn = await client.get_prompt("draw_model", {"name": "Qwen3-0.6B"})
    unknown = await client.call_tool("paint", {})
    asked = await client.call_tool("draw_architecture", {})
    return tools, prompts, drawn.messages, unknown.structured_content, asked.structured_content


def conversation() -> tuple[Any, ...]:
    async def run() -> tuple[Any, ...]:
        async with Client(build_server(Settings(offline=True))) as client:
            return await told(client)

    return anyio.run(run)


def test_the_sdk_keeps_tools_and_prompts_where_they_are_put() -> None:
    assert can_be_late(MCPServer("bare")), (
        "the SDK keeps tools or prompts elsewhere now: archviz.service.late makes them at once, so the server starts slower"
    )


def test_nothing_is_made_before_somebody_asks() -> None:
    server = build_server(Settings(offline=True))
    assert "table" not in {*vars(server.own_tools), *vars(server.own_prompts)}
    anyio.run(server.list_tools)
    assert len(server.own_tools.table) == 8
    assert "table" not in vars(server.own_prompts)


def test_an_sdk_that_keeps_them_elsewhere_serves_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    late = conversation()
    monkeypatch.setattr("archviz.service.server.can_be_late", lambda server: False)
    server = build_server(Settings(offline=True))
    assert "table" in vars(server.own_tools)
    assert conversation() == late
