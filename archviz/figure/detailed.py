"""The detailed view: every layer kind with its parts opened in place, and beside each box its tensor shape and parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from archviz.architecture.column_layers import layers_in, runs_of, stacks_of
from archviz.architecture.model import (
    MEETING,
    MIXER_ROLES,
    Architecture,
    BlockEdge,
    BlockGraph,
    BlockNode,
    LayerKind,
    LayerStack,
    PatternItem,
    Tower,
)
from archviz.architecture.units import weight_ends
from archviz.architecture.words import pattern_words, sizes_words
from archviz.figure.captions import further_head
from archviz.figure.columns import kind_colours, spoken_tower
from archviz.figure.flow import join_node, module_diagram
from archviz.figure.formulas import Formula, TensorIndex, formula_of, path_of
from archviz.figure.ledger import Ledger, LedgerArt
from archviz.figure.model import Arrow, Box, Diagram, Sentence
from archviz.figure.module_paths import find_graph
from archviz.figure.positions import with_rope_settings
from archviz.figure.print_size import ROOM
from archviz.figure.quantities import sentence
from archviz.figure.symbolic_shapes import ShapeWriter
from archviz.figure.theme import LIGHT
from archviz.figure.unfolding import OPENED, Unfolded, unfold
from archviz.records import replace

_NO_SHAPE = ("point", "round")
_HEAD = "LM head"  # other heads may read one pooled vector of a sequence
_AROUND = {
    "embedding": "embedding",
    "norm": "final_norm",
    "head": "head",
}  # parts around the layers, by the role of their box
_MOST_RUNS = 6
_OPENED: tuple[tuple[str, ...], ...] = (OPENED, MIXER_ROLES, ())  # in a layer, the more the larger its panel is
Run = tuple[str, LayerKind, int, tuple[str, ...]]


def build_detailed(architecture: Architecture, shapes: ShapeWriter | None = None) -> list[Ledger]:
    """The ledgers of a model: each tower's column, each kind of layer, and each inside that these do not show.

    Args:
        shapes: What writes the shapes; it knows afterwards which symbols stand in them and in formulas.
    """
    shapes = shapes or ShapeWriter(architecture)
    steps: dict[str, int] = {}
    while True:
        every = _Detailed(architecture, shapes, steps)
        ledgers = every.ledgers()
        large = {each.id.removeprefix("ledger/") for each in ledgers if not LedgerArt(each, LIGHT, ROOM).fits_page}
        large = {name for name in large if name in every.opened and steps.get(name, 0) < len(_OPENED) - 1}
        if not large:
            return ledgers
        steps |= {name: steps.get(name, 0) + 1 for name in large}


def module_ledgers(architecture: Architecture, module: str | None, shapes: ShapeWriter | None = None) -> list[Ledger]:
    """The ledger of a module, then those of what its boxes zoom into.

    Args:
        module: Its path, as in `model.layers.3.self_attn`; a layer of the same kind stands for it.

    Raises:
        UsageError: No module is named, or its data flow is not known.
    """
    graph = find_graph(architecture, module)
    whole = _whole(graph)
    inner = [_whole(block) for node in graph.nodes if node.zoom and (block := architecture.block(node.zoom))]
    inner = list({each.graph.id: each for each in inner}.values())
    letters = {each.graph.id: _letter(place) for place, each in enumerate(inner)}
    tensors = TensorIndex(architecture, _paths([whole, *inner]))
    written = shapes or ShapeWriter(architecture)
    return [
        _graph_ledger(architecture, each, tensors, letters, None, letters.get(each.graph.id, ""), None, written)
        for each in (whole, *inner)
    ]


def _whole(graph: BlockGraph) -> Unfolded:
    """A graph as it is."""
    return Unfolded(graph, {node.id: (graph, node) for node in graph.nodes})


class _Detailed:
    def __init__(self, architecture: Architecture, shapes: ShapeWriter, steps: Mapping[str, int]) -> None:
        self.architecture, self.shapes = architecture, shapes
        self.stacks = [(tower, stack) for tower in architecture.towers for stack in stacks_of(architecture, tower)]
        self.owned = {kind.block: kind.count for _, stack in self.stacks for kind in stack.kinds if stack.runs}
        self.opened: dict[str, Unfolded] = {}
        for _, stack in self.stacks:
            for kind in stack.kinds:
                graph = architecture.block(kind.block)
                if graph and graph.id not in self.opened:
                    self.opened[graph.id] = unfold(architecture, graph, _OPENED[steps.get(graph.id, 0)])
        self.colours = self._colours()
        self.inner = self._insides()
        self.letters = {name: _letter(place) for place, name in enumerate((*self.opened, *self.inner))}
        towers = [_tower_graph(architecture, tower) for tower in architecture.towers]
        self.columns = [_whole(graph) for graph in towers]
        every = (*self.opened.values(), *self.inner.values(), *self.columns)
        self.tensors = TensorIndex(architecture, _paths(every))

    def _insides(self) -> dict[str, Unfolded]:
        """What is not opened in place: where towers meet, one expert, a part whose ends did not fit."""
        meeting = self.architecture.block(MEETING)
        found: dict[str, Unfolded] = {meeting.id: _whole(meeting)} if meeting else {}
        waiting = list(self.opened.values())
        while waiting:
            shown = waiting.pop(0)
            for node in shown.graph.nodes:
                graph = self.architecture.block(node.zoom) if node.zoom else None
                if graph and graph.id not in found:
                    found[graph.id] = _whole(graph)
                    waiting.append(found[graph.id])
        return found

    def ledgers(self) -> list[Ledger]:
        ledgers = [
            self._column_ledger(tower, column)
            for tower, column in zip(self.architecture.towers, self.columns, strict=True)
        ]
        for name, shown in self.opened.items():
            tower, stack, kind = next(
                (tower, stack, kind) for tower, stack in self.stacks for kind in stack.kinds if kind.block == name
            )
            ledgers.append(self._kind_ledger(tower, stack, kind, shown))
        for name, shown in self.inner.items():
            ledger = _graph_ledger(
                self.architecture, shown, self.tensors, self.letters, None, self.letters[name], None, self.shapes
            )
            ledgers.append(ledger)
        return ledgers

    def _colours(self) -> dict[str, int]:
        colours: dict[str, int] = {}
        for run in (run for tower in self.architecture.towers for run in runs_of(self.architecture, tower)):
            for kind, number in zip(run.kinds, kind_colours(self.architecture, run), strict=True):
                colours.setdefault(kind.block, number)
        return colours

    def _kind_ledger(self, tower: Tower, stack: LayerStack, kind: LayerKind, shown: Unfolded) -> Ledger:
        mixer = kind.mixer_kind if tower.id == spoken_tower(self.architecture) else None
        colour = self.colours[kind.block]
        ledger = _graph_ledger(
            self.architecture, shown, self.tensors, self.letters, mixer, self.letters[kind.block], colour, self.shapes
        )
        layers = (
            f"{kind.count} of {stack.count} layers of {stack.path}" if kind.count > 1 else f"1 layer of {stack.path}"
        )
        subtitle = f"{layers} · {sizes_words(kind, ' parameters')}"
        diagram = _with_fed_input(ledger.diagram, fed_input(self.architecture, tower))
        return replace(ledger, title=kind.title, subtitle=subtitle, diagram=diagram)

    def _column_ledger(self, tower: Tower, column: Unfolded) -> Ledger:
        ledger = _graph_ledger(self.architecture, column, self.tensors, self.letters, None, "", None, self.shapes)
        formulas, colours = dict(ledger.formulas), {}
        frames: dict[str, list[str]] = {}
        notes: list[Sentence] = []
        for item in tower.column:
            stack = layers_in(self.architecture, item)
            for name, kind, times, around in _runs(stack) if stack else ():
                box = f"{column.graph.id}/{name}"
                held = times if (own := self.owned.get(kind.block)) is None else min(times, own)  # run again, held once
                count = f"{held:,} × {kind.parameters:,}" if held > 1 else ""
                formulas[box] = Formula(count, held * kind.parameters)
                colours[box] = self.colours[kind.block]
                for frame in around:
                    frames.setdefault(frame, []).append(box)
            if stack and not list(_runs(stack)):
                total = " + ".join(
                    f"{kind.together:,}" if kind.together is not None else f"{kind.count:,} × {kind.parameters:,}"
                    for kind in stack.kinds
                )
                sum_ = sum(kind.together or kind.count * kind.parameters for kind in stack.kinds)
                formulas[f"{column.graph.id}/{stack.path}"] = Formula(total, sum_)
            if stack and len(stack.kinds) > 1:
                notes.append(sentence(pattern_words(stack)[:400]))
        boxes = tuple(replace(box, kind=colours.get(box.id)) for box in ledger.diagram.boxes)
        diagram = _with_further_head(replace(ledger.diagram, boxes=boxes), self._further_head(tower))
        shapes = {**ledger.shapes, **dict(self._column_shapes(tower, column, formulas))}
        return replace(
            ledger, subtitle=f"{tower.parameters:,} parameters" if tower.parameters else "", formulas=formulas,
            shapes=shapes, notes=tuple(notes), diagram=diagram,
            frames=tuple((name.partition(" × ")[0] + " ×", tuple(held)) for name, held in frames.items()),
        )  # fmt: skip

    def _further_head(self, tower: Tower) -> Box | None:
        return further_head(self.architecture, tower) if tower.id == spoken_tower(self.architecture) else None

    def _column_shapes(
        self, tower: Tower, column: Unfolded, formulas: Mapping[str, Formula]
    ) -> Iterator[tuple[str, str]]:
        """What leaves the layers of a column, as traced, and the parts around them, as their weights tell."""
        inside = column.graph
        for item in tower.column:
            stack = layers_in(self.architecture, item)
            for name, kind, _, _ in _runs(stack) if stack else ():
                graph = self.architecture.block(kind.block)
                output = next((node for node in graph.nodes if node.role == "output"), None) if graph else None
                if graph and output and output.shape_out:
                    inside = graph
                    yield f"{column.graph.id}/{name}", self.shapes.write(graph, output)
        around = [i.node for i in tower.column if i.node and not i.taps and i.node.shape_out is None]
        tokens = any(node.role == "embedding" for node in around)  # else what a norm reads may be one pooled vector
        for node in around if tokens else ():
            box, part = f"{column.graph.id}/{node.id}", _AROUND.get(node.role)
            part = None if part == "head" and node.label != _HEAD else part
            ends = weight_ends(self.architecture, tower, part, node) if part else None
            if ends and inside is not column.graph:
                formula = formulas[box].text if box in formulas else None
                yield box, self.shapes.write(inside, replace(node, shape_out=ends[1], formula=formula))


def _paths(shown: Sequence[Unfolded]) -> Iterator[str]:
    for each in shown:
        for graph, node in each.origin.values():
            if node.module or node.code_name:
                yield path_of(graph, node)


def _graph_ledger(
    architecture: Architecture,
    shown: Unfolded,
    tensors: TensorIndex,
    letters: dict[str, str],
    mixer: str | None,
    letter: str,
    colour: int | None,
    shapes: ShapeWriter,
) -> Ledger:
    """The ledger of a graph, with the lines that its boxes have on both sides."""
    graph = shown.graph
    diagram = module_diagram(graph)
    if mixer:
        diagram = with_rope_settings(diagram, architecture, mixer)
    names = {f"{graph.id}/{node.id}": node for node in graph.nodes}
    drawn = {box.id: box for box in diagram.boxes}
    formulas: dict[str, Formula] = {}
    for name, node in names.items():
        origin, own = shown.origin[node.id]
        formula = formula_of(tensors, origin, own)
        if formula:
            formulas[name] = formula
            shapes.note(formula.text)
    return Ledger(
        id=f"ledger/{graph.id}",
        title=graph.title,
        subtitle=_subtitle(graph),
        diagram=diagram,
        shapes={
            name: shapes.write(shown.origin[node.id][0], replace(node, formula=shown.origin[node.id][1].formula))
            for name, node in names.items()
            if node.shape_out and drawn[name].shape not in _NO_SHAPE
        },
        formulas=formulas,
        names={name: _called(node) for name, node in names.items()},
        letter=letter,
        zooms={name: letters[node.zoom] for name, node in names.items() if node.zoom in letters},
        notes=_notes(graph, formulas),
        kind=colour,
        description="; ".join(piece.where for piece in graph.evidence[:2]),
    )


def _called(node: BlockNode) -> str:
    return (node.code_name or "").rpartition(".")[2] or node.label


def _subtitle(graph: BlockGraph) -> str:
    count = f"{graph.parameters:,} parameter{'s' if graph.parameters > 1 else ''}" if graph.parameters else ""
    parts = [graph.class_name, count]
    return " · ".join(part for part in parts if part)


def _notes(graph: BlockGraph, formulas: dict[str, Formula]) -> tuple[Sentence, ...]:
    """What the graph says of itself, and the parameters that no box of it holds."""
    held = sum(formula.count for formula in formulas.values())
    rest = graph.parameters - held
    lines = list(graph.notes)
    if rest > 0 and formulas and graph.class_name:
        lines.append(f"{rest:,} parameters of it are in no box.")
    return tuple(sentence(line) for line in lines)


def _tower_graph(architecture: Architecture, tower: Tower) -> BlockGraph:
    """A tower's column as a graph: its boxes, and each run of equal layers as one box."""
    nodes: list[BlockNode] = []
    edges: list[BlockEdge] = []
    last: str | None = None
    beside: list[str] = []
    for item in tower.column:
        if item.taps:
            continue
        if item.node and item.beside:
            nodes.append(item.node)
            beside.append(item.node.id)
            edges += [BlockEdge(source=name, target=item.node.id) for name in item.reads]
            continue
        stack = layers_in(architecture, item)
        sign = join_node(item)
        if item.node and sign:
            nodes.append(item.node)
            edges += [BlockEdge(source=last, target=item.node.id)] if item.reads and last else []
            edges.append(BlockEdge(source=item.node.id, target=sign.id))
        fresh = [sign] if sign else [item.node] if item.node else _stack_nodes(stack) if stack else []
        for node in fresh:
            edges += [BlockEdge(source=last, target=node.id, residual=bool(sign and item.reads))] if last else []
            edges += [BlockEdge(source=name, target=node.id) for name in beside] if stack else []
            nodes.append(node)
            last = node.id
        beside = [] if stack else beside
    return BlockGraph(
        id=f"column/{tower.id}", title=tower.title, module=tower.module, class_name="", nodes=nodes, edges=edges,
        parameters=tower.parameters,
    )  # fmt: skip


