"""A model taken apart into the kinds of layers that an estimator counts: each with its tensors, sizes and number.

Every parameter of the model belongs to exactly one piece, so that `sum(piece.total)` is the model's total.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from archviz.architecture.context import Context
from archviz.architecture.kinds import Stack, find_stacks
from archviz.architecture.naming import Kind
from archviz.architecture.roles import Roles
from archviz.architecture.towers import Column, find_columns
from archviz.estimator.specs import Specs, head_specs, module_specs, norm_specs, part_specs, router_specs
from archviz.interpreter.reading import ModelReading, ModuleRecord, TensorRecord
from archviz.patterns.layer_parts import Part
from archviz.patterns.linears import stores_inputs_first
from archviz.patterns.moe import MixtureOfExperts
from archviz.patterns.streams import detect_stream_mixer
from archviz.records import field, record


@record
class Piece:
    """One kind of layer of a model.

    Args:
        name: `gated_attention`, `moe_router`, `vision_mlp`; unique within the model.
        kind: What it is, whatever its tower: `attention`, `mla`, `gated_mlp`, `moe_experts`, `rmsnorm`, …
        count: How many of them the model has; `total` the parameters of all.
        specs: Sizes and settings; `needs` are the keys without which a class would describe something else, `notes` settings
            that change little.
        tensors: Those of the first one, also tied ones; `modules` the modules that hold them.
        transposed: Those stored with the inputs first, as `Conv1D` of GPT-2 does.
        graph: Id of the block graph that shows its data flow.
        stream: Elements that go from one layer to the next for one token: the width, of all residual streams together.
        layers: Indices of the layers that have it, in the list of layers at `stack`.
    """

    name: str
    kind: str
    title: str
    class_name: str
    specs: dict[str, object]
    needs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    count: int = 1
    total: int = 0
    tensors: list[TensorRecord] = field(default_factory=list)
    tied: list[str] = field(default_factory=list)
    modules: list[str] = field(default_factory=list)
    transposed: tuple[str, ...] = ()
    graph: str | None = None
    tower: str = ""
    stack: str | None = None
    layers: list[int] = field(default_factory=list)
    within: str | None = None
    at: str | None = None
    stream: int | None = None

    @property
    def each(self) -> int | None:
        """Parameters of one; None when they differ because layers share tensors."""
        return self.total // self.count if self.count and self.total % self.count == 0 else None


@record
class _Owner:
    """A part of a layer that tensors below its paths belong to."""

    name: str
    specs: Specs
    paths: list[str]
    within: str | None = None


def find_pieces(reading: ModelReading) -> list[Piece]:
    """The pieces of a model, in order of its towers and layers; equal ones are one piece with their number."""
    context = Context(reading)
    stacks = find_stacks(context)
    roles = Roles.of_stacks(context, stacks)
    columns = find_columns(context, stacks)
    main = [column for column in columns if column.is_main] or columns
    found: list[Piece] = []
    for column in sorted(columns, key=lambda each: not each.is_main):
        prefix = "" if len(main) == 1 and column in main else f"{column.id}_"
        pieces = [*_around(context, roles, column, below=True), *_layers(context, column)]
        for piece in [*pieces, *_around(context, roles, column, below=False)]:
            piece.name, piece.tower = prefix + piece.name, column.id
            found.append(piece)
    found += _rest(context, found, stacks)
    return _named_apart(_merged(found))


def _around(context: Context, roles: Roles, column: Column, *, below: bool) -> Iterator[Piece]:
    for module in column.around:
        if (column.position(context, module) < 0) is not below or not any(m.parameters for m in module.walk()):
            continue
        role = roles(module)
        specs = head_specs(module) if role == "head" else module_specs(context, module, role)
        name = "lm_head" if specs.kind == "lm_head" else specs.kind if specs.kind in _PLAIN else _clean(module.name)
        if role == "norm":
            name = "norm"
        yield _piece(context, name, specs, [module], list(_tensors([module])), 1)


_PLAIN = ("embedding", "position_embedding")


def _layers(context: Context, column: Column) -> Iterator[Piece]:
    for stack in column.stacks:
        for kind in stack.kinds:
            yield from _layer_pieces(context, column, stack, kind)


def _layer_pieces(context: Context, column: Column, stack: Stack, kind: Kind) -> Iterator[Piece]:
    scope = column.id if len(column.stacks) == 1 else f"{column.id}/{stack.path}"
    owners = list(_owners(context, stack, kind))
    groups: dict[int, list[TensorRecord]] = {number: [] for number in range(len(owners))}
    loose: dict[str, list[TensorRecord]] = {}
    for tensor in _tensors([kind.example]):
        number = _owner_of(tensor.name, owners)
        if number is None:
            loose.setdefault(_child_of(kind.example, tensor.name), []).append(tensor)
        else:
            groups[number].append(tensor)
    for number, owner in enumerate(owners):
        if groups[number]:
            modules = [context.modules[path] for path in owner.paths]
            yield _of_layers(context, stack, kind, scope, owner, modules, groups[number])
    for path, tensors in loose.items():
        module = context.modules[path]
        name = "layer_other" if module is kind.example else _clean(module.name)
        specs = module_specs(context, module, "other")
        yield _of_layers(context, stack, kind, scope, _Owner(name, specs, [path]), [module], tensors)


def _owners(context: Context, stack: Stack, kind: Kind) -> Iterator[_Owner]:
    """The parts of a layer that have a name; a mixture of experts as router, experts, shared expert and the rest of it."""
    mixers = (kind.mixer_kind or "mixer").split("+")
    feeds = (kind.feed_kind or "feed_forward").split("+")
    for names, parts in ((mixers, kind.parts.mixers), (feeds, kind.parts.feeds)):
        for number, part in enumerate(parts):
            word = names[number] if len(names) == len(parts) else names[0]
            name = _clean(word)
            specs = part_specs(context, stack, kind, part, word)
            if isinstance(part.what, MixtureOfExperts):
                yield from _moe_owners(context, part, part.what, name, specs)
            else:
                yield _Owner(name, specs, list(part.paths))
    for path in kind.parts.norms:
        yield _Owner("norm", norm_specs(context, context.modules[path]), [path])


def _moe_owners(context: Context, part: Part, what: MixtureOfExperts, name: str, specs: Specs) -> Iterator[_Owner]:
    suffix = name.removeprefix("moe")
    if what.router and (len(part.paths) > 1 or what.router not in part.paths):
        router = router_specs(context, context.modules[what.router], what)
        yield _Owner(f"moe_router{suffix}", router, [what.router], within=name)
    yield _Owner(f"moe_experts{suffix}", specs, list(what.holders), within=name)
    for path, word in ((what.shared, "shared_expert"), (what.shared_gate, "shared_expert_gate")):
        if path:
            yield _Owner(word, module_specs(context, context.modules[path], word), [path], within=name)
    if len(part.paths) == 1:
        rest = module_specs(context, context.modules[part.paths[0]], "other")
        yield _Owner(f"moe_other{suffix}", rest, list(part.paths), within=name)


def _owner_of(name: str, owners: Sequence[_Owner]) -> int | None:
    """The part whose path leads furthest towards a tensor."""
    best, length = None, -1
    for number, owner in enumerate(owners):
        for path in owner.paths:
            if name.startswith(path + ".") and len(path) > length:
                best, length = number, len(path)
    return best


def _child_of(layer: ModuleRecord, name: str) -> str:
    """The layer's own child that holds a tensor, or the layer."""
    rest = name[len(layer.path) + 1 :].split(".")
    return f"{layer.path}.{rest[0]}" if len(rest) > 1 else layer.path


