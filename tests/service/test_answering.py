from __future__ import annotations

import json

from archviz.service.answering import line, lines, result_of
from archviz.service.results import DocumentAnswer


def test_what_says_nothing_is_left_out_and_null_stands_only_in_lists() -> None:
    answer = DocumentAnswer(model="m", kind="memory", summary={"a": None, "b": [1, None, {"c": None, "d": 0}]})
    result = result_of(answer)
    assert result.structured_content == {"model": "m", "kind": "memory", "summary": {"b": [1, None, {"d": 0}]}}
    assert json.loads(result.content[0].text) == result.structured_content  # type: ignore[union-attr]


def test_texts_stand_on_one_line_and_many_are_counted() -> None:
    assert line("a\n b" + "x" * 300).endswith("…")
    assert lines(["a\nb"] * 10, 2) == ["a b", "a b", "… and 8 more"]
