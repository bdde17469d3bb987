"""What all tools of a server share, and the arguments that several of them take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from archviz.records import replace
from archviz.service.desk import Desk
from archviz.service.outputs import scratch
from archviz.service.reach import Reach
from archviz.service.shelf import Shelf
from archviz.settings import Settings

if TYPE_CHECKING:
    from archviz.document.making import DocumentResult

Model = Annotated[str, Field(description="Hub id org/name, folder, config.json, or transformers:TYPE")]
ClassName = str | None
Offset = Annotated[int, Field(ge=0)]


class Workshop:
    """What the tools of one server share.

    Args:
        settings: What runs may do.
        reach: Which files of this machine are read.
        shelf: Descriptions that are kept; a new one by default.
        desk: Where calls are worked on; a new one by default.
    """

    def __init__(
        self, settings: Settings, reach: Reach | None = None, shelf: Shelf | None = None, desk: Desk | None = None
    ) -> None:
        self.desk = desk or Desk()
        self.reach = reach or Reach()
        self.settings = replace(settings, folders=self.reach.folders)
        self.shelf = shelf or Shelf(self.settings)

    def document(self, model: str, class_name: str | None = None) -> tuple[DocumentResult, str]:
        """The specification of a model: what it is made of, and its text; kept."""
        return self.shelf.made("document", model, (class_name,), lambda: self._document(model, class_name))

    def _document(self, model: str, class_name: str | None) -> tuple[DocumentResult, str]:
        from archviz import pipeline

        with scratch() as folder:
            file = folder / "document.md"
            found = pipeline.document(model, file, class_name=class_name, settings=self.settings)
            return found, file.read_text("utf-8")
