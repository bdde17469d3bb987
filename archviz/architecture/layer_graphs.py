"""Graphs of layers and of their parts, from the trace; from the module tree where there is no trace."""

from __future__ import annotations

import re
from collections.abc import Callable

from archviz.architecture.branch_scales import label_branch_scales
from archviz.architecture.compressor_graphs import complete_compressor, is_followed
from archviz.architecture.context import Context
from archviz.architecture.expert_graph import expert_graph
from archviz.architecture.graphs import write_graph
from archviz.architecture.kinds import Stack
from archviz.architecture.labels import Label, part_label, spared_details
from archviz.architecture.model import IDLE, BlockGraph
from archviz.architecture.naming import Kind, feed_word, main_mixer, mixer_word
from archviz.architecture.outline import outline_layer, outline_part
from archviz.architecture.roles import Roles, part_role
from archviz.architecture.rope_settings import rope_settings
from archviz.architecture.rotations import part_rotations
from archviz.interpreter.reading import Event
from archviz.patterns.attention import Attention
from archviz.patterns.flow import Flow, FlowNode, build_flow, renumber
from archviz.patterns.layer_parts import Part
from archviz.patterns.moe import MixtureOfExperts
from archviz.patterns.norms import FunctionalNorm, functional_norm
from archviz.patterns.op_families import SPLITS, activation_of
from archviz.patterns.position_mixers import PositionMixer
from archviz.patterns.regions import group_calls, group_choice, group_cores, limit_nodes, merge
from archviz.patterns.residual import is_parallel, norm_placement
from archviz.patterns.rope import detect_rope
from archviz.records import field, record, replace

INNER_LIMIT = 18  # boxes of a graph besides its output
LAYER_LIMIT = 23


