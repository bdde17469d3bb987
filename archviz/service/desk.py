"""Where calls are worked on: in threads, a few at a time, with progress for who waits, and an end when nobody does."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from threading import Lock
from typing import TypeVar

import anyio
from anyio import CancelScope, CapacityLimiter, to_thread

from archviz.errors import ArchvizError
from archviz.progress import Follower, followed_by

_log = logging.getLogger("archviz.service")
_T = TypeVar("_T")

GRACE_SECONDS = 15
"""How long an ending server goes on at most."""

LAST_SECONDS = 2.0
"""The part of it in which calls that did not end are answered."""

_LOOK_SECONDS = 0.05  # between two looks at the desk while it ends

Report = Callable[[float, str], Awaitable[None]]
"""Tells the client how far a call is: seconds so far, and what is done."""


class BusyError(ArchvizError):
    """More is asked of the server than it lets wait."""

    code = "busy"

    def as_dict(self) -> dict[str, object]:
        return {**super().as_dict(), "retry_after": 2.0}


class EndingError(ArchvizError):
    """The server ends before the work does."""

    code = "shutting_down"


class Desk:
    """Work in threads.

    Args:
        workers: Calls that are worked on at once; readings of models come one after the other anyway.
        most: Calls that are worked on or wait, those of clients who went away included until they have ended.
        first_word: Seconds after which a client is told what is being done, and then again and again.
    """

    def __init__(self, workers: int = 4, most: int = 128, first_word: float = 0.8) -> None:
        self.workers, self.most, self.first_word = workers, most, first_word
        self._limiter: CapacityLimiter | None = None
        self._waiting: set[CancelScope] = set()
        self._refuses = self._closed = False
        self._count = 0
        self._lock = Lock()

    @property
    def count(self) -> int:
        """Calls that are worked on or wait."""
        return self._count

    async def run(self, work: Callable[[], _T], report: Report | None = None) -> _T:
        """Do it in a thread.

        Raises:
            BusyError: Too many wait already.
            EndingError: The desk was closed before the work was done.
        """
        if self._refuses:
            raise EndingError("the server ends: it takes no new calls")
        self._check_open()
        if self._limiter is None:
            self._limiter = CapacityLimiter(self.workers)
        place, stages = self._take_place(self._limiter), _Stages()
        follower = Follower(stages.enter)
        outcome: list[_T | BaseException] = []  # not raised inside of the task group, which would wrap it

        def follow() -> None:
            if not place.begin():
                return
            try:
                with followed_by(follower):
                    outcome.append(work())
            except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
                outcome.append(error)
            finally:
                place.leave()

        try:
            async with anyio.create_task_group() as group:
                self._waiting.add(group.cancel_scope)
                if report is not None:
                    group.start_soon(self._tell, stages, report)
                await self._limiter.acquire_on_behalf_of(place)
                await to_thread.run_sync(follow, abandon_on_cancel=True, limiter=CapacityLimiter(1))
                group.cancel_scope.cancel()
        finally:
            self._waiting.discard(group.cancel_scope)
            follower.stop()
            place.give_up()
        if not outcome:
            self._check_open()
        if isinstance(outcome[0], BaseException):
            raise outcome[0]
        return outcome[0]

    async def finish(self, until: float, is_hurried: Callable[[], bool] = lambda: False) -> None:
        """Take no more work and wait for what is at work; whoever still waits then is told that the server ends.

        Args:
            until: How long to wait, by the monotonic clock.
            is_hurried: Whether to wait no longer.
        """
        self._refuses = True
        await waited_for(lambda: not self.count, until, is_hurried)
        self.close()

    def close(self) -> None:
        """Take no more work, and tell all who wait that the server ends; what is at work ends at its next step."""
        self._closed = True
        for scope in list(self._waiting):
            scope.cancel()

    def _check_open(self) -> None:
        if self._closed:
            raise EndingError("the server ends and did not finish this call")

    def _take_place(self, limiter: CapacityLimiter) -> _Place:
        with self._lock:
            if self._count >= self.most:
                raise BusyError(f"{self._count} calls are being worked on", hint="call again in some seconds")
            self._count += 1
        return _Place(limiter, self._leave)

    def _leave(self) -> None:
        with self._lock:
            self._count -= 1

    async def _tell(self, stages: _Stages, report: Report) -> None:
        """Report the stage again and again; a client that cannot be told is no reason to stop."""
        began = time.monotonic()
        while True:
            await anyio.sleep(self.first_word)
            with suppress(OSError, anyio.ClosedResourceError, anyio.BrokenResourceError):
                await report(time.monotonic() - began, stages.last)


async def waited_for(condition: Callable[[], bool], until: float, is_hurried: Callable[[], bool]) -> None:
    """Wait until something is so, which threads and clients bring about."""
    while not condition() and time.monotonic() < until and not is_hurried():  # noqa: ASYNC110
        await anyio.sleep(_LOOK_SECONDS)


class _Place:
    """A call's place at the desk: left once, by the thread that began the work, or by who gave it up before.

    Args:
        limiter: Of the workers; while the place is not left, it counts as at work there, whether anybody waits for it or not.
        on_leave: Is told when it is left.
    """

    def __init__(self, limiter: CapacityLimiter, on_leave: Callable[[], None]) -> None:
        self._limiter, self._on_leave = limiter, on_leave
        self._loop = asyncio.get_running_loop()
        self._lock = Lock()
        self._begun = self._left = False

    def begin(self) -> bool:
        """Whether the work is still wanted; from now on its thread leaves the place."""
        with self._lock:
            self._begun = not self._left
            return self._begun

    def leave(self) -> None:
        with self._lock:
            left, self._left = self._left, True
        if not left:
            self._free()

    def give_up(self) -> None:
        """Leave it where the work has not begun."""
        with self._lock:
            gives_up = not self._begun and not self._left
            self._left = self._left or gives_up
        if gives_up:
            self._free()

    def _free(self) -> None:
        self._on_leave()
        with suppress(RuntimeError):  # the loop has ended, and with it all who wait
            self._loop.call_soon_threadsafe(self._free_worker)

    def _free_worker(self) -> None:
        with suppress(RuntimeError):  # its turn never came
            self._limiter.release_on_behalf_of(self)


class _Stages:
    """The stage that a run is in."""

    def __init__(self) -> None:
        self.last = "waiting for its turn"

    def enter(self, stage: str) -> None:
        self.last = stage
