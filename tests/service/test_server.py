"""The server through the real client: in memory and over stdio, in both protocol eras."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import jsonschema
import pytest
from mcp import Client, StdioServerParameters
from mcp.shared.exceptions import MCPError

from archviz.service.paging import ANSWER_BYTES

pytestmark = pytest.mark.usefixtures("fake_pipeline")
ROOT = Path(__file__).parents[2]
ERAS = ("legacy", "auto")
Talk = Callable[[Client], Awaitable[Any]]
Ask = Callable[[Talk], Any]


def call(tool: str, /, **arguments: Any) -> Talk:
    return lambda client: client.call_tool(tool, arguments)


# --- tools/list ---


TOOLS = (
    "resolve_model", "find_sources", "describe_architecture", "verify_code", "inspect_tensors", "draw_architecture",
    "compare_models", "write_document",
)  # fmt: skip


def test_eight_tools_with_titles_closed_schemas_and_all_annotations(ask: Ask) -> None:
    tools = ask(lambda client: client.list_tools()).tools
    assert tuple(tool.name for tool in tools) == TOOLS
    for tool in tools:
        hints = tool.annotations
        assert None not in (
            hints.read_only_hint, hints.destructive_hint, hints.idempotent_hint, hints.open_world_hint
        )  # fmt: skip
        assert tool.title
        assert len(tool.description) < 200
        for schema in (tool.input_schema, tool.output_schema):
            jsonschema.Draft202012Validator.check_schema(schema)
            assert schema["type"] == "object"
            assert schema["additionalProperties"] is False
            assert "title" not in schema
            assert '"null"' not in json.dumps(schema)


def test_the_list_of_tools_is_small(ask: Ask) -> None:
    tools = ask(lambda client: client.list_tools())
    assert (
        len(tools.model_dump_json(by_alias=True, exclude_none=True)) < 10_500
    )  # 2,500 tokens: benchmarks/tokens.py counts them


def test_only_tools_that_make_files_write(ask: Ask) -> None:
    tools = ask(lambda client: client.list_tools()).tools
    writing = {tool.name for tool in tools if not tool.annotations.read_only_hint}
    assert writing == {"draw_architecture", "compare_models", "write_document"}


# --- resolve_model ---


def test_an_exact_name_leads_on_to_describing_and_drawing(ask: Ask) -> None:
    result = ask(call("resolve_model", name="Qwen/Qwen3.5-397B-A17B"))
    assert not result.is_error
    assert result.structured_content["status"] == "exact"
    assert result.structured_content["model_id"] == "Qwen/Qwen3.5-397B-A17B"
    assert "model=Qwen/Qwen3.5-397B-A17B" in result.structured_content["next"][0]


def test_an_ambiguous_name_is_an_answer_with_candidates_and_no_model(ask: Ask) -> None:
    answer = ask(call("resolve_model", name="Qwen3.5")).structured_content
    assert answer["status"] == "ambiguous"
    assert "model_id" not in answer
    assert "Qwen/Qwen3.5-397B-A17B" in [candidate["id"] for candidate in answer["candidates"]]
    assert "Do not choose" in answer["next"][0]


def test_a_name_nobody_has_offers_near_names(ask: Ask) -> None:
    answer = ask(call("resolve_model", name="Qwen/Qwen3.5-400B")).structured_content
    assert answer["status"] == "not_found"
    assert answer["complete"] is False
    assert answer["candidates"]


# --- describe_architecture ---


def test_the_default_answer_is_a_small_summary_that_names_its_parts(ask: Ask) -> None:
    result = ask(call("describe_architecture", model="acme/Small-1B"))
    answer = result.structured_content
    assert answer["summary"]["layers"][0]["pattern"] == "2 × (3 × linear + MoE, 1 × full + MoE)"
    assert answer["parts"]["/tensors"] == "40 tensors with shapes"
    assert json.loads(result.content[0].text) == answer
    assert len(result.content[0].text.encode()) < ANSWER_BYTES + 1_000


def test_a_part_is_read_in_pages_to_its_end(ask: Ask, fake_pipeline: Any, architecture_of: Callable[..., Any]) -> None:
    fake_pipeline.architecture = architecture_of(tensors=400)

    async def read_all(client: Client) -> list[str]:
        names: list[str] = []
        offset, total = 0, 1
        while offset < total:
            result: Any = await client.call_tool(
                "describe_architecture", {"model": "acme/Small-1B", "part": "/tensors", "offset": offset}
            )
            page = result.structured_content["page"]
            assert len(result.content[0].text) < 2 * ANSWER_BYTES
            names += [tensor["name"] for tensor in result.structured_content["value"]]
            offset, total = page["offset"] + page["returned"], page["total"]
        return names

    assert ask(read_all) == [f"model.layers.{index}.weight" for index in range(400)]
    assert len([name for name, _ in fake_pipeline.asked if name == "describe"]) == 1  # kept between the pages


def test_a_single_value_and_a_null_are_parts_too(ask: Ask) -> None:
    total = ask(call("describe_architecture", model="acme/Small-1B", part="/parameters/total"))
    nothing = ask(call("describe_architecture", model="acme/Small-1B", part="/parameters/published_total"))
    assert total.structured_content["value"] == 1000
    assert not nothing.is_error
    assert nothing.structured_content["value"] is None
    whole = ask(call("describe_architecture", model="acme/Small-1B", part="/parameters")).structured_content
    assert len(whole["value"]) == whole["page"]["returned"]
    assert whole["value"]["published_total"] is None
    assert nothing.structured_content["page"]["total"] == 1


def test_gaps_are_counted_and_those_of_one_cause_are_shown_together(
    ask: Ask, fake_pipeline: Any, architecture_of: Callable[..., Any]
) -> None:
    fake_pipeline.architecture = architecture_of(gaps=50)
    fake_pipeline.architecture.gaps[0].reason = "unknown call"
    answer = ask(call("describe_architecture", model="acme/Small-1B")).structured_content
    assert answer["gaps_total"] == 50
    assert answer["gaps"] == [
        "model.part0: unknown call (m.py:3)",
        "model.part1 and 48 more: while over data (m.py:3)",
    ]


def test_a_model_with_very_many_different_gaps_still_fits_an_answer(
    ask: Ask, fake_pipeline: Any, architecture_of: Callable[..., Any]
) -> None:
    fake_pipeline.architecture = architecture_of(gaps=300)
    for index, gap in enumerate(fake_pipeline.architecture.gaps):
        gap.reason = f"reason {index} " + "x" * 900
    result = ask(call("describe_architecture", model="acme/Small-1B"))
    assert len(result.content[0].text.encode()) < ANSWER_BYTES


# --- draw_architecture ---


def test_a_drawing_is_an_inline_png_structured_facts_and_links_that_can_be_read(ask: Ask, tmp_path: Path) -> None:
    async def talk(client: Client) -> tuple[Any, list[Any]]:
        result: Any = await client.call_tool(
            "draw_architecture", {"model": "acme/Small-1B", "formats": ["svg", "png", "pdf", "dot"]}
        )
        links = [item for item in result.content if item.type == "resource_link"]
        return result, [(link, (await client.read_resource(link.uri)).contents[0]) for link in links]

    result, read = ask(talk)
    answer = result.structured_content
    (image,) = [item for item in result.content if item.type == "image"]
    assert image.mime_type == "image/png"
    assert base64.b64decode(image.data).startswith(b"\x89PNG")
    assert answer["image"] == "inline"
    assert answer["findings"] == ["warning: a label was shortened"]
    assert [link.mime_type for link, _ in read] == [
        "image/svg+xml", "image/png", "application/pdf", "text/vnd.graphviz"
    ]  # fmt: skip
    for (link, content), file in zip(read, answer["files"], strict=True):
        data = Path(file["path"]).read_bytes()
        assert Path(file["path"]).parent == (tmp_path / "out").resolve()
        assert content.mime_type == link.mime_type
        assert (content.text.encode() if hasattr(content, "text") else base64.b64decode(content.blob)) == data
        assert link.size == len(data)


def test_drawing_again_replaces_and_another_theme_stands_beside(ask: Ask, tmp_path: Path) -> None:
    async def talk(client: Client) -> None:
        for theme in ("light", "light", "dark"):
            await client.call_tool("draw_architecture", {"model": "acme/Small-1B", "theme": theme, "formats": ["svg"]})

    ask(talk)
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_without_png_there_is_no_picture_in_the_answer(ask: Ask) -> None:
    result = ask(call("draw_architecture", model="acme/Small-1B", formats=["svg"]))
    assert result.structured_content["image"] == "not_asked"
    assert {item.type for item in result.content} == {"text", "resource_link"}


def test_a_png_over_the_inline_limit_is_linked_only(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archviz.service.tools.files.INLINE_BYTES", 10)
    result = ask(call("draw_architecture", model="acme/Small-1B"))
    assert result.structured_content["image"] == "too_large"
    assert {item.type for item in result.content} == {"text", "resource_link"}


def test_a_figure_in_the_call_is_drawn_as_a_diagram_config(ask: Ask, fake_pipeline: Any, tmp_path: Path) -> None:
    figure = {"model_name": "My model", "stages": [{"name": "Body", "blocks": [{"type": "MLP"}]}]}
    result = ask(call("draw_architecture", figure=figure))
    source = Path(fake_pipeline.asked[-1][1]["source"])
    assert not result.is_error
    assert source.is_relative_to((tmp_path / "out").resolve())
    assert "My-model-" in result.structured_content["files"][0]["path"]
    assert not any(path.suffix == ".json" for path in (tmp_path / "out").iterdir())


# --- errors as data ---


@pytest.mark.parametrize("tool", ["describe_architecture", "draw_architecture"])
def test_an_ambiguous_model_is_an_error_with_candidates_and_what_to_do(ask: Ask, tool: str, tmp_path: Path) -> None:
    result = ask(call(tool, model="acme/Small"))
    assert result.is_error
    assert result.structured_content["error"] == "ambiguous"
    assert result.structured_content["candidates"] == ["acme/Small-1B", "acme/Small-2B"]
    assert "Ask the user" in result.structured_content["next"]
    assert json.loads(result.content[0].text) == result.structured_content
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_a_model_nobody_has_is_not_found_with_near_names(ask: Ask) -> None:
    answer = ask(call("describe_architecture", model="acme/Smaller")).structured_content
    assert (answer["error"], answer["candidates"]) == ("not_found", ["acme/Small-1B"])


def test_a_crash_is_an_internal_error_that_shows_nothing_of_this_machine(ask: Ask) -> None:
    result = ask(call("describe_architecture", model="acme/crash"))
    assert result.is_error
    assert result.structured_content["message"] == "internal fault: ZeroDivisionError"
    assert str(ROOT) not in result.content[0].text


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("resolve_model", {}),
        ("resolve_model", {"name": ""}),
        ("resolve_model", {"name": "x" * 5000}),
        ("resolve_model", {"name": "Qwen/Qwen3-0.6B", "exact": True}),
        ("describe_architecture", {"model": "acme/Small-1B", "part": "tensors"}),
        ("describe_architecture", {"model": "acme/Small-1B", "part": "/nothing"}),
        ("describe_architecture", {"model": "acme/Small-1B", "part": "/tensors", "offset": 4000}),
        ("describe_architecture", {"model": "acme/Small-1B", "offset": -1}),
        ("draw_architecture", {}),
        ("draw_architecture", {"model": "acme/Small-1B", "figure": {}}),
        ("draw_architecture", {"model": "acme/Small-1B", "formats": ["gif"]}),
        ("draw_architecture", {"model": "acme/Small-1B", "formats": []}),
        ("draw_architecture", {"model": "acme/Small-1B", "theme": "sepia"}),
        ("draw_architecture", {"model": "acme/Small-1B", "output": "/etc/x"}),
    ],
)
def test_a_wrong_argument_is_an_error_as_data(ask: Ask, tool: str, arguments: dict[str, Any]) -> None:
    result = ask(call(tool, **arguments))
    assert result.is_error
    assert result.structured_content["error"] == "usage"
    assert result.structured_content["hint"]
    assert len(result.content[0].text) < 1_500


@pytest.mark.parametrize("name", ["..%2F..%2Fetc%2Fpasswd.svg", "missing.svg", "a.exe", "%00.svg", "../x.svg"])
def test_a_resource_that_was_not_drawn_is_refused(ask: Ask, name: str) -> None:
    async def talk(client: Client) -> str:
        try:
            await client.read_resource(f"archviz://files/{name}")
        except MCPError as error:
            return str(error)
        return "read"

    assert "resource" in ask(talk)


def test_calls_at_once_do_not_mix(ask: Ask, fake_pipeline: Any) -> None:
    async def talk(client: Client) -> list[Any]:
        results: list[Any] = [None] * 12

        async def draw(index: int) -> None:
            figure = {"model_name": f"model {index}", "stages": []}
            results[index] = await client.call_tool("draw_architecture", {"figure": figure, "formats": ["svg"]})

        async with anyio.create_task_group() as group:
            for index in range(12):
                group.start_soon(draw, index)
        return results

    for index, result in enumerate(ask(talk)):
        (file,) = result.structured_content["files"]
        assert Path(file["path"]).name.startswith(f"model-{index}-")
        assert Path(file["path"]).is_file()


def test_a_file_that_cannot_be_read_or_a_full_disk_is_no_fault_of_the_server(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device", "/out/x")

    monkeypatch.setattr("archviz.pipeline.draw_described", full)
    answer = ask(call("draw_architecture", model="acme/Small-1B")).structured_content
    assert answer["error"] == "usage"
    assert "No space left" in answer["message"]


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/stdin", "/dev/random", "/proc/self/mem"])
def test_what_is_no_regular_file_is_neither_waited_for_nor_read_without_end(workshop: Any, path: str) -> None:
    from archviz.errors import UsageError
    from archviz.service.tools.verifying import VerifyingTools

    with pytest.raises((UsageError, OSError)):
        VerifyingTools(workshop).verify_code(code=path)


HOSTILE = ("x" * 1_001, "a\x00b", "a\x1b[2Jb", "a\nb", "", " ")


def test_every_text_of_every_tool_is_refused_when_over_long_empty_or_with_control_characters(
    ask: Ask, fake_pipeline: Any
) -> None:
    filled = {"name": "acme/Small-1B", "model": "acme/Small-1B", "models": ["acme/Small-1B", "acme/Small-2B"]}

    async def talk(client: Client) -> list[tuple[str, str, str, Any]]:
        told = []
        for tool in (await client.list_tools()).tools:
            properties: dict[str, Any] = tool.input_schema["properties"]
            given = {name: filled[name] for name in tool.input_schema.get("required", [])}
            for name, entry in properties.items():
                if entry.get("type") in ("string", "array"):
                    for value in HOSTILE:
                        bad = [value, value] if entry["type"] == "array" else value
                        told.append(
                            (tool.name, name, value[:8], await client.call_tool(tool.name, {**given, name: bad}))
                        )
        return told

    told = ask(talk)
    assert len(told) > 100
    for tool, name, value, result in told:
        assert result.is_error, (tool, name, value)
        assert result.structured_content["error"] == "usage", (tool, name, value)
        assert "\x00" not in result.content[0].text
        assert "\x1b" not in result.content[0].text
    assert fake_pipeline.asked == []


# --- over stdio ---


def test_a_client_that_goes_away_in_the_middle_of_a_call_ends_the_server(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "server.py"), "--offline", "--output", str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    asked = {"name": "write_document", "arguments": {"model": "Qwen/Qwen3.5-397B-A17B", "kind": "memory"}}
    messages = (
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": asked},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"".join(json.dumps(message).encode() + b"\n" for message in messages))
    process.stdin.flush()
    assert b"serverInfo" in process.stdout.readline()
    process.stdin.close()
    assert process.wait(60) == 0
    process.stdout.close()


@pytest.mark.parametrize("era", ERAS)
def test_a_whole_conversation_over_stdio_from_an_ambiguous_name_to_a_picture(era: str, tmp_path: Path) -> None:
    root = tmp_path / "out"
    server = StdioServerParameters(
        command=sys.executable,
        args=[str(ROOT / "server.py"), "--offline"],
        cwd=tmp_path,
        env={**os.environ, "ARCHVIZ_OUTPUT": str(root)},
    )

    async def run() -> list[Any]:
        async with Client(server, mode=era) as client:
            asked = [
                await client.call_tool("resolve_model", {"name": "Qwen3.5"}),
                await client.call_tool("draw_architecture", {"model": "Qwen3.5"}),
            ]
            assert not root.exists() or not list(root.iterdir())  # nothing is drawn for a name that is ambiguous
            model = {"model": "Qwen/Qwen3.5-397B-A17B"}
            asked.append(await client.call_tool("describe_architecture", model))
            drawn: Any = await client.call_tool("draw_architecture", {**model, "formats": ["png", "svg"]})
            svg = next(item for item in drawn.content if item.type == "resource_link" and item.name.endswith("svg"))
            return [*asked, drawn, await client.read_resource(svg.uri)]

    found, refused, described, drawn, svg = anyio.run(run)
    assert found.structured_content["status"] == "ambiguous"
    assert refused.is_error
    assert refused.structured_content["error"] == "ambiguous"
    assert described.structured_content["summary"]["parameters"]["total"] == 396_802_360_816
    assert "15 ×" in described.structured_content["summary"]["layers"][0]["pattern"]
    assert drawn.structured_content["model"] == "Qwen/Qwen3.5-397B-A17B"
    assert base64.b64decode(next(item for item in drawn.content if item.type == "image").data).startswith(b"\x89PNG")
    assert "Qwen3.5-397B-A17B" in svg.contents[0].text
    for answer in (found, refused, described, drawn):
        assert len(answer.content[0].text.encode()) < ANSWER_BYTES
    assert sorted(path.suffix for path in root.iterdir()) == [".png", ".svg"]


def test_starting_the_server_loads_nothing_of_the_models() -> None:
    script = "import sys, archviz.service.server as s; s.build_server(); print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    for heavy in (
        "archviz.pipeline",
        "archviz.interpreter",
        "archviz.figure",
        "typst",
        "uharfbuzz",
        "torch",
    ):
        assert heavy not in loaded


def test_a_tool_that_does_not_exist_is_answered_as_data(ask: Ask) -> None:
    result = ask(call("draw_everything"))
    assert result.is_error
    answer = result.structured_content
    assert answer["error"] == "usage"
    assert "draw_architecture" in answer["hint"]
    assert answer["next"]


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("nope", {}, "draw_model"),
        ("draw_model", {}, "name is missing"),
        ("draw_model", {"name": "a", "nome": "b"}, "nome"),
        ("draw_model", {"name": "x" * 100_000}, "too long"),
        ("draw_model", {"name": "\x1b[31m"}, "control characters"),
        ("draw_model", {"name": " "}, "empty"),
    ],
)
def test_a_prompt_that_cannot_be_made_is_a_wrong_parameter(
    ask: Ask, name: str, arguments: dict[str, str], said: str
) -> None:
    async def talk(client: Client) -> MCPError:
        with pytest.raises(MCPError) as caught:
            await client.get_prompt(name, arguments)
        return caught.value

    error = ask(talk).error
    assert error.code == -32602
    assert said in error.message
    assert len(error.message) < 300


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("archviz://model/a%ff", "not UTF-8"),
        ("archviz://model/acme%2FSmall/figure", "candidates: acme/Small-1B, acme/Small-2B"),
        ("archviz://x", "forms"),
        ("archviz://schema?offset=9999999", "there are 35,"),
    ],
)
def test_a_resource_that_cannot_be_read_says_what_to_do(ask: Ask, address: str, said: str) -> None:
    async def talk(client: Client) -> MCPError:
        with pytest.raises(MCPError) as caught:
            await client.read_resource(address)
        return caught.value

    message = ask(talk).error.message
    assert message.startswith("Unknown resource") == ("offset" not in address)
    assert said in message
    assert "internal fault" not in message
