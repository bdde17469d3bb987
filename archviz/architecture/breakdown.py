"""The breakdown: rows of parameters that sum to the total, each with its formula."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from archviz.architecture.context import LAYER_KEYS, Context, keys_of
from archviz.architecture.kinds import Stack
from archviz.architecture.model import ParameterRow
from archviz.architecture.naming import Kind
from archviz.architecture.roles import Roles
from archviz.architecture.row_names import listed, named, rest_named
from archviz.architecture.towers import Column
from archviz.formulas.products import Factor
from archviz.formulas.writing import Formulas, Group
from archviz.interpreter.reading import ModuleRecord, TensorRecord
from archviz.patterns.attention import Attention
from archviz.patterns.attention_experts import projection_experts
from archviz.patterns.compression import pooled_positions
from archviz.patterns.layer_parts import Part
from archviz.patterns.linears import linear_sizes
from archviz.patterns.moe import MixtureOfExperts
from archviz.patterns.position_mixers import PositionMixer
from archviz.records import field, record, replace


@record(frozen=True)
class Share:
    """The tensors below some modules, without those below others.

    Args:
        only: The tensors, where they are not all below `inside`; `apart` are tensors that are left out.
    """

    inside: tuple[str, ...]
    outside: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()

    def without(self, *paths: str, tensors: tuple[str, ...] = ()) -> Share:
        return replace(self, outside=(*self.outside, *paths), apart=(*self.apart, *tensors))

    def holds(self, name: str) -> bool:
        return name not in self.apart and (not self.only or name in self.only)

    def moved(self, cut: int, layer: str) -> Share:
        """The same in another layer, whose path stands for the first `cut` letters."""
        return Share(
            *(tuple(layer + path[cut:] for path in each) for each in (self.inside, self.outside, self.only, self.apart))
        )


@record
class Table:
    """The rows of a breakdown in the making."""

    context: Context
    roles: Roles
    formulas: Formulas
    rows: list[ParameterRow] = field(default_factory=list)

    def add(
        self, key: str, label: str, count: int, parent: str | None = None, each: int | None = None,
        times: int | None = None, active: int | None = None, note: str | None = None,
        groups: Iterable[Group] = (), multiples: dict[int, Factor] | None = None,
    ) -> None:  # fmt: skip
        """Add a row, where it counts or notes anything; `groups` are its tensors, none for a row that only sums up others."""
        if not count and not note:
            return
        formula = self.formulas.of(groups, (multiples or {}).get) if count else None
        fits = (
            formula is not None and formula.value == count
        )  # else a size was not understood, and its module has a gap
        self.rows.append(
            ParameterRow(
                key=key, label=label, count=count, parent=parent, each=each, times=times, active=active, note=note,
                formula=formula.text if formula and fits else None, numbers=formula.numbers if formula and fits else None,
            )
        )  # fmt: skip

    def tensors(self, share: Share) -> list[TensorRecord]:
        """The distinct parameters of a share."""
        tied, outside = self.context.reading.tied, tuple(path + "." for path in share.outside)
        found = []
        for path in dict.fromkeys(share.inside):
            top = self.context.modules.get(path)
            if path in share.outside or top is None:
                continue
            for module in top.walk():
                if module.parameters and not (module.path + ".").startswith(outside or ("\0",)):
                    found += [t for t in module.parameters.values() if t.name not in tied and share.holds(t.name)]
        return found


_GROUPS = ("embedding", "pre_norm", "final_norm", "around", "head")


def add_column(table: Table, column: Column, prefix: str) -> None:
    """The rows of a tower: what embeds, its layers, norms before and behind them, its head, and what else stands around."""
    context = table.context
    parent = prefix.rstrip("/") or None
    groups: dict[str, list[ModuleRecord]] = {key: [] for key in _GROUPS}
    for module in column.around:
        groups[_group(table, column, module)].append(module)
    own = [t for holder in column.holders for t in holder.parameters.values() if t.name not in context.reading.tied]
    counts = {key: sum(context.parameters(m.path) for m in modules) for key, modules in groups.items()}
    counts["embedding"] += sum(tensor.numel for tensor in own)
    layers = sum(context.parameters(stack.path) for stack in column.stacks)
    if parent is not None:
        table.add(parent, column.title, layers + sum(counts.values()))
    tensors = {key: _whole(table, groups[key]) for key in _GROUPS}
    embedding = [*tensors["embedding"], *([(1, own)] if own else [])]
    table.add(prefix + "embedding", "Embedding", counts["embedding"], parent, groups=embedding)
    table.add(prefix + "pre_norm", "Norm before the layers", counts["pre_norm"], parent, groups=tensors["pre_norm"])
    for number, stack in enumerate(column.stacks):
        key = prefix + ("layers" if number == 0 else f"layers_{number + 1}")
        _stack_rows(table, stack, key, parent, column.id)
    table.add(prefix + "final_norm", "Final norm", counts["final_norm"], parent, groups=tensors["final_norm"])
    title = named("Around the layers", [m for m in groups["around"] if context.parameters(m.path)], context)
    table.add(prefix + "around", title, counts["around"], parent, groups=tensors["around"])
    tied = [
        t.name for m in groups["head"] for inner in m.walk() for t in inner.parameters.values()
        if t.name in context.reading.tied and len(t.shape) > 1
    ]  # fmt: skip
    note = f"tied to {context.reading.tied[tied[0]]}" if tied else None
    table.add(prefix + "head", "Output head", counts["head"], parent, note=note, groups=tensors["head"])


def _group(table: Table, column: Column, module: ModuleRecord) -> str:
    """The row that a module around the layers counts in: what makes the stream of ids, pixels or sound is the embedding."""
    role, before = table.roles(module), column.position(table.context, module) < 0
    if role in ("embedding", "position_embedding"):
        return "embedding"
    if role == "norm":
        return "pre_norm" if before else "final_norm"
    if role == "head":
        return "head"
    if before and (
        _holds_table(table, module) or ((role == "convolution" or not column.is_main) and column.holds(module))
    ):
        return "embedding"
    return "head" if not before and _predicts(table, column, module) else "around"


def _holds_table(table: Table, module: ModuleRecord) -> bool:
    return any(table.roles(inner) == "embedding" for inner in module.walk())


def _predicts(table: Table, column: Column, module: ModuleRecord) -> bool:
    """Whether a module ends in as many numbers as an embedding of its column has rows: a head, whatever else is in it."""
    inside = (inner for other in column.around for inner in other.walk() if table.roles(inner) == "embedding")
    rows = {tensor.shape[0] for inner in inside for tensor in inner.parameters.values()}
    return any(sizes[1] in rows for inner in module.walk() if (sizes := linear_sizes(inner)) and sizes[1] > sizes[0])


def _whole(table: Table, modules: Iterable[ModuleRecord]) -> list[Group]:
    return [(1, table.tensors(Share(tuple(module.path for module in modules))))]


def add_rest(table: Table, columns: Iterable[Column], count: int) -> None:
    """What stands in no tower."""
    towers = [module.path for column in columns for module in column.around]
    towers += [stack.path for column in columns for stack in column.stacks]
    held = {t.name for column in columns for holder in column.holders for t in holder.parameters.values()}
    tensors = table.tensors(Share(("",), tuple(towers), apart=tuple(held)))
    names = [tensor.name for tensor in tensors]
    table.add("other", f"Other ({listed(names)})" if names else "Other", count, groups=[(1, tensors)])


@record(frozen=True)
class _Layers:
    """The layers of one kind: counts are sums over them, because layers may share tensors.

    Args:
        multiples: Symbols for numbers of layers and experts.
    """

    table: Table
    kind: Kind
    paths: list[str]
    multiples: dict[int, Factor]

    def count(self, path: str) -> int:
        """Parameters below a path of the example layer, in all layers of the kind."""
        cut = len(self.kind.example.path)
        return sum(self.table.context.parameters(layer + path[cut:]) for layer in self.paths)

    def count_of(self, tensor: str) -> int:
        """Elements of a parameter of the example layer, in all layers of the kind."""
        cut = len(self.kind.example.path)
        found = self.table.tensors
        return sum(
            each.numel
            for layer in self.paths
            for each in found(Share((layer + tensor.rpartition(".")[0][cut:],), only=(layer + tensor[cut:],)))
        )

    def groups(self, share: Share) -> list[Group]:
        """The tensors of a share of the example layer in all layers: once for each layer that has all of its own."""
        example = self.table.tensors(share)
        stem = self.kind.example.path + "."
        if not any(alias.startswith(path + ".") for alias in self.table.context.reading.tied for path in self.paths):
            return [(len(self.paths), example)]
        found: dict[tuple[str, ...], list[TensorRecord]] = {}
        times: dict[tuple[str, ...], int] = {}
        for layer in self.paths:
            own = self.table.tensors(share.moved(len(stem) - 1, layer))
            key = tuple(t.name[len(layer) :] for t in own)
            found.setdefault(key, own)
            times[key] = times.get(key, 0) + 1
        return [(times[key], own) for key, own in found.items()]

    def row(
        self, key: str, label: str, count: int, parent: str, share: Share, active: int | None = None
    ) -> None:  # fmt: skip
        """Add a row for something that every layer of the kind has once."""
        if not count:
            return
        times = len(self.paths)
        even = count % times == 0
        self.table.add(
            key, label, count, parent, count // times if even else None, times if even else None, active,
            groups=self.groups(share), multiples=self.multiples,
        )  # fmt: skip


def _stack_rows(table: Table, stack: Stack, key: str, parent: str | None, tower: str) -> None:
    context = table.context
    table.add(key, f"All {len(stack.layers)} layers", context.parameters(stack.path), parent)
    multiples = _multiples(table.formulas, stack, tower)
    for kind in stack.kinds:
        layers = _Layers(table, kind, [stack.layers[index].path for index in kind.indices], multiples)
        count = layers.count(kind.example.path)
        name = f"{key}/{kind.id}"
        whole = Share((kind.example.path,))
        layers.row(name, kind.title, count, key, whole, count - inactive(context, kind) * len(layers.paths))
        _kind_rows(table, layers, name, count)


def _multiples(formulas: Formulas, stack: Stack, tower: str) -> dict[int, Factor]:
    """The symbol for the number of layers, where the configuration states it."""
    keys = [key for key in keys_of(LAYER_KEYS, tower) if stack.config.values.get(key) == len(stack.layers)]
    symbol = formulas.symbol(stack.config.prefix + keys[0], len(stack.layers)) if keys else None
    return {len(stack.layers): symbol} if symbol is not None else {}


def _kind_rows(table: Table, layers: _Layers, name: str, total: int) -> None:
    """Mixer, feed-forward, norms and the rest of a layer; they sum to the layer."""
    kind, spent = layers.kind, 0
    for parts, word in ((kind.parts.mixers, "mixer"), (kind.parts.feeds, "feed_forward")):
        for number, part in enumerate(parts):
            share = _part_share(kind, part)
            count = sum(map(layers.count, share.inside)) - sum(map(layers.count, share.outside))
            spent += count
            key = f"{name}/{word}" + (f"_{number + 1}" if number else "")
            layers.row(key, _part_title(kind, part, parts), count, name, share)
            _part_rows(table, layers, part, key, count, share)
    norms = tuple(kind.parts.norms)
    size = sum(map(layers.count, norms))
    layers.row(f"{name}/norms", "Norms", size, name, Share(norms))
    named = [path for part in (*kind.parts.mixers, *kind.parts.feeds) for path in part.paths]
    rest = Share((kind.example.path,), (*named, *norms))
    layers.row(f"{name}/other", _rest_title(table, kind, (*named, *norms)), total - spent - size, name, rest)


def _rest_title(table: Table, kind: Kind, paths: tuple[str, ...]) -> str:
    """What else a layer holds, by the names of its modules and of parameters of its own."""
    return rest_named(table.context, kind.example, paths)


def _part_share(kind: Kind, part: Part) -> Share:
    """What a part holds; norms that a wrapper holds are counted with the layer's norms."""
    inside = [n for n in kind.parts.norms if any(n.startswith(path + ".") for path in part.paths)]
    return Share(tuple(part.paths), tuple(inside))


