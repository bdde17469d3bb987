"""Tables that are made when a client first asks for one: the schemas of tools and prompts take as long as all else that a server does at its start."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any, TypeVar

from mcp.server.mcpserver.prompts import Prompt, PromptManager
from mcp.server.mcpserver.tools import Tool, ToolManager

_V = TypeVar("_V")


class Late(UserDict[str, _V]):
    """Named things under their names, made at the first look.

    Args:
        make: Makes all of them.
    """

    def __init__(self, make: Callable[[], Iterable[_V]]) -> None:  # its base would fill in an empty table
        self._make = make

    @cached_property
    def data(self) -> dict[str, _V]:  # type: ignore[override] # a plain attribute there
        """The table."""
        made: Iterable[Any] = self._make()
        return {each.name: each for each in made}


class LateTools(ToolManager):
    def __init__(self, make: Callable[[], Iterable[Tool]]) -> None:
        super().__init__()
        self._tools = Late(make)  # type: ignore[assignment] # read like the dict that it stands for


class LatePrompts(PromptManager):
    def __init__(self, make: Callable[[], Iterable[Prompt]]) -> None:
        super().__init__()
        self._prompts = Late(make)  # type: ignore[assignment] # as well
