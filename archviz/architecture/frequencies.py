"""The frequencies of a rotation as the code computes them, and the base that they follow."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

from archviz.architecture.context import Context
from archviz.interpreter.reading import Event, Frequencies, ModuleRecord, ValueRef
from archviz.patterns.makers import makers
from archviz.patterns.op_families import canonical
from archviz.patterns.rope import detect_rope
from archviz.patterns.written_rotations import written_rotations

CLOSE = 1e-5  # of the logarithm of a ratio: numbers are computed in double precision, a table may be rounded to single
_MOST = 400  # steps back from a table
_WHOLE = (
    1e-3  # how far a base may be from a whole number, relatively, to be that number: powers enlarge what was rounded
)


def frequency_vectors(context: Context, rotation: Event) -> list[Frequencies]:
    """The vectors that the cosines and sines of a rotation are made of, where their numbers are known."""
    if not context.reading.frequencies:
        return []
    tables = [value for value in rotation.inputs if not context.trace.carries(value)]
    return list(dict.fromkeys(_found(context, _made_before(context, rotation), tables)))


def _made_before(context: Context, rotation: Event) -> dict[int, Event]:
    return makers(event for event in context.trace.before(rotation) if event.kind == "op")


def _found(context: Context, made: dict[int, Event], tables: Iterable[ValueRef]) -> list[Frequencies]:
    known = context.reading.frequencies
    found: list[Frequencies] = []
    todo, seen = list(tables), set[int]()
    turned = False
    while todo and len(seen) < _MOST:
        value = todo.pop()
        if value.id in seen:
            continue
        seen.add(value.id)
        own = known.get(value.id)
        if own is not None:
            found.append(own)
            turned = turned or len(value.shape or ()) > 1  # a table of waves
        event = made.get(value.id)
        if event is not None and own is None:
            turned = turned or canonical(event.name) in ("cos", "sin", "polar")
            todo += event.inputs
    return found if turned else []


def theta_of_code(context: Context, module: ModuleRecord) -> tuple[float | int, Frequencies] | None:
    """The base of the first rotation that a module applies, where its frequencies are powers of one; with what shows it."""
    trace = context.trace
    call = trace.call(module.path) if context.reading.frequencies else None
    if call is None:
        return None
    rotation = next((event for event in trace.inside(call) if detect_rope(event, trace) is not None), None)
    rotation = rotation or next(iter(written_rotations(trace, call)), None)
    vectors = frequency_vectors(context, rotation) if rotation is not None else []
    bases = {base_of(each.numbers) for each in vectors}
    base = bases.pop() if len(bases) == 1 else None
    return (base, vectors[0]) if base is not None else None


def base_of(numbers: Sequence[float]) -> float | int | None:
    """θ of frequencies θ^(−2i/d) that turn d dimensions, two for each; None where they follow no such rule.

    >>> base_of([1.0, 0.1, 0.01, 0.001])
    10000
    >>> base_of([1.0, 0.5, 0.1]) is None
    True
    """
    kept = list(numbers)
    while len(kept) > 1 and kept[-1] == 0:
        kept.pop()
    ratio = ratio_of(kept)
    if ratio is None or not math.isclose(kept[0], 1.0, rel_tol=CLOSE) or ratio >= 1:
        return None
    base = ratio ** -len(kept)
    return round(base) if abs(base - round(base)) <= _WHOLE * base else base


def ratio_of(numbers: Sequence[float]) -> float | None:
    """The factor from each number to the next, where it is the same everywhere and no 1."""
    if len(numbers) < 2 or any(each == 0 or each * numbers[0] <= 0 for each in numbers):
        return None
    steps = [math.log(after / before) for before, after in pairwise(numbers)]
    mean = (math.log(numbers[-1] / numbers[0])) / len(steps)
    same = mean != 0 and all(abs(step - mean) <= CLOSE * max(1.0, abs(mean)) for step in steps)
    return math.exp(mean) if same else None