def _part_title(kind: Kind, part: Part, parts: list[Part]) -> str:
    titles = kind.mixer_title if part in kind.parts.mixers else kind.feed_title
    split = [title for word in titles.split(" + ") for title in _spread(word)]
    return split[parts.index(part)] if len(split) == len(parts) else titles


def _spread(title: str) -> list[str]:
    """`2 × MLP` as the titles of both."""
    times, sign, word = title.partition(" × ")
    return [word] * int(times) if sign and times.isdigit() else [title]


def _part_rows(table: Table, layers: _Layers, part: Part, key: str, count: int, share: Share) -> None:
    what = part.what
    if isinstance(what, MixtureOfExperts):
        _moe_rows(table, layers, what, key, count, share)
        return
    module = table.context.modules[part.paths[0]] if len(part.paths) == 1 else None
    norms = [c for c in module.children.values() if table.roles(c) in ("qk_norm", "norm")] if module else []
    paths = tuple(norm.path for norm in norms)
    size = sum(map(layers.count, paths))
    inner = _inner_parts(module) if module is not None and isinstance(what, Attention) else []
    routed = projection_experts(module, table.context.trace) if module is not None and inner else None
    apart = sum(layers.count(each.path) for each in inner)
    sinks = _sinks(module) if module is not None and isinstance(what, Attention) and what.sinks else ()
    sunk = sum(map(layers.count_of, sinks))
    if size or apart or sunk:
        title = (
            "Projections" if isinstance(what, Attention)
            else "Convolutions and projections" if isinstance(what, PositionMixer)
            else "Projections and state"
        )  # fmt: skip
        others = share.without(*paths, *(each.path for each in inner), tensors=sinks)
        layers.row(f"{key}/projections", title, count - size - apart - sunk, key, others)
        layers.row(f"{key}/sinks", "Attention sinks", sunk, key, replace(share, only=sinks))
        for each in inner:
            if routed is not None and each is routed[0]:
                _routed_rows(table, layers, each, routed[1], key)
            else:
                _inner_rows(layers, each, key)
        layers.row(f"{key}/norms", _norms_label(what, [norm.name for norm in norms]), size, key, Share(paths))


