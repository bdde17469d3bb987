"""What a claim and a check are, and how claims about several layers are joined."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

from archviz.architecture.folding import ranges
from archviz.architecture.model import Evidence
from archviz.spans import Status


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement about a model.

    Args:
        key: What it is about (`rope.layout`), dotted, the subject first.
        value: A text, number, truth value, or a list or dictionary of these.
        status: `verified` (read off code, tensors or trace), `config` (only the configuration says so), `derived`
            (computed from verified values), `unverified` (not seen), `conflict` (places contradict each other).
        evidence: The places that support it.
        stack: Path of the list of layers it is about; None for the whole model.
        indices: Which layers of the stack.
        part: Path of the module within the layer (`self_attn`), or empty.
    """

    key: str
    value: object
    status: Status = "verified"
    evidence: tuple[Evidence, ...] = ()
    stack: str | None = None
    indices: tuple[int, ...] = ()
    part: str = ""

    @property
    def scope(self) -> str:
        """The modules it is about: `model.layers.{0-2,4-6}.self_attn`; empty for the whole model."""
        if self.stack is None:
            return self.part
        layers = f"{self.stack}.{{{ranges(list(self.indices))}}}"
        return f"{layers}.{self.part}" if self.part else layers

    def as_dict(self) -> dict[str, object]:
        return {
            "key": self.key,
            "scope": self.scope,
            "value": self.value,
            "status": self.status,
            "evidence": [_stated(item) for item in self.evidence],
        }


@dataclass(frozen=True, slots=True)
class Check:
    """Something that was stated from outside, held against the claims.

    Args:
        path: Where it was stated: `--expect params`, or the path into the JSON (`stages[1].blocks[0].details`).
        key: What it is about.
        stated: The value stated; `quote` the words around it.
        found: What the model's code says.
        status: `verified` when they agree, `conflict` when not, `unverified` when the code does not tell.
    """

    path: str
    key: str
    stated: object
    found: object
    status: Status
    evidence: tuple[Evidence, ...] = ()
    quote: str | None = None

    @property
    def source(self) -> str:
        """What it was held against: `code`, or the source that stands at the end of the path (`config`, `headers`, …)."""
        return self.path.rpartition("(")[2].rstrip(")") if self.path.endswith(")") else "code"

    @property
    def place(self) -> str:
        """Where it was stated, whatever it was held against."""
        return self.path.removesuffix(f" ({self.source})")

    def as_dict(self) -> dict[str, object]:
        return {
            "path": self.path,
            "key": self.key,
            "stated": self.stated,
            "found": self.found,
            "status": self.status,
            "quote": self.quote,
            "evidence": [_stated(item) for item in self.evidence],
        }


def _stated(evidence: Evidence) -> dict[str, object]:
    return {name: value for name, value in evidence.as_dict().items() if value is not None}


def join_claims(claims: Iterable[Claim]) -> list[Claim]:
    """Claims with equal content about layers of one stack become one claim about all of these layers."""
    joined: dict[tuple[str, str | None, str, str, str], Claim] = {}
    for claim in claims:
        value = json.dumps(claim.value, sort_keys=True, default=str)
        key = (claim.key, claim.stack, claim.part, value, claim.status)
        seen = joined.get(key)
        if seen is None:
            joined[key] = claim
        else:
            indices = tuple(sorted({*seen.indices, *claim.indices}))
            evidence = _union(seen, claim)
            joined[key] = replace(seen, indices=indices, evidence=evidence)
    return list(joined.values())


def _union(first: Claim, second: Claim) -> tuple[Evidence, ...]:
    known = {(item.kind, item.where) for item in first.evidence}
    return (*first.evidence, *(item for item in second.evidence if (item.kind, item.where) not in known))