def fed_input(architecture: Architecture, tower: Tower) -> str | None:
    """What the one further input of a tower's layers is, as the overview calls it: the output of the one tower that feeds another."""
    feeders = [each for each in architecture.towers if each.feeds]
    alone = len(feeders) == 1 and feeders[0].feeds == tower.id and not any(item.beside for item in tower.column)
    return f"{feeders[0].title} output" if alone else None


def _with_fed_input(diagram: Diagram, name: str | None) -> Diagram:
    """The diagram of a layer whose one further input has a name."""
    further = [box for box in diagram.boxes if box.role == "input"][1:]
    if name is None or len(further) != 1:
        return diagram
    return replace(
        diagram, boxes=tuple(replace(box, label=name) if box is further[0] else box for box in diagram.boxes)
    )


def _with_further_head(diagram: Diagram, head: Box | None) -> Diagram:
    """The diagram of a column with a head for further tokens (MTP) beside the last box, which reads the stream below that box."""
    if head is None or not diagram.boxes:
        return diagram
    last = diagram.boxes[-1]
    source = next((arrow.source for arrow in diagram.arrows if arrow.target == last.id), None)
    if last.role != "head" or source is None:
        return diagram
    arrow = Arrow(f"{head.id}/in", source, head.id, status=head.status)
    return replace(diagram, boxes=(*diagram.boxes, head), arrows=(*diagram.arrows, arrow))


