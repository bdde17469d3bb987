"""Towers: the columns of a model (text decoder, vision or audio encoder, encoder and decoder), found by its stacks."""

from __future__ import annotations

import re
from collections.abc import Mapping

from archviz.architecture.beside import find_beside, first_call, taps_layers
from archviz.architecture.column_joins import Meeting, meetings, way_of
from archviz.architecture.context import Context, code
from archviz.architecture.feeding import goes_on, layer_read, reaches, reads, runs_beside, unread
from archviz.architecture.kinds import Stack
from archviz.architecture.model import BlockNode, ColumnItem, Tower
from archviz.architecture.roles import HEADS, Roles
from archviz.architecture.weights_read import joining
from archviz.interpreter.reading import Event, ModuleRecord, TensorRecord
from archviz.patterns.attention import Attention
from archviz.patterns.linears import has_bias, linear_sizes
from archviz.patterns.norms import detect_norm
from archviz.patterns.op_families import activation_of
from archviz.patterns.streams import detect_stream_mixer
from archviz.records import field, record

_TITLES = {
    "text": "Text decoder",
    "vision": "Vision encoder",
    "audio": "Audio encoder",
    "encoder": "Encoder",
    "decoder": "Decoder",
}
MAIN = ("text", "decoder", "encoder")


@record
class Column:
    """A tower in the making: its stacks, and the modules around them in order of execution."""

    id: str
    title: str
    module: str
    stacks: list[Stack]
    around: list[ModuleRecord] = field(default_factory=list)
    holders: list[ModuleRecord] = field(default_factory=list)  # those that hold its layers, with tensors of their own
    feeds: str | None = None
    feeds_seen: bool = False  # one pass shows it
    encodes: bool = False  # it reads text both ways, or looks back only but stands beside towers that it does not read

    @property
    def is_main(self) -> bool:
        return self.id.partition("_")[0] in MAIN

    def holds(self, module: ModuleRecord) -> bool:
        """Whether a module is a part of the tower's own module."""
        return module.path.startswith(_below(self.module))

    def position(self, context: Context, module: ModuleRecord) -> int:
        """-1 below the stacks, 1 above them; by the trace, else by the order of registration."""
        if not self.stacks:
            return 1 if _is_final(module) or module.name in HEADS else -1
        first, last = self.stacks[0].layers[0], self.stacks[-1].layers[-1]
        here, start = first_call(context.trace, module), context.trace.call(first.path)
        if here is not None and start is not None:
            return -1 if here.index < start.index else 1
        order = list(context.modules)
        return -1 if order.index(module.path) < order.index(last.path) and not _is_final(module) else 1


def _is_final(module: ModuleRecord) -> bool:
    """Norms that come last are sometimes registered before the layers."""
    return bool(re.search(r"^(norm|norm_f|ln_f|final_|post_|ln_post)|^(layernorm|layer_norm)(_post)?$", module.name))


def find_columns(context: Context, stacks: list[Stack]) -> list[Column]:
    """The towers of a model; every module with parameters outside of the layers stands in one of their columns."""
    groups = _groups(context, stacks)
    if not groups:
        name = _tower_id(context, "", [], 1)
        return [Column(name, _TITLES[name].replace("decoder", "model"), "", [], _opened(context.reading.root))]
    columns: list[Column] = []
    for path, own in groups.items():
        name = _tower_id(context, path, own, len(groups))
        number = sum(column.id.partition("_")[0] == name for column in columns)
        columns.append(Column(f"{name}_{number + 1}" if number else name, "", path, own))
    _name(context, columns)
    _distribute(context, columns)
    return columns


def _groups(context: Context, stacks: list[Stack]) -> dict[str, list[Stack]]:
    """The stacks by the module of their tower; layers that carry on the stream of others beside them in one model are of one tower."""
    groups: dict[str, list[Stack]] = {}
    for stack in stacks:
        groups.setdefault(_tower_module(stack, stacks), []).append(stack)
    for path in list(groups):
        holder = path.rpartition(".")[0]
        for other in groups if holder else ():
            near = other != path and other.rpartition(".")[0] == holder
            alike = near and len({_tower_id(context, each, groups[each], len(groups)) for each in (path, other)}) == 1
            if alike and goes_on(context, groups[other][-1], groups[path][0]):
                inside = [*groups.pop(other), *groups.pop(path)]
                whole = all(stack in inside for stack in stacks if stack.path.startswith(f"{holder}."))
                groups[holder if whole else inside[0].path.rpartition(".")[0]] = inside
                break
    return groups


