"""The detailed view as DOT: every operation with the shape of its tensor and where its parameters come from, a cluster for each data flow."""

from __future__ import annotations

from collections.abc import Iterator

from archviz.architecture.model import Architecture, BlockEdge, BlockGraph, BlockNode
from archviz.emit.dot_ports import LEADER, Ports, edge_looks, ports_of
from archviz.emit.dot_text import arrow, box, cluster, opening, ports, quoted
from archviz.figure.detailed import build_detailed
from archviz.figure.diagram_colours import hex_colour
from archviz.figure.diagram_groups import node_name
from archviz.figure.diagram_kinds import DEFAULT_COLOURS, role_kind
from archviz.figure.ledger import Ledger
from archviz.figure.model import Box
from archviz.figure.symbolic_shapes import ShapeWriter


def dot_from_detailed(architecture: Architecture) -> str:
    """The detailed view of an Architecture as DOT, each flow bottom-up, that every Graphviz parses."""
    ledgers = build_detailed(architecture, ShapeWriter(architecture))
    identity, total = architecture.identity, architecture.parameters.total
    heading = f"{identity.id}\n{identity.class_name}: {total:,} parameters, every operation with its tensor shape"
    names = {ledger.letter: f"flow{place}" for place, ledger in enumerate(ledgers) if ledger.letter}
    lines = list(opening(identity.id, heading, "BT"))
    for place, ledger in enumerate(ledgers):
        lines += _flow(ledger, f"flow{place}")
    for ledger in ledgers:
        for owner, letter in ledger.zooms.items():
            inner = next((each for each in ledgers if each.letter == letter), None)
            if inner is not None and inner.diagram.boxes:
                ends = {**LEADER, "lhead": quoted(f"cluster_{names[letter]}")}
                lines.append(arrow(owner, inner.diagram.boxes[0].id, ends))
    return "\n".join([*lines, "}"]) + "\n"


def _flow(ledger: Ledger, name: str) -> Iterator[str]:
    """One data flow: its boxes in a cluster, those that are repeated in clusters of their own, and its edges."""
    title = f"{ledger.letter}: {ledger.title}" if ledger.letter else ledger.title
    heading = "\n".join(part for part in (title, ledger.subtitle) if part)
    graph = _graph(ledger)
    joints = ports_of(graph)
    yield from cluster(name, heading, _boxes(ledger, joints, name))
    for place, edge in enumerate(graph.edges):
        yield arrow(edge.source, edge.target, edge_looks(edge, place, joints))


def _boxes(ledger: Ledger, joints: Ports, name: str) -> Iterator[str]:
    lines = {each.id: _box(ledger, each, joints) for each in ledger.diagram.boxes}
    framed = {held for _, names in ledger.frames for held in names}
    yield from (line for each, line in lines.items() if each not in framed)
    yield from _framed(ledger, lines, 0, framed, name)


def _framed(ledger: Ledger, lines: dict[str, str], first: int, held: set[str], name: str) -> Iterator[str]:
    """The frames from a place on among some boxes, each around those in it; a frame stands after those that hold it."""
    left = set(held)
    for place in range(first, len(ledger.frames)):
        times, names = ledger.frames[place]
        if not set(names) <= left:
            continue
        inside = set(names)
        deeper = {each for _, more in ledger.frames[place + 1 :] if set(more) <= inside for each in more}
        body = [lines[each] for each in names if each in lines and each not in deeper]
        body += _framed(ledger, lines, place + 1, deeper, name)
        yield from cluster(f"{name}.frame{place}", times, iter(body), "#eef2f8")
        left -= inside


def _box(ledger: Ledger, each: Box, joints: Ports) -> str:
    """A box with its numbers, the shape of what leaves it, and its parameters."""
    fill = hex_colour(DEFAULT_COLOURS[role_kind(each.role)]) or "#ffffff"
    name = node_name(_node(each))
    pieces = joints.pieces.get(each.id)
    lines = [name, *(() if pieces else each.details), ledger.shapes.get(each.id, ""), _parameters(ledger, each.id)]
    zoom = ledger.zooms.get(each.id)
    text = "\n".join([*filter(None, lines), *([f"see {zoom}"] if zoom else [])])
    tip = each.description or None
    if pieces:
        return ports(each.id, text, pieces, fill, each.status, tip, on_top=each.role == "split")
    return box(each.id, text, fill, each.status, tip)


def _parameters(ledger: Ledger, name: str) -> str:
    """`o_proj: d·H·d_h = 11,799,360`; empty for a box without parameters."""
    formula = ledger.formulas.get(name)
    if formula is None:
        return ""
    called = ledger.names.get(name, "")
    number = f"{formula.count:,}"
    how = f"{formula.text} = {number}" if formula.text and formula.text != number else number
    return f"{called}: {formula.note or how}" if called else formula.note or how


def _node(each: Box) -> BlockNode:
    return BlockNode(id=each.id, role=each.role, label=each.label, details=list(each.details))


def _graph(ledger: Ledger) -> BlockGraph:
    """The flow as a graph, for its edges and the pieces of its splits and concatenations."""
    edges = [
        BlockEdge(source=each.source, target=each.target, label=each.label, residual=each.skip)
        for each in ledger.diagram.arrows
    ]
    nodes = [_node(each) for each in ledger.diagram.boxes]
    return BlockGraph(id=ledger.id, title=ledger.title, module="", class_name="", nodes=nodes, edges=edges)
