"""Facts whose values a plain decoder does not have: one rule for each, in the order of a layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from archviz.architecture.attention_facts import USUAL_SCALE
from archviz.architecture.model import Architecture, Fact
from archviz.architecture.words import value_words
from archviz.comparison.departure import Departure, main_stacks
from archviz.records import record


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


def is_set(value: object) -> bool:
    """Whether a value of a fact says that something is there."""
    return value not in (None, False, "none", 0)


def _not(*usual: object) -> Callable[[object], bool]:
    return lambda value: value is not None and value not in usual


_RULES = (
    _Rule("attention_kind", "Multi-head latent attention", lambda v: v == "multi-head latent (MLA)",
          "keys and values are rebuilt from one compressed vector", "the cache keeps only that vector"),
    _Rule("attention_kind", "Multi-query attention", lambda v: v == "multi-query (MQA)", "all query heads share one key and value head",
          "a small cache"),
    _Rule("attention_compression", "Compressed keys and values", is_set, "neighbouring positions are pooled: {}",
          "long contexts cost a fraction in cache and attention"),
    _Rule("indexer_top_k", "Indexer that chooses positions", is_set, "each query attends to the {} best positions that an indexer scores",
          "attention whose cost does not grow with all of the context"),
    _Rule("grouped_output", "Output projection in groups", is_set, "slices of the heads are projected apart: {}", "fewer parameters for wide heads"),
    _Rule("query_rank", "Low-rank queries", is_set, "queries go through a vector of width {}", "fewer parameters in wide layers"),
    _Rule("attention_gate", "Gated attention output", is_set, "{}, before the output projection", "heads can be shut off; no attention sinks needed"),
    _Rule("attention_sinks", "Attention sinks", is_set, "a learned logit per head joins the softmax, so that a head may attend to nothing",
          "stable attention without a first token that takes all"),
    _Rule("sliding_window", "Sliding-window attention", is_set, "a query sees {} tokens", "cache and cost of these layers stop growing with the context"),
    _Rule("attention_chunk", "Chunked attention", is_set, "a query sees its chunk of {} tokens", "cache and cost of these layers stop growing"),
    _Rule("qk_norm", "QK-norm", is_set, "queries and keys are normalised {}", "scores stay in range in training"),
    _Rule("attention_softcap", "Softcapped attention scores", is_set, "scores are squashed to ±{}", "scores stay in range"),
    _Rule("attention_scale", "Attention scale of its own", _not(USUAL_SCALE), "scores are multiplied by {} instead of one over the root of the head's width", "", True),
    _Rule("value_scale", "Scaled values", _not(1, 1.0), "values are multiplied by {}", "", True),
    _Rule("query_temperature", "Tempered queries", is_set, "queries are multiplied by a factor that {}", "scores stay sharp in long contexts"),
    _Rule("projection_bounds", "Clamped projections", is_set, "what queries, keys and values are projected to is clamped: {}", "no outliers in training", True),
    _Rule("cross_attention_layers", "Cross-attention layers", is_set, "{} layers attend to another sequence", "images or a source text enter there"),
    _Rule("rope_layout", "Interleaved RoPE", lambda v: v == "interleaved", "pairs of neighbouring channels are rotated, not halves", "", True),
    _Rule("mrope_section", "Multi-axis RoPE", is_set, "channels are rotated by time, height and width: sections {}", "images and video have places of their own"),
    _Rule("position_encoding", "Positions", _not("RoPE", "M-RoPE"), "{} instead of RoPE"),
    _Rule("rope_scaling", "Scaled RoPE", lambda v: isinstance(v, dict) and v.get("rope_type") not in (None, "default", "proportional"),
          "rotations are rescaled: {}", "a longer context than it was trained on first", True),
    _Rule("experts", "Mixture of experts", is_set, "{} experts", "more parameters at the cost of few"),
    _Rule("zero_experts", "Experts without weights", is_set, "{} further choices hand a token on or give nothing", "easy tokens cost less"),
    _Rule("router_expert_scale", "Scaled experts", is_set, "a factor for each expert: {}", "", True),
    _Rule("shared_expert_hidden_size", "Shared expert", is_set, "an expert of width {} that every token visits", "what all tokens need is learnt once"),
    _Rule("shared_expert_gate", "Gated shared expert", is_set, "a {} gate weighs the shared expert", "", True),
    _Rule("router_score", "Router scores", _not("softmax", "softmax over top-k"), "experts are scored by {}", "scores of experts do not compete"),
    _Rule("router_correction_bias", "Bias in the choice of experts", is_set, "a bias joins the choice of experts and not their weights",
          "experts are balanced without a loss for it"),
    _Rule("router_choice", "Hash routing", lambda v: v == "hash of the token id", "experts are looked up by the token's id", "the choice is fixed and needs no balancing"),
    _Rule("router_groups", "Groups of experts", is_set, "experts are chosen within {}", "fewer devices for a token"),
    _Rule("router_scaling", "Scaled expert weights", _not(1, 1.0), "the weights of the chosen experts are multiplied by {}", "", True),
    _Rule("residual_streams", "Several residual streams", is_set, "{} residual streams are mixed around each branch (hyper-connections)",
          "deep models keep more than one path"),
    _Rule("sinkhorn_iterations", "Doubly stochastic mixing", is_set, "the mixing matrix is balanced by {} Sinkhorn rounds", "the size of the streams is kept", True),
    _Rule("feed_forward", "Feed-forward", _not("SwiGLU"), "{} instead of SwiGLU"),
    _Rule("activation", "Activation", _not("SiLU"), "{} instead of SiLU", "", True),
    _Rule("norm", "Norms", lambda v: isinstance(v, str) and not v.startswith("RMSNorm"), "{} instead of RMSNorm"),
    _Rule("norm_placement", "Placement of norms", _not("pre-norm"), "{}", "training stays stable"),
    _Rule("parallel_block", "Parallel block", is_set, "attention and feed-forward read the same input and are added together", "one wait less on each layer"),
    _Rule("attention_mask", "Attention to both sides", lambda v: v in ("none", "bidirectional", "regions", "windows"), "nothing hides what comes later"),
    _Rule("logit_softcap", "Softcapped logits", is_set, "logits are squashed to ±{}", "", True),
    _Rule("logits_scaling", "Scaled logits", _not(1, 1.0), "logits are divided by {}", "", True),
    _Rule("logit_scale", "Scaled logits", is_set, "logits are multiplied by {}", "", True),
    _Rule("embedding_multiplier", "Scaled embeddings", _not(1, 1.0), "embeddings are multiplied by {}", "", True),
    _Rule("embedding_scale", "Scaled embeddings", is_set, "embeddings are multiplied by {}", "", True),
    _Rule("residual_multiplier", "Scaled branches", _not(1, 1.0), "branches are multiplied by {} before they are added", "", True),
    _Rule("layer_scale", "Scaled layers", is_set, "what a layer gives is multiplied by its {}", "", True),
    _Rule("shared_layers", "Shared layers", is_set, "{}", "fewer parameters for the same depth"),
    _Rule("mtp_layers", "Multi-token prediction", is_set, "layers that predict further tokens: {}", "a denser training signal; drafts for speculative decoding"),
    _Rule("tied_embeddings", "Tied embeddings", lambda v: v is True, "the output head is the embedding's table", "fewer parameters", True),
)  # fmt: skip


def fact_departures(architecture: Architecture) -> Iterator[Departure]:
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
    mixers = [kind.mixer_kind or "" for stack in main_stacks(architecture) for kind in stack.kinds if kind.mixer]
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
