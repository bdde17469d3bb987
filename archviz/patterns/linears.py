"""Projections: modules that multiply the last axis by a matrix, whatever class they are."""

from __future__ import annotations

from archviz.interpreter.reading import ModuleRecord
from archviz.patterns.op_families import PLUMBING, canonical
from archviz.patterns.trace import Trace


def linear_sizes(module: ModuleRecord) -> tuple[int, int] | None:
    """Input and output width of a projection; None when the module is not one.

    A projection has no submodules and one matrix; `Conv1D` of GPT-2 stores it transposed (attribute `nf`).
    """
    weight = module.parameters.get("weight")
    if module.children or weight is None or len(weight.shape) != 2 or None in weight.shape:
        return None
    if (module.library or "").endswith(("Embedding", "EmbeddingBag")) or "num_embeddings" in module.attributes:
        return None
    rows, columns = int(weight.shape[0] or 0), int(weight.shape[1] or 0)
    if stores_inputs_first(module):
        return rows, columns
    if (module.library or "").endswith("Linear") or "out_features" in module.attributes:
        return _grouped(module, columns), rows
    return (columns, rows) if module.class_name.lower().endswith("linear") else None


def stores_inputs_first(module: ModuleRecord) -> bool:
    """Whether a module is a projection whose matrix is `[inputs, outputs]`: GPT-2's `Conv1D`."""
    weight = module.parameters.get("weight")
    return "nf" in module.attributes and not module.children and weight is not None and len(weight.shape) == 2


def _grouped(module: ModuleRecord, columns: int) -> int:
    """A grouped projection reads `n_groups` slices of the input, each with its own part of the matrix."""
    groups = module.attributes.get("n_groups")
    return columns * groups if isinstance(groups, int) and groups > 1 else columns


def is_linear(module: ModuleRecord) -> bool:
    return linear_sizes(module) is not None


def linears_of(module: ModuleRecord) -> list[ModuleRecord]:
    """The projections among a module's direct children."""
    return [child for child in module.children.values() if is_linear(child)]


def has_bias(module: ModuleRecord) -> bool:
    return "bias" in module.parameters


def low_rank_sizes(module: ModuleRecord, trace: Trace) -> tuple[int, int, int] | None:
    """Input width, rank and output width of a low-rank projection: two projections in a row, the rank between them.

    Nothing but plumbing may happen in between: with an activation there, the two are a feed-forward with a bottleneck.
    None when the module is no such pair, or when its pass was not seen.
    """
    linears = linears_of(module)
    sizes = [size for linear in linears if (size := linear_sizes(linear))]
    if len(sizes) != 2 or sizes[0][1] != sizes[1][0] or sizes[0][1] >= min(sizes[0][0], sizes[1][1]):
        return None
    return (*sizes[0], sizes[1][1]) if _read_each_other(module, linears, trace) else None


def _read_each_other(module: ModuleRecord, pair: list[ModuleRecord], trace: Trace) -> bool:
    """Whether the second projection reads what the first one writes, moved or cast at most."""
    own, first, second = (trace.call(path) for path in (module.path, pair[0].path, pair[1].path))
    if own is None or first is None or second is None:
        return False
    reached = {value.id for value in first.outputs}
    for event in trace.own(own):
        passes = canonical(event.name) in PLUMBING or event.name.startswith("Dropout")
        if passes and event.inputs and event.inputs[0].id in reached:
            reached |= {value.id for value in event.outputs}
    return bool(second.inputs) and second.inputs[0].id in reached