@record
class GraphBook:
    """All graphs of a document, each content once.

    Args:
        graphs: By id, in order of making; `placement` the norm placement of each layer kind by graph id, `norm_functions` the first of
            its norms that are no module.
    """

    context: Context
    roles: Roles
    graphs: dict[str, BlockGraph] = field(default_factory=dict)
    placement: dict[str, str | None] = field(default_factory=dict)
    parallel: dict[str, bool] = field(default_factory=dict)
    norm_functions: dict[str, FunctionalNorm] = field(default_factory=dict)
    _ids: dict[str, str] = field(default_factory=dict)  # content → id

    def add_layer(self, stack: Stack, kind: Kind, tower: str) -> tuple[str, str | None, str | None]:
        """Ids of a kind's own graph, of its mixer's and of its feed-forward's."""
        zooms: dict[str, str] = {}
        flow = self._layer_flow(kind, set())
        names = _own_names(kind)
        for part in (*kind.parts.mixers, *kind.parts.feeds):
            word = mixer_word(part.what)[0] if part in kind.parts.mixers else feed_word(part.what)[0]
            graph = self._part_graph(
                stack, kind, part, flow, f"{tower}/{names.get(id(part), word)}", _title(kind, part)
            )
            if graph is not None:
                zooms[part.paths[0]] = zooms[part.name] = graph.id
        layer_id = f"{tower}/layer/{kind.id}"
        if flow is not None:
            self._write_layer(kind, flow, layer_id, zooms)
        else:
            self.graphs[layer_id] = outline_layer(self.context, self.roles, kind, layer_id, zooms)
        mixer, feed = main_mixer(kind.parts), kind.parts.feeds[0] if kind.parts.feeds else None
        return layer_id, zooms.get(mixer.paths[0]) if mixer else None, zooms[feed.paths[0]] if feed else None

    def _layer_flow(self, kind: Kind, opened: set[str]) -> Flow | None:
        """The data flow of a kind's example; wrappers, and the parts that are to be opened, are looked into."""
        call = self.context.trace.call(kind.example.path)
        if call is None or not self.context.trace.children(call):
            return None
        parts = {path for part in (*kind.parts.mixers, *kind.parts.feeds) for path in part.paths}
        wrappers = (set(kind.parts.wrappers) - parts) | opened
        inner = keep_inner(self.context)

        def keep(event: Event) -> bool:
            if event.kind == "call":
                return event.module not in wrappers
            return (bool(opened) and inner(event)) or functional_norm(event, self.context.trace) is not None

        flow = build_flow(self.context.trace, call, keep)
        # A layer whose own flow was not followed to its end is drawn from the module tree instead.
        return flow if flow.output is not None and len(flow.nodes) > 1 and flow.inputs else None

    def _write_layer(self, kind: Kind, flow: Flow, layer_id: str, zooms: dict[str, str]) -> None:
        expose_hidden_residuals(self.context, flow, keep_inner(self.context))
        labels: dict[int, Label] = {}
        branches: dict[int, str] = {}
        idle: list[Part] = []
        for part in (*kind.parts.mixers, *kind.parts.feeds):
            node = self._collapse(flow, part)
            if node is None:
                idle += [part] if self.context.trace.whole and not self._is_called(part) else []
                continue
            role = part_role(part.what)
            label = part_label(part.what, role)
            spared = (
                spared_details(self.context, self.context.modules[part.paths[0]]) if part in kind.parts.mixers else []
            )
            labels[node] = replace(label, text=_title(kind, part), details=[*label.details, *spared])
            branches[node] = "mixer" if part in kind.parts.mixers else "feed"
        norms = {n.id for n in flow.nodes.values() if n.module in kind.parts.norms}
        for step in flow.nodes.values():
            norm = functional_norm(step.events[0], self.context.trace) if step.kind in ("op", "function") else None
            if norm is not None and not norm.weighted:
                norms.add(step.id)
                self.norm_functions.setdefault(layer_id, norm)
        self.placement[layer_id] = (
            None if _normed_inside(kind, flow, norms) else norm_placement(flow, norms, set(branches))
        )
        self.parallel[layer_id] = is_parallel(flow, branches)
        labels |= label_branch_scales(self.context, flow, kind.example.path)
        lost = limit_nodes(flow, LAYER_LIMIT, labels)
        graph = write_graph(
            self.context, self.roles, flow, graph_id=layer_id, title=kind.title, path=kind.example.path,
            zooms=zooms, labels=labels, residuals=True,
        )  # fmt: skip
        graph.notes += ["Some steps are drawn as one."] if lost else []
        graph.notes += [f"{_title(kind, part)} ({part.paths[0].rpartition('.')[2]}) {IDLE}." for part in idle]
        self.graphs[layer_id] = graph

    def _collapse(self, flow: Flow, part: Part) -> int | None:
        """The one node of a part in the layer's flow; loose projections are contracted."""
        region = {n.id for n in flow.nodes.values() if n.kind == "call" and n.module in part.paths}
        whole = with_between(flow, region)
        if self._is_spelt_out(part) or all(flow.nodes[each].kind in ("op", "function") for each in whole - region):
            region = whole  # the activation between two projections may be a function
        if len(region) <= 1:
            return next(iter(region), None)
        return merge(flow, region, part.name, module=part.paths[0])

    def _is_called(self, part: Part) -> bool:
        """Whether the pass calls any module of a part, also where its steps are not next to each other and stay apart."""
        return any(self.context.trace.call(path) for path in part.paths)

    def _is_spelt_out(self, part: Part) -> bool:
        """Whether a layer computes an attention in its own steps, between projections of its own."""
        first = self.context.modules[part.paths[0]]
        return isinstance(part.what, Attention) and len(part.paths) > 1 and not first.children

    def _part_graph(
        self, stack: Stack, kind: Kind, part: Part, flow: Flow | None, graph_id: str, title: str
    ) -> BlockGraph | None:
        """The inside of a part; None of one that is a single step, such as a convolution."""
        graph = self._traced_part(part, flow, graph_id, title, kind)
        if graph is None and isinstance(part.what, PositionMixer):
            return None
        if graph is None:
            graph = outline_part(self.context, self.roles, kind, part, graph_id, title)
        if isinstance(part.what, MixtureOfExperts) and part.what.top_k:
            zero = f", {part.what.zero} of them zero experts without weights" if part.what.zero else ""
            graph.notes.append(f"{part.what.top_k} of {part.what.choices} experts per token{zero}")
        if isinstance(part.what, MixtureOfExperts):
            self._open_expert(graph, part.what)
        if part in kind.parts.mixers:
            self._open_compressors(graph)
            self._say_turned(graph, stack, kind, part)
        return self._filed(graph)

    def _say_turned(self, graph: BlockGraph, stack: Stack, kind: Kind, part: Part) -> None:
        """Let rotations whose frequencies are partly zero say how many dimensions they turn: `128 of 512 dims`."""
        for box in graph.nodes:
            width = re.fullmatch(r"(\d+) dims", box.details[0]) if box.role == "rope" and box.details else None
            if width is None:
                continue
            settings = rope_settings(self.context, stack, kind, self.context.modules[part.paths[0]])
            turned = settings.turned(int(width[1]))
            box.details[0] = f"{turned} of {width[1]} dims" if turned else box.details[0]

    def _open_compressors(self, graph: BlockGraph) -> None:
        """Let boxes of what an attention pools and chooses with zoom into their inside, as far as the pass went into it."""
        for box in graph.nodes:
            path = f"{graph.module}.{box.module}"
            module = self.context.modules.get(path) if box.module else None  # "" is the whole model
            call = self.context.trace.call(path) if module else None
            if module is None or call is None or box.zoom or not spared_details(self.context, module):
                continue
            if not is_followed(call, module):
                continue  # shorter than what becomes one position: nothing was pooled
            inside = self._module_graph(call, path, f"{graph.id}/{module.name}")
            if inside is not None:
                complete_compressor(self.context, inside, call)
                self._open_compressors(inside)
                box.zoom = self._filed(inside).id

    def _module_graph(self, call: Event, path: str, graph_id: str) -> BlockGraph | None:
        """The inside of a module that is no mixer or feed-forward itself."""
        inner = build_flow(self.context.trace, call, keep_inner(self.context))
        if inner.output is None or len(inner.nodes) < 3:
            return None
        _drop_whole_splits(inner)
        part_rotations(self.context, inner)
        lost = limit_nodes(inner, INNER_LIMIT)
        title = self.context.modules[path].name.capitalize()
        graph = write_graph(self.context, self.roles, inner, graph_id=graph_id, title=title, path=path)
        graph.notes += ["Some steps are drawn as one."] if lost else []
        return graph

    def _open_expert(self, graph: BlockGraph, what: MixtureOfExperts) -> None:
        """Let the box of the experts zoom into one of them."""
        box = next((node for node in graph.nodes if node.role == "experts"), None)
        inside = expert_graph(self.context, self.roles, what, f"{graph.id}/expert", keep_inner(self.context))
        if box is not None and inside is not None:
            box.zoom = self._filed(inside).id

    def _filed(self, graph: BlockGraph) -> BlockGraph:
        """The graph of equal content that is there already, or this one under a free id."""
        content = replace(graph, id="", module="").to_json()
        if content in self._ids:
            return self.graphs[self._ids[content]]
        number, wanted = 2, graph.id
        while graph.id in self.graphs:
            graph.id, number = f"{wanted}~{number}", number + 1
        self.graphs[graph.id] = graph
        self._ids[content] = graph.id
        return graph

    def _traced_part(self, part: Part, flow: Flow | None, graph_id: str, title: str, kind: Kind) -> BlockGraph | None:
        context = self.context
        if len(part.paths) > 1:
            # A mixer whose output projection stands beside it is opened within the layer.
            opened = {p for p in part.paths if context.modules[p].children} if part in kind.parts.mixers else set()
            around = self._layer_flow(kind, opened) if opened else flow
            # Loose projections may meet only in steps of the layer between them.
            ways = (True,) if self._is_spelt_out(part) else (False, True)
            cuts = (cut_out(around, set(part.paths), between=way) for way in ways) if around is not None else ()
            inner = next((cut for cut in cuts if cut is not None and len(cut.nodes) > 2), None)
            path = kind.example.path
        else:
            call = context.trace.call(part.paths[0])
            inner = (
                build_flow(context.trace, call, keep_inner(context)) if call and context.trace.children(call) else None
            )
            path = part.paths[0]
        if inner is None or inner.output is None or len(inner.nodes) < 3:
            return None
        _drop_whole_splits(inner)
        if isinstance(part.what, MixtureOfExperts):
            group_calls(inner, part.what.experts, "experts")
            group_choice(inner, part.what.choices, part.what.top_k)
        elif part in kind.parts.mixers:
            part_rotations(context, inner)
            group_cores(inner, context.trace, [t.shape for t in context.modules[path].parameters.values()])
        lost = limit_nodes(inner, INNER_LIMIT)
        graph = write_graph(
            context,
            self.roles,
            inner,
            graph_id=graph_id,
            title=title,
            path=path,
            owner=part.what,
            whole=len(part.paths) == 1,
        )
        if len(part.paths) > 1:
            graph.parameters = sum(context.parameters(p) for p in part.paths)
        graph.notes += ["Some steps are drawn as one."] if lost else []
        return graph


