"""A layer with its mixers and feed-forwards opened in place: one data flow from the layer's input to its output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archviz.architecture.model import MIXER_ROLES, Architecture, BlockEdge, BlockGraph, BlockNode, Role
from archviz.records import field, record, replace

OPENED: tuple[Role, ...] = (*MIXER_ROLES, "feed_forward", "moe")


@record
class Unfolded:
    """A graph with parts opened in it.

    Args:
        graph: Its nodes keep their order of execution; those of an opened part are named `part/node`.
        origin: For every node the graph it was read from and its node there.
        part: For every node of an opened part the role of the part.
    """

    graph: BlockGraph
    origin: dict[str, tuple[BlockGraph, BlockNode]] = field(default_factory=dict)
    part: dict[str, Role] = field(default_factory=dict)


def unfold(architecture: Architecture, layer: BlockGraph, opened: Sequence[str] = OPENED) -> Unfolded:
    """The layer's graph with every mixer and feed-forward replaced by its inside, where the ends of both fit together.

    Args:
        opened: Roles of the parts that are opened; the others stay boxes that zoom into their inside.
    """
    result = Unfolded(replace(layer, nodes=[], edges=list(layer.edges)))
    for node in layer.nodes:
        inside = inside_of(architecture, layer, node)
        fits = (
            inside is not None and node.role in opened and inside.parameters == node.parameters
        )  # else it is drawn besides
        ways = _entries(result, layer, node, inside) if inside and fits else None
        if inside is None or ways is None:
            node = replace(node, zoom=inside.id) if inside and not fits else node
            result.graph.nodes.append(node)
            result.origin[node.id] = (layer, node)
        else:
            _open(result, node, inside, ways)
    return result


def inside_of(architecture: Architecture, layer: BlockGraph, node: BlockNode) -> BlockGraph | None:
    """The graph that shows the inside of a mixer or feed-forward of a layer."""
    if node.role not in OPENED:
        return None
    if node.zoom:
        return architecture.block(node.zoom)
    path = f"{layer.module}.{node.module}"
    return next((block for block in architecture.blocks if node.module and block.module == path), None)


def _entries(result: Unfolded, layer: BlockGraph, node: BlockNode, inside: BlockGraph) -> dict[str, BlockEdge] | None:
    """For each input of the inside that the layer feeds the edge that feeds it; None where that is not certain."""
    feeding = [edge for edge in result.graph.edges if edge.target == node.id]
    shapes = {other.id: other.shape_out for other in (*layer.nodes, *result.graph.nodes)}
    inputs = [inner for inner in inside.nodes if inner.role == "input"]
    if sum(inner.role == "output" for inner in inside.nodes) != 1 or not inputs:
        return None
    if len(feeding) == 1:
        fitting = [inner for inner in inputs if inner.shape_out == shapes.get(feeding[0].source)]
        return {(fitting or inputs)[0].id: feeding[0]}
    if len(feeding) == len(inputs):
        pairs = list(zip(inputs, feeding, strict=True))
        if all(inner.shape_out == shapes.get(edge.source) for inner, edge in pairs):
            return {inner.id: edge for inner, edge in pairs}
    return None


def _open(result: Unfolded, node: BlockNode, inside: BlockGraph, entries: dict[str, BlockEdge]) -> None:
    output = next(inner.id for inner in inside.nodes if inner.role == "output")
    left_out = {*entries, output}
    for inner in inside.nodes:
        if inner.id not in left_out:
            name = f"{node.id}/{inner.id}"
            result.graph.nodes.append(replace(inner, id=name))
            result.origin[name] = (inside, inner)
            result.part[name] = node.role
    result.graph.edges = list(_joined(result.graph.edges, node.id, inside, entries, output))


def _joined(
    edges: list[BlockEdge], part: str, inside: BlockGraph, entries: dict[str, BlockEdge], output: str
) -> Iterator[BlockEdge]:
    """The edges of the layer and of the inside, joined at the ends of the part."""
    last = [edge.source for edge in inside.edges if edge.target == output]
    for edge in edges:
        if edge.source == part:
            for source in last:
                yield replace(edge, source=entries[source].source if source in entries else f"{part}/{source}")
        elif edge.target != part:
            yield edge
    for edge in inside.edges:
        if edge.target == output:
            continue
        source = entries[edge.source].source if edge.source in entries else f"{part}/{edge.source}"
        yield replace(edge, source=source, target=f"{part}/{edge.target}")