def _runs(stack: LayerStack) -> Iterator[tuple[str, LayerKind, int, tuple[str, ...]]]:
    """The parts of a stack's pattern: a name, a kind, how many layers of it stand in a row, and the repeats around it."""
    kinds = {kind.id: kind for kind in stack.kinds}

    def walk(items: list[PatternItem], around: tuple[str, ...], scope: str) -> Iterator[Run]:
        for place, item in enumerate(items):
            name = f"{scope}.{place}"
            if item.kind is not None:
                yield name, kinds[item.kind], item.times, around
            else:
                yield from walk(item.items, (*around, f"{item.times} × {name}") if item.times > 1 else around, name)

    runs = list(walk(stack.pattern, (), f"{stack.path}"))
    if len(runs) <= max(len(stack.kinds), _MOST_RUNS):
        yield from runs


def _stack_nodes(stack: LayerStack) -> list[BlockNode]:
    """A box for each run of equal layers; one for all of them where their order is irregular, and told by the strip."""
    runs = [_layers_node(name, kind, times) for name, kind, times, _ in _runs(stack)]
    if runs:
        return runs
    kinds = [f"{kind.count:,} × {kind.title}" for kind in stack.kinds]
    label = f"{stack.count:,} layers, ordered as in the strip"
    return [BlockNode(id=stack.path, role="other", label=label, details=kinds, code_name=f"{stack.count:,} layers")]


def _layers_node(name: str, kind: LayerKind, times: int) -> BlockNode:
    return BlockNode(
        id=name, role="other", label=f"{times:,} × {kind.title}", code_name=f"{times:,} layer{'s' if times > 1 else ''}", zoom=kind.block,
        status="verified",
    )  # fmt: skip


def _letter(index: int) -> str:
    return chr(65 + index % 26) + (str(index // 26 + 1) if index >= 26 else "")