def _of_layers(
    context: Context, stack: Stack, kind: Kind, scope: str, owner: _Owner, modules: list[ModuleRecord],
    tensors: list[TensorRecord],
) -> Piece:  # fmt: skip
    piece = _piece(context, owner.name, owner.specs, modules, tensors, len(kind.indices))
    cut = len(kind.example.path)
    here = {tensor.name[cut:] for tensor in tensors}
    piece.total = sum(
        tensor.numel
        for index in kind.indices
        for tensor in _tensors([stack.layers[index]])
        if tensor.name not in context.reading.tied and tensor.name[len(stack.layers[index].path) :] in here
    )
    piece.stack, piece.layers, piece.within = stack.path, list(kind.indices), owner.within
    piece.stream = _stream(context, stack, kind)
    piece.graph = f"{scope}/{_graph_word(owner, kind)}"
    piece.specs = {"layer_idx": kind.indices[0], **piece.specs}
    return piece


def _stream(context: Context, stack: Stack, kind: Kind) -> int | None:
    """What a layer hands on for a token: the width of the stack, times the residual streams that run side by side."""
    mixers = (detect_stream_mixer(module, context.trace) for module in kind.example.walk())
    mixer = next((each for each in mixers if each is not None), None)
    return mixer.streams * mixer.width if mixer is not None else stack.width


