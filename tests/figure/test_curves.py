from __future__ import annotations

from itertools import pairwise

import pytest

from archviz.emit import svg
from archviz.figure.curves import Axis, Curve, curve_chart, ticks
from archviz.figure.display import DisplayList, Text
from archviz.figure.theme import LIGHT


def chart(*curves: Curve) -> DisplayList:
    plain = Axis("tokens", lambda value: f"{value:g}")
    return curve_chart("Model", "memory", curves, plain, plain, LIGHT, [10.0])


def names(display: DisplayList) -> list[Text]:
    group = next(group for group in display.groups() if group.id == "names")
    return [item for item in group.items if isinstance(item, Text)]


def test_every_curve_is_named_at_its_end_and_described() -> None:
    drawn = chart(Curve("kept", ((0.0, 0.0), (10.0, 4.0))), Curve("reserved", ((0.0, 0.0), (10.0, 9.0))))
    assert [text.content for text in names(drawn)] == ["reserved  9", "kept  4"]
    assert drawn.description == "kept: 4 at 10; reserved: 9 at 10"
    assert svg.emit(drawn).startswith(b"<")


def test_names_of_curves_that_end_together_stand_apart_and_above_the_axis() -> None:
    flat = [Curve(f"curve {n}", ((0.0, 0.0), (10.0, 0.001 * n))) for n in range(4)]
    places = sorted(text.y for text in names(chart(Curve("tall", ((0.0, 0.0), (10.0, 5.0))), *flat)))
    assert min(b - a for a, b in pairwise(places)) >= 18
    assert places[-1] <= 520 - 64 + 6


def test_a_curve_of_nothing_is_drawn() -> None:
    assert names(chart(Curve("none", ((0.0, 0.0), (10.0, 0.0)))))


@pytest.mark.parametrize("most", [0.3, 1.0, 7.4, 19.0, 1023.0, 5e6, 3e12])
@pytest.mark.parametrize("base", [10.0, 1024.0])
def test_ticks_are_round_and_reach_the_top(most: float, base: float) -> None:
    found = ticks(most, base)
    assert found[0] == 0
    assert found[-1] >= most
    assert 3 <= len(found) <= 10
