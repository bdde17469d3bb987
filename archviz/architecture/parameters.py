"""The parameters of a model: total, those that one token visits, and the breakdown with its formulas."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archviz.architecture.active import active_words, stand_apart, zero_expert_words
from archviz.architecture.breakdown import Table, add_column, add_rest, fed_mixtures, inactive, passed_by, visited_range
from archviz.architecture.context import Context
from archviz.architecture.model import Parameters, Symbol
from archviz.architecture.naming import Kind
from archviz.architecture.node_formulas import Place, give_formulas
from archviz.architecture.roles import Roles
from archviz.architecture.towers import Column
from archviz.formulas.writing import Formulas
from archviz.interpreter.reading import ModuleRecord


def build_parameters(
    context: Context, roles: Roles, columns: list[Column], published_total: int | None, places: Iterable[Place] = (),
    uncalled: Sequence[tuple[str, int]] = (),
) -> Parameters:  # fmt: skip
    """Total, active, embedding and tied parameters with the breakdown; boxes at `places` get their formulas.

    Args:
        uncalled: Modules around the layers that the pass of a token does not call, with their parameters.
    """
    main = [column for column in columns if column.is_main] or columns
    prefix = next((stack.config.prefix for column in main for stack in column.stacks), "")
    table = Table(context, roles, Formulas(context.reading, prefix))
    for column in columns:
        alone = column in main and len(main) == 1
        add_column(table, column, "" if alone else column.id + "/")
    total = context.parameters("")
    rest = total - sum(row.count for row in table.rows if row.parent is None)
    if rest:
        add_rest(table, columns, rest)
    buffers = {t.name: t.numel for m in context.modules.values() for t in m.buffers.values()}
    side = sum(
        row.count for row in table.rows if row.parent is None and row.key in {c.id for c in columns if c not in main}
    )
    side += _beside(context, columns, main) if rest else 0
    passed = uncalled if any(column.is_main for column in columns) else ()
    side += sum(count for _, count in passed)
    idle = sum(inactive(context, kind) * len(kind.indices) for c in main for stack in c.stacks for kind in stack.kinds)
    # A model whose experts or their choice were not understood has no honest active count.
    known = (
        columns
        and not stand_apart(columns)
        and all(top for c in main for s in c.stacks for k in s.kinds for top in _choices(k))
    )
    give_formulas(context, table.formulas, places)
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
        symbols=[Symbol(symbol=n.symbol, value=n.value, key=n.key, meaning=n.meaning) for n in table.formulas.symbols],
        active_definition=active_words(columns, sizes)
        + (_passed_by_words(context, main, passed) + _zero_words(main, total - side - idle) if known else "")
        if known or stand_apart(columns)
        else None,
    )


def _passed_by_words(context: Context, main: Iterable[Column], uncalled: Sequence[tuple[str, int]]) -> str:
    """Which experts no text token is sent to, whatever it chooses, and which modules its pass does not call."""
    parts = [part for c in main for stack in c.stacks for kind in stack.kinds for part in passed_by(context, kind)]
    names = dict.fromkeys(path.rpartition(".")[2] for part in parts for path in part.paths)
    experts = f" Not on the way of text: the experts of {', '.join(names)}." if names else ""
    return experts + (
        f" Left out, because its pass does not call them: {', '.join(name for name, _ in uncalled)}."
        if uncalled
        else ""
    )


def _zero_words(main: Iterable[Column], active: int) -> str:
    """How many of a token's choices count where some experts have no weights, and the range that follows."""
    kinds = [kind for c in main for stack in c.stacks for kind in stack.kinds]
    mixed = [(kind, what) for kind in kinds for _, what in fed_mixtures(kind) if what.zero]
    if not mixed:
        return ""
    ranges = {id(kind): (visited_range(kind), len(kind.indices)) for kind, _ in mixed}
    less, more = (sum(each[i] * times for each, times in ranges.values()) for i in (0, 1))
    told = dict.fromkeys(
        zero_expert_words(what.top_k, what.count, what.zero, what.visited)
        for _, what in mixed
        if what.visited and what.top_k
    )
    return f" {' '.join(told)} By its choices a token visits {active - less:,} to {active + more:,} parameters."


def _beside(context: Context, columns: list[Column], main: list[Column]) -> int:
    """Parameters that stand in no column, in modules that hold parts of towers beside the main one alone."""
    paths = {c.id: [*(m.path for m in c.around), *(s.path for s in c.stacks)] for c in columns}
    held = [path for found in paths.values() for path in found]
    mains = [path for column in main for path in paths[column.id]]
    return sum(
        tensor.numel
        for module in context.modules.values()
        if module.parameters and module.path
        and any(path.startswith(f"{module.path}.") for path in held)
        and not any(path.startswith(f"{module.path}.") for path in mains)
        and not any(module.path == path or module.path.startswith(f"{path}.") for path in held)
        for tensor in module.parameters.values() if tensor.name not in context.reading.tied
    )  # fmt: skip


def _embeddings(roles: Roles, columns: Iterable[Column]) -> list[ModuleRecord]:
    return [
        inner for column in columns for module in column.around for inner in module.walk()
        if roles(inner) in ("embedding", "position_embedding")
    ]  # fmt: skip


def _choices(kind: Kind) -> list[int | None]:
    return [what.top_k for _, what in fed_mixtures(kind)]
