"""Where sources say different things about one model; the order of truth says which of them counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from archviz.lookup.card.card import Card
from archviz.lookup.card.stated import agrees
from archviz.lookup.identity import identity, size_of
from archviz.survey.entries import Disagreement

NAME_TOLERANCE = 0.15  # a name rounds: gpt-oss-20b has 20.9 billion
MOST_VALUES = 12
_CODE_SETTLES = "the code counts"
_FACTS = {
    "layers": "layers",
    "experts": "experts",
    "experts_per_token": "experts_per_token",
    "hidden_size": "hidden_size",
    "total": "parameters",
    "active": "active_parameters",
}
"""What a card states → the key of the fact that the code gives."""


@dataclass(frozen=True, slots=True)
class Said:
    """What each source says, gathered for comparing.

    Args:
        facts: What the code builds: key → number; empty where there is no description.
        published_total: Elements of the stored tensors, as published.
        licences: Source → licence.
        base_models: Source → base models.
        values: Source → configuration values.
    """

    model_id: str
    facts: Mapping[str, float] = field(default_factory=dict)
    published_total: int | None = None
    licences: Mapping[str, str] = field(default_factory=dict)
    base_models: Mapping[str, Sequence[str]] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    card: Card = field(default_factory=Card)


def find_disagreements(said: Said) -> tuple[Disagreement, ...]:
    """Every place where two sources differ."""
    checks = (_total, _size_in_the_name, _statements, _licences, _base_models, _values)
    return tuple(found for check in checks for found in check(said))


def _total(said: Said) -> Iterator[Disagreement]:
    built, stored = said.facts.get("parameters"), said.published_total
    if built is None or stored is None or int(built) == stored:
        return
    share = f" ({(stored - built) / built:+.2%})" if built else ""
    yield Disagreement(
        "parameters",
        {"code": f"{int(built):,}", "stored tensors": f"{stored:,}"},
        f"{stored - int(built):+,}{share} stored; {_CODE_SETTLES}. Stored tensors also hold prediction layers, other towers, "
        "tied copies, scales of quantisation.",
    )


def _size_in_the_name(said: Said) -> Iterator[Disagreement]:
    repository = said.model_id.partition("/")[2]
    stated, built = size_of(identity(repository)), said.facts.get("parameters")
    if (
        not stated
        or not built
        or any(part.value.startswith("e") for part in identity(repository) if part.kind == "size")
    ):
        return
    mixed = any("x" in part.value for part in identity(repository) if part.kind == "size")  # 8x7B shares its attention
    if abs(built - stated) > NAME_TOLERANCE * stated and not (mixed and built < stated):
        yield Disagreement(
            "size",
            {"name": f"{stated / 1e9:g} billion", "code": f"{int(built):,}"},
            f"{_CODE_SETTLES}; the name is a name",
        )


def _statements(said: Said) -> Iterator[Disagreement]:
    for stated in said.card.statements:
        built = said.facts.get(_FACTS[stated.key])
        if built is not None and not agrees(stated, built):
            yield Disagreement(
                _FACTS[stated.key], {"card": stated.line, "code": f"{built:,.0f}"}, f"{_CODE_SETTLES}; a card is a hint"
            )


def _licences(said: Said) -> Iterator[Disagreement]:
    plain = {source: licence.lower().strip() for source, licence in said.licences.items() if licence}
    known = {source: licence for source, licence in plain.items() if licence not in ("other", "noassertion", "unknown")}
    if len(set(known.values())) > 1:
        yield Disagreement("licence", known, "the repository's LICENSE file counts; read it")


def _base_models(said: Said) -> Iterator[Disagreement]:
    known = {source: sorted({base.lower() for base in bases}) for source, bases in said.base_models.items() if bases}
    if len({tuple(bases) for bases in known.values()}) > 1:
        shown = {source: ", ".join(bases) for source, bases in said.base_models.items() if bases}
        yield Disagreement("base model", shown, "none of them is checked against the weights")


def _values(said: Said) -> Iterator[Disagreement]:
    """Configuration values that two sources both state, differently; of two dates, the repository's file counts."""
    sources = [(source, dict(_scalars(values))) for source, values in said.values.items()]
    if len(sources) < 2:
        return
    (first, here), (second, there) = sources[:2]
    differing = [key for key in here if key in there and here[key] != there[key]]
    for key in differing[:MOST_VALUES]:
        yield Disagreement(
            key, {first: str(here[key])[:100], second: str(there[key])[:100]}, f"{first} is what was read"
        )


def _scalars(values: Mapping[str, object], above: str = "") -> Iterator[tuple[str, object]]:
    for key, value in values.items():
        if isinstance(value, Mapping) and not above:
            yield from _scalars(value, f"{key}.")
        elif isinstance(value, (bool, int, float, str)):
            yield f"{above}{key}", value
