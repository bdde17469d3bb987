"""An Architecture as DOT: towers and stacks as clusters, every layer of one pattern unit, an inset for each inner graph."""

from __future__ import annotations

from collections.abc import Iterator

from archviz.architecture.column_layers import layers_in
from archviz.architecture.model import (
    Architecture,
    BlockGraph,
    BlockNode,
    LayerKind,
    LayerStack,
    Tower,
)
from archviz.architecture.words import pattern_words
from archviz.emit.dot_ports import LEADER, Ports, edge_looks, ports_of
from archviz.emit.dot_text import arrow, box, cluster, opening, ports, quoted
from archviz.figure.diagram_colours import hex_colour
from archviz.figure.diagram_groups import node_name
from archviz.figure.diagram_kinds import DEFAULT_COLOURS, role_kind
from archviz.figure.diagram_pattern import PatternUnit, UnitLayer, pattern_units, zooms
from archviz.figure.flow import join_node
from archviz.figure.module_paths import find_graph


def dot_from_architecture(architecture: Architecture) -> str:
    """An Architecture as DOT, bottom-up, that every Graphviz parses."""
    return "\n".join([*_Writer(architecture).lines(), "}"]) + "\n"


def dot_from_module(architecture: Architecture, module: str | None) -> str:
    """The data flow of one module as DOT, with what its boxes hold.

    Raises:
        UsageError: No module is named, or its data flow is not known.
    """
    return "\n".join([*_Writer(architecture).module_lines(find_graph(architecture, module), module or ""), "}"]) + "\n"


