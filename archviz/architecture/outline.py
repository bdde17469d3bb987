"""Graphs without a trace: the order of steps is taken from the module tree, and the graphs say so (`derived`)."""

from __future__ import annotations

import re

from archviz.architecture.context import Context, code
from archviz.architecture.labels import Label, attention_details, moe_label, part_label
from archviz.architecture.model import BlockEdge, BlockGraph, BlockNode, Role
from archviz.architecture.naming import Kind
from archviz.architecture.roles import Roles, part_role
from archviz.free_names import free_name
from archviz.interpreter.reading import ModuleRecord
from archviz.patterns.attention import Attention
from archviz.patterns.attention_projections import find_projections
from archviz.patterns.feed_forward import FeedForward, projections_of
from archviz.patterns.layer_parts import Part
from archviz.patterns.linears import linear_sizes
from archviz.patterns.moe import MixtureOfExperts
from archviz.patterns.norms import detect_norm
from archviz.patterns.op_families import activation_of
from archviz.patterns.recurrences import Recurrence
from archviz.records import field, record

NOTE = "The forward pass was not traced: order and connections are derived from the module tree."


@record
class _Sketch:
    """A graph in the making."""

    context: Context
    base: str
    nodes: list[BlockNode] = field(default_factory=list)
    edges: list[BlockEdge] = field(default_factory=list)

    def add(self, label: Label, *sources: str, module: ModuleRecord | None = None, count: int | None = None) -> str:
        """Add a box that reads from some others; returns its id."""
        relative = module.path[len(self.base) :].lstrip(".") if module is not None else None
        stem = re.sub(r"\W+", "_", relative or label.role)
        taken = {node.id for node in self.nodes}
        name = free_name(stem, taken)
        self.nodes.append(
            BlockNode(
                id=name, role=label.role, label=label.text, details=label.details, code_name=relative, module=relative,
                parameters=count if count is not None else self.context.parameters(module.path) if module else 0,
                status="derived", evidence=code(module.created_at or module.defined_at) if module else [],
            )
        )  # fmt: skip
        self.edges += [BlockEdge(source=source, target=name) for source in dict.fromkeys(sources)]
        return name

    def residual(self, stream: str, branch: str) -> str:
        """Join a branch to the stream by a skip connection."""
        joined = self.add(Label("residual_add", "+"), stream, branch)
        for edge in self.edges:
            if edge.target == joined and edge.source == stream:
                edge.residual = True
        return joined

    def graph(self, graph_id: str, title: str, path: str, parameters: int) -> BlockGraph:
        module = self.context.modules[path]
        return BlockGraph(
            id=graph_id, title=title, module=path, class_name=module.class_name, nodes=self.nodes, edges=self.edges,
            parameters=parameters, notes=[NOTE], status="derived", evidence=code(module.defined_at),
        )  # fmt: skip


def outline_layer(context: Context, roles: Roles, kind: Kind, graph_id: str, zooms: dict[str, str]) -> BlockGraph:
    """A layer from its parts and norms: norms stand before, after or around a part as their names and number say."""
    sketch = _Sketch(context, kind.example.path)
    stream = sketch.add(Label("input", "Input"))
    before, after, closing = _norm_places(kind)
    if _reads_together(kind, before, after):
        stream = _parallel(sketch, kind, zooms, stream, before)
    else:
        parts = [*kind.parts.mixers, *kind.parts.feeds]
        for number, part in enumerate(parts):
            branch = stream
            branch = _norm(sketch, context, before.get(number), branch)
            branch = _part(sketch, context, part, branch, zooms)
            branch = _norm(sketch, context, after.get(number), branch)
            stream = sketch.residual(stream, branch)
            stream = _norm(sketch, context, closing.get(number), stream)
    sketch.add(Label("output", "Output"), stream)
    return sketch.graph(graph_id, kind.title, kind.example.path, context.parameters(kind.example.path))


def _parallel(sketch: _Sketch, kind: Kind, zooms: dict[str, str], stream: str, before: dict[int, str]) -> str:
    """Mixer and feed-forward read one norm."""
    normed = _norm(sketch, sketch.context, before.get(0), stream)
    for part in (*kind.parts.mixers, *kind.parts.feeds):
        stream = sketch.residual(stream, _part(sketch, sketch.context, part, normed, zooms))
    return stream


def _reads_together(kind: Kind, before: dict[int, str], after: dict[int, str]) -> bool:
    return (
        len(kind.parts.mixers) + len(kind.parts.feeds) == 2
        and len(before) == 1
        and not after
        and len(kind.parts.norms) == 1
    )


