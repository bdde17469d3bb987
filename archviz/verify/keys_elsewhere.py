"""Keys and values that an attention does not project itself: those of another layer of its list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from archviz.interpreter.reading import Event, ValueRef
from archviz.patterns.makers import makers
from archviz.patterns.operand_factors import is_core
from archviz.verify.claims import Claim
from archviz.verify.view import LayerView

_LONG = 60


def keys_elsewhere(view: LayerView, core: Event | None) -> Iterator[Claim]:
    """Which layer's keys and values an attention reads that projects queries only."""
    if core is None or view.lineage is None:
        return
    query, key, value = (view.lineage.projections(operand) for operand in core.inputs[:3])
    if not query or key or value:
        return
    made = _made(view)
    sources = {index: _source(view, index, made) for index in view.kind.indices}
    words = _words(sources)
    if words is not None:
        yield view.claim("attention.keys_from", words, core.at)


def _made(view: LayerView) -> dict[int, Event]:
    return makers(event for event in view.trace.events if event.kind == "op")


def _source(view: LayerView, index: int, made: Mapping[int, Event]) -> int | None:
    """The layer of the same list that made the keys which a layer attends to; None where none did."""
    layer = f"{view.stack.path}.{index}"
    call = view.trace.call(layer + view.module.path.removeprefix(view.kind.example.path))
    core = next((event for event in view.trace.own(call) if is_core(event)), None) if call is not None else None
    value: ValueRef | None = core.inputs[1] if core is not None else None
    for _ in range(_LONG):
        event = made.get(value.id) if value is not None else None
        if event is None:
            return None
        path = f"{event.module}."
        if not path.startswith(f"{layer}."):
            number = path.removeprefix(f"{view.stack.path}.").partition(".")[0]
            return int(number) if path.startswith(f"{view.stack.path}.") and number.isdecimal() else None
        value = event.inputs[0] if event.inputs else None
    return None


def _words(sources: Mapping[int, int | None]) -> str | None:
    """`layer 14`; where each layer has its own, how far before it that is.

    >>> _words({15: 14, 16: 14}), _words({1: 0, 3: 2}), _words({2: 0, 4: 1})
    ('layer 14', 'the layer before', 'layers 0, 1')
    """
    layers = [layer for layer in sources.values() if layer is not None]
    if not layers or len(layers) < len(sources):
        return None
    if len(set(layers)) == 1:
        return f"layer {layers[0]}"
    away = {index - layer for index, layer in sources.items() if layer is not None}
    if len(away) == 1 and (distance := away.pop()) > 0:
        return "the layer before" if distance == 1 else f"the layer {distance} before"
    return f"layers {', '.join(map(str, dict.fromkeys(layers)))}"
