"""Tools and prompts that are made when a client first asks for one: their schemas take as long as all else that a server does at its start."""

from __future__ import annotations

from collections.abc import Callable

from mcp.server.mcpserver.prompts import Prompt, PromptManager
from mcp.server.mcpserver.tools import Tool, ToolManager


class LateTools(ToolManager):
    def __init__(self, make: Callable[[], list[Tool]]) -> None:
        super().__init__()
        self._make = make

    def get_tool(self, name: str) -> Tool | None:
        """See `ToolManager.get_tool`."""
        self._fill()
        return super().get_tool(name)

    def list_tools(self) -> list[Tool]:
        """See `ToolManager.list_tools`."""
        self._fill()
        return super().list_tools()

    def _fill(self) -> None:
        if not self._tools:
            self._tools.update({tool.name: tool for tool in self._make()})


class LatePrompts(PromptManager):
    def __init__(self, make: Callable[[], list[Prompt]]) -> None:
        super().__init__()
        self._make = make

    def get_prompt(self, name: str) -> Prompt | None:
        """See `PromptManager.get_prompt`."""
        self._fill()
        return super().get_prompt(name)

    def list_prompts(self) -> list[Prompt]:
        """See `PromptManager.list_prompts`."""
        self._fill()
        return super().list_prompts()

    def _fill(self) -> None:
        if not self._prompts:
            self._prompts.update({prompt.name: prompt for prompt in self._make()})