def _opened(root: ModuleRecord) -> list[ModuleRecord]:
    """The modules of a model without lists of layers: those of the root, models inside it opened."""
    found: list[ModuleRecord] = []
    for child in root.children.values():
        is_model = child.children and child.library is None and len(root.children) <= 3
        found += _opened(child) if is_model and len(found) < 12 else [child]
    return [module for module in found if any(m.parameters for m in module.walk())]


def _tower_module(stack: Stack, stacks: list[Stack]) -> str:
    """The highest module that holds no stack but this one; stages of one encoder go together."""
    merged = re.sub(r"\.\d+(\.|$).*", "", stack.path)
    parts = merged.split(".")
    for length in range(len(parts)):
        path = ".".join(parts[:length])
        inside = [s for s in stacks if not path or (s.path + ".").startswith(path + ".")]
        if all(re.sub(r"\.\d+(\.|$).*", "", s.path) == merged for s in inside):
            return path
    return stack.path.rpartition(".")[0]


def _tower_id(context: Context, path: str, stacks: list[Stack], towers: int) -> str:
    """What a tower reads: by its name in the code, else by what it embeds."""
    named = {
        "vision": r"vis(ion|ual)|image|vit",
        "audio": r"audio|speech|wav",
        "decoder": r"(^|\.)decoder",
        "encoder": r"(^|\.)encoder",
    }
    for name, pattern in named.items():
        # An embedder may hold the tower: then the path of its layers says what it reads.
        places = [path, *(stack.path for stack in stacks)] if name in ("vision", "audio") else [path]
        if towers > 1 and any(re.search(pattern, place.lower()) for place in places):
            return name
    root = context.modules[path]
    inside = tuple(stack.path + "." for stack in stacks)
    kinds = {(m.library or "").rpartition(".")[2] for m in root.walk() if not m.path.startswith(inside)}
    if any(k.startswith("Embedding") for k in kinds) and not kinds & {"Conv2d", "Conv3d"}:
        return "text"
    if kinds & {"Conv2d", "Conv3d"}:
        return "vision"
    return "audio" if "Conv1d" in kinds else "text"


def is_causal(column: Column) -> bool | None:
    """Whether its attention looks back only; None when it has none or does not say."""
    mixers = [part.what for stack in column.stacks for kind in stack.kinds for part in kind.parts.mixers]
    flags = [mixer.causal for mixer in mixers if isinstance(mixer, Attention) and not mixer.cross]
    if flags:
        return True if True in flags else (False if False in flags else None)
    return True if mixers else None


def _name(context: Context, columns: list[Column]) -> None:
    ids = {column.id for column in columns}
    text = next((column for column in columns if column.id == "text"), None)
    for column in columns:
        column.title = _TITLES[column.id.partition("_")[0]]
        if column.id.partition("_")[0] in ("vision", "audio") and text is not None:
            seen = reaches(context, column.stacks, text.stacks)
            column.feeds = "text" if seen or (seen is None and is_causal(text)) else None
            column.feeds_seen = seen is True
            text.encodes = text.encodes or seen is False
        if column.id.partition("_")[0] == "encoder" and "decoder" in ids:
            column.feeds = "decoder"
    for column in columns:
        column.encodes = (column.encodes and all(c.feeds != column.id for c in columns)) or is_causal(column) is False
        if column.id.partition("_")[0] == "text" and column.encodes:
            column.title = "Text encoder"


