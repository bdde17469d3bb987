"""The boxes of a tower before and behind its layers: what a module or a tensor is called, and its sizes."""

from __future__ import annotations

import re
from collections.abc import Mapping

from archviz.architecture.beside import first_call
from archviz.architecture.column_joins import way_of
from archviz.architecture.context import Context, code
from archviz.architecture.embedding_steps import embedding_factor, scale_text
from archviz.architecture.labels import WEIGHTLESS
from archviz.architecture.model import BlockNode, Join
from archviz.architecture.roles import LM_HEADS, Roles
from archviz.architecture.table_roles import is_hashed
from archviz.architecture.towers import Column, pools
from archviz.architecture.weights_read import joining
from archviz.interpreter.reading import ModuleRecord, TensorRecord
from archviz.patterns.linears import has_bias, linear_sizes
from archviz.patterns.norms import detect_norm
from archviz.patterns.op_families import activation_of
from archviz.patterns.streams import detect_stream_mixer
from archviz.records import replace


def node_id(path: str) -> str:
    """The id of the box of a module or a tensor."""
    return path.replace(".", "_") or "model"


def tensor_box(column: Column, tensor: TensorRecord) -> BlockNode:
    """A tensor that a tower's own module adds, joins or multiplies by: a table of positions, a class token."""
    name = tensor.name.rpartition(".")[2]
    sizes = [size for size in tensor.shape if size != 1]
    table = "pos" in name and len(sizes) > 1
    return BlockNode(
        id=node_id(tensor.name), role="position_embedding" if table else "parameter", label="Position embedding" if table else name,
        details=[" × ".join(f"{size:,}" if size else "?" for size in sizes or [1])], code_name=name, parameters=tensor.numel,
        module=tensor.name[len(column.module) :].lstrip(".") if tensor.name.startswith(column.module) else tensor.name,
        evidence=code(tensor.at),
    )  # fmt: skip


def input_box(context: Context, column: Column) -> BlockNode:
    """What a tower reads: token ids where it looks some up, or no pass shows whether it does."""
    base = column.id.partition("_")[0]
    ids = column.looks_ids_up
    if ids is None:
        embeds = any((m.library or "").endswith("Embedding") and not re.search("pos", m.name) for m in column.around)
        ids = base in ("text", "decoder") or embeds
    words = {"vision": "Image", "audio": "Audio features"}.get(base, "Token ids" if ids else "Features")
    if base == "audio" and _reads_ids_alone(context, column):
        words = "Token ids"
    elif column.title.endswith("decoder") and base in ("vision", "audio"):
        words = "Features"
    return BlockNode(id=f"{column.id}_input", role="input", label=words)


def _reads_ids_alone(context: Context, column: Column) -> bool:
    """Whether the call of a tower's own module is given whole numbers and nothing else."""
    call = context.trace.call(column.module) if column.module else None
    return bool(call and call.inputs) and all("int" in (value.dtype or "") for value in (call.inputs if call else ()))


def module_box(context: Context, roles: Roles, column: Column, module: ModuleRecord) -> BlockNode:
    """A module before or behind the layers, by what it is."""
    role = roles(module)
    norm = detect_norm(module, context.trace)
    weight = module.parameters.get("weight")
    sizes = linear_sizes(module)
    details: list[str] = []
    label = module.class_name
    if role in ("embedding", "position_embedding") and weight is not None:
        label = "Token embedding" if role == "embedding" else "Position embedding"
        label = "Hash embedding" if role == "embedding" and is_hashed(context.trace, module) else label
        label = "Token-type embedding" if re.search(r"type|segment", module.name) else label
        details = [" × ".join(f"{n:,}" if n else "?" for n in weight.shape), *_scale_of(context, column, module)]
    elif norm is not None:
        label = ("Final " if _is_behind(context, column, module) else "") + norm.kind
        details = [] if module.parameters or module.buffers else [WEIGHTLESS]
    elif sizes is not None:
        label = "LM head" if role == "head" and _scores_words(context, roles, column, module) else module.name
        details = [f"{sizes[0]:,} → {sizes[1]:,}", *(["bias"] if has_bias(module) else [])]
    elif (mixer := detect_stream_mixer(module, context.trace)) is not None:
        label, details = mixer.title, mixer.details
    elif pools(module):
        role, label = "pool", "Average pool" if "Avg" in (module.library or "") else "Max pool"
        details = _pooling(module)
    elif role == "other":
        patches = re.search(r"patch|stem", module.name) and column.position(context, module) < 0
        role = "embedding" if patches else "other"
        label = "Patch embedding" if patches else module.name
        details = [
            _convolution_text(module) or _list_text(module) or module.class_name,
            *_added_tables(context, module),
        ]
    elif role == "convolution":
        details = [line for line in [_convolution_text(module), _activated(context, module)] if line]
    tied = [t.name for t in module.parameters.values() if t.name in context.reading.tied]
    details += [f"tied to {context.reading.tied[name]}" for name in tied]
    return BlockNode(
        id=node_id(module.path), role=role, label=label, details=details, code_name=module.name,
        module=module.path[len(column.module) :].lstrip(".") if module.path.startswith(column.module) else module.path,
        parameters=context.parameters(module.path), evidence=code(module.created_at or module.defined_at),
    )  # fmt: skip


