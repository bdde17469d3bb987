"""Room for deep calls: a function whose callees share one piece of CPython's stack of frames."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import TypeVar, cast

Function = TypeVar("Function", bound=Callable[..., object])
WIDTH = 66_000  # words: a little over 512 KiB, so that CPython takes 1 MiB, and leaves the rest to the calls below


def with_stack_room(function: Function) -> Function:
    """The same function, below which calls may nest some two thousand deep without asking the system for memory.

    CPython keeps frames in pieces of 16 KiB and gives a piece back when the call that needed it returns
    (`push_chunk` and `_PyThreadState_PopFrame` in `Python/pystate.c`, since 3.11). An interpreter's recursion swings across the
    border of a piece all the time, each time with a system call and new pages: a tenth of the time of reading many models. A frame
    that claims to be wide takes a larger piece at once; what of it is never touched costs nothing.
    """

    def roomy(*args: object, **kwargs: object) -> object:
        return function(*args, **kwargs)

    with suppress(AttributeError, ValueError, OverflowError):  # another Python, which has no such pieces
        roomy.__code__ = roomy.__code__.replace(co_stacksize=WIDTH)
    return cast("Function", wraps(function)(roomy))
