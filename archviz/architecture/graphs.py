"""From a contracted data flow to a `BlockGraph` of the document."""

from __future__ import annotations

import re
from itertools import groupby

from archviz.architecture.context import Context, code
from archviz.architecture.labels import (
    ARITHMETIC,
    LEARNED,
    UNSCALED,
    Label,
    label_node,
    part_sizes,
    product,
    projection_text,
)
from archviz.architecture.model import BlockEdge, BlockGraph, BlockNode, Evidence, Role
from archviz.architecture.own_tensors import tensors_read
from archviz.architecture.roles import Roles
from archviz.free_names import free_name
from archviz.interpreter.reading import ModuleRecord, TensorRecord
from archviz.interpreter.tower_passes import LONGER
from archviz.patterns.compression import pooled_positions
from archviz.patterns.flow import Flow, FlowNode, Shape
from archviz.patterns.linears import has_bias, linear_sizes
from archviz.patterns.op_families import CONTRACTIONS, JOINS, PLUMBING, SPLITS, canonical
from archviz.patterns.residual import find_residual_adds
from archviz.patterns.streams import detect_stream_mixer
from archviz.readings import DESCRIBED_SEQUENCE


def write_graph(
    context: Context, roles: Roles, flow: Flow, *, graph_id: str, title: str, path: str, owner: object = None,
    zooms: dict[str, str] | None = None, labels: dict[int, Label] | None = None, residuals: bool = False, whole: bool = True,
) -> BlockGraph:  # fmt: skip
    """The graph of one module (or layer).

    Args:
        path: The module whose inside it is.
        owner: Its description, for the labels of its core.
        zooms: Graph ids by module path or part name, for the boxes that can be opened.
        labels: Labels that are known already, by node id.
        residuals: Mark the additions that are skip connections.
        whole: The flow is all of the module, so that its own tensors are used in it.
    """
    skips = find_residual_adds(flow) if residuals else {}
    nodes: dict[int, BlockNode] = {}
    used: set[str] = set()
    counted: set[str] = set()
    length = _length(flow)
    batched = bool(flow.inputs) and len(flow.nodes[flow.inputs[0]].shape_out or ()) > 2
    for node in flow.nodes.values():
        label = (labels or {}).get(node.id) or label_node(context, roles, flow, node, owner)
        if node.id in skips:
            label = Label("residual_add", "+")
        nodes[node.id] = _block_node(context, node, label, path, used, length, batched)
        if node.name == "recurrence_core":
            _show_positions(context, node, nodes, length, batched)
        nodes[node.id].parameters = _uncounted(context, _called(context, node), path, counted) + label.parameters
        nodes[node.id].code_name = nodes[node.id].code_name or label.tensor
        _pool(context, node, nodes)
        nodes[node.id].zoom = _inside(node, zooms or {})
    module = context.modules[path]
    if whole:
        _give_own_parameters(context, flow, nodes, path, counted)
    edges = _edges(context, flow, nodes, skips)
    if flow.output is not None:
        out = BlockNode(
            id=_unique("output", used), role="output", label="Output", shape_out=nodes[flow.output].shape_out
        )
        edges.append(BlockEdge(source=nodes[flow.output].id, target=out.id))
        nodes[-1] = out
    return BlockGraph(
        id=graph_id,
        title=title,
        module=path,
        class_name=module.class_name,
        nodes=list(nodes.values()),
        edges=edges,
        parameters=context.parameters(path),
        evidence=code(module.defined_at),
    )


def _length(flow: Flow) -> int | None:
    shape = flow.nodes[flow.inputs[0]].shape_out if flow.inputs else None
    return shape[1] if shape and len(shape) > 2 else (shape[0] if shape else None)


def _inside(node: FlowNode, zooms: dict[str, str]) -> str | None:
    """The graph that shows the inside of a node; two parts of a layer may have one name, but not one module."""
    own = zooms.get(node.module) if node.kind in ("call", "group") else None
    return own or (zooms.get(node.name) if node.kind != "call" else None)


def _block_node(
    context: Context, node: FlowNode, label: Label, path: str, used: set[str], length: int | None, batched: bool
) -> BlockNode:
    module = context.modules.get(node.module) if node.kind in ("call", "group") else None
    inside = module is not None and module.path.startswith(path + ".") if path else module is not None
    relative = module.path[len(path) :].lstrip(".") if inside and module is not None else None
    return BlockNode(
        id=_unique(_slug(relative or node.name if node.kind != "group" else node.name), used),
        role=label.role,
        label=label.text,
        details=[detail for detail in label.details if detail],
        code_name=relative or (node.name if node.kind == "function" else None),
        module=relative,
        shape_in=_symbolic(node.shape_in, length, batched),
        shape_out=_symbolic(node.shape_out, length, batched),
        evidence=_evidence(node),
    )