def _distribute(context: Context, columns: list[Column]) -> None:
    """Put the modules around the layers into the columns; what lies outside of all towers goes to the nearest."""
    held = {stack.path for column in columns for stack in column.stacks}
    for column in columns:
        column.around += _around(context.modules[column.module], held | set(_nested(column, columns)))
        column.holders += _holders(context, column, columns)
    towers = {column.module for column in columns}
    if "" in towers:
        return
    for module in _around(context.reading.root, held | towers):
        _nearest(context, columns, module).around.append(module)


def _holders(context: Context, column: Column, columns: list[Column]) -> list[ModuleRecord]:
    """The modules on the way from a tower's own to its layers that have tensors of their own, those of no other tower among them."""
    others = [stack.path for other in columns if other is not column for stack in other.stacks]
    found: dict[str, ModuleRecord] = {}
    for stack in column.stacks:
        parts = stack.path.split(".")
        for length in range(len(column.module.split(".")) if column.module else 0, len(parts)):
            path = ".".join(parts[:length])
            shared = any((other + ".").startswith(_below(path)) for other in others)
            if context.modules[path].parameters and not (shared and not column.module):
                found[path] = context.modules[path]
    return list(found.values())


def _nested(column: Column, columns: list[Column]) -> list[str]:
    """Modules of towers that lie inside a tower's own module, and inside no other tower in between."""
    inside = [c.module for c in columns if c is not column and c.module.startswith(_below(column.module)) and c.module]
    return [path for path in inside if not any(path.startswith(_below(other)) for other in inside if other != path)]


def _below(path: str) -> str:
    return path + "." if path else ""


def _around(module: ModuleRecord, held: set[str]) -> list[ModuleRecord]:
    """The modules below one that hold no stack: drawn whole."""
    found: list[ModuleRecord] = []
    for child in module.children.values():
        if child.path in held:
            continue
        if any(path.startswith(child.path + ".") for path in held) or _is_plain_wrapper(child):
            found += _around(child, held)
        elif any(m.parameters for m in child.walk()) or _pools(child):
            found.append(child)
    return found


def _pools(module: ModuleRecord) -> bool:
    """Whether a module without parameters makes fewer positions of many."""
    return (module.library or "").rpartition(".")[2].startswith(("AvgPool", "MaxPool"))


def _is_plain_wrapper(module: ModuleRecord) -> bool:
    """A module such as BERT's embeddings, whose children are embeddings and norms only: its children are drawn."""
    names = [(m.library or "").rpartition(".")[2] for m in module.children.values()]
    return (
        bool(names)
        and not module.parameters
        and all(n in ("Embedding", "LayerNorm", "Dropout", "Conv1d", "Conv2d") for n in names)
    )


def _nearest(context: Context, columns: list[Column], module: ModuleRecord) -> Column:
    """Heads and embeddings belong to the tower that writes or reads text, projectors to the tower they translate."""
    side = [column for column in columns if not column.is_main]
    read = [column for column in side if reads(context, module, column.stacks)]
    if read and not any(reads(context, module, column.stacks) for column in columns if column.is_main):
        return read[-1]
    for column in sorted(
        columns, key=lambda each: each.is_main
    ):  # `image_to_text_projection` stands behind the image's tower
        if re.search(
            {"vision": r"vis|image", "audio": r"audio|speech", "text": r"text"}.get(column.id, "$^"), module.name
        ):
            return column
    main = next((c for name in ("text", "decoder", "encoder") for c in columns if c.id == name), columns[-1])
    side = [column for column in columns if not column.is_main]
    if side and re.search(r"multi_?modal|mm_proj|projector|connector", module.name):
        return [column for column in side if column.id.partition("_")[0] == side[0].id.partition("_")[0]][-1]
    library = (module.library or "").rpartition(".")[2]
    if library.startswith("Embedding") or linear_sizes(module) or len(columns) == 1:
        return main
    return side[0] if side else main


