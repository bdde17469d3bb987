"""The exception tree: a class per thing that a caller can do about it, each with its exit status.

    ArchvizError                  exit status 1
    ├── UsageError                2  the request itself is wrong: an option, a file, a value
    │   ├── BadConfigError        2  a configuration that is malformed, or that the official code refuses
    │   │   └── UnsupportedCodeError 2  code that decides whether there is a model at all, and is not understood; `part` says which
    │   └── BadFigureError        2  a hand-written diagram config that cannot be drawn
    ├── ModelNotFoundError        3  no model of exactly this name; `candidates` are near names
    │   └── AmbiguousNameError    3  the name fits several models; `candidates` are they
    ├── SourceUnavailableError    4  a source could not be reached
    │   ├── OfflineError          4  it was not to be asked (--offline), and nothing is stored
    │   ├── RateLimitedError      4  it asks to wait; `retry_after` is for how many seconds
    │   ├── GatedError            4  its files are given only to those whom its owner lets in
    │   └── BadResponseError      4  its answer is cut short, too large, malformed or from elsewhere
    ├── BudgetExceededError       1  a bound on steps, depth, size or time was reached
    └── VerificationConflictError 6  a claim contradicts code, config or headers

Exit status 5, "done with gaps", is not an error: the result is there and lists its gaps.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence

from archviz.outlets import outlast_readers


class ArchvizError(Exception):
    """Base of all errors that archviz raises on purpose.

    Args:
        message: What was wrong, in one sentence, with the offending value.
        where: The file, key or place in the code that it is about.
        hint: What to do next.
    """

    exit_status = 1
    code = "internal"

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        text = self.message
        if self.where:
            text += f" (in {self.where})"
        if self.hint:
            text += f"\n  {self.hint}"
        return text

    @property
    def sentence(self) -> str:
        """What was wrong as a sentence of its own, without its full stop; an id that it begins with keeps its letters."""
        text = self.message.rstrip(". ")
        return text if "/" in text.partition(" ")[0] else f"{text[:1].upper()}{text[1:]}"

    def as_dict(self) -> dict[str, object]:
        """The error as data, for `--json` and for MCP results."""
        return {"error": self.code, "message": self.message, "where": self.where, "hint": self.hint}


class UsageError(ArchvizError):
    exit_status = 2
    code = "usage"


class BadConfigError(UsageError):
    code = "bad_config"


class UnsupportedCodeError(BadConfigError):
    code = "unsupported"

    def __init__(self, message: str, *, part: str, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, where=where, hint=hint)
        self.part = part

    def as_dict(self) -> dict[str, object]:
        return {**super().as_dict(), "part": self.part, "at": self.where}


class BadFigureError(UsageError):
    code = "bad_figure"


class ModelNotFoundError(ArchvizError):
    exit_status = 3
    code = "not_found"

    def __init__(
        self,
        message: str,
        *,
        candidates: Sequence[str] = (),
        where: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.candidates = list(candidates)

    def as_dict(self) -> dict[str, object]:
        return {**super().as_dict(), "candidates": self.candidates}


class AmbiguousNameError(ModelNotFoundError):
    code = "ambiguous"


class SourceUnavailableError(ArchvizError):
    exit_status = 4
    code = "unreachable"


ONLINE_AGAIN = "Run the command once without --offline."


class OfflineError(SourceUnavailableError):
    code = "offline"


class NotAskedError(OfflineError):
    """Nobody was asked, because the command has asked as often as it may; what it learnt is kept, so it can go on from there."""


class RateLimitedError(SourceUnavailableError):
    code = "rate_limited"

    def __init__(
        self, message: str, *, retry_after: float | None = None, where: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.retry_after = None if retry_after is None else float(math.ceil(retry_after))  # whole seconds, none too few

    def as_dict(self) -> dict[str, object]:
        return {**super().as_dict(), "retry_after": self.retry_after}


class GatedError(SourceUnavailableError):
    code = "gated"


class BadResponseError(SourceUnavailableError):
    code = "bad_response"


class BudgetExceededError(ArchvizError):
    code = "too_large"


class VerificationConflictError(ArchvizError):
    exit_status = 6
    code = "conflict"


EXIT_DONE_WITH_GAPS = 5


def printable(text: str, *, lines: bool = False) -> str:
    """Text from a model as a terminal may get it: without control characters, on one line unless it may have several.

    >>> printable("a\\x1b[31mb\\nc")
    'a\\\\x1b[31mb\\\\x0ac'
    """
    return "".join(c if c.isprintable() or (lines and c == "\n") else f"\\x{ord(c):02x}" for c in text)


def say_error(program: str, error: ArchvizError) -> int:
    """One error on stderr, as commands and scripts print it; its exit status."""
    sys.stderr.write(f"{program}: error: {printable(str(error), lines=True)}\n")
    return error.exit_status


def lacking_package(error: Exception) -> UsageError | None:
    """What to tell where a package of others is not installed; None of any other error.

    >>> print(lacking_package(ModuleNotFoundError("…", name="bs4.element")))
    the Python module bs4, which archviz needs, is not installed
      pip install archviz brings it, in a checkout pip install .; uv run SCRIPT … brings it for a script
    >>> lacking_package(ModuleNotFoundError("…", name="archviz.absent")), lacking_package(KeyError("bs4"))
    (None, None)
    """
    top = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    if top in ("", "archviz") or top in sys.stdlib_module_names:
        return None
    return UsageError(
        f"the Python module {top}, which archviz needs, is not installed",
        hint="pip install archviz brings it, in a checkout pip install .; uv run SCRIPT … brings it for a script",
    )


def run_reporting(program: str, run: Callable[[], int]) -> int:
    """Run a script; a failure is one line on stderr and an exit status, never a traceback."""
    outlast_readers()
    try:
        return run()
    except ArchvizError as error:
        return say_error(program, error)
    except OSError as error:
        return say_error(program, UsageError(error.strerror or str(error), where=str(error.filename)))
    except Exception as error:  # noqa: BLE001 - whoever runs a script gets a message
        fault = ArchvizError(f"internal fault: {type(error).__name__}: {error}")
        return say_error(program, lacking_package(error) or fault)
