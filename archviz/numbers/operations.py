"""Multiplications and additions per token: by weights, and by what grows with the context."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod

from archviz.architecture.model import Architecture
from archviz.interpreter.caches import CachedPass
from archviz.interpreter.reading import Event
from archviz.numbers.cache_growth import LayerCache

PRODUCTS = ("matmul", "bmm", "mm", "einsum", "baddbmm", "scaled_dot_product_attention")
"""Ops that multiply two tensors of which none need be a weight; projections are counted by their weights."""


@dataclass(frozen=True, slots=True)
class Growth:
    """Operations for one token that depend on its context: `constant` once the window is full, and `slope` for each token in it."""

    constant: Fraction
    slope: Fraction
    window: int | None

    def at(self, seen: Fraction, context: int) -> Fraction:
        if self.slope or self.window is None:
            return self.constant + self.slope * seen
        return self.constant * min(Fraction(1), Fraction(context, self.window))  # the window was full when it was read


@dataclass(frozen=True, slots=True)
class Operations:
    """Floating point operations of one sequence, a multiplication and an addition counted as two.

    Args:
        weights: For one token: two for every weight that it meets; looking up an embedding is none. None where active
            parameters are not known.
        growths: What the layers multiply besides, by their windows.
    """

    weights: int | None
    growths: tuple[Growth, ...]

    def decode(self, context: int) -> int | None:
        """For one new token after a context."""
        if self.weights is None:
            return None
        seen = [(each, Fraction(min(context, each.window or context))) for each in self.growths]
        return self.weights + int(sum(each.at(tokens, context) for each, tokens in seen))

    def prefill(self, context: int) -> int | None:
        """For one token of a prefill, on average over the context, each token looking back only."""
        if self.weights is None:
            return None
        return self.weights + int(sum(each.at(_mean(context, each.window), context) for each in self.growths))


def _mean(context: int, window: int | None) -> Fraction:
    """How many tokens one sees on average: 1, 2, 3 … up to the window."""
    if not context:
        return Fraction(0)
    seen = min(context, window or context)
    return Fraction(seen * (seen + 1) // 2 + (context - seen) * seen, context)


def find_operations(
    architecture: Architecture, first: CachedPass, second: CachedPass, layers: Sequence[LayerCache]
) -> Operations:
    """Operations per token, from the parameters and from what the decode steps after two lengths multiplied."""
    parameters = architecture.parameters
    weights = None
    if parameters.active is not None:
        tied = any(name.endswith("weight") for name in parameters.tied)
        weights = 2 * (parameters.active - (0 if tied else parameters.embedding))
    windows = {layer.module: None if _grows_beside(layer) else layer.window for layer in layers if layer.module}
    few, many = (_products(each) for each in (first, second))
    found: dict[tuple[int | None, bool], Growth] = {}
    for module, count in many.items():
        path = next((each for each in windows if module == each or module.startswith(f"{each}.")), None)
        if path is None:
            continue
        slope = max(Fraction(count - few.get(module, 0), second.tokens - first.tokens), Fraction(0))
        window = windows[path]
        before = found.get((window, slope > 0), Growth(Fraction(0), Fraction(0), window))
        constant = before.constant + count - slope * second.tokens
        found[window, slope > 0] = Growth(constant, before.slope + slope, window)
    return Operations(weights, tuple(found.values()))


def _grows_beside(layer: LayerCache) -> bool:
    """Whether a layer with a window also keeps entries for all of the context."""
    return any(each.window is None and each.slot for each in layer.kept)


def _products(each: CachedPass) -> dict[str, int]:
    """Operations of products of tensors, by the module that runs them; those with a weight are counted by the weights."""
    found: dict[str, int] = {}
    weights = set(each.weights)
    for event in each.events:
        if event.kind != "op":
            continue
        inputs = [value.id for value in event.inputs]
        if event.name in PRODUCTS and weights.isdisjoint(inputs):
            found[event.module] = found.get(event.module, 0) + _operations(event)
        elif inputs and weights.issuperset(inputs):  # a weight in another form
            weights.update(value.id for value in event.outputs)
    return found


def _operations(event: Event) -> int:
    shapes = [value.shape for value in event.inputs if value.shape is not None and None not in value.shape]
    outputs = [value.shape for value in event.outputs if value.shape is not None and None not in value.shape]
    if len(shapes) < 2 or not outputs:
        return 0
    sizes = [[int(size or 0) for size in shape] for shape in (*shapes, outputs[0])]
    if event.name == "scaled_dot_product_attention":
        query, key, value = sizes[0], sizes[1], sizes[2] if len(shapes) > 2 else sizes[1]
        return 2 * prod(query[:-1]) * key[-2] * (query[-1] + value[-1])
    if event.name == "einsum":
        summed = max(1, round(math.sqrt(prod(sizes[0]) * prod(sizes[1]) / max(1, prod(sizes[-1])))))
        return 2 * prod(sizes[-1]) * summed
    left = sizes[1] if event.name == "baddbmm" else sizes[0]
    return 2 * prod(sizes[-1]) * left[-1]
