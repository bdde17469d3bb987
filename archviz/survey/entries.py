"""The view's own model: what exists, how it is known, what rests on it, what disagrees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from archviz.errors import ArchvizError

SourceKind = Literal["code", "configuration", "hub", "paper", "github", "card", "report", "blog"]
SourceStatus = Literal["found", "renamed", "gated", "stated", "missing", "unknown", "unverified"]

ORDER: tuple[SourceKind, ...] = ("code", "configuration", "hub", "paper", "github", "card", "report", "blog")
"""The order of truth: what is earlier settles what later ones say."""

STATUSES: dict[SourceStatus, str] = {
    "found": "asked for, and it is there",
    "renamed": "it is there under another name",
    "gated": "it is there, and its files are given to some only",
    "stated": "another source leads to it; it was not asked for",
    "missing": "asked for, and there is none",
    "unknown": "it could not be asked for",
    "unverified": "it is named like the model, or led to; nothing of its own says that it is the model's",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One source.

    Args:
        what: What it is, in one line.
        url: Its address.
        by: What leads to it, where it was not asked for by the model's own name: `the card`, `the catalog`.
        rests: The description rests on it.
        error: Why it could not be read; not part of the data.
        text: Its text, where it was asked for; the abstract of a paper that is all there is.
    """

    kind: SourceKind
    status: SourceStatus
    what: str
    url: str | None = None
    by: str | None = None
    rests: bool = False
    text: str | None = None
    error: ArchvizError | None = None

    def as_dict(self) -> dict[str, object]:
        weakest = self.kind in ("card", "report", "blog")
        return {
            "kind": self.kind,
            "status": self.status,
            "what": self.what,
            "url": self.url,
            "by": self.by,
            "rests": self.rests,
            "evidence": "weakest" if weakest else self.kind,
            **({"text": self.text} if self.text is not None else {}),
        }


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Two or more sources that say different things.

    Args:
        about: `parameters`, `licence`, `layers`, …
        says: Source → what it says.
        settled: Which of them counts, and why.
    """

    about: str
    says: dict[str, str]
    settled: str

    def as_dict(self) -> dict[str, object]:
        return {"about": self.about, "says": dict(self.says), "settled": self.settled}


@dataclass(frozen=True, slots=True)
class Survey:
    """The whole view.

    Args:
        status: That of the resolution, or `unverified` for a model without a repository.
        entries: In the order of truth.
        not_known: What could not be looked up, and why.
    """

    asked: str
    status: str
    message: str
    model_id: str | None = None
    revision: str | None = None
    entries: tuple[Entry, ...] = ()
    disagreements: tuple[Disagreement, ...] = ()
    not_known: tuple[str, ...] = ()
    candidates: tuple[tuple[str, str], ...] = ()
    notes: Sequence[str] = field(default=())

    @property
    def exit_status(self) -> int:
        """3 where no model of exactly this name is known, though the view says what is named like it."""
        return {"exact": 0, "renamed": 0, "gated": 4, "unreachable": 4}.get(self.status, 3)

    def as_dict(self) -> dict[str, object]:
        """The view as data, for `--json`."""
        return {
            "asked": self.asked,
            "status": self.status,
            "message": self.message,
            "model_id": self.model_id,
            "revision": self.revision,
            "sources": [entry.as_dict() for entry in self.entries],
            "rests_on": [entry.what for entry in self.entries if entry.rests],
            "disagreements": [each.as_dict() for each in self.disagreements],
            "not_known": list(self.not_known),
            "candidates": [{"id": each, "why": why} for each, why in self.candidates],
            "notes": list(self.notes),
        }


def in_order(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Entries in the order of truth; those of one kind stay as they came."""
    return tuple(sorted(entries, key=lambda entry: ORDER.index(entry.kind)))
