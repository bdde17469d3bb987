"""Expectations: `params=70e9±2%,layers=80` held against the facts of a model."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from archviz.architecture.model import Architecture, Evidence, Fact
from archviz.errors import UsageError
from archviz.late_patterns import late_pattern
from archviz.spans import Status
from archviz.verify.claims import Check

_KEYS: dict[str, tuple[str, ...]] = {
    "params": ("parameters",),
    "active": ("active_parameters",),
    "layers": ("layers",),
    "encoder_layers": ("encoder_layers",),
    "vision_layers": ("vision_layers",),
    "audio_layers": ("audio_layers",),
    "hidden": ("hidden_size",),
    "intermediate": ("intermediate_size",),
    "heads": ("attention_heads",),
    "kv_heads": ("kv_heads",),
    "head_dim": ("head_dim",),
    "value_head_dim": ("value_head_dim",),
    "query_rank": ("query_rank",),
    "kv_rank": ("kv_rank",),
    "vocab": ("vocabulary_size",),
    "context": ("context_length",),
    "window": ("sliding_window", "attention_chunk"),
    "experts": ("experts",),
    "top_k": ("experts_per_token",),
    "expert_intermediate": ("expert_hidden_size",),
    "rope_theta": ("rope_theta",),
    "rope_dims": ("rope_dimensions",),
    "mtp_layers": ("mtp_layers",),
}
_WORDS = {"attention": "attention_kind", "activation": "activation", "class": "architecture", "type": "model_type"}
"""Expectations whose value is a word, not a number."""

_NONE_WITHOUT = (
    "encoder_layers", "vision_layers", "audio_layers", "query_rank", "kv_rank", "window",
    "experts", "top_k", "expert_intermediate", "mtp_layers", "rope_dims",
)  # fmt: skip
"""Counts and sizes of parts that a model need not have: without the fact they are 0."""
_TOGETHER = {
    "top_k": "experts", "expert_intermediate": "experts", "mtp_layers": "mtp",
    "rope_theta": "rope_dimensions", "rope_dims": "rope_theta",
}  # fmt: skip
"""Expectations about a part that another fact shows to be there: without their own fact the code does not tell them."""

DEFAULT_TOLERANCE = {"params": 0.01, "active": 0.01}
KNOWN = (*_KEYS, *_WORDS)
_SUFFIX = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9, "g": 10**9, "t": 10**12}
_NUMBER = late_pattern(r"([+-]?\d[\d_]*(?:\.\d+)?(?:e[+-]?\d{1,3})?)([kmbgt]?)", re.IGNORECASE)
_TOLERANCE = late_pattern(r"(.*?)(?:±|\+-|\+/-)\s*([\d.]+)\s*(%|[kmbgt]?)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Expectation:
    """One `key=value`: a number with how far it may be off, or a word.

    Args:
        tolerance: Absolute, in the unit of the value.
        binary: What a length in tokens says where its k is 1,024; None where it says one thing.
    """

    key: str
    text: str
    number: float | None
    tolerance: float
    binary: float | None = None

    def allows(self, value: object) -> bool:
        """Whether a value is the expected one, within the tolerance."""
        if self.number is None:
            return _spelt(self.text) in map(_spelt, (str(value), *re.split(r" \(|\)", str(value))))
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        return abs(value - self.number) <= self.tolerance or value == self.binary

    @property
    def plain(self) -> int | float | None:
        """The number, whole where it is."""
        return None if self.number is None else _plain(self.number)


_AT_MOST = (("active", "params"), ("top_k", "experts"), ("kv_heads", "heads"))
"""Expectations of which the first cannot be more than the second."""


def parse_expectations(text: str) -> list[Expectation]:
    """Read `key=value,key=value±tolerance,…`.

    Raises:
        UsageError: A key is not known (the known ones are listed), given twice, or its value is not a number.
    """
    found: dict[str, Expectation] = {}
    for piece in filter(None, (part.strip() for part in text.split(","))):
        key, equals, value = (word.strip() for word in piece.partition("="))
        if not equals or not value:
            raise UsageError(
                f"an expectation is key=value, not {piece[:80]!r}", where="--expect", hint="params=70e9±2%,layers=80"
            )
        if key not in KNOWN:
            raise UsageError(
                f"unknown expectation {key[:60]!r}", where="--expect", hint=f"the known ones: {', '.join(KNOWN)}"
            )
        if key in found:
            raise UsageError(f"{key} is expected twice", where="--expect", hint="keep one of them")
        found[key] = _expectation(key, value)
    if not found:
        raise UsageError("nothing is expected", where="--expect", hint="params=70e9±2%,layers=80")
    _refuse_contradictions(found)
    return list(found.values())


def _refuse_contradictions(found: Mapping[str, Expectation]) -> None:
    """Refuse expectations that no model can meet together."""
    for less, more in _AT_MOST:
        one, other = found.get(less), found.get(more)
        if one is None or other is None or one.number is None or other.number is None:
            continue
        if one.number - one.tolerance > other.number + other.tolerance:
            raise UsageError(
                f"{less}={one.text} and {more}={other.text} contradict each other: {less} is never more than {more}",
                where="--expect", hint="correct one of them",
            )  # fmt: skip


def _expectation(key: str, value: str) -> Expectation:
    if key in _WORDS:
        return Expectation(key, value, None, 0)
    spread = _TOLERANCE.fullmatch(value)
    base = spread[1].strip() if spread else value
    number = _NUMBER.fullmatch(base)
    if number is None:
        raise UsageError(
            f"{key} expects a number, not {value[:60]!r}", where="--expect", hint="80, 70e9, 70B, 70B±2%, 70B±500M"
        )
    size = float(number[1]) * _SUFFIX[number[2].lower()]
    if size < 0:
        raise UsageError(f"{key} is never negative: {value[:60]!r}", where="--expect", hint="80, 70e9, 70B")
    if not math.isfinite(size):
        raise UsageError(f"{key} expects a finite number, not {value[:60]!r}", where="--expect", hint="70e9")
    if spread is None:
        room = abs(size) * DEFAULT_TOLERANCE[key] if key in DEFAULT_TOLERANCE else 0
        return Expectation(
            key,
            value,
            size,
            max(room, _rounding(key, number[1], number[2].lower())),
            _binary(key, number[1], number[2].lower()),
        )
    return Expectation(key, value, size, _tolerance(key, value, spread[2], spread[3].lower(), size))


def _binary(key: str, digits: str, suffix: str) -> float | None:
    """Tokens where k is 1,024 and m its square: `128k` of context is 131,072 as well as 128,000."""
    return (
        float(digits) * 1024.0 ** (1 + (suffix == "m"))
        if key in ("context", "window") and suffix in ("k", "m")
        else None
    )


def _rounding(key: str, digits: str, suffix: str) -> float:
    """Half the unit of the last digit of a rounded count: `17B` is 16.5e9 to 17.5e9, `1.5B` is 1.45e9 to 1.55e9."""
    if key not in DEFAULT_TOLERANCE or not suffix or "e" in digits.lower():
        return 0
    return 0.5 * _SUFFIX[suffix] / 10.0 ** len(digits.partition(".")[2])


def _tolerance(key: str, value: str, amount: str, unit: str, size: float) -> float:
    try:
        room = float(amount)
    except ValueError:
        raise UsageError(f"{key} has no tolerance in {value[:60]!r}", where="--expect", hint="70B±2%") from None
    return abs(size) * room / 100 if unit == "%" else room * _SUFFIX[unit]


def check_expectations(expectations: Sequence[Expectation], architecture: Architecture) -> list[Check]:
    """Hold every expectation against the model.

    What the code does not have is 0 or none, and contradicts an expectation of anything else, unless gaps may hide it.
    """
    return [_check(expectation, architecture) for expectation in expectations]


def facts_of(expectation: Expectation, architecture: Architecture) -> list[Fact]:
    """The facts that an expectation is about."""
    names = _KEYS.get(expectation.key) or (_WORDS[expectation.key],)
    return [fact for name in names if (fact := architecture.fact(name)) is not None]


def _check(expectation: Expectation, architecture: Architecture) -> Check:
    facts = facts_of(expectation, architecture)
    path = f"--expect {expectation.key}"
    stated: object = expectation.text if expectation.number is None else _plain(expectation.number)
    if not facts:
        return _check_absent(expectation, architecture, path, stated)
    agree = any(expectation.allows(value) for fact in facts for value in _values(fact))
    found = facts[0].value
    evidence = tuple(facts[0].evidence) or _class_line(architecture)
    if not agree and expectation.key == "params":
        evidence = (*_of_the_checkpoint(expectation, architecture), *evidence)
    if not agree and expectation.key == "active":
        evidence = (*_without_embedding(expectation, architecture), *evidence)
    return Check(path, expectation.key, stated, found, "verified" if agree else "conflict", evidence)


def _check_absent(expectation: Expectation, architecture: Architecture, path: str, stated: object) -> Check:
    """An expectation of which the model has no fact: it has none of it, unless a gap or a part that is there speaks against that."""
    key = expectation.key
    gaps = tuple(Evidence(kind="code", where=gap.at or gap.module, text=gap.reason) for gap in architecture.gaps[:3])
    beside = architecture.fact(_TOGETHER.get(key, ""))
    if gaps or beside is not None:
        return Check(path, key, stated, None, "unverified", gaps or tuple(beside.evidence if beside else ()))
    found = 0 if key in _NONE_WITHOUT else "none"
    status: Status = "verified" if expectation.allows(found) else "conflict"
    return Check(path, key, stated, found, status, _class_line(architecture))


def _of_the_checkpoint(expectation: Expectation, architecture: Architecture) -> Iterator[Evidence]:
    """What is published, where that is what was expected of the class: and how one leads to the other."""
    parameters = architecture.parameters
    published = parameters.published_total
    if published is None or not expectation.allows(published):
        return
    steps = "; ".join(f"{step.count:+,} {step.title} ({step.status})" for step in parameters.reconciliation)
    rest = f"; {parameters.unexplained:+,} not explained" if parameters.unexplained else ""
    yield Evidence(
        kind="catalog",
        where=f"the published total is {published:,}, that of this class with: {steps or 'nothing known'}{rest}",
    )


def _without_embedding(expectation: Expectation, architecture: Architecture) -> Iterator[Evidence]:
    """The active parameters as many cards count them, without the embedding, where that is what was expected."""
    parameters = architecture.parameters
    if parameters.active is None or not parameters.embedding:
        return
    rest = parameters.active - parameters.embedding
    if expectation.allows(rest):
        yield Evidence(kind="tensor", where=f"{rest:,} without the embedding of {parameters.embedding:,}, as stated")


def _class_line(architecture: Architecture) -> tuple[Evidence, ...]:
    """Where the model class is defined: the place of last resort."""
    return (Evidence(kind="code", where=architecture.modules.at),) if architecture.modules.at else ()


def _values(fact: Fact) -> list[object]:
    return list(fact.value.values()) if isinstance(fact.value, dict) else [fact.value]


def _spelt(word: str) -> str:
    return word.strip().lower().replace("-", " ").replace("_", " ")


def _plain(number: float) -> int | float:
    return int(number) if number.is_integer() else number
