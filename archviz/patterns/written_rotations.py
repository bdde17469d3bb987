"""Rotations that stand in a module's own forward: what they turn, what comes of it, and by which tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archviz.interpreter.reading import Event, ValueRef
from archviz.patterns.op_families import CONTRACTIONS, PLUMBING, canonical
from archviz.patterns.rotation_steps import turning_steps
from archviz.patterns.trace import Trace

_MOST = 60  # steps back from a sum
_AS_PAIRS = PLUMBING | {"view_as_complex"}


def written_rotations(trace: Trace, call: Event) -> list[Event]:
    """Each rotation that no function holds, as the event that a function would be: what is turned and the tables go in, what is turned comes out.

    Empty where some step that turns was not followed to the tensor that it turns.
    """
    own = [event for event in trace.own(call) if event.kind == "op"]
    made = {value.id: event for event in own for value in event.outputs}
    turned: dict[int, tuple[ValueRef, list[Event]]] = {}
    for turn in turning_steps(own, trace):
        if not any(map(trace.is_live, turn.outputs)):
            continue
        value = _turned_value(trace, made, turn)
        if value is None:
            return []
        turned.setdefault(value.id, (value, []))[1].append(turn)
    return [_as_function(trace, made, own, value, turns) for value, turns in turned.values()]


def _as_function(
    trace: Trace, made: Mapping[int, Event], own: Sequence[Event], value: ValueRef, turns: Sequence[Event]
) -> Event:
    first = turns[0]
    tables: dict[int, ValueRef] = {}
    for turn in turns:
        for product in _products(made, turn):
            tables.update((each.id, each) for each in product.inputs if not trace.carries(each))
    result = _result(own, value, turns)
    outputs = (result,) if result is not None else first.outputs
    return first._replace(kind="function", name="written out", inputs=(value, *tables.values()), outputs=outputs)


def _products(made: Mapping[int, Event], turn: Event) -> list[Event]:
    """The products of data with a table that a sum adds; a complex product is its own."""
    if canonical(turn.name) == "mul":
        return [turn]
    found = []
    for value in turn.inputs:
        event = made.get(value.id)
        while event is not None and canonical(event.name) in PLUMBING and event.inputs:
            event = made.get(event.inputs[0].id)
        if event is not None and canonical(event.name) == "mul":
            found.append(event)
    if canonical(turn.name) == "addcmul":
        found.append(turn)
    return found


def _turned_value(trace: Trace, made: Mapping[int, Event], turn: Event) -> ValueRef | None:
    """The tensor whose elements a step turns: the last one that all its products are made of."""
    data = [value for product in _products(made, turn) for value in product.inputs if trace.carries(value)]
    if not data:
        return None
    if canonical(turn.name) == "mul":
        return _before_pairs(made, data[0])
    ways = [_way_back(trace, made, value) for value in data]
    common = set.intersection(*map(set, ways))
    return next((value for key, value in ways[0].items() if key in common), None) if common else None


def _before_pairs(made: Mapping[int, Event], value: ValueRef) -> ValueRef:
    """What complex numbers were made of, with its pairs in one axis."""
    width = (value.shape or (None,))[-1]
    for _ in range(_MOST):
        event = made.get(value.id)
        if event is None or canonical(event.name) not in _AS_PAIRS or not event.inputs:
            break
        value = event.inputs[0]
        if width is not None and (value.shape or (None,))[-1] == 2 * width:
            break
    return value


def _way_back(trace: Trace, made: Mapping[int, Event], value: ValueRef) -> dict[int, ValueRef]:
    """The data that a value is made of, the nearest first, as far as no product of matrices stands between."""
    found = {value.id: value}
    todo = [value]
    while todo and len(found) < _MOST:
        event = made.get(todo.pop(0).id)
        if event is None or canonical(event.name) in CONTRACTIONS or canonical(event.name) == "linear":
            continue
        new = [each for each in event.inputs if each.id not in found and trace.carries(each)]
        found.update((each.id, each) for each in new)
        todo += new
    return found


def _result(own: Sequence[Event], value: ValueRef, turns: Sequence[Event]) -> ValueRef | None:
    """The first tensor of the shape of what is turned that all the steps which turn it make."""
    reached = [{each.id for each in turn.outputs} for turn in turns]
    for event in own:
        if event.index < turns[0].index:
            continue
        for ids in reached:
            if not ids.isdisjoint([each.id for each in event.inputs]):
                ids.update(each.id for each in event.outputs)
        for made in event.outputs:
            if made.shape == value.shape and all(made.id in ids for ids in reached):
                return made
    return None
