from __future__ import annotations

from pathlib import Path

import pytest

from archviz.errors import (
    ONLINE_AGAIN,
    AmbiguousNameError,
    ArchvizError,
    BadFigureError,
    BudgetExceededError,
    GatedError,
    ModelNotFoundError,
    NotAskedError,
    OfflineError,
    RateLimitedError,
    SourceUnavailableError,
    UnsupportedCodeError,
    UsageError,
)
from archviz.service.callers import CALLER, Caller
from archviz.service.desk import BusyError
from archviz.service.failures import failure, failure_result
from archviz.service.outputs import OutputRoot


def test_each_error_says_what_it_knows_and_what_to_do_next() -> None:
    errors: list[tuple[ArchvizError, dict[str, object], str]] = [
        (ModelNotFoundError("no", candidates=["a/b"]), {"error": "not_found", "candidates": ["a/b"]}, "Never draw a near name"),
        (AmbiguousNameError("two", candidates=["a", "b"]), {"error": "ambiguous", "candidates": ["a", "b"]}, "Ask the user"),
        (GatedError("closed"), {"error": "gated"}, "let them in"),
        (RateLimitedError("slow", retry_after=7.0), {"error": "rate_limited", "retry_after": 7.0}, "retry_after"),
        (RateLimitedError("slow", retry_after=76.03), {"retry_after": 77.0}, "as many seconds as retry_after"),
        (BadFigureError("odd", where="stages[0]"), {"error": "bad_figure"}, "archviz://references/diagram-config.md has its format"),
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


def test_a_client_of_another_machine_is_told_no_path_of_this_one(tmp_path: Path) -> None:
    error = UsageError(f"{tmp_path}/deep/config.json: no", where=str(tmp_path), hint=f"see '{tmp_path}/a' (/tensors)")
    assert str(tmp_path) in str(failure(error))
    token = CALLER.set(Caller(OutputRoot(tmp_path), remote=True))
    told = failure(error)
    CALLER.reset(token)
    assert (told["message"], told["hint"]) == ("config.json: no", "see 'a' (/tensors)")
    assert "where" not in told


@pytest.mark.parametrize("rest", ["", "/", "/figure.json"])
def test_a_folder_that_is_gone_is_not_told(rest: str) -> None:
    assert ".draw-" not in str(failure(UsageError(f"/srv/out/client-1/.draw-d2_q7d{rest}: no")))


def test_an_option_of_a_command_is_told_as_the_argument() -> None:
    assert failure(UsageError("no", where="--class"))["where"] == "class_name"


def test_hints_name_tools_and_arguments_where_commands_and_options_stood() -> None:
    told = failure(UsageError("no", where="--class", hint="archviz describe shows them; --class NAME another"))
    assert told["hint"] == "describe_architecture shows them; class_name another"
    assert failure(UsageError("no", where="/tmp/.draw-x/figure.json"))["where"] == "figure"


def test_the_next_step_names_a_hint_only_where_there_is_one() -> None:
    assert "hint" in str(failure(UsageError("no", hint="so"))["next"])
    assert "hint" not in str(failure(UsageError("no"))["next"])
    near = failure(OfflineError("not asked", hint=f"near names: llama\n  {ONLINE_AGAIN}"))
    assert near["hint"] == "near names: llama"
    often = failure(NotAskedError("the Hub was not asked: one run asks 6 times", hint="Run it again."))
    assert "Call again" in str(often["next"])
    told = failure(OfflineError("not asked", hint=ONLINE_AGAIN))
    assert "hint" not in told
    assert "--offline" in str(told["next"])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("cannot read /work/models/x.json", "cannot read x.json"),
        ("no '/srv/my models/x.json' there", "no 'x.json' there"),
        ("where:/opt/a/b.py:3", "where:b.py:3"),
        ("of ~root/x/y", "of y"),
        ("/blocks/0 and https://huggingface.co/a/b and a/b, about ~60", None),
        ("part='/layers/0/kinds', 3 / 4", None),
    ],
)
def test_paths_of_any_folder_are_cut_and_pointers_and_addresses_are_not(
    tmp_path: Path, text: str, told: str | None
) -> None:
    token = CALLER.set(Caller(OutputRoot(tmp_path), remote=True))
    message = failure(UsageError(text))["message"]
    CALLER.reset(token)
    assert message == (told or text)


def test_a_place_in_a_figure_is_told_without_the_file_that_it_was_read_from() -> None:
    assert failure(UsageError("no", where="figure.json: stages[0].name"))["where"] == "stages[0].name"


def test_candidates_are_spoken_of_only_where_there_are_some() -> None:
    assert "candidates" not in str(failure(ModelNotFoundError("no"))["next"])
    assert "candidates" in str(failure(ModelNotFoundError("no", candidates=["a/b"]))["next"])


def test_a_place_that_is_empty_is_left_out() -> None:
    assert "where" not in failure(UsageError("the document has no such part", where=""))
