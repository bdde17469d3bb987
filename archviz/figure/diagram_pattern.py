"""A stack's repeat pattern as what is drawn of it: the units, each with every one of its layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from archviz.architecture.model import MIXER_ROLES, BlockGraph, LayerKind, LayerStack, PatternItem

_MOST_DRAWN = 8


@dataclass(frozen=True, slots=True)
class UnitLayer:
    """One layer of a unit, or `times` equal ones in a row that are drawn as one.

    Args:
        number: Index of the (first) layer in its stack, from 0 as in the code.
        unit: For a layer of a repeated unit, its place from 1 and the size of the unit.
    """

    kind: LayerKind
    number: int
    times: int = 1
    unit: tuple[int, int] | None = None

    @property
    def numbers(self) -> str:
        """`Layer 3`, `Layers 3–60`; in a repeated unit, where a layer has many indices, `4th of 4`."""
        if self.unit:
            first, size = self.unit
            last = first + self.times - 1
            return f"{ordinal(first)} of {size}" if self.times == 1 else f"{ordinal(first)}–{ordinal(last)} of {size}"
        return f"Layer {self.number}" if self.times == 1 else f"Layers {self.number}–{self.number + self.times - 1}"


def ordinal(number: int) -> str:
    """A number as a place in a row.

    >>> [ordinal(n) for n in (1, 2, 3, 4, 11, 22)]
    ['1st', '2nd', '3rd', '4th', '11th', '22nd']
    """
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


@dataclass(frozen=True, slots=True)
class PatternUnit:
    """A sequence of layers that is repeated `times`."""

    times: int
    layers: tuple[UnitLayer, ...]

    @property
    def size(self) -> int:
        """Layers in one repeat."""
        return sum(layer.times for layer in self.layers)

    @property
    def heading(self) -> str:
        """`15 × a unit of 4 layers (layers 0–59)`."""
        first, total = self.layers[0].number, self.times * self.size
        if total == 1:
            return f"Layer {first}"
        span = f"Layers {first}–{first + total - 1}"
        return f"{self.times} × a unit of {self.size} layers ({span.lower()})" if self.times > 1 else span


def zooms(graph: BlockGraph, kind: LayerKind | None = None) -> dict[str, str]:
    """Which graphs show the inside of which nodes: graph id → node id; a layer's kind names those of its main parts."""
    found: dict[str, str] = {}
    for node in graph.nodes:
        if node.zoom and node.zoom != graph.id:
            found.setdefault(node.zoom, node.id)
    named = ((kind.mixer, MIXER_ROLES), (kind.feed_forward, ("feed_forward", "moe"))) if kind else ()
    for graph_id, roles in named:
        owner = next((node.id for node in graph.nodes if node.role in roles), None)
        if graph_id and owner and graph_id != graph.id:
            found.setdefault(graph_id, owner)
    return found


def pattern_units(stack: LayerStack) -> list[PatternUnit]:
    """The units of a stack, in order of execution.

    Inside a repeated unit every layer stands by itself (a run of more than eight equal ones excepted); a run outside of
    any unit, such as 3 × dense then 58 × MoE, is one entry with its count.
    """
    kinds = {kind.id: kind for kind in stack.kinds}
    units: list[PatternUnit] = []
    number = 0
    loose: list[UnitLayer] = []
    for item in stack.pattern:
        if item.kind is not None:
            loose.append(UnitLayer(kinds[item.kind], number, item.times))
            number += item.times
            continue
        if loose:
            units.append(PatternUnit(1, tuple(loose)))
            loose = []
        layers = tuple(_expanded(item.items, kinds, number))
        size = sum(layer.times for layer in layers)
        placed = tuple(replace(layer, unit=(layer.number - number + 1, size)) for layer in layers)
        units.append(PatternUnit(item.times, placed if item.times > 1 else layers))
        number += item.times * size
    return [*units, PatternUnit(1, tuple(loose))] if loose else units


def _expanded(items: Sequence[PatternItem], kinds: dict[str, LayerKind], number: int) -> Iterator[UnitLayer]:
    for item in items:
        if item.kind is None:
            for _ in range(item.times):
                for layer in _expanded(item.items, kinds, number):
                    yield layer
                    number += layer.times
        elif item.times > _MOST_DRAWN:
            yield UnitLayer(kinds[item.kind], number, item.times)
            number += item.times
        else:
            for _ in range(item.times):
                yield UnitLayer(kinds[item.kind], number)
                number += 1
