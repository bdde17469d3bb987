"""How long a command waits for the network: what it reads, imports or draws between its requests does not count."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator


class Stopwatch:
    """Runs while anybody is waited for; requests side by side count once.

    >>> now = iter([0.0, 2.0, 5.0])
    >>> watch = Stopwatch(lambda: next(now))
    >>> with watch.running():
    ...     watch.seconds
    2.0
    >>> watch.seconds
    5.0
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._counted = 0.0
        self._since: float | None = None
        self._waiting = 0

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Count the time until the end of the block."""
        with self._lock:
            if not self._waiting:
                self._since = self._monotonic()
            self._waiting += 1
        try:
            yield
        finally:
            with self._lock:
                self._waiting -= 1
                if not self._waiting and self._since is not None:
                    self._counted += self._monotonic() - self._since
                    self._since = None

    @property
    def seconds(self) -> float:
        """Seconds counted so far."""
        with self._lock:
            return self._counted + (0.0 if self._since is None else self._monotonic() - self._since)