def _graph_word(owner: _Owner, kind: Kind) -> str:
    """The last part of the id of the graph that shows a part; the layer's own for what has none."""
    if owner.within:
        return owner.within
    return owner.name if owner.specs.kind != "norm" else f"layer/{kind.id}"


def _piece(
    context: Context, name: str, specs: Specs, modules: list[ModuleRecord], tensors: list[TensorRecord], count: int
) -> Piece:  # fmt: skip
    counted = [tensor for tensor in tensors if tensor.name not in context.reading.tied]
    at = modules[0].defined_at or modules[0].created_at
    return Piece(
        name, specs.kind, specs.title, modules[0].class_name, dict(specs.values), specs.needs, specs.notes, count,
        sum(tensor.numel for tensor in counted), tensors,
        [f"{t.name} = {context.reading.tied[t.name]}" for t in tensors if t.name in context.reading.tied],
        [module.path for module in modules],
        tuple(each.parameters["weight"].name for module in modules for each in module.walk() if stores_inputs_first(each)),
        at=str(at) if at else None,
    )  # fmt: skip


def _tensors(modules: Sequence[ModuleRecord]) -> Iterator[TensorRecord]:
    for module in modules:
        for inner in module.walk():
            yield from inner.parameters.values()


def _rest(context: Context, found: Sequence[Piece], stacks: Sequence[Stack]) -> Iterator[Piece]:
    """Parameters that stand in no column."""
    inside = tuple(f"{stack.path}." for stack in stacks)
    seen = {tensor.name for piece in found for tensor in piece.tensors}
    for module in context.modules.values():
        left = [t for t in module.parameters.values() if t.name not in seen and not t.name.startswith(inside)]
        if left:
            name = _clean(module.name or "model")
            yield _piece(context, name, module_specs(context, module, "other"), [module], left, 1)


def _merged(pieces: Sequence[Piece]) -> list[Piece]:
    """Pieces that are equal but for their place, as one."""
    found: dict[tuple[object, ...], Piece] = {}
    for piece in pieces:
        sizes = tuple(tensor.shape for tensor in piece.tensors)
        values = tuple((key, str(value)) for key, value in piece.specs.items() if key != "layer_idx")
        key = (piece.name, piece.kind, piece.class_name, sizes, values, piece.tower, bool(piece.tied))
        first = found.setdefault(key, piece)
        if first is not piece:
            first.count, first.total = first.count + piece.count, first.total + piece.total
            first.layers = sorted({*first.layers, *piece.layers})
    return list(found.values())


def _named_apart(pieces: list[Piece]) -> list[Piece]:
    used: dict[str, int] = {}
    for piece in pieces:
        used[piece.name] = used.get(piece.name, 0) + 1
        if used[piece.name] > 1:
            piece.name += f"_{used[piece.name]}"
    return pieces


def _clean(word: str) -> str:
    """A name of letters, digits and underscores, fit for a file.

    >>> _clean("moe (hash-routed)"), _clean("../../x")
    ('moe_hash_routed', 'x')
    """
    return re.sub(r"[^a-z0-9]+", "_", word.lower()).strip("_")[:60] or "layer"
