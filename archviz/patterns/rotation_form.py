"""What a rotation does to the pairs of a head, found by computing its result element by element."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from archviz.interpreter.reading import Event, StoredTensor, ValueRef
from archviz.patterns.elements import Element, Elements
from archviz.patterns.linear_forms import LinearForm
from archviz.patterns.moves import FAULTS, NotFollowed, Place, sizes
from archviz.patterns.trace import Trace
from archviz.records import record

_CLOSE = 1e-9
_GOLDEN = 0.6180339887498949
_LEAST = 0.02  # angles are small, so that what the code multiplies them by (exp of a learned scale) turns no pair by half a circle


@record(frozen=True)
class RotationForm:
    """What becomes of the elements of one head at one position.

    Args:
        layout: `half_split` (element i with i + half) or `interleaved` (neighbours); None for other pairs.
        back: The angles are negative.
        fault: Why it rotates no pairs by one angle each; empty where it does.
        halves: Neighbours are paired, and what comes out of them is put into halves.
        span: The first element that turns, and how many do, where they stand in a row.
    """

    layout: str | None
    back: bool = False
    fault: str = ""
    halves: bool = False
    span: tuple[int, int] | None = None


Row = dict[int, float]


def rotation_form(
    trace: Trace, event: Event, value: ValueRef, result: ValueRef, stored: Mapping[int, StoredTensor],
    inside: Sequence[Event] | None = None,
) -> RotationForm | None:  # fmt: skip
    """How `event` makes `result` of `value`; None where its steps are not known element by element.

    Args:
        inside: The steps of a rotation that no function holds; those inside the event where not given.
    """
    inside = trace.inside(event) if inside is None else inside
    numbers = _Numbers(value, stored)
    try:
        rows = _rows(Elements([*trace.before(event), *inside], numbers.given), value, result)
        return _form(rows, numbers.angles)
    except FAULTS:
        pass
    try:
        rows = _rows(Elements(inside, _AnyTables(value).given), value, result)
        return _form(rows, None)
    except FAULTS:
        return None


class _Numbers:
    """Numbers put in for what the rotation starts from: positions are one, every frequency a small angle of its own."""

    def __init__(self, value: ValueRef, stored: Mapping[int, StoredTensor]) -> None:
        self.value, self.stored = value, stored
        self.angles: list[float] = []

    def given(self, value: ValueRef, place: Place, made: bool) -> Element | None:
        if value.id == self.value.id:
            return LinearForm({place: 1.0})
        if value.dtype is not None and "int" in value.dtype:
            return 1.0
        if value.id not in self.stored:
            return None
        if len(place) != 1:
            raise NotFollowed("a table that is stored")
        angle = _LEAST + (place[0] * _GOLDEN) % 1.0 / 10
        self.angles.append(angle)
        return angle


class _AnyTables:
    """Numbers put in where the making of the tables was not followed: any positive ones, each but once."""

    def __init__(self, value: ValueRef) -> None:
        self.value = value
        self.tables: dict[int, int] = {}

    def given(self, value: ValueRef, place: Place, made: bool) -> Element | None:
        if value.id == self.value.id:
            return LinearForm({place: 1.0})
        if made:
            return None
        number = self.tables.setdefault(value.id, len(self.tables))
        mixed = 0.1 + ((number + 1) * math.sqrt(2) + place[-1] * _GOLDEN) % 0.9
        return complex(mixed, 1 - mixed / 2) if "complex" in (value.dtype or "") else mixed


def _rows(elements: Elements, value: ValueRef, result: ValueRef) -> list[Row]:
    """For each element of a head of the result: how much of which element of the head that it was made of."""
    before, after = sizes(value), sizes(result)
    around = tuple(size - 1 for size in after[:-1])
    rows: list[Row] = []
    heads: set[Place] = set()
    for index in range(after[-1]):
        found = elements.at(result, (*around, index))
        if not isinstance(found, LinearForm):
            raise NotFollowed("what does not depend on the tensor")
        heads.update(place[:-1] for place in found.coefficients)
        rows.append({place[-1]: _real(amount) for place, amount in found.coefficients.items()})
    if len(heads) != 1 or after[-1] != before[-1]:
        raise NotFollowed("elements of several heads or positions")
    return rows


def _real(amount: float | complex) -> float:
    value = complex(amount)
    if abs(value.imag) > _CLOSE:
        raise NotFollowed("a complex result")
    return value.real


def _form(rows: Sequence[Row], angles: Sequence[float] | None) -> RotationForm:
    """The pairs that the rows mix; `angles` are those of the frequencies, None where the tables were not followed."""
    mixed = [index for index, row in enumerate(rows) if row != {index: 1.0}]
    pairs: dict[tuple[int, ...], list[int]] = {}
    for index in mixed:
        pairs.setdefault(tuple(sorted(rows[index])), []).append(index)
    if not pairs or any(len(pair) != 2 or len(made) != 2 for pair, made in pairs.items()):
        return RotationForm(None, fault="elements are not mixed in pairs")
    layout = _layout(list(pairs))
    turns = set()
    for pair, made in pairs.items():
        turn = _turn(pair, [rows[index] for index in made], angles)
        if isinstance(turn, str):
            return RotationForm(layout, fault=turn)
        turns.add(turn)
    if len(turns) != 1:
        return RotationForm(layout, fault="pairs turn in different directions")
    moved = any(list(pair) != made for pair, made in pairs.items())
    if moved and layout != "interleaved":
        return RotationForm(layout, fault="what comes out of a pair is put elsewhere")
    if moved and not _is_halves(sorted(pairs), pairs):
        return RotationForm(layout, fault="what comes out of a pair is put elsewhere")
    in_a_row = mixed == list(range(mixed[0], mixed[0] + len(mixed)))
    return RotationForm(layout, back=turns.pop(), halves=moved, span=(mixed[0], len(mixed)) if in_a_row else None)


def _layout(pairs: Sequence[tuple[int, ...]]) -> str | None:
    rotated = sorted(index for pair in pairs for index in pair)
    places = {index: place for place, index in enumerate(rotated)}
    found = sorted((places[first], places[second]) for first, second in pairs)
    if found == [(2 * n, 2 * n + 1) for n in range(len(found))]:
        return "interleaved"
    return "half_split" if found == [(n, n + len(found)) for n in range(len(found))] else None


def _turn(pair: tuple[int, ...], rows: Sequence[Row], angles: Sequence[float] | None) -> bool | str:
    """Whether a pair turns back; in words why it does not turn."""
    (first, second), (upper, lower) = pair, rows
    cosine, sine = upper[first], lower[first]
    if angles is None:  # the tables hold anything: only the signs tell
        if upper[second] * lower[first] > 0:
            return "both halves keep their sign"
        return sine < 0
    if upper[second] * sine > 0:
        return "the sine is added to both elements of a pair"
    if not math.isclose(cosine, lower[second], abs_tol=_CLOSE) or not math.isclose(
        sine, -upper[second], abs_tol=_CLOSE
    ):
        return "the elements of a pair are turned by different angles"
    size = math.hypot(cosine, sine)
    known = [angle for angle in angles if math.isclose(abs(sine) / size, math.sin(angle), abs_tol=_CLOSE)]
    changed = [angle for angle in angles if math.isclose(abs(sine) / size, math.cos(angle), abs_tol=_CLOSE)]
    if changed and not known:
        return "cosine and sine are exchanged"
    return sine < 0


def _is_halves(order: Sequence[tuple[int, ...]], pairs: Mapping[tuple[int, ...], list[int]]) -> bool:
    """Whether the first results of all pairs come first, then the second ones."""
    rotated = sorted(index for made in pairs.values() for index in made)
    half = len(order)
    return all(pairs[pair] == [rotated[n], rotated[n + half]] for n, pair in enumerate(order))