def write_tower(context: Context, roles: Roles, column: Column, columns: list[Column]) -> Tower:
    """The tower of the document: its input, then boxes and stacks in order of execution."""
    beside = find_beside(context, column.around, column.stacks[0].layers[0]) if column.stacks else {}
    asides = _asides(context, column, columns)
    silent = [m for m in column.around if m.parameters and first_call(context.trace, m) is None]
    joins = joining(context, [*silent, *column.holders]) if column.stacks else {}
    met = meetings(context, column.around, joins, column.stacks[0].layers[0]) if column.stacks else {}
    placed = [
        (
            (met[module.path].at.index, 0) if module.path in met else _place(context, column, module.path, joins),
            _item(context, column, module, _box(context, roles, column, module), beside, asides, met.get(module.path)),
        )
        for module in column.around
        if not _only_lends(context, column, module)
        and (not _pools(module) or (bool(column.stacks) and context.trace.call(module.path) is not None))
    ]
    placed += [(_place(context, column, stack.path, joins), ColumnItem(stack=stack.path)) for stack in column.stacks]
    placed += [
        (
            _tensor_place(context, column, holder, joins.get(tensor.name)),
            ColumnItem(node=_tensor_box(column, tensor), joins=way_of(joins.get(tensor.name))),
        )
        for holder in column.holders for tensor in holder.parameters.values() if tensor.name not in context.reading.tied
    ]  # fmt: skip
    outside = [m for m in column.around if column.module and not m.path.startswith(column.module + ".")]
    return Tower(
        id=column.id, title=column.title, module=column.module, feeds=column.feeds,
        column=[ColumnItem(node=_input(column)), *(item for _, item in sorted(placed, key=lambda pair: pair[0]))],
        parameters=context.parameters(column.module)
        + sum(context.parameters(m.path) for m in outside)
        - sum(context.parameters(path) for path in _nested(column, columns)),
    )  # fmt: skip


def _asides(context: Context, column: Column, columns: list[Column]) -> dict[str, str]:
    """The modules around a tower which its path from input to output leaves out, by path, each with why."""
    target = next((other for other in columns if other.id == column.feeds), None)
    if column.is_main and column.stacks and not context.reading.trace_gaps:
        own = first_call(context.trace, column.stacks[0].layers[0])
        around = [module for module in column.around if own and (_embeds(module) or _is_final(module))]
        idle = [module.path for module in around if first_call(context.trace, module) is None]
        return dict.fromkeys(idle, "not called by forward") if len(idle) < len(around) else {}
    if target is None or column.is_main or not column.feeds_seen:
        return {}
    found = {
        module.path: "not called by forward" for module in column.around
        if _is_outside(column, module.path) and not runs_beside(context, module, column.stacks)
    }  # fmt: skip
    norms = [module for module in column.around if detect_norm(module, context.trace) is not None]
    for module in unread(context, norms, target.stacks):
        found[module.path] = f"the {target.title[:1].lower()}{target.title[1:]} does not read its output"
    return found


def _item(
    context: Context, column: Column, module: ModuleRecord, node: BlockNode, beside: dict[str, list[str]],
    asides: dict[str, str], met: Meeting | None,
) -> ColumnItem:  # fmt: skip
    """A step of the column; a box beside it with the boxes that it reads; a box that taps the layers, or stands aside."""
    if module.path in asides:
        return ColumnItem(node=node, taps=True, note=asides[module.path])
    if not column.is_main and column.stacks and _is_outside(column, module.path):
        node.details += layer_read(context, module, column.stacks[-1])
    reads = beside.get(module.path)
    taps = reads is None and any(taps_layers(context, module, stack.layers) for stack in column.stacks)
    joins = met.join if met is not None and reads is None and not taps else None
    return ColumnItem(
        node=node, beside=reads is not None, taps=taps, joins=joins, reads=[_node_id(path) for path in reads or ()]
    )


def _node_id(path: str) -> str:
    return path.replace(".", "_") or "model"


def _only_lends(context: Context, column: Column, module: ModuleRecord) -> bool:
    """A module that holds a shared tensor and is never called itself, such as T5's `shared`: its borrowers are drawn."""
    traced = bool(column.stacks) and context.trace.call(column.stacks[0].layers[0].path) is not None
    if not traced or first_call(context.trace, module) is not None or not module.parameters:
        return False
    lent = {context.reading.tied[name] for name in context.reading.tied if not name.startswith(f"{module.path}.")}
    borrowers = {name.rpartition(".")[0] for name in context.reading.tied}
    drawn = any(context.trace.call(path) is not None for path in borrowers)
    return drawn and all(tensor.name in lent for tensor in module.parameters.values())


