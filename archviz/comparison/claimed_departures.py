"""What claims say of a model that no fact does, and that a plain decoder does not have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archviz.architecture.words import value_words
from archviz.comparison.departure import Departure
from archviz.verify.claims import Claim


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
