"""Whether an export may be relied on: the model was read without gaps, its parts add up, and a published total agrees."""

from __future__ import annotations

from collections.abc import Sequence

from archviz.architecture.model import Architecture
from archviz.estimator.pieces import Piece
from archviz.records import record

TOLERANCE = 0.01
"""How much of a published count may stay unexplained, as a share."""


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
        return (
            False,
            "No published total was at hand: nothing outside of its code and configuration was held against it.",
        )
    if published == total:
        return True, f"The published total is the same, {published:,}."
    words = f"The published total is {published:,}, {published - total:+,} against the {total:,} of this class"
    steps = architecture.parameters.reconciliation
    rest = architecture.parameters.unexplained
    rest = published - total if rest is None else rest
    ways = "; ".join(f"{step.count:+,}, {step.title} ({step.status})" for step in steps)
    if not rest:
        return True, f"{words}, explained to the unit: {ways}."
    share = abs(rest) / published
    left = (
        f"{rest:+,} of it ({share:.1%} of the published total) is not explained"
        if steps
        else f"{share:.1%} of it, not explained"
    )
    words += f": {ways}; {left}" if steps else f", {left}"
    return share <= TOLERANCE, f"{words}, {'within' if share <= TOLERANCE else 'more than'} {TOLERANCE:.0%}."


def _gaps(architecture: Architecture) -> tuple[bool, str]:
    count = len(architecture.gaps)
    return not count, f"{count} places of the code were not understood." if count else ""


def _conflicts(architecture: Architecture) -> tuple[bool, str]:
    keys = [fact.key for fact in architecture.facts if fact.status == "conflict"]
    return not keys, f"Sources contradict each other on {', '.join(keys)}." if keys else ""


def _sources(architecture: Architecture) -> list[str]:
    """What the numbers were held against: the page with configuration and published total, a link that a fact rests on, the code."""
    identity = architecture.identity
    cited = {each.where for fact in architecture.facts for each in fact.evidence}
    found = [identity.url, *(link for link in identity.links.values() if link in cited), identity.code]
    return list(dict.fromkeys(each for each in found if each))
