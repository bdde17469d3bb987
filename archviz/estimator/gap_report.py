"""A report on a kind of layer that the estimator has no class for: all that is needed to write one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from archviz.architecture.folding import ranges
from archviz.architecture.model import Architecture, BlockGraph
from archviz.emit.markdown_graphs import graph_section
from archviz.emit.markdown_text import code, filled_table, inline_code, line, link, table
from archviz.estimator.expected import Expected, expected_numbers, moved
from archviz.estimator.official_plan import planned
from archviz.estimator.parallelism import TENSOR_SIZES, Split, Strategy, is_fused, tensor_splits
from archviz.estimator.pieces import Piece
from archviz.estimator.references import engine_references, torch_references
from archviz.estimator.suite import suite_specification
from archviz.numbers.layer_costs import LayerCosts

_MOST_TENSORS = 40


class Storage(NamedTuple):
    """The type that weights have where the code leaves it open (`bfloat16`), and how the checkpoint stores them where it quantises."""

    dtype: str
    quantised: str = ""


def gap_report(
    piece: Piece, class_name: str, why: str, architecture: Architecture, storage: Storage, ops: Sequence[str],
    plan: Mapping[str, str], costs: LayerCosts,
) -> str:  # fmt: skip
    """The report as Markdown.

    Args:
        class_name: The name proposed for the missing class.
        why: Why no class of the folder fits.
        storage: The types of the weights.
        ops: The ops of its forward pass, in order.
        plan: The official plan of tensor parallelism.
        costs: What the model's modules cost.
    """
    numbers = expected_numbers(piece, costs)
    sections = [
        _head(piece, class_name, why, architecture),
        _tensors(piece, storage),
        _settings(piece),
        _flow(piece, architecture),
        _references(piece, architecture, ops),
        _parallelism(piece, numbers, plan),
        _tests(piece, class_name, numbers),
    ]
    return "\n\n".join("\n".join(section) for section in sections if section) + "\n"


def _head(piece: Piece, class_name: str, why: str, architecture: Architecture) -> list[str]:
    places = f" in layers {ranges(piece.layers)} of `{inline_code(piece.stack)}`" if piece.stack else ""
    each = f"{piece.each:,} parameters each, " if piece.each is not None else ""
    return [
        f"# Unsupported layer: {line(piece.title)} (`{inline_code(piece.name)}`)",
        "",
        f"Model: {line(architecture.identity.id)}, class `{inline_code(piece.class_name)}`"
        + (f" ({line(piece.at)})." if piece.at else "."),
        f"It has {piece.count} of them{places}: {each}{piece.total:,} in all."
        if piece.count > 1
        else f"It has one{places}, of {piece.total:,} parameters.",
        "",
        f"Why: {line(why)}. Proposed class: `{inline_code(class_name)}`.",
    ]


def _tensors(piece: Piece, storage: Storage) -> list[str]:
    rows = [
        (t.name, _shape(t.shape), t.dtype if t.dtype not in (None, "float32") else storage.dtype, f"{t.numel:,}")
        for t in piece.tensors
    ]
    left = len(rows) - _MOST_TENSORS
    more = ["", f"… and {left} more."] if left > 0 else []
    tied = ["", *(f"- tied: `{inline_code(each)}`" for each in piece.tied)] if piece.tied else []
    return [
        "## Example tensors",
        "",
        *table(("Tensor", "Shape", "Type", "Elements"), rows[:_MOST_TENSORS]),
        *more,
        *(
            ["", f"The checkpoint stores all weights of the model so: {line(storage.quantised)}."]
            if storage.quantised
            else []
        ),
        *tied,
    ]


def _settings(piece: Piece) -> list[str]:
    rows = [
        (key, _shown(value), "decides" if key in piece.needs else "")
        for key, value in piece.specs.items()
        if value is not None
    ]
    return ["## Sizes and settings", "", *table(("Name", "Value", ""), rows)] if rows else []


def _flow(piece: Piece, architecture: Architecture) -> list[str]:
    graphs = _graphs(piece, architecture)
    if not graphs:
        return [
            "## Data flow",
            "",
            "It has no submodules whose connections were traced; its tensors and class are above.",
        ]
    lines = ["## Data flow", ""]
    for graph in graphs:
        lines += [*graph_section(graph, graph.title), ""]
    return lines[:-1]


def _graphs(piece: Piece, architecture: Architecture) -> list[BlockGraph]:
    """The graph of the piece and those that zoom into its boxes; for a part of a mixture of experts that of the mixture."""
    first = architecture.block(piece.graph or "")
    if first is None:
        tails = piece.modules
        first = next((block for block in architecture.blocks if block.module in tails), None)
    if first is None:
        kinds = [kind for stack in architecture.layers if stack.path == piece.stack for kind in stack.kinds]
        layer = next((kind for kind in kinds if set(kind.indices) & set(piece.layers)), None)
        first = architecture.block(layer.block) if layer else None
    if first is None:
        return []
    if first.id.split("/")[-2:-1] == ["layer"]:
        return [first]
    zooms = [architecture.block(node.zoom) for node in first.nodes if node.zoom]
    return [first, *(zoom for zoom in zooms if zoom is not None)]


def _references(piece: Piece, architecture: Architecture, ops: Sequence[str]) -> list[str]:
    torch = [f"- PyTorch, {name}: {link(address)}" for name, address in torch_references(ops)]
    engines = [f"- {line(name)}: {link(address)}" for name, address in engine_references(piece.kind, piece.specs)]
    own = (
        [f"- Official code: `{inline_code(piece.at)}` ({line(architecture.identity.code or 'its own code')})"]
        if piece.at
        else []
    )
    return ["## Documentation", "", *own, *torch, *engines]


def _parallelism(piece: Piece, numbers: Expected, plan: Mapping[str, str]) -> list[str]:
    splits = [
        (s.tensor, _shape(s.shape), _split_words(piece, s), planned(plan, s.tensor)) for s in tensor_splits(piece)
    ][:_MOST_TENSORS]
    rows = []
    for strategy in numbers.strategies:
        rows.append((strategy.name, strategy.splits, strategy.sends, *_volume(strategy)))
    shards = [
        (str(n), f"{held:,}" if held is not None else "a tensor does not divide evenly")
        for n, held in numbers.shards.items()
    ]
    header = ("Strategy", "What each device holds", "What is sent", "For one token and layer, bf16", "With N = 8")
    return [
        "## Parallelism", "", *table(header, rows), "",
        "Under tensor parallelism the tensors split so (read off their shapes):", "",
        *filled_table(("Tensor", "Shape", "Split", "Plan of transformers"), splits), "",
        *_plan_words(splits),
        *table(("Devices", "Parameters on each"), shards), *_copies(piece),
    ]  # fmt: skip


def _plan_words(splits: Sequence[tuple[str, str, str, str]]) -> list[str]:
    """How to read a plan that gathers outputs, which takes more messages than the split beside it."""
    if not any("gather_output" in plan for *_, plan in splits):
        return []
    words = "columns, whose output every device gathers at once: the next projection then reads all of it"
    return [f"`colwise_gather_output`: {words}, where the split beside it sends one all-reduce after both.", ""]


def _volume(strategy: Strategy) -> tuple[str, str]:
    """What is sent for a token, and by each of 8 devices."""
    if strategy.at_border is not None:
        return f"{strategy.at_border:,} B {strategy.factor.text}", f"{strategy.at_border:,} B at its border"
    volume = moved(strategy, 8, 1)
    if strategy.bytes_per_token == 0:
        return "0 B", "0 B"
    size = (
        f"{strategy.bytes_per_token:,} B × {strategy.factor.text}" if strategy.bytes_per_token else strategy.factor.text
    )
    return size, f"{volume:,} B" if volume is not None else "depends on the run"


def _copies(piece: Piece) -> list[str]:
    key, what, word = (
        ("groups", "B and C", "group") if piece.kind == "mamba2" else ("num_kv_heads", "Keys and values", "head")
    )
    shared = piece.specs.get(key)
    if not isinstance(shared, int) or shared >= max(TENSOR_SIZES) or piece.kind == "mla":
        return []
    return ["", f"{what} have {shared} {word}{'s' * (shared > 1)}: with more devices than that they are copied."]


def _tests(piece: Piece, class_name: str, numbers: Expected) -> list[str]:
    arguments = {key: value for key, value in piece.specs.items() if value is not None}
    text = suite_specification(piece, class_name, numbers, arguments)
    return [
        "## Test-suite specification",
        "",
        "What the class has to answer for this model:",
        "",
        *code("python", text),
        *(["", f"What it keeps is not known: {line(numbers.unknown)}."] if numbers.unknown else []),
    ]


def _split_words(piece: Piece, split: Split) -> str:
    if split.how == "whole":
        return "whole on each device"
    fused = ", each of its parts by itself" if is_fused(piece, split) else ""
    return f"{'a slice of each expert' if split.how == 'experts' else split.how} (dim {split.axis}){fused}"


def _shape(shape: Sequence[int | None]) -> str:
    return "[" + ", ".join("?" if size is None else str(size) for size in shape) + "]"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)