def _show_positions(
    context: Context, node: FlowNode, nodes: dict[int, BlockNode], length: int | None, batched: bool
) -> None:
    """Shapes of a recurrence's core outside of its chunks: [B, H, S, d_h] instead of [B, H, chunks, positions of a chunk, d_h]."""
    box = nodes[node.id]
    sources = (nodes[source].shape_out for source, _ in node.sources)
    if not _has_positions(node.shape_in, length):
        box.shape_in = next((list(shape) for shape in sources if shape and "S" in shape), box.shape_in)
    if (left := _left(context, node, length)) is not None:
        box.shape_out = _symbolic(left, length, batched)


def _left(context: Context, node: FlowNode, length: int | None) -> Shape | None:
    """What leaves a core with an axis of positions: behind the moves that put its chunks of the sequence together again."""
    last = node.events[-1] if node.events else None
    above = context.trace.call(node.module) if last is not None else None
    if last is None or above is None or _has_positions(node.shape_out, length):
        return None
    flowing = {value.id for value in last.outputs}
    for event in context.trace.inside(above):
        if event.index <= last.index or not any(value.id in flowing for value in event.inputs[:1]):
            continue
        if event.kind == "call" or canonical(event.name) not in _MOVES or not event.outputs:
            return None
        flowing.update(value.id for value in event.outputs)
        if _has_positions(event.outputs[0].shape, length):
            return event.outputs[0].shape
    return None


def _has_positions(shape: Shape | None, length: int | None) -> bool:
    return bool(shape) and length in (shape or ())[1:]


def _uncounted(context: Context, called: list[str], path: str, counted: set[str]) -> int:
    """Parameters of the modules that a node stands for; a module that is called twice counts at its first call."""
    count = 0
    for name in called:
        inside = name.startswith(path + ".") if path else True
        for module in context.modules[name].walk() if inside and name in context.modules else ():
            if module.path not in counted:
                counted.add(module.path)
                count += context.own_parameters(module)
    return count


def _called(context: Context, node: FlowNode) -> list[str]:
    """Distinct modules that a node stands for; those inside another one of them left out."""
    if node.kind == "group" and node.name == "experts":
        return [node.module]
    paths = dict.fromkeys(event.module for event in node.events if event.kind == "call")
    return [p for p in paths if not any(p.startswith(other + ".") for other in paths)]


def _evidence(node: FlowNode) -> list[Evidence]:
    places = list(dict.fromkeys(str(event.at) for event in node.events if event.at))
    # A contracted core covers many lines; its first and last say where it is.
    shown = places if len(places) <= 2 else [places[0], places[-1]]
    return [Evidence(kind="code", where=place) for place in shown]


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_") or "node"


def _unique(name: str, used: set[str]) -> str:
    free = free_name(name, used)
    used.add(free)
    return free


_MOVES = PLUMBING | {"slice", "getitem", "narrow"}
_TELLING: tuple[Role, ...] = ("attention_core", "recurrence_core", "experts", "router")
"""Boxes that hold the tensors of their module which no other step reads."""
_LENGTHS = (*range(2, DESCRIBED_SEQUENCE + 1), *(DESCRIBED_SEQUENCE + more for more in LONGER))


def _symbolic(shape: Shape | None, length: int | None, batched: bool) -> list[int | str | None] | None:
    """A traced shape with the batch and the sequence as letters: `[1, 7, 4096]` → `[B, S, 4096]`.

    Args:
        batched: Whether the flow begins with a batch, so that its tokens in one row, `[7, 4096]`, are those of all sequences.
    """
    if shape is None:
        return None
    symbols: list[int | str | None] = list(shape)
    if len(symbols) > 2 and symbols[0] == 1:
        symbols[0] = "B"
    rows = symbols[0] if len(symbols) == 2 and batched else None
    if length == rows != 1:
        symbols[0] = "B·S"
    elif isinstance(rows, int) and length == DESCRIBED_SEQUENCE and rows and rows % length == 0:
        symbols[0] = f"B·S·{rows // length}"  # a row for each head of each token
    last = len(symbols) - 1
    # The sequences of descriptions cannot be mistaken for a width, another one at the last axis could be.
    return [
        "S" if size == length != 1 and (index < last or length in _LENGTHS) else size
        for index, size in enumerate(symbols)
    ]


