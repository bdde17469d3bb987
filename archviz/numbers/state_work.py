"""What a step does to recurrent states beside products with weights: decay, reading, writing, read-out, as the code does them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

from archviz.interpreter.caches import CachedPass, CacheLayer
from archviz.interpreter.reading import Event
from archviz.numbers.cache_growth import LayerCache
from archviz.numbers.multiplied import Forms

_ELEMENTWISE = {
    "mul": 1, "add": 1, "sub": 1, "div": 1, "addcmul": 2, "lerp": 3, "mul_": 1, "add_": 1, "sub_": 1, "div_": 1, "addcmul_": 2,
}  # fmt: skip
_SUMS = ("sum", "mean")
_CONVOLUTION = "conv_states"  # what the official cache classes call the last inputs of a convolution: its weights count


def state_work(step: CachedPass, layers: Sequence[LayerCache]) -> dict[str, int]:
    """Module → multiplications and additions of a decode step on tensors of the shape of its recurrent state.

    Elementwise ones and sums count one for each number; matrix products with the state are products of tensors, and are counted
    with those (`multiplied.products_of`).

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
    forms = Forms(step.weights)
    for event in step.events if shapes else ():
        if event.kind != "op":
            continue
        if event.module not in known:
            known[event.module] = next((shapes[p] for p in _upwards(event.module) if p in shapes), None)
        shape = known[event.module]
        if shape is not None and not _is_by_weight(event, forms, step):
            count = _operations(event, shape)
            if count:
                found[event.module] = found.get(event.module, 0) + count
        forms.follow(event)
    return found


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
    largest = max(states, key=prod, default=())
    return largest if len(largest) > 1 else None


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
