"""The result of a verification: claims, checks, gaps; its exit status, data and text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from archviz.architecture.model import Evidence, GapEntry
from archviz.architecture.words import value_words
from archviz.errors import EXIT_DONE_WITH_GAPS, VerificationConflictError
from archviz.interpreter.reading import Assumption
from archviz.numbers.checkpoint_match import CheckpointMatch
from archviz.verify.claims import Check, Claim

_SHOWN_PLACES = 3
_SHOWN_ASSUMPTIONS = 20


@dataclass(frozen=True, slots=True)
class Source:
    """Something that expectations were held against; `trouble` says why it could not be."""

    kind: str
    name: str
    trouble: str = ""


@dataclass(slots=True)
class Verification:
    """What was claimed about a model, and what was held against it.

    Args:
        model: The model's id; `class_name` the class that was read.
        gaps: What was not understood.
        assumed: What the pass over shapes takes for granted.
        sources: What was asked besides the code: kind, name, and why it could not be read.
        notes: What a reader must know about the name.
        checkpoint: The stored tensors against those of the model, where headers or an index are at hand.
    """

    model: str
    class_name: str
    claims: list[Claim]
    checks: list[Check] = field(default_factory=list)
    gaps: list[GapEntry] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    checkpoint: CheckpointMatch | None = None
    notes: list[str] = field(default_factory=list)
    assumed: list[Assumption] = field(default_factory=list)

    @property
    def conflicts(self) -> list[Claim | Check]:
        found: list[Claim | Check] = [claim for claim in self.claims if claim.status == "conflict"]
        return found + [check for check in self.checks if check.status == "conflict"]

    @property
    def statements(self) -> int:
        """How many things were stated, each held against one source or more."""
        return len({(check.place, check.key, str(check.stated), check.quote) for check in self.checks})

    @property
    def exit_status(self) -> int:
        """6 with a conflict, 5 with gaps, else 0."""
        if self.conflicts:
            return VerificationConflictError.exit_status
        return EXIT_DONE_WITH_GAPS if self.gaps else 0

    def as_dict(self) -> dict[str, object]:
        return {
            "model": self.model,
            "class": self.class_name,
            "claims": [claim.as_dict() for claim in self.claims],
            "checks": [check.as_dict() for check in self.checks],
            "conflicts": len(self.conflicts),
            "gaps": [gap.as_dict() for gap in self.gaps],
            "assumed": [each.as_dict() for each in self.assumed],
            "checkpoint": self.checkpoint.as_dict() if self.checkpoint else None,
            "sources": [
                {"kind": each.kind, "name": each.name, "trouble": each.trouble or None} for each in self.sources
            ],
            **({"notes": self.notes} if self.notes else {}),
        }


def verification_text(result: Verification) -> str:
    """The result as text: conflicts first, then checks, then all claims by scope."""
    return "\n".join(_plain(line) for line in _lines(result)) + "\n"


def _lines(result: Verification) -> Iterator[str]:
    yield f"{result.model}: {result.class_name}, {len(result.claims)} claims"
    if result.checks:
        agreed = sum(check.status == "verified" for check in result.checks)
        wrong = sum(check.status == "conflict" for check in result.checks)
        open_ = len(result.checks) - agreed - wrong
        held = f"{_counted(result.statements, 'statement')} held against code and sources"
        yield f"{held}, {_counted(len(result.checks), 'comparison')}: {agreed} agree, {wrong} conflict, {open_} not told"
    for check in result.checks:
        if check.status != "verified":
            yield ""
            yield from _check_lines(check)
    if result.checkpoint is not None:
        yield ""
        yield from checkpoint_lines(result.checkpoint)
    yield from _assumed_lines(result.assumed)
    for scope, claims in _by_scope(result.claims).items():
        yield ""
        yield scope or "model"
        for claim in claims:
            mark = "" if claim.status == "verified" else f"  [{claim.status}]"
            yield f"  {claim.key:28} {value_words(claim.value, of_code=True)}{mark}  {_places(claim.evidence)}".rstrip()


def _assumed_lines(assumed: Sequence[Assumption]) -> Iterator[str]:
    if assumed:
        yield ""
    yield from (f"assumed: {each.what} ({each.at})" for each in assumed[:_SHOWN_ASSUMPTIONS])
    if len(assumed) > _SHOWN_ASSUMPTIONS:
        yield f"assumed: {len(assumed) - _SHOWN_ASSUMPTIONS} more"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def checkpoint_lines(match: CheckpointMatch) -> Iterator[str]:
    """What is stored against what the code builds."""
    missing, extra = (sum(group.count for group in groups) for groups in (match.missing, match.extra))
    yield f"checkpoint: {match.matched:,} stored tensors go to the model, {missing:,} of the model are not stored, {extra:,} are stored besides"
    for word, groups in (("not stored", match.missing), ("besides", match.extra)):
        for group in groups[:12]:
            size = f", {group.elements:,} elements" if group.elements is not None else ""
            yield f"  {word}: {group.count:,} × {group.pattern}{size}" + (f" ({group.why})" if group.why else "")
    yield from (f"  stored though tied: {name}" for name in match.again[:12])
    yield from (f"  another shape: {text}" for text in match.shapes[:12])
    if match.total is not None:
        yield f"  {match.total:,} elements stored" + ("" if match.steps else ", as many as the code builds")
        yield from (f"    {step.count:+,} {step.title} ({step.status})" for step in match.steps)


def _check_lines(check: Check) -> Iterator[str]:
    yield f"{check.status}: {check.path}: {check.key}"
    quote = f'  ("{check.quote}")' if check.quote else ""
    yield f"  stated  {value_words(check.stated, of_code=True)}{quote}"
    found = value_words(check.found, of_code=True) if check.found is not None else "does not tell"
    yield f"  {'code ' if check.source == 'code' else 'found':7} {found}"
    for item in check.evidence[:_SHOWN_PLACES]:
        yield f"  at      {item.where}" + (f"  {item.text}" if item.text else "")


def _by_scope(claims: Sequence[Claim]) -> dict[str, list[Claim]]:
    found: dict[str, list[Claim]] = {}
    for claim in claims:
        found.setdefault(claim.scope, []).append(claim)
    return found


def _places(evidence: Sequence[Evidence]) -> str:
    shown = [item.where for item in evidence[:_SHOWN_PLACES]]
    more = f" +{len(evidence) - len(shown)}" if len(evidence) > len(shown) else ""
    return " ".join(shown) + more


def _plain(text: str) -> str:
    """A line without control characters: what is not printable is shown escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