def _norm_places(kind: Kind) -> tuple[dict[int, str], dict[int, str], dict[int, str]]:
    """For each part the norm before it, after it inside the residual, and after the sum."""
    norms = list(kind.parts.norms)
    names = [path.rpartition(".")[2] for path in norms]
    parts = len(kind.parts.mixers) + len(kind.parts.feeds)
    order = _execution_order(norms, names)
    if len(norms) == 2 * parts:  # one before and one after each
        return dict(enumerate(order[0::2])), dict(enumerate(order[1::2])), {}
    if len(norms) == parts and all(re.search(r"^post|_post|LayerNorm$", name) for name in names) and parts > 1:
        inside = [path for path in order if not path.endswith("LayerNorm")]
        return {}, dict(enumerate(inside)), {i: p for i, p in enumerate(order) if p.endswith("LayerNorm")}
    return dict(enumerate(order[:parts])), {}, {}


def _execution_order(norms: list[str], names: list[str]) -> list[str]:
    """Registration order, but `post_attention` norms before `pre_feedforward` ones and those before the last."""
    if len(norms) == 4:
        rank = {
            "input": 0,
            "post_attention": 1,
            "pre_feedforward": 2,
            "pre_mlp": 2,
            "post_feedforward": 3,
            "post_mlp": 3,
        }
        ranks = [next((r for key, r in rank.items() if key in name), None) for name in names]
        if None not in ranks:
            return [path for _, path in sorted(zip(ranks, norms, strict=True), key=lambda pair: pair[0] or 0)]
    return norms


def _norm(sketch: _Sketch, context: Context, path: str | None, source: str) -> str:
    if path is None:
        return source
    norm = detect_norm(context.modules[path], context.trace)
    return sketch.add(Label("norm", norm.kind if norm else "Norm"), source, module=context.modules[path])


def _part(sketch: _Sketch, context: Context, part: Part, source: str, zooms: dict[str, str]) -> str:
    count = sum(context.parameters(path) for path in part.paths)
    name = sketch.add(
        part_label(part.what, part_role(part.what)), source, module=context.modules[part.paths[0]], count=count
    )
    sketch.nodes[-1].zoom = zooms.get(part.paths[0])
    return name


def outline_part(context: Context, roles: Roles, kind: Kind, part: Part, graph_id: str, title: str) -> BlockGraph:
    """The inside of a mixer or feed-forward, from its submodules."""
    single = len(part.paths) == 1
    path = part.paths[0] if single else kind.example.path
    sketch = _Sketch(context, path)
    source = sketch.add(Label("input", "Input"))
    modules = list(context.modules[path].children.values()) if single else [context.modules[p] for p in part.paths]
    if isinstance(part.what, Attention):
        result = _attention(sketch, context, part, source)
    elif isinstance(part.what, MixtureOfExperts):
        result = _mixture(sketch, context, part.what, source)
    elif isinstance(part.what, FeedForward):
        linears = projections_of(context.modules[path]) if single else [m for m in modules if linear_sizes(m)]
        result = _feed_forward(sketch, part.what, linears, source)
    else:
        assert isinstance(part.what, Recurrence)
        result = _recurrence(sketch, context, part.what, modules, source)
    sketch.add(Label("output", "Output"), result)
    return sketch.graph(graph_id, title, path, sum(context.parameters(p) for p in part.paths))


def _projection(
    sketch: _Sketch, module: ModuleRecord, *sources: str, out: str | None = None, name: str | None = None
) -> str:
    sizes = linear_sizes(module)
    details = [f"{sizes[0]} → {out or sizes[1]}"] if sizes else []
    return sketch.add(Label("projection", name or module.name, details), *sources, module=module)


def _heads(count: int | None, width: int | None, out: int) -> str:
    """`16384` as `2 × 32 × 256` when it is a multiple of whole heads."""
    if not count or not width or out % (count * width):
        return str(out)
    factor = out // (count * width)
    return " × ".join(str(n) for n in (factor, count, width) if n != 1)


def _attention(sketch: _Sketch, context: Context, part: Part, source: str) -> str:
    what = part.what
    assert isinstance(what, Attention)
    module = context.modules[part.paths[0]]
    projections = find_projections(module, context.trace)
    last = projections.get("o") or (context.modules[part.paths[1]] if len(part.paths) > 1 else None)
    inward = {name: child for name, child in projections.items() if child is not last}
    # Low-rank compressions, and output projections in two steps, have names of their own.
    further = [
        c for c in module.children.values() if linear_sizes(c) and c is not last and c not in projections.values()
    ]
    out_width = (what.heads or 0) * (what.value_dim or 0)
    leading_out = [
        c for c in further if last is not None and _widths(c)[1] == _widths(last)[0] and _widths(c)[0] == out_width
    ]
    compressed = {c.name: _projection(sketch, c, source) for c in further if c not in leading_out}
    heads = [_head(sketch, context, part, name, child, compressed, source) for name, child in inward.items()]
    if what.rope is not None or what.positions == "rope":
        heads = [sketch.add(Label("rope", "RoPE"), head) if place < 2 else head for place, head in enumerate(heads)]
    read = {edge.source for edge in sketch.edges}
    loose = [name for name in compressed.values() if name not in read]
    core = sketch.add(
        Label("attention_core", "Scaled dot-product attention", attention_details(what)), *(heads or [source]), *loose
    )
    sketch.nodes[-1].parameters = context.own_parameters(module)
    for child in leading_out:
        core = _projection(sketch, child, core)
    return _projection(sketch, last, core) if last is not None else core


