"""The columns of an overview, with what stands beside them and the insets that their boxes open, before pages choose of them."""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeVar

from archviz.architecture.column_layers import layers_in, runs_of
from archviz.architecture.model import (
    MEETING,
    MIXER_ROLES,
    Architecture,
    BlockGraph,
    ColumnItem,
    LayerKind,
    LayerStack,
    PatternItem,
    Tower,
)
from archviz.figure import captions
from archviz.figure.flow import describe, extra_inputs, join_node, layer_diagram, make_box
from archviz.figure.insets import InsetBook, Known, with_zooms
from archviz.figure.model import (
    Box,
    Column,
    LayerPanel,
    Merge,
    Repeat,
    SideBox,
    Step,
    Summit,
    bars,
    column_boxes,
    step_diagrams,
)
from archviz.figure.savings import Savings
from archviz.records import replace

_Step = TypeVar("_Step", bound=Step)

MAX_BOXES = 41  # about forty
_MAX_PANELS = 6
_MINOR_SHARE = 0.4
_PLAIN_COLOUR = 3  # of a layer kind without a mixer
_NO_BOXES = ("input", "output", "add", "residual_add")  # ends and ⊕ do not count


class Drafted:
    """The columns of a model as some savings have them.

    Args:
        savings: What is not drawn in full; those of insets and notes change nothing here.
        known: What was made for other savings of the same model; it is added to.
    """

    def __init__(self, architecture: Architecture, savings: Savings, known: Known) -> None:
        self.architecture, self.savings = architecture, savings
        self.sides: dict[tuple[str, ...], SideBox] = {}
        self.kinds: dict[tuple[str, str], int] = {}  # (stack path, kind id) → colour
        self.boxes_left = MAX_BOXES
        self.minor = minor_towers(architecture)
        self.book = InsetBook(architecture, savings, spoken_tower(architecture), self.minor, known)
        self.told: dict[str, set[str]] = {}  # details of mixers by column
        self.barred: set[tuple[str, int, tuple[str, ...]]] = set()  # column, kind and insets of layers in a bar
        self.twins: dict[str, str] = {}  # likeness of a layer drawn in full → its column
        self.every = _in_reading_order(architecture.towers)
        self.folded = [tower for tower in self.every[:-1] if savings.folded and tower.id in self.minor and tower.feeds]
        self.towers = [tower for tower in self.every if tower not in self.folded]
        major_first = sorted(self.towers, key=lambda tower: tower.id in self.minor)
        columns = {tower.id: self._column(tower) for tower in major_first}
        self.columns = tuple(columns[tower.id] for tower in self.towers)
        self.summit = self._summit()
        others = [side.box for side in self.sides.values()]
        self.boxes = count_drawn(self.columns, [*others, *([self.summit.box] if self.summit else [])])

    def _summit(self) -> Summit | None:
        """What reads the outputs of towers of which none feeds another, and its inset."""
        graph = self.architecture.block(MEETING)
        titles = [node.label for node in graph.nodes if node.role == "input"] if graph else []
        met = [tower for tower in self.towers if tower.title in titles]
        if graph is None or len(met) < len(titles) or len(met) != len(self.towers):
            return None
        self.book.add_block(graph, self.towers[-1].id)
        steps = [" ".join((node.label, *node.details[:1])) for node in graph.nodes if node.role == "other"]
        scaled = [node.label for node in graph.nodes if node.role == "scale"]
        box = Box(
            f"summit/{graph.id}", "other", graph.title, (", ".join([*steps, *scaled]),), status=graph.status,
            zoom=self.book.inset_of.get(graph.id), description=describe(graph.nodes[-2]),
        )  # fmt: skip
        return Summit(box, tuple(tower.id for tower in met))

    def _column(self, tower: Tower) -> Column:
        self.boxes_left = MAX_BOXES
        steps: list[Step] = []
        known = set(self.sides)
        for index, item in enumerate(tower.column):
            stack = layers_in(self.architecture, item)
            if item.beside or item.taps:
                continue
            if item.node:
                steps.append(column_step(item, f"{tower.id}/{index}"))
            elif stack:
                steps += self._stack(stack, tower.id)
        steps = _without_told(steps)
        self._draw_beside(tower, steps, known)
        spoken = tower.id == self.book.spoken
        return Column(
            beyond=captions.further_head(self.architecture, tower) if spoken else None,
            tied=_tied_boxes(self.architecture, tuple(steps)) if spoken else None,
            id=tower.id,
            title=tower.title,
            subtitle=captions.tower_subtitle(tower),
            steps=tuple(steps),
            minor=tower.id in self.minor,
            feeds=tower.feeds,
        )

    def _stack(self, stack: LayerStack, column: str) -> list[Step]:
        self._colour(stack)
        for kind in reversed(stack.kinds):  # top-down, as the insets are read
            self.book.add_kind(kind, self._mixer_colour(stack, kind), column)
        drawn: set[str] = set()
        by_id = {kind.id: kind for kind in stack.kinds}
        if _count_panels(stack.pattern) > max(_MAX_PANELS, len(stack.kinds)):
            panels = [
                self._panel(stack, kind, kind.count, drawn, f"{stack.path}/{place}", column)
                for place, kind in enumerate(stack.kinds)
            ]
            title = f"{stack.count} layers, ordered as in the strip"
            return [Repeat(f"{stack.path}/all", 1, tuple(panels), ordered=False, title=title)]
        steps: list[Step] = []
        for place, item in enumerate(stack.pattern):
            steps += self._pattern(stack, item, by_id, drawn, f"{stack.path}/{place}", column)
        return steps

    def _colour(self, stack: LayerStack) -> None:
        for kind, number in zip(stack.kinds, kind_colours(self.architecture, stack), strict=True):
            self.kinds[stack.path, kind.id] = number

    def _mixer_colour(self, stack: LayerStack, kind: LayerKind) -> int:
        """The colour of the first kind of the stack with the same mixer, or one alike but for numbers: what is alike looks alike."""
        first = next((other for other in stack.kinds if self._same_mixer(other, kind)), kind)
        return self.kinds[stack.path, first.id]

    def _same_mixer(self, one: LayerKind, other: LayerKind) -> bool:
        """Whether the mixers of two kinds are one, or of one sort with the same parts, joined alike."""
        if one.mixer is None or other.mixer is None or one.mixer == other.mixer:
            return one.mixer is not None and one.mixer == other.mixer
        mine, its = self.architecture.block(one.mixer), self.architecture.block(other.mixer)
        named = _mixing(one) == _mixing(other) != ""
        return named and mine is not None and its is not None and _likeness(mine) == _likeness(its)

    def _pattern(
        self,
        stack: LayerStack,
        item: PatternItem,
        kinds: dict[str, LayerKind],
        drawn: set[str],
        scope: str,
        column: str,
    ) -> list[LayerPanel | Repeat]:
        if item.kind is not None:
            return [self._panel(stack, kinds[item.kind], item.times, drawn, scope, column)]
        inner: list[LayerPanel | Repeat] = []
        for place, part in enumerate(item.items):
            inner += self._pattern(stack, part, kinds, drawn, f"{scope}.{place}", column)
        return inner if item.times == 1 else [Repeat(scope, item.times, tuple(inner))]

    def _panel(
        self, stack: LayerStack, kind: LayerKind, times: int, drawn: set[str], scope: str, column: str
    ) -> LayerPanel:
        number = self.kinds[stack.path, kind.id]
        graph = self.architecture.block(kind.block)
        shared = stack.runs is not None
        title = f"{kind.title} (shared weights)" if shared else kind.title
        panel = LayerPanel(f"layer/{scope}", number, title, times * ((stack.runs or stack.count) // stack.count))
        size = sum(node.role not in _NO_BOXES for node in graph.nodes) if graph else 0
        if graph is not None and self.savings.layers:
            if kind is self._commonest_twin(stack, kind):
                self.book.add_layer(graph, number, column, self._mixer_colour(stack, kind))
            return replace(
                self._bar(panel, graph, kind, column, self._mixer_colour(stack, kind)),
                zoom=self.book.inset_of.get(graph.id),
            )
        if graph is None or kind.id in drawn or size > self.boxes_left or self._is_saved(stack, kind, graph, column):
            return (
                self._bar(panel, graph, kind, column, self._mixer_colour(stack, kind))
                if graph and kind.id not in drawn
                else panel
            )
        drawn.add(kind.id)
        self.boxes_left -= size
        return self._drawn(panel, graph, kind, self._mixer_colour(stack, kind), scope, column)

    def _bar(self, panel: LayerPanel, graph: BlockGraph, kind: LayerKind, column: str, colour: int) -> LayerPanel:
        """The panel as a bar with its mixers, each once; those of small towers without."""
        blocks = {node.id: self.book.block_of(graph, kind, node) for node in graph.nodes if node.role in MIXER_ROLES}
        zooms = {name: self.book.inset_of.get(block.id) if block else None for name, block in blocks.items()}
        bar = (column, panel.kind, tuple(zoom or "" for zoom in zooms.values()))  # stages may open into their own
        if column in self.minor or bar in self.barred:
            return panel
        self.barred.add(bar)
        mixers: list[Box] = []
        for node in graph.nodes:
            if node.id in blocks:
                box = make_box(node, f"{panel.id}/{node.id}", kind=colour, zoom=zooms[node.id])
                told = self.told.setdefault(column, set())  # heads and widths that another mixer of the column states
                mixers.append(replace(box, details=tuple(line for line in box.details if line not in told)))
                told.update(box.details)
                self._beside_mixer(box, blocks[node.id])
        self._side_inputs(replace(graph, id=panel.id), {box.id for box in mixers})
        return replace(panel, mixers=tuple(mixers))

    def _is_saved(self, stack: LayerStack, kind: LayerKind, graph: BlockGraph, column: str) -> bool:
        """Whether a layer is drawn as a bar: it is of a small tower, rarer than others, or alike to one that is drawn."""
        commonest = sorted(stack.kinds, key=lambda other: (-other.count, other.indices[:1]))[: self.savings.panels]
        if (column in self.minor and self.savings.minor_panels) or kind not in commonest:
            return True
        return self._has_twin(graph, column) and self.savings.twins

    def _has_twin(self, graph: BlockGraph, column: str) -> bool:
        """Whether another layer of the column was met before that has the same parts, joined alike."""
        return self.twins.setdefault(f"{column}/{_likeness(graph)}", graph.id) != graph.id

    def _commonest_twin(self, stack: LayerStack, kind: LayerKind) -> LayerKind:
        """Of the kinds of a stack that have the same parts, joined alike, the one with most layers."""
        graphs = {other.id: self.architecture.block(other.block) for other in stack.kinds}
        likeness = {name: _likeness(graph) for name, graph in graphs.items() if graph}
        twins = [other for other in stack.kinds if likeness.get(other.id) == likeness.get(kind.id)]
        return max(twins, key=lambda other: other.count)

    def _drawn(
        self, panel: LayerPanel, graph: BlockGraph, kind: LayerKind, number: int, scope: str, column: str
    ) -> LayerPanel:
        """The panel with the data flow of its layer, and what stands beside that."""
        scoped = replace(graph, id=f"{scope}/{graph.id}")
        self._side_inputs(scoped)
        blocks = {node.id: self.book.block_of(graph, kind, node) for node in graph.nodes}
        known = self.book.known.layers
        if (scoped.id, number) not in known:
            known[scoped.id, number] = layer_diagram(scoped, number, lambda node: None)
        zooms = {f"{scoped.id}/{name}": self.book.inset_of.get(block.id) for name, block in blocks.items() if block}
        diagram = with_zooms(known[scoped.id, number], zooms)
        self.told.setdefault(column, set()).update(
            line for box in diagram.boxes if box.kind is not None for line in box.details
        )
        for box in diagram.boxes:
            if box.kind is not None:
                self._beside_mixer(box, blocks.get(box.id.removeprefix(f"{scoped.id}/")))
        return replace(panel, diagram=diagram, status=graph.status)

    def _side_inputs(self, graph: BlockGraph, drawn: Collection[str] | None = None) -> None:
        """What a layer reads beside the residual stream stands beside it, with arrows to its readers, of a bar to those drawn."""
        for node in extra_inputs(graph):
            readers = [f"{graph.id}/{edge.target}" for edge in graph.edges if edge.source == node.id]
            shown = tuple(name for name in readers if drawn is None or name in drawn)
            if shown or drawn is None:
                self._add_side(make_box(node, f"side/{graph.id}/{node.id}"), shown)

    def _beside_mixer(self, box: Box, block: BlockGraph | None) -> None:
        """RoPE and QK-norm of a mixer stand beside it, as its inside has them; those of a small tower only in there."""
        inside = self.book.diagrams.get(block.id) if block else None
        if inside is None or (self.savings.margins and block and block.id in self.book.inset_of):
            return
        if not any(box.id.startswith(f"{stack}/") for stack in self._minor_stacks()):
            told = block is not None and block.id in self.book.inset_of
            for side in captions.side_boxes(inside, self.architecture, box):
                self._add_side(self._shortened(side) if told else side, (box.id,))

    def _shortened(self, side: Box) -> Box:
        """A box beside a column whose inset tells the rest: its name, and of RoPE the dimensions where there is room."""
        if not (self.savings.brief or self.savings.slim):
            return side
        details = side.details[:1] if side.role == "rope" and not self.savings.brief else ()
        return replace(side, details=details, label=side.label.replace("-", " "))  # which breaks its line

    def _minor_stacks(self) -> list[str]:
        towers = [tower for tower in self.architecture.towers if tower.id in self.minor]
        return [stack.path for tower in towers for stack in runs_of(self.architecture, tower)]

    def _draw_beside(self, tower: Tower, steps: list[Step], known: set[tuple[str, ...]]) -> None:
        """What runs beside the column, as one box that feeds the layers: where they read a further input, else their mixers."""
        box = captions.beside_box(tower)
        if box is None:
            return
        fresh = [key for key, side in self.sides.items() if key not in known and side.box.role == "input"]
        targets = tuple(target for key in fresh for target in self.sides.pop(key).targets)
        mixers = tuple(box.id for box in column_boxes(tuple(steps)) if box.kind is not None)
        self._add_side(box, targets or mixers)

    def _add_side(self, box: Box, targets: tuple[str, ...]) -> None:
        key = (box.role, box.label, *box.details)
        old = self.sides.get(key)
        each = dict.fromkeys((*(old.targets if old else ()), *targets))  # one that reads several things is told once
        self.sides[key] = SideBox(old.box if old else box, tuple(each))


def drafted(architecture: Architecture, savings: Savings, known: Known) -> Drafted:
    """The columns of a model; those of savings that differ in insets and notes alone are the same."""
    alike = replace(savings, insets=99, small=False, notes=False)
    if alike not in known.drafts:
        known.drafts[alike] = Drafted(architecture, alike, known)
    found: Drafted = known.drafts[alike]
    return found


def count_drawn(columns: tuple[Column, ...], others: list[Box]) -> int:
    """How many boxes some columns and other boxes are; ends, ⊕ and ⊗ are none, and a bar of layers is one."""
    boxes = [box for column in columns for diagram in step_diagrams(column.steps) for box in diagram.boxes]
    boxes += [box for column in columns for box in ends_of(column)]
    slim = sum(max(len(bar.mixers), 1) for column in columns for bar in bars(column.steps))
    return slim + sum(box.shape == "box" and box.role not in _NO_BOXES for box in (*boxes, *others))


def column_step(item: ColumnItem, scope: str) -> Step:
    """The step of a box before or behind the layers: itself, or where it meets the stream."""
    assert item.node is not None
    box = make_box(item.node, f"{scope}/{item.node.id}")
    node = join_node(item)
    if node is None:
        return box
    sign = make_box(node, f"{scope}/{node.id}")
    if node.role == "concat":  # narrow as ⊕ is, and said in the box beside it
        box = replace(box, details=(*box.details, node.label))
        sign = replace(sign, label="‖", shape="round", description="concatenation")
    return Merge(sign.id, sign, box, branch=bool(item.reads))


def ends_of(column: Column) -> list[Box]:
    """The boxes of a column before and behind its layers, bottom-up."""
    return list(column_boxes(tuple(step for step in column.steps if isinstance(step, Box | Merge))))


def spoken_tower(architecture: Architecture) -> str:
    """Id of the tower whose positions, vocabulary and heads the facts state."""
    named = [tower.id for name in ("text", "decoder") for tower in architecture.towers if tower.id == name]
    return next(iter(named), next((tower.id for tower in architecture.towers), ""))


def minor_towers(architecture: Architecture) -> set[str]:
    """Ids of the towers that are drawn smaller: those that are, and of three or more all but the one that speaks."""
    largest = max((tower.parameters for tower in architecture.towers), default=0)
    if len(architecture.towers) > 2:
        return {tower.id for tower in architecture.towers} - {spoken_tower(architecture)}
    return {tower.id for tower in architecture.towers if tower.parameters < largest * _MINOR_SHARE}


def kind_colours(architecture: Architecture, stack: LayerStack) -> list[int]:
    """A colour for each kind of a stack: by what its mixer is where that is free, else the next free one."""
    taken: list[int] = []
    for kind in stack.kinds:
        graph = architecture.block(kind.block)
        roles = [node.role for node in graph.nodes if node.role in MIXER_ROLES] if graph else []
        wanted = MIXER_ROLES.index(roles[0]) if roles else _PLAIN_COLOUR
        free = (number for number in (wanted, *range(len(stack.kinds) + 1)) if number not in taken)
        taken.append(next(free))
    return taken


def _without_told(steps: list[Step]) -> list[Step]:
    """The steps of a column whose bars leave out what the mixers of layers drawn in full say."""
    told = {
        line for diagram in step_diagrams(tuple(steps)) for box in diagram.boxes if box.kind is not None
        for line in box.details
    }  # fmt: skip
    return [_silenced(step, told) for step in steps] if told else steps


def _silenced(step: _Step, told: set[str]) -> _Step:
    if isinstance(step, Repeat):
        return replace(step, items=tuple(_silenced(item, told) for item in step.items))
    if isinstance(step, LayerPanel) and step.diagram is None:
        mixers = tuple(replace(box, details=tuple(d for d in box.details if d not in told)) for box in step.mixers)
        return replace(step, mixers=mixers)
    return step


def _mixing(kind: LayerKind) -> str:
    """What the mixer of a kind of layers is, without what tells it from others of its kind: `attention` of `attention (shared kv)`."""
    return "+".join(part.partition(" (")[0] for part in (kind.mixer_kind or "").split("+"))


def _likeness(graph: BlockGraph) -> str:
    """What two layers share that have the same parts, joined alike."""
    place = {node.id: index for index, node in enumerate(graph.nodes)}
    return repr(([node.role for node in graph.nodes], [(place[e.source], place[e.target]) for e in graph.edges]))


def _tied_boxes(architecture: Architecture, steps: tuple[Step, ...]) -> tuple[str, str] | None:
    """The embedding and the head of a column whose weights are one tensor."""
    tied = architecture.fact("tied_embeddings")
    ends = [step for step in steps if isinstance(step, Box)]
    low = next((box.id for box in ends if box.role == "embedding"), None)
    high = next((box.id for box in reversed(ends) if box.role == "head"), None)
    return (low, high) if tied and tied.value is True and low and high else None


def _in_reading_order(towers: list[Tower]) -> list[Tower]:
    """A tower that feeds another stands left of it; the last is the one that speaks."""
    known = {tower.id for tower in towers}

    def depth(tower: Tower, seen: frozenset[str] = frozenset()) -> int:
        if tower.feeds not in known or tower.id in seen:
            return 0
        target = next(other for other in towers if other.id == tower.feeds)
        return 1 + depth(target, seen | {tower.id})

    return sorted(towers, key=lambda tower: (-depth(tower), tower.parameters))


def _count_panels(items: list[PatternItem]) -> int:
    return sum(1 if item.kind is not None else _count_panels(item.items) for item in items)
