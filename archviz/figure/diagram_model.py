"""Diagram configs written by hand or by an agent: the model of the JSON format.  `diagram_config` reads them.

Addresses, for `custom_edges`: a custom node by its `id`; a block by its `id` or as `stage1.block2` (both counted from
one, in order of the file); a stage by its `id` or as `stage1`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator
from pydantic_core import PydanticCustomError

from archviz.figure.diagram_colours import ACCEPTED, hex_colour, near_colours
from archviz.figure.diagram_kinds import DEFAULT_NODE_COLOUR, default_colour
from archviz.late_patterns import late_pattern
from archviz.spans import Status

MAX_TEXT = 20_000
MAX_NAME = 200
MAX_STAGES = 200
MAX_BLOCKS = 1_000
MAX_NODES = 300
MAX_EDGES = 1_000
MAX_ROWS = 500

POSITIONAL = late_pattern(r"stage\d+(?:\.block\d+)?")
FORBIDDEN = late_pattern("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def _clean(text: str) -> str:
    found = FORBIDDEN.search(text)
    if found:
        raise PydanticCustomError(
            "text",
            "contains the character U+{code}, which no figure can show",
            {"code": f"{ord(found[0]):04X}", "hint": "remove it; line breaks are written \\n"},
        )
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _not_blank(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("text", "is empty", {"hint": "write at least one visible character"})
    return text


def _known_colour(colour: str) -> str:
    if hex_colour(colour) is None:
        near = near_colours(colour)
        hint = f"did you mean {' or '.join(near)}?" if near else f"write {ACCEPTED}"
        raise PydanticCustomError("colour", "is not a colour: {shown}", {"shown": repr(colour[:60]), "hint": hint})
    return colour


def _free_id(identifier: str) -> str:
    if POSITIONAL.fullmatch(identifier):
        raise PydanticCustomError(
            "id",
            "is reserved: {shown} is the address of a stage or block by position",
            {"shown": repr(identifier), "hint": "choose another id, such as 'router' or 'layer_4'"},
        )
    return identifier


def _plain_value(value: Any) -> int | float | str | bool:
    if isinstance(value, str) and len(value) <= MAX_TEXT:
        return _clean(value)
    if isinstance(value, bool | int | float) and abs(value) < 10**30:
        return value
    raise PydanticCustomError(
        "value", "must be a text or a number below 10^30", {"hint": "write it in quotes if it is a text"}
    )


def _count(value: Any) -> int | str:
    if isinstance(value, str) and 0 < len(value.strip()) <= MAX_NAME:
        return _clean(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**18:
        return value
    raise PydanticCustomError(
        "count", 'must be a count from 0 to 10^18, or a text such as "397B"', {"hint": "write the number of parameters"}
    )


Text = Annotated[str, Field(max_length=MAX_TEXT), AfterValidator(_clean)]
Label = Annotated[str, Field(max_length=MAX_TEXT), AfterValidator(_clean), AfterValidator(_not_blank)]
Identifier = Annotated[
    str, Field(max_length=MAX_NAME), AfterValidator(_clean), AfterValidator(_not_blank), AfterValidator(_free_id)
]
Address = Annotated[str, Field(max_length=MAX_NAME), AfterValidator(_clean), AfterValidator(_not_blank)]
Colour = Annotated[str, AfterValidator(_known_colour)]
PlainValue = Annotated[int | float | str | bool, PlainValidator(_plain_value)]
Count = Annotated[int | str, PlainValidator(_count)]


class DiagramPart(BaseModel):
    """Base of all parts: closed (a misspelt key is an error) and strict (`5` is not a text)."""

    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)


class DiagramBlock(DiagramPart):
    """A box in a stage: its type, and details below it, line by line."""

    type: Label
    details: Text = ""
    id: Identifier | None = None
    color: Colour | None = None
    status: Status | None = None
    source: Text | None = None

    @property
    def fill(self) -> str:
        """The colour as `#rrggbb[aa]`: the block's own, else that of its type."""
        return hex_colour(self.color or default_colour(self.type)) or "#ffffff"


class DiagramStage(DiagramPart):
    """A titled panel of blocks, which data passes from the first to the last, and on to the next stage.

    `detail_of` is the address of the block that this stage shows the inside of; such a stage stands apart from the flow.
    `new_flow` starts another flow: no arrow comes from the stage before (a second tower, say).
    """

    name: Label
    blocks: list[DiagramBlock] = Field(min_length=1, max_length=MAX_BLOCKS)
    id: Identifier | None = None
    detail_of: Address | None = None
    new_flow: bool = False


class CustomNode(DiagramPart):
    """A box beside the stages."""

    id: Identifier
    label: Label
    color: Colour | None = None
    status: Status | None = None
    source: Text | None = None

    @property
    def fill(self) -> str:
        return hex_colour(self.color or DEFAULT_NODE_COLOUR) or "#ffffff"


class CustomEdge(DiagramPart):
    """An arrow between two addresses."""

    source: Address = Field(alias="from")
    target: Address = Field(alias="to")
    label: Text | None = None


class ParameterCounts(DiagramPart):
    """Published or counted parameters of the whole model."""

    total: Count | None = None
    active: Count | None = None


class Innovation(DiagramPart):
    """What sets the model apart, for the document."""

    name: Label
    description: Text = ""


class DiagramConfig(DiagramPart):
    """A whole diagram; everything after `custom_edges` is for the Markdown document only."""

    model_name: Label
    title: Label | None = None
    source: Text | None = None
    stages: list[DiagramStage] = Field(min_length=1, max_length=MAX_STAGES)
    custom_nodes: list[CustomNode] = Field(default_factory=list, max_length=MAX_NODES)
    custom_edges: list[CustomEdge] = Field(default_factory=list, max_length=MAX_EDGES)
    overview: Text | None = None
    parameters: ParameterCounts | None = None
    configuration: dict[Label, PlainValue] = Field(default_factory=dict, max_length=MAX_ROWS)
    innovations: list[Innovation] = Field(default_factory=list, max_length=MAX_ROWS)
    references: dict[Label, Text] = Field(default_factory=dict, max_length=MAX_ROWS)

    @property
    def heading(self) -> str:
        """The title, else the model's name with the word architecture."""
        return self.title or f"{self.model_name} architecture"

    def blocks(self) -> Iterator[tuple[str, DiagramBlock]]:
        """All blocks in order, each with its address by position."""
        for s, stage in enumerate(self.stages, start=1):
            for b, block in enumerate(stage.blocks, start=1):
                yield f"stage{s}.block{b}", block

    def addresses(self) -> dict[str, str]:
        """Every address that an edge may name → the canonical one: `stage1`, `stage1.block2` or a custom node's id."""
        known = {f"stage{s}": f"stage{s}" for s in range(1, len(self.stages) + 1)}
        known |= {stage.id: f"stage{s}" for s, stage in enumerate(self.stages, start=1) if stage.id}
        for address, block in self.blocks():
            known[address] = address
            if block.id:
                known[block.id] = address
        return known | {node.id: node.id for node in self.custom_nodes}

    def statuses(self) -> set[Status]:
        """The statuses that are stated somewhere in the diagram."""
        stated = [*(block.status for _, block in self.blocks()), *(node.status for node in self.custom_nodes)]
        return {status for status in stated if status}

    def to_json(self, indent: int | None = 2) -> str:
        """The config as JSON that the loader reads back; what was not given is left out."""
        return self.model_dump_json(by_alias=True, exclude_none=True, exclude_defaults=True, indent=indent)