def _scores_words(context: Context, roles: Roles, column: Column, head: ModuleRecord) -> bool:
    """Whether an output head gives one number for each token of the vocabulary, not for each class or end of a span."""
    weight = head.parameters.get("weight")
    if head.name in LM_HEADS or weight is None or weight.name in context.reading.tied:
        return True
    inner = [each for module in column.around for each in module.walk() if roles(each) == "embedding"]
    sizes = linear_sizes(head)
    return sizes is not None and any(t.shape[:1] == sizes[1:] for each in inner for t in each.parameters.values())


def _is_behind(context: Context, column: Column, module: ModuleRecord) -> bool:
    """Whether a module stands behind the layers; where there are several lists of them, behind the last that runs."""
    if column.position(context, module) < 0:
        return False
    here = context.trace.call(module.path)
    if here is not None and not column.stacks:
        others = [call for other in column.around if other is not module and (call := first_call(context.trace, other))]
        return all(call.index < here.index for call in others)
    starts = [call for stack in column.stacks if (call := context.trace.call(stack.layers[0].path))]
    return here is None or all(call.index < here.index for call in starts)


def second_box(box: BlockNode) -> BlockNode:
    """The box of a norm where it is called once more, behind the layers; its parameters are counted at the first."""
    shared = [f"same weights as {box.code_name} before the layers"] if box.parameters else []
    return replace(box, id=f"{box.id}_again", label=f"Final {box.label}", details=[*box.details, *shared], parameters=0)


def _scale_of(context: Context, column: Column, module: ModuleRecord) -> list[str]:
    """The factor that a table's rows are multiplied by, in its module or before the first layer; without a pass what an attribute says."""
    found = embedding_factor(context, column.stacks[0]) if column.stacks else None
    if found is not None and f"{found[1].module}.".startswith(f"{module.path}."):
        return [scale_text(found[0], column.stacks[0].width)]
    factors = (module.attributes.get(name) for name in ("scalar_embed_scale", "embed_scale"))
    factor = next((f for f in factors if isinstance(f, (int, float)) and not isinstance(f, bool) and f != 1), None)
    return [scale_text(factor, column.stacks[0].width if column.stacks else None)] if factor is not None else []


def _list_text(module: ModuleRecord) -> str | None:
    """`4 × RegNetStage` of a list of modules of one class, else how many there are; None of what is no list."""
    if (module.library or "").rpartition(".")[2] not in (
        "ModuleList",
        "Sequential",
        "ModuleDict",
    ) or not module.children:
        return None
    names = {child.class_name for child in module.children.values()}
    count = len(module.children)
    return f"{count} × {names.pop()}" if len(names) == 1 else f"{count} modules"


def _convolution_text(module: ModuleRecord) -> str | None:
    """Widths, kernel and stride of the one convolution inside a module; patches where its windows do not overlap."""
    convolutions = [m for m in module.walk() if (m.library or "").rpartition(".")[2].startswith("Conv")]
    weights = [m.parameters["weight"].shape for m in convolutions if "weight" in m.parameters]
    sizes = [size for size in weights[0] if size is not None] if len(weights) == 1 else []
    if not sizes or len(sizes) < len(weights[0]):
        return None
    out, inner, *kernel = sizes
    groups = convolutions[0].attributes.get("groups")
    inner *= groups if isinstance(groups, int) else 1  # a weight has the inputs of one group
    turned = "Transpose" in (convolutions[0].library or "")
    if turned:  # whose weight is the other way round, and which writes where others read
        inner, out = out, inner
    stride = convolutions[0].attributes.get("stride")
    strides = list(stride) if isinstance(stride, (tuple, list)) else [stride] * len(kernel)
    size = " × ".join(map(str, kernel))
    if strides == kernel and set(kernel) - {1, None} and not turned:
        return f"{inner} → {out}, {size} patches"
    moved = {each for each in strides if isinstance(each, int)}  # a kernel of 1 is a projection of each position
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


def _added_tables(context: Context, module: ModuleRecord) -> list[str]:
    """The table of positions and the class token that a module holds beside its convolution, and how they meet what that gives."""
    found: dict[str, str] = {}
    for inner in module.walk():
        for name, tensor in inner.parameters.items():
            size = [each for each in tensor.shape if each != 1]
            if "position" in f"{inner.name}.{name}" and len(size) == 2 and None not in size:
                found[tensor.name] = "positions " + " × ".join(f"{each:,}" for each in size)
            elif name.startswith(("cls", "class")) and len(size) == 1:
                found[tensor.name] = "class token"
    joins = joining(context, module.walk()) if found else {}
    ways = {name: way_of(joins.get(name)) for name in found}
    return list(
        dict.fromkeys(f"{words} {_MET[way]}" if (way := ways[name]) else words for name, words in found.items())
    )


_MET: Mapping[Join, str] = {"add": "added", "multiply": "multiplied by", "concat": "joined"}
