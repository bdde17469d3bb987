from __future__ import annotations

import pytest

from archviz.figure.display import Text
from archviz.figure.fonts import measure
from archviz.figure.model import Arrow
from archviz.figure.paint import Frame
from archviz.figure.theme import LIGHT
from archviz.figure.wire_labels import SIZE, paint_wire_labels


@pytest.mark.parametrize(("room", "shown"), [(10.0, 1), (16.0, 2)])
def test_numbers_on_two_wires_beside_each_other_do_not_read_as_one(room: float, shown: int) -> None:
    """Between the wires both fit, but with 10 px for both distances to the wires only 2 px apart."""
    far = 100.0 + 2 * measure("2048", SIZE, 500) + room
    arrows = [Arrow("a", "split", "one", label="2048"), Arrow("b", "split", "two", label="2048")]
    routes = [((100.0, 100.0), (100.0, 92.0)), ((far, 100.0), (far, 92.0))]
    walls = [Frame(0, 0, 98, 200), Frame(far + 2, 0, 98, 200)]
    painted = paint_wire_labels(arrows, routes, walls, Frame(0, 0, 400, 200), LIGHT)
    assert [item.content for group in painted for item in group.items if isinstance(item, Text)] == ["2048"] * shown
