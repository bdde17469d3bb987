"""The frequencies of a rotation: the numbers that the code computed, and the rule that they follow."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

from archviz.interpreter.reading import Event, StoredTensor, ValueRef
from archviz.patterns.op_families import canonical
from archviz.verify.view import LayerView

_CLOSE = 1e-5  # of the logarithm of a ratio: numbers are computed in double precision, a table may be rounded to single
_MOST = 400  # steps back from a table


def frequency_vectors(view: LayerView, rotation: Event) -> list[StoredTensor]:
    """The stored vectors that the cosines and sines of a rotation are made of, where their numbers are known."""
    tables = [value for value in rotation.inputs if not view.trace.carries(value)]
    found = _stored(view, _made_before(view, rotation), tables)
    return list(dict.fromkeys(found))


def _made_before(view: LayerView, rotation: Event) -> dict[int, Event]:
    made: dict[int, Event] = {}
    for event in view.trace.before(rotation):
        if event.kind == "op":
            for value in event.outputs:
                made.setdefault(value.id, event)
    return made


def _stored(view: LayerView, made: dict[int, Event], tables: Iterable[ValueRef]) -> list[StoredTensor]:
    stored = view.context.reading.stored
    found: list[StoredTensor] = []
    todo, seen = list(tables), set[int]()
    turned = False
    while todo and len(seen) < _MOST:
        value = todo.pop()
        if value.id in seen:
            continue
        seen.add(value.id)
        tensor = stored.get(value.id)
        if tensor is not None and tensor.numbers and len(tensor.numbers) > 1:
            found.append(tensor)
        event = made.get(value.id)
        if event is not None and tensor is None:
            turned = turned or canonical(event.name) in ("cos", "sin", "polar")
            todo += event.inputs
    return found if turned else []


def frequency_words(numbers: Sequence[float], theta: object) -> str:
    """The rule of a vector of frequencies, in words.

    >>> frequency_words([1.0, 0.1, 0.01], 1000.0)
    'θ^(−2i/6), i = 0 … 2'
    >>> frequency_words([1.0, 0.5, 0.1], 1000.0)
    '3 numbers from 1 to 0.1'
    """
    last = len(numbers)
    while last > 1 and numbers[last - 1] == 0:
        last -= 1
    rest = f", then {len(numbers) - last} times 0" if last < len(numbers) else ""
    ratio = _ratio(numbers[:last])
    if ratio is None:
        return f"{len(numbers)} numbers from {_short(numbers[0])} to {_short(numbers[-1])}"
    indices = f", i = 0 … {last - 1}{rest}"
    start = "" if math.isclose(numbers[0], 1.0, rel_tol=_CLOSE) else f"{_short(numbers[0])} · "
    base = float(theta) if isinstance(theta, (int, float)) and not isinstance(theta, bool) and theta > 1 else None
    if base is not None:
        size = -2 * math.log(base) / math.log(ratio)
        if abs(size - round(size)) < 1e-3 * max(1.0, abs(size) / 100):
            return f"{start}θ^({_exponent(round(size))}){indices}"
    return f"{start}{ratio:.6g}^i{indices}"


def _exponent(size: int) -> str:
    return f"−2i/{size}" if size > 0 else f"2i/{-size}"


def _ratio(numbers: Sequence[float]) -> float | None:
    """The factor from each number to the next, where it is the same everywhere and no 1."""
    if len(numbers) < 2 or any(each == 0 or each * numbers[0] <= 0 for each in numbers):
        return None
    steps = [math.log(after / before) for before, after in pairwise(numbers)]
    mean = (math.log(numbers[-1] / numbers[0])) / len(steps)
    same = mean != 0 and all(abs(step - mean) <= _CLOSE * max(1.0, abs(mean)) for step in steps)
    return math.exp(mean) if same else None


def _short(number: float) -> str:
    return f"{number:.4g}".replace("-", "−")
