"""What a model needs: memory of its weights, of what it keeps for a context, and operations per token."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from dataclasses import dataclass, field, replace

from archviz.architecture.model import Architecture, LayerKind
from archviz.errors import UsageError
from archviz.interpreter.caches import BARE, NO_CACHE, CachedPass
from archviz.late_patterns import late_pattern
from archviz.numbers.cache_growth import CACHED, Kept, LayerCache, layer_caches
from archviz.numbers.dtypes import BITS, WIDTHS
from archviz.numbers.operations import Operations, find_operations, pass_operations
from archviz.numbers.weights import StoredWeights

SAMPLED = (256, 512)
"""Tokens in the caches that growth is read off: multiples of what models compress to one entry."""
BLOCK = 16
"""Tokens of a block that an engine reserves at once."""
MOST_TOKENS = 2**30
DEFINITIONS = {
    "cache": "keys, values and other entries that later tokens read: within a window only its tokens, values that are the "
    "projected keys counted once",
    "as_coded": "the same as the official code stores it: keys and values both",
    "indexer": "keys by which an indexer chooses what is attended to",
    "state": "recurrent and convolution states, constant for a sequence, and buffers of tokens that wait to be compressed, as many as do so "
    "at that length",
    "reserved": f"what an engine sets aside that has blocks of {BLOCK} tokens and one size for all layers: keys and values both, windows "
    "not used, with indexer keys and states",
    "cross": "keys and values of an encoder's output, kept for its whole length",
    "decode": "one new token: 2 for every active weight that it meets (tables that are looked up are none) and the products with what is "
    "kept, as the code multiplies; of a recurrent state every multiplication and addition of the code's step on tensors of its shape "
    "(decay, reading, writing, read-out); no other elementwise work (activations, softmax, rotations, residual sums)",
    "absorbed": "the same where cached latents are not projected to keys and values anew: that projection is multiplied into queries and "
    "outputs, as engines do",
    "prefill": "the same as decode for one token of a prefill, averaged over the context; what is projected is projected once",
}


@dataclass(frozen=True, slots=True)
class ContextNeed:
    """What one sequence of so many tokens needs, in bytes; operations for one token.

    Args:
        cross: Keys and values of a source of `source` tokens.
        absorbed: Operations of a decode step where latents are not projected anew.
    """

    tokens: int
    cache: int
    as_coded: int
    indexer: int
    state: int
    reserved: int
    decode: int | None
    prefill: int | None
    cross: int = 0
    source: int | None = None
    absorbed: int | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """What cross-attention looks at: an encoder's output, or an image's.

    Args:
        fixed: Its length where the code fixes it.
        asked: The length that was asked for; None for as long as the context.
        images: It is an image beside the text.
    """

    fixed: int | None
    asked: int | None = None
    images: bool = False

    def length(self, context: int) -> int:
        return self.fixed or self.asked or context


@dataclass(frozen=True, slots=True)
class CacheKind:
    """Layers that keep the same.

    Args:
        layers: Their places in the cache; of a list of tensors that each hold a state of all layers, the places of those.
    """

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
        missing: Why it is not known what is kept; None where it is, or nothing is kept.
        lengths: Of the passes of a model that keeps nothing; `operations.once` says what one multiplies. Empty where that is not known.
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
    source: Source | None = None
    lengths: list[int] = field(default_factory=list)

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
        source = self.source.length(tokens) if self.source is not None else None
        cross = self.cross(source or 0)
        return ContextNeed(
            tokens, size(*CACHED, again=False), size(*CACHED),
            size("indexer"), state,
            size(*CACHED, "indexer", windows=False, count=blocks) + state + cross,
            self.operations.decode(tokens, source or 0), self.operations.prefill(tokens, source or 0), cross, source,
            self.operations.decode(tokens, source or 0, absorbed=True) if self.operations.absorbed else None,
        )  # fmt: skip

    def cross(self, source: int) -> int:
        """Bytes that cross-attention keeps for a source."""
        return sum(
            each.elements(source) * each.bits(self.dtype) * len(kind.layers)
            for kind in self.kinds if kind.part == "cross" for each in kind.kept
        ) // 8  # fmt: skip

    def per_token(self, *, growing: bool, roles: Sequence[str] = CACHED) -> float:
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
    source: int | None = None,
) -> Memory:
    """The memory and compute of a model.

    Args:
        architecture: Its description.
        passes: Two passes with a cache, of different lengths.
        contexts: Lengths in tokens.
        dtype: Type of what is cached.
        weights: Types that its weights are counted in.
        stored: The weights as they are stored.
        source: Tokens of an encoder's input; as many as the context where it is not given and the code fixes none.
    """
    first, second = passes
    missing = missing_caches(first, second)
    known = missing is None and bool(first.layers)
    layers = layer_caches(first, second) if known else []
    looked_at = _source(first, second, source) if known else None
    layers = [replace(layer, part="cross") if _is_fixed(layer) else layer for layer in layers]
    layers = _with_chunks(layers, architecture)
    operations = find_operations(architecture, first, second, layers, looked_at.fixed if looked_at else None)
    keeps_nothing = missing is None and not known
    if keeps_nothing:
        operations = Operations(None, (), source=pass_operations(first, second))
    stated = architecture.fact("context_length")
    maximum = stated.value if stated is not None and isinstance(stated.value, int) else None
    whole = first.ended_by is None and second.ended_by is None
    found = Memory(
        architecture.identity.id, architecture.identity.class_name, architecture.parameters.total,
        architecture.parameters.active if whole else None,
        {each: architecture.parameters.total * BITS[each] // 8 for each in weights}, dtype, _kinds(layers, architecture), operations, [],
        maximum, missing, stored=stored, source=looked_at,
    )  # fmt: skip
    routed = any(kind.parameters != kind.active_parameters for stack in architecture.layers for kind in stack.kinds)
    if keeps_nothing and not routed:  # a pass does not show the share of the experts that a token meets
        found.lengths.extend(contexts)
    if known:
        found.contexts.extend(found.need(tokens) for tokens in contexts)
    if any(each.role == "indexer" for kind in found.kinds for each in kind.kept):
        found.remarks.append(
            "operations count all positions, or all compressed entries, also those that the indexer does not choose"
        )
    found.remarks.extend(
        f"{tokens:,} tokens are more than the {maximum:,} of the configuration"
        for tokens in contexts
        if maximum is not None and tokens > maximum
    )
    return found


def missing_caches(first: CachedPass, second: CachedPass) -> str | None:
    """Why it is not known what is kept; None where it is, and where the model returns no cache: it keeps nothing."""
    ended_by = first.ended_by or second.ended_by
    if ended_by is not None:
        return ended_by
    if len(first.layers) == len(second.layers):
        gap = next((gap for gap in (*first.gaps, *second.gaps) if gap.reason != NO_CACHE), None)
        return None if first.layers or gap is None else gap.reason
    return "the caches after two lengths have different layers"


def _source(first: CachedPass, second: CachedPass, asked: int | None) -> Source | None:
    """What cross-attention looks at; None where nothing does."""
    found = None
    for short, long in zip(first.layers, second.layers, strict=True):
        sizes = [each.tensors["keys"].shape if "keys" in each.tensors else None for each in (short, long)]
        fixed = sizes[0][-2] if sizes[0] is not None and sizes[0] == sizes[1] and len(sizes[0]) > 2 else None
        if long.part == "cross":
            return Source(fixed, asked)
        if fixed is not None and long.window is None and long.kind == "full":
            found = Source(fixed, asked, images=True)
    return found


def _is_fixed(layer: LayerCache) -> bool:
    """Whether it keeps keys that no token adds to: those of a source."""
    keys = [each for each in layer.kept if each.role == "keys"]
    return bool(keys) and all(each.constant and not each.slot for each in keys)


def _kinds(layers: Sequence[LayerCache], architecture: Architecture) -> list[CacheKind]:
    groups: dict[tuple[object, ...], list[LayerCache]] = {}
    titles = {path: _mixer_title(kind) for path, kind in _kinds_by_path(architecture).items()}
    bare = [_layer_path(layer, titles) for layer in layers if [each.name for each in layer.kept] == [BARE]]
    for layer in layers:
        if layer.kept:
            path = _layer_path(layer, titles)
            of_all = bool(path) and len(titles) > 1 and bare.count(path) > 1
            title = _OF_ALL if of_all else _title(layer, titles)
            groups.setdefault((layer.part, layer.kind, layer.kept, title), []).append(layer)
    return [
        CacheKind(str(title), [layer.index for layer in g], g[0].part, g[0].window, g[0].kept, g[0].at)
        for (*_, title), g in groups.items()
    ]


_OF_ALL = (
    "State of all layers"  # the layer that wrote last into several tensors of one list did not write into them alone
)


def _with_chunks(layers: Sequence[LayerCache], architecture: Architecture) -> list[LayerCache]:
    """The layers, those marked whose window is the chunk that a token stands in: their mask says so, a cache only how much it holds."""
    masks = architecture.fact("attention_mask")
    stated = masks.value.values() if masks and isinstance(masks.value, dict) else [masks.value if masks else None]
    if masks is None or not any(str(each).startswith("chunked") for each in stated):
        return list(layers)
    kinds = _kinds_by_path(architecture)

    def chunked(layer: LayerCache) -> bool:
        kind = kinds.get(_layer_path(layer, kinds))
        mask = masks.value.get(kind.mixer_kind or kind.id) if kind and isinstance(masks.value, dict) else masks.value
        return kind is not None and layer.window is not None and str(mask).startswith("chunked")

    return [replace(layer, chunked=chunked(layer)) for layer in layers]


def _kinds_by_path(architecture: Architecture) -> dict[str, LayerKind]:
    """Path of a layer → its kind."""
    return {
        f"{stack.path}.{index}": kind for stack in architecture.layers for kind in stack.kinds for index in kind.indices
    }


def _layer_path(layer: LayerCache, known: Container[str]) -> str:
    """The path, of those that are known, of the layer that a cache's writer stands in; empty where none is."""
    path = layer.module or ""
    while path and path not in known:
        path = path.rpartition(".")[0]
    return path


def _title(layer: LayerCache, titles: dict[str, str]) -> str:
    """The mixer of the layer that writes it, as the description calls it; else what is kept."""
    kept = "entries" if any(each.role == "entries" for each in layer.kept) else layer.kind
    return titles.get(_layer_path(layer, titles), kept)


def _mixer_title(kind: LayerKind) -> str:
    """The part of a layer's title that its mixers have, of two side by side both."""
    count = (kind.mixer_kind or "").count("+") + 1
    return " + ".join(kind.title.split(" + ")[:count])


_LENGTH = late_pattern(r"(\d+)([km]?)", re.IGNORECASE)


def contexts_of(text: str, where: str = "--context") -> list[int]:
    """Lengths of context, each once: `4k,32k,1m` (k is 1,024).

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
                where=where,
                hint=f"such as 4k,32k,256k; from 1 to {MOST_TOKENS:,} tokens",
            )
        found.append(tokens)
    return list(dict.fromkeys(found))
