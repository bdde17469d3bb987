"""The parameter breakdown: rows that sum to the total, and the parameters that one token visits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field

from archviz.architecture.active import active_words, stand_apart
from archviz.architecture.context import Context
from archviz.architecture.kinds import Stack
from archviz.architecture.model import ParameterRow, Parameters
from archviz.architecture.naming import Kind
from archviz.architecture.roles import Roles
from archviz.architecture.towers import Column
from archviz.interpreter.reading import ModuleRecord
from archviz.patterns.attention import Attention
from archviz.patterns.layer_parts import Part
from archviz.patterns.moe import MixtureOfExperts
from archviz.records import record


@record
class _Table:
    context: Context
    roles: Roles
    rows: list[ParameterRow] = field(default_factory=list)

    def add(
        self, key: str, label: str, count: int, parent: str | None = None, each: int | None = None,
        times: int | None = None, active: int | None = None, note: str | None = None,
    ) -> None:  # fmt: skip
        if count or note:
            self.rows.append(
                ParameterRow(
                    key=key, label=label, count=count, parent=parent, each=each, times=times, active=active, note=note
                )
            )


def build_parameters(context: Context, roles: Roles, columns: list[Column], published_total: int | None) -> Parameters:
    """Total, active, embedding and tied parameters with the breakdown."""
    table = _Table(context, roles)
    main = [column for column in columns if column.is_main] or columns
    for column in columns:
        alone = column in main and len(main) == 1
        _column_rows(table, column, "" if alone else column.id + "/")
    total = context.parameters("")
    rest = total - sum(row.count for row in table.rows if row.parent is None)
    table.add("other", "Other", rest)
    buffers = {t.name: t.numel for m in context.modules.values() for t in m.buffers.values()}
    side = sum(
        row.count for row in table.rows if row.parent is None and row.key in {c.id for c in columns if c not in main}
    )
    idle = sum(inactive(context, kind) * len(kind.indices) for c in main for stack in c.stacks for kind in stack.kinds)
    # A model whose experts or their choice were not understood has no honest active count.
    known = (
        columns
        and not stand_apart(columns)
        and all(top for c in main for s in c.stacks for k in s.kinds for top in _choices(k))
    )
    sizes = {row.key: row.count for row in table.rows if row.parent is None}
    sizes |= {column.id: total - side - rest for column in main if len(main) == 1}
    return Parameters(
        total=total,
        active=total - side - idle if known else None,
        embedding=sum(context.parameters(m.path) for m in _embeddings(roles, main)),
        buffers=sum(buffers.values()),
        tied=dict(context.reading.tied),
        breakdown=table.rows,
        published_total=published_total,
        active_definition=active_words(columns, sizes) if known or stand_apart(columns) else None,
    )


def _embeddings(roles: Roles, columns: Iterable[Column]) -> list[ModuleRecord]:
    return [
        inner for column in columns for module in column.around for inner in module.walk()
        if roles(inner) in ("embedding", "position_embedding")
    ]  # fmt: skip


def _choices(kind: Kind) -> list[int | None]:
    return [part.what.top_k for part in kind.parts.feeds if isinstance(part.what, MixtureOfExperts)]


def inactive(context: Context, kind: Kind) -> int:
    """Parameters of a layer that one token does not visit: the experts it was not sent to."""
    idle = 0
    for part in kind.parts.feeds:
        if isinstance(part.what, MixtureOfExperts) and part.what.top_k:
            experts = context.parameters(part.what.experts)
            idle += experts - round(experts * part.what.top_k / part.what.count)
    return idle


def _column_rows(table: _Table, column: Column, prefix: str) -> None:
    context, roles = table.context, table.roles
    parent = prefix.rstrip("/") or None
    groups: dict[str, list[ModuleRecord]] = {"embedding": [], "final_norm": [], "head": [], "around": []}
    for module in column.around:
        role = roles(module)
        if role in ("embedding", "position_embedding"):
            groups["embedding"].append(module)
        elif role == "norm":
            groups["final_norm" if column.position(context, module) > 0 else "embedding"].append(module)
        else:
            groups["head" if role == "head" else "around"].append(module)
    counts = {key: sum(context.parameters(m.path) for m in modules) for key, modules in groups.items()}
    layers = sum(context.parameters(stack.path) for stack in column.stacks)
    if parent is not None:
        table.add(parent, column.title, layers + sum(counts.values()))
    table.add(prefix + "embedding", "Embedding", counts["embedding"], parent)
    for number, stack in enumerate(column.stacks):
        _stack_rows(table, stack, prefix + ("layers" if number == 0 else f"layers_{number + 1}"), parent)
    table.add(prefix + "final_norm", "Final norm", counts["final_norm"], parent)
    names = ", ".join(module.name for module in groups["around"][:4])
    table.add(
        prefix + "around", f"Around the layers ({names})" if names else "Around the layers", counts["around"], parent
    )
    tied = [t.name for m in groups["head"] for t in m.parameters.values() if t.name in context.reading.tied]
    note = f"tied to {context.reading.tied[tied[0]]}" if tied else None
    table.add(prefix + "head", "Output head", counts["head"], parent, note=note)


@record(frozen=True)
class _Layers:
    """The layers of one kind: counts are sums over them, because layers may share tensors."""

    context: Context
    kind: Kind
    paths: list[str]

    def count(self, path: str) -> int:
        """Parameters below a path of the example layer, in all layers of the kind."""
        cut = len(self.kind.example.path)
        return sum(self.context.parameters(layer + path[cut:]) for layer in self.paths)

    def row(self, table: _Table, key: str, label: str, count: int, parent: str, active: int | None = None) -> None:
        """Add a row for something that every layer of the kind has once."""
        times = len(self.paths)
        even = count % times == 0
        table.add(key, label, count, parent, count // times if even else None, times if even else None, active)


def _stack_rows(table: _Table, stack: Stack, key: str, parent: str | None) -> None:
    context = table.context
    table.add(key, f"All {len(stack.layers)} layers", context.parameters(stack.path), parent)
    for kind in stack.kinds:
        layers = _Layers(context, kind, [stack.layers[index].path for index in kind.indices])
        count = layers.count(kind.example.path)
        name = f"{key}/{kind.id}"
        layers.row(table, name, kind.title, count, key, count - inactive(context, kind) * len(layers.paths))
        _kind_rows(table, layers, name, count)


def _kind_rows(table: _Table, layers: _Layers, name: str, total: int) -> None:
    """Mixer, feed-forward, norms and the rest of a layer; they sum to the layer."""
    kind, spent = layers.kind, 0
    for parts, word in ((kind.parts.mixers, "mixer"), (kind.parts.feeds, "feed_forward")):
        for number, part in enumerate(parts):
            count = _part_count(layers, part)
            spent += count
            key = f"{name}/{word}" + (f"_{number + 1}" if number else "")
            layers.row(table, key, _part_title(kind, part, parts), count, name)
            _part_rows(table, layers, part, key, count)
    norms = sum(layers.count(path) for path in kind.parts.norms)
    layers.row(table, f"{name}/norms", "Norms", norms, name)
    layers.row(table, f"{name}/other", "Other", total - spent - norms, name)


def _part_count(layers: _Layers, part: Part) -> int:
    """Parameters of a part; norms that a wrapper holds are counted with the layer's norms."""
    inside = [n for n in layers.kind.parts.norms if any(n.startswith(path + ".") for path in part.paths)]
    return sum(map(layers.count, part.paths)) - sum(map(layers.count, inside))


