from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archviz.figure.contrast import contrast
from archviz.figure.diagram_colours import colour_names, hex_colour, near_colours, over, readable_on


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("lightgreen", "#90ee90"),
        ("LightCoral", "#f08080"),
        ("wheat", "#f5deb3"),
        ("lightgrey", "#d3d3d3"),
        ("gray", "#808080"),
        ("gray100", "#ffffff"),
        ("lightblue2", "#b2dfee"),
        ("#abc", "#aabbcc"),
        ("#FFE4B5", "#ffe4b5"),
        ("#ffe4b580", "#ffe4b580"),
    ],
)
def test_names_and_hex_are_colours(written: str, meant: str) -> None:
    assert hex_colour(written) == meant


@pytest.mark.parametrize(
    "written", ["", "reddish", "#12", "#12345", "#ggg", "rgb(1,2,3)", "gray101", "lightblue5", "red;"]
)
def test_anything_else_is_none(written: str) -> None:
    assert hex_colour(written) is None


def test_a_misspelt_name_has_near_ones() -> None:
    assert "lightgreen" in near_colours("lightgren")


@given(st.sampled_from(sorted(colour_names().values())))
def test_text_is_readable_on_every_named_colour(background: str) -> None:
    assert contrast(readable_on(background, "#000000", "#ffffff"), background) >= 4.5


def test_a_translucent_colour_mixes_with_what_is_below() -> None:
    assert over("#00000000", "#123456") == "#123456"
    assert over("#abcdefff", "#000000") == "#abcdef"
