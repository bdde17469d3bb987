"""Architecture → diagram config: a hand-editable starting point that draws at once and reads back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from archviz.architecture.column_layers import layers_in, runs_of
from archviz.architecture.model import (
    MIXER_ROLES,
    Architecture,
    BlockGraph,
    BlockNode,
    Evidence,
    LayerKind,
    LayerStack,
    Tower,
)
from archviz.architecture.words import JOIN_WORDS, value_words
from archviz.figure.diagram_groups import group_by_depth, node_name, skipping_edges
from archviz.figure.diagram_kinds import DEFAULT_COLOURS, BlockKind, block_kind, default_colour, role_kind
from archviz.figure.diagram_model import (
    FORBIDDEN,
    MAX_TEXT,
    CustomEdge,
    DiagramBlock,
    DiagramConfig,
    DiagramStage,
    ParameterCounts,
)
from archviz.figure.diagram_pattern import PatternUnit, UnitLayer, pattern_units, zooms
from archviz.free_names import free_name
from archviz.late_patterns import late_pattern
from archviz.spans import Status

_NOT_IN_ID = late_pattern(r"[^A-Za-z0-9_]+")
_MOST_SOURCES = 3
_MOST_TELLING: tuple[BlockKind, ...] = ("attention", "state_space", "feed_forward", "norm", "head", "input")


def diagram_config(architecture: Architecture) -> DiagramConfig:
    """Write an Architecture as a diagram config.

    Each tower is a flow of stages: what comes before the layers, one stage per pattern unit with every layer of it, what
    comes after.  Stages of their own show the inside of each layer kind, mixer and feed-forward.
    """
    return _Writer(architecture).config()


class _Writer:
    """Collects stages and edges; remembers the ids given and which block stands for which layer kind and module."""

    def __init__(self, architecture: Architecture) -> None:
        self._architecture = architecture
        self._stages: list[DiagramStage] = []
        self._edges: list[CustomEdge] = []
        self._ids: set[str] = set()
        self._block_ids: dict[str, str] = {}
        self._ends: dict[str, tuple[str, str]] = {}  # tower id → ids of its entry and last block

    def config(self) -> DiagramConfig:
        architecture = self._architecture
        for tower in architecture.towers:
            self._tower(tower)
        for tower in architecture.towers:
            if tower.feeds in self._ends and tower.id in self._ends:
                self._connect(self._ends[tower.id][1], self._ends[tower.feeds][0], f"to {tower.feeds}")
        self._details()
        if not self._stages:
            self._add("Modules", [_module_block(architecture)])
        counts = architecture.parameters
        return DiagramConfig(
            model_name=safe(architecture.identity.id),
            title=safe(f"{architecture.identity.id.rpartition('/')[2]} architecture"),
            source=safe(_source(architecture)),
            stages=self._stages,
            custom_edges=self._edges,
            parameters=ParameterCounts(total=counts.total, active=counts.active),
            configuration=_configuration(architecture),
            references=_references(architecture),
        )

    def _id(self, *words: str) -> str:
        base = _NOT_IN_ID.sub("_", "_".join(words)).strip("_")[:80] or "block"
        base = f"{base}_" if re.fullmatch(r"stage\d+", base) else base
        name = free_name(base, self._ids)
        self._ids.add(name)
        return name

    def _add(
        self, name: str, blocks: list[DiagramBlock], *, detail_of: str | None = None, new_flow: bool = False
    ) -> None:
        self._stages.append(DiagramStage(name=safe(name), blocks=blocks, detail_of=detail_of, new_flow=new_flow))

    def _connect(self, source: str, target: str, label: str | None) -> None:
        self._edges.append(CustomEdge(source=source, target=target, label=label))

    def _tower(self, tower: Tower) -> None:
        several = len(self._architecture.towers) > 1
        prefix = f"{tower.title}: " if several else ""
        pending: list[DiagramBlock] = []
        beside: list[DiagramBlock] = []
        stages: list[tuple[str, list[DiagramBlock]]] = []
        for item in tower.column:
            stack = layers_in(self._architecture, item)
            if item.node and not item.taps:
                joined = [JOIN_WORDS[item.joins]] if item.joins else []
                block = self._node_block(item.node, tower.id if several else "", joined)
                (beside if item.beside else pending).append(block)
            if stack:
                stages += [("input", pending)] if pending else []
                stages += [(unit.heading, self._unit(unit, tower, several)) for unit in pattern_units(stack)]
                pending = []
        stages += [("output", pending)] if pending else []
        first = bool(self._stages)
        for number, (name, blocks) in enumerate(stages):
            heading = f"{prefix}{name}"
            self._add(heading[:1].upper() + heading[1:], blocks, new_flow=first and number == 0)
        if stages:
            entry = self._second_stream(tower) or stages[0][1][-1].id
            self._ends[tower.id] = (entry or "", stages[-1][1][-1].id or "")
            self._tie(tower)
        for block in beside:
            self._add(f"{prefix}Beside the layers", [block], new_flow=True)
        self._join_beside(tower)

    def _join_beside(self, tower: Tower) -> None:
        """Edges from what a box beside the column reads, and from it into the first layer of each kind where nothing beside reads it."""
        items = [item for item in tower.column if item.beside]
        entry = next((item.node.id for item in tower.column if item.node), None)
        read = {source for item in items for source in item.reads}
        kinds = [kind.id for stack in runs_of(self._architecture, tower) for kind in stack.kinds]
        for item in items:
            assert item.node is not None
            own = self._block_ids[f"node:{item.node.id}"]
            for source in item.reads or ([entry] if entry else []):
                self._connect(self._block_ids[f"node:{source}"], own, None)
            for kind in kinds if item.node.id not in read else ():
                self._connect(own, self._block_ids[f"kind:{kind}"], "into the layers")

    def _second_stream(self, tower: Tower) -> str | None:
        """The first layer that reads another tower's output beside its own input (cross-attention)."""
        for kind in (kind for stack in runs_of(self._architecture, tower) for kind in stack.kinds):
            graph = self._architecture.block(kind.block)
            if graph and sum(node.role == "input" for node in graph.nodes) > 1:
                return self._block_ids.get(f"kind:{kind.id}")
        return None

    def _tie(self, tower: Tower) -> None:
        """An edge from the embedding to the head that shares its matrix."""
        owners = {alias.rpartition(".")[0]: name.rpartition(".")[0] for alias, name in self._tied().items()}
        nodes = [item.node for item in tower.column if item.node]
        by_module = {node.module: node for node in nodes if node.module}
        for alias, owner in owners.items():
            if alias in by_module and owner in by_module:
                ends = (self._block_ids.get(f"node:{by_module[end].id}") for end in (owner, alias))
                source, target = ends
                if source and target:
                    self._connect(source, target, "tied weights")

    def _tied(self) -> dict[str, str]:
        return self._architecture.parameters.tied

    def _unit(self, unit: PatternUnit, tower: Tower, several: bool) -> list[DiagramBlock]:
        blocks = [self._layer_block(layer, tower.id if several else "") for layer in unit.layers]
        if unit.times > 1 and len(blocks) > 1:
            self._connect(blocks[-1].id or "", blocks[0].id or "", f"{unit.times} ×")
        return blocks

    def _layer_block(self, layer: UnitLayer, tower: str) -> DiagramBlock:
        name = self._id(tower, f"layer_{layer.number}")
        self._block_ids.setdefault(f"kind:{layer.kind.id}", name)
        graph = self._architecture.block(layer.kind.block)
        steps = [_step(node) for node in graph.nodes if node.role not in ("input", "output")] if graph else []
        lines = [f"{number}. {step}" for number, step in enumerate(steps, start=1)]
        each = " each" if layer.times > 1 else ""
        lines += [f"{line}{each}" for line in _count_line(layer.kind.parameters)]
        times = f" ({layer.times} ×)" if layer.times > 1 else ""
        return _block(
            f"{layer.numbers}{times}: {layer.kind.title}",
            lines,
            _kind_of_layer(layer.kind, graph),
            name,
            status=graph.status if graph else "unverified",
            evidence=layer.kind.evidence,
        )

    def _node_block(self, node: BlockNode, tower: str, joined: Sequence[str]) -> DiagramBlock:
        name = self._id(tower, node.id)
        self._block_ids.setdefault(f"node:{node.id}", name)
        return _block(
            node_name(node),
            [*node.details, *joined, *_count_line(node.parameters)],
            role_kind(node.role),
            name,
            status=node.status,
            evidence=node.evidence,
        )

    def _details(self) -> None:
        """Stages for the inside of each layer kind, then of each mixer and feed-forward."""
        inner: dict[str, str] = {}
        for stack in self._architecture.layers:
            for kind in stack.kinds:
                self._layer_detail(stack, kind, inner)
        done: set[str] = set()
        while todo := [graph_id for graph_id in inner if graph_id not in done]:
            done.add(todo[0])
            graph = self._architecture.block(todo[0])
            if graph and graph.nodes:
                names = self._graph_stage(graph, f"Inside {graph.title}", inner[todo[0]])
                for graph_id, node in zooms(graph).items():
                    inner.setdefault(graph_id, names[node])

    def _layer_detail(self, stack: LayerStack, kind: LayerKind, inner: dict[str, str]) -> None:
        graph = self._architecture.block(kind.block)
        owner = self._block_ids.get(f"kind:{kind.id}")
        if graph is None or not graph.nodes or owner is None:
            return
        several = len(self._architecture.layers) > 1
        title = f"Inside a layer: {kind.title}" + (f" ({stack.path})" if several else "")
        names = self._graph_stage(graph, title, owner)
        for graph_id, node in zooms(graph, kind).items():
            inner.setdefault(graph_id, names[node])

    def _graph_stage(self, graph: BlockGraph, title: str, owner: str) -> dict[str, str]:
        """A stage for the inside of a graph; returns node id → block id.

        Steps in a row are blocks in a row.  Where the flow branches, blocks in a row would state connections that the code does
        not have, so the steps stand in one block, each with what it reads.
        """
        groups = group_by_depth(graph)
        if any(len(group) > 1 for group in groups):
            name = self._id(graph.id, "steps")
            self._add(title, [_steps_block(graph, title, name)], detail_of=owner)
            return {node.id: name for node in graph.nodes}
        names: dict[str, str] = {}
        blocks = []
        for (node,) in groups:
            name = names[node.id] = self._id(graph.id, node.id)
            kind = block_kind(title) if node.role == "recurrence_core" else role_kind(node.role)
            lines = [*node.details, *_count_line(node.parameters)]
            blocks.append(_block(node_name(node), lines, kind, name, status=node.status, evidence=node.evidence))
        self._add(title, blocks, detail_of=owner)
        for source, target, label in skipping_edges(graph, groups):
            self._connect(names[source], names[target], safe(label) if label else None)
        return names


