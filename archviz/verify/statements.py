"""What a piece of text states about a model: numbers with their nouns, and the field's words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from archviz.late_patterns import late_pattern
from archviz.verify.words_of_kind import numbers_of

_N = r"(?<![\d.])(\d{1,3}(?:[,_]\d{3})+|\d+)"
_SMALL = r"(?<![\d.,])(\d{1,4})(?![\d,])"
_SEP = r"(?:\s*[:=≈~]\s*|\s+(?:size\s+|of\s+|is\s+)?)"

NUMBERS: tuple[tuple[str, str], ...] = (
    ("layers", rf"{_N}\s+(?:\w+[- ]){{0,2}}?(?:layers|blocks)\b"),
    ("layers", rf"^(?:number of )?layers{_SEP}{_N}\s*$"),
    ("layers", rf"\brepeated\s+{_N}\s+times\b"),
    ("layers", rf"^\d+(?:st|nd|rd|th)\s+of\s+{_N}(?=\s*:)"),
    ("key_heads", rf"\bQK\s+heads?{_SEP}{_N}"),
    ("value_heads", rf"(?<!K)\bV\s+heads?{_SEP}{_N}"),
    ("kv_heads", rf"{_N}\s+(?:KV|key[-/ ]value)(?:\s+heads?)?\b"),
    ("kv_heads", rf"\b(?:KV|key[-/ ]value)\s+heads?{_SEP}{_N}"),
    ("heads", rf"{_N}\s+(?:Q|query|attention)\s+heads?\b"),
    ("heads", rf"{_N}\s+(?:Q\s*/|query,)"),
    ("heads", rf"(?<!KV )(?<!QK )(?<!V )(?<!value )\b(?:Q\s+|query\s+|attention\s+)?heads{_SEP}{_N}"),
    ("heads", rf"{_N}\s+heads\b"),
    ("head_dim", rf"\b(?:head[_ ]dim(?:ension)?|dim(?:ension)?\s+per\s+head){_SEP}{_N}"),
    ("head_dim", rf"heads?\b[^.\n]*?,\s*dim(?:ension)?{_SEP}{_N}"),
    ("experts", rf"{_N}\s+(?:routed\b(?:\s+experts)?|experts\b)"),
    ("experts", rf"^(?:routed |number of )?experts{_SEP}{_N}\s*$"),
    ("experts", rf"\b\d+\s+of\s+{_N}\s*(?:routed|experts|\+ shared)"),
    ("experts", rf"experts:\s*\d+\s+of\s+{_N}"),
    ("indexer_top_k", rf"\bindexer[,:]?\s+top[- ]?k?[\s:=]*{_N}"),
    ("pooled", rf"{_N}\s+positions\s+(?:→\s*1|into one)\b"),
    ("streams", rf"{_N}\s+(?:residual\s+)?streams\b"),
    ("streams", rf"\bresidual streams{_SEP}{_N}"),
    ("sinkhorn", rf"{_N}\s+Sinkhorn iterations\b"),
    ("sinkhorn", rf"\bSinkhorn iterations{_SEP}{_N}"),
    ("top_k", rf"\btop[- ]?k?[\s:=]*{_N}\b"),
    ("top_k", rf"{_SMALL}\s+(?:experts\s+)?(?:per token|active experts)\b"),
    ("top_k", rf"\b{_SMALL}\s+of\s+\d+\s*(?:routed|experts|\+ shared)"),
    ("top_k", rf"experts:\s*{_SMALL}\s+of\s+\d+"),
    ("expert_intermediate", rf"\bexpert (?:intermediate|hidden|width|dim)(?: size)?{_SEP}{_N}"),
    ("vocab", rf"\bvocab(?:ulary)?(?: size)?{_SEP}{_N}"),
    ("hidden", rf"\b(?:hidden(?: size| dim)?|d_model|model width|width){_SEP}{_N}"),
    ("intermediate", rf"(?<!expert )\b(?:intermediate|feed-forward|FFN)(?: size| hidden size| dim)?{_SEP}{_N}"),
    ("context", rf"\bcontext(?: length| window)?{_SEP}{_N}"),
    ("window", rf"(?<!context )\b(?:sliding[- ])?window{_SEP}{_N}"),
    ("rope_theta", rf"(?:θ|\btheta\b|\brope base\b){_SEP}{_N}"),
)
"""Order matters: what an earlier pattern has read, a later one does not read again."""
ROUNDED: tuple[tuple[str, str], ...] = tuple(
    (key, rf"{words}{_SEP}(\d+(?:\.\d+)?)\s?[KMBT]\b")
    for key, words in (
        ("vocab", r"\bvocab(?:ulary)?(?: size)?"), ("context", r"\bcontext(?: length| window)?"),
        ("window", r"(?<!context )\b(?:sliding[- ])?window"), ("rope_theta", r"(?:θ|\btheta\b|\brope base\b)"),
    )
)  # fmt: skip
"""Numbers with a unit, which may have decimals."""

WORDS: tuple[tuple[str, str, str], ...] = (
    ("attention_kind", r"\bMLA\b|multi-head latent attention", "MLA"),
    ("attention_kind", r"\bGQA\b|grouped[- ]query", "GQA"),
    ("attention_kind", r"\bMQA\b|multi[- ]query attention", "MQA"),
    ("attention_kind", r"\bMHA\b|multi-head attention", "MHA"),
    ("norm", r"RMSNorm", "RMSNorm"),
    # What stands in brackets is what the code calls it.
    ("norm", r"(?<!RMS)(?<![.(])Layer ?Norm\b", "LayerNorm"),
    ("feed_forward", r"SwiGLU", "SwiGLU"),
    ("feed_forward", r"GeGLU", "GeGLU"),
    ("feed_forward", r"ReGLU", "ReGLU"),
    ("feed_forward", r"\b(?:GELU|ReLU|SiLU|ReLU²|Gated|gated) MLP\b", ""),
    ("norm_placement", r"\bsandwich[- ]norm", "sandwich"),
    ("norm_placement", r"\bpre-norm", "pre-norm"),
    ("norm_placement", r"\bpost-norm", "post-norm"),
    ("residual", r"\bparallel (?:residuals?|(?:transformer |decoder )?blocks?)\b", "parallel"),
    ("residual", r"\bsequential (?:residuals?|(?:transformer |decoder )?blocks?)\b", "sequential"),
    ("rope_layout", r"\bhalf[- ]split|rotate_half", "half_split"),
    ("rope_layout", r"\binterleaved\b(?!\s+(?:M-?RoPE|MoE|layers|attention))", "interleaved"),
    ("positions", r"\bALiBi\b", "ALiBi"),
    ("shared_expert", r"(?<!with )\b(?:no|without(?: a)?) shared expert", "False"),
    ("shared_expert", r"(?<!no )(?<!without )(?<!without a )\bshared expert", "True"),
    ("tied", r"\b(?:not tied|untied)\b", "False"),
    ("tied", r"(?<!not )\btied (?:weights|embeddings|to(?! [\w.]+\.\w))\b", "True"),
)
_ANY_CASE = ("rope_layout", "norm_placement", "residual", "attention_kind", "shared_expert", "tied")
PARTS = late_pattern(rf"\b(first|last)\s+{_N}\s+of\s+{_N}", re.IGNORECASE)
_SUM = rf"\(\s*{_N}(?:\s*\+\s*{_N})*\s*\)"
_TERM = rf"{_N}(?:\s*×\s*(?:{_N}|{_SUM}))*"
_WIDTH = rf"{_TERM}(?:\s*\+\s*{_TERM})*"
PROJECTION = late_pattern(
    rf"^\s*(\w+):?\s+(?P<inner>{_WIDTH})\s*(?:→|->|=>)\s*(?P<outer>{_WIDTH})(?!\s*(?:→|->|=>))", re.MULTILINE
)
TABLE = late_pattern(rf"^\s*{_N}\s*×\s*{_N}\s*$")
_TOKENS_TABLE = late_pattern(rf"^\s*{_N}\s*(?:×|→|->|=>)\s*{_N}\s*$")
HEAD = late_pattern(rf"^\s*{_N}\s*(?:→|->|=>)\s*{_N}")
_TIED_TABLE = late_pattern(r"(?<!not )\btied\s*(?:$|[,;.)]|with\b)", re.IGNORECASE)
_TABLES = late_pattern(r"\b(?:LM|output) head\b|\b(?:token|word) embeddings?\b", re.IGNORECASE)
TIED_TO = late_pattern(r"(?<!not )\btied to (\w+(?:\.\w+)+)")
_GATE = late_pattern(r"\b(?:attention|output|sigmoid) gate\b|\bgate of the (?:attention|output)\b", re.IGNORECASE)
_OWN_LINEAR = late_pattern(r"\b(?:own|separate) (?:Linear|projection)|\bLinear\b", re.IGNORECASE)
_ROTATED = late_pattern(r"rope|rotary|rotat", re.IGNORECASE)

_INDEXER = late_pattern(r"\bindexer\b", re.IGNORECASE)
_ATTENTION = late_pattern(r"attention|\b(?:MLA|GQA|MQA|MHA)\b", re.IGNORECASE)
_OF_INDEXER = ("top_k", "heads")


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing that a text says.

    Args:
        key: What about (`heads`, `norm`, `rope_part`, `projection`).
        value: A number (a `Number` where it is rounded: `128K`), a word, or the widths of a projection (`4096 → 512`).
        quote: The words it was read from.
        subject: The name of the projection.
        line: Number of the line it stands in, from 0; `start`, `end` the place in that line that it accounts for.
    """

    key: str
    value: object
    quote: str
    subject: str = ""
    line: int = 0
    start: int = 0
    end: int = 0


