"""What sets a model apart from a plain decoder: pre-norm RMSNorm, grouped-query attention with RoPE on whole heads, SwiGLU."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archviz.architecture.model import MIXER_ROLES, Architecture, Evidence, LayerKind, LayerStack
from archviz.architecture.words import pattern_words
from archviz.comparison.blocks import find_module
from archviz.comparison.departure import Departure, main_stacks
from archviz.comparison.fact_departures import fact_departures, is_set
from archviz.records import record

_ATTENTION = "attention"


def departures(architecture: Architecture) -> list[Departure]:
    """What a plain decoder does not have, mechanisms first: mixers, what facts say in the order of a layer, partial rotations, further tables,
    towers.
    """
    found = [
        *_mixers(architecture), *fact_departures(architecture), *_partial_rope(architecture), *_normalised_embeddings(architecture), *_beside(architecture), *_shared_parts(architecture), *_towers(architecture),
    ]  # fmt: skip
    return sorted(found, key=lambda each: each.small)


def _mixers(architecture: Architecture) -> Iterator[Departure]:
    """Layers that mix positions by something else than attention, and how kinds of layers alternate."""
    for stack in main_stacks(architecture):
        other = [found for kind in stack.kinds if (found := _beside_attention(architecture, kind)) is not None]
        if other:
            evidence = tuple(item for each in other for item in _block_evidence(architecture, each.block))[:3]
            yield Departure("layers", f"{_mixer_names(other)} layers", *_mixed_by(stack, other), "verified", evidence)
        elif len({kind.mixer_kind for kind in stack.kinds}) > 1:
            evidence = tuple(item for kind in stack.kinds for item in kind.evidence[:1])[:3]
            yield Departure(
                "layers",
                "Layers of several kinds",
                pattern_words(stack),
                "some layers look far, the others are cheap" if _views_differ(architecture) else "",
                "verified",
                evidence,
                small=not _views_differ(architecture),
            )
        elif len({kind.feed_forward_kind for kind in stack.kinds}) > 1:
            evidence = tuple(item for kind in stack.kinds for item in kind.evidence[:1])[:3]
            yield Departure("layers", "Feed-forwards of several kinds", pattern_words(stack), "", "verified", evidence)


@record(frozen=True)
class _Mixer:
    """A mixer of a kind of layer that is no attention: its block and name, whether it keeps a state, and whether the layer attends as well."""

    kind: LayerKind
    block: str
    name: str
    keeps: bool
    attends: bool


def _beside_attention(architecture: Architecture, kind: LayerKind) -> _Mixer | None:
    """The first mixer of a kind that carries a state; else the one that the kind is named after, where it is no attention."""
    layer = architecture.block(kind.block)
    nodes = [node for node in layer.nodes if node.role in MIXER_ROLES] if layer else []
    attends = any(node.role == _ATTENTION for node in nodes)
    for node in nodes:
        if (
            node.zoom
            and node.role not in (_ATTENTION, "token_mixer")
            and mixer_role(architecture, node.zoom) != _ATTENTION
        ):
            return _Mixer(kind, node.zoom, node.label, True, attends)
    plain = next((node for node in nodes if node.role == "token_mixer"), None)
    if plain is not None:
        return None if attends else _Mixer(kind, plain.zoom or kind.block, plain.label, False, False)
    if kind.mixer is None or mixer_role(architecture, kind.mixer) in (_ATTENTION, "other"):
        return None
    attends = attends or _ATTENTION in (kind.mixer_kind or "").partition("+")[2]
    return _Mixer(kind, kind.mixer, kind.title.partition(" + ")[0], True, attends)


def _mixer_names(mixers: Sequence[_Mixer]) -> str:
    return ", ".join(dict.fromkeys(each.name for each in mixers))


def _mixed_by(stack: LayerStack, other: Sequence[_Mixer]) -> tuple[str, str]:
    """How many layers mix positions by something else than attention, how many of them by both; and the usual reason."""
    count = sum(each.kind.count for each in other)
    share = f"{count} of {stack.count} layers" if count < stack.count else f"all {count} layers"
    words = f"{share} mix positions by {_mixer_names(other)}"
    both = sum(each.kind.count for each in other if each.attends)
    if both:
        words += f", {'all' if both == count else both} of them by attention too"
    why = "a state of constant size instead of a cache that grows with the context"
    if not all(each.keeps for each in other):
        why = ""
    elif both == count:
        why = "a state of constant size for what is long ago, beside attention that finds single tokens"
    elif both:
        why = f"a state of constant size; only {both} layers keep a cache that grows with the context as well"
    return f"{words}: {pattern_words(stack)}", why


_VIEWS = ("sliding_window", "attention_chunk", "attention_compression", "indexer_top_k")


def _views_differ(architecture: Architecture) -> bool:
    """Whether some layers of attention see less than others: a window, a chunk, compressed or chosen positions."""
    facts = [fact for key in _VIEWS if (fact := architecture.fact(key)) is not None and is_set(fact.value)]
    return any(not isinstance(fact.value, dict) or len({str(v) for v in fact.value.values()}) > 1 for fact in facts)


def mixer_role(architecture: Architecture, block_id: str | None) -> str:
    """Whether a mixer is an attention: it has scores, or the word in its id."""
    block = architecture.block(block_id or "")
    if block is None:
        return "other"
    if any(node.role == "attention_core" for node in block.nodes) or _ATTENTION in block.id.rpartition("/")[2]:
        return _ATTENTION
    for layer in architecture.blocks:
        for node in layer.nodes:
            if node.zoom == block_id and node.role in MIXER_ROLES:
                return node.role
    return "other"


def _block_evidence(architecture: Architecture, block_id: str | None) -> list[Evidence]:
    block = architecture.block(block_id or "")
    return list(block.evidence[:1]) if block else []


def _partial_rope(architecture: Architecture) -> Iterator[Departure]:
    fact = architecture.fact("rope_dimensions")
    width = next((int(word) for word in (fact.unit or "").split() if word.isdecimal()), None) if fact else None
    if fact is None or width is None:
        return
    values = fact.value if isinstance(fact.value, dict) else {"": fact.value}
    part = {kind: value for kind, value in values.items() if isinstance(value, int) and value < width}
    if part:
        words = ", ".join(dict.fromkeys(str(value) for value in part.values()))
        yield Departure(
            "rope_dimensions", "Partial RoPE", f"{words} of {width} channels of a head are rotated", "the rest carries content without position",
            fact.status, tuple(fact.evidence[:2]),
        )  # fmt: skip


def _normalised_embeddings(architecture: Architecture) -> Iterator[Departure]:
    """A norm between the table of tokens and the first layer, or one in the module of the table."""
    for tower in architecture.towers[:1]:
        table = None
        for item in tower.column:
            node = item.node
            if node is None or (node.role == "norm" and table is not None):
                if node is not None and table is not None:
                    yield _normalised(node.label, tuple(node.evidence[:2]))
                break
            if node.role == "embedding" and not item.beside:
                table = node
                module = find_module(architecture.modules, f"{tower.module}.{node.module}".lstrip("."))
                inner = next((each for each in module.children if each.role == "norm"), None) if module else None
                if inner is not None:
                    yield _normalised(inner.name, (Evidence(kind="code", where=inner.at),) if inner.at else ())
                    break


def _normalised(name: str, evidence: tuple[Evidence, ...]) -> Departure:
    text = f"embeddings are normalised before the first layer ({name})"
    return Departure("embedding_norm", "Normalised embeddings", text, "", "verified", evidence, True)


def _beside(architecture: Architecture) -> Iterator[Departure]:
    """Tables that are looked up beside the stream and read in the layers."""
    for tower in architecture.towers[:1]:
        for item in tower.column:
            if item.beside and item.node is not None and item.node.role == "embedding" and item.node.parameters:
                yield Departure(
                    "embeddings", "Per-layer embeddings",
                    f"layers read a table of their own beside the stream, looked up by the token: {item.node.parameters:,} parameters",
                    "parameters that cost a lookup and no product",
                    "verified", tuple(item.node.evidence[:2]),
                )  # fmt: skip


def _shared_parts(architecture: Architecture) -> Iterator[Departure]:
    """Parts of layers whose tensors are those of an earlier layer (Zamba's attention): by the names that are tied."""
    for stack in main_stacks(architecture):
        users: dict[tuple[str, int], list[int]] = {}
        for names in architecture.parameters.tied.items():
            places = [_place(name, stack) for name in names]
            user, owner = places
            if user is not None and owner is not None and user[1] == owner[1] and user[0] != owner[0]:
                users.setdefault((owner[1], owner[0]), []).append(user[0])
        for (part, owner_index), layers in users.items():
            distinct = sorted(set(layers))
            words = ", ".join(map(str, distinct))
            evidence = Evidence(
                kind="tensor", where=f"{stack.path}.{distinct[0]}.{part}.* = {stack.path}.{owner_index}.{part}.*"
            )
            yield Departure(
                "shared_parts", "A part shared by several layers",
                f"`{part}` of layer{'s' if len(distinct) > 1 else ''} {words} is that of layer {owner_index}",
                "fewer parameters for the same depth", "verified", (evidence,),
            )  # fmt: skip


def _place(tensor: str, stack: LayerStack) -> tuple[int, str] | None:
    """The layer of a list that holds a tensor, and the part of the layer; None where it is in none."""
    index, _, rest = tensor.removeprefix(f"{stack.path}.").partition(".")
    inside = tensor.startswith(f"{stack.path}.") and index.isdecimal()
    return (int(index), rest.partition(".")[0]) if inside else None


def _towers(architecture: Architecture) -> Iterator[Departure]:
    titles = {tower.id: tower.title.lower() for tower in architecture.towers}
    for tower in architecture.towers[1:]:
        evidence = (Evidence(kind="tensor", where=f"{tower.module}.*"),) if tower.module else ()
        yield Departure(
            "towers",
            tower.title,
            f"{tower.parameters:,} parameters" + (f", feeds the {titles[tower.feeds]}" if tower.feeds else ""),
            "",
            "verified",
            evidence,
        )
