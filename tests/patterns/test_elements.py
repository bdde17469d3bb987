"""Elements followed back through moves and arithmetic, on the ops of a few lines."""

from __future__ import annotations

import pytest

from archviz.interpreter.reading import Event, ValueRef
from archviz.patterns.elements import Element, Elements
from archviz.patterns.linear_forms import LinearForm
from archviz.patterns.moves import NotFollowed, Place, source_of


def op(name: str, inputs: list[ValueRef], outputs: list[ValueRef], **options: object) -> Event:
    return Event(
        0, "op", "m", name, tuple(inputs), tuple(outputs), options={k.lstrip("_"): v for k, v in options.items()}
    )


def value(number: int, *shape: int) -> ValueRef:
    return ValueRef(number, shape, "float32")


@pytest.mark.parametrize(
    ("event", "place", "source"),
    [
        (op("view", [value(1, 2, 6)], [value(2, 2, 3, 2)]), (1, 2, 0), (0, (1, 4))),
        (op("transpose", [value(1, 2, 3)], [value(2, 3, 2)], _1=0, _2=1), (2, 1), (0, (1, 2))),
        (op("permute", [value(1, 2, 3, 4)], [value(2, 4, 2, 3)], _1=2, _2=0, _3=1), (3, 1, 2), (0, (1, 2, 3))),
        (op("expand", [value(1, 1, 3)], [value(2, 5, 3)]), (4, 2), (0, (0, 2))),
        (op("repeat", [value(1, 2, 3)], [value(2, 4, 3)]), (3, 2), (0, (1, 2))),
        (op("repeat_interleave", [value(1, 2, 3)], [value(2, 2, 6)], _1=2, dim=-1), (1, 5), (0, (1, 2))),
        (op("cat", [value(1, 2, 3), value(2, 2, 4)], [value(3, 2, 7)], dim=-1), (1, 5), (1, (1, 2))),
        (op("stack", [value(1, 3), value(2, 3)], [value(3, 3, 2)], dim=-1), (2, 1), (1, (2,))),
        (op("chunk", [value(1, 2, 6)], [value(2, 2, 3), value(3, 2, 3)], dim=-1), (1, 2), (0, (1, 2))),
        (op("slice", [value(1, 2, 6)], [value(2, 2, 3)], index="..., 1::2"), (1, 2), (0, (1, 5))),
        (op("slice", [value(1, 2, 6)], [value(2, 2, 2)], index=":, -2:"), (1, 1), (0, (1, 5))),
        (op("getitem", [value(1, 2, 6)], [value(2, 2, 1, 6)]), (1, 0, 5), (0, (1, 5))),
        (op("flip", [value(1, 2, 6)], [value(2, 2, 6)], _1=-1), (1, 0), (0, (1, 5))),
        (op("mul", [value(1, 2)], [value(2, 2)], _1=2.0), (1,), None),
    ],
)  # fmt: skip
def test_a_move_tells_where_an_element_comes_from(event: Event, place: Place, source: object) -> None:
    assert source_of(event, event.outputs[0], place) == source


def test_an_index_that_is_data_is_not_followed() -> None:
    with pytest.raises(NotFollowed):
        source_of(op("getitem", [value(1, 5, 3), value(2, 7)], [value(3, 7, 3)]), value(3, 7, 3), (0, 0))


def test_elements_are_computed_from_those_that_are_asked_for_alone() -> None:
    x, squares, mean, root, y = value(1, 2, 3), value(2, 2, 3), value(3, 2, 1), value(4, 2, 1), value(5, 2, 3)
    asked: list[Place] = []

    def given(what: ValueRef, place: Place, made: bool) -> Element | None:
        if what.id == x.id:
            asked.append(place)
            return float(place[1] + 1)
        return None

    steps = [
        op("pow", [x], [squares], _1=2), op("mean", [squares], [mean], _1=-1, keepdim=True),
        op("rsqrt", [mean], [root]), op("mul", [x, root], [y]),
    ]  # fmt: skip
    assert Elements(steps, given).at(y, (0, 2)) == pytest.approx(3 / (14 / 3) ** 0.5)
    assert {place[0] for place in asked} == {0}


def test_a_number_less_a_tensor_keeps_the_order_of_the_code() -> None:
    x, y = value(1, 1), value(2, 1)
    for event, result in (
        (op("sub", [x], [y], _0=1), -4.0),
        (op("sub", [x], [y], _1=1), 4.0),
        (op("__rsub__", [x], [y], _1=1), -4.0),
    ):
        assert Elements([event], lambda *_: None if _[2] else 5.0).at(y, (0,)) == result


def test_linear_forms_add_and_refuse_products() -> None:
    first, second = LinearForm({(0,): 1.0}), LinearForm({(1,): 1.0})
    assert (2 * first - second).coefficients == {(0,): 2.0, (1,): -1.0}
    with pytest.raises(NotFollowed):
        _ = first * second