def _widths(module: ModuleRecord) -> tuple[int, int]:
    return linear_sizes(module) or (0, 0)


def _head(
    sketch: _Sketch,
    context: Context,
    part: Part,
    name: str,
    child: ModuleRecord,
    compressed: dict[str, str],
    source: str,
) -> str:
    """A projection to queries, keys or values, from the compression whose width it reads, with its norm."""
    what = part.what
    assert isinstance(what, Attention)
    outs = {"q": (what.heads, what.head_dim), "k": (what.kv_heads, what.head_dim), "v": (what.kv_heads, what.value_dim)}
    outs["qkv"] = outs["q"]
    module = context.modules[part.paths[0]]
    width, out = _widths(child)
    rope = module.attributes.get("qk_rope_head_dim")
    # A compressed key/value may carry the rotated part of the key beside it.
    fits = {width, width + rope} if isinstance(rope, int) else {width}
    feeds = [box for stem, box in compressed.items() if _widths(module.children[stem])[1] in fits]
    shown = _heads(*outs[name], out) if name in outs else str(out)
    return _with_norm(sketch, context, module, name, _projection(sketch, child, *(feeds or [source]), out=shown))


def _with_norm(sketch: _Sketch, context: Context, module: ModuleRecord, part: str, source: str) -> str:
    """The norm of queries or keys that follows their projection."""
    for child in module.children.values():
        norm = detect_norm(child, context.trace)
        if norm and re.search(
            rf"(^|_){part}(_|$|norm)|^{ {'q': 'query', 'k': 'key'}.get(part, part) }_", child.name.lower()
        ):
            return sketch.add(Label("qk_norm", norm.kind), source, module=child)
    return source


def _feed_forward(sketch: _Sketch, what: FeedForward, linears: list[ModuleRecord], source: str) -> str:
    down = next((m for m in reversed(linears) if (linear_sizes(m) or (0, 0))[0] == what.hidden), linears[-1])
    ups = [_projection(sketch, m, source) for m in linears if m is not down]
    if what.gated and len(ups) == 2:
        act = sketch.add(Label("activation", what.activation or "activation"), ups[0])
        middle = sketch.add(Label("multiply", "×"), act, ups[1])
    elif what.gated:
        split = sketch.add(Label("split", "split", [f"2 × {what.hidden}"]), ups[0])
        act = sketch.add(Label("activation", what.activation or "activation"), split)
        middle = sketch.add(Label("multiply", "×"), act, split)
    else:
        middle = sketch.add(Label("activation", what.activation or "activation"), *ups)
    return _projection(sketch, down, middle)


def _mixture(sketch: _Sketch, context: Context, what: MixtureOfExperts, source: str) -> str:
    router = (
        sketch.add(moe_label("router", what), source, module=context.modules[what.router]) if what.router else source
    )
    result = sketch.add(moe_label("experts", what), source, router, module=context.modules[what.experts])
    if what.shared is None:
        return result
    shared = sketch.add(moe_label("shared_expert", what), source, module=context.modules[what.shared])
    if what.shared_gate is not None:
        gate = _projection(sketch, context.modules[what.shared_gate], source)
        curve = activation_of(what.shared_gate_curve or "")
        gate = sketch.add(Label("activation", curve), gate) if curve else gate
        shared = sketch.add(Label("multiply", "×"), gate, shared)
    return sketch.add(Label("add", "+"), result, shared)


def _recurrence(sketch: _Sketch, context: Context, what: Recurrence, modules: list[ModuleRecord], source: str) -> str:
    """Projections in, convolution, core, norm, and the last projection out."""
    linears = [module for module in modules if linear_sizes(module)]
    named = [module for module in linears if re.search(r"(^|_)(o|out|output)(_|$)|^c_proj$", module.name)]
    last = next(reversed(named or linears), None)
    enter = [_projection(sketch, module, source) for module in linears if module is not last]
    for module in modules:
        if (module.library or "").rpartition(".")[2].startswith("Conv"):
            enter = [sketch.add(Label("convolution", "Conv1d"), *(enter[:1] or [source]), module=module), *enter[1:]]
    core = sketch.add(Label("recurrence_core", what.core), *(enter or [source]))
    owner = context.modules.get(sketch.base)
    sketch.nodes[-1].parameters = context.own_parameters(owner) if owner else 0
    for module in modules:
        norm = detect_norm(module, context.trace)
        if norm is not None:
            role: Role = "norm"
            core = sketch.add(Label(role, norm.kind), core, module=module)
    return _projection(sketch, last, core) if last is not None else core