def read_statements(text: str, around: str = "") -> Iterator[Statement]:
    """All statements of a text.

    Args:
        text: What is read.
        around: Words beside it (the stage and block it stands in), which say whether a part is about rotation.
    """
    rotated = bool(_ROTATED.search(f"{around} {text}"))
    for number_of_line, line in enumerate(text.splitlines()):
        for statement in _of_line(line, around, rotated):
            if statement.key in _OF_INDEXER and _of_indexer(around, line[: statement.end]):
                statement = replace(statement, key=f"indexer_{statement.key}")
            yield replace(statement, line=number_of_line)


def _of_indexer(around: str, line: str) -> bool:
    """Whether an indexer is named last before a number, or the block is one and no attention beside it."""
    return bool(_INDEXER.search(line) or (_INDEXER.search(around) and not _ATTENTION.search(f"{around} {line}")))


def _of_line(line: str, around: str, rotated: bool) -> Iterator[Statement]:
    yield from _numbers(line)
    for key, pattern, word in WORDS:
        found = re.search(pattern, line, re.IGNORECASE if key in _ANY_CASE else 0)
        if found and (key != "rope_layout" or rotated):
            yield _statement(key, word or found[0], found)
    if rotated:
        for part in PARTS.finditer(line):
            yield _statement("rope_part", f"{part[1].lower()} {number(part[2])} of {number(part[3])}", part)
    if _GATE.search(f"{around} {line}") and (own := _OWN_LINEAR.search(line)):
        yield _statement("gate_linear", "True", own)
    if _TABLES.search(around) and (bare := _TIED_TABLE.search(line)):
        yield _statement("tied", "True", bare)
    for tied in TIED_TO.finditer(line):
        yield _statement("tied_to", tied[1], tied)
    for projection in PROJECTION.finditer(line):
        widths = f"{width(projection['inner'])} → {width(projection['outer'])}"
        yield _statement("projection", widths, projection, projection[1])
    rows = (
        _TOKENS_TABLE if re.search(r"\b(?:token|word) embeddings?\b(?! projection)", around, re.IGNORECASE) else TABLE
    )
    if re.search(r"embedding", around, re.IGNORECASE) and (table := rows.search(line)):
        yield _statement("table", f"{number(table[1])} × {number(table[2])}", table)
    if re.search(r"\bLM head\b", around) and (head := HEAD.search(line)):
        yield _statement("head", f"{number(head[1])} → {number(head[2])}", head)


