"""Shapes in the symbols of the model, `[B, S, H·d_h]`, as far as the formulas of a data flow say which sizes it has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import combinations

from archviz.architecture.model import Architecture, BlockGraph, BlockNode
from archviz.figure.flow import shape_text

LONGEST_SYMBOL = 12
"""Longer ones, which are names of the configuration, are written as their numbers."""
_NAME = re.compile(r"[A-Za-z_][\w.]*(?:\[\w+\])?", re.ASCII)
_MAPS = ("projection", "norm", "qk_norm", "embedding", "position_embedding", "head")
"""Boxes whose own weight has the width that leaves them."""


class ShapeWriter:
    """Writes the shapes of boxes; `used` are the symbols that it wrote."""

    def __init__(self, architecture: Architecture) -> None:
        self._values = {
            each.symbol: each.value for each in architecture.parameters.symbols if len(each.symbol) <= LONGEST_SYMBOL
        }
        self._of_graph: dict[str, dict[int, list[str]]] = {}
        self.used: set[str] = set()

    def write(self, graph: BlockGraph, node: BlockNode) -> str:
        """The shape of what leaves a box; a size that two symbols of the data flow have stays a number."""
        own = self._by_value(self._names([node.formula])) if node.role in _MAPS else {}
        if graph.id not in self._of_graph:
            self._of_graph[graph.id] = self._by_value(self._names(each.formula for each in graph.nodes))
        around = self._of_graph[graph.id]
        shape = node.shape_out or []
        last = len(shape) - 1
        sizes = [self._size(size, around) for size in shape[:last]]
        if shape:
            sizes.append(self._width(shape[last], own, node.formula or "") if own else self._size(shape[last], around))
        return shape_text(sizes)

    def note(self, formula: str) -> None:
        """Remember the symbols of a formula that is shown."""
        self.used |= set(self._names([formula]))

    def _names(self, formulas: Iterable[str | None]) -> list[str]:
        found = dict.fromkeys(name for text in formulas if text for name in _NAME.findall(text))
        return [name for name in found if name in self._values]

    def _by_value(self, names: Iterable[str]) -> dict[int, list[str]]:
        found: dict[int, list[str]] = {}
        for name in names:
            found.setdefault(self._values[name], []).append(name)
        return found

    def _size(self, size: int | str | None, known: Mapping[int, list[str]]) -> int | str | None:
        names = known.get(size, []) if isinstance(size, int) and size > 1 else []
        return self._used(names[0]) if len(names) == 1 else size

    def _width(self, size: int | str | None, own: Mapping[int, list[str]], formula: str) -> int | str | None:
        """What leaves a map by its own formula: one of its symbols, a product of two, or the multiple that it begins with."""
        if not isinstance(size, int):
            return size
        singles = [names[0] for names in own.values() if len(names) == 1]
        times = re.match(r"(\d+)·", formula)
        found = [name for name in singles if self._values[name] == size]
        found = found or [
            "·".join(pair) for pair in combinations(singles, 2) if self._values[pair[0]] * self._values[pair[1]] == size
        ]
        if not found and times:
            found = [f"{times[1]}·{name}" for name in singles if int(times[1]) * self._values[name] == size]
        return self._used(found[0]) if len(found) == 1 else size

    def _used(self, text: str) -> str:
        self.used |= set(self._names([text]))
        return text


def short_formula(formula: str, values: Mapping[str, int]) -> str:
    """A formula as it is drawn: long symbols as numbers, and no sign that the bundled fonts lack.

    >>> short_formula("d·block_multiple_of ∕ 2", {"d": 64, "block_multiple_of": 4096})
    'd·4,096 / 2'
    """

    def shown(found: re.Match[str]) -> str:
        long = len(found[0]) > LONGEST_SYMBOL and found[0] in values
        return f"{values[found[0]]:,}" if long else found[0]

    text = _NAME.sub(shown, formula)
    return text.replace("∕", "/").replace("⌊", "floor(").replace("⌋", ")")
