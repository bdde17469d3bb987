"""Over HTTP with an output folder that cannot be made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client

ERAS = ("legacy", "auto")
FIGURE = {"model_name": "m", "stages": [{"name": "Body", "blocks": [{"type": "MLP"}]}]}
Host = Callable[..., Any]


@pytest.mark.parametrize("era", ERAS)
def test_an_output_folder_that_went_is_told_as_data_and_reading_goes_on(hosted: Host, era: str, tmp_path: Path) -> None:
    server = hosted()
    (tmp_path / "http").write_text("")  # no folder can be made there

    async def run() -> tuple[Any, ...]:
        async with Client(server.url, mode=era) as client:
            return (
                await client.call_tool("draw_architecture", {"figure": FIGURE}),
                await client.call_tool("resolve_model", {"name": "Qwen/Qwen3-0.6B"}),
                await client.call_tool("verify_code", {"model": "transformers:gpt2", "figure": FIGURE}),
                await client.read_resource("archviz://references/server.md"),
            )

    drawn, *others, page = anyio.run(run)
    assert drawn.structured_content["error"] == "output"
    assert "where" not in drawn.structured_content
    assert str(tmp_path) not in drawn.content[0].text
    assert not any(other.is_error for other in others)
    assert page.contents[0].text
