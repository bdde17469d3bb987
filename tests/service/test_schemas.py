"""The schemas that are published: a change of one is seen, and costs what it costs in tokens."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

SNAPSHOT = Path(__file__).parents[1] / "tables" / "mcp_schemas.json"
REGENERATE = "python scripts/dev/check_server.py --write-schemas"


@pytest.fixture
def published(ask: Callable[..., Any]) -> dict[str, Any]:
    async def talk(client: Any) -> dict[str, Any]:
        def data(items: Any) -> list[dict[str, Any]]:
            return [item.model_dump(mode="json", by_alias=True, exclude_none=True) for item in items]

        return {
            "tools": data((await client.list_tools()).tools),
            "prompts": data((await client.list_prompts()).prompts),
            "templates": data((await client.list_resource_templates()).resource_templates),
        }

    return ask(talk)


def test_tools_prompts_and_templates_are_those_of_the_snapshot(published: dict[str, Any]) -> None:
    kept = json.loads(SNAPSHOT.read_text("utf-8"))
    assert published == kept, f"where the change is wanted: {REGENERATE}"


def test_every_input_is_closed_and_every_schema_is_one(published: dict[str, Any]) -> None:
    for tool in published["tools"]:
        for schema in (tool["inputSchema"], tool["outputSchema"]):
            jsonschema.Draft202012Validator.check_schema(schema)
            assert schema["additionalProperties"] is False
        for name, entry in tool["inputSchema"]["properties"].items():
            assert "type" in entry or "enum" in entry, (tool["name"], name)


def test_the_page_about_the_server_names_every_tool_argument_and_prompt(published: dict[str, Any]) -> None:
    page = (SNAPSHOT.parents[2] / "references" / "server.md").read_text("utf-8")
    tools, prompts = (rows_of(page, title) for title in ("## Tools", "## Prompts"))
    for tool in published["tools"]:
        for name in tool["inputSchema"]["properties"]:
            assert f"`{name}`" in tools[tool["name"]], (tool["name"], name)
    for prompt in published["prompts"]:
        for argument in prompt["arguments"]:
            assert f"`{argument['name']}`" in prompts[prompt["name"]]
    for template in published["templates"]:
        assert template["uriTemplate"].partition("{?")[0].replace("{+", "{") in page


def rows_of(page: str, title: str) -> dict[str, str]:
    """The rows of the table under a title, by what stands first in them."""
    section = page.partition(f"{title}\n")[2].partition("\n## ")[0]
    return {row.split("`")[1]: row for row in section.splitlines() if row.startswith("| `")}
