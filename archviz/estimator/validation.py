"""Whether an export may be relied on: the model was read without gaps, its parts add up, and published totals agree."""

from __future__ import annotations

from collections.abc import Sequence

from archviz.architecture.model import Architecture
from archviz.estimator.pieces import Piece
from archviz.records import record

TOLERANCE = 0.01
"""How far a published count may be off, as a share."""


@record(frozen=True)
class Validation:
    """The verdict, sentence by sentence, and where the numbers come from."""

    ok: bool
    notes: list[str]
    sources: list[str]


def validated(architecture: Architecture, pieces: Sequence[Piece]) -> Validation:
    """Hold an export against its model and against what is published."""
    ok, notes = _sum(architecture, pieces)
    for check in (_published, _gaps, _conflicts):
        good, note = check(architecture)
        ok = ok and good
        notes += [note] if note else []
    return Validation(ok, notes, _sources(architecture))


def _sum(architecture: Architecture, pieces: Sequence[Piece]) -> tuple[bool, list[str]]:
    total = sum(piece.total for piece in pieces)
    if total == architecture.parameters.total:
        return True, [f"The layer types add up to the {total:,} parameters that the official code builds."]
    return False, [
        f"The layer types add up to {total:,} parameters, the official code builds {architecture.parameters.total:,}."
    ]


def _published(architecture: Architecture) -> tuple[bool, str]:
    total, published = architecture.parameters.total, architecture.parameters.published_total
    if published is None:
        return True, "No published total was at hand."
    if published == total:
        return True, f"The published total is the same, {published:,}."
    share = abs(published - total) / published
    words = f"The published total is {published:,}, {published - total:+,} against this class ({share:.1%})"
    if share <= TOLERANCE:
        return True, f"{words}, within {TOLERANCE:.0%}."
    mtp = architecture.fact("mtp_layers")
    reason = f"; the class does not build the multi-token prediction ({mtp.value} layers)" if mtp is not None else ""
    return False, f"{words}, more than {TOLERANCE:.0%}{reason}."


def _gaps(architecture: Architecture) -> tuple[bool, str]:
    count = len(architecture.gaps)
    return not count, f"{count} places of the code were not understood." if count else ""


def _conflicts(architecture: Architecture) -> tuple[bool, str]:
    keys = [fact.key for fact in architecture.facts if fact.status == "conflict"]
    return not keys, f"Sources contradict each other on {', '.join(keys)}." if keys else ""


def _sources(architecture: Architecture) -> list[str]:
    identity = architecture.identity
    found = [identity.url or "", *identity.links.values()]
    return list(dict.fromkeys([*(each for each in found if each), *([identity.code] if identity.code else [])]))
