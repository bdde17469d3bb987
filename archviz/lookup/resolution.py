"""The answer to "which model is this?": a status, and either one exact model or candidates that were not chosen."""

from __future__ import annotations

from typing import Literal

from archviz.errors import (
    AmbiguousNameError,
    ArchvizError,
    BadResponseError,
    GatedError,
    ModelNotFoundError,
    OfflineError,
    RateLimitedError,
    SourceUnavailableError,
)
from archviz.lookup.hub.facts import HubModel
from archviz.records import record

ResolutionStatus = Literal["exact", "renamed", "ambiguous", "not_found", "gated", "unreachable"]

_EXIT_STATUS: dict[ResolutionStatus, int] = {
    "exact": 0,
    "renamed": 0,
    "ambiguous": 3,
    "not_found": 3,
    "gated": 4,
    "unreachable": 4,
}


@record(frozen=True)
class Candidate:
    """A model that the name may have meant; offered, never chosen.

    Args:
        id: Its exact Hub id.
        why: What differs from the asked name.
        group: What its name says before its size; candidates of one group stand together.
    """

    id: str
    why: str
    group: str


@record(frozen=True)
class Resolution:
    """What a name stands for.

    Args:
        status: Only `exact` and `renamed` come with a model.
        asked: The name as it was given.
        message: The answer in one or two sentences.
        source: The place that answered.
        complete: Whether every place was asked that could know the model.
        model_id: The exact Hub id.
        record_id: The catalog id whose facts may stand for files that the Hub does not give: the model's own, or the old one that was
            asked for; None where the catalog knows neither, or another revision was asked for than its facts are of.
        revision: The revision that was asked for.
        candidates: Models that the name may have meant, best first.
        facts_date: The date of the answering place's facts, `YYYY-MM-DD`.
        hub: The repository at its commit, where the Hub or what is stored of it answered.
        notes: What a reader must know beside the answer: an old copy used, a token refused.
        advice: What to do about a refusal.
        liberties: In which ways the name differs from the model's own, where that was allowed, in sentences.
        error: Why no place answered, or why the catalog answers in the Hub's stead: its kind, and for how long to wait, go on to
            whoever asked.
    """

    status: ResolutionStatus
    asked: str
    message: str
    source: Literal["catalog", "hub"]
    complete: bool
    model_id: str | None = None
    revision: str | None = None
    candidates: tuple[Candidate, ...] = ()
    facts_date: str | None = None
    hub: HubModel | None = None
    notes: tuple[str, ...] = ()
    advice: str | None = None
    liberties: tuple[str, ...] = ()
    error: ArchvizError | None = None
    record_id: str | None = None

    @property
    def exit_status(self) -> int:
        """The command line's exit status for this answer."""
        return _EXIT_STATUS[self.status]

    @property
    def retry_after(self) -> float | None:
        """Seconds for which a place asked not to be asked again."""
        return self.error.retry_after if isinstance(self.error, RateLimitedError) else None

    def as_dict(self) -> dict[str, object]:
        """The answer as data, for `--json` and for MCP results."""
        return {
            "status": self.status,
            "asked": self.asked,
            "model_id": self.model_id,
            "revision": self.revision,
            "candidates": [{"id": item.id, "why": item.why, "group": item.group} for item in self.candidates],
            "source": self.source,
            "complete": self.complete,
            "facts_date": self.facts_date,
            "hub": self.hub.as_dict() if self.hub else None,
            "notes": list(self.notes),
            "message": self.message,
            "error": self.as_error().code if self.exit_status else None,
            "retry_after": self.retry_after,
            "hint": self.advice,
        }

    def as_error(self) -> ArchvizError:
        """The exception that says the same to a caller who needs one model."""
        ids = [item.id for item in self.candidates if item.id != self.asked]
        hint = f"Did you mean: {', '.join(ids[:5])}?" if ids else self.advice
        if self.status == "gated":
            return GatedError(self.message, hint=self.advice)
        if self.status == "unreachable":
            return unavailable(self.error, self.message, hint)
        kind = AmbiguousNameError if self.status == "ambiguous" else ModelNotFoundError
        return kind(self.message, candidates=ids, hint=hint)


def unavailable(error: ArchvizError | None, message: str, hint: str | None) -> SourceUnavailableError:
    """What kept a place from answering, in the words of the whole answer."""
    where = error.where if error else None
    if isinstance(error, RateLimitedError):
        return RateLimitedError(message, retry_after=error.retry_after, where=where, hint=hint)
    kinds = (BadResponseError, GatedError, OfflineError)
    kind = next((each for each in kinds if isinstance(error, each)), SourceUnavailableError)
    return kind(message, where=where, hint=hint)
