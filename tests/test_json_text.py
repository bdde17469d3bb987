"""JSON texts: what is wrong with one is said in words, with its place; what is odd is listed."""

from __future__ import annotations

import pytest

from archviz.errors import UsageError
from archviz.json_text import parse_json_text


@pytest.mark.parametrize(
    ("text", "message", "where", "hint"),
    [
        (b" ", "the file is empty", "x.json", "check that it was written, or copied whole"),
        (b'{"a": "b', "truncated JSON: the text that begins here has no closing quote", "x.json, line 1, column 7", "check that it was copied or fetched whole"),
        (b'{"a": ', "truncated JSON: the text ends here, before the JSON does", "x.json, line 1, column 7", "check that it was copied or fetched whole"),
        (b'{"a" 1}', "malformed JSON: a colon belongs here", "x.json, line 1, column 6", "check commas, quotes and brackets just before this place; comments are not JSON"),
        (b"{} {}", "malformed JSON: the JSON has ended before this", "x.json, line 1, column 4", "check commas, quotes and brackets just before this place; comments are not JSON"),
        (b"[" * 100_000, "the JSON is nested too deeply", "x.json", "what is read here is a few levels deep"),
        (b"[" + b"1" * 21 + b"]", "the JSON holds a number of 21 digits", "x.json", "shorten the number"),
        (b'{"a":\n"\xff"}', "not UTF-8: byte 0xff at offset 7", "x.json, line 2", "save the file as UTF-8"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said(text: bytes, message: str, where: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_json_text(text, "x.json", UsageError)
    assert (caught.value.message, caught.value.where, caught.value.hint) == (message, where, hint)


def test_keys_given_twice_and_odd_numbers_have_their_paths() -> None:
    read = parse_json_text(b'{"a": {"b": 1, "b": 2}, "c": [0, Infinity, {"d": NaN}]}', "x.json", UsageError)
    assert read.value["a"] == {"b": 2}
    assert read.twice == [("a", "b")]
    assert {path for path, _ in read.odd} == {("c", 1), ("c", 2, "d")}