def _sinks(module: ModuleRecord) -> tuple[str, ...]:
    """The learned logits that an attention's softmax has beside its scores."""
    return tuple(tensor.name for name, tensor in module.parameters.items() if "sink" in name)


def _inner_parts(module: ModuleRecord) -> list[ModuleRecord]:
    """Modules of an attention that are made of several with parameters: a compressor, an indexer."""
    return [
        child for child in module.children.values()
        if sum(any(each.parameters for each in inner.walk()) for inner in child.children.values()) > 1
    ]  # fmt: skip


def _inner_rows(layers: _Layers, module: ModuleRecord, parent: str) -> None:
    """A part of an attention, and parts of its own in it."""
    key, count = f"{parent}/{module.name}", layers.count(module.path)
    layers.row(key, module.name.replace("_", " ").capitalize(), count, parent, Share((module.path,)))
    inner = _inner_parts(module)
    if inner:
        rest = Share((module.path,), tuple(each.path for each in inner))
        own = "Pooling" if any(True for _ in pooled_positions(module)) else "Projections"
        layers.row(f"{key}/own", own, count - sum(layers.count(each.path) for each in inner), key, rest)
    for each in inner:
        _inner_rows(layers, each, key)


def _routed_rows(table: Table, layers: _Layers, module: ModuleRecord, what: MixtureOfExperts, parent: str) -> None:
    """Projections of an attention of which each token passes some."""
    key, count = f"{parent}/{module.name}", layers.count(module.path)
    layers.row(key, "Routed projections", count, parent, Share((module.path,)))
    _moe_rows(table, layers, what, key, count, Share((module.path,)), " of the projections")


