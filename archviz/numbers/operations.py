"""Multiplications and additions per token: by weights, and by what grows with the context or the source.

A decode step says which weights a token meets, which projections run over all that is cached, and which products grow; the prefill
before it says what is done once for a source.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import prod
from typing import Literal

from archviz.architecture.model import Architecture
from archviz.interpreter.caches import CachedPass
from archviz.interpreter.reading import Event
from archviz.numbers.cache_growth import LayerCache, makers_of
from archviz.numbers.latents import FORMS
from archviz.numbers.multiplied import Product, met_weights, products_by_module, products_of, products_once
from archviz.numbers.state_work import state_work

Over = Literal["context", "source"]


@dataclass(frozen=True, slots=True)
class Growth:
    """Operations for one token that depend on its context: `constant` once the window is full, and `slope` for each token in it.

    Args:
        over: What is looked back at: the context, or an encoder's output.
        chunked: The window is the token's own chunk, which begins anew each time, and does not slide.
        anew: A projection of what is cached, which the code repeats at each step; a prefill does it once for each token, as a weight.
    """

    constant: Fraction
    slope: Fraction
    window: int | None
    over: Over = "context"
    anew: bool = False
    chunked: bool = False

    def at(self, seen: Fraction) -> Fraction:
        """For a token that sees so many."""
        if self.slope or self.window is None:
            return self.constant + self.slope * seen
        return self.constant * seen / self.window  # the window was full when it was read


@dataclass(frozen=True, slots=True)
class Operations:
    """Floating point operations of one sequence, a multiplication and an addition counted as two.

    Args:
        weights: For one token: two for every weight that it meets; looking up a table is none. None where active
            parameters are not known.
        growths: What the layers multiply besides, by their windows.
        absorbed: The growths where a projection of cached latents is multiplied into queries and outputs instead; empty where
            nothing is projected anew.
        source: Operations once for a source of n tokens, or for all of a pass of a model that keeps nothing: `source[0] + source[1] n + source[2] n²`.
    """

    weights: int | None
    growths: tuple[Growth, ...]
    absorbed: tuple[Growth, ...] = ()
    source: tuple[Fraction, Fraction, Fraction] = field(default=(Fraction(0), Fraction(0), Fraction(0)))

    def decode(self, context: int, source: int = 0, *, absorbed: bool = False) -> int | None:
        """For one new token after a context."""
        if self.weights is None:
            return None
        found = self.absorbed if absorbed else self.growths
        return self.weights + int(sum(each.at(seen_of(each, context, source)) for each in found))

    def prefill(self, context: int, source: int = 0) -> int | None:
        """For one token of a prefill, on average over the context, each token looking back only."""
        if self.weights is None:
            return None
        found = [
            (each, Fraction(source) if each.over == "source" else mean_seen(context, each.window, each.chunked))
            for each in self.growths
            if not each.anew
        ]
        return self.weights + int(sum(each.at(tokens) for each, tokens in found))

    def once(self, source: int) -> int:
        """For the whole of a source, before the first token."""
        constant, linear, squared = self.source
        return int(constant + linear * source + squared * source * source)


def seen_of(growth: Growth, context: int, source: int) -> Fraction:
    """How many tokens one sees of what it looks back at."""
    return Fraction(source if growth.over == "source" else min(context, growth.window or context))


def mean_seen(context: int, window: int | None, chunked: bool = False) -> Fraction:
    """How many tokens one sees on average: 1, 2, 3 … up to the window; in a chunk up to its end, and from 1 again.

    >>> mean_seen(8, None), mean_seen(8, 4), mean_seen(8, 4, chunked=True)
    (Fraction(9, 2), Fraction(13, 4), Fraction(5, 2))
    """
    if not context:
        return Fraction(0)
    seen = min(context, window or context)
    if chunked:
        whole, rest = divmod(context, seen)
        return Fraction(whole * (seen * (seen + 1) // 2) + rest * (rest + 1) // 2, context)
    return Fraction(seen * (seen + 1) // 2 + (context - seen) * seen, context)


def find_operations(
    architecture: Architecture,
    first: CachedPass,
    second: CachedPass,
    layers: Sequence[LayerCache],
    fixed: int | None = None,
) -> Operations:
    """Operations per token, from what the decode steps after two lengths multiplied.

    Args:
        layers: What the layers keep.
        fixed: Tokens of a source, where the code fixes them.
    """
    few, many = (products_of(each) for each in (first, second))
    weights = met_weights(architecture, second) if architecture.parameters.active is not None else None
    growths, repeated = _growths(few, many, (first, second), layers, fixed)
    constant = sum(int(each.constant) for each in growths if each.anew and not each.slope)
    growths = [each for each in growths if not each.anew or each.slope]
    base = None if weights is None else 2 * weights + constant
    absorbed = _absorbed(growths, many, repeated, second.tokens) if repeated else ()
    return Operations(base, tuple(growths), absorbed, _source(first, second, fixed, layers))


_Sums = dict[tuple[str, bool], int]  # (module, anew) → operations


def _growths(
    few: Sequence[Product], many: Sequence[Product], passes: tuple[CachedPass, CachedPass], layers: Sequence[LayerCache], fixed: int | None
) -> tuple[list[Growth], dict[str, LayerCache]]:  # fmt: skip
    """What grows in the layers that keep something, by window; and the modules that project anew what a layer keeps."""
    found: dict[tuple[int | None, bool, bool, Over, bool], Growth] = {}
    of_modules, repeated = _of_modules(few, many, passes, layers, fixed)
    for each in (growth for growths in of_modules.values() for growth in growths):
        key = (each.window, each.chunked, each.slope > 0, each.over, each.anew)
        known = found.get(key, replace(each, constant=Fraction(0), slope=Fraction(0)))
        found[key] = replace(known, constant=known.constant + each.constant, slope=known.slope + each.slope)
    return list(found.values()), repeated


def module_growths(
    first: CachedPass, second: CachedPass, layers: Sequence[LayerCache]
) -> tuple[dict[str, list[Growth]], dict[str, LayerCache]]:
    """Module → what it multiplies for a token that depends on the context; and the modules that project anew what a layer keeps."""
    return _of_modules(products_of(first), products_of(second), (first, second), layers, None)


def _of_modules(
    few: Sequence[Product], many: Sequence[Product], passes: tuple[CachedPass, CachedPass], layers: Sequence[LayerCache], fixed: int | None
) -> tuple[dict[str, list[Growth]], dict[str, LayerCache]]:  # fmt: skip
    owner = _owners(many, passes[1], layers)
    before, after = _sums(few), _sums(many)
    found: dict[str, list[Growth]] = {}
    repeated = {}
    for (module, anew), count in after.items():
        layer = owner.get(module)
        if layer is None and not anew:
            continue  # no product with anything kept
        over: Over = "source" if layer is not None and layer.part == "cross" else "context"
        lengths = [each.tokens - (over == "source") for each in passes]
        slope = max(Fraction(count - before.get((module, anew), 0), lengths[1] - lengths[0]), Fraction(0))
        if over == "source" and fixed is not None and not anew:
            slope, lengths = Fraction(count, fixed), [fixed, fixed]
        if anew and slope and layer is not None:
            repeated[module] = layer
        window = None if layer is None or over == "source" or _grows_beside(layer) else layer.window
        chunked = window is not None and layer is not None and layer.chunked
        found.setdefault(module, []).append(Growth(count - slope * lengths[1], slope, window, over, anew, chunked))
    for module, count in state_work(passes[1], layers).items():
        found.setdefault(module, []).append(Growth(Fraction(count), Fraction(0), None))
    return found, repeated


def _owners(products: Sequence[Product], last: CachedPass, layers: Sequence[LayerCache]) -> dict[str, LayerCache]:
    """Module of a product → the layer whose cache it reads: its own, or that of an earlier layer that shares it."""
    writers = {path: layer for layer in layers for path in layer.modules}
    found, others = {}, []
    for each in products:
        path = next((p for p in writers if each.module == p or each.module.startswith(f"{p}.")), None)
        if path is not None:
            found[each.module] = writers[path]
        elif not each.anew:
            others.append(each)
    if others:
        held = {
            number: kept
            for sampled, kept in zip(last.layers, layers, strict=True)
            for tensor in sampled.tensors.values()
            if (number := last.numbers.get(id(tensor))) is not None
        }
        makers = makers_of(last)
        for number, kept in list(held.items()):  # what a window was cut from is read before it is cut
            while (event := makers.get(number)) is not None and event.name in FORMS and event.inputs:
                number = event.inputs[0].id
                held.setdefault(number, kept)
        for each in others:
            read = next((layer for number in each.reads if (layer := _read(number, held, makers)) is not None), None)
            if read is not None:
                found[each.module] = read
    return found


def _read(number: int, held: dict[int, LayerCache], makers: dict[int, Event]) -> LayerCache | None:
    """The layer that keeps a tensor in this or another form."""
    for _ in range(30):
        if number in held:
            return held[number]
        event = makers.get(number)
        if event is None or event.name not in FORMS or not event.inputs:
            return None
        number = event.inputs[0].id
    return None


def _sums(products: Sequence[Product]) -> _Sums:
    found: _Sums = {}
    for each in products:
        key = (each.module, each.anew)
        found[key] = found.get(key, 0) + each.operations
    return found


def _grows_beside(layer: LayerCache) -> bool:
    """Whether a layer with a window also keeps entries for all of the context."""
    return any(each.window is None and each.slot for each in layer.kept)


def _absorbed(
    growths: Sequence[Growth], products: Sequence[Product], repeated: dict[str, LayerCache], tokens: int
) -> tuple[Growth, ...]:
    """The growths with projections of cached latents multiplied into queries and outputs; empty where that form is not seen.

    Of H heads whose keys have `d` of their size from latents of rank r, and whose values have v, a cached token then costs
    2 H (K - d + r) for its score and 2 H r for its part of the output, K the size of the keys.
    """
    change = Fraction(0)
    for module in {layer.module for layer in repeated.values()}:
        inner = [each for each in products if each.module == module and not each.anew]
        scores = [each for each in inner if each.right[-1:] == (tokens,) and each.left[-1:] != (tokens,)]
        values = [each for each in inner if each.left[-1:] == (tokens,)]
        anew = [
            each
            for each in products
            if each.anew and repeated.get(each.module) and repeated[each.module].module == module
        ]
        if len(scores) != 1 or len(values) != 1 or len({each.right[1] for each in anew}) != 1:
            return ()
        heads, keys, width = prod(scores[0].left[:-1]), scores[0].left[-1], values[0].right[-1]
        rank, out = anew[0].right[1], sum(each.right[0] for each in anew)
        own = out // heads - width
        if out % heads or not 0 < own <= keys:
            return ()
        change += 2 * heads * (keys - own + 2 * rank) - 2 * heads * (keys + width)
    plain = [each for each in growths if not each.anew]
    grown = next((each for each in plain if each.slope and each.window is None and each.over == "context"), None)
    if grown is None:
        return ()
    return tuple(replace(each, slope=each.slope + change) if each is grown else each for each in plain)


def _source(
    first: CachedPass, second: CachedPass, fixed: int | None, layers: Sequence[LayerCache]
) -> tuple[Fraction, Fraction, Fraction]:
    """What the prefills multiply in modules that no later step runs, as a function of the source."""
    nothing = (Fraction(0), Fraction(0), Fraction(0))
    if fixed is None and not any(layer.part == "cross" for layer in layers):
        return nothing
    counts = [products_once(each.before, frozenset(event.module for event in each.events)) for each in (first, second)]
    if fixed is not None or counts[0] == counts[1]:
        return Fraction(counts[1]), Fraction(0), Fraction(0)
    return Fraction(0), *_grown((counts[0], counts[1]), (first.tokens - 1, second.tokens - 1))


def pass_operations(first: CachedPass, second: CachedPass) -> tuple[Fraction, Fraction, Fraction]:
    """What one pass of a model that keeps nothing multiplies, as a function of its tokens; an image's modules are the same for all."""
    lengths = (first.tokens - 1, second.tokens - 1)
    before, after = (products_by_module(each.events) for each in (first, second))
    constant = linear = squared = Fraction(0)
    for module, count in after.items():
        if before.get(module) == count:
            constant += count
            continue
        more = _grown((before.get(module, 0), count), lengths)
        linear, squared = linear + more[0], squared + more[1]
    return constant, linear, squared


def _grown(counts: tuple[int, int], lengths: tuple[int, int]) -> tuple[Fraction, Fraction]:
    """The factors of n and n², of projections and attention, from what two lengths count."""
    few, many = lengths
    squared = (Fraction(counts[1], many) - Fraction(counts[0], few)) / (many - few)
    return Fraction(counts[1], many) - squared * many, squared
