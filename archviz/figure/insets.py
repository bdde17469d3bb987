"""The insets of an overview: one for each distinct mixer and feed-forward, those that are alike but for numbers as one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from archviz.architecture.model import MIXER_ROLES, Architecture, BlockGraph, BlockNode, LayerKind
from archviz.figure import captions
from archviz.figure.flow import module_diagram
from archviz.figure.model import Diagram, Inset, Sentence
from archviz.figure.positions import with_rope_settings
from archviz.figure.quantities import compact, plain, sentence
from archviz.figure.savings import Savings
from archviz.records import field, record, replace

FEED_FORWARD_ROLES = ("feed_forward", "moe")
_MOST_DIFFERENCES = 4
_LONGEST_TITLE = 44
_PLAIN = ("input", "output", "split", "multiply", "add")


@record
class Known:
    """What was made for other savings of the same model: they change which of it is drawn, not what it is like.

    Args:
        diagrams: The inside of blocks, plain and with settings of RoPE.
        layers: The flow of layers, by place and colour.
        insets: By block, colour and column.
        likenesses: By block.
        words: What stands on every page: title, facts, footers.
        drafts: Columns by savings.
    """

    diagrams: dict[tuple[str, bool, str | None], tuple[Diagram, Diagram]] = field(default_factory=dict)
    layers: dict[tuple[str, int], Diagram] = field(default_factory=dict)
    insets: dict[tuple[str, int | None, str], Inset] = field(default_factory=dict)
    likenesses: dict[str, str] = field(default_factory=dict)
    words: dict[str, Any] = field(default_factory=dict)
    drafts: dict[Savings, Any] = field(default_factory=dict)

    def once(self, name: str, make: Callable[[Architecture], Any], architecture: Architecture) -> Any:
        """What is the same on every page, made for the first."""
        if name not in self.words:
            self.words[name] = make(architecture)
        return self.words[name]


@record
class InsetBook:
    """What is shown of each block.

    Args:
        spoken: Id of the tower whose positions the facts state.
        minor: Ids of the towers that are drawn smaller.
        known: What was made for other savings already.
        insets: By likeness, in order of first use.
        inset_of: Inset by block id; blocks that are alike share one.
        diagrams: The inside of every block that was to be shown, also where its inset is saved.
        shown: The block that an inset was made of, by the inset's id.
        closed: Titles of what was to be shown and is not, each with the module that the module view shows.
    """

    architecture: Architecture
    savings: Savings
    spoken: str
    minor: set[str]
    known: Known = field(default_factory=Known)
    insets: dict[str, Inset] = field(default_factory=dict)
    inset_of: dict[str, str] = field(default_factory=dict)
    diagrams: dict[str, Diagram] = field(default_factory=dict)
    closed: dict[str, str] = field(default_factory=dict)
    shown: dict[str, str] = field(default_factory=dict)

    def add_kind(self, kind: LayerKind, number: int, column: str) -> None:
        """Insets for what a kind of layer is made of, from the top down.

        Args:
            number: The colour of the kind.
            column: Id of the tower that it is in.
        """
        layer = self.architecture.block(kind.block)
        for node in reversed(layer.nodes) if layer else []:
            if layer and node.role in (*MIXER_ROLES, *FEED_FORWARD_ROLES):
                block = self.block_of(layer, kind, node)
                self._add(block, number if node.role in MIXER_ROLES else None, column, kind.mixer_kind)
        for block_id in (kind.feed_forward, kind.mixer):
            block = self.architecture.block(block_id) if block_id else None
            self._add(block, number if block_id == kind.mixer else None, column, kind.mixer_kind)

    def add_layer(self, graph: BlockGraph, number: int, column: str, mixer: int) -> None:
        """An inset for the flow of a layer itself; its mixer has a colour of its own (`mixer`), which other layers may share."""
        if graph.id not in self.inset_of:
            diagram = self._drawn_before(graph, False, None)[0]
            zooms = {f"{graph.id}/{node.id}": self.inset_of.get(node.zoom or "") for node in graph.nodes}
            diagram = with_zooms(diagram, zooms)
            boxes = tuple(replace(box, kind=mixer if box.role in MIXER_ROLES else None) for box in diagram.boxes)
            diagram = replace(diagram, boxes=boxes)
            inset = self._inset(graph, diagram, number, column)
            self._file(graph.id, replace(inset, role="layer"))

    def add_block(self, graph: BlockGraph, column: str) -> None:
        """An inset for a graph that is in no layer."""
        self._add(graph, None, column, None)

    def block_of(self, layer: BlockGraph, kind: LayerKind, node: BlockNode) -> BlockGraph | None:
        """The graph that shows the inside of a box of a layer: of the module it calls, else the kind's own."""
        if node.zoom and (zoomed := self.architecture.block(node.zoom)):
            return zoomed
        if node.role not in (*MIXER_ROLES, *FEED_FORWARD_ROLES):
            return None
        path = f"{layer.module}.{node.module}"
        called = next((block for block in self.architecture.blocks if node.module and block.module == path), None)
        if called and called.nodes:
            return called
        block_id = kind.mixer if node.role in MIXER_ROLES else kind.feed_forward
        return self.architecture.block(block_id) if block_id else None

    def _add(self, block: BlockGraph | None, number: int | None, column: str, mixer: str | None) -> None:
        """An inset for a graph, and for the graphs that its own boxes zoom into (one expert of a MoE)."""
        if block is None or block.id in self.diagrams or not block.nodes:
            return
        inner = [each for node in block.nodes if node.zoom and (each := self.architecture.block(node.zoom))]
        for each in inner:
            if each.id != block.id and not self.savings.experts:
                self._add(each, None, column, mixer)
        plain, stated = self._drawn_before(block, column == self.spoken, mixer)
        self.diagrams[block.id] = stated
        diagram = plain
        if not self.savings.experts:
            diagram = with_zooms(
                plain, {f"{block.id}/{node.id}": self.inset_of.get(node.zoom or "") for node in block.nodes}
            )
        inset = self._inset(block, diagram, number, column)
        if self._saved(inset):
            self.closed[inset.title] = inset.module
            return
        if self.savings.experts:
            experts = [
                each for node in block.nodes for each in inner if node.zoom == each.id and node.role == "experts"
            ]
            if self.savings.bare:
                self.closed |= {each.title: each.module for each in experts}
            else:
                inset = replace(inset, notes=(*inset.notes, *_expert_notes(experts)))
        self._file(block.id, inset)

    def _inset(self, block: BlockGraph, diagram: Diagram, number: int | None, column: str) -> Inset:
        key = (block.id, number, column)
        if key not in self.known.insets:
            self.known.insets[key] = captions.make_inset(block, diagram, number, column, column in self.minor)
        made = self.known.insets[key]
        return made if made.diagram is diagram else replace(made, diagram=diagram)

    def _drawn_before(self, block: BlockGraph, spoken: bool, mixer: str | None) -> tuple[Diagram, Diagram]:
        """The inside of a block, and that with base and scaling of RoPE, which stand beside the column."""
        key = (block.id, spoken, mixer)
        if key not in self.known.diagrams:
            plain = module_diagram(block, open_end=True)
            stated = with_rope_settings(plain, self.architecture, mixer) if spoken else plain
            self.known.diagrams[key] = (plain, stated)
        return self.known.diagrams[key]

    def _saved(self, inset: Inset) -> bool:
        plain = inset.role == "feed_forward" and self.savings.feeds
        return plain or (inset.minor and self.savings.minor_insets)

    def _file(self, block_id: str, inset: Inset) -> None:
        """Keep an inset, or tell in the one that is alike how it differs."""
        if block_id not in self.known.likenesses:
            self.known.likenesses[block_id] = _likeness(inset.diagram)
        likeness = self.known.likenesses[block_id]
        for key, other in self.insets.items():
            differing = self._differences(other, inset, block_id) if key.startswith(likeness) else None
            if differing is not None and (other.kind is None) == (inset.kind is None):
                self.insets[key] = _both(other, inset, differing)
                self.inset_of[block_id] = other.id
                return
        self.inset_of[block_id] = inset.id
        self.shown[inset.id] = block_id
        self.insets[f"{likeness}{len(self.insets)}"] = inset

    def _differences(self, other: Inset, inset: Inset, block_id: str) -> list[str] | None:
        """How an inset differs from one that is filed, base and scaling of RoPE included."""
        mine, its = self.diagrams.get(self.shown.get(other.id, "")), self.diagrams.get(block_id)
        return _differences(mine or other.diagram, its or inset.diagram)


