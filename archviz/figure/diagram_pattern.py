"""A stack's repeat pattern as what is drawn of it: the units, each with every one of its layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from archviz.architecture.model import MIXER_ROLES, BlockGraph, LayerKind, LayerStack, PatternItem

_MOST_DRAWN = 8


@dataclass(frozen=True, slots=True)
class UnitLayer:
    """One layer of a unit, or `times` equal ones in a row that are drawn as one; `number` counts from one."""

    kind: LayerKind
    number: int
    times: int = 1

    @property
    def numbers(self) -> str:
        """`Layer 4`, or `Layers 4–61`."""
        return f"Layer {self.number}" if self.times == 1 else f"Layers {self.number}–{self.number + self.times - 1}"


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
        """`15 × a unit of 4 layers (layers 1–60)`."""
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
    number = 1
    loose: list[UnitLayer] = []
    for item in stack.pattern:
        if item.kind is not None:
            loose.append(UnitLayer(kinds[item.kind], number, item.times))
            number += item.times
            continue
        if loose:
            units.append(PatternUnit(1, tuple(loose)))
            loose = []
        unit = PatternUnit(item.times, tuple(_expanded(item.items, kinds, number)))
        units.append(unit)
        number += item.times * unit.size
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