def _place(context: Context, column: Column, path: str, joins: Mapping[str, Event]) -> tuple[int, int]:
    """Where a module or a stack stands: by its call, else by the step that its tensor joins, else by the order of registration."""
    traced = bool(column.stacks) and context.trace.call(column.stacks[0].layers[0].path) is not None
    order = list(context.modules).index(path)
    stack = next((stack for stack in column.stacks if stack.path == path), None)
    module = context.modules[path]
    call = first_call(context.trace, stack.layers[0] if stack else module) if traced else None
    joined = [joins[tensor.name].index for tensor in module.parameters.values() if tensor.name in joins]
    if call is not None or (traced and joined):
        return (call.index if call is not None else min(joined), order)
    if traced and _is_outside(column, path) and not _embeds(module):
        return (_LAST, order)  # it translates what the tower gives
    if traced:
        return (_LAST - 1 if column.position(context, module) > 0 else -1, order)
    return (0 if stack else column.position(context, module) if len(column.stacks) <= 1 else 0, order)


_LAST = 1 << 60  # behind every event


def _tensor_place(context: Context, column: Column, holder: ModuleRecord, joined: Event | None) -> tuple[int, int]:
    """Where a tensor of a tower's own module stands: at the step that it joins, else before everything in it."""
    return (joined.index if joined is not None else -1, list(context.modules).index(holder.path))


def _tensor_box(column: Column, tensor: TensorRecord) -> BlockNode:
    """A tensor that a tower's own module adds, joins or multiplies by: a table of positions, a class token."""
    name = tensor.name.rpartition(".")[2]
    sizes = [size for size in tensor.shape if size != 1]
    table = "pos" in name and len(sizes) > 1
    return BlockNode(
        id=_node_id(tensor.name), role="position_embedding" if table else "parameter", label="Position embedding" if table else name,
        details=[" × ".join(f"{size:,}" if size else "?" for size in sizes or [1])], code_name=name, parameters=tensor.numel,
        module=tensor.name[len(column.module) :].lstrip(".") if tensor.name.startswith(column.module) else tensor.name,
        evidence=code(tensor.at),
    )  # fmt: skip


def _is_outside(column: Column, path: str) -> bool:
    return bool(column.module) and not column.is_main and not path.startswith(_below(column.module))


def _embeds(module: ModuleRecord) -> bool:
    return (module.library or "").rpartition(".")[2].startswith("Embedding")


def _input(column: Column) -> BlockNode:
    base = column.id.partition("_")[0]
    words = {"vision": "Image", "audio": "Audio features", "text": "Token ids", "decoder": "Token ids"}
    embeds = any((m.library or "").endswith("Embedding") and not re.search("pos", m.name) for m in column.around)
    return BlockNode(
        id=f"{column.id}_input", role="input", label=words.get(base) or ("Token ids" if embeds else "Features")
    )


