from __future__ import annotations

from typing import Any

import pytest

from archviz.errors import UsageError
from archviz.service.closed_tool import MOST_CHARACTERS, check_names, check_texts, compact


@pytest.mark.parametrize(
    "value",
    [
        "a\x00b",
        "a\x1b[31m",
        "a\nb",
        "\ud800",
        "a\x7f",
        "x" * (MOST_CHARACTERS + 1),
        "",
        "  ",
        ["ok", "a\x00"],
        ["x" * 600] * 2,
        {"a\x00": 1},
    ],
)
def test_over_long_empty_and_control_characters_are_refused_wherever_they_stand(value: Any) -> None:
    with pytest.raises(UsageError) as caught:
        check_texts({"model": value})
    assert caught.value.where == "model"


@pytest.mark.parametrize("value", ["Qwen/Qwen3-0.6B", "模型 – é", 7, None, True, ["a", "b"], {"a": [1, {"b": "c"}]}])
def test_what_people_write_is_let_through(value: Any) -> None:
    check_texts({"model": value})


def test_a_figure_may_be_long_and_hold_lines_but_no_control_characters() -> None:
    check_texts({"figure": {"details": "a\n\tb" * 10_000}})
    with pytest.raises(UsageError):
        check_texts({"figure": {"details": "a\x00"}})
    with pytest.raises(UsageError):
        check_texts({"figure": {"details": "x" * 1_000_001}})


def test_a_bottomless_figure_is_refused() -> None:
    figure: dict[str, Any] = {}
    for _ in range(5_000):
        figure = {"a": figure}
    with pytest.raises(UsageError, match="nested"):
        check_texts({"figure": figure})


def test_an_argument_that_a_tool_does_not_have_is_refused_with_those_that_it_has() -> None:
    check_names({"model": 1}, ["model", "part"])
    with pytest.raises(UsageError) as caught:
        check_names({"output\x1b": "/etc"}, ["model", "part"])
    assert "model, part" in (caught.value.hint or "")
    assert "\x1b" not in str(caught.value)


def test_a_schema_is_made_compact_and_says_the_same() -> None:
    schema = {
        "title": "Arguments",
        "properties": {
            "title": {
                "title": "Title",
                "anyOf": [{"type": "string", "maxLength": 5}, {"type": "null"}],
                "default": None,
            },
            "view": {"enum": ["a", "b"], "type": "string", "default": "a"},
            "any": {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]},
        },
        "type": "object",
    }
    assert compact(schema) == {
        "properties": {
            "title": {"type": "string", "maxLength": 5},
            "view": {"enum": ["a", "b"], "default": "a"},
            "any": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        },
        "type": "object",
    }
