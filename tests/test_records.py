from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Callable
from copy import deepcopy
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from pydantic import TypeAdapter

from archviz.records import field, field_names, is_record, record, replace


@record(frozen=True)
class Point:
    """A place."""

    x: float
    y: float = 0.0
    tags: tuple[str, ...] = field(default_factory=tuple)


@record(kw_only=True)
class Open:
    names: list[str] = field(default_factory=list)
    size: int


def test_a_record_is_made_as_a_dataclass_is() -> None:
    assert Point(1, tags=("a",)) == Point(x=1, y=0.0, tags=("a",))
    assert Point(1) != Point(2)
    assert Point(1) != (1, 0.0, ())
    assert repr(Point(1, 2)) == "Point(x=1, y=2, tags=())"
    assert replace(Point(1, 2), y=3) == Point(1, 3)
    assert dataclasses.asdict(Point(1)) == {"x": 1, "y": 0.0, "tags": ()}
    assert [part.name for part in dataclasses.fields(Point)] == ["x", "y", "tags"]
    assert is_record(Point(1))
    assert not is_record({})


def test_fields_stand_in_their_order_however_they_were_given() -> None:
    assert list(vars(Point(tags=(), y=1, x=2))) == ["x", "y", "tags"]
    assert list(vars(Open(size=1))) == ["names", "size"]


def test_a_factory_gives_each_record_its_own_value() -> None:
    one, other = Open(size=1), Open(size=1)
    one.names.append("a")
    assert (other.names, one == other) == ([], False)


def test_a_frozen_record_has_a_hash_and_cannot_be_changed() -> None:
    point: Any = Point(1)
    assert len({Point(1), Point(1, 0.0), Point(2)}) == 2
    with pytest.raises(FrozenInstanceError, match="'x'"):
        point.x = 2
    with pytest.raises(FrozenInstanceError, match="'x'"):
        del point.x
    with pytest.raises(TypeError, match="unhashable"):
        hash(Open(size=1))


@pytest.mark.parametrize("copied", [deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_records_are_copied_whole(copied: Callable[[object], object]) -> None:
    assert copied(Point(1, 2, ("a",))) == Point(1, 2, ("a",))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (Point, "Point lacks x"),
        (lambda: Point(1, z=2), "Point has no field z"),
        (lambda: Point(1, x=2), "Point got x twice"),
        (lambda: Point(1, 2, (), 4), "Point takes 3 arguments by place, got 4"),
        (lambda: Open(1), "Open takes 0 arguments by place, got 1"),
        (lambda: Open(names=[], length=1), "Open has no field length"),
    ],
)
def test_wrong_arguments_are_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        make()


def test_a_checker_of_data_takes_records_for_dataclasses() -> None:
    assert TypeAdapter(Point).validate_python({"x": 1}) == Point(1.0)
    assert "description" not in TypeAdapter(Open).json_schema()
    assert TypeAdapter(Point).json_schema()["description"] == "A place."


@record
class Answer:
    url: str
    body: bytes = field(default=b"", repr=False)


@record
class Kept(Answer):
    age: float = 0.0


def test_what_a_field_hides_is_not_shown() -> None:
    assert repr(Answer("a", b"secret")) == "Answer(url='a')"


def test_a_record_extends_another() -> None:
    assert vars(Kept("a", b"b", 1.0)) == {"url": "a", "body": b"b", "age": 1.0}
    assert field_names(Kept) == ("url", "body", "age")
    assert [part.repr for part in dataclasses.fields(Kept)] == [True, False, True]


def test_a_changed_copy_takes_only_known_fields() -> None:
    assert replace(Answer("a"), body=b"c") == Answer("a", b"c")
    with pytest.raises(TypeError, match="Answer has no field size"):
        replace(Answer("a"), size=1)  # type: ignore[call-arg]


def test_the_field_of_dataclasses_is_refused() -> None:
    with pytest.raises(TypeError, match=r"takes `archviz\.records\.field`"):

        @record
        class Wrong:
            names: list[str] = dataclasses.field(default_factory=list)
