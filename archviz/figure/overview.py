"""The overview of a model: its towers as columns, layer kinds with their repeats, and an inset per mixer and feed-forward."""

from __future__ import annotations

from dataclasses import replace

from archviz.architecture.model import (
    MIXER_ROLES,
    Architecture,
    BlockGraph,
    BlockNode,
    LayerKind,
    LayerStack,
    PatternItem,
    Tower,
)
from archviz.figure import captions
from archviz.figure.flow import extra_inputs, layer_diagram, make_box, module_diagram
from archviz.figure.model import Box, Column, Figure, Inset, LayerPanel, Repeat, SideBox, Step, column_boxes
from archviz.figure.positions import with_rope_settings
from archviz.figure.strips import make_strip

MAX_BOXES = 40
_MAX_PANELS = 6
_MINOR_SHARE = 0.4
_PLAIN_COLOUR = 3  # of a layer kind without a mixer
_NO_BOXES = ("input", "output", "add", "residual_add")  # ends and ⊕ do not count
_FEED_FORWARD_ROLES = ("feed_forward", "moe")


def build_overview(architecture: Architecture) -> Figure:
    """The figure of everything that the Architecture states about the shape of the model."""
    return _Overview(architecture).figure()


class _Overview:
    def __init__(self, architecture: Architecture) -> None:
        self.architecture = architecture
        self.insets: dict[str, Inset] = {}
        self.inset_of: dict[str, str] = {}  # block id → inset id; equal blocks share one
        self.sides: dict[tuple[str, ...], SideBox] = {}
        self.kinds: dict[tuple[str, str], int] = {}  # (stack path, kind id) → colour
        self.boxes_left = MAX_BOXES
        largest = max((tower.parameters for tower in architecture.towers), default=0)
        self.minor = {tower.id for tower in architecture.towers if tower.parameters < largest * _MINOR_SHARE}
        self.spoken = spoken_tower(architecture)

    def figure(self) -> Figure:
        architecture = self.architecture
        towers = _in_reading_order(architecture.towers)
        major_first = sorted(towers, key=lambda tower: tower.id in self.minor)
        columns = {tower.id: self._column(tower) for tower in major_first}
        ordered = tuple(columns[tower.id] for tower in towers)
        insets, shared = captions.without_shared_notes(_lettered(list(self.insets.values()), ordered))
        last = ordered[-1:]
        tied = set(architecture.parameters.tied.values())
        self._name_fed_inputs(towers)
        return Figure(
            title=captions.title(architecture),
            subtitle=captions.subtitle(architecture),
            description=captions.description(architecture),
            columns=(*ordered[:-1], *(captions.without_noted(column, tied) for column in last)),
            notes=tuple(note for column in last for note in captions.notes(architecture, column)),
            sides=tuple(self.sides.values()),
            insets=captions.with_savings(insets, architecture),
            strips=tuple(
                make_strip(stack, [self.kinds[stack.path, kind.id] for kind in stack.kinds])
                for stack in self._stacks(towers)
                if len(stack.kinds) > 1
            ),
            facts=captions.facts(architecture),
            footers=(*shared, *captions.footers(architecture)),
        )

    def _stacks(self, towers: list[Tower]) -> list[LayerStack]:
        paths = [item.stack for tower in towers for item in tower.column if item.stack]
        return [stack for path in paths if (stack := self.architecture.stack(path))]

    def _column(self, tower: Tower) -> Column:
        self.boxes_left = MAX_BOXES
        steps: list[Step] = []
        known = set(self.sides)
        for index, item in enumerate(tower.column):
            stack = self.architecture.stack(item.stack) if item.stack else None
            if item.beside or item.taps:
                continue
            if item.node:
                steps.append(make_box(item.node, f"{tower.id}/{index}/{item.node.id}"))
            elif stack:
                steps += self._stack(stack, tower.id)
        self._draw_beside(tower, steps, known)
        return Column(
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
            self._insets_of(kind, self.kinds[stack.path, kind.id], column)
        drawn: set[str] = set()
        by_id = {kind.id: kind for kind in stack.kinds}
        if _count_panels(stack.pattern) > max(_MAX_PANELS, len(stack.kinds)):
            panels = [
                self._panel(stack, kind, kind.count, drawn, f"{stack.path}/{place}")
                for place, kind in enumerate(stack.kinds)
            ]
            title = f"{stack.count} layers of {len(panels)} kinds, in the order of the strip"
            return [Repeat(f"{stack.path}/all", 1, tuple(panels), ordered=False, title=title)]
        steps: list[Step] = []
        for place, item in enumerate(stack.pattern):
            steps += self._pattern(stack, item, by_id, drawn, f"{stack.path}/{place}")
        return steps

    def _colour(self, stack: LayerStack) -> None:
        for kind, number in zip(stack.kinds, kind_colours(self.architecture, stack), strict=True):
            self.kinds[stack.path, kind.id] = number

    def _pattern(
        self, stack: LayerStack, item: PatternItem, kinds: dict[str, LayerKind], drawn: set[str], scope: str
    ) -> list[LayerPanel | Repeat]:
        if item.kind is not None:
            return [self._panel(stack, kinds[item.kind], item.times, drawn, scope)]
        inner: list[LayerPanel | Repeat] = []
        for place, part in enumerate(item.items):
            inner += self._pattern(stack, part, kinds, drawn, f"{scope}.{place}")
        return inner if item.times == 1 else [Repeat(scope, item.times, tuple(inner))]

    def _panel(self, stack: LayerStack, kind: LayerKind, times: int, drawn: set[str], scope: str) -> LayerPanel:
        number = self.kinds[stack.path, kind.id]
        graph = self.architecture.block(kind.block)
        shared = stack.runs is not None
        title = f"{kind.title} (shared weights)" if shared else kind.title
        panel = LayerPanel(f"layer/{scope}", number, title, times * ((stack.runs or stack.count) // stack.count))
        size = sum(node.role not in _NO_BOXES for node in graph.nodes) if graph else 0
        if graph is None or kind.id in drawn or size > self.boxes_left:
            return panel
        drawn.add(kind.id)
        self.boxes_left -= size
        scoped = replace(graph, id=f"{scope}/{graph.id}")
        self._side_inputs(scoped)
        diagram = layer_diagram(scoped, number, lambda node: self._zoom(graph, kind, node))
        self._side_positions(diagram.boxes)
        return replace(panel, diagram=diagram, status=graph.status)

    def _zoom(self, layer: BlockGraph, kind: LayerKind, node: BlockNode) -> str | None:
        """The inset of a node of a layer: the graph of the module it calls, else the kind's own."""
        if node.zoom in self.inset_of:
            return self.inset_of[node.zoom]
        if node.role not in (*MIXER_ROLES, *_FEED_FORWARD_ROLES):
            return None
        called = self._inside(layer, node)
        if called and called.id in self.inset_of:
            return self.inset_of[called.id]
        block_id = kind.mixer if node.role in MIXER_ROLES else kind.feed_forward
        return self.inset_of.get(block_id) if block_id else None

    def _inside(self, layer: BlockGraph, node: BlockNode) -> BlockGraph | None:
        """The graph of the module that a node of a layer calls."""
        path = f"{layer.module}.{node.module}"
        return next((block for block in self.architecture.blocks if node.module and block.module == path), None)

    def _insets_of(self, kind: LayerKind, number: int, column: str) -> None:
        layer = self.architecture.block(kind.block)
        for node in reversed(layer.nodes) if layer else []:
            if layer and (node.zoom or node.module) and node.role in (*MIXER_ROLES, *_FEED_FORWARD_ROLES):
                called = self.architecture.block(node.zoom) if node.zoom else self._inside(layer, node)
                self._add_inset(called, number if node.role in MIXER_ROLES else None, column, kind.mixer_kind)
        for block_id in (kind.feed_forward, kind.mixer):
            block = self.architecture.block(block_id) if block_id else None
            self._add_inset(block, number if block_id == kind.mixer else None, column, kind.mixer_kind)

    def _add_inset(self, block: BlockGraph | None, number: int | None, column: str, mixer: str | None) -> None:
        """An inset for a graph, and for the graphs that its own boxes zoom into (one expert of a MoE)."""
        if block is None or block.id in self.inset_of or not block.nodes:
            return
        for node in block.nodes:
            if node.zoom and node.zoom != block.id:
                self._add_inset(self.architecture.block(node.zoom), None, column, mixer)
        diagram = module_diagram(block, self.inset_of.get)
        if column == self.spoken:
            diagram = with_rope_settings(diagram, self.architecture, mixer)
        boxes = [(box.id.rpartition("/")[2], box.role, box.label, box.details, box.status) for box in diagram.boxes]
        likeness = repr((block.title, block.class_name, block.parameters, boxes, block.edges, block.notes))
        same = self.insets.get(likeness)
        self.inset_of[block.id] = same.id if same else f"inset/{block.id}"
        if same is None:
            self.insets[likeness] = captions.make_inset(block, diagram, number, column, column in self.minor)

    def _side_inputs(self, graph: BlockGraph) -> None:
        """What a layer reads beside the residual stream stands beside it, with arrows to its readers."""
        for node in extra_inputs(graph):
            readers = tuple(f"{graph.id}/{edge.target}" for edge in graph.edges if edge.source == node.id)
            self._add_side(make_box(node, f"side/{graph.id}/{node.id}"), readers)

    def _side_positions(self, boxes: tuple[Box, ...]) -> None:
        """RoPE and QK-norm of a mixer stand beside it, where its inset has them."""
        by_inset = {inset.id: inset for inset in self.insets.values()}
        for box in boxes:
            inset = by_inset.get(box.zoom or "")
            if box.kind is None or inset is None or inset.minor:
                continue
            for side in captions.side_boxes(inset, self.architecture, box):
                self._add_side(side, (box.id,))

    def _draw_beside(self, tower: Tower, steps: list[Step], known: set[tuple[str, ...]]) -> None:
        """What runs beside the column, as one box that feeds the layers: where they read a further input, else their mixers."""
        box = captions.beside_box(tower)
        if box is None:
            return
        fresh = [key for key, side in self.sides.items() if key not in known and side.box.role == "input"]
        targets = tuple(target for key in fresh for target in self.sides.pop(key).targets)
        mixers = tuple(box.id for box in column_boxes(tuple(steps)) if box.kind is not None)
        self._add_side(box, targets or mixers)

    def _name_fed_inputs(self, towers: list[Tower]) -> None:
        """The one further input of a layer is what the one tower gives that feeds its tower."""
        inputs = [key for key, side in self.sides.items() if side.box.role == "input"]
        feeders = [tower for tower in towers if tower.feeds]
        if len(inputs) == 1 and len(feeders) == 1:
            side = self.sides[inputs[0]]
            named = replace(side.box, label=f"{feeders[0].title} output", details=side.box.details[:1])
            self.sides[inputs[0]] = replace(side, box=named)

    def _add_side(self, box: Box, targets: tuple[str, ...]) -> None:
        key = (box.role, box.label, *box.details)
        old = self.sides.get(key)
        self.sides[key] = SideBox(old.box if old else box, (*(old.targets if old else ()), *targets))


def spoken_tower(architecture: Architecture) -> str:
    """Id of the tower whose positions, vocabulary and heads the facts state."""
    named = [tower.id for name in ("text", "decoder") for tower in architecture.towers if tower.id == name]
    return next(iter(named), next((tower.id for tower in architecture.towers), ""))


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


def _lettered(insets: list[Inset], columns: tuple[Column, ...]) -> list[Inset]:
    """Insets with letters, from the top of the last column down, so that lines to their boxes need not cross."""
    zooms = [box.zoom for column in reversed(columns) for box in reversed(list(column_boxes(column.steps))) if box.zoom]
    inner = {inset.id: [box.zoom for box in inset.diagram.boxes if box.zoom] for inset in insets}
    zooms = [each for zoom in zooms for each in (zoom, *inner.get(zoom, ()))]
    rank = {zoom: place for place, zoom in reversed(list(enumerate(zooms)))}
    ordered = sorted(insets, key=lambda inset: (inset.minor, rank.get(inset.id, len(zooms))))
    return [replace(inset, letter=_letter(index)) for index, inset in enumerate(ordered)]


def _letter(index: int) -> str:
    return chr(65 + index % 26) + (str(index // 26 + 1) if index >= 26 else "")