def _norms_label(what: object, names: list[str]) -> str:
    """Norms of queries and keys, of compressed vectors (MLA), or both."""
    if not isinstance(what, Attention):
        return "Inner norms"
    inner = "latent" if any(what.ranks) else "inner"
    if not set(names) & set(what.qk_norms):
        return f"{inner.capitalize()} norms"
    return "Q/K norms" if set(names) <= set(what.qk_norms) else f"Q/K and {inner} norms"


def _moe_rows(
    table: Table, layers: _Layers, what: MixtureOfExperts, key: str, count: int, share: Share, of: str = ""
) -> None:
    shared_paths = tuple(path for path in (what.shared, what.shared_gate) if path)
    router_paths = (what.router,) if what.router else ()
    held, common, router, shared = (
        sum(map(layers.count, paths)) for paths in (what.holders, what.common, router_paths, shared_paths)
    )
    experts = held - common
    times = what.count * len(layers.paths)
    even = experts % times == 0 and (not what.zero or experts == times * what.each)
    note = _mixture_note(what, 1 - times * what.each / experts if experts else 0)
    layers.row(f"{key}/router", f"Router{of}", router, key, Share(router_paths, what.holders))
    table.add(
        f"{key}/experts", f"Experts{of}", experts, key, experts // times if even else None, times if even else None,
        _visited(what, experts, len(layers.paths)), note,
        groups=layers.groups(Share(what.holders, what.common)), multiples=layers.multiples,
    )  # fmt: skip
    names = listed([path.rpartition(".")[2] for path in what.common])
    layers.row(f"{key}/common", f"Common to the experts ({names})", common, key, Share(what.common))
    layers.row(f"{key}/shared_expert", "Shared expert", shared, key, Share(shared_paths))
    rest = share.without(*what.holders, *router_paths, *shared_paths)
    layers.row(f"{key}/other", _moe_rest(table.context, what), count - held - router - shared, key, rest)


