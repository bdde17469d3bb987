from __future__ import annotations

import json

import pytest

from archviz.errors import UsageError
from archviz.service.answering import line, lines, refuse_idle, result_of
from archviz.service.results import DocumentAnswer


def test_what_says_nothing_is_left_out_and_null_stands_only_in_lists() -> None:
    answer = DocumentAnswer(model="m", kind="memory", summary={"a": None, "b": [1, None, {"c": None, "d": 0}]})
    result = result_of(answer)
    assert result.structured_content == {"model": "m", "kind": "memory", "summary": {"b": [1, None, {"d": 0}]}}
    assert json.loads(result.content[0].text) == result.structured_content  # type: ignore[union-attr]


def test_texts_stand_on_one_line_and_many_are_counted() -> None:
    assert line("a\n b" + "x" * 300).endswith("…")
    assert lines(["a\nb"] * 10, 2) == ["a b", "a b", "… and 8 more"]


@pytest.mark.parametrize(
    ("purpose", "hint"),
    [
        ("view=module", "give view=module too, or leave module out"),
        ("what code builds, not for stored=true", "leave module out"),
        ("a model", "leave module out"),
    ],
)
def test_an_argument_that_changes_nothing_leads_on(purpose: str, hint: str) -> None:
    refuse_idle("module", None, purpose)
    with pytest.raises(UsageError) as caught:
        refuse_idle("module", "model.layers.0", purpose)
    assert (caught.value.where, caught.value.hint) == ("module", hint)