class _Writer:
    """Writes clusters, and remembers the chains through towers and which node each inset explains."""

    def __init__(self, architecture: Architecture) -> None:
        self._architecture = architecture
        self._edges: list[str] = []
        self._insets: dict[str, str] = {}  # graph id → node that it shows the inside of
        self._last: dict[str, list[str]] = {}  # tower id → nodes that its output comes from
        self._entry: dict[str, str] = {}  # tower id → node that another tower's output goes to
        self._beside: list[str] = []  # nodes beside the tower's column, whose results every layer reads

    def lines(self) -> Iterator[str]:
        architecture = self._architecture
        yield from opening(architecture.identity.id, _title(architecture), "BT")
        for number, tower in enumerate(architecture.towers, start=1):
            heading = f"{tower.title}\n{tower.parameters:,} parameters" if tower.parameters else tower.title
            yield from cluster(f"tower{number}", heading, iter(self._tower(tower, f"tower{number}")))
        for tower in architecture.towers:
            if tower.feeds in self._entry:
                self._edges += [arrow(end, self._entry[tower.feeds]) for end in self._last.get(tower.id, [])]
        yield from self._inner()

    def module_lines(self, graph: BlockGraph, module: str) -> Iterator[str]:
        """One module's graph instead of the whole model."""
        yield from opening(module, f"{self._architecture.identity.id}: {graph.title}\n{module}", "BT")
        yield from self._opened(graph, "module")
        yield from self._inner(graph.id)

    def _inner(self, *shown: str) -> Iterator[str]:
        """The insets of all graphs that nodes hold, but for those shown, then the edges."""
        done = list(shown)
        while todo := [graph_id for graph_id in self._insets if graph_id not in done]:
            done.append(todo[0])
            graph = self._architecture.block(todo[0])
            if graph and graph.nodes:
                yield from self._inset(graph, f"inset{len(done)}", self._insets[todo[0]])
        yield from self._edges

    def _tower(self, tower: Tower, name: str) -> list[str]:
        lines: list[str] = []
        ends: list[str] = []
        names = {
            item.node.id: f"{name}.{n}.{item.node.id}" for n, item in enumerate(tower.column, start=1) if item.node
        }
        first = next(iter(names.values()), None)
        beside = [item for item in tower.column if item.node and item.beside]
        read = {source for item in beside for source in item.reads}
        self._beside = [names[item.node.id] for item in beside if item.node and item.node.id not in read]
        for number, item in enumerate(tower.column, start=1):
            stack = layers_in(self._architecture, item)
            if item.node:
                node = f"{name}.{number}.{item.node.id}"
                lines.append(_node(node, item.node))
                if item.taps:
                    self._edges += [arrow(end, node) for end in ends]
                    continue
                if item.beside:
                    sources = [names[source] for source in item.reads] or ([first] if first else [])
                    self._edges += [arrow(source, node) for source in sources]
                    continue
                if (sign := join_node(item)) is not None:
                    joint = f"{name}.{number}.{sign.id}"
                    lines.append(_node(joint, sign))
                    self._edges += [arrow(end, node) for end in ends if item.reads]
                    self._edges.append(arrow(node, joint))
                    node = joint
                self._edges += [arrow(end, node) for end in ends]
                ends = [node]
                if not any(before.stacks for before in tower.column[:number]):
                    self._entry[tower.id] = node
            if stack:
                stack_lines, ends = self._stack(stack, f"{name}.{number}", ends)
                lines += stack_lines
        self._last[tower.id] = ends
        return lines

    def _stack(self, stack: LayerStack, name: str, ends: list[str]) -> tuple[list[str], list[str]]:
        lines: list[str] = []
        for number, unit in enumerate(pattern_units(stack), start=1):
            unit_lines, ends = self._unit(unit, f"{name}.unit{number}", ends)
            lines += unit_lines
        heading = f"{stack.path}: {stack.count} layers\n{pattern_words(stack)}"
        return list(cluster(name, heading, iter(lines), "#f8fafc")), ends

    def _unit(self, unit: PatternUnit, name: str, ends: list[str]) -> tuple[list[str], list[str]]:
        lines: list[str] = []
        for layer in unit.layers:
            layer_lines, ends = self._layer(layer, f"{name}.layer{layer.number}", ends)
            lines += layer_lines
        if unit.times == 1:
            return lines, ends
        return list(cluster(name, f"{unit.times} ×", iter(lines), "#eef2f8")), ends

    def _layer(self, layer: UnitLayer, name: str, ends: list[str]) -> tuple[list[str], list[str]]:
        times = f" ({layer.times} ×)" if layer.times > 1 else ""
        heading = f"{layer.numbers}{times}: {layer.kind.title}"
        graph = self._architecture.block(layer.kind.block)
        if graph is None or not graph.nodes:
            self._edges += [arrow(end, name) for end in ends]
            return [box(name, heading, "#ffffff", "unverified")], [name]
        self._note_insets(layer.kind, graph, name)
        lines, ends = self._body(graph, name, ends)
        return list(cluster(name, heading, iter(lines), "#ffffff")), ends

    def _note_insets(self, kind: LayerKind, graph: BlockGraph, name: str) -> None:
        for graph_id, node in zooms(graph, kind).items():
            self._insets.setdefault(graph_id, f"{name}.{node}")

    def _body(self, graph: BlockGraph, name: str, ends: list[str]) -> tuple[list[str], list[str]]:
        """A layer's nodes; its first input and its output are not drawn but joined to what comes before and after."""
        entry = next((node.id for node in graph.nodes if node.role == "input"), None)
        leaving = {node.id for node in graph.nodes if node.role == "output"}
        drawn = [node for node in graph.nodes if node.id != entry and node.id not in leaving]
        joints = ports_of(graph)
        known = {node.id for node in drawn}
        outgoing: list[str] = []
        for place, edge in enumerate(graph.edges):
            sources = ends if edge.source == entry else [f"{name}.{edge.source}"] if edge.source in known else []
            if edge.target in leaving:
                outgoing += sources
            elif edge.target in known:
                values = edge_looks(edge, place, joints)
                self._edges += [arrow(source, f"{name}.{edge.target}", values) for source in sources]
        for node in drawn:
            if node.role == "input":
                self._edges += [arrow(source, f"{name}.{node.id}") for source in self._beside]
        lines = [_node(f"{name}.{node.id}", node, joints) for node in drawn]
        last = [f"{name}.{drawn[-1].id}"] if drawn else []  # for a graph that names no output
        return lines, outgoing or last or ends

    def _inset(self, graph: BlockGraph, name: str, owner: str) -> Iterator[str]:
        yield from self._opened(graph, name)
        head = quoted(f"cluster_{name}")
        yield arrow(owner, f"{name}.{graph.nodes[0].id}", {**LEADER, "lhead": head})

    def _opened(self, graph: BlockGraph, name: str) -> Iterator[str]:
        known = {node.id for node in graph.nodes}
        for graph_id, node in zooms(graph).items():
            self._insets.setdefault(graph_id, f"{name}.{node}")
        heading = "\n".join([graph.title, *graph.notes])
        joints = ports_of(graph)
        lines = [_node(f"{name}.{node.id}", node, joints) for node in graph.nodes]
        yield from cluster(name, heading, iter(lines), "#fffaf0")
        for place, edge in enumerate(graph.edges):
            if edge.source in known and edge.target in known:
                values = edge_looks(edge, place, joints)
                yield arrow(f"{name}.{edge.source}", f"{name}.{edge.target}", values)


def _title(architecture: Architecture) -> str:
    counts = architecture.parameters
    active = f", {counts.active:,} active" if counts.active else ""
    return f"{architecture.identity.id}\n{architecture.identity.class_name}: {counts.total:,} parameters{active}"


def _node(name: str, node: BlockNode, joints: Ports | None = None) -> str:
    fill = hex_colour(DEFAULT_COLOURS[role_kind(node.role)]) or "#ffffff"
    text = "\n".join([node_name(node), *node.details])
    where = ", ".join(item.where for item in node.evidence[:3])
    count = f"{node.parameters:,} parameters" if node.parameters else ""
    tooltip = "\n".join(filter(None, (where, count))) or None
    if joints and (pieces := joints.pieces.get(node.id)):
        return ports(name, node_name(node), pieces, fill, node.status, tooltip, on_top=node.role == "split")
    return box(name, text, fill, node.status, tooltip)
