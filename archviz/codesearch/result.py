"""What a search found and what it could not read, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

SiteKind = Literal["call", "definition", "decorator", "slice", "branch", "import", "alias", "expression"]


@dataclass(frozen=True, slots=True)
class Match:
    """A place in code that belongs to a topic.

    Args:
        topic: Name of the topic.
        kind: What the place is; `alias` is a function given another name, `branch` a condition.
        file: Path below the folder or archive that was searched.
        line: Line, counted from 1; of a method in a chain, the line that names the method.
        class_name: The class around it, outer classes first (`Outer.Inner`), or None.
        function: The function or method around it, or the one defined there; None outside of functions.
        call: The call, definition, slice or condition on one line.
        arguments: Arguments as written (`x`, `dim=-1`, `*sizes`); parameters of a definition, bases of a class,
            parts of an index.
        targets: Names that the value is assigned to, in order.
        resolved: What the called name leads to (`torch.chunk`), where that differs from what is written.
        source: The line of code, without indentation.
    """

    topic: str
    kind: SiteKind
    file: str
    line: int
    class_name: str | None
    function: str | None
    call: str
    arguments: tuple[str, ...]
    targets: tuple[str, ...]
    resolved: str | None
    source: str

    def as_dict(self) -> dict[str, object]:
        """The match as `--json` prints it."""
        return {
            "topic": self.topic,
            "kind": self.kind,
            "file": self.file,
            "line": self.line,
            "class": self.class_name,
            "function": self.function,
            "call": self.call,
            "arguments": list(self.arguments),
            "targets": list(self.targets),
            "resolved": self.resolved,
            "source": self.source,
        }


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was not searched, with the line where that is about one."""

    file: str
    reason: str
    line: int | None = None

    def as_dict(self) -> dict[str, object]:
        """The skipped file as `--json` prints it."""
        return {"file": self.file, "line": self.line, "reason": self.reason}


@dataclass(slots=True)
class SearchResult:
    """The answer to one search.

    Args:
        topics: Names of the topics looked for.
        files: Number of files that were searched.
        matches: In order of file, line and topic.
        skipped: Files that were not searched.
        truncated_by: The bound that ended the search early, or None.
    """

    topics: tuple[str, ...]
    files: int = 0
    matches: list[Match] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    truncated_by: str | None = None

    @property
    def has_gaps(self) -> bool:
        """Whether something that should have been searched was not; a limit on matches is the caller's own."""
        return bool(self.skipped) or (self.truncated_by or "").startswith("bound")

    def as_dict(self) -> dict[str, object]:
        """The answer as `--json` prints it."""
        return {
            "topics": list(self.topics),
            "files": self.files,
            "matches": [match.as_dict() for match in self.matches],
            "skipped": [skipped.as_dict() for skipped in self.skipped],
            "truncated": self.truncated_by is not None,
            "truncated_by": self.truncated_by,
        }
