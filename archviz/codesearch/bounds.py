"""What one search may cost."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SearchBounds:
    """Bounds of one search.

    Args:
        files: Source files searched.
        entries: Entries of folders, or members of an archive, looked at.
        file_bytes: Size of one source file.
        total_bytes: Size of all source files together.
        archive_bytes: Bytes of an archive after decompression, members that are no source included.
        seconds: Wall time.
        matches: Matches returned.
    """

    files: int = 5_000
    entries: int = 100_000
    file_bytes: int = 1_000_000
    total_bytes: int = 64_000_000
    archive_bytes: int = 256_000_000
    seconds: float = 30.0
    matches: int = 1_000


class BoundReachedError(Exception):
    """The search is over; what was found so far stands.  Never leaves the room."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True)
class Spending:
    """What a search has cost so far."""

    bounds: SearchBounds
    files: int = 0
    entries: int = 0
    total_bytes: int = 0
    started: float = field(default_factory=time.monotonic)

    def file(self, size: int) -> None:
        """Count a source file before it is searched.

        Raises:
            BoundReachedError: It is one too many, or too much.
        """
        self.files += 1
        self.total_bytes += size
        self._within(self.files, self.bounds.files, "files")
        self._within(self.total_bytes, self.bounds.total_bytes, "bytes of source")

    def entry(self) -> None:
        """Count an entry of a folder or archive."""
        self.entries += 1
        self._within(self.entries, self.bounds.entries, "entries")

    def clock(self) -> None:
        """Look at the time."""
        if time.monotonic() - self.started > self.bounds.seconds:
            raise BoundReachedError(f"bound of {self.bounds.seconds:g} seconds")

    def _within(self, spent: int, bound: int, what: str) -> None:
        if spent > bound:
            raise BoundReachedError(f"bound of {bound:,} {what}")
        self.clock()
