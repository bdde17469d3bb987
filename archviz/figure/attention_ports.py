"""Which wire into an attention is q, k and v: rotated queries before rotated keys, else in the order in which its core reads them."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from archviz.architecture.model import BlockGraph
from archviz.records import replace

_OPAQUE = ("projection", "input")  # what a tensor is before these says nothing of it


def with_port_names(graph: BlockGraph) -> BlockGraph:
    """The graph with names on the edges into its attention core, where it is certain which is which.

    A core reads q and k for its scores before it weighs v; where two of three inputs are rotated, these are q and k. What has no width
    in its last place (a mask over positions), or is joined into another input (compressed keys that give a mask too), is none of them.
    """
    cores = [node for node in graph.nodes if node.role == "attention_core"]
    if len(cores) != 1:
        return graph
    core = cores[0].id
    named = _named(graph, core)
    if not named:
        return graph
    edges = [
        replace(edge, label=_called(named[edge.source], edge.label))
        if edge.target == core and edge.source in named
        else edge
        for edge in graph.edges
    ]
    return replace(graph, edges=edges)


def _called(name: str, part: str | None) -> str:
    """The name with the size of the part; several names say themselves that they are several parts."""
    return name if part is None or ", " in name else f"{name} {part}"


def _named(graph: BlockGraph, core: str) -> dict[str, str]:
    """What each input is, by the node that gives it; empty where that is not certain."""
    nodes = {node.id: node for node in graph.nodes}
    sources = list(dict.fromkeys(edge.source for edge in graph.edges if edge.target == core and edge.source in nodes))
    joins = {
        edge.source
        for edge in graph.edges
        if edge.target in sources and nodes[edge.target].role == "concat" and nodes[edge.source].role != "split"
    }  # whole tensors that are parts of an input; a split gives another part to each
    wide = [name for name in sources if isinstance((nodes[name].shape_out or [None])[-1], int) and name not in joins]
    rotated = [name for name in wide if _is_rotated(graph, name)]
    if len(wide) == 3 and len(rotated) == 2:
        return dict(zip((*rotated, *(name for name in wide if name not in rotated)), ("q", "k", "v"), strict=True))
    if len(wide) == 3 and not rotated:
        return dict(zip(wide, ("q", "k", "v"), strict=True))
    if len(sources) == 1 and nodes[sources[0]].role == "split":
        return {sources[0]: "q, k, v"}  # all parts of one projection
    if len(wide) == 2 and len(rotated) == 2 and (joins or len(sources) == 2):  # keys are values too
        return dict(zip(wide, ("q", "k, v"), strict=True))
    return {}


def _is_rotated(graph: BlockGraph, name: str) -> bool:
    """Whether a tensor, or a part of it, went through RoPE after it was projected."""
    return "rope" in {role for _, role in before(graph, name, ("rope", *_OPAQUE))}


def before(graph: BlockGraph, name: str, ends: Collection[str]) -> Iterator[tuple[str, str | None]]:
    """A node and all that it is made of, each once with its role; what has a role among `ends` is not looked behind."""
    roles = {node.id: node.role for node in graph.nodes}
    waiting, seen = [name], set()
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        yield node, roles.get(node)
        if roles.get(node) not in ends:
            waiting += [edge.source for edge in graph.edges if edge.target == node]
