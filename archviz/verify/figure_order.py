"""Orders of repeated layers: `15 × (3 × DeltaNet, 1 × attention)` held against the layers of the model."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from archviz.architecture.column_layers import runs_of
from archviz.architecture.model import Architecture, Evidence, LayerKind, LayerStack
from archviz.late_patterns import late_pattern
from archviz.spans import Status
from archviz.verify.claims import Check

_GROUP = late_pattern(r"(\d+)\s*[×x]\s*\(((?:[^()]|\([^()]*\))*)\)")  # items may have a remark in brackets
_ITEM = late_pattern(r"^\s*(\d+)\s*[×x]\s*(.+?)\s*$")
_MOST = 2_000  # layers that an order may spell out
_TAGS: tuple[tuple[str, str], ...] = (
    ("delta", r"delta"),
    ("mamba", r"mamba|ssm|state[- ]space"),
    ("linear", r"linear attention|lightning|delta|kda"),
    ("sliding", r"sliding|local|window|swa"),
    ("chunked", r"chunk"),
    ("full", r"\bfull|global"),
    ("nope", r"\bnope\b|no rope"),
    ("attention", r"attention|attn"),
    ("moe", r"\bmoe\b|mixture|experts|sparse ffn"),
    ("dense", r"\bdense\b|mlp|swiglu|geglu|\bffn\b"),
)


def check_orders(path: str, text: str, architecture: Architecture) -> Iterator[Check]:
    """Every order that a text spells out; an order without a word that is understood is not judged."""
    for found in _GROUP.finditer(text):
        stated = _spelt_out(int(found[1]), found[2])
        if stated is None:
            continue
        stack = _stack_of(architecture, len(stated))
        if stack is None:
            counts = [own.count for own in architecture.layers]
            evidence = _evidence(architecture.layers[0]) if architecture.layers else ()
            shown = counts[0] if len(counts) == 1 else counts
            yield Check(path, "layers", len(stated), shown, "conflict", evidence, found[0])
            continue
        wrong = _first_difference(stated, stack)
        status: Status = "conflict" if wrong is not None else "verified"
        told = stack.pattern_text if wrong is None else f"{stack.pattern_text}; layer {wrong[0]} is {wrong[1].title}"
        evidence = _evidence(stack) if wrong is None else _kind_evidence(wrong[1])
        yield Check(path, "layer order", found[0], told, status, evidence, found[0])


def _spelt_out(times: int, inner: str) -> list[set[str]] | None:
    """The tags that the order gives each layer; None when it is no order of layers."""
    unit: list[set[str]] = []
    for piece in inner.split(","):
        item = _ITEM.match(piece)
        if item is None or int(item[1]) * times > _MOST:
            return None
        unit += [tags_of(item[2])] * int(item[1])
    if times * len(unit) > _MOST or not any(unit):
        return None
    return unit * times


def tags_of(text: str) -> set[str]:
    """The traits that words name.

    >>> sorted(tags_of("Sliding-window attention + MoE"))
    ['attention', 'moe', 'sliding']
    """
    return {tag for tag, pattern in _TAGS if re.search(pattern, text, re.IGNORECASE)}


def _stack_of(architecture: Architecture, layers: int) -> LayerStack | None:
    runs = [run for tower in architecture.towers for run in runs_of(architecture, tower)]
    return next((stack for stack in (*runs, *architecture.layers) if stack.count == layers), None)


def _first_difference(stated: Sequence[set[str]], stack: LayerStack) -> tuple[int, LayerKind] | None:
    """The first layer that lacks a trait that is stated of it."""
    kinds = {index: kind for kind in stack.kinds for index in kind.indices}
    for index, tags in enumerate(stated):
        kind = kinds[index]
        own = layer_tags(kind)
        if not tags <= own or ("attention" in tags and not own & {"attention"}):
            return index, kind
        if _is_plain_attention(tags) and own & {"delta", "mamba"}:
            return index, kind
    return None


def layer_tags(kind: LayerKind) -> set[str]:
    """The traits of a kind of layer: those that its names say, and those that go without saying."""
    return tags_of(f"{kind.title} {kind.mixer_kind or ''} {kind.feed_forward_kind or ''}".replace("_", " ")) | _implied(
        kind
    )


def _implied(kind: LayerKind) -> set[str]:
    """What a kind is without its title saying so: full attention beside windows, attention in MLA, dense beside experts."""
    found = set()
    mixer = kind.mixer_kind or ""
    if "attention" in mixer or "mla" in mixer:
        found.add("attention")
        if "sliding" not in mixer and "chunk" not in mixer:
            found.add("full")
    if "delta" in mixer or "lightning" in mixer or "kda" in mixer:
        found |= {"linear", "attention"}
    if kind.feed_forward_kind and "moe" not in kind.feed_forward_kind:
        found.add("dense")
    return found


def _is_plain_attention(tags: set[str]) -> bool:
    return "attention" in tags and not tags & {"linear", "delta", "mamba"}


def _evidence(stack: LayerStack) -> tuple[Evidence, ...]:
    found = {item.where: item for kind in stack.kinds for item in kind.evidence}
    return tuple(found.values())


def _kind_evidence(kind: LayerKind) -> tuple[Evidence, ...]:
    return tuple(kind.evidence)
