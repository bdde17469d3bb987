"""What a step does to recurrent states beside products with weights: decay, reading, writing, read-out, as the code does them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

from archviz.interpreter.caches import CachedPass, CacheLayer
from archviz.interpreter.reading import Event
from archviz.numbers.cache_growth import LayerCache
from archviz.numbers.latents import FORMS
from archviz.numbers.multiplied import Forms

_ELEMENTWISE = {
    "mul": 1, "add": 1, "sub": 1, "div": 1, "addcmul": 2, "lerp": 3, "mul_": 1, "add_": 1, "sub_": 1, "div_": 1, "addcmul_": 2,
}  # fmt: skip
_SUMS = ("sum", "mean")
_CONVOLUTION = "conv_states"  # what the official cache classes call the last inputs of a convolution: its weights count


def state_work(step: CachedPass, layers: Sequence[LayerCache]) -> dict[str, int]:
    """Module → multiplications and additions of a decode step on tensors of the shape of its recurrent state.

    Elementwise ones and sums count one for each number; matrix products with the state are products of tensors, and are counted
    with those (`multiplied.products_of`). Of a state that is a vector, as wide as the stream, only what is computed from the state counts:
    gates have its shape too.

    Args:
        layers: What the layers keep, in the order of the step's.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for sampled, layer in zip(step.layers, layers, strict=True):
        for module in layer.modules:
            if shape := _state_shape(sampled, layer, module):
                shapes[module] = shape
    known: dict[str, tuple[int, ...] | None] = {}
    found: dict[str, int] = {}
    forms, flow = Forms(step.weights), _Flow()
    for event in step.events if shapes else ():
        if event.kind != "op":
            continue
        if event.module not in known:
            known[event.module] = next((shapes[p] for p in _upwards(event.module) if p in shapes), None)
        shape = known[event.module]
        if shape is not None and not _is_by_weight(event, forms, step):
            count = _operations(event, shape)
            if count and (len(shape) > 1 or flow.reads(event, forms, shape)):
                found[event.module] = found.get(event.module, 0) + count
        forms.follow(event)
        flow.follow(event, forms)
    return found


class _Flow:
    """What a step computes from the states that it is given, elementwise and in other forms."""

    def __init__(self) -> None:
        self._made: set[int] = set()
        self._given: set[int] = set()

    def reads(self, event: Event, forms: Forms, shape: tuple[int, ...]) -> bool:
        """Whether an op reads a state of this shape: one that is given, or what was computed from it."""
        return any(_squeezed(value.shape) == shape and self._is_state(value.id, forms) for value in event.inputs)

    def follow(self, event: Event, forms: Forms) -> None:
        keeps = event.name in FORMS or event.name in _ELEMENTWISE
        read = event.inputs if event.name in _ELEMENTWISE else event.inputs[:1]
        is_state = keeps and any(self._is_state(value.id, forms) for value in read)
        for value in event.outputs:
            (self._given if is_state else self._made).add(value.id)

    def _is_state(self, number: int, forms: Forms) -> bool:
        return number in self._given or (number not in self._made and not forms.of(number))


def _upwards(module: str) -> Iterator[str]:
    """A module and those around it."""
    while module:
        yield module
        module = module.rpartition(".")[0]


def _state_shape(sampled: CacheLayer, layer: LayerCache, module: str) -> tuple[int, ...] | None:
    """The shape of the largest recurrent state that a module writes, without axes of one."""
    states = [
        _squeezed(sampled.tensors[each.name].shape)
        for each in layer.kept
        if each.role == "state" and not each.name.startswith(_CONVOLUTION)
        and layer.writers.get(each.name, layer.module) == module
    ]  # fmt: skip
    return max(states, key=prod, default=()) or None


def _operations(event: Event, shape: tuple[int, ...]) -> int:
    """Multiplications and additions of an op on tensors of a shape."""
    if event.name in _ELEMENTWISE and event.outputs and _squeezed(event.outputs[0].shape) == shape:
        return _ELEMENTWISE[event.name] * prod(shape)
    if event.name in _SUMS and event.inputs and _squeezed(event.inputs[0].shape) == shape:
        return prod(shape)
    return 0


def _is_by_weight(event: Event, forms: Forms, step: CachedPass) -> bool:
    """Whether it multiplies with a weight as large as the result, which is counted as such."""
    size = max((prod(_squeezed(value.shape)) for value in event.outputs), default=0)
    numbers = {number for value in event.inputs for number in forms.of(value.id)}
    return any(step.weights[number].numel >= size for number in numbers)


def _squeezed(shape: Sequence[int | None] | None) -> tuple[int, ...]:
    return tuple(size for size in shape or () if size is not None and size != 1)
