"""Where the parameters of a box come from: their formula in the model's symbols, else the product of shapes, and their number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from archviz.architecture.model import Architecture, BlockGraph, BlockNode, TensorEntry
from archviz.figure.symbolic_shapes import short_formula
from archviz.records import record

_MOST_TERMS = 3
_LONGEST = 90


@record(frozen=True)
class Formula:
    """The parameters of one box: `text` is their formula (empty where shapes do not add up to `count`)."""

    text: str
    count: int
    note: str = ""


class TensorIndex:
    """The tensors of a model by the modules that hold them."""

    def __init__(self, architecture: Architecture, modules: Iterable[str]) -> None:
        wanted = set(modules)
        self._held: dict[str, list[TensorEntry]] = {path: [] for path in wanted}
        for tensor in architecture.tensors:
            if tensor.kind != "parameter":
                continue
            for path in _owners(tensor.name):
                if path in wanted:
                    self._held[path].append(tensor)
        self._tied = dict(architecture.parameters.tied)
        self.values = {each.symbol: each.value for each in architecture.parameters.symbols}

    def below(self, path: str) -> list[TensorEntry]:
        """All parameters below a module."""
        return self._held.get(path, [])

    def owner_of(self, path: str) -> str | None:
        """The tensor that a module's weight is tied to, where it has none of its own."""
        tied = [owner for alias, owner in self._tied.items() if alias.startswith(f"{path}.")]
        return tied[0] if tied and not self.below(path) else None


def path_of(graph: BlockGraph, node: BlockNode) -> str:
    """The path of what a box calls, a module or a tensor; that of the graph itself where it calls neither."""
    return ".".join(part for part in (graph.module, node.module or node.code_name) if part)


def _owners(name: str) -> Iterator[str]:
    """The modules around a tensor, from the outermost, and the tensor itself; the model is left out."""
    yield name
    end = name.find(".")
    while end >= 0:
        yield name[:end]
        end = name.find(".", end + 1)


def formula_of(tensors: TensorIndex, graph: BlockGraph, node: BlockNode) -> Formula | None:
    """How the parameters of a box come about; None where it has none."""
    path, count = path_of(graph, node), node.parameters
    if count and node.formula:
        return Formula(short_formula(node.formula, tensors.values), count)
    if not count:
        owner = tensors.owner_of(path) if node.module else None
        return Formula("", 0, f"tied to {owner}") if owner else None
    shapes = [tensor.shape for tensor in tensors.below(path)] if path != graph.module else []
    if _size(shapes) == count:
        return Formula(_sum_text(shapes), count)
    # One of several that are stacked in a tensor: the first size is their number.
    if len(shapes) == 1 and _size([shapes[0][1:]]) == count:
        return Formula(_sum_text([shapes[0][1:]]), count)
    return Formula("", count)


def _size(shapes: Iterable[list[int | None]]) -> int:
    total = 0
    for shape in shapes:
        product = 1
        for size in shape:
            product *= size or 0
        total += product
    return total


def _sum_text(shapes: Iterable[list[int | None]]) -> str:
    """`4,096 × 512 + 512`; equal shapes once, with their number; empty where it would be too long.

    >>> _sum_text([[4, 3], [4]]), _sum_text([[8, 8]] * 3)
    ('4 × 3 + 4', '3 × (8 × 8)')
    """
    counted = Counter(tuple(shape) for shape in shapes)
    if len(counted) > _MOST_TERMS:
        return ""
    terms = []
    for shape, times in counted.items():
        product = " × ".join(f"{size:,}" for size in shape) or "1"
        product = f"({product})" if times > 1 and len(shape) > 1 else product
        terms.append(f"{times} × {product}" if times > 1 else product)
    text = " + ".join(terms)
    return text if len(text) <= _LONGEST else ""
