"""From a block graph of the Architecture to a diagram: the same nodes and edges, in the figure's terms."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from archviz.architecture.labels import WEIGHTLESS
from archviz.architecture.model import MIXER_ROLES, BlockGraph, BlockNode, ColumnItem, Role
from archviz.figure.attention_ports import with_port_names
from archviz.figure.model import Arrow, Box, BoxShape, Diagram
from archviz.records import replace

_SYMBOLS = ("+", "×", "−")
_FOUR = re.compile(r"(?<![\w.,])(\d),(\d{3})(?![\w]|[.,]\d)", re.ASCII).sub
_LONG = re.compile(r"(?<![\w.,])\d{5,12}(?![\w]|[.,]\d)", re.ASCII).sub
_SUMS = ("add", "residual_add", "multiply")
_MOST_LANES = 8
_MAX_LABEL = 200  # a longer label is cut by the layout anyway, and hostile ones are much longer


def module_diagram(
    graph: BlockGraph, inset: Callable[[str], str | None] = lambda graph_id: None, *, open_end: bool = False
) -> Diagram:
    """The inside of a module: its ends are boxes too.

    Args:
        inset: The inset that shows a graph, by the graph's id.
        open_end: The output is the tip of an arrow instead of a box.
    """
    parted = _parted(graph)
    boxes = tuple(
        make_box(
            node,
            f"{graph.id}/{node.id}",
            shape="point" if node.role == "output" and open_end else None,
            zoom=inset(node.zoom) if node.zoom else None,
            apart=node.id in parted,
        )
        for node in graph.nodes
    )
    return Diagram(boxes, _arrows(with_port_names(graph), graph.id, {node.id for node in graph.nodes}))


def layer_diagram(graph: BlockGraph, kind: int, zoom: Callable[[BlockNode], str | None]) -> Diagram:
    """One layer: its own ends are points on the border of its panel; further inputs stand beside the column.

    Args:
        zoom: The inset that shows a node's inside.
    """
    outside = {node.id for node in extra_inputs(graph)}
    boxes: list[Box] = []
    parted = _parted(graph)
    for node in graph.nodes:
        if node.id in outside:
            continue
        point: BoxShape | None = "point" if node.role in ("input", "output") else None
        number = kind if node.role in MIXER_ROLES else None
        box = make_box(
            node, f"{graph.id}/{node.id}", shape=point, kind=number, zoom=zoom(node), apart=node.id in parted
        )
        # A norm of the stream is as wide as the model, which is told once, beside the embedding.
        wide = node.role == "norm" and len(box.details) == 1 and box.details[0] != WEIGHTLESS
        boxes.append(replace(box, details=()) if wide else box)
    drawn = {node.id for node in graph.nodes} - outside
    return Diagram(tuple(boxes), _arrows(graph, graph.id, drawn))


_JOINTS: dict[str, tuple[Role, str]] = {
    "add": ("add", "+"), "multiply": ("multiply", "×"), "concat": ("concat", "concat"),
}  # fmt: skip


def join_node(item: ColumnItem) -> BlockNode | None:
    """The step of a column at which a box meets the stream that is no step itself; None where it is one."""
    if item.node is None or item.joins is None:
        return None
    role, label = _JOINTS[item.joins]
    return BlockNode(id=f"{item.node.id}_joins", role=role, label=label)


def extra_inputs(graph: BlockGraph) -> list[BlockNode]:
    """Inputs after the first: what a layer reads beside the residual stream."""
    return [node for node in graph.nodes if node.role == "input"][1:]


def make_box(
    node: BlockNode,
    box_id: str,
    *,
    shape: BoxShape | None = None,
    kind: int | None = None,
    zoom: str | None = None,
    apart: bool = False,
) -> Box:
    """The box of a node; additions and products without numbers are ⊕ and ⊗.

    Args:
        apart: Whether its outputs are different tensors, as those of a split always are.
    """
    label, details = node.label[:_MAX_LABEL], tuple(grouped(line[:_MAX_LABEL]) for line in node.details if line)
    if shape is None:
        shape = "round" if node.role in _SUMS and label in _SYMBOLS and not details else "box"
    return Box(
        id=box_id,
        role=node.role,
        label=label,
        details=details,
        shape=shape,
        status=node.status,
        kind=kind,
        zoom=zoom,
        apart=node.role == "split" or apart,
        cells=_numbered(label) if node.role == "experts" else (),
        description=describe(node),
    )


def grouped(text: str) -> str:
    """Sizes in one way of writing: four digits together, more in groups of three.

    >>> grouped("7168 → 18432"), grouped("129,280 × 7,168"), grouped("θ = 10,000,000")
    ('7168 → 18,432', '129,280 × 7168', 'θ = 10,000,000')
    """
    together = _FOUR(lambda found: found[1] + found[2], text)
    return _LONG(lambda found: f"{int(found[0]):,}", together)


def _numbered(label: str) -> tuple[str, ...]:
    """The first copies and the last of `512 experts`, as a row: 1, 2, 3, …, 512."""
    count = re.match(r"(\d[\d,]*) ", label)
    last = int(count.group(1).replace(",", "")) if count else 0
    if last <= 5:
        return tuple(str(number) for number in range(1, last + 1))
    return ("1", "2", "3", "…", f"{last}")


def describe(node: BlockNode) -> str:
    """What a tooltip or a screen reader says of a node."""
    parts = [node.label[:_MAX_LABEL]]
    if node.code_name and node.code_name != node.label:
        parts.append(node.code_name)
    parts += [line[:_MAX_LABEL] for line in node.details]
    if node.shape_in or node.shape_out:
        parts.append(f"{shape_text(node.shape_in)} → {shape_text(node.shape_out)}")
    if node.parameters:
        parts.append(f"{node.parameters:,} parameters")
    if node.status != "verified":
        parts.append(node.status)
    parts += [piece.where for piece in node.evidence[:2]]
    return " · ".join(parts)


def shape_text(shape: Sequence[int | str | None] | None) -> str:
    """A shape in writing, `[B, S, 4096]`; sizes that are not known are `?`."""
    return "?" if shape is None else "[" + ", ".join("?" if size is None else str(size) for size in shape) + "]"


def _arrows(graph: BlockGraph, scope: str, drawn: set[str]) -> tuple[Arrow, ...]:
    """Each pair of joined nodes once, in the order of the graph."""
    arrows: dict[tuple[str, str], Arrow] = {}
    streamed = _streams(graph)
    for edge in graph.edges:
        pair = (edge.source, edge.target)
        if edge.source in drawn and edge.target in drawn and pair not in arrows:
            arrows[pair] = Arrow(
                id=f"{scope}/{edge.source}~{edge.target}",
                source=f"{scope}/{edge.source}",
                target=f"{scope}/{edge.target}",
                skip=edge.residual,
                label=grouped((edge.label or "")[:_MAX_LABEL]),
                lanes=streamed.get(edge.source, 1),
            )
    return tuple(arrows.values())


def _streams(graph: BlockGraph) -> dict[str, int]:
    """By node the residual streams side by side in its output: where the graph's input has one more axis before its features."""
    first = next((node.shape_out for node in graph.nodes if node.role == "input"), None)
    count = first[2] if first and len(first) == 4 and first[1] == "S" else None
    if not isinstance(count, int) or not 1 < count <= _MOST_LANES:
        return {}
    return {node.id: count for node in graph.nodes if node.shape_out == first}


def _parted(graph: BlockGraph) -> set[str]:
    """Nodes with several results that go different ways: their edges have different labels."""
    labels: dict[str, set[str | None]] = {}
    for edge in graph.edges:
        labels.setdefault(edge.source, set()).add(edge.label)
    return {name for name, found in labels.items() if len(found) > 1}
