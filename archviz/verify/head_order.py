"""Which key and value head a query head reads, and whether heads and positions stay apart: followed element by element."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from archviz.interpreter.reading import Event, ValueRef
from archviz.patterns.makers import makers
from archviz.patterns.moves import FAULTS, NotFollowed, Place, broadcast, sizes, source_of
from archviz.patterns.op_families import canonical
from archviz.patterns.score_path import ScorePath
from archviz.verify.claims import Claim
from archviz.verify.view import LayerView

_LONG = 60
_ENDS = ("linear", "matmul", "bmm", "addmm", "baddbmm", "einsum", "conv1d")


def head_order(view: LayerView, path: ScorePath) -> Iterator[Claim]:
    """How query heads share key heads, and where what the heads give is put behind one another in another order."""
    if view.call is None or path.operands is None:
        return
    made = makers(event for event in view.trace.inside(view.call) if event.kind == "op")
    key, product = path.operands[1], made.get(path.scores.id) if path.scores is not None else None
    if product is None:
        return
    try:
        shared = _sharing([_head(view, made, product, key, head) for head in range(sizes(path.operands[0])[1])])
    except FAULTS:
        return
    if shared is not None:
        yield view.claim("attention.head_sharing", shared, product.at)


def _head(view: LayerView, made: Mapping[int, Event], product: Event, key: ValueRef, head: int) -> int:
    """Where in its projection's result the key that a query head reads begins; `key` is `[B, heads, …]`."""
    shape = sizes(key)
    if len(shape) != 4:
        raise NotFollowed("heads in another place")
    heads = sizes(product.inputs[0])[1] if canonical(product.name) == "scaled_dot_product_attention" else shape[1]
    value, place = _followed(
        view, made, key, (shape[0] - 1, head * shape[1] // heads, 0, 0)
    )  # its own repeats in a row
    if len(sizes(value)) != 3:
        raise NotFollowed("another projection")
    return place[-1]


def _followed(view: LayerView, made: Mapping[int, Event], value: ValueRef, place: Place) -> tuple[ValueRef, Place]:
    """The element of a projection's result that an element goes back to; steps that keep every element in its place are passed."""
    for _ in range(_LONG):
        event = made.get(value.id)
        if event is None or canonical(event.name) in _ENDS:
            return value, place
        moved = source_of(event, value, place)
        if moved is not None:
            value, place = event.inputs[moved[0]], moved[1]
            continue
        if canonical(event.name) in ("view_as_complex", "view_as_real"):  # a pair of numbers is one, and two again
            value, place = event.inputs[0], (*place, 0) if canonical(event.name) == "view_as_complex" else place[:-1]
            continue
        data = next((each for each in event.inputs if view.trace.carries(each)), None)
        if data is None:
            raise NotFollowed(event.name)
        value, place = data, broadcast(place, sizes(data))
    raise NotFollowed("too many steps")


def _sharing(places: list[int]) -> str | None:
    """In words how query heads share key heads; None where each has its own."""
    order = {place: number for number, place in enumerate(sorted(set(places)))}
    heads = [order[place] for place in places]
    count, shared = len(heads), len(order)
    if shared in (1, count):
        return None
    if heads == [head * shared // count for head in range(count)]:
        return f"{count // shared} query heads in a row share a key head"
    if heads == [head % shared for head in range(count)]:
        return f"query heads that are {shared} apart share a key head"
    return "in no order that is known"
