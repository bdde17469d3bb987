"""What the layers of a model keep for the next token, as a function of context: read off its caches after two lengths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import prod
from typing import Literal

from archviz.interpreter.caches import CachedPass, CacheLayer
from archviz.interpreter.reading import Event
from archviz.numbers.dtypes import BITS
from archviz.numbers.latents import latents

Role = Literal["keys", "values", "compressed", "entries", "indexer", "state", "buffer"]
CACHED = ("keys", "values", "compressed", "entries")
"""The roles of what later tokens read of those before them."""
STATES = ("conv_states", "recurrent_states")


@dataclass(frozen=True, slots=True)
class Kept:
    """One tensor that a layer keeps, in numbers (elements) of one sequence.

    Args:
        name: What the code calls it.
        role: Keys, values, compressed entries, other entries that each token adds (XLNet's hidden states), keys of an indexer, a state of
            constant size, a buffer of tokens to be compressed.
        slot: Elements of one entry.
        rate: Tokens that one entry stands for.
        constant: Elements that do not depend on the context.
        window: Tokens in view; None for all.
        dtype: Type that the code fixes; None where the type of the cache is used.
        again: It holds what another kept tensor holds: values that are the projected keys.
        since: Tokens from which on the constant elements are there: the first window that is compressed.
        cycle: Of a buffer, the tokens that are compressed to one entry: it holds a slot for each token since the last entry. 0 for others.
        holds: What it is where the code's name does not say it: a latent, or the key beside it that all heads share.
    """

    name: str
    role: Role
    slot: int
    rate: int = 1
    constant: int = 0
    window: int | None = None
    dtype: str | None = None
    again: bool = False
    since: int = 0
    cycle: int = 0
    holds: str | None = None

    @property
    def per_token(self) -> Fraction:
        """Elements that one more token adds for good."""
        return Fraction(0) if self.cycle else Fraction(self.slot, self.rate)

    def elements(self, tokens: int, *, windows: bool = True) -> int:
        """Elements after so many tokens; without `windows` as if all stayed in view."""
        if self.cycle:
            return tokens % self.cycle * self.slot
        seen = min(tokens, self.window) if windows and self.window is not None else tokens
        return (self.constant if tokens >= self.since else 0) + seen // self.rate * self.slot

    def bits(self, dtype: str) -> int:
        return BITS[self.dtype or dtype]


@dataclass(frozen=True, slots=True)
class LayerCache:
    """What one layer keeps.

    Args:
        module: The module that wrote it, of several side by side the first.
        writers: Name of a kept tensor → the module that wrote it.
        chunked: Its window is the token's own chunk, which begins anew each time, and does not slide.
    """

    index: int
    part: str
    module: str | None
    kind: str
    kept: tuple[Kept, ...]
    at: str | None = None
    writers: dict[str, str] = field(default_factory=dict)
    chunked: bool = False

    @property
    def modules(self) -> list[str]:
        """The modules that wrote it, each once."""
        found = [self.module, *(self.writers.get(each.name) for each in self.kept)]
        return list(dict.fromkeys(path for path in found if path is not None))

    @property
    def window(self) -> int | None:
        return next((each.window for each in self.kept if each.window is not None), None)


def layer_caches(first: CachedPass, second: CachedPass) -> list[LayerCache]:
    """What each layer keeps, from samples of two lengths; both should be multiples of every number of tokens that is compressed to one."""
    found = []
    named, makers = latents(second), makers_of(second)
    for place, (short, long) in enumerate(zip(first.layers, second.layers, strict=True)):
        kept = _since_first_entry(
            tuple(
                replace(each, holds=named.get((place, each.name))) if named else each
                for each in _kept(short, long, (first, second), makers)
            )
        )
        at = str(long.at) if long.at else None
        found.append(LayerCache(long.index, long.part, long.module, long.kind, kept, at, long.writers))
    return found


def makers_of(sample: CachedPass) -> dict[int, Event]:
    """Number of a tensor → the op of the decode step that made it."""
    return {value.id: event for event in sample.events if event.kind == "op" for value in event.outputs}


def _kept(
    short: CacheLayer, long: CacheLayer, passes: tuple[CachedPass, CachedPass], makers: dict[int, Event]
) -> Iterator[Kept]:
    first, second = passes
    same = _same_content(long, second, makers)
    for name, tensor in long.tensors.items():
        earlier = short.tensors.get(name)
        if earlier is None or earlier.shape is None or tensor.shape is None:
            continue
        shapes = (tuple(earlier.shape), tuple(tensor.shape))
        role = _role(name, long)
        if role == "buffer" and (waiting := _waiting(name, (short, long), (first.tokens, second.tokens))) is not None:
            yield Kept(name, role, slot=waiting[0], cycle=waiting[1])
            continue
        less = 1 if long.part == "cross" else 0  # a source has what the prefill had
        window = long.window if role in ("keys", "values") else None
        slot, rate, constant = _growth(shapes, first.tokens - less, second.tokens - less, window)
        role = "entries" if role == "state" and slot else role
        fixed = tensor.dtype if role == "state" and tensor.dtype == "float32" else None
        yield Kept(name, role, slot, rate, constant, window, fixed, again=same and role == "values")


def _since_first_entry(kept: tuple[Kept, ...]) -> tuple[Kept, ...]:
    """Buffers of constant size hold the last window that was compressed: none before the first."""
    first = min((each.rate for each in kept if each.rate > 1), default=0)
    return tuple(replace(each, since=first) if each.role == "buffer" and each.constant else each for each in kept)


def _waiting(name: str, layers: tuple[CacheLayer, CacheLayer], tokens: tuple[int, int]) -> tuple[int, int] | None:
    """Elements of a token in a buffer, and how many of them are compressed at once; None where it holds no tokens that wait.

    The lengths before and after the decode step of both samples say it: 127, 0, 127 and 0 after 255, 256, 511 and 512 tokens.
    """
    shapes = [
        (seen - before, tuple(size or 0 for size in shape))
        for layer, seen in zip(layers, tokens, strict=True)
        for before, shape in ((1, layer.earlier.get(name)), (0, layer.tensors[name].shape))
        if shape is not None
    ]
    axes = [
        axis for axis, sizes in enumerate(zip(*(shape for _, shape in shapes), strict=False)) if len(set(sizes)) > 1
    ]
    if len(shapes) < 4 or len(axes) != 1:
        return None
    lengths = {seen: shape[axes[0]] for seen, shape in shapes}
    cycle = next(
        (each for each in range(max(lengths.values()) + 1, min(tokens) + 1) if all(n % each == m for n, m in lengths.items())), 0
    )  # fmt: skip
    slot = prod(size for axis, size in enumerate(shapes[0][1]) if axis != axes[0])
    return (slot, cycle) if cycle > 1 else None


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


def _same_content(layer: CacheLayer, sample: CachedPass, makers: dict[int, Event]) -> bool:
    """Whether keys and values come whole from one projection, so that one of them tells the other."""
    keys, values = layer.tensors.get("keys"), layer.tensors.get("values")
    if keys is None or values is None or keys.shape is None or keys.shape != values.shape:
        return False
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