def _steps_block(graph: BlockGraph, title: str, name: str) -> DiagramBlock:
    """Every step of a branching flow, in order of execution, with the steps that it reads."""
    labels = _told_apart(graph)
    lines = []
    for node in graph.nodes:
        sources = [labels[edge.source] for edge in graph.edges if edge.target == node.id]
        step = f"{labels[node.id]}: {', '.join(node.details)}" if node.details else labels[node.id]
        lines.append(f"{step} ← {' and '.join(sources)}" if sources else step)
    kinds = {role_kind(node.role) for node in graph.nodes}
    telling: BlockKind = next((kind for kind in _MOST_TELLING if kind in kinds), "other")
    named = block_kind(graph.title)
    kind = telling if named == "other" else named
    evidence = [item for node in graph.nodes for item in node.evidence]
    return _block(graph.title, lines, kind, name, status=graph.status, evidence=evidence)


def _told_apart(graph: BlockGraph) -> dict[str, str]:
    """What each node is called; those that share a label are told apart by their name in the code, else by number."""
    by_label: dict[str, list[BlockNode]] = {}
    for node in graph.nodes:
        by_label.setdefault(node_name(node), []).append(node)
    labels: dict[str, str] = {}
    for label, nodes in by_label.items():
        codes = {node.code_name for node in nodes} - {None, label}
        for number, node in enumerate(nodes, start=1):
            apart = node.code_name if len(codes) == len(nodes) else str(number)
            labels[node.id] = f"{label} ({apart})" if len(nodes) > 1 else label
    return labels


