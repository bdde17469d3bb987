"""The MCP server: eight tools, resources, prompts, completions, the skill and the app, in both protocol eras."""

from __future__ import annotations

import gc
import logging
import sys
import threading
from collections.abc import Awaitable, Callable, Iterable
from contextvars import ContextVar
from functools import partial, wraps
from typing import Any

from mcp.server import MCPServer
from mcp.server.apps import client_supports_apps
from mcp.server.caching import CacheHint
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp.server.mcpserver.tools import Tool
from mcp_types import CallToolResult, Completion, Resource, ResourceTemplate

from archviz import __version__
from archviz.errors import ArchvizError, ModelNotFoundError, UsageError
from archviz.service.app import APP_META, app_extension
from archviz.service.callers import CALLER, Caller, caller
from archviz.service.completions import complete
from archviz.service.desk import Desk, Report
from archviz.service.failures import failure, failure_result
from archviz.service.late import Late, can_be_late, put_late
from archviz.service.outputs import OutputError, OutputRoot
from archviz.service.prompts import check_prompt, prompts
from archviz.service.reach import Reach
from archviz.service.resources import Resources
from archviz.service.skill import SkillExtension, SkillFiles, skill_folder
from archviz.service.workshop import Workshop
from archviz.settings import Settings

INSTRUCTIONS = """Exact architectures of published models, read from their official code; nothing is run and no weights move.
1. resolve_model with the name as the user wrote it. Only `exact` and `renamed` are answers; else ask the user.
2. describe_architecture for facts and counts; `part` gives more. verify_code for lines that prove them.
3. draw_architecture, then look at the picture. write_document for the specification.
Say what was not understood (`gaps`). Do what `next` says."""

STACK_BYTES = 64 * 2**20  # of a thread: interpreted calls nest deep
_DAY_MS = 86_400_000
_HOUR_MS = 3_600_000
_DRAWS = "draw_architecture"
_log = logging.getLogger("archviz.service")

_REPORT: ContextVar[Report | None] = ContextVar("archviz_report", default=None)
CallerOf = Callable[[Context[Any, Any] | None, OutputRoot], Caller]


class Server(MCPServer[Any]):
    """A server whose calls are worked on at a desk, each for its caller, and that answers unknown tools as data."""

    def __init__(
        self,
        desk: Desk,
        resources: Resources,
        caller_of: Callable[[Context[Any, Any] | None], Caller],
        tools: Callable[[], list[Tool]],
        **rest: Any,
    ) -> None:
        self.desk, self.resources, self.caller_of = desk, resources, caller_of
        self.own_tools, self.own_prompts = Late(tools), Late(prompts)
        super().__init__(**rest)
        if can_be_late(self):
            put_late(self, self.own_tools, self.own_prompts)
            return
        super().__init__(tools=list(self.own_tools.table.values()), **rest)
        for prompt in self.own_prompts.table.values():
            self.add_prompt(prompt)

    async def call_tool(self, name: str, arguments: dict[str, Any], context: Any = None) -> Any:
        """Call it; see `MCPServer.call_tool`."""
        known = self.own_tools.table
        if name not in known:
            error = UsageError(
                f"there is no tool {name[:80]!a}", where="name", hint=f"the tools are {', '.join(known)}"
            )
            return failure_result(error)
        CALLER.set(self.caller_of(context))
        _REPORT.set(_report_to(context))
        return await super().call_tool(name, arguments, context)

    async def get_prompt(self, name: str, arguments: dict[str, Any] | None = None, context: Any = None) -> Any:
        """Make it; see `MCPServer.get_prompt`."""
        check_prompt(self.own_prompts.table.get(name), name, arguments or {})
        return await super().get_prompt(name, arguments, context)

    async def list_resources(self) -> list[Resource]:
        """All that can be named; see `MCPServer.list_resources`."""
        return [*self.resources.listed(), *await super().list_resources()]

    async def list_resource_templates(self) -> list[ResourceTemplate]:
        """The forms of addresses; see `MCPServer.list_resource_templates`."""
        return self.resources.templates()

    async def read_resource(self, uri: Any, context: Any = None) -> Any:
        """Read it; see `MCPServer.read_resource`."""
        address = str(uri)
        if not self.resources.owns(address):
            return await super().read_resource(uri, context)
        CALLER.set(self.caller_of(context))
        return await self._read_own(address, _report_to(context))

    async def _read_own(self, address: str, report: Report | None) -> Iterable[ReadResourceContents]:
        try:
            return await self.desk.run(partial(self.resources.read, address), report)
        except OutputError as error:
            raise ResourceError(_told(error)) from error
        except (ModelNotFoundError, UsageError) as error:
            known = "" if error.where == "offset" else "Unknown resource: "
            raise ResourceNotFoundError(f"{known}{_told(error)}") from error
        except ArchvizError as error:
            raise ResourceError(_told(error)) from error
        except OSError as error:
            raise ResourceError(_told(file_error(error))) from error
        except Exception as error:
            _log.exception("reading a resource failed")
            raise ResourceError(f"internal fault: {type(error).__name__}") from error