def _normed_inside(kind: Kind, flow: Flow, norms: set[int]) -> bool:
    """Whether a norm reads a mixer without attention and leads on inside of its branch, as between ConvNeXt's convolution and projections."""
    plain = {path for part in kind.parts.mixers if isinstance(part.what, PositionMixer) for path in part.paths}
    inside = {n for n in norms if any(flow.nodes[source].module in plain for source, _ in flow.nodes[n].sources)}
    return any(source in inside and node.name != "add" for node in flow.nodes.values() for source, _ in node.sources)


def _own_names(kind: Kind) -> dict[int, str]:
    """Names for the graphs of a kind's parts: the kind's own words where it has one mixer or feed-forward."""
    names: dict[int, str] = {}
    if len(kind.parts.mixers) == 1 and kind.mixer_kind:
        names[id(kind.parts.mixers[0])] = kind.mixer_kind
    if len(kind.parts.feeds) == 1 and kind.feed_kind:
        names[id(kind.parts.feeds[0])] = kind.feed_kind
    return names


def _title(kind: Kind, part: Part) -> str:
    """The title of a part within its kind, where the kind has told it apart from others."""
    if part in kind.parts.mixers:
        return kind.mixer_title if len(kind.parts.mixers) == 1 else mixer_word(part.what)[1]
    return kind.feed_title if len(kind.parts.feeds) == 1 else feed_word(part.what)[1]


