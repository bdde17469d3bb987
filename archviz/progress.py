"""Where a long run stands, told to whoever waits for it; and whether anybody still does.

In: the stages that a run enters. Out: a call of the listener for each, and `RunStopped` where the run is no longer wanted. A run
is followed by the thread or task that it belongs to (a context variable), so nothing is handed down through the rooms; where
nobody follows, both cost next to nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class RunStopped(BaseException):
    """The run is no longer wanted."""


class Follower:
    """Who waits for a run.

    Args:
        on_stage: Is told each stage, in the words of a message: `reading the code`.
    """

    def __init__(self, on_stage: Callable[[str], object]) -> None:
        self.on_stage = on_stage
        self.stopped = False

    def stop(self) -> None:
        """Ask the run to end; it does at its next step."""
        self.stopped = True


_FOLLOWER: ContextVar[Follower | None] = ContextVar("archviz_follower", default=None)


@contextmanager
def followed_by(follower: Follower) -> Iterator[None]:
    """Have a follower for what runs inside."""
    token = _FOLLOWER.set(follower)
    try:
        yield
    finally:
        _FOLLOWER.reset(token)


def follower() -> Follower | None:
    """Who follows the run that this is part of."""
    return _FOLLOWER.get()


def stop_if_unwanted() -> None:
    """End the run where it is no longer wanted.

    Raises:
        RunStopped: Its follower stopped it.
    """
    if (waits := _FOLLOWER.get()) is not None and waits.stopped:
        raise RunStopped


def enter_stage(stage: str) -> None:
    """Say what is done next.

    Raises:
        RunStopped: The run is no longer wanted.
    """
    if (waits := _FOLLOWER.get()) is not None:
        if waits.stopped:
            raise RunStopped
        waits.on_stage(stage)
