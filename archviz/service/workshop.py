"""What all tools of a server share, and the arguments that several of them take."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from archviz.service.reach import Reach
from archviz.service.shelf import Shelf
from archviz.settings import Settings

Model = Annotated[str, Field(description="Hub id org/name, folder, config.json, or transformers:TYPE")]
ClassName = str | None
Offset = Annotated[int, Field(ge=0)]


class Workshop:
    """What the tools of one server share.

    Args:
        settings: What runs may do.
        reach: Which files of this machine are read.
        shelf: Descriptions that are kept; a new one by default.
    """

    def __init__(self, settings: Settings, reach: Reach | None = None, shelf: Shelf | None = None) -> None:
        self.settings = settings
        self.reach = reach or Reach()
        self.shelf = shelf or Shelf(settings)
