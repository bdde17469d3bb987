"""The components of a model, stage by stage, in the order in which a token meets them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from archviz.architecture.attention_facts import NOPE_SOMEWHERE
from archviz.architecture.column_layers import layers_in
from archviz.architecture.model import Architecture, BlockGraph, ColumnItem, LayerStack, ModuleNode, PatternItem, Tower
from archviz.architecture.words import TAPS, pattern_words
from archviz.comparison.blocks import find_module
from archviz.comparison.departure import Departure
from archviz.comparison.departures import mixer_role
from archviz.emit.markdown_graphs import graph_section
from archviz.emit.markdown_text import inline_code, line, table
from archviz.records import replace

_FEATURES = {
    "mixer": ("attention_kind", "attention_compression", "indexer_top_k", "grouped_output", "query_rank", "attention_gate",
              "attention_sinks", "sliding_window", "attention_chunk", "qk_norm", "attention_softcap", "attention_scale", "value_scale", "query_temperature", "cross_attention_qk_norm", "rope_dimensions",
              "rope_layout", "mrope_section", "position_encoding", "rope_scaling", "attention_mask"),
    "other mixer": ("layers",),
    "feed-forward": ("experts", "zero_experts", "shared_expert_hidden_size", "shared_expert_gate", "router_score", "router_correction_bias", "router_choice",
                     "router_groups", "router_scaling", "router_expert_scale", "feed_forward", "activation"),
    "layer": ("residual_streams", "sinkhorn_iterations", "norm", "norm_placement", "parallel_block", "residual_multiplier", "layer_scale", "shared_layers"),
}  # fmt: skip


def stages(architecture: Architecture, found: Sequence[Departure]) -> list[str]:
    """Each tower as stages: what comes before the layers, every layer of the repeating unit with its inside, what comes after."""
    lines = ["## Detailed components"]
    number = 0
    shown: set[str] = set()
    for tower in architecture.towers:
        for name, body in _tower(architecture, tower, found if tower is architecture.towers[0] else (), shown):
            number += 1
            lines += ["", f"### Stage {number}: {line(name)}", "", *body]
    return lines


def _tower(
    architecture: Architecture, tower: Tower, found: Sequence[Departure], shown: set[str]
) -> Iterator[tuple[str, list[str]]]:
    pending: list[ColumnItem] = []
    title = f"{tower.title}, " if len(architecture.towers) > 1 else ""
    before = True
    for item in tower.column:
        if item.node is not None:
            pending.append(item)
        stack = layers_in(architecture, item)
        if stack is not None:
            if pending:
                yield f"{title}input", _boxes(architecture, tower, pending)
            pending, before = [], False
            yield f"{title}{stack.count} layers", _stack(architecture, stack, found, shown)
    if pending:
        yield f"{title}{'modules' if before else 'output'}", _boxes(architecture, tower, pending)


def _boxes(architecture: Architecture, tower: Tower, items: Sequence[ColumnItem]) -> list[str]:
    lines: list[str] = []
    for item, node in [(item, item.node) for item in items if item.node is not None]:
        details = [*node.details, *([f"{node.parameters:,} parameters"] if node.parameters else [])]
        places = ", ".join(dict.fromkeys(item.where for item in node.evidence[:2]))
        lines += [f"#### {line(node.label)}", ""]
        lines += [f"- **Details:** {line('; '.join(details)) if details else 'no parameters'}"]
        if item.taps:
            lines.append(f"- **Beside the stack:** {line(item.note or TAPS)}")
        module = _module(architecture, tower, node.module)
        place_of = module.path if module is not None else node.module or node.code_name
        lines += [f"- **In the code:** `{inline_code(place_of)}`"] if place_of else []
        inside = [_inside(child) for child in module.children] if module is not None else []
        lines += [f"- **Inside:** {line('; '.join(inside))}"] if inside else []
        lines += [f"- **Source:** {line(places)}"] if places else []
        lines.append("")
    return lines[:-1]


def _module(architecture: Architecture, tower: Tower, path: str | None) -> ModuleNode | None:
    """The module of a box, whose path may begin at its tower."""
    if not path:
        return None
    return find_module(architecture.modules, f"{tower.module}.{path}".lstrip(".")) or find_module(
        architecture.modules, path
    )


def _inside(child: ModuleNode) -> str:
    """A submodule with the shapes of its tensors."""
    times = f"{child.count} × " if child.count > 1 else ""
    tensors = ", ".join(f"{name} {shape}" for name, shape in child.tensors.items())
    return f"{times}{child.name} ({child.class_name}{', ' + tensors if tensors else ''})"


def _stack(architecture: Architecture, stack: LayerStack, found: Sequence[Departure], shown: set[str]) -> list[str]:
    lines = [f"`{inline_code(stack.path)}`: {line(pattern_words(stack))}.", ""]
    lines += _plan(stack)
    for kind in stack.kinds:
        parts = (
            (kind.block, f"Layer: {kind.title}", "layer", ""),
            (
                kind.mixer,
                "",
                "mixer" if mixer_role(architecture, kind.mixer) == "attention" else "other mixer",
                kind.mixer_kind,
            ),
            (kind.feed_forward, "", "feed-forward", kind.feed_forward_kind),
        )
        for block_id, title, slot, word in parts:
            graph = architecture.block(block_id or "")
            if graph is None or graph.id in shown:
                continue
            shown.add(graph.id)
            lines += [
                "",
                *_graph(graph, title or graph.title, slot, _of_kind(found, word or "")),
            ]
            for zoom in _zooms(architecture, graph, {part.id for part in _layer_parts(architecture, stack)}, shown):
                lines += ["", *graph_section(zoom, zoom.title, level=5)]
    return lines


def _of_kind(found: Sequence[Departure], word: str) -> list[Departure]:
    """What sets a kind of mixer or feed-forward apart; where only some layers have positions, those without say so."""
    here = []
    for each in found:
        if each.kinds and word not in each.kinds:
            continue
        if each.key == "position_encoding" and NOPE_SOMEWHERE in each.text and (NOPE in word or ROPE in word):
            if NOPE in word:
                here.append(replace(each, text="no positions (NoPE)"))
            continue
        here.append(each)
    return here


def _plan(stack: LayerStack) -> list[str]:
    """The layers of one unit of the pattern, one by one, where they differ."""
    titles = {kind.id: kind for kind in stack.kinds}
    rows: list[tuple[str, str, str, str]] = []
    first = 0
    for item in stack.pattern:
        unit = list(_flat(item))
        if item.items:
            for place, name, run in _runs(unit):
                until = f"-{first + place + run - 1}" if run > 1 else ""
                rows.append(
                    (
                        f"{first + place}{until}, then every {len(unit)}",
                        titles[name].title,
                        f"{titles[name].parameters:,}",
                        str(item.times * run),
                    )
                )
            first += len(unit) * item.times
        else:
            kind = item.kind or unit[0]
            last = first + item.times - 1
            rows.append(
                (
                    str(first) if last == first else f"{first}-{last}",
                    titles[kind].title,
                    f"{titles[kind].parameters:,}",
                    str(item.times),
                )
            )
            first += item.times
    return table(("Layer", "What it is", "Parameters", "Times"), rows)


def _runs(kinds: Sequence[str]) -> Iterator[tuple[int, str, int]]:
    """Equal kinds in a row: the place of the first, the kind, how many."""
    place = 0
    for kind, group in groupby(kinds):
        count = len(list(group))
        yield place, kind, count
        place += count


def _flat(item: PatternItem) -> Iterator[str]:
    """The kinds of one round of a pattern item."""
    for inner in item.items:
        for _ in range(inner.times):
            yield from _flat(inner) if inner.items else [inner.kind or ""]
    if not item.items and item.kind:
        yield item.kind


def _graph(graph: BlockGraph, title: str, slot: str, found: Sequence[Departure]) -> list[str]:
    lines = graph_section(graph, title, level=4)
    is_mixture = any(node.role in ("router", "experts") for node in graph.nodes)
    features = [
        each for each in found
        if each.key in _FEATURES[slot] and not each.small and (is_mixture or not each.key.startswith(_OF_MIXTURES))
    ]  # fmt: skip
    if not features:
        return lines
    words = [each.text if each.key in _SAID_BY_TEXT else each.name for each in features]
    return [*lines, "", f"**Key features:** {line(', '.join(words))}."]


NOPE, ROPE = "nope", "rope"
"""Words of kinds of attention, where a model has both."""
_OF_MIXTURES = ("experts", "zero_experts", "shared_expert", "router_")
"""What the facts begin with that say nothing of a dense feed-forward beside or before mixtures of experts."""
_SAID_BY_TEXT = ("norm", "norm_placement", "position_encoding", "feed_forward", "router_score")
"""Facts every block has: that one departs says nothing without what it is."""


def _layer_parts(architecture: Architecture, stack: LayerStack) -> Iterator[BlockGraph]:
    """The blocks of mixers and feed-forwards, which have sections of their own."""
    for kind in stack.kinds:
        for block_id in (kind.mixer, kind.feed_forward):
            graph = architecture.block(block_id or "")
            if graph is not None:
                yield graph


def _zooms(architecture: Architecture, graph: BlockGraph, apart: set[str], shown: set[str]) -> Iterator[BlockGraph]:
    """What is opened inside a block, and inside of that: an expert, a compressor with its indexer; each once."""
    for node in graph.nodes:
        zoom = architecture.block(node.zoom or "")
        if zoom is not None and zoom.id not in shown | apart:
            shown.add(zoom.id)
            yield zoom
            yield from _zooms(architecture, zoom, apart, shown)
