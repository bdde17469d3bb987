"""How control leaves a statement: return, break, continue, an interpreted exception, a spent budget."""

from __future__ import annotations

from typing import Any

from archviz.spans import Span


class ReturnSignal(Exception):
    def __init__(self, value: Any) -> None:
        self.value = value


class BreakSignal(Exception):
    pass


class ContinueSignal(Exception):
    pass


LEAVING = (ReturnSignal, BreakSignal, ContinueSignal)


class RaisedError(Exception):
    """An exception of the interpreted program on its way up.

    Args:
        value: A Python exception object, or an Instance of an interpreted exception class.
        at: The line that raised it.
        explicit: The program itself raised it (`raise`), so it is the official code's own refusal.
    """

    def __init__(self, value: Any, at: Span | None, *, explicit: bool) -> None:
        self.value = value
        self.at = at
        self.explicit = explicit

    def __str__(self) -> str:
        name = type(self.value).__name__ if isinstance(self.value, BaseException) else self.value.cls.name
        text = str(self.value) if isinstance(self.value, BaseException) else str(self.value.payload or "")
        return f"{name}: {text}"


class UnsupportedError(Exception):
    """The interpreter met something it has no rule for; statements turn it into a gap.

    Args:
        reason: What it was.
        at: Where.
    """

    def __init__(self, reason: str, at: Span | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.at = at


class BudgetSpentError(Exception):
    """A bound of `Limits` was reached: which one, and where.  Never caught by interpreted `except`."""

    def __init__(self, reason: str, at: Span | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.at = at
