"""Tables of tools and prompts that are made when a client first asks for one: their schemas take as long as all else that a server does at its start.

The SDK takes tools and prompts when a server is made. Where it keeps them in a manager of its own, as it does now, a manager that makes
them late takes that place; an SDK that keeps them elsewhere gets them at once, which costs a slower start and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any, Generic, TypeVar

from mcp.server import MCPServer
from mcp.server.mcpserver.prompts import Prompt, PromptManager
from mcp.server.mcpserver.tools import Tool, ToolManager

_V = TypeVar("_V")


class Late(Generic[_V]):
    """Named things, made at the first look.

    Args:
        make: Makes all of them.
    """

    def __init__(self, make: Callable[[], Iterable[_V]]) -> None:
        self._make = make

    @cached_property
    def table(self) -> dict[str, _V]:
        """Name → thing."""
        made: Iterable[Any] = self._make()
        return {each.name: each for each in made}


class LateTools(ToolManager):
    def __init__(self, tools: Late[Tool]) -> None:
        super().__init__()
        self.late = tools

    def get_tool(self, name: str) -> Tool | None:
        """See `ToolManager.get_tool`."""
        return self.late.table.get(name)

    def list_tools(self) -> list[Tool]:
        """See `ToolManager.list_tools`."""
        return list(self.late.table.values())


class LatePrompts(PromptManager):
    def __init__(self, prompts: Late[Prompt]) -> None:
        super().__init__()
        self.late = prompts

    def get_prompt(self, name: str) -> Prompt | None:
        """See `PromptManager.get_prompt`."""
        return self.late.table.get(name)

    def list_prompts(self) -> list[Prompt]:
        """See `PromptManager.list_prompts`."""
        return list(self.late.table.values())


def can_be_late(server: MCPServer[Any]) -> bool:
    """Whether the SDK keeps tools and prompts of a server where `put_late` puts them."""
    held = vars(server)
    return isinstance(held.get("_tool_manager"), ToolManager) and isinstance(held.get("_prompt_manager"), PromptManager)


def put_late(server: MCPServer[Any], tools: Late[Tool], prompts: Late[Prompt]) -> None:
    """Have a server ask these tables for its tools and prompts."""
    vars(server).update(_tool_manager=LateTools(tools), _prompt_manager=LatePrompts(prompts))
