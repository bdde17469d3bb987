"""Edges in DOT: how they look, and at splits and concatenations the port that says which piece of a tensor they carry."""

from __future__ import annotations

import re
from collections.abc import Mapping

from archviz.architecture.model import BlockEdge, BlockGraph, BlockNode
from archviz.emit.dot_text import Attributes, label
from archviz.records import record

LEADER: Attributes = {"style": "dotted", "arrowhead": "none", "constraint": "false"}
"""How an edge looks from a box to the data flow inside of it."""
_RESIDUAL: Attributes = {"style": "dashed", "constraint": "false"}
_PARTING = ("split", "concat")
_MOST = 12  # of more pieces none is told apart


@record(frozen=True)
class Ports:
    """Pieces by the id of the node that they are split by or joined in, and the port of each edge."""

    pieces: Mapping[str, tuple[str, ...]]
    leaving: Mapping[int, int]  # place of an edge in its graph → port at its source
    entering: Mapping[int, int]  # … at its target


def ports_of(graph: BlockGraph) -> Ports:
    """A port for every edge out of a split and into a concatenation of several."""
    pieces: dict[str, tuple[str, ...]] = {}
    leaving: dict[int, int] = {}
    entering: dict[int, int] = {}
    for node in graph.nodes:
        if node.role not in _PARTING:
            continue
        out = node.role == "split"
        edges = [
            (place, edge) for place, edge in enumerate(graph.edges) if (edge.source if out else edge.target) == node.id
        ]
        if 1 < len(edges) <= _MOST:
            pieces[node.id] = _names(node, [edge for _, edge in edges])
            (leaving if out else entering).update({place: port for port, (place, _) in enumerate(edges)})
    return Ports(pieces, leaving, entering)


def edge_looks(edge: BlockEdge, place: int, joints: Ports) -> Attributes:
    """How an edge looks, and which piece of a split tensor it carries: the port says that, no label needs to."""
    out, into = joints.leaving.get(place), joints.entering.get(place)
    return {
        "label": label(edge.label) if edge.label and out is None and into is None else None,
        "tailport": None if out is None else f'"p{out}:n"',
        "headport": None if into is None else f'"p{into}:s"',
        **(_RESIDUAL if edge.residual else {}),
    }


def _names(node: BlockNode, edges: list[BlockEdge]) -> tuple[str, ...]:
    """What the pieces are: the labels of the edges, else the sizes that the node tells, else their numbers.

    >>> node = BlockNode(id="s", role="split", label="split", details=["2 × 64"])
    >>> _names(node, [BlockEdge(source="s", target="a"), BlockEdge(source="s", target="b")])
    ('64', '64')
    """
    told = node.details[0] if node.details else ""
    equal = re.fullmatch(r"(\d+) × ([\d,]+)", told)
    sizes = [equal[2]] * int(equal[1]) if equal and int(equal[1]) == len(edges) else told.split(" + ")
    fit = len(sizes) == len(edges)
    return tuple(edge.label or (sizes[place] if fit else str(place + 1)) for place, edge in enumerate(edges))
