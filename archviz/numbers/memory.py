"""What a model needs: memory of its weights, of what it keeps for a context, and operations per token."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from archviz.architecture.model import Architecture
from archviz.errors import UsageError
from archviz.interpreter.caches import CachedPass
from archviz.late_patterns import late_pattern
from archviz.numbers.cache_growth import Kept, LayerCache, layer_caches
from archviz.numbers.dtypes import BITS, WIDTHS
from archviz.numbers.operations import Operations, find_operations
from archviz.numbers.weights import StoredWeights

SAMPLED = (256, 512)
"""Tokens in the caches that growth is read off: multiples of what models compress to one entry."""
BLOCK = 16
"""Tokens of a block that an engine reserves at once."""
MOST_TOKENS = 2**30
DEFINITIONS = {
    "cache": "keys, values and compressed entries that later tokens read: within a window only its tokens, values that are the "
    "projected keys counted once",
    "as_coded": "the same as the official code stores it: keys and values both",
    "indexer": "keys by which an indexer chooses what is attended to",
    "state": "recurrent and convolution states, and buffers of tokens to be compressed: constant for a sequence",
    "reserved": f"what an engine sets aside that has blocks of {BLOCK} tokens and one size for all layers: keys and values both, windows "
    "not used, with indexer keys and states",
    "decode": "one new token: 2 for every active weight (no embedding lookup) and the products with the context, as the code multiplies",
    "prefill": "the same for one token of a prefill, averaged over the context",
}


@dataclass(frozen=True, slots=True)
class ContextNeed:
    """What one sequence of so many tokens needs, in bytes; operations for one token."""

    tokens: int
    cache: int
    as_coded: int
    indexer: int
    state: int
    reserved: int
    decode: int | None
    prefill: int | None


@dataclass(frozen=True, slots=True)
class CacheKind:
    """Layers that keep the same."""

    title: str
    layers: list[int]
    part: str
    window: int | None
    kept: tuple[Kept, ...]
    at: str | None


@dataclass(frozen=True, slots=True)
class Memory:
    """The memory and compute of a model.

    Args:
        weights: Data type → bytes of all parameters.
        dtype: Type of the cache, where the code fixes none.
        kinds: Layers that keep something, by what they keep.
        contexts: The needs at the lengths that were asked for.
        missing: Why there is no cache; None where there is one.
        stored: The weights as the configuration says that they are stored; None where it does not.
    """

    model: str
    class_name: str
    parameters: int
    active: int | None
    weights: dict[str, int]
    dtype: str
    kinds: list[CacheKind]
    operations: Operations
    contexts: list[ContextNeed]
    maximum: int | None = None
    missing: str | None = None
    remarks: list[str] = field(default_factory=list)
    stored: StoredWeights | None = None

    def need(self, tokens: int) -> ContextNeed:
        """What a sequence of so many tokens needs."""
        kept = [(each, len(kind.layers)) for kind in self.kinds if kind.part == "self" for each in kind.kept]

        def size(*roles: str, again: bool = True, windows: bool = True, count: int = tokens) -> int:
            bits = sum(
                each.elements(count, windows=windows) * each.bits(self.dtype) * layers
                for each, layers in kept
                if each.role in roles and (again or not each.again)
            )
            return bits // 8

        blocks = -(-tokens // BLOCK) * BLOCK
        state = size("state", "buffer")
        return ContextNeed(
            tokens, size("keys", "values", "compressed", again=False), size("keys", "values", "compressed"),
            size("indexer"), state,
            size("keys", "values", "compressed", "indexer", windows=False, count=blocks) + state,
            self.operations.decode(tokens), self.operations.prefill(tokens),
        )  # fmt: skip

    def per_token(self, *, growing: bool, roles: Sequence[str] = ("keys", "values", "compressed")) -> float:
        """Bytes for one more token: within all windows, or where only what has no window grows."""
        found = 0.0
        for kind in self.kinds:
            for each in kind.kept if kind.part == "self" else ():
                if each.role in roles and not each.again and not (growing and each.window is not None):
                    found += float(each.per_token) * each.bits(self.dtype) / 8 * len(kind.layers)
        return found

    @property
    def source_token(self) -> float:
        """Bytes that cross-attention keeps for one token of the source."""
        return sum(
            float(each.per_token) * each.bits(self.dtype) / 8 * len(kind.layers)
            for kind in self.kinds if kind.part == "cross" for each in kind.kept
        )  # fmt: skip


def find_memory(
    architecture: Architecture,
    passes: Sequence[CachedPass],
    contexts: Sequence[int],
    *,
    dtype: str = "bfloat16",
    weights: Sequence[str] = WIDTHS,
    stored: StoredWeights | None = None,
) -> Memory:
    """The memory and compute of a model.

    Args:
        architecture: Its description.
        passes: Two passes with a cache, of different lengths.
        contexts: Lengths in tokens.
        dtype: Type of what is cached.
        weights: Types that its weights are counted in.
        stored: The weights as they are stored.
    """
    first, second = passes
    missing = _missing(first, second)
    layers = [] if missing else layer_caches(first, second)
    operations = find_operations(architecture, first, second, layers)
    stated = architecture.fact("context_length")
    maximum = stated.value if stated is not None and isinstance(stated.value, int) else None
    found = Memory(
        architecture.identity.id, architecture.identity.class_name, architecture.parameters.total, architecture.parameters.active,
        {each: architecture.parameters.total * BITS[each] // 8 for each in weights}, dtype, _kinds(layers, architecture), operations, [],
        maximum, missing, stored=stored,
    )  # fmt: skip
    if not missing:
        found.contexts.extend(found.need(tokens) for tokens in contexts)
    found.remarks.extend(
        f"{tokens:,} tokens are more than the {maximum:,} of the configuration"
        for tokens in contexts
        if maximum is not None and tokens > maximum
    )
    return found


def _missing(first: CachedPass, second: CachedPass) -> str | None:
    """Why no cache is known."""
    if first.layers and len(first.layers) == len(second.layers):
        return None
    gap = next(iter((*first.gaps, *second.gaps)), None)
    return gap.reason if gap is not None else "the model returned no cache"


def _kinds(layers: Sequence[LayerCache], architecture: Architecture) -> list[CacheKind]:
    groups: dict[tuple[object, ...], list[LayerCache]] = {}
    titles = {
        f"{stack.path}.{index}": kind.title
        for stack in architecture.layers
        for kind in stack.kinds
        for index in kind.indices
    }
    for layer in layers:
        if layer.kept:
            groups.setdefault((layer.part, layer.kind, layer.kept, _title(layer, titles)), []).append(layer)
    return [
        CacheKind(_title(g[0], titles), [layer.index for layer in g], g[0].part, g[0].window, g[0].kept, g[0].at)
        for g in groups.values()
    ]


def _title(layer: LayerCache, titles: dict[str, str]) -> str:
    """The mixer of the layer that writes it, as the description calls it; else what is kept."""
    path = layer.module or ""
    while path and path not in titles:
        path = path.rpartition(".")[0]
    return titles[path].partition(" + ")[0] if path else layer.kind


_LENGTH = late_pattern(r"(\d+)([km]?)", re.IGNORECASE)


def contexts_of(text: str) -> list[int]:
    """Lengths of context: `4k,32k,1m` (k is 1,024).

    Raises:
        UsageError: One is no length, or 0.
    """
    found = []
    for part in text.split(","):
        match = _LENGTH.fullmatch(part.strip())
        tokens = (
            int(match[1]) * {"": 1, "k": 1024, "m": 1024**2}[match[2].lower()] if match and len(match[1]) < 12 else 0
        )
        if not 0 < tokens <= MOST_TOKENS:
            raise UsageError(
                f"{part.strip()[:20]!r} is no length of context",
                where="--context",
                hint=f"such as 4k,32k,256k; from 1 to {MOST_TOKENS:,} tokens",
            )
        found.append(tokens)
    return found
