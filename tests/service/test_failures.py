from __future__ import annotations

from archviz.errors import (
    AmbiguousNameError,
    ArchvizError,
    BudgetExceededError,
    GatedError,
    ModelNotFoundError,
    RateLimitedError,
    SourceUnavailableError,
    UnsupportedCodeError,
)
from archviz.service.desk import BusyError
from archviz.service.failures import failure, failure_result


def test_each_error_says_what_it_knows_and_what_to_do_next() -> None:
    errors: list[tuple[ArchvizError, dict[str, object], str]] = [
        (ModelNotFoundError("no", candidates=["a/b"]), {"error": "not_found", "candidates": ["a/b"]}, "Never draw a near name"),
        (AmbiguousNameError("two", candidates=["a", "b"]), {"error": "ambiguous", "candidates": ["a", "b"]}, "Ask the user"),
        (GatedError("closed"), {"error": "gated"}, "let them in"),
        (RateLimitedError("slow", retry_after=7.0), {"error": "rate_limited", "retry_after": 7.0}, "retry_after"),
        (SourceUnavailableError("away"), {"error": "unreachable"}, "later"),
        (UnsupportedCodeError("odd", part="Mixer", where="m.py:3"), {"error": "unsupported", "part": "Mixer", "at": "m.py:3"}, "verify_code"),
        (BudgetExceededError("big"), {"error": "too_large"}, "smaller"),
        (BusyError("much"), {"error": "busy", "retry_after": 2.0}, "retry_after"),
    ]  # fmt: skip
    for error, told, following in errors:
        data = failure(error)
        assert told.items() <= data.items()
        assert following in str(data["next"])
        assert None not in data.values()
        assert failure_result(error).is_error


def test_only_ten_candidates_are_told() -> None:
    candidates = failure(ModelNotFoundError("no", candidates=[str(number) for number in range(50)]))["candidates"]
    assert candidates == [str(number) for number in range(10)]
