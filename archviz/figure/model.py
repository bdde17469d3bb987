"""The Figure: what is to be drawn and what belongs together, before anything has a place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple, TypeAlias

from archviz.architecture.model import Role
from archviz.records import field, record
from archviz.spans import Status

BoxShape = Literal["box", "round", "point"]


class Words(NamedTuple):
    """A piece of a sentence; `accent` marks a number that the reader should see first."""

    text: str
    accent: bool = False
    strong: bool = False


Sentence: TypeAlias = tuple[Words, ...]


@record(frozen=True)
class Box:
    """One thing drawn: a layer, an operation, an end of a graph.

    Args:
        details: The numbers under the label.
        shape: `round` for ⊕ and ⊗ (`label` is then the symbol), `point` for an end that is only a wire.
        kind: For a mixer in a layer, the number of its layer kind, which gives its colour.
        zoom: Id of the inset that shows its inside.
        apart: Whether its outputs are different tensors (a split).
        cells: Numbered copies that the box stands for (`1`, `2`, `…`, `512`), drawn as a row in it.
        description: For screen readers and tooltips: shapes, parameters, evidence.
    """

    id: str
    role: Role
    label: str
    details: tuple[str, ...] = ()
    shape: BoxShape = "box"
    status: Status = "verified"
    kind: int | None = None
    zoom: str | None = None
    apart: bool = False
    cells: tuple[str, ...] = ()
    description: str = ""


@record(frozen=True)
class Arrow:
    """A tensor that flows between two boxes; `skip` marks a residual, `lanes` are the residual streams that it holds side by side.

    `status` is other than `verified` where no code was read that the tensor flows in.
    """

    id: str
    source: str
    target: str
    skip: bool = False
    label: str = ""
    lanes: int = 1
    status: Status = "verified"


@record(frozen=True)
class Diagram:
    """The data flow of one layer or one module, boxes in order of execution."""

    boxes: tuple[Box, ...] = ()
    arrows: tuple[Arrow, ...] = ()


@record(frozen=True)
class LayerPanel:
    """`times` layers of one kind. Without a diagram it is a bar with its `mixers`: its flow is drawn elsewhere, as in inset `zoom`."""

    id: str
    kind: int
    title: str
    times: int
    diagram: Diagram | None = None
    status: Status = "verified"
    zoom: str | None = None
    mixers: tuple[Box, ...] = ()


@record(frozen=True)
class Repeat:
    """A sequence of panels that is repeated `times`; `ordered` is False where the strip alone tells the order."""

    id: str
    times: int
    items: tuple[Repeat | LayerPanel, ...]
    ordered: bool = True
    title: str = ""


@record(frozen=True)
class Merge:
    """Where a box that is no step of the stream meets it: a table of positions at a ⊕ (`sign`), a class token at a concatenation.

    A `branch` reads the stream below.
    """

    id: str
    sign: Box
    box: Box
    branch: bool = False


Step: TypeAlias = Box | Merge | LayerPanel | Repeat


@record(frozen=True)
class Column:
    """A tower, its steps bottom-up.

    Args:
        minor: Whether it is drawn smaller.
        feeds: The column that reads its output.
        feeders: Towers drawn as boxes at the foot of this column: the first joins its stream, each other is read by the one before.
        beyond: What reads the stream before the head: a head for further tokens (MTP).
        tied: The boxes whose weights are one tensor, lower and upper.
    """

    id: str
    title: str
    steps: tuple[Step, ...]
    subtitle: str = ""
    minor: bool = False
    feeds: str | None = None
    feeders: tuple[Box, ...] = ()
    beyond: Box | None = None
    tied: tuple[str, str] | None = None


@record(frozen=True)
class Note:
    """Sentences that a dotted leader joins to a box of a column."""

    id: str
    target: str
    lines: tuple[Sentence, ...]


@record(frozen=True)
class SideBox:
    """A box beside a column with an arrow into boxes of it: RoPE, QK-norm, an encoder's output."""

    box: Box
    targets: tuple[str, ...]


@record(frozen=True)
class Summit:
    """A box above some columns that reads the outputs of all of them: the similarity of two towers."""

    box: Box
    columns: tuple[str, ...]


@record(frozen=True)
class Inset:
    """A panel that zooms into a box of a column; `letter` joins the two."""

    id: str
    letter: str
    title: str
    role: Role | Literal["layer"]
    diagram: Diagram
    notes: tuple[Sentence, ...] = ()
    subtitle: str = ""
    kind: int | None = None
    minor: bool = False
    column: str = ""
    description: str = ""
    module: str = ""


@record(frozen=True)
class KindKey:
    """One entry of the key of a strip."""

    kind: int
    letter: str
    title: str
    count: int


@record(frozen=True)
class Strip:
    """All layers of a stack in order: `cells` are kinds by layer, `unit` the layers of one repeat, drawn large.

    `values` stand below the cells, one each, and `value_title` says what they are.
    """

    id: str
    title: str
    text: str
    keys: tuple[KindKey, ...]
    cells: tuple[int, ...]
    unit: tuple[int, ...] = ()
    times: int = 1
    values: tuple[str, ...] = ()
    value_title: str = ""


@record(frozen=True)
class FactCell:
    label: str
    value: str
    status: Status = "verified"


@record(frozen=True)
class Figure:
    """Everything that one drawing shows; a `slim` one has narrow words beside its columns."""

    title: str
    subtitle: str
    columns: tuple[Column, ...]
    description: str = ""
    notes: tuple[Note, ...] = ()
    sides: tuple[SideBox, ...] = ()
    insets: tuple[Inset, ...] = ()
    strips: tuple[Strip, ...] = ()
    facts: tuple[FactCell, ...] = ()
    footers: tuple[Sentence, ...] = field(default_factory=tuple)
    summit: Summit | None = None
    slim: bool = False


def diagrams(figure: Figure) -> list[Diagram]:
    """All diagrams of a figure: of its panels, then of its insets."""
    panels = [diagram for column in figure.columns for diagram in step_diagrams(column.steps)]
    return panels + [inset.diagram for inset in figure.insets]


def layer_panels(steps: tuple[Step, ...]) -> Iterator[LayerPanel]:
    """The layers of a column, those of repeats once, bottom-up."""
    for step in steps:
        if isinstance(step, Repeat):
            yield from layer_panels(step.items)
        elif isinstance(step, LayerPanel):
            yield step


def step_diagrams(steps: tuple[Step, ...]) -> Iterator[Diagram]:
    """The diagrams of the layer panels of a column, bottom-up."""
    return (panel.diagram for panel in layer_panels(steps) if panel.diagram)


def column_boxes(steps: tuple[Step, ...]) -> Iterator[Box]:
    """All boxes of a column, bottom-up."""
    for step in steps:
        if isinstance(step, Box):
            yield step
        elif isinstance(step, Merge):
            yield from (step.box, step.sign)
        elif isinstance(step, LayerPanel):
            yield from step.diagram.boxes if step.diagram else step.mixers
        elif isinstance(step, Repeat):
            yield from column_boxes(step.items)


def bars(steps: tuple[Step, ...]) -> Iterator[LayerPanel]:
    """The layers of a column that are drawn as bars, bottom-up."""
    return (panel for panel in layer_panels(steps) if panel.diagram is None)