def _kind_of_layer(kind: LayerKind, graph: BlockGraph | None) -> BlockKind:
    mixer = next((node for node in graph.nodes if node.role in MIXER_ROLES), None) if graph else None
    if mixer:
        return role_kind(mixer.role)
    fed_forward = kind.feed_forward_kind or (
        graph is not None and any(role_kind(node.role) == "feed_forward" for node in graph.nodes)
    )
    return "feed_forward" if fed_forward else "other"


def _step(node: BlockNode) -> str:
    called = node_name(node)
    name = f" ({node.code_name})" if node.code_name and node.code_name != called else ""
    details = f": {', '.join(node.details)}" if node.details else ""
    return f"{called}{name}{details}"


def _block(
    label: str, lines: Iterable[str], kind: BlockKind, name: str, *, status: Status, evidence: Sequence[Evidence]
) -> DiagramBlock:
    """A block; its colour is written only where its type alone would give another."""
    text = safe(label)
    colour = DEFAULT_COLOURS[kind]
    places = list(dict.fromkeys(item.where for item in evidence))
    more = f" and {len(places) - _MOST_SOURCES} more" if len(places) > _MOST_SOURCES else ""
    return DiagramBlock(
        type=text,
        details=safe("\n".join(lines), blank=""),
        id=name,
        color=None if default_colour(text) == colour else colour,
        status=status,
        source=safe(", ".join(places[:_MOST_SOURCES]) + more) if places else None,
    )


