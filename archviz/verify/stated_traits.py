"""Traits that a figure states beside counts and kinds: ranks, scores of routers, fractions, what attention has or has not, totals."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from archviz.architecture.model import Architecture, Evidence, ModuleNode
from archviz.late_patterns import late_pattern
from archviz.patterns.op_families import activation_of
from archviz.verify.claims import Claim
from archviz.verify.known import Known
from archviz.verify.statements import Statement
from archviz.verify.words_of_kind import Number, numbers_of

_N = r"(?<![\d.,])(?P<n>\d{1,3}(?:[,_]\d{3})+|\d+(?:\.\d+)?(?:e-?\d+)?)(?![\d,]*\d)"
_SEP = r"(?:\s*[:=≈~]\s*|\s+(?:of\s+|is\s+)?)"
_ARROW = r"\s*(?:→|->|=>)\s*"
_UNIT = r"(?<![\d.])(?P<n>\d+(?:\.\d+)?)\s?[MBT]"

_CORRECTION = r"(?:(?:score |expert )?correction bias|bias correction)"

NUMBERS: tuple[tuple[str, str], ...] = (
    ("query_rank", rf"\bq(?:uery)?[-_ ](?:LoRA |low-rank |latent )?rank{_SEP}{_N}"),
    ("kv_rank", rf"\b(?:kv|key[-/ ]value)[-_ ](?:LoRA |low-rank |latent )?rank{_SEP}{_N}"),
    ("value_head_dim", rf"\b(?:value|v)[-_ ](?:head[-_ ])?dim(?:ension)?{_SEP}{_N}"),
    ("mtp_layers", rf"{_N}\s+(?:MTP|multi-token[- ]prediction)\s+(?:layers?|modules?|heads?)\b"),
    ("expert_groups", rf"{_N}\s+expert groups\b"),
    ("routed_scale", rf"\b(?:routed|routing|router) scal(?:ing|e)(?: factor)?{_SEP}{_N}"),
    ("norm_eps", rf"\b(?:eps|epsilon|ε){_SEP}{_N}"),
    ("shared_count", rf"{_N}\s+shared experts?\b"),
    ("rope_factor", rf"\b(?:YaRN|RoPE|rotary)(?: scaling)? factor{_SEP}{_N}"),
    ("softcap", rf"\bsoft-?cap(?:ped)?(?: at)?{_SEP}{_N}"),
    ("attention_scale", rf"\b(?:attention|softmax|score) scal(?:e|ing){_SEP}{_N}"),
    ("total", rf"{_UNIT}\s+(?:parameters? )?(?:in )?total\b"),
    ("total", rf"\btotal(?: parameters?)?{_SEP}{_UNIT}(?![A-Za-z])"),
    ("active", rf"{_UNIT}\s+activ(?:e|ated)\b"),
    ("active", rf"\bactiv(?:e|ated)(?: parameters?)?{_SEP}{_UNIT}(?![A-Za-z])"),
    ("inner_width", rf"(?P<o>\d[\d,_]*){_ARROW}{_N}{_ARROW}(?P=o)(?![\d,_]*\d)"),
)
WORDS: tuple[tuple[str, str, str], ...] = (
    ("router_score", r"\bsigmoid(?:[- ]\w+)? (?:rout(?:er|ing)|scores?)\b|\brouter:? sigmoid\b", "sigmoid"),
    ("router_score", r"\bsoftmax(?:[- ]\w+)? rout(?:er|ing)\b|\brouter:? softmax\b", "softmax"),
    ("has_sinks", r"\b(?:no|without) (?:attention )?sinks?\b", "False"),
    ("has_sinks", r"(?<!no )(?<!without )\battention sinks?\b", "True"),
    ("has_qk_norm", r"\b(?:no|without) QK[- ]?norm", "False"),
    ("has_qk_norm", r"(?<!no )(?<!without )\bQK[- ]?norm", "True"),
    ("has_gate", r"\b(?:no|without)(?: an?)? (?:output|attention) gate\b", "False"),
    ("has_gate", r"(?<!no )(?<!without )(?<!without an )\b(?:output|attention) gate\b", "True"),
    ("hash_routing", r"\bhash[- ]rout(?:ing|ed)\b", "hash"),
    ("group_limit", r"\b\d+ of \d+ (?:expert )?groups\b", ""),
    ("router_normalised", r"\b(?:not |un)normali[sz]ed\b", "False"),
    ("has_correction_bias", rf"\b(?:no|without)(?: an?)? {_CORRECTION}\b", "False"),
    ("has_correction_bias", rf"(?<!no )(?<!without )(?<!without a )\b{_CORRECTION}\b", "True"),
    ("activation", r"\b(?:quick)?GELU\b(?! MLP)|\b(?:SiLU|swish)\b(?! MLP)|\bReLU(?:²|2\b|\b(?!²))(?! MLP)", ""),
)
_HAVING = {"has_sinks": "attention.sinks", "has_qk_norm": "attention.qk_norm", "has_gate": "attention.gate"}
_ABOUT = {
    "router_normalised": late_pattern(r"expert|rout(?:er|ing)|\bMoE\b", re.IGNORECASE),
    "activation": late_pattern(
        r"^(?!.*(?:attention|delta|mamba|conv|rout|←)).*(?:expert|\bMoE\b|\bMLP\b|GLU\b|feed-forward|\bFFN\b)",
        re.IGNORECASE,
    ),
}
"""What is told of these only where the words beside it speak of such a part."""
_CLAIMS = {
    "query_rank": ("attention.query_rank",), "kv_rank": ("attention.kv_rank",), "mtp_layers": ("mtp.layers",),
    "routed_scale": ("moe.scaling",), "softcap": ("attention.softcap", "logits.softcap"),
    "attention_scale": ("attention.scale",), "router_score": ("moe.score",), "group_limit": ("moe.group_limit",),
    "inner_width": ("feed_forward.hidden_size", "moe.expert_hidden_size", "moe.shared_expert"), "norm_eps": ("norm.eps",),
    "activation": ("feed_forward.activation", "moe.activation"),
}  # fmt: skip
_EPS = ("eps", "variance_epsilon", "epsilon", "norm_eps", "layer_norm_eps")
_GROUPS = late_pattern(r"of (\d+) groups")
Rule = Callable[[Known, Architecture, Sequence[Claim]], None]
TRAITS = frozenset({key for key, _ in NUMBERS} | {key for key, *_ in WORDS})


def read_traits(line: str, around: str = "") -> Iterator[Statement]:
    """What a line states of these traits, each number once; `around` are the words beside it, which say whether experts are meant."""
    taken: list[tuple[int, int]] = []
    rounded = {each.start: each for each in numbers_of(line)}
    for key, pattern in NUMBERS:
        for found in re.finditer(pattern, line, re.IGNORECASE):
            start, end = found.span("n")
            if start in rounded and not any(start < stop and begin < end for begin, stop in taken):
                taken.append((start, end))
                yield Statement(key, _stated(rounded[start]), found[0].strip(), start=found.start(), end=found.end())
    for key, pattern, word in WORDS:
        named = re.search(pattern, line, re.IGNORECASE)
        about = _ABOUT.get(key)
        if named is not None and (about is None or about.search(f"{around} {line}")):
            said = word or activation_of(named[0]) or named[0].replace("expert ", "")
            yield Statement(key, said, named[0].strip(), start=named.start(), end=named.end())


def _stated(number: Number) -> int | Number:
    """A count as it is; a fraction with half the unit of its last digit for room."""
    if number.room or number.value == int(number.value):
        return number if number.room else int(number.value)
    digits, _, power = number.text.lower().partition("e")
    unit = 10.0 ** (int(power or 0) - len(digits.partition(".")[2]))
    return Number(number.text, number.value, 0.5 * unit, number.start, number.end)


def known_trait(key: str, architecture: Architecture, claims: Sequence[Claim]) -> Known:
    """What the model has of a trait: all values that occur; `none` where it is seen that it has none."""
    known = Known()
    for claim in claims:
        if claim.key in _CLAIMS.get(key, ()) and claim.status != "unverified":
            known.add(claim.value, claim.evidence)
    rule = _RULES.get(key)
    if rule is not None:
        rule(known, architecture, claims)
    return known


def _add(known: Known, claims: Sequence[Claim]) -> None:
    for claim in claims:
        known.add(claim.value, claim.evidence)


def _add_counts(known: Known, values: Sequence[int], architecture: Architecture) -> None:
    at = architecture.modules.at
    for value in values:
        known.add(value, [Evidence(kind="code", where=at)] if at else [])


def active_counts(architecture: Architecture) -> list[int]:
    """The active parameters as they are counted: with the table of embeddings, and without it, of which a token reads one row."""
    active = architecture.parameters.active
    if active is None:
        return []
    sizes = [architecture.fact(key) for key in ("vocabulary_size", "hidden_size")]
    rows, width = [fact.value if fact is not None else None for fact in sizes]
    tied = architecture.parameters.tied
    table = rows * width if isinstance(rows, int) and isinstance(width, int) and not tied else 0
    return [active, active - table] if table else [active]


def _add_value_width(known: Known, _: Architecture, claims: Sequence[Claim]) -> None:
    """The width of values, which is that of keys where nothing else is said."""
    own = [c for c in claims if c.key == "attention.value_head_dim"]
    _add(known, own or [c for c in claims if c.key == "attention.head_dim"])


def _add_groups(known: Known, _: Architecture, claims: Sequence[Claim]) -> None:
    for claim in claims:
        found = _GROUPS.search(str(claim.value)) if claim.key == "moe.group_limit" else None
        if found is not None:
            known.add(int(found[1]), claim.evidence)


def _add_rope_factor(known: Known, _: Architecture, claims: Sequence[Claim]) -> None:
    for claim in claims:
        factor = claim.value.get("factor") if claim.key == "rope.scaling" and isinstance(claim.value, dict) else None
        if isinstance(factor, (int, float)):
            known.add(factor, claim.evidence)


def _add_normalised(known: Known, _: Architecture, claims: Sequence[Claim]) -> None:
    _add(known, [replace(c, value=str(c.value)) for c in claims if c.key == "moe.normalised"])


def _add_correction(known: Known, _: Architecture, claims: Sequence[Claim]) -> None:
    """Whether a router corrects its choice by a bias; nothing where its steps were not followed."""
    _add(known, [replace(c, value="True") for c in claims if c.key == "moe.correction_bias" and c.value])
    if not known.values:
        _add(known, [replace(c, value="False") for c in claims if c.key == "moe.choice" and c.status == "verified"])


def _add_routing(known: Known, _: Architecture, claims: Sequence[Claim]) -> None:
    routed = [c for c in claims if c.key == "moe.routing"]
    _add(known, routed or [replace(c, value="by scores") for c in claims if c.key == "moe.score"])


def _add_shared(known: Known, _: Architecture, claims: Sequence[Claim]) -> None:
    """How many shared experts there are: one module, or as many as its width holds routed ones."""
    widths = {c.value for c in claims if c.key == "moe.expert_hidden_size" and isinstance(c.value, int)}
    for claim in claims:
        if claim.key != "moe.shared_expert" or not isinstance(claim.value, int):
            continue
        known.add(1, claim.evidence)
        for width in widths:
            if width and claim.value % width == 0:
                known.add(claim.value // width, claim.evidence)
    if not known.values:
        _add(known, [replace(c, value=0) for c in claims if c.key == "moe.experts"])


def _add_eps(known: Known, architecture: Architecture, _: Sequence[Claim]) -> None:
    """The constants under the root of all norms."""
    todo: list[ModuleNode] = [architecture.modules]
    while todo:
        node = todo.pop()
        todo += node.children
        for name in _EPS:
            value = node.attributes.get(name)
            if isinstance(value, float):
                known.add(value, [Evidence(kind="code", where=node.at)] if node.at else [])


def _truth_of(claimed: str) -> Rule:
    """Whether any attention has what claims of this key say; nothing where scores were not followed."""

    def add(known: Known, _: Architecture, claims: Sequence[Claim]) -> None:
        having = [c for c in claims if c.key == claimed and c.value != "none" and c.status == "verified"]
        for claim in having:
            known.add("True", claim.evidence)
        if not having:
            for evidence in _followed(claims):
                known.add("False", evidence)

    return add


def _add_uncapped(known: Known, _: Architecture, claims: Sequence[Claim]) -> None:
    """Scores without a cap, where none has one."""
    for evidence in _followed(claims) if not known.values else ():
        known.add("none", evidence)


def no_window(claims: Sequence[Claim]) -> tuple[Evidence, ...]:
    """The places that show that every attention sees all positions; empty where one may not."""
    spans = [c for c in claims if c.key == "attention.span"]
    masks = [c for c in claims if c.key == "attention.mask"]
    whole = spans and all(c.value == "full" and c.status == "verified" for c in spans)
    return masks[0].evidence if whole and masks else ()


def _followed(claims: Sequence[Claim]) -> list[tuple[Evidence, ...]]:
    """The places of the scores, where those of every attention were followed."""
    scores = {c.scope: c for c in claims if c.key == "attention.score_function" and c.status == "verified"}
    kinds = [c for c in claims if c.key == "attention.kind"]
    layers = {(c.stack, i, c.part) for c in kinds for i in c.indices or (0,)}
    seen = {(c.stack, i, c.part) for c in scores.values() for i in c.indices or (0,)}
    return [c.evidence for c in scores.values()] if scores and layers <= seen else []


_RULES: dict[str, Rule] = {
    "total": lambda known, architecture, _: _add_counts(known, [architecture.parameters.total], architecture),
    "active": lambda known, architecture, _: _add_counts(known, active_counts(architecture), architecture),
    "value_head_dim": _add_value_width,
    "expert_groups": _add_groups,
    "norm_eps": _add_eps,
    "shared_count": _add_shared,
    "rope_factor": _add_rope_factor,
    "router_normalised": _add_normalised,
    "has_correction_bias": _add_correction,
    "hash_routing": _add_routing,
    "softcap": _add_uncapped,
    **{key: _truth_of(claimed) for key, claimed in _HAVING.items()},
}
"""What a trait is beside the claims of its name (`_CLAIMS`)."""