def _statement(key: str, value: object, found: re.Match[str], subject: str = "") -> Statement:
    return Statement(key, value, found[0].strip(), subject, start=found.start(), end=found.end())


def _numbers(line: str) -> Iterator[Statement]:
    taken: list[tuple[int, int]] = []
    rounded = {n.start: n for n in numbers_of(line) if n.room}
    for key, pattern in (*NUMBERS, *ROUNDED):
        for found in re.finditer(pattern, line, re.IGNORECASE):
            start, end = found.span(1)
            if any(start < stop and begin < end for begin, stop in taken):
                continue
            if start in rounded:
                taken.append((start, rounded[start].end))
                yield Statement(key, rounded[start], found[0].strip(), start=start, end=rounded[start].end)
            elif not _is_fraction(line, end):
                taken.append((start, end))
                yield Statement(key, number(found[1]), found[0].strip(), start=start, end=end)


def _is_fraction(line: str, end: int) -> bool:
    """`1.5 layers` is no count that can be compared exactly."""
    return bool(re.match(r"\.(?!0+\b)\d|%", line[end:]))


def number(text: str) -> int:
    """A count with separators.

    >>> number("248,320")
    248320
    """
    return int(re.sub(r"[,_]", "", text))


def width(text: str) -> int:
    """A width spelt out as a sum of products.

    >>> width("128 × (128 + 64) + 2 × 8")
    24592
    """
    flat = re.sub(r"\(([^()]*)\)", lambda found: str(width(found[1])), text)
    return sum(product(term) for term in flat.split("+"))


def product(text: str) -> int:
    """The product of counts.

    >>> product("32 × 2 × 256")
    16384
    """
    size = 1
    for factor in text.split("×"):
        size *= number(factor.strip())
    return size
