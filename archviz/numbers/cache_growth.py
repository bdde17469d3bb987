"""What the layers of a model keep for the next token, as a function of context: read off its caches after two lengths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Literal

from archviz.interpreter.caches import CachedPass, CacheLayer
from archviz.interpreter.reading import Event
from archviz.numbers.dtypes import BITS

Role = Literal["keys", "values", "compressed", "indexer", "state", "buffer"]
STATES = ("conv_states", "recurrent_states")


@dataclass(frozen=True, slots=True)
class Kept:
    """One tensor that a layer keeps, in numbers (elements) of one sequence.

    Args:
        name: What the code calls it.
        role: Keys, values, compressed entries, keys of an indexer, a state of constant size, a buffer of tokens to be compressed.
        slot: Elements of one entry.
        rate: Tokens that one entry stands for.
        constant: Elements that do not depend on the context.
        window: Tokens in view; None for all.
        dtype: Type that the code fixes; None where the type of the cache is used.
        again: It holds what another kept tensor holds: values that are the projected keys.
    """

    name: str
    role: Role
    slot: int
    rate: int = 1
    constant: int = 0
    window: int | None = None
    dtype: str | None = None
    again: bool = False

    @property
    def per_token(self) -> Fraction:
        return Fraction(self.slot, self.rate)

    def elements(self, tokens: int, *, windows: bool = True) -> int:
        """Elements after so many tokens; without `windows` as if all stayed in view."""
        seen = min(tokens, self.window) if windows and self.window is not None else tokens
        return self.constant + seen // self.rate * self.slot

    def bits(self, dtype: str) -> int:
        return BITS[self.dtype or dtype]


@dataclass(frozen=True, slots=True)
class LayerCache:
    """What one layer keeps."""

    index: int
    part: str
    module: str | None
    kind: str
    kept: tuple[Kept, ...]
    at: str | None = None

    @property
    def window(self) -> int | None:
        return next((each.window for each in self.kept if each.window is not None), None)


def layer_caches(first: CachedPass, second: CachedPass) -> list[LayerCache]:
    """What each layer keeps, from samples of two lengths; both should be multiples of every number of tokens that is compressed to one."""
    found = []
    for short, long in zip(first.layers, second.layers, strict=True):
        kept = tuple(_kept(short, long, first, second))
        at = str(long.at) if long.at else None
        found.append(LayerCache(long.index, long.part, long.module, long.kind, kept, at))
    return found


def _kept(short: CacheLayer, long: CacheLayer, first: CachedPass, second: CachedPass) -> Iterator[Kept]:
    same = _same_content(long, second)
    for name, tensor in long.tensors.items():
        earlier = short.tensors.get(name)
        if earlier is None or earlier.shape is None or tensor.shape is None:
            continue
        shapes = (tuple(earlier.shape), tuple(tensor.shape))
        role = _role(name, long)
        less = 1 if long.part == "cross" else 0  # a source has what the prefill had
        view = long.window if role in ("keys", "values") else None
        slot, rate, constant = _growth(shapes, first.tokens - less, second.tokens - less, view)
        fixed = tensor.dtype if role == "state" and tensor.dtype == "float32" else None
        window = long.window if role in ("keys", "values") else None
        yield Kept(name, role, slot, rate, constant, window, fixed, again=same and role == "values")


def _role(name: str, layer: CacheLayer) -> Role:
    if "indexer" in name:
        return "buffer" if name.startswith(("buffer", "overlap")) else "indexer"
    if name.startswith("compressed"):
        return "compressed"
    if name.startswith(("buffer", "overlap")):
        return "buffer"
    if name.startswith(STATES):
        return "state"
    base = name.partition(".")[0]
    if base in ("keys", "values"):
        return "keys" if base == "keys" else "values"
    if layer.kind == "state" and name.isdigit():  # a pair of keys and values without names
        return "keys" if name == "0" else "values"
    return "state"


def _growth(
    shapes: tuple[tuple[int, ...], tuple[int, ...]], short: int, long: int, window: int | None = None
) -> tuple[int, int, int]:
    """Elements of an entry, tokens for an entry, and elements that stay."""
    small, large = map(prod, shapes)
    if window is not None and min(short, window - 1) > 0:
        axis = _token_axis(shapes[0], (min(short, window), min(short, window - 1)))
        if axis is not None:
            return small // shapes[0][axis], 1, 0
    if large == small:
        return 0, 1, large
    growth = Fraction(large - small, long - short)
    rate = next((each for each in _rates(shapes, short, long) if (growth * each).denominator == 1), growth.denominator)
    slot = int(growth * rate)
    return slot, rate, large - long // rate * slot


def _rates(shapes: tuple[tuple[int, ...], tuple[int, ...]], short: int, long: int) -> list[int]:
    """Tokens for an entry, by the axis that grew."""
    grown = [b - a for a, b in zip(*shapes, strict=True) if b > a]
    return [(long - short) // each for each in grown if (long - short) % each == 0]


def _token_axis(shape: tuple[int, ...], lengths: Sequence[int]) -> int | None:
    """The axis that counts tokens; before the last in keys and values."""
    order = [len(shape) - 2, *range(len(shape))]
    return next((axis for axis in order if 0 <= axis < len(shape) and shape[axis] in lengths), None)


def _same_content(layer: CacheLayer, sample: CachedPass) -> bool:
    """Whether keys and values come whole from one projection, so that one of them tells the other."""
    keys, values = layer.tensors.get("keys"), layer.tensors.get("values")
    if keys is None or values is None or keys.shape is None or keys.shape != values.shape:
        return False
    makers = {value.id: event for event in sample.events if event.kind == "op" for value in event.outputs}
    token = prod(keys.shape) // max(1, keys.shape[-2])
    sources = [_projection(sample.numbers.get(id(each)), makers, token) for each in (keys, values)]
    return sources[0] is not None and sources[0] == sources[1]


def _projection(number: int | None, makers: dict[int, Event], token: int) -> int | None:
    """The event of the projection whose whole output for the new token became a cached tensor."""
    waiting, seen = [number], set()
    while waiting:
        number = waiting.pop(0)
        event = makers.get(number) if number is not None else None
        if event is None or event.index in seen:
            continue
        seen.add(event.index)
        if event.name == "linear":
            whole = event.outputs[0].shape
            return event.index if whole is not None and prod(size or 0 for size in whole) == token else None
        waiting += [value.id for value in reversed(event.inputs)]
        if len(seen) > 400:
            return None
    return None
