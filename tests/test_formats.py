from __future__ import annotations

from pathlib import Path

import pytest

from archviz.errors import UsageError
from archviz.formats import FORMATS, THEMES, figure_name, parse_formats, parse_width, split_suffix


@pytest.mark.parametrize(
    ("text", "formats"), [("png", ["png"]), ("svg, PNG ,svg", ["svg", "png"]), (",pdf,", ["pdf"]), ("dot", ["dot"])]
)
def test_formats_are_read_in_order_each_once(text: str, formats: list[str]) -> None:
    assert parse_formats(text) == formats


@pytest.mark.parametrize(
    ("text", "says"),
    [("0", "a figure of width 0 cannot be drawn"), ("wide", "'wide' is no width"), ("9999cm", "cannot be drawn")],
)
def test_a_width_that_no_figure_has_is_told_from_what_is_no_width(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        parse_width(text)


@pytest.mark.parametrize("text", ["", ",", "gif", "png,gif", "png svg"])
def test_what_is_no_format_is_refused_with_the_formats_there_are(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_formats(text)
    assert caught.value.hint == f"formats are {', '.join(FORMATS)}"


@pytest.mark.parametrize(
    ("output", "stem", "suffix"),
    [("a.svg", "a", "svg"), ("out/Qwen3.5", "out/Qwen3.5", None), ("a.PNG", "a", "png"), ("a.b.dot", "a.b", "dot")],
)
def test_only_the_suffix_of_a_format_is_taken_off(output: str, stem: str, suffix: str | None) -> None:
    assert split_suffix(Path(output)) == (Path(stem), suffix)


@pytest.mark.parametrize(
    ("source", "stem"),
    [
        ("Qwen/Qwen3-0.6B@main", "Qwen3-0.6B"),
        ("transformers:qwen3", "qwen3"),
        ("somewhere/mine.json", "mine"),
        ("somewhere/model/config.json", "model"),
        ("somewhere/model/", "model"),
        ("x/" + "y" * 5_000, "y" * 120),
    ],
)
def test_a_drawing_without_output_is_named_after_its_source(source: str, stem: str) -> None:
    assert figure_name(source) == stem


def test_the_themes_are_those_that_the_figure_has() -> None:
    from archviz.figure.theme import THEMES as DRAWN

    assert set(THEMES) == set(DRAWN)


@pytest.mark.parametrize("name", ["figure.bmp", "figure.JPG", "figure.gif"])
def test_the_suffix_of_a_picture_that_is_not_written_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="no such format"):
        split_suffix(Path(name))