def _pool(context: Context, node: FlowNode, nodes: dict[int, BlockNode]) -> None:
    """Sizes of what was compressed along the sequence, and of what was joined to it, in S: a traced sequence is short."""
    shape = nodes[node.id].shape_out
    if not shape or len(shape) < 3:
        return
    module = context.modules.get(node.module) if node.kind == "call" else None
    rate = next((rate for _, rate in pooled_positions(module)), None) if module else None
    if rate is not None and isinstance(shape[-2], int):
        shape[-2] = f"S/{rate}"
        return
    shapes = [nodes[source].shape_out or [] for source, _ in node.sources]
    joined = [str(each[-2]) for each in shapes if len(each) >= 2 and str(each[-2]).startswith("S")]
    if node.name in JOINS and len(joined) == len(shapes) and any(size != "S" for size in joined):
        shape[-2] = " + ".join(joined)


def _edges(context: Context, flow: Flow, nodes: dict[int, BlockNode], skips: dict[int, int]) -> list[BlockEdge]:
    edges: dict[tuple[int, int], BlockEdge] = {}
    used: dict[int, set[int]] = {}
    for node in flow.nodes.values():
        for source, value in node.sources:
            used.setdefault(source, set()).add(value)
    for node in flow.nodes.values():
        several = _several_parts(flow, node)
        for source, value in node.sources:
            label = several.get(source) or _part_label(context, flow.nodes[source], value, used[source])
            known = edges.get((source, node.id))
            if known is None:
                skip = skips.get(node.id) == source
                edges[source, node.id] = BlockEdge(
                    source=nodes[source].id, target=nodes[node.id].id, label=label, residual=skip
                )
            elif source not in several and label and known.label and label not in known.label.split(", "):
                known.label = f"{known.label}, {label}"
    return list(edges.values())


def _several_parts(flow: Flow, node: FlowNode) -> dict[int, str]:
    """By split of which a step reads several parts the sizes of these, as one edge holds them: `4096, 2 × 1024`."""
    parts: dict[int, dict[int, None]] = {}
    for source, value in node.sources:
        split = flow.nodes[source]
        if split.name in SPLITS and value in split.parts:
            parts.setdefault(source, {})[split.parts[value]] = None
    found: dict[int, str] = {}
    for source, indices in parts.items():
        sizes = part_sizes(flow.nodes[source])
        if len(indices) > 1 and max(indices) < len(sizes):
            runs = [(size, len(list(alike))) for size, alike in groupby(sizes[index] for index in indices)]
            found[source] = ", ".join(f"{count} × {size}" if count > 1 else f"{size}" for size, count in runs)
    return found


def _part_label(context: Context, node: FlowNode, value: int, used: set[int]) -> str | None:
    """Which part of a split flows along an edge, or which of several results of a call of which several are used: its size.

    The results of a mixer of residual streams are called what they are for.
    """
    if value in node.parts and node.kind == "call":
        given = {v.id: v.shape for event in node.events for v in event.outputs if v.shape and v.id in node.parts}
        module = context.modules.get(node.module)
        mixer = detect_stream_mixer(module, context.trace) if module is not None and len(given) > 1 else None
        if mixer is not None:
            same = (shape for name, shape in given.items() if node.parts[name] == node.parts[value])
            return next((mixer.result(shape) for shape in same), None)
        shapes = {name: shape for name, shape in given.items() if name in used}
        if value in shapes and len(set(shapes.values())) > 1:
            return product(shapes[value][2:])
    if node.name not in SPLITS or value not in node.parts:
        return None
    sizes = part_sizes(node)
    index = node.parts[value]
    return str(sizes[index]) if index < len(sizes) and len(set(sizes)) > 1 else None


