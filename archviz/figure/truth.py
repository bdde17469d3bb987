"""Whether a Figure says what the Architecture says: the same parts joined the same way, as many layers in the same order, the same numbers.

`fidelity.py` holds the drawing against the Figure; this is the other half of the way from an Architecture to a drawing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from archviz.architecture.column_layers import layers_in, runs_of
from archviz.architecture.model import Architecture, BlockGraph, BlockNode, LayerStack, Tower
from archviz.figure.captions import (
    CONTEXT,
    HEAD_SIZE,
    HIDDEN,
    THETA,
    VOCABULARY,
    size_words,
    title,
)
from archviz.figure.flow import extra_inputs, grouped
from archviz.figure.lint import Finding, hard
from archviz.figure.model import (
    Box,
    Column,
    Diagram,
    FactCell,
    Figure,
    Inset,
    LayerPanel,
    Repeat,
    Step,
    Strip,
    layer_panels,
)
from archviz.figure.quantities import compact, plain, written

_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_FACTS = {
    "Context": CONTEXT, "Vocabulary": VOCABULARY, "Hidden size": HIDDEN, "Head size": HEAD_SIZE, "RoPE θ": THETA,
    "Experts per token": ("experts", "experts_per_token"),
}  # fmt: skip
_MOST_LAYERS = 4000

Known = Mapping[str, tuple[BlockGraph, BlockNode]]


def check_figure(figure: Figure, architecture: Architecture) -> list[Finding]:
    """What an overview says otherwise than the Architecture; every finding is hard."""
    known = {f"{graph.id}/{node.id}": (graph, node) for graph in architecture.blocks for node in graph.nodes}
    return [
        *_heading(figure, architecture),
        *(finding for column in figure.columns for finding in _column(column, architecture, known)),
        *(finding for inset in figure.insets for finding in _inset(inset, architecture, known)),
        *(finding for strip in figure.strips for finding in _strip(strip, architecture)),
        *_facts(figure.facts, architecture),
        *_notes(figure, architecture),
        *_sides(figure, architecture),
    ]


def _heading(figure: Figure, architecture: Architecture) -> Iterator[Finding]:
    told = size_words(architecture)
    if figure.title != title(architecture) or not figure.subtitle.endswith(told):
        yield hard("heading-untrue", f"the heading {figure.title[:40]!r}, {figure.subtitle[:60]!r} is not {told!r}")


def _column(column: Column, architecture: Architecture, known: Known) -> Iterator[Finding]:
    tower = next((each for each in architecture.towers if each.id == column.id), None)
    if tower is None:
        yield hard("column-untrue", f"no tower is called {column.id[:60]!r}", column.id)
        return
    told = [
        f"{tower.id}/{place}/{item.node.id}"
        for place, item in enumerate(tower.column)
        if item.node and not (item.beside or item.taps)
    ]
    nodes = {f"{tower.id}/{place}/{item.node.id}": item.node for place, item in enumerate(tower.column) if item.node}
    ends = [
        step if isinstance(step, Box) else step.box
        for step in column.steps
        if not isinstance(step, LayerPanel | Repeat)
    ]
    if [box.id for box in ends] != told:
        yield hard(
            "column-untrue", f"the boxes of {column.title[:40]!r} are not those of its tower, in its order", column.id
        )
    for box in ends:
        if box.id in nodes:
            yield from _box(box, nodes[box.id], ("tied to the embedding", "concat"))
    yield from _layers(column, tower, architecture)
    for panel in layer_panels(column.steps):
        if panel.diagram:
            yield from _flow(panel.id, panel.diagram, known, ends=False)
        for box in panel.mixers:
            found = _found(box.id.rpartition("/")[2], (graph for graph, _ in known.values()), box)
            if found is None:
                yield hard("box-untrue", f"no layer has the mixer {box.label[:40]!r}", box.id)


def _found(node_id: str, graphs: Iterable[BlockGraph], box: Box) -> BlockNode | None:
    """A node of that id that says what a box says."""
    seen: set[int] = set()
    for graph in graphs:
        if id(graph) not in seen:
            seen.add(id(graph))
            for node in graph.nodes:
                if node.id == node_id and not list(_box(box, node, ())):
                    return node
    return None


def _layers(column: Column, tower: Tower, architecture: Architecture) -> Iterator[Finding]:
    """How many layers of each kind there are, and where the column tells their order, that."""
    told = list(islice(_told_layers(tower, architecture), _MOST_LAYERS))
    drawn = list(islice(_drawn_layers(column.steps), _MOST_LAYERS))
    ordered = all(step.ordered for step in column.steps if isinstance(step, Repeat))
    if (drawn != told) if ordered else (Counter(drawn) != Counter(told)):
        yield hard("layers-untrue", f"the layers of {column.title[:40]!r} are not those of its tower", column.id)


def _told_layers(tower: Tower, architecture: Architecture) -> Iterator[str]:
    for item in tower.column:
        stack = layers_in(architecture, item)
        if stack:
            kinds = {index: kind.title for kind in stack.kinds for index in kind.indices}
            shared = " (shared weights)" if stack.runs is not None else ""
            for _ in range((stack.runs or stack.count) // max(stack.count, 1)):
                yield from (f"{kinds[index]}{shared}" for index in sorted(kinds))


def _drawn_layers(steps: Sequence[Step]) -> Iterator[str]:
    for step in steps:
        if isinstance(step, Repeat):
            for _ in range(min(step.times, _MOST_LAYERS)):
                yield from _drawn_layers(step.items)
        elif isinstance(step, LayerPanel):
            yield from (step.title for _ in range(min(step.times, _MOST_LAYERS)))


def _inset(inset: Inset, architecture: Architecture, known: Known) -> Iterator[Finding]:
    block = architecture.block(inset.id.removeprefix("inset/"))
    if block is None:
        yield hard("inset-untrue", f"no module is shown by {inset.title[:40]!r}", inset.id)
        return
    size = compact(block.parameters) if block.parameters else ""
    if not inset.title.startswith(block.title) or size not in inset.subtitle:
        yield hard(
            "inset-untrue",
            f"{inset.title[:40]!r}, {inset.subtitle[:60]!r} is not {block.title[:40]!r} of {size}",
            inset.id,
        )
    yield from _flow(inset.id, inset.diagram, known, ends=True)


def _flow(name: str, diagram: Diagram, known: Known, *, ends: bool) -> Iterator[Finding]:
    """A data flow has the nodes and edges of its graph, once each.

    Args:
        ends: Whether inputs after the first are in it.
    """
    located = {box.id: _located(box.id, known) for box in diagram.boxes}
    first = next((found for found in located.values() if found), None)
    if first is None:
        if diagram.boxes:
            yield hard("flow-untrue", "a data flow is of no module", name)
        return
    graph = first[0]
    scope = next(box for box, found in located.items() if found).removesuffix(f"/{first[1].id}")
    outside = set() if ends else {node.id for node in extra_inputs(graph)}
    wanted = {f"{scope}/{node.id}": node for node in graph.nodes if node.id not in outside}
    if Counter(box.id for box in diagram.boxes) != Counter(wanted.keys()):
        yield hard("flow-untrue", f"the boxes of {name[:60]!r} are not those of {graph.title[:40]!r}", name)
    joined = {(f"{scope}/{edge.source}", f"{scope}/{edge.target}"): edge for edge in reversed(graph.edges)}
    joined = {pair: edge for pair, edge in joined.items() if pair[0] in wanted and pair[1] in wanted}
    if Counter((arrow.source, arrow.target) for arrow in diagram.arrows) != Counter(joined.keys()):
        yield hard("flow-untrue", f"the arrows of {name[:60]!r} are not the edges of {graph.title[:40]!r}", name)
    for arrow in diagram.arrows:
        edge = joined.get((arrow.source, arrow.target))
        if edge and arrow.skip != edge.residual:
            yield hard("flow-untrue", f"an arrow of {name[:60]!r} is not a residual as its edge is", arrow.id)
    for box in diagram.boxes:
        if box.id in wanted:
            yield from _box(box, wanted[box.id], ())


def _located(box_id: str, known: Known) -> tuple[BlockGraph, BlockNode] | None:
    """The node that a box stands for, whatever its id begins with."""
    if box_id in known:
        return known[box_id]
    start = box_id.find("/")
    while start >= 0:
        if box_id[start + 1 :] in known:
            return known[box_id[start + 1 :]]
        start = box_id.find("/", start + 1)
    return None


def _box(box: Box, node: BlockNode, more: Sequence[str]) -> Iterator[Finding]:
    """A box says what its node says, or less of it."""
    told = {grouped(line[:200]) for line in node.details} | set(more)
    label = box.label == node.label[:200] or node.role == "input" or box.shape == "round"
    if not label or box.role != node.role or not told.issuperset(box.details):
        said = " · ".join((box.label, *box.details))
        yield hard("box-untrue", f"{said[:60]!r} is not what the module {node.label[:40]!r} is", box.id)


def _strip(strip: Strip, architecture: Architecture) -> Iterator[Finding]:
    path = strip.id.removeprefix("strip/")
    stack = next(
        (run for tower in architecture.towers for run in runs_of(architecture, tower) if run.path == path), None
    )
    if stack is None or not _same_order(strip, stack):
        yield hard("layers-untrue", f"{strip.title[:40]!r} is not the order of the layers", strip.id)


def _same_order(strip: Strip, stack: LayerStack) -> bool:
    titles = {key.kind: key.title for key in strip.keys}
    kinds = {index: kind.title for kind in stack.kinds for index in kind.indices}
    told = [kinds[index] for index in sorted(kinds)][: len(strip.cells)]
    counted = [(key.title, key.count) for key in strip.keys] == [(kind.title, kind.count) for kind in stack.kinds]
    return counted and [titles.get(cell) for cell in strip.cells] == told


def _facts(cells: Sequence[FactCell], architecture: Architecture) -> Iterator[Finding]:
    """Each number of the strip of facts is one that its fact states."""
    parameters = architecture.parameters
    for cell in cells:
        if cell.label == "Parameters":
            told = {f"{parameters.total}"}
        elif cell.label == "Active per token":
            told = {f"{parameters.active}"}
        elif cell.label in _FACTS:
            stated = (architecture.fact(key) for key in _FACTS[cell.label])
            told = {
                number for fact in stated if fact for number in _numbers(f"{written(fact.value)} {fact.unit or ''}")
            }
        else:
            continue
        if not told.issuperset(_numbers(cell.value)):
            yield hard(
                "fact-untrue",
                f"{cell.label}: {cell.value[:60]!r} is not what the description states",
                f"fact/{cell.label}",
            )


def _notes(figure: Figure, architecture: Architecture) -> Iterator[Finding]:
    """Each number of a note is one that a fact states, or the root of one."""
    notes = [(note.id, line) for note in figure.notes for line in note.lines]
    stated = {number for fact in architecture.facts for number in _numbers(written(fact.value))} if notes else set()
    width = architecture.fact("hidden_size")
    stated |= {f"{width.value**0.5:.3g}"} if width and isinstance(width.value, int) else set()
    for name, line in notes:
        if not stated.issuperset(_numbers(plain(line))):
            yield hard("note-untrue", f"{plain(line)[:60]!r} is not what the description states", name)


def _sides(figure: Figure, architecture: Architecture) -> Iterator[Finding]:
    """RoPE and QK-norm beside a column say what they say inside of it, with base and scaling."""
    sides = [side.box for side in figure.sides if side.box.role in ("rope", "qk_norm") and side.box.details]
    if not sides:
        return
    words = [line for graph in architecture.blocks for node in graph.nodes for line in (node.label, *node.details)]
    stated = [written(fact.value) for fact in architecture.facts]
    told = {number for text in (*words, *stated) for number in _numbers(text)}
    for box in sides:
        if not told.issuperset(_numbers(" ".join(box.details))):
            yield hard("box-untrue", f"{' · '.join(box.details)[:60]!r} is not what the description states", box.id)


def _numbers(text: str) -> set[str]:
    return {number.replace(",", "") for number in _NUMBER.findall(text)}
