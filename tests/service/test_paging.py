from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archviz.errors import UsageError
from archviz.service.paging import cut_to_fit, find_part, outline, page_of, size_of

DOCUMENT = {"layers": [{"id": "a"}, {"id": "b"}], "a/b": {"~": 1}, "none": None}
JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=30),
    lambda child: st.lists(child, max_size=8) | st.dictionaries(st.text(max_size=8), child, max_size=8),
    max_leaves=40,
)


@pytest.mark.parametrize(
    ("pointer", "value"),
    [("", DOCUMENT), ("/layers/1/id", "b"), ("/a~1b/~0", 1), ("/none", None), ("/layers", DOCUMENT["layers"])],
)
def test_a_pointer_names_a_value(pointer: str, value: object) -> None:
    assert find_part(DOCUMENT, pointer) == value


@pytest.mark.parametrize(
    "pointer",
    ["layers", "/nothing", "/layers/2", "/layers/-1", "/layers/²", "/layers/0/id/x", "/", "/layers/" + "9" * 5000],
)
def test_a_pointer_to_nothing_says_what_is_there(pointer: str) -> None:
    with pytest.raises(UsageError) as caught:
        find_part(DOCUMENT, pointer)
    assert caught.value.hint
    assert len(caught.value.message) < 300


def test_a_large_item_stands_as_an_outline_that_names_its_part() -> None:
    page = page_of({"small": 1, "large": ["x" * 100] * 100}, "/modules", budget=1000)
    assert page.value == {"small": 1, "large": {"part": "/modules/large", "kind": "array", "items": 100}}
    assert page.next_offset is None


def test_an_outline_escapes_its_key() -> None:
    page = page_of({"a/b": ["x" * 100] * 10}, "", budget=500)
    assert page.value == {"a/b": outline([1] * 10, "/a~1b")}


def test_pages_go_on_where_the_last_ended() -> None:
    items = [f"tensor.{index}" for index in range(1000)]
    seen: list[object] = []
    offset: int | None = 0
    while offset is not None:
        page = page_of(items, "/tensors", offset, budget=700)
        assert isinstance(page.value, list)
        assert size_of(page.value) <= 700
        seen += page.value
        offset = page.next_offset
    assert seen == items


def test_a_long_text_is_paged_by_characters_as_many_as_fit() -> None:
    text = "é" * 5000
    first = page_of(text, "/x", budget=1000)
    second = page_of(text, "/x", first.next_offset or 0, budget=1000)
    assert first.value == second.value == "é" * 500
    assert (second.offset, second.next_offset) == (500, 1000)


def test_a_character_is_never_cut_and_paging_a_text_always_ends() -> None:
    text = "aé漢𝄞\ud800b" * 40
    read, offset = "", 0
    while offset is not None:
        page = page_of(text, "", offset, budget=3)
        read += page.value
        offset = page.next_offset
    assert read == text


@pytest.mark.parametrize("value", [["a"], {"a": 1}, "abc"])
def test_an_offset_behind_the_end_is_refused(value: object) -> None:
    with pytest.raises(UsageError, match="behind the end"):
        page_of(value, "/x", 7)


def test_the_length_of_a_text_is_told_in_characters() -> None:
    with pytest.raises(UsageError) as caught:
        page_of("x" * 1234, "", 9999)
    assert caught.value.hint == "there are 1,234 characters"


@given(JSON, st.integers(100, 400))
def test_paging_always_ends_and_shows_every_item_once(value: object, budget: int) -> None:
    count, offset = 0, 0
    while True:
        page = page_of(value, "/x", offset, budget)
        count += page.returned
        if page.next_offset is None:
            break
        assert page.next_offset > offset
        offset = page.next_offset
    assert count == page.total


def test_cutting_takes_from_the_least_needed_first_and_says_how_much() -> None:
    answer: dict[str, object] = {"rows": list(range(1000)), "facts": {"a": 1}, "total": 7}
    cut = cut_to_fit(answer, ("rows", "facts"), budget=300)
    rows = answer["rows"]
    assert isinstance(rows, list)
    assert size_of(answer) <= 300
    assert answer["facts"] == {"a": 1}
    assert cut == {"rows": 1000 - len(rows)}


def test_an_answer_that_fits_is_left_alone() -> None:
    answer: dict[str, object] = {"rows": [1, 2]}
    assert cut_to_fit(answer, ("rows",)) == {}
    assert answer == {"rows": [1, 2]}


def test_what_is_too_large_stands_with_its_title() -> None:
    assert outline({"title": "MoE", "nodes": []}, "/blocks/2")["title"] == "MoE"
    assert "title" not in outline({"title": 3}, "/x")