def _give_own_parameters(
    context: Context, flow: Flow, nodes: dict[int, BlockNode], path: str, counted: set[str]
) -> None:
    """Give the module's own tensors, and those of submodules that are read but never called, to the step that uses them.

    Parameters of the module itself (`A_log`, sinks) belong to its core.
    """
    module = context.modules[path]
    core = next((n for n in nodes.values() if n.role in ("attention_core", "recurrence_core", "top_k")), None)
    if core is not None and core.role == "top_k":  # a choice has no tensors; what it chooses by has
        chooser = _reader(flow, module)
        core = nodes[chooser] if chooser is not None else None
    left = _name_own_tensors(context, flow, nodes, module, core)
    if core is not None and left:
        core.parameters += sum(module.parameters[name].numel for name in left)
        if _scales(flow, nodes, core, [module.parameters[name] for name in left]):
            core.details = [line for line in core.details if line != UNSCALED]
        core.details += [", ".join(left)]
    drawn = {event.module for node in flow.nodes.values() for event in node.events if event.kind == "call"}
    for child in module.children.values():
        if child.path in drawn or not child.parameters or not context.parameters(child.path):
            continue
        reader = _reader(flow, child)
        if reader is not None:
            nodes[reader].parameters += _uncounted(context, [child.path], path, counted)
            nodes[reader].code_name = nodes[reader].code_name or child.name
            _name_product(flow, flow.nodes[reader], nodes[reader], child)


def _scales(flow: Flow, nodes: dict[int, BlockNode], core: BlockNode, own: list[TensorRecord]) -> bool:
    """Whether one of the tensors that a core reads is as long as a head is wide: queries may be multiplied by it."""
    number = next(number for number, box in nodes.items() if box is core)
    read = [value.shape for event in flow.nodes[number].events for value in event.inputs]
    widths = {shape[-1] for shape in read if shape is not None and len(shape) == 4}
    return any(len(tensor.shape) == 1 and tensor.shape[0] in widths for tensor in own)


def _name_own_tensors(
    context: Context, flow: Flow, nodes: dict[int, BlockNode], module: ModuleRecord, core: BlockNode | None
) -> list[str]:
    """Give the module's own tensors to the steps beside its core that read them; those that are left, by name.

    A step whose label tells a tensor has it already.
    """
    left = {name: t for name, t in module.parameters.items() if t.name not in context.reading.tied}
    for box in nodes.values():
        if box.parameters and box.code_name:
            left.pop(box.code_name, None)
    for number, read in tensors_read(context, flow, module).items() if left else ():
        box = nodes[number]
        if box is core or box.role in _TELLING:
            continue
        for name in read:
            tensor = left.pop(name, None)
            # A label may count a tensor whose name it does not know.
            counted = box.role == "scale" and box.code_name is None and box.parameters > 0
            box.parameters += tensor.numel if tensor and not counted else 0
            box.details = [line for line in box.details if line != LEARNED] if counted else box.details
            box.code_name = box.code_name or name
        _tell_tensors(box, flow.nodes[number], read)
    return list(left)


def _tell_tensors(box: BlockNode, node: FlowNode, read: dict[str, str]) -> None:
    """Say in a box which tensors it reads: one as a factor or a summand in its label, `× time_mix_key`, else below that."""
    sign, word = ARITHMETIC.get(node.name, ("", ""))
    text = next(iter(read.values())) if len(read) == 1 else ""
    if text and box.label == word and not box.details and node.events:
        factor = f"({text})" if " " in text else text
        first = node.events[0].inputs[0].id not in {value for _, value in node.sources} and sign in "−÷"
        box.label = f"{factor} {sign}" if first else f"{sign} {factor}"
        return
    new = [name for name in read if name not in box.details and name not in box.label]
    box.details += [", ".join(new)] if new else []


def _reader(flow: Flow, module: ModuleRecord) -> int | None:
    """The first step that reads a tensor of a module, known by its shape, the largest first: many have a bias of one width."""
    tensors = sorted(module.parameters.values(), key=lambda tensor: -tensor.numel)
    for shape in dict.fromkeys(_squeezed(tensor.shape) for tensor in tensors):
        for number, node in flow.nodes.items():
            if any(_squeezed(value.shape or ()) == shape for value in node.reads):
                return number
    return None


def _name_product(flow: Flow, node: FlowNode, box: BlockNode, module: ModuleRecord) -> None:
    """A product with the weight of a projection that is not called is that projection (Mamba's `dt_proj.weight @ x`)."""
    sizes = linear_sizes(module)
    if sizes is None or box.role not in ("other", "projection") or node.name not in (*CONTRACTIONS, "linear"):
        return
    box.role, box.label = "projection", module.name
    box.details = [projection_text(flow, node, *sizes), *(["bias"] if has_bias(module) else [])]


def _squeezed(shape: Shape) -> Shape:
    return tuple(size for size in shape if size != 1)
