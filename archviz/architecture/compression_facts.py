"""Facts about what an attention spares (pooled positions, an indexer, grouped projections) and about residual streams."""

from __future__ import annotations

from collections.abc import Callable

from archviz.architecture.attention_facts import attention_module, attentions
from archviz.architecture.context import code
from archviz.architecture.fact_sheet import FactSheet, OfKind
from archviz.architecture.kinds import Stack
from archviz.architecture.naming import Kind
from archviz.interpreter.reading import ModuleRecord
from archviz.patterns.compression import grouped_projections, indexers, pooled_positions
from archviz.patterns.streams import StreamMixer, detect_stream_mixer


def compression_facts(sheet: FactSheet, stack: Stack) -> None:
    """Pooled positions, an indexer's choice and grouped projections, for each kind of layer where kinds differ."""
    modules = [(kind, attention_module(sheet, kind, what)) for kind, what in attentions(stack)]

    def of(find: Callable[[ModuleRecord], tuple[ModuleRecord, object] | None]) -> list[OfKind]:
        found = [(kind, find(module)) for kind, module in modules]
        return [
            OfKind(
                kind, each[1] if each else "none", kind.mixer_kind or kind.id, code(each[0].created_at) if each else []
            )
            for kind, each in found
            if any(other for _, other in found)
        ]

    sheet.add_by_kind("attention_compression", of(_pooled))
    sheet.add_by_kind(
        "indexer_top_k", of(lambda m: next(indexers(m), None)), agreeing=("index_topk",), config=stack.config
    )
    sheet.add_by_kind("indexer_heads", of(_indexer_heads))
    sheet.add_by_kind("grouped_output", of(_grouped))


def _pooled(module: ModuleRecord) -> tuple[ModuleRecord, str] | None:
    found = next(pooled_positions(module), None)
    return (found[0], f"{found[1]} positions into one") if found else None


def _indexer_heads(module: ModuleRecord) -> tuple[ModuleRecord, int] | None:
    """How many heads an indexer has, as its own setting says."""
    child = next((each for each, _ in indexers(module)), None)
    sizes = (child.attributes.get(name) for name in ("n_heads", "num_heads")) if child is not None else ()
    size = next((value for value in sizes if type(value) is int), None)
    return (child, size) if child is not None and size is not None else None


def _grouped(module: ModuleRecord) -> tuple[ModuleRecord, str] | None:
    found = next(grouped_projections(module), None)
    return (found[0], f"{found[1]} groups of rank {found[2]:,}") if found else None


def stream_facts(sheet: FactSheet, stack: Stack) -> None:
    """Residual streams side by side, and the rounds that make the matrix between them doubly stochastic."""
    found: list[tuple[Kind, ModuleRecord, StreamMixer]] = []
    for kind in stack.kinds:
        mixers = [(child, detect_stream_mixer(child, sheet.context.trace)) for child in kind.example.children.values()]
        found += [(kind, child, mixer) for child, mixer in mixers if mixer is not None][:1]

    def of(trait: Callable[[StreamMixer], object]) -> list[OfKind]:
        return [OfKind(kind, trait(mixer), kind.id, code(child.created_at)) for kind, child, mixer in found]

    sheet.add_by_kind("residual_streams", of(lambda m: m.streams), agreeing=("hc_mult",), config=stack.config)
    rounds = of(lambda m: m.iterations or None)
    sheet.add_by_kind("sinkhorn_iterations", rounds, agreeing=("hc_sinkhorn_iters",), config=stack.config)