def keep_inner(context: Context) -> Callable[[Event], bool]:
    """Which events inside a part are one step: submodules but plain sequences, rotations, norms and activations."""

    def keep(event: Event) -> bool:
        if event.kind == "call":
            module = context.modules.get(event.module)
            return module is None or not (module.library or "").endswith(("Sequential", "ModuleList"))
        name = event.name.lower()
        named = "norm" in name or activation_of(event.name) is not None
        return named or detect_rope(event, context.trace) is not None

    return keep


def with_between(flow: Flow, region: set[int]) -> set[int]:
    """Some steps of a flow, and those on a way from one of them to another."""
    before = flow.ancestors()
    leading = {each for member in region for each in before[member]}
    return region | {each for each in leading if not region.isdisjoint(before[each])}


def cut_out(flow: Flow, paths: set[str], *, between: bool = False) -> Flow | None:
    """The part of a layer's flow that some of its submodules make up, with what enters as inputs.

    Args:
        between: The layer's own steps between them belong to it too.
    """
    own = {
        n.id for n in flow.nodes.values()
        if n.kind != "input" and any((n.module + ".").startswith(path + ".") for path in paths)
    }  # fmt: skip
    own = with_between(flow, own) if between else own
    region = {each: node for each, node in flow.nodes.items() if each in own}
    if not region:
        return None
    outside = dict.fromkeys(s for n in region.values() for s, _ in n.sources if s not in region)
    inputs = [
        replace(
            flow.nodes[i], kind="input", name="input", events=[], sources=[], parts={}, shape_in=flow.nodes[i].shape_out
        )
        for i in outside
    ]
    copies = [replace(node, events=list(node.events), sources=list(node.sources)) for node in region.values()]
    cut = Flow({n.id: n for n in (*inputs, *copies)}, [n.id for n in inputs], copies[-1].id)
    alive = cut.ancestors()[copies[-1].id] | {copies[-1].id}
    cut.nodes = {i: node for i, node in cut.nodes.items() if i in alive}
    cut.inputs = [i for i in cut.inputs if i in alive]
    return cut if cut.inputs else None


def _drop_whole_splits(flow: Flow) -> None:
    """Leave out splits whose only part is the whole, as of a sequence into one image: nothing is parted."""
    for node in list(flow.nodes.values()):
        parts = [v.shape for event in node.events for v in event.outputs if v.id in node.parts]
        if node.name not in SPLITS or len(node.sources) != 1 or parts != [node.shape_in] or flow.output == node.id:
            continue
        del flow.nodes[node.id]
        for other in flow.nodes.values():
            other.sources = [
                node.sources[0] if source == node.id else (source, value) for source, value in other.sources
            ]


def expose_hidden_residuals(context: Context, flow: Flow, keep: Callable[[Event], bool]) -> None:
    """Draw a skip connection in the layer that a submodule is handed and adds by itself (BLOOM)."""
    for node in list(flow.nodes.values()):
        if node.kind != "call" or len(node.sources) < 2 or len(node.events) != 1:
            continue
        inner = build_flow(context.trace, node.events[0], keep)
        last = inner.nodes.get(inner.output) if inner.output is not None else None
        if last is None or last.kind != "op" or last.name != "add":
            continue
        entering = {inner.nodes[i].id for i in inner.inputs}
        handed = [value for source, value in last.sources if source in entering]
        skipped = [(source, value) for source, value in node.sources[1:] if value in handed]
        if len(skipped) == 1:
            _add_after(flow, node, skipped[0], last.events)


def _add_after(flow: Flow, node: FlowNode, skipped: tuple[int, int], events: list[Event]) -> None:
    node.sources.remove(skipped)
    added = FlowNode(
        max(flow.nodes) + 1, "op", "add", node.module, list(events), shape_in=node.shape_out, shape_out=node.shape_out
    )
    for other in flow.nodes.values():
        other.sources = [(added.id if source == node.id else source, value) for source, value in other.sources]
    added.sources = [skipped, (node.id, -1)]
    if flow.output == node.id:
        flow.output = added.id
    flow.nodes[added.id] = added
    flow.nodes = renumber(flow.nodes.values())
