"""What an attention does to spare work: positions pooled into one, an indexer's choice, projections in groups."""

from __future__ import annotations

from collections.abc import Iterator

from archviz.interpreter.reading import ModuleRecord
from archviz.patterns.linears import linear_sizes


def spares_work(module: ModuleRecord) -> bool:
    """Whether a module itself may pool positions or choose among them."""
    return "compress_rate" in module.attributes or "index_topk" in module.attributes


def pooled_positions(module: ModuleRecord) -> Iterator[tuple[ModuleRecord, int]]:
    """The submodules that pool neighbouring positions, each with how many become one; an indexer's own pooling left out."""
    for child in module.walk():
        rate = child.attributes.get("compress_rate")
        if isinstance(rate, int) and rate > 1 and not isinstance(child.attributes.get("index_topk"), int):
            if child.name != "indexer":
                yield child, rate


def pooling_rates(module: ModuleRecord) -> tuple[int, ...]:
    """How many positions become one in a module, an indexer's own pooling among them; each rate once."""
    rates = (child.attributes.get("compress_rate") for child in module.walk())
    return tuple(dict.fromkeys(rate for rate in rates if isinstance(rate, int) and rate > 1))


def indexers(module: ModuleRecord) -> Iterator[tuple[ModuleRecord, int]]:
    """The submodules that choose positions for the attention, each with how many it chooses."""
    for child in module.walk():
        chosen = child.attributes.get("index_topk")
        if isinstance(chosen, int) and not isinstance(chosen, bool):
            yield child, chosen


def grouped_projections(module: ModuleRecord) -> Iterator[tuple[ModuleRecord, int, int]]:
    """Projections of slices of the heads, each group with its own part of the matrix: module, groups, width of a group's result."""
    for child in module.children.values():
        groups, sizes = child.attributes.get("n_groups"), linear_sizes(child)
        if isinstance(groups, int) and groups > 1 and sizes:
            yield child, groups, sizes[1] // groups