def _moe_rest(context: Context, what: MixtureOfExperts) -> str:
    """What else a mixture holds, by its names."""
    taken = tuple(path for path in (*what.holders, what.router, what.shared, what.shared_gate) if path)
    return rest_named(context, context.modules[what.experts.rpartition(".")[0]], taken)


def inactive(context: Context, kind: Kind) -> int:
    """Parameters of a layer that one token does not visit: the experts it was not sent to."""
    left_out = passed_by(context, kind)
    idle = sum(context.parameters(path) for part in left_out for path in part.paths)
    for what in _mixtures(context, kind):
        if any(what is part.what for part in left_out):
            continue
        held, common = (sum(map(context.parameters, paths)) for paths in (what.holders, what.common))
        experts = held - common if what.top_k else 0
        idle += experts - (_visited(what, experts) or 0)
    return idle


def fed_mixtures(kind: Kind) -> list[tuple[Part, MixtureOfExperts]]:
    """The mixtures among the feed-forwards of a layer."""
    return [(part, part.what) for part in kind.parts.feeds if isinstance(part.what, MixtureOfExperts)]


def passed_by(context: Context, kind: Kind) -> list[Part]:
    """Mixtures that the pass of a text token leaves out where it takes another one: the experts of images (Ernie 4.5 VL)."""
    mixtures = fed_mixtures(kind)
    called = [part for part, _ in mixtures if any(context.trace.call(path) is not None for path in part.paths)]
    return [part for part, _ in mixtures if part not in called] if called and not context.reading.trace_gaps else []


def _mixtures(context: Context, kind: Kind) -> Iterator[MixtureOfExperts]:
    """The experts of a layer: those of its feed-forwards, and those that project for its attention."""
    yield from (what for _, what in fed_mixtures(kind))
    for part in kind.parts.mixers:
        if isinstance(part.what, Attention):
            found = projection_experts(context.modules[part.paths[0]], context.trace)
            yield from [found[1]] if found is not None else []


def _visited(what: MixtureOfExperts, experts: int, layers: int = 1) -> int | None:
    """Parameters of the experts that a token visits, by the share of the choices; rows of zero experts are none of them."""
    if what.visited is None:
        return None
    _, share, _ = what.visited
    return round(what.each * layers * share) if what.zero else round(experts * share / what.count)


def visited_range(kind: Kind) -> tuple[int, int]:
    """How many parameters fewer and more than counted a token may visit in a layer, as its choices fall on zero experts."""
    less = more = 0
    for _, what in fed_mixtures(kind):
        if what.zero and what.visited:
            fewest, share, most = what.visited
            counted = round(what.each * share)
            less += counted - what.each * fewest
            more += what.each * most - counted
    return less, more


def _mixture_note(what: MixtureOfExperts, beside: float) -> str:
    """`512 experts + 256 zero experts, 12 per token`, and the share that is stored in rows of zero experts."""
    words = f"{what.count} experts" + (f" + {what.zero} zero experts" if what.zero else "")
    words += f", {what.top_k} per token" if what.top_k else ""
    return words + (f"; {100 * beside:.3g} % in rows of zero experts" if what.zero and beside else "")
