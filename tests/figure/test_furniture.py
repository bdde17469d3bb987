from __future__ import annotations

from archviz.figure.display import Text
from archviz.figure.furniture import paint_footers, paint_title
from archviz.figure.model import Words
from archviz.figure.theme import LIGHT


def test_what_a_title_or_a_footer_has_no_room_for_is_told_by_its_end() -> None:
    _, subtitle = paint_title("Model", "a word and " * 100, 0, 400, LIGHT)
    footers, height = paint_footers([(Words("Source: ", strong=True), Words("a word and " * 200))], 0, 0, 400, LIGHT)
    lines = [item.content for item in footers if isinstance(item, Text)]
    assert isinstance(subtitle, Text)
    assert subtitle.content.endswith("…")
    assert [line.endswith("…") for line in lines] == [False] * 7 + [True]
    assert height == len(lines) * 13.0 * 1.4


def test_one_that_has_room_is_whole() -> None:
    footers, _ = paint_footers([(Words("a few words"),)], 0, 0, 400, LIGHT)
    assert [item.content for item in footers if isinstance(item, Text)] == ["a few words"]
