"""When a service may be asked again: back-off, what its headers say, turns kept across processes, who was silent lately."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from archviz.errors import RateLimitedError, SourceUnavailableError
from archviz.late_patterns import late_pattern
from archviz.network.line import standing_in_line
from archviz.records import field, record

FIRST_WAIT = 0.5  # seconds before the first retry; doubled each time, times the jitter
_RATE_LIMIT = late_pattern(r'"[^"]*"\s*;\s*r\s*=\s*(\d+)\s*;\s*t\s*=\s*(\d+)')
_LONGEST = 86_400.0  # a service that asks for more than a day is taken to mean a day


def asked_wait(headers: Mapping[str, str], now: float) -> float | None:
    """The seconds for which an answer's headers ask not to be asked again; None when they ask nothing.

    Args:
        headers: Names in lower case. `Retry-After` counts on refusals, the rate limits where nothing remains.
        now: Seconds since 1970.

    >>> asked_wait({"ratelimit": '"api";r=0;t=42'}, 0.0)
    42.0
    >>> asked_wait({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "130"}, 100.0)
    30.0
    >>> asked_wait({"ratelimit": '"api";r=7;t=42'}, 0.0)
    """
    for ask in (_retry_after, _hub_limit, _github_limit):
        if (seconds := ask(headers, now)) is not None:
            return min(max(0.0, seconds), _LONGEST)
    return None


def _retry_after(headers: Mapping[str, str], now: float) -> float | None:
    text = headers.get("retry-after", "").strip()
    if text.isdecimal() and text.isascii():
        return float(text[:9])
    if text:
        from email.utils import parsedate_to_datetime

        with contextlib.suppress(ValueError, TypeError, OverflowError):
            return parsedate_to_datetime(text).timestamp() - now
    return None


def _hub_limit(headers: Mapping[str, str], now: float) -> float | None:
    match = _RATE_LIMIT.search(headers.get("ratelimit", ""))
    return float(match[2][:9]) if match and not int(match[1][:9]) else None


def _github_limit(headers: Mapping[str, str], now: float) -> float | None:
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal() and reset.isascii():
        return float(reset[:12]) - now
    return None


@record
class Paces:
    """Until when each part of a service asked to be left alone, on the monotonic clock."""

    until: dict[tuple[str, str], float] = field(default_factory=dict)

    def hold(self, url: str, until: float) -> None:
        """Remember that the part of the service at this address is not to be asked before a time."""
        key = _part(url)
        self.until[key] = max(until, self.until.get(key, 0.0))

    def held(self, url: str, monotonic: float) -> float:
        """Seconds until the address may be asked again; 0 for now."""
        return max(0.0, self.until.get(_part(url), 0.0) - monotonic)


_LAST: dict[str, float] = {}  # service → when this process asked it last; only without a folder to share
PACES = Paces()
"""What this process was asked to wait for; a long-lived server keeps it between commands."""


@record
class Silence:
    """What this process waited for in vain lately, and for whom: a silent network costs one wait, however often it is asked.

    Args:
        lasting: Seconds for which that is remembered; afterwards the network may be there again.
        origins: Origin → when it was found silent, on the monotonic clock, and what was said of it.
        limits: Origin → the seconds that it was given, where it was too slow for them.
        waits: When a wait ended that brought no answer, and its seconds.
    """

    lasting: float = 30.0
    origins: dict[str, tuple[float, SourceUnavailableError]] = field(default_factory=dict)
    limits: dict[str, float] = field(default_factory=dict)
    waits: list[tuple[float, float]] = field(default_factory=list)

    def of(self, origin: str, monotonic: float) -> SourceUnavailableError | None:
        """What was said of an origin that cost time and did not answer lately."""
        at, said = self.origins.get(origin, (0.0, None))
        return said if self._is_recent(at, monotonic) else None

    def seconds(self, monotonic: float) -> float:
        """The seconds that were waited in vain lately."""
        self.waits = [each for each in self.waits if self._is_recent(each[0], monotonic)]
        return sum(seconds for _, seconds in self.waits)

    def clear(self) -> None:
        """Forget all of it."""
        self.origins.clear()
        self.limits.clear()
        self.waits.clear()

    def _is_recent(self, at: float, monotonic: float) -> bool:
        return 0.0 <= monotonic - at < self.lasting


SILENCE = Silence()
"""What this process waited for; its commands share it: a comparison of two names, the calls of a server."""


def _part(url: str) -> tuple[str, str]:
    """Host, and the part of it that has a rate limit of its own: the Hub's API, GitHub's searches."""
    address = urlsplit(url)
    first = address.path.strip("/").partition("/")[0]
    return address.netloc, first if first in ("api", "search") else ""


@record
class Turn:
    """One's turn at a service; `asked` is whether the service was really asked, so that the next one must wait."""

    asked: bool = True


