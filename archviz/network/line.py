"""Those who wait for their turn at a service that serves one at a time, across processes: who would wait in vain is told at once."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

_LONGEST = 30.0  # seconds after which who stands in line has gone without a word: a wait and a request take less
_PATIENCE = 1.0  # seconds for the file of the line, which is held for a moment only


@contextlib.contextmanager
def standing_in_line(path: Path, asked: str, now: Callable[[], float]) -> Iterator[int]:
    """Stand in the line that a file keeps; yields how many other requests are before this one.

    Whoever asks the same as somebody in the line waits for no turn more than that one does.

    Args:
        asked: What the request asks for.
        now: Seconds since 1970.
    """
    key = hashlib.sha256(asked.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    own = f"{now():.3f} {key} {os.getpid()}-{os.urandom(4).hex()}"
    with _line(path, now) as standing:
        before = len({row.split()[1] for row in standing} - {key})
        standing.append(own)
    try:
        yield before
    finally:
        with _line(path, now) as standing:
            standing[:] = [row for row in standing if row != own]


@contextlib.contextmanager
def _line(path: Path, now: Callable[[], float]) -> Iterator[list[str]]:
    """Who stands in line, to be changed; where the file cannot be had, nobody is known to."""
    from filelock import FileLock, Timeout

    lock = FileLock(f"{path}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=_PATIENCE, poll_interval=0.01)
    except (OSError, Timeout):
        yield []
        return
    try:
        standing = [row for row in _rows(path) if _is_there(row, now())]
        yield standing
        with contextlib.suppress(OSError):
            path.write_text("\n".join(standing), encoding="ascii")
    finally:
        lock.release()


def _rows(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii")[:100_000].splitlines()
    except (OSError, ValueError):
        return []


def _is_there(row: str, now: float) -> bool:
    """Whether a row is one of the line, and of somebody who has not gone without a word."""
    since, _, rest = row.partition(" ")
    try:
        return len(rest.split()) == 2 and 0.0 <= now - float(since) < _LONGEST
    except ValueError:
        return False
