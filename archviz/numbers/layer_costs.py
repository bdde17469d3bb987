"""What the modules of a model cost, read off its passes: weights that a token is multiplied with, products of tensors, what is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cached_property

from archviz.interpreter.caches import CachedPass, Weight
from archviz.interpreter.reading import Event, ModelReading
from archviz.numbers.cache_growth import Kept, LayerCache, layer_caches
from archviz.numbers.memory import missing_caches
from archviz.numbers.multiplied import Forms, multiplies, product_sizes
from archviz.numbers.operations import Growth, module_growths, seen_of
from archviz.patterns.trace import Trace


class LayerCosts:
    """The costs of a model's modules.

    Args:
        reading: The model with a pass of all its towers, and the numbers of its tensors in it.
        passes: Two passes with a cache, of different lengths.
    """

    def __init__(self, reading: ModelReading, passes: Sequence[CachedPass]) -> None:
        self.trace = Trace(reading.events)
        self.tied = reading.tied
        self._weights = {number: Weight(each.name, 0) for number, each in reading.stored.items()}
        self._passes = passes

    @cached_property
    def missing(self) -> str | None:
        """Why it is not known what is kept; None where it is, or nothing is."""
        return missing_caches(*self._passes)

    @cached_property
    def layers(self) -> list[LayerCache]:
        """What each layer keeps; none where that is not known."""
        first, second = self._passes
        return layer_caches(first, second) if self.missing is None and first.layers else []

    @cached_property
    def _growths(self) -> dict[str, list[Growth]]:
        first, second = self._passes
        return module_growths(first, second, self.layers)[0] if self.layers else {}

    def is_multiplied(self, tensor: str, modules: Sequence[str]) -> bool:
        """Whether a token is multiplied with a parameter in some modules, in any pass; one that is looked up or added is not."""
        return self.tied.get(tensor, tensor) in self._multiplied(tuple(modules))

    def _multiplied(self, modules: tuple[str, ...]) -> set[str]:
        if modules not in self._known:
            self._known[modules] = {
                name for events, weights in self._events(modules) for name in _multiplied(events, weights)
            }
        return self._known[modules]

    @cached_property
    def _known(self) -> dict[tuple[str, ...], set[str]]:
        return {}

    def _events(self, modules: Sequence[str]) -> Iterator[tuple[Sequence[Event], Mapping[int, Weight]]]:
        """The events in some modules, of the pass of all towers and of the decode step, with the parameters by number."""
        for path in modules:
            call = self.trace.call(path)
            if call is not None:
                yield self.trace.inside(call), self._weights
        below = tuple(f"{path}." for path in modules)
        for each in self._passes[-1:]:
            yield [e for e in each.events if e.module in modules or e.module.startswith(below)], each.weights

    def kept(self, modules: Sequence[str]) -> tuple[Kept, ...]:
        """What some modules write of the first layer's cache that they write, kept for itself."""
        for layer in self.layers:
            writers = {each.name: layer.writers.get(each.name, layer.module) for each in layer.kept}
            found = tuple(each for each in layer.kept if _is_in(writers[each.name], modules))
            if found and layer.part == "self":
                return found
        return ()

    def products(self, modules: Sequence[str], context: int, window: int | None = None) -> int | None:
        """Operations of products of tensors for one token that sees a context, in some modules of one layer; None where there are none.

        As in a prefill: what is projected is projected once. Modules that a decode step does not run, as those of an encoder, are
        read off the pass of all towers.

        Args:
            window: Tokens in view, for modules that keep nothing.
        """
        found = [
            each
            for path, growths in self._growths.items()
            if _is_in(path, modules)
            for each in growths
            if not each.anew
        ]
        if found:
            return int(sum(each.at(seen_of(each, context, context)) for each in found))
        each = self._for_position(modules)
        return None if each is None else int(each * min(context, window or context))

    def recurrence(self, modules: Sequence[str]) -> int:
        """Operations of one token on the recurrent states that some modules keep, in whatever context."""
        constant = [
            each.constant
            for path, growths in self._growths.items()
            if _is_in(path, modules)
            for each in growths
            if not each.slope and not each.anew and each.window is None and each.over == "context"
        ]
        return int(sum(constant))

    def _for_position(self, modules: Sequence[str]) -> Fraction | None:
        """Operations for one token and each position that it sees, from an attention over all positions of a pass."""
        total, positions, forms = Fraction(0), None, Forms(self._weights)
        for path in modules:
            call = self.trace.call(path)
            for event in () if call is None else self.trace.inside(call):
                sizes = None if forms.holds(event) else product_sizes(event)
                forms.follow(event)
                if sizes is None:
                    continue
                left, right = sizes
                if positions is None:
                    positions = left[-2], right[-1]  # scores: [heads, queries, width] with [heads, width, keys]
                    total += 2 * _heads(left) * left[-1]
                elif left[-2:] == positions:
                    total += 2 * _heads(left) * right[-1]
        return total or None


def _heads(shape: Sequence[int]) -> int:
    """The heads of `[…, heads, queries, width]`, whatever the batch."""
    return shape[-3] if len(shape) > 2 else 1


def _is_in(path: str | None, modules: Sequence[str]) -> bool:
    return path is not None and any(path == each or path.startswith(f"{each}.") for each in modules)


def _multiplied(events: Sequence[Event], weights: Mapping[int, Weight]) -> Iterator[str]:
    """Names of the parameters that some events multiply with."""
    forms = Forms(weights)
    for event in events:
        if event.kind == "op":
            for place, value in enumerate(event.inputs):
                if multiplies(event, place):
                    yield from (weights[number].name for number in forms.of(value.id))
            forms.follow(event)
