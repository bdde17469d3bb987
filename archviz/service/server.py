"""The MCP server: three tools and the files that they draw, over stdio, in both protocol eras."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ResourceNotFoundError, ToolError
from mcp.server.mcpserver.tools import Tool
from mcp_types import CallToolResult, ToolAnnotations
from pydantic import ConfigDict, ValidationError

from archviz import __version__
from archviz.errors import ArchvizError, UsageError
from archviz.formats import FORMATS, Format
from archviz.service.failures import failure_result
from archviz.service.outputs import MIME_TYPES, URI, OutputRoot
from archviz.service.tools import Tools
from archviz.settings import Settings

INSTRUCTIONS = """Exact architectures of published models, read from their official code; nothing is run and no weights move.
1. resolve_model with the name as the user wrote it. Only `exact` and `renamed` are answers; else ask the user.
2. describe_architecture for facts and counts; `part` gives more. 3. draw_architecture, then look at the picture.
What was not understood is listed in `gaps`: say so."""

_READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=True)
_WRITES = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=True)

TOOLS: tuple[tuple[Callable[[Tools], Callable[..., CallToolResult]], str, ToolAnnotations], ...] = (
    (lambda tools: tools.resolve_model, "Resolve a model name", _READS),
    (lambda tools: tools.describe_architecture, "Describe an architecture", _READS),
    (lambda tools: tools.draw_architecture, "Draw an architecture", _WRITES),
)


class ClosedTool(Tool):
    """A tool that refuses arguments it does not know, and answers bad arguments as data."""

    @classmethod
    def of(cls, function: Callable[..., CallToolResult], title: str, annotations: ToolAnnotations) -> Tool:
        """Make the tool of a function; its schemas are closed and compact."""
        tool = cls.from_function(function, title=title, annotations=annotations)
        open_model = tool.fn_metadata.arg_model
        closed: Any = type(open_model.__name__, (open_model,), {"model_config": ConfigDict(extra="forbid")})
        tool.fn_metadata.arg_model = closed
        tool.parameters = _compact(closed.model_json_schema(by_alias=True))
        tool.fn_metadata.output_schema = _compact(tool.fn_metadata.output_schema)
        return tool

    async def run(self, arguments: dict[str, Any], context: Any, convert_result: bool = False) -> Any:
        """Run it; see `Tool.run`."""
        try:
            return await super().run(arguments, context, convert_result)
        except ToolError as error:
            if not isinstance(error.__cause__, ValidationError):
                raise
            return failure_result(_bad_arguments(error.__cause__))


def _bad_arguments(error: ValidationError) -> UsageError:
    faults = [f"{'.'.join(map(str, fault['loc'])) or 'arguments'}: {fault['msg']}" for fault in error.errors()]
    return UsageError("; ".join(faults[:3])[:400], hint="the tool's input schema says what it takes")


def _compact(schema: Any) -> Any:
    """A schema without what costs tokens and says little: generated titles, and null beside a type.

    What may be null is optional: it is left out of arguments and answers rather than null.
    """
    if isinstance(schema, list):
        return [_compact(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    said = {key: value for key, value in _not_null(schema).items() if not _says_nothing(key, value)}
    return {key: _compact_entry(key, value) for key, value in said.items()}


def _says_nothing(key: str, value: Any) -> bool:
    generated_title = key == "title" and isinstance(value, str)
    return generated_title or (key, value) in (("items", {}), ("additionalProperties", True))


def _compact_entry(key: str, value: Any) -> Any:
    if key in ("properties", "$defs"):
        return {name: _compact(item) for name, item in value.items()}
    return value if key in ("default", "enum", "const") else _compact(value)


def _not_null(schema: dict[str, Any]) -> dict[str, Any]:
    choices = [choice for choice in schema.get("anyOf", []) if choice != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key != "anyOf" and (key, value) != ("default", None)}
    if "anyOf" not in schema:
        return rest
    return {**choices[0], **rest} if len(choices) == 1 else {**rest, "anyOf": choices}


class Server(MCPServer[Any]):
    """A server that answers the name of a tool that it does not have as data, too."""

    async def call_tool(self, name: str, arguments: dict[str, Any], context: Any = None) -> Any:
        """Call it; see `MCPServer.call_tool`."""
        known = [tool.name for tool in self._tool_manager.list_tools()]
        if name not in known:
            error = UsageError(
                f"there is no tool {name[:80]!r}", where="name", hint=f"the tools are {', '.join(known)}"
            )
            return failure_result(error)
        return await super().call_tool(name, arguments, context)


def build_server(settings: Settings | None = None, outputs: OutputRoot | None = None) -> MCPServer[Any]:
    """The server with its tools and resources.

    Args:
        settings: What runs may do.
        outputs: Where files go; by default as `OutputRoot` says.
    """
    root = outputs or OutputRoot()
    tools = Tools(settings or Settings(), root)
    server = Server(
        name="archviz",
        title="archviz",
        version=__version__,
        instructions=INSTRUCTIONS,
        tools=[ClosedTool.of(choose(tools), title, annotations) for choose, title, annotations in TOOLS],
        log_level="WARNING",
    )
    for kind in FORMATS:
        _add_files(server, root, kind)
    return server


def _add_files(server: MCPServer[Any], root: OutputRoot, kind: Format) -> None:
    @server.resource(
        f"{URI}{{stem}}.{kind}", name=f"drawn {kind}", description=f"A drawn {kind} file", mime_type=MIME_TYPES[kind]
    )
    def read_drawn(stem: str) -> str | bytes:
        try:
            data = root.read(f"{stem}.{kind}")
        except ArchvizError as error:
            raise ResourceNotFoundError(f"Unknown resource: {error}") from error
        return data if kind in ("png", "pdf") else data.decode("utf-8")


def run_stdio(settings: Settings) -> None:
    """Serve on stdin and stdout until stdin ends; logs go to stderr."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(name)s: %(message)s")
    build_server(settings).run("stdio")