def _told(error: ArchvizError) -> str:
    """An error in words: resources answer no data with theirs."""
    data = failure(error)
    candidates = data.get("candidates")
    near = ", ".join(map(str, candidates)) if isinstance(candidates, list) else ""
    parts = (data["message"], data.get("hint"), near and f"candidates: {near}", data["next"])
    return "; ".join(str(part).rstrip(".; ") for part in parts if part)


def _report_to(context: Context[Any, Any] | None) -> Report | None:
    if context is None:
        return None

    async def report(seconds: float, stage: str) -> None:
        await context.report_progress(round(seconds, 1), None, stage)

    return report


def at_desk(function: Callable[..., CallToolResult], desk: Desk) -> Callable[..., Awaitable[CallToolResult]]:
    """The tool as it is registered: worked on at the desk, its errors answered as data."""

    @wraps(function)
    async def run(*args: Any, **kwargs: Any) -> CallToolResult:
        try:
            return await desk.run(partial(function, *args, **kwargs), _REPORT.get())
        except ArchvizError as error:
            return failure_result(error)
        except OSError as error:
            return failure_result(file_error(error))
        except Exception as error:  # noqa: BLE001 - the last line of defence
            _log.exception("%s failed", function.__name__)
            return failure_result(ArchvizError(f"internal fault: {type(error).__name__}"))

    return run


def file_error(error: OSError) -> UsageError:
    """A file that cannot be read or written: the caller's to mend, or, over HTTP, that of whoever runs the server."""
    said = f"a file cannot be read or written: {error.strerror or type(error).__name__}"
    if caller().remote:
        return OutputError(said)
    return UsageError(
        said,
        where=str(error.filename)[:200] if error.filename else None,
        hint="check the path, its permissions and the space that is left",
    )


def only_caller(context: Context[Any, Any] | None, outputs: OutputRoot) -> Caller:
    """The client of a server that has one: over stdio, or in memory."""
    return Caller(outputs, shows_apps=context is not None and client_supports_apps(context))


def build_server(
    settings: Settings | None = None,
    outputs: OutputRoot | None = None,
    *,
    reach: Reach | None = None,
    caller_of: CallerOf = only_caller,
    desk: Desk | None = None,
) -> Server:
    """The server with its tools, resources and prompts.

    Args:
        settings: What runs may do.
        outputs: Where files go; by default as `OutputRoot` says.
        reach: Which files of this machine are read.
        caller_of: Who calls, and which part of the outputs is its own.
        desk: Where calls are worked on.
    """
    root, place = outputs or OutputRoot(), desk or Desk()
    workshop = Workshop(settings or Settings(), reach, desk=place)
    skill = SkillFiles(skill_folder())
    server = Server(
        place,
        Resources(workshop, skill),
        lambda context: caller_of(context, root),
        partial(_tools, workshop),
        name="archviz",
        title="archviz",
        version=__version__,
        instructions=INSTRUCTIONS,
        extensions=[app_extension(), SkillExtension(skill)],
        log_level="WARNING",
        cache_hints={
            "tools/list": CacheHint(_DAY_MS, "public"),
            "prompts/list": CacheHint(_DAY_MS, "public"),
            "resources/list": CacheHint(_HOUR_MS, "public"),
            "resources/templates/list": CacheHint(_DAY_MS, "public"),
        },
    )
    _add_completions(server, workshop)
    return server


def _tools(workshop: Workshop) -> list[Tool]:
    """The tools as they are published and run."""
    from archviz.service.closed_tool import ClosedTool
    from archviz.service.tools import toolset

    return [
        ClosedTool.of(at_desk(function, workshop.desk), title, hints, APP_META if function.__name__ == _DRAWS else None)
        for function, title, hints in toolset(workshop)
    ]


def _add_completions(server: Server, workshop: Workshop) -> None:
    @server.completion()  # type: ignore[no-untyped-call, untyped-decorator] # of the SDK
    async def complete_argument(ref: Any, argument: Any, context: Any) -> Completion | None:
        CALLER.set(server.caller_of(None))
        return await server.desk.run(partial(complete, ref, argument, workshop.shelf, list(server.resources.pages)))


def prepare_process() -> None:
    """Logs go to stderr, threads have room for deep calls, and garbage is collected, which a single command does without."""
    gc.enable()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(name)s: %(message)s")
    threading.stack_size(STACK_BYTES)