def _box(context: Context, roles: Roles, column: Column, module: ModuleRecord) -> BlockNode:
    role = roles(module)
    norm = detect_norm(module, context.trace)
    weight = module.parameters.get("weight")
    sizes = linear_sizes(module)
    details: list[str] = []
    label = module.class_name
    if role in ("embedding", "position_embedding") and weight is not None:
        label = "Token embedding" if role == "embedding" else "Position embedding"
        label = "Token-type embedding" if re.search(r"type|segment", module.name) else label
        details = [" × ".join(f"{n:,}" if n else "?" for n in weight.shape), *_scale_of(module)]
    elif norm is not None:
        label = ("Final " if column.position(context, module) > 0 else "") + norm.kind
    elif sizes is not None:
        label = "LM head" if role == "head" else module.name
        details = [f"{sizes[0]:,} → {sizes[1]:,}", *(["bias"] if has_bias(module) else [])]
    elif (mixer := detect_stream_mixer(module, context.trace)) is not None:
        label, details = mixer.title, mixer.details
    elif _pools(module):
        role, label = "pool", "Average pool" if "Avg" in (module.library or "") else "Max pool"
        details = _pooling(module)
    elif role == "other":
        patches = re.search(r"patch|stem", module.name) and column.position(context, module) < 0
        role = "embedding" if patches else "other"
        label = "Patch embedding" if patches else module.name
        details = [_convolution_text(module) or module.class_name, *_added_tables(module)]
    elif role == "convolution":
        details = [line for line in [_convolution_text(module), _activated(context, module)] if line]
    tied = [t.name for t in module.parameters.values() if t.name in context.reading.tied]
    details += [f"tied to {context.reading.tied[name]}" for name in tied]
    return BlockNode(
        id=_node_id(module.path), role=role, label=label, details=details, code_name=module.name,
        module=module.path[len(column.module) :].lstrip(".") if module.path.startswith(column.module) else module.path,
        parameters=context.parameters(module.path), evidence=code(module.created_at or module.defined_at),
    )  # fmt: skip


def _scale_of(module: ModuleRecord) -> list[str]:
    """The factor that an embedding multiplies its rows by."""
    factors = (module.attributes.get(name) for name in ("scalar_embed_scale", "embed_scale"))
    factor = next((f for f in factors if isinstance(f, (int, float)) and not isinstance(f, bool) and f != 1), None)
    if factor is None:
        return []
    root = f" (√{round(factor * factor)})" if abs(factor * factor - round(factor * factor)) < 1e-6 * factor else ""
    return [f"scaled × {factor:.4g}{root}"]


def _convolution_text(module: ModuleRecord) -> str | None:
    """Widths, kernel and stride of the one convolution inside a module; patches where its windows do not overlap."""
    convolutions = [m for m in module.walk() if (m.library or "").rpartition(".")[2].startswith("Conv")]
    weights = [m.parameters["weight"].shape for m in convolutions if "weight" in m.parameters]
    if len(weights) != 1 or None in weights[0]:
        return None
    out, inner, *kernel = weights[0]
    stride = convolutions[0].attributes.get("stride")
    strides = list(stride) if isinstance(stride, (tuple, list)) else [stride] * len(kernel)
    size = " × ".join(map(str, kernel))
    if module is not convolutions[0] or strides == kernel:
        return f"{inner} → {out}, {size} patches"
    moved = {each for each in strides if isinstance(each, int)}
    return f"{inner} → {out}, kernel {size}" + (f", stride {moved.pop()}" if len(moved) == 1 and moved != {1} else "")


def _activated(context: Context, module: ModuleRecord) -> str | None:
    """The activation that is all that reads what a module gives."""
    call = context.trace.call(module.path)
    parent = context.trace.parent(call) if call is not None else None
    if call is None or parent is None or not call.outputs:
        return None
    readers = [e for e in context.trace.children(parent) if any(v.id == call.outputs[0].id for v in e.inputs)]
    return activation_of(readers[0].name) if len(readers) == 1 else None


def _pooling(module: ModuleRecord) -> list[str]:
    """`kernel 2, stride 2` of a pool."""
    words = []
    for key, word in (("kernel_size", "kernel"), ("stride", "stride")):
        size = module.attributes.get(key)
        sizes = size if isinstance(size, list) else [size]
        words += [f"{word} {' × '.join(map(str, sizes))}"] if all(isinstance(each, int) for each in sizes) else []
    return [", ".join(words)] if words else []


def _added_tables(module: ModuleRecord) -> list[str]:
    """The table of positions and the class token that a module holds beside its convolution."""
    lines: list[str] = []
    for inner in module.walk():
        for name, tensor in inner.parameters.items():
            size = [each for each in tensor.shape if each != 1]
            if "position" in f"{inner.name}.{name}" and len(size) == 2 and None not in size:
                lines.append("positions " + " × ".join(f"{each:,}" for each in size))
            elif name.startswith(("cls", "class")) and len(size) == 1:
                lines.append("class token")
    return list(dict.fromkeys(lines))