def with_zooms(diagram: Diagram, zooms: Mapping[str, str | None]) -> Diagram:
    """The diagram with the insets that its boxes zoom into."""
    if not any(zooms.values()):
        return diagram
    boxes = tuple(replace(box, zoom=zooms[box.id]) if zooms.get(box.id) else box for box in diagram.boxes)
    return replace(diagram, boxes=boxes)


def _likeness(diagram: Diagram) -> str:
    """What two diagrams share that differ in numbers and in what joins their boxes only."""
    return repr([(box.role, box.label, box.status, box.shape) for box in diagram.boxes])


def _joints(diagram: Diagram) -> set[tuple[int, int]]:
    """The arrows by the places of the boxes that they join."""
    local = {box.id: index for index, box in enumerate(diagram.boxes)}
    return {(local[arrow.source], local[arrow.target]) for arrow in diagram.arrows}


def _differences(one: Diagram, other: Diagram) -> list[str] | None:
    """The boxes of the other that read differently, and an arrow that it has more or less; None where these are many."""
    mine_joined, its_joined = _joints(one), _joints(other)
    if len(mine_joined ^ its_joined) > 1:
        return None
    found: dict[str, None] = {}
    for mine, its in zip(one.boxes, other.boxes, strict=True):
        if mine.details != its.details:
            lines = [line for line in its.details if line not in mine.details]
            gone = [line for line in mine.details if line not in its.details]
            fewer = [f"no {line.partition(', ')[0]}" for line in gone[len(lines) :]]  # those before are replaced
            found[f"{its.label} {', '.join([*lines, *fewer])}"] = None
    label = {place: box.label for place, box in enumerate(other.boxes)}
    found |= {f"{label[target]} does not read {label[source]}": None for source, target in mine_joined - its_joined}
    found |= {f"{label[target]} reads {label[source]} too": None for source, target in its_joined - mine_joined}
    return list(found) if len(found) <= _MOST_DIFFERENCES else None


def _both(one: Inset, other: Inset, differing: list[str]) -> Inset:
    """One inset for two that are alike."""
    both = f"{one.title} · {other.title}"
    title = both if other.title not in one.title and len(both) <= _LONGEST_TITLE else one.title
    if not differing:
        return replace(one, title=title)
    text = f"{other.title}: alike, with {'; '.join(differing)}"
    tail = text.partition(": ")[2]
    told = any(plain(note).endswith(tail) for note in one.notes)  # of another of the same kind, in another tower
    return replace(one, title=title, notes=one.notes if told else (*one.notes, sentence(text)))


def _expert_notes(inner: list[BlockGraph]) -> Iterator[Sentence]:
    """What one expert is, in a sentence."""
    for graph in inner:
        steps = [" ".join((node.label, *node.details[:1])) for node in graph.nodes if node.role not in _PLAIN]
        if steps:
            yield sentence(f"{graph.title}: {', '.join(steps)}; {compact(graph.parameters)} parameters")