def others_first(name: str, wait: float, interval: float) -> RateLimitedError:
    """One's turn does not come in time: nothing is wrong with the service.

    Args:
        wait: Seconds until it would come, as far as that can be foreseen.
    """
    return RateLimitedError(
        f"{name} is asked one request at a time, {interval:.0f} s apart, and others are first: the turn would come in {wait:.0f} s",
        retry_after=wait,
        hint=f"Try again in {math.ceil(wait)} s; what was read already is kept.",
    )


@contextlib.contextmanager
def turn(
    folder: Path, name: str, interval: float, seconds: float, now: Callable[[], float], sleep: Callable[[float], None],
    asked: str = "", is_needless: Callable[[], bool] = lambda: False,
) -> Iterator[Turn]:  # fmt: skip
    """Wait for one's turn at a service that serves one request at a time, `interval` seconds apart, across processes.

    Args:
        folder: Where the turns are kept; without a folder that can be written, each process keeps its own.
        seconds: For how long to wait for the turn.
        asked: What is asked for; those who ask the same need one turn together.
        is_needless: Whether one of those who were first has brought the answer; asked when it is one's turn.

    Raises:
        RateLimitedError: The others before this one take longer, which is told at once where it can be foreseen.
    """
    from filelock import FileLock, Timeout

    started, mark = now(), folder / f"{re.sub('[^a-z]', '', name.lower())}.turn"
    with standing_in_line(mark.with_suffix(".line"), asked, now) as before:
        foreseen = before * interval + min(max(0.0, _last(mark) + interval - started), interval)
        if foreseen > max(0.0, seconds):
            raise others_first(name, foreseen, interval)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(f"{mark}.lock")
            lock.acquire(timeout=max(0.0, seconds), poll_interval=0.05)
        except Timeout:
            raise others_first(name, max(foreseen, interval), interval) from None
        except OSError:
            with _own_turn(name, interval, now, sleep) as own:
                yield own
            return
        try:
            with _held_turn(mark, name, interval, started + seconds, now, sleep, is_needless) as own:
                yield own
        finally:
            lock.release()


@contextlib.contextmanager
def _held_turn(
    mark: Path, name: str, interval: float, deadline: float, now: Callable[[], float], sleep: Callable[[float], None],
    is_needless: Callable[[], bool],
) -> Iterator[Turn]:  # fmt: skip
    """The turn of who holds the lock: waits until the last one is long enough ago, and marks its own end."""
    own = Turn()
    try:
        own.asked = not is_needless()
        wait = min(_last(mark) + interval - now(), interval) if own.asked else 0.0
        if wait > max(0.0, deadline - now()):
            own.asked = False
            raise others_first(name, wait, interval)
        if wait > 0:
            sleep(wait)
        yield own
    finally:
        with contextlib.suppress(OSError):
            if own.asked:
                mark.write_text(f"{now():.3f}", encoding="ascii")


@contextlib.contextmanager
def _own_turn(name: str, interval: float, now: Callable[[], float], sleep: Callable[[float], None]) -> Iterator[Turn]:
    """A turn that this process keeps by itself, where there is no folder to share."""
    own = Turn()
    wait = _LAST.get(name, 0.0) + interval - now()
    if wait > 0:
        sleep(min(wait, interval))
    try:
        yield own
    finally:
        if own.asked:
            _LAST[name] = now()


def _last(mark: Path) -> float:
    """When the last turn ended, seconds since 1970; 0 when that is not known."""
    try:
        return float(mark.read_text(encoding="ascii")[:32])
    except (OSError, ValueError):
        return 0.0
