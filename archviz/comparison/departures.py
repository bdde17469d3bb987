"""What sets a model apart from a plain decoder: pre-norm RMSNorm, grouped-query attention with RoPE on whole heads, SwiGLU."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from archviz.architecture.attention_facts import USUAL_SCALE
from archviz.architecture.column_layers import runs_of
from archviz.architecture.model import MIXER_ROLES, Architecture, Evidence, Fact, LayerKind, LayerStack
from archviz.architecture.words import pattern_words, value_words
from archviz.comparison.blocks import find_module
from archviz.records import record
from archviz.spans import Status
from archviz.verify.claims import Claim

_ATTENTION = "attention"


@record(frozen=True)
class Departure:
    """One thing that a plain decoder does not have.

    Args:
        key: The fact that shows it, or `layers`, `towers`.
        name: In the field's words; `text` says it with numbers; `why` is the reason that is usually given for it.
        small: A setting rather than a mechanism.
        kinds: Kinds of mixers or feed-forwards that have it; empty where all do.
    """

    key: str
    name: str
    text: str
    why: str = ""
    status: Status = "verified"
    evidence: tuple[Evidence, ...] = ()
    small: bool = False
    kinds: tuple[str, ...] = ()


@record(frozen=True)
class _Rule:
    """A fact whose value departs.

    Args:
        departs: Whether one value (of one kind of layer) does.
        text: What it does, with `{}` for the value.
    """

    key: str
    name: str
    departs: Callable[[object], bool]
    text: str
    why: str = ""
    small: bool = False


def _set(value: object) -> bool:
    return value not in (None, False, "none", 0)


def _not(*usual: object) -> Callable[[object], bool]:
    return lambda value: value is not None and value not in usual


_RULES = (
    _Rule("attention_kind", "Multi-head latent attention", lambda v: v == "multi-head latent (MLA)",
          "keys and values are rebuilt from one compressed vector", "the cache keeps only that vector"),
    _Rule("attention_kind", "Multi-query attention", lambda v: v == "multi-query (MQA)", "all query heads share one key and value head",
          "a small cache"),
    _Rule("attention_compression", "Compressed keys and values", _set, "neighbouring positions are pooled: {}",
          "long contexts cost a fraction in cache and attention"),
    _Rule("indexer_top_k", "Indexer that chooses positions", _set, "each query attends to the {} best positions that an indexer scores",
          "attention whose cost does not grow with all of the context"),
    _Rule("grouped_output", "Output projection in groups", _set, "slices of the heads are projected apart: {}", "fewer parameters for wide heads"),
    _Rule("query_rank", "Low-rank queries", _set, "queries go through a vector of width {}", "fewer parameters in wide layers"),
    _Rule("attention_gate", "Gated attention output", _set, "{}, before the output projection", "heads can be shut off; no attention sinks needed"),
    _Rule("attention_sinks", "Attention sinks", _set, "a learned logit per head joins the softmax, so that a head may attend to nothing",
          "stable attention without a first token that takes all"),
    _Rule("sliding_window", "Sliding-window attention", _set, "a query sees {} tokens", "cache and cost of these layers stop growing with the context"),
    _Rule("attention_chunk", "Chunked attention", _set, "a query sees its chunk of {} tokens", "cache and cost of these layers stop growing"),
    _Rule("qk_norm", "QK-norm", _set, "queries and keys are normalised {}", "scores stay in range in training"),
    _Rule("attention_softcap", "Softcapped attention scores", _set, "scores are squashed to ±{}", "scores stay in range"),
    _Rule("attention_scale", "Attention scale of its own", _not(USUAL_SCALE), "scores are multiplied by {} instead of one over the root of the head's width", "", True),
    _Rule("value_scale", "Scaled values", _not(1, 1.0), "values are multiplied by {}", "", True),
    _Rule("query_temperature", "Tempered queries", _set, "queries are multiplied by a factor that {}", "scores stay sharp in long contexts"),
    _Rule("projection_bounds", "Clamped projections", _set, "what queries, keys and values are projected to is clamped: {}", "no outliers in training", True),
    _Rule("cross_attention_layers", "Cross-attention layers", _set, "{} layers attend to another sequence", "images or a source text enter there"),
    _Rule("rope_layout", "Interleaved RoPE", lambda v: v == "interleaved", "pairs of neighbouring channels are rotated, not halves", "", True),
    _Rule("mrope_section", "Multi-axis RoPE", _set, "channels are rotated by time, height and width: sections {}", "images and video have places of their own"),
    _Rule("position_encoding", "Positions", _not("RoPE", "M-RoPE"), "{} instead of RoPE"),
    _Rule("rope_scaling", "Scaled RoPE", lambda v: isinstance(v, dict) and v.get("rope_type") not in (None, "default", "proportional"),
          "rotations are rescaled: {}", "a longer context than it was trained on first", True),
    _Rule("experts", "Mixture of experts", _set, "{} experts", "more parameters at the cost of few"),
    _Rule("zero_experts", "Experts without weights", _set, "{} further choices hand a token on or give nothing", "easy tokens cost less"),
    _Rule("router_expert_scale", "Scaled experts", _set, "a factor for each expert: {}", "", True),
    _Rule("shared_expert_hidden_size", "Shared expert", _set, "an expert of width {} that every token visits", "what all tokens need is learnt once"),
    _Rule("shared_expert_gate", "Gated shared expert", _set, "a {} gate weighs the shared expert", "", True),
    _Rule("router_score", "Router scores", _not("softmax", "softmax over top-k"), "experts are scored by {}", "scores of experts do not compete"),
    _Rule("router_correction_bias", "Bias in the choice of experts", _set, "a bias joins the choice of experts and not their weights",
          "experts are balanced without a loss for it"),
    _Rule("router_choice", "Hash routing", lambda v: v == "hash of the token id", "experts are looked up by the token's id", "the choice is fixed and needs no balancing"),
    _Rule("router_groups", "Groups of experts", _set, "experts are chosen within {}", "fewer devices for a token"),
    _Rule("router_scaling", "Scaled expert weights", _not(1, 1.0), "the weights of the chosen experts are multiplied by {}", "", True),
    _Rule("residual_streams", "Several residual streams", _set, "{} residual streams are mixed around each branch (hyper-connections)",
          "deep models keep more than one path"),
    _Rule("sinkhorn_iterations", "Doubly stochastic mixing", _set, "the mixing matrix is balanced by {} Sinkhorn rounds", "the size of the streams is kept", True),
    _Rule("feed_forward", "Feed-forward", _not("SwiGLU"), "{} instead of SwiGLU"),
    _Rule("activation", "Activation", _not("SiLU"), "{} instead of SiLU", "", True),
    _Rule("norm", "Norms", lambda v: isinstance(v, str) and not v.startswith("RMSNorm"), "{} instead of RMSNorm"),
    _Rule("norm_placement", "Placement of norms", _not("pre-norm"), "{}", "training stays stable"),
    _Rule("parallel_block", "Parallel block", _set, "attention and feed-forward read the same input and are added together", "one wait less on each layer"),
    _Rule("attention_mask", "Attention to both sides", lambda v: v in ("none", "bidirectional", "regions", "windows"), "nothing hides what comes later"),
    _Rule("logit_softcap", "Softcapped logits", _set, "logits are squashed to ±{}", "", True),
    _Rule("logits_scaling", "Scaled logits", _not(1, 1.0), "logits are divided by {}", "", True),
    _Rule("logit_scale", "Scaled logits", _set, "logits are multiplied by {}", "", True),
    _Rule("embedding_multiplier", "Scaled embeddings", _not(1, 1.0), "embeddings are multiplied by {}", "", True),
    _Rule("embedding_scale", "Scaled embeddings", _set, "embeddings are multiplied by {}", "", True),
    _Rule("residual_multiplier", "Scaled branches", _not(1, 1.0), "branches are multiplied by {} before they are added", "", True),
    _Rule("layer_scale", "Scaled layers", _set, "what a layer gives is multiplied by its {}", "", True),
    _Rule("shared_layers", "Shared layers", _set, "{}", "fewer parameters for the same depth"),
    _Rule("mtp_layers", "Multi-token prediction", _set, "layers that predict further tokens: {}", "a denser training signal; drafts for speculative decoding"),
    _Rule("tied_embeddings", "Tied embeddings", lambda v: v is True, "the output head is the embedding's table", "fewer parameters", True),
)  # fmt: skip


def departures(architecture: Architecture) -> list[Departure]:
    """What a plain decoder does not have, mechanisms first: mixers, what facts say in the order of a layer, partial rotations, further tables,
    towers.
    """
    found = [
        *_mixers(architecture), *_from_facts(architecture), *_partial_rope(architecture), *_normalised_embeddings(architecture), *_beside(architecture), *_shared_parts(architecture), *_towers(architecture),
    ]  # fmt: skip
    return sorted(found, key=lambda each: each.small)


def claimed_departures(claims: Sequence[Claim]) -> list[Departure]:
    """What claims say that no fact does: shared keys and values, rotations that are taken back, clamped experts, branches times learned numbers."""
    return [*_keys_elsewhere(claims), *_claimed(claims), *_gated_branches(claims)]


_CLAIMED = (
    ("attention.values_from", "Keys that are values too", "values are made of what projects the keys: {}", "one projection and one cached vector less", False),
    ("rope.inverse", "Rotation taken back", "the rotation is undone on what attention gives: {}", "values that are also keys carry no position on", False),
    ("moe.clamp", "Clamped activation", "what enters the product of an expert is clamped: {}", "no outliers in low precision", True),
)  # fmt: skip


def _claimed(claims: Sequence[Claim]) -> Iterator[Departure]:
    for key, name, text, why, small in _CLAIMED:
        found = [claim for claim in claims if claim.key == key and claim.status != "unverified"]
        if found:
            values = ", ".join(dict.fromkeys(value_words(claim.value) for claim in found))
            words = text.format(values) + (_share(found, claims) if key.startswith("attention.") else "")
            yield Departure(key, name, words, why, found[0].status, tuple(found[0].evidence[:3]), small)


def _share(found: Sequence[Claim], claims: Sequence[Claim]) -> str:
    """In how many of the layers with an attention, where not in all."""
    having = {(claim.stack, index) for claim in found for index in claim.indices}
    stacks = {claim.stack for claim in found}
    layers = {
        (claim.stack, index) for claim in claims if claim.key == "attention.kind" and claim.stack in stacks
        for index in claim.indices
    }  # fmt: skip
    return f"; in {len(having)} of {len(layers)} layers" if len(having) < len(layers) else ""


def _keys_elsewhere(claims: Sequence[Claim]) -> Iterator[Departure]:
    """Layers that attend with the keys and values of another layer."""
    found = [claim for claim in claims if claim.key == "attention.keys_from"]
    if found:
        count = len({(claim.stack, index) for claim in found for index in claim.indices})
        whose = ", ".join(dict.fromkeys(str(claim.value) for claim in found))
        yield Departure(
            "attention.keys_from", "Keys and values shared across layers",
            f"{count} layers project no keys and values and attend with those of {whose}", "fewer layers keep a cache", found[0].status,
            tuple(item for claim in found for item in claim.evidence)[:3],
        )  # fmt: skip


_LEARNED = (
    ("residual.scale", "Gated branches", "what a branch gives is multiplied by a learned number before it is added, in {}",
     "a branch that is added to a trained model can begin as none"),
    ("residual.skip_scale", "Weighted residuals", "what a branch is added to is multiplied by learned numbers first, in {}",
     "each layer sets how much of the stream goes on"),
)  # fmt: skip


def _gated_branches(claims: Sequence[Claim]) -> Iterator[Departure]:
    """Branches, or what they are added to, that are multiplied by learned numbers."""
    for key, name, text, why in _LEARNED:
        found = [
            claim for claim in claims
            if claim.key == key and isinstance(claim.value, list | tuple) and "learned" in claim.value
        ]  # fmt: skip
        if found:
            scopes = ", ".join(dict.fromkeys(claim.scope for claim in found if claim.scope))
            evidence = tuple(item for claim in found for item in claim.evidence)[:3]
            yield Departure(key, name, text.format(scopes or "all layers"), why, found[0].status, evidence)


def _from_facts(architecture: Architecture) -> Iterator[Departure]:
    for rule in _RULES:
        fact = architecture.fact(rule.key)
        if fact is None or fact.status == "unverified":
            continue
        values = fact.value if isinstance(fact.value, dict) and rule.key != "rope_scaling" else {"": fact.value}
        if rule.key == "rope_scaling":
            values = _by_kind(fact)
        two_sided = rule.key == "attention_mask" and _looks_both_ways(architecture)
        hits = {
            kind: value for kind, value in values.items() if rule.departs(value) or (two_sided and value == "sliding")
        }
        if hits:
            whole = len(hits) == len(values)
            yield Departure(
                rule.key,
                rule.name,
                _text(rule, hits, whole, architecture, fact),
                _why(rule, architecture),
                fact.status,
                tuple(fact.evidence[:3]),
                rule.small,
                _viewing(rule.key, architecture) if whole else tuple(hits),
            )


def _looks_both_ways(architecture: Architecture) -> bool:
    """Whether windows reach to each side, as those of encoders do."""
    window = architecture.fact("sliding_window")
    return window is not None and "side" in (window.unit or "")


def _why(rule: _Rule, architecture: Architecture) -> str:
    if rule.key == "sliding_window" and _looks_both_ways(architecture):
        return "cost of these layers stops growing with the context"  # nothing is kept for later tokens
    return rule.why


_VIEW_WORDS = {"sliding_window": "sliding", "attention_chunk": "chunked"}


def _viewing(key: str, architecture: Architecture) -> tuple[str, ...]:
    """The kinds of attention that see a part of the context, where a fact has one value and other kinds see all."""
    word = _VIEW_WORDS.get(key)
    mixers = [kind.mixer_kind or "" for stack in _main_stacks(architecture) for kind in stack.kinds if kind.mixer]
    found = tuple(dict.fromkeys(each for each in mixers if word and word in each))
    return found if len(found) < len(set(mixers)) else ()


def _by_kind(fact: Fact) -> dict[str, object]:
    """The values of a fact whose value may itself be an object."""
    inner = fact.value if isinstance(fact.value, dict) else {}
    by_kind = inner and all(isinstance(value, dict) or value == "none" for value in inner.values())
    return inner if by_kind else {"": fact.value}


def _text(rule: _Rule, hits: dict[str, object], whole: bool, architecture: Architecture, fact: Fact) -> str:
    distinct = list(dict.fromkeys(value_words(value) for value in hits.values()))
    words = rule.text.format(
        distinct[0] if len(distinct) == 1 else ", ".join(f"{value_words(v)} ({_kind(k)})" for k, v in hits.items())
    )
    if rule.key == "sliding_window":
        words += " to each side" if "side" in (fact.unit or "") else ""
    if rule.key == "experts":
        words += _chosen(architecture)
    if rule.key == "mtp_layers":
        words += f" ({fact.unit})" if fact.unit else ""
    return words if whole or len(distinct) > 1 else f"{words}; in {', '.join(map(_kind, hits))} layers"


def _kind(word: str) -> str:
    return word.replace("_", " ")


def _chosen(architecture: Architecture) -> str:
    fact, parameters = architecture.fact("experts_per_token"), architecture.parameters
    words = f", {value_words(fact.value)} of them for each token" if fact else ""
    if parameters.active is not None and parameters.total:
        words += f": {parameters.active / parameters.total:.1%} of the parameters are active"
    return words


def _main_stacks(architecture: Architecture) -> list[LayerStack]:
    """The lists of layers of the first tower."""
    for tower in architecture.towers[:1]:
        return runs_of(architecture, tower)
    return architecture.layers[:1]


def _mixers(architecture: Architecture) -> Iterator[Departure]:
    """Layers that mix positions by something else than attention, and how kinds of layers alternate."""
    for stack in _main_stacks(architecture):
        other = [
            kind
            for kind in stack.kinds
            if kind.mixer and mixer_role(architecture, kind.mixer) not in ("attention", "other")
        ]
        if other:
            evidence = tuple(item for kind in other for item in _block_evidence(architecture, kind.mixer))[:3]
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


def _mixer_names(kinds: Sequence[LayerKind]) -> str:
    return ", ".join(dict.fromkeys(kind.title.partition(" + ")[0] for kind in kinds))


def _mixed_by(stack: LayerStack, other: Sequence[LayerKind]) -> tuple[str, str]:
    """How many layers mix positions by something else than attention, how many of them by both; and the usual reason."""
    count = sum(kind.count for kind in other)
    share = f"{count} of {stack.count} layers" if count < stack.count else f"all {count} layers"
    words = f"{share} mix positions by {_mixer_names(other)}"
    both = sum(kind.count for kind in other if _ATTENTION in (kind.mixer_kind or "").partition("+")[2])
    if both:
        words += f", {'all' if both == count else both} of them by attention too"
    why = "a state of constant size instead of a cache that grows with the context"
    if both == count:
        why = "a state of constant size for what is long ago, beside attention that finds single tokens"
    elif both:
        why = f"a state of constant size; only {both} layers keep a cache that grows with the context as well"
    return f"{words}: {pattern_words(stack)}", why


_VIEWS = ("sliding_window", "attention_chunk", "attention_compression", "indexer_top_k")


def _views_differ(architecture: Architecture) -> bool:
    """Whether some layers of attention see less than others: a window, a chunk, compressed or chosen positions."""
    facts = [fact for key in _VIEWS if (fact := architecture.fact(key)) is not None and _set(fact.value)]
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
    for stack in _main_stacks(architecture):
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