def _part_title(kind: Kind, part: Part, parts: list[Part]) -> str:
    titles = kind.mixer_title if part in kind.parts.mixers else kind.feed_title
    split = [title for word in titles.split(" + ") for title in _spread(word)]
    return split[parts.index(part)] if len(split) == len(parts) else titles


def _spread(title: str) -> list[str]:
    """`2 × MLP` as the titles of both."""
    times, sign, word = title.partition(" × ")
    return [word] * int(times) if sign and times.isdigit() else [title]


def _part_rows(table: _Table, layers: _Layers, part: Part, key: str, count: int) -> None:
    what = part.what
    if isinstance(what, MixtureOfExperts):
        _moe_rows(table, layers, what, key, count)
        return
    module = table.context.modules[part.paths[0]] if len(part.paths) == 1 else None
    norms = [c for c in module.children.values() if table.roles(c) in ("qk_norm", "norm")] if module else []
    size = sum(layers.count(norm.path) for norm in norms)
    if size:
        layers.row(
            table,
            f"{key}/projections",
            "Projections" if isinstance(what, Attention) else "Projections and state",
            count - size,
            key,
        )
        layers.row(table, f"{key}/norms", _norms_label(what, [norm.name for norm in norms]), size, key)


def _norms_label(what: object, names: list[str]) -> str:
    """Norms of queries and keys, of compressed vectors (MLA), or both."""
    if not isinstance(what, Attention):
        return "Inner norms"
    inner = "latent" if any(what.ranks) else "inner"
    if not set(names) & set(what.qk_norms):
        return f"{inner.capitalize()} norms"
    return "Q/K norms" if set(names) <= set(what.qk_norms) else f"Q/K and {inner} norms"


def _moe_rows(table: _Table, layers: _Layers, what: MixtureOfExperts, key: str, count: int) -> None:
    experts = layers.count(what.experts)
    router = layers.count(what.router) if what.router else 0
    shared = sum(layers.count(path) for path in (what.shared, what.shared_gate) if path)
    times = what.count * len(layers.paths)
    even = experts % times == 0
    note = f"{what.count} experts" + (f", {what.top_k} per token" if what.top_k else "")
    layers.row(table, f"{key}/router", "Router", router, key)
    table.add(
        f"{key}/experts", "Experts", experts, key, experts // times if even else None, times if even else None,
        round(experts * what.top_k / what.count) if what.top_k else None, note,
    )  # fmt: skip
    layers.row(table, f"{key}/shared_expert", "Shared expert", shared, key)
    layers.row(table, f"{key}/other", "Other", count - experts - router - shared, key)
