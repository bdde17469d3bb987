"""`with` blocks of the interpreter itself: code in a frame of its own, and code whose errors somebody waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archviz.interpreter.control import BudgetSpentError
from archviz.interpreter.scope import Frame

if TYPE_CHECKING:
    from archviz.interpreter.machine import Interpreter


class Entered:
    """A `with` block that runs in a frame of its own."""

    __slots__ = ("frame", "interp", "previous")

    def __init__(self, interp: Interpreter, frame: Frame) -> None:
        self.interp = interp
        self.frame = frame

    def __enter__(self) -> None:
        self.previous = self.interp.enter_frame(self.frame)
        try:
            self.interp.step()
        except BudgetSpentError:
            self.interp.leave_frame(self.previous)
            raise

    def __exit__(self, *error: object) -> None:
        self.interp.leave_frame(self.previous)


class Guarded:
    """A `with` block whose errors a handler of the interpreted program waits for."""

    __slots__ = ("interp",)

    def __init__(self, interp: Interpreter) -> None:
        self.interp = interp

    def __enter__(self) -> None:
        self.interp.guards += 1

    def __exit__(self, *error: object) -> None:
        self.interp.guards -= 1