def _module_block(architecture: Architecture) -> DiagramBlock:
    names = [f"{child.name}: {child.class_name} × {child.count}" for child in architecture.modules.children]
    return _block(architecture.identity.class_name, names, "other", "model", status="unverified", evidence=())


def _count_line(parameters: int) -> list[str]:
    return [f"{parameters:,} parameters"] if parameters else []


def _source(architecture: Architecture) -> str:
    identity = architecture.identity
    parts = [identity.url or identity.id, f"class {identity.class_name}", identity.code, identity.revision]
    return ", ".join(part for part in parts if part)


def _references(architecture: Architecture) -> dict[str, str]:
    identity = architecture.identity
    links = {"model": identity.url} if identity.url else {}
    return {safe(key): safe(url) for key, url in {**links, **identity.links}.items()}


def _configuration(architecture: Architecture) -> dict[str, int | float | str | bool]:
    """The facts; of several with one key, such as remarks, each after the first has a number."""
    kinds = {
        word for stack in architecture.layers for kind in stack.kinds
        for word in (kind.id, kind.mixer_kind, kind.feed_forward_kind) if word
    }  # fmt: skip
    rows: dict[str, int | float | str | bool] = {}
    for fact in architecture.facts:
        by_kind = isinstance(fact.value, dict) and kinds.issuperset(fact.value)
        value = _of_kinds(fact.value) if by_kind and isinstance(fact.value, dict) else fact.value
        rows[free_name(safe(fact.key), rows)] = _plain(value, fact.unit)
    return rows


def _of_kinds(values: dict[str, Any]) -> str:
    """A value for each kind of layer, as `verify --against` reads it: `sliding_attention: 128; full_attention: none`."""
    return "; ".join(f"{kind}: {value_words(value)}" for kind, value in values.items())


def _plain(value: object, unit: str | None) -> int | float | str | bool:
    if isinstance(value, bool | int | float) and not unit:
        return value
    shown = value_words(value)
    return safe(f"{shown} {unit}" if unit else shown, blank="")


def safe(text: str, blank: str = "(no name)") -> str:
    """A text that a diagram config may hold: without control characters, not too long, `blank` for nothing."""
    clean = FORBIDDEN.sub("\ufffd", text)
    clean = clean if len(clean) <= MAX_TEXT else f"{clean[: MAX_TEXT - 1]}…"
    return clean if clean.strip() else blank
