"""One command's use of the network: the time it may take, what it noted, whom it found unreachable."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Self

from archviz.errors import NotAskedError, SourceUnavailableError
from archviz.network.cache import Cache, Entry
from archviz.network.services import Service
from archviz.network.stopwatch import Stopwatch
from archviz.network.waits import PACES, SILENCE, Paces, Silence
from archviz.records import record
from archviz.settings import Settings

if TYPE_CHECKING:
    import httpx2

_ENOUGH = 1 / 6  # of a time limit: about half a second, in which a host that can be reached answers


@record(frozen=True)
class Time:
    """Clocks, sleep and chance, so that tests need not wait.

    Args:
        now: Seconds since 1970, for dates that are stored.
        monotonic: Seconds for durations.
        sleep: Waits for some seconds.
        jitter: A factor between 0.5 and 1.5 for the next wait.
    """

    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = lambda: 0.5 + int.from_bytes(os.urandom(2), "big") / 65_536


class Session:
    """What one command shares between all its requests.

    Args:
        settings: Limits and offline mode.
        cache: Where answers are kept.
        time: Clocks and sleep.
        base: The way out; None for the real one (direct or by the environment's proxy).
        paces: When a service may be asked again.
        silence: What was waited for in vain lately, here and by other commands of this process.
        notes: What a reader of the answer must be told: a token refused, an old copy used.
        requests: Requests that went out, with those that were tried again.
        most_counted: How many requests may be counted (`count`); None for as many as it takes.
        counted: How many were.
        contacted: Somebody has answered a request.
        at_hand: The catalog or a stored copy can answer what is asked, so the network is not waited for long.
        is_long: Many files are read that nothing here could stand for.
        spent: Seconds that requests took.
        waiting: Counts what the command's requests take together, with their pauses and turns.
        copies: Answers that the cache gave without a request.
        last_key: What the newest answer is stored under, so that its reader can forget it.
        last_fetched: When the newest answer was fetched or last confirmed, seconds since 1970.
        last_found_at: The address that gave the newest answer, after redirects.
        unreachable: Origin → why it was not reached; it is not tried again in this command.
        refused_tokens: Services whose token was refused.
        oldest: When the oldest answer was fetched that was used though its service could not be asked, seconds since 1970.
    """

    def __init__(
        self,
        settings: Settings,
        cache: Cache | None = None,
        time: Time | None = None,
        base: httpx2.BaseTransport | None = None,
        paces: Paces | None = None,
        silence: Silence | None = None,
    ) -> None:
        self.settings = settings
        self.cache = Cache() if cache is None else cache
        self.time = Time() if time is None else time
        self.base = base
        self.paces = PACES if paces is None else paces
        self.silence = SILENCE if silence is None else silence
        self.notes: list[str] = []
        self.requests = 0
        self.most_counted: int | None = None
        self.counted = 0
        self.contacted = False
        self.at_hand = False
        self.is_long = False
        self.spent = 0.0
        self.last_key: str | None = None
        self.last_fetched: float | None = None
        self.last_found_at = ""
        self.unreachable: dict[str, SourceUnavailableError] = {}
        self.refused_tokens: set[str] = set()
        self.oldest: float | None = None
        self.waiting = Stopwatch(self.time.monotonic)
        self.copies = 0
        self._first_asked: float | None = None
        self._own: httpx2.BaseTransport | None = None

    def is_offline(self, service: Service) -> bool:
        """Whether a service may not be asked: `--offline`, or the service's own variable for it."""
        stated = os.environ.get(service.offline_variable, "") if service.offline_variable else ""
        return self.settings.offline or stated.upper() in ("1", "ON", "YES", "TRUE")

    @property
    def whole_seconds(self) -> float:
        """Seconds that the command's requests may take together."""
        limits = self.settings.limits
        return limits.download_seconds if self.is_long else limits.network_seconds

    @property
    def remaining(self) -> float:
        """Seconds that they may still take; a machine that is slow to load or to read code takes nothing of them."""
        return self.whole_seconds - self.waiting.seconds

    @property
    def in_vain(self) -> float:
        """Seconds that this process waited lately without an answer."""
        return self.silence.seconds(self.time.monotonic())

    @property
    def left_in_vain(self) -> float:
        """Seconds that may still be waited in vain where the catalog or a stored copy can answer."""
        return self.settings.limits.in_vain_seconds - self.in_vain

    def reads_files(self) -> None:
        """From here on files are read that neither catalog nor copy can stand for, and they may be many."""
        self.at_hand, self.is_long = False, True

    @contextlib.contextmanager
    def waiting_for_it(self) -> Iterator[None]:
        """Ask for something that neither catalog nor copy can stand for; what that takes is taken from nothing else."""
        before, spent, self.at_hand = self.at_hand, self.spent, False
        try:
            yield
        finally:
            self.at_hand, self.spent = before, spent

    def patience(self, service: Service, *, at_hand: bool) -> float:
        """Seconds that the next request may take with its retries.

        Where something is at hand that can answer, a network that is silent costs `waiting_seconds`, and one that has answered before
        `at_hand_seconds` in all; services that the catalog cannot stand for get what is left of either. `in_vain_seconds` are the end
        of it, however many services and names are asked for: then it is 0 or less.

        Args:
            at_hand: A stored copy would answer too.
        """
        limits = self.settings.limits
        most = min(limits.request_seconds, self.remaining)
        if not (at_hand or self.at_hand):
            whole = limits.request_seconds if self.contacted else limits.request_seconds - self.in_vain
            return min(most, max(limits.request_seconds * _ENOUGH, whole))
        left, in_all = limits.waiting_seconds - self.in_vain, limits.at_hand_seconds - self.spent
        if self.contacted:
            left = in_all if service.has_catalog else max(left, in_all)
        return min(most, self.left_in_vain, max(limits.waiting_seconds * _ENOUGH, left))

    def connect_seconds(self, *, at_hand: bool) -> float:
        """Seconds for the next connection with all its attempts.

        Until somebody has answered, all connections of the command count from the first one, and further hosts get what is enough
        for one that is there: a network that leads nowhere costs one time limit, not one a host.

        Args:
            at_hand: A stored copy would answer too.
        """
        limits = self.settings.limits
        if self.contacted:
            return limits.connect_seconds
        now = self.time.monotonic()
        self._first_asked = now if self._first_asked is None else self._first_asked
        bound = limits.waiting_seconds if at_hand or self.at_hand else limits.connect_seconds
        return max(bound * _ENOUGH, bound - max(now - self._first_asked, self.in_vain))

    def waited(self, seconds: float, *, in_vain: bool = False) -> None:
        """Count what a request took, or the pause before it is tried again."""
        self.spent += seconds
        if in_vain:
            self.silence.waits.append((self.time.monotonic(), seconds))

    def count(self, name: str) -> None:
        """Count one request to a service.

        Raises:
            NotAskedError: There were as many as the command may make.
        """
        if self.most_counted is not None and self.counted >= self.most_counted:
            self.note(
                f"One run asks {self.most_counted} times, besides for code: run it again for what is only stated."
            )
            raise NotAskedError(f"{name} was not asked: one run asks {self.most_counted} times", hint="Run it again.")
        self.counted += 1

    def way_out(self) -> httpx2.BaseTransport:
        """What the requests of all clients go out by, with connections that they share."""
        if self.base is None:
            from archviz.network.routing import EnvironmentTransport

            self.base = self._own = EnvironmentTransport()
        return self.base

    def close(self) -> None:
        """Close the connections."""
        if self._own is not None:
            self._own.close()
            self.base = self._own = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def note(self, text: str) -> None:
        """Say and remember once what the reader of the answer must be told."""
        if text not in self.notes:
            self.notes.append(text)
            self.settings.say(text)

    def keep(self, entry: Entry) -> None:
        """Store an answer, or what was read from one; that it could not be stored is said once."""
        if not self.cache.write(entry):
            self.note(f"The answer could not be kept in the cache: {self.cache.trouble}.")

    def used_old(self, fetched: float) -> None:
        """Remember that an answer was used whose service could not be asked whether it still holds."""
        self.oldest = fetched if self.oldest is None else min(self.oldest, fetched)


def day_of(seconds: float) -> str:
    """Seconds since 1970 as a date in UTC, `YYYY-MM-DD`."""
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def age_of(seconds: float) -> str:
    """A duration in the words of a message: `40 s`, `12 min`, `5 h`, `3 days`."""
    for unit, size in (("days", 86_400.0), ("h", 3_600.0), ("min", 60.0)):
        if seconds >= (2 if unit == "days" else 1) * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"
