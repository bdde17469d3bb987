"""Whether ledgers and bars say what the Architecture says: the parts, their shapes and parameters, and how they are joined."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from archviz.architecture.column_layers import stacks_of
from archviz.architecture.model import Architecture, BlockGraph, BlockNode
from archviz.figure.flow import grouped
from archviz.figure.ledger import Ledger
from archviz.figure.lint import Finding, hard
from archviz.figure.params import Sizes
from archviz.figure.unfolding import inside_of

_COLUMN = "column/"


def check_ledgers(ledgers: Sequence[Ledger], architecture: Architecture) -> list[Finding]:
    """What a detailed view says otherwise than the Architecture; every finding is hard."""
    blocks = {graph.id: graph for graph in architecture.blocks}
    values = {each.symbol: each.value for each in architecture.parameters.symbols}
    found: list[Finding] = []
    for ledger in ledgers:
        name = ledger.id.removeprefix("ledger/")
        graph = blocks.get(name)
        if graph:
            found += _ledger(ledger, graph, architecture, values)
        elif name.startswith(_COLUMN):
            found += _column(ledger, architecture)
        else:
            found.append(hard("flow-untrue", f"no module is shown by {ledger.title[:40]!r}", ledger.id))
    return found


def _ledger(
    ledger: Ledger, graph: BlockGraph, architecture: Architecture, values: Mapping[str, int]
) -> Iterator[Finding]:
    nodes = dict(_nodes(ledger, graph, architecture))
    outputs = {f"{tower.title} output" for tower in architecture.towers if tower.feeds}
    for box in ledger.diagram.boxes:
        origin, node = nodes.get(box.id, (graph, None))
        if node is None:
            yield hard("box-untrue", f"no part of {graph.title[:40]!r} is {box.label[:40]!r}", box.id)
            continue
        told = [grouped(line[:200]) for line in node.details if line]
        settings = box.role == "rope"  # base and scaling are told beside
        fed = node.role == "input" and box.label in outputs
        if (box.label != node.label[:200] and not fed) or (
            list(box.details[: len(told)]) if settings else list(box.details)
        ) != told:
            yield hard(
                "box-untrue", f"{box.label[:40]!r} is not what {node.label[:40]!r} of {origin.title[:40]!r} is", box.id
            )
        formula, shape = ledger.formulas.get(box.id), ledger.shapes.get(box.id)
        if (node.parameters or 0) != (formula.count if formula else 0):
            yield hard("number-untrue", f"{node.label[:40]!r} has {node.parameters:,} parameters", box.id)
        if shape is not None and not _same_shape(shape, node.shape_out or [], values):
            yield hard("number-untrue", f"the shape of {node.label[:40]!r} is not {shape[:60]!r}", box.id)
    yield from _joints(ledger, graph, nodes)


def _nodes(
    ledger: Ledger, graph: BlockGraph, architecture: Architecture
) -> Iterator[tuple[str, tuple[BlockGraph, BlockNode]]]:
    """By the id of each box the node that it stands for, those of opened parts with the graph that they are of."""
    own = {node.id: node for node in graph.nodes}
    inside = {node.id: found for node in graph.nodes if (found := inside_of(architecture, graph, node))}
    parts = {f"{part}/{node.id}": (inner, node) for part, inner in inside.items() for node in inner.nodes}
    for box in ledger.diagram.boxes:
        name = box.id.removeprefix(f"{graph.id}/")
        if name in own:
            yield box.id, (graph, own[name])
        elif name in parts:
            yield box.id, parts[name]


def _joints(ledger: Ledger, graph: BlockGraph, nodes: Mapping[str, tuple[BlockGraph, BlockNode]]) -> Iterator[Finding]:
    """Where both ends of an edge are drawn there is an arrow, and within one graph there is no other."""
    arrows = Counter((arrow.source, arrow.target) for arrow in ledger.diagram.arrows)
    scopes = {name: name.removesuffix(node.id) for name, (_, node) in nodes.items()}
    whole = {scopes[name]: found[0] for name, found in nodes.items()}
    told = {
        (f"{scope}{edge.source}", f"{scope}{edge.target}")
        for scope, each in whole.items()
        for edge in each.edges
        if f"{scope}{edge.source}" in nodes and f"{scope}{edge.target}" in nodes
    }
    within = {pair for pair in arrows if scopes.get(pair[0]) == scopes.get(pair[1])}
    ends = {name for name, (each, node) in nodes.items() if any(edge.target == node.id for edge in each.edges)}
    starts = {name for name, (each, node) in nodes.items() if any(edge.source == node.id for edge in each.edges)}
    open_ = (ends - {target for _, target in arrows}) | (starts - {source for source, _ in arrows})
    if told != within or open_ or any(times > 1 for times in arrows.values()):
        yield hard("flow-untrue", f"the arrows of {ledger.title[:40]!r} are not the edges of its modules", ledger.id)


def _same_shape(told: str, shape: Sequence[int | str | None], values: Mapping[str, int]) -> bool:
    sizes = told.removeprefix("[").removesuffix("]").split(", ") if told != "[]" else []
    return len(sizes) == len(shape) and all(
        _size(text, values) == _size(f"{size}", values) for text, size in zip(sizes, shape, strict=True)
    )


def _size(text: str, values: Mapping[str, int]) -> int | str:
    """A size in numbers: `2·d_h` by the values of its symbols."""
    product = 1
    for factor in text.split("·"):
        value = values.get(factor, factor)
        if not f"{value}".isdecimal():
            return "?" if text in ("?", "None") else text
        product *= int(value)
    return product


def _column(ledger: Ledger, architecture: Architecture) -> Iterator[Finding]:
    """A tower's column has as many layers of each kind as the tower, and each run of them as many parameters as they have."""
    name = ledger.id.removeprefix(f"ledger/{_COLUMN}")
    tower = next((each for each in architecture.towers if each.id == name), None)
    kinds = [kind for stack in (stacks_of(architecture, tower) if tower else ()) for kind in stack.kinds]
    times = {box.id: 1 for box in ledger.diagram.boxes}
    for words, held in ledger.frames:
        for box_id in held:
            times[box_id] *= int(words.removesuffix(" ×").replace(",", ""))
    drawn: Counter[str] = Counter()
    for box in ledger.diagram.boxes:
        count, _, title = box.label.partition(" × ")
        own = [kind for kind in kinds if kind.title == title]
        if own and count.replace(",", "").isdecimal():
            layers = int(count.replace(",", ""))
            drawn[title] += layers * times[box.id]
            formula = ledger.formulas.get(box.id)
            if formula and formula.count not in {
                held * kind.parameters for kind in own for held in (layers, kind.count)
            }:
                yield hard("number-untrue", f"{box.label[:40]!r} does not have {formula.count:,} parameters", box.id)
    told: Counter[str] = Counter()
    for kind in kinds:
        told[kind.title] += kind.count
    if (
        tower is None
        or any(drawn[title] % told[title] for title in drawn if told[title])
        or (drawn and drawn.keys() != told.keys())
    ):
        yield hard("layers-untrue", f"the layers of {ledger.title[:40]!r} are not those of its tower", ledger.id)


def check_sizes(sizes: Sizes, architecture: Architecture) -> list[Finding]:
    """Bars add up to the parameters of their kind of layer, and the layers of a stack stand in order with theirs."""
    kinds = {
        f"bars/{stack.path}/{kind.id}": kind
        for tower in architecture.towers for stack in stacks_of(architecture, tower) for kind in stack.kinds
    }  # fmt: skip
    found: list[Finding] = []
    for group in sizes.groups:
        kind = kinds.get(group.id)
        if kind and (group.times != kind.count or sum(bar.count for bar in group.bars) != kind.parameters):
            found.append(
                hard(
                    "number-untrue",
                    f"the bars of {group.title[:40]!r} are not {kind.parameters:,} parameters",
                    group.id,
                )
            )
    return found
