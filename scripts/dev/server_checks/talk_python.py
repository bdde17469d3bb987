"""The scripted conversation through `mcp.Client`, or with `fastmcp` first through fastmcp's: TALKER ERA URL|COMMAND [ARGUMENT …]."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import anyio


def client_of(talker: str, era: str, target: list[str]) -> Any:
    """A client that is not connected yet."""
    http = target[0].startswith("http")
    if talker == "fastmcp":
        from fastmcp import Client as FastClient
        from fastmcp.client.transports import StdioTransport, StreamableHttpTransport

        way = (
            StreamableHttpTransport(target[0]) if http else StdioTransport(target[0], target[1:], env=dict(os.environ))
        )
        return FastClient(way)
    from mcp import Client, StdioServerParameters

    server = target[0] if http else StdioServerParameters(command=target[0], args=target[1:], env=dict(os.environ))
    return Client(server, mode=era)


async def talk(steps: list[dict[str, Any]], talker: str, era: str, target: list[str]) -> list[dict[str, Any]]:
    """Every step's result, as plain data."""
    async with client_of(talker, era, target) as client:
        return [await take_step(talker, client, step) for step in steps]


async def take_step(talker: str, client: Any, step: dict[str, Any]) -> dict[str, Any]:
    more = {"raise_on_error": False} if talker == "fastmcp" else {}
    result = await client.call_tool(step["tool"], step["arguments"], **more)
    row = {
        "isError": bool(result.is_error),
        "data": result.structured_content,
        "types": [item.type for item in result.content],
        "text": result.content[0].text,
    }
    if "read" in step:
        links = [item for item in result.content if item.type == "resource_link"]
        read = await client.read_resource(str(links[-1].uri))
        row["read"] = (read if isinstance(read, list) else read.contents)[0].text
    return row


if __name__ == "__main__":
    script = json.loads(Path(os.environ["CONVERSATION"]).read_text("utf-8"))
    sys.stdout.write(json.dumps(anyio.run(talk, script, sys.argv[1], sys.argv[2], sys.argv[3:])) + "\n")
