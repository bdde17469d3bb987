"""Ops that only move elements: from a place in what they give to the place in what they read, exactly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

from archviz.interpreter.reading import Event, ValueRef
from archviz.patterns.axis_moves import taken_to, takes_elsewhere
from archviz.patterns.op_families import canonical

Place = tuple[int, ...]
"""An element of a tensor: its index on every axis."""
From = tuple[int, Place]
"""Which of an op's inputs an element comes from, and its place there."""


class NotFollowed(Exception):
    """A step that is not known element by element."""


FAULTS = (NotFollowed, ArithmeticError, ValueError, IndexError, TypeError)
"""What following elements may end with; a step with arguments that no rule expects is not followed either."""


def source_of(event: Event, value: ValueRef, place: Place) -> From | None:
    """Where an element of an op's result comes from; None for an op that computes.

    Raises:
        NotFollowed: A move whose arguments say too little.
    """
    rule = _MOVES.get(canonical(event.name))
    return None if rule is None else rule(event, value, place)


def sizes(value: ValueRef) -> tuple[int, ...]:
    """The shape of a value, where all of it is known."""
    if value.shape is None or None in value.shape:
        raise NotFollowed("a shape that is not known")
    return tuple(int(size or 0) for size in value.shape)


def broadcast(place: Place, shape: Sequence[int]) -> Place:
    """The place in a tensor of `shape` that is read for `place` of a result that it was spread over."""
    if len(place) < len(shape):
        raise NotFollowed("a result with fewer axes")
    tail = place[len(place) - len(shape) :]
    return tuple(0 if size == 1 else index for index, size in zip(tail, shape, strict=True))


def axis_of(event: Event, rank: int, *names: str, default: int | None = None) -> int:
    """The axis that an op's options state, counted from the first."""
    found = next((event.options[name] for name in names if name in event.options), default)
    if not isinstance(found, int):
        raise NotFollowed(f"the axis of {event.name}")
    return found % rank


def _same(event: Event, value: ValueRef, place: Place) -> From:
    return 0, place


def _viewed(event: Event, value: ValueRef, place: Place) -> From:
    """The same elements in the same order under another shape."""
    flat = 0
    for index, size in zip(place, sizes(value), strict=True):
        flat = flat * size + index
    found = []
    for size in reversed(sizes(event.inputs[0])):
        found.append(flat % size)
        flat //= size
    if flat:
        raise NotFollowed(f"{event.name} to another number of elements")
    return 0, tuple(reversed(found))


def _transposed(event: Event, value: ValueRef, place: Place) -> From:
    first, second = (event.options.get(key, event.options.get(name)) for key, name in (("1", "dim0"), ("2", "dim1")))
    if canonical(event.name) in ("t", "T", "mT"):
        first, second = -1, -2
    if not isinstance(first, int) or not isinstance(second, int):
        raise NotFollowed(f"the axes of {event.name}")
    found = list(place)
    found[first], found[second] = place[second], place[first]
    return 0, tuple(found)


def _permuted(event: Event, value: ValueRef, place: Place) -> From:
    stated = event.options.get("1", event.options.get("dims"))
    order: Sequence[object] = [event.options.get(str(n + 1)) for n in range(len(place))]
    if takes_elsewhere(event):
        order = taken_to(event, len(place)) or ()
    elif isinstance(stated, (tuple, list)):
        order = stated
    found = [0] * len(place)
    for index, axis in zip(place, order, strict=True):
        if not isinstance(axis, int):
            raise NotFollowed("the axes of permute")
        found[axis] = index
    return 0, tuple(found)


def _expanded(event: Event, value: ValueRef, place: Place) -> From:
    return 0, broadcast(place, sizes(event.inputs[0]))


def _repeated(event: Event, value: ValueRef, place: Place) -> From:
    """`repeat`: the whole tensor once more behind itself."""
    shape = sizes(event.inputs[0])
    tail = place[len(place) - len(shape) :]
    return 0, tuple(index % size for index, size in zip(tail, shape, strict=True))


def _spread(event: Event, value: ValueRef, place: Place) -> From:
    """`repeat_interleave`: every element once more beside itself."""
    shape = sizes(event.inputs[0])
    axis = axis_of(event, len(shape), "dim", "2")
    times = sizes(value)[axis] // shape[axis]
    return 0, (*place[:axis], place[axis] // times, *place[axis + 1 :])


def _joined(event: Event, value: ValueRef, place: Place) -> From:
    axis = axis_of(event, len(place), "dim", "1", default=0)
    index = place[axis]
    for number, source in enumerate(event.inputs):
        size = sizes(source)[axis]
        if index < size:
            return number, (*place[:axis], index, *place[axis + 1 :])
        index -= size
    raise NotFollowed("a join of other sizes")


def _stacked(event: Event, value: ValueRef, place: Place) -> From:
    axis = axis_of(event, len(place), "dim", "1", default=0)
    return place[axis], (*place[:axis], *place[axis + 1 :])


def _split(event: Event, value: ValueRef, place: Place) -> From:
    before = sizes(event.inputs[0])
    names = ("dim", "1") if canonical(event.name) == "unbind" else ("dim", "2")
    axis = axis_of(event, len(before), *names, default=0)
    number = next(i for i, each in enumerate(event.outputs) if each.id == value.id)
    if canonical(event.name) == "unbind":
        return 0, (*place[:axis], number, *place[axis:])
    start = sum(sizes(each)[axis] for each in event.outputs[:number])
    return 0, (*place[:axis], place[axis] + start, *place[axis + 1 :])


def _narrowed(event: Event, value: ValueRef, place: Place) -> From:
    axis, start = axis_of(event, len(place), "dim", "1"), event.options.get("start", event.options.get("2"))
    if not isinstance(start, int):
        raise NotFollowed("where narrow starts")
    start += sizes(event.inputs[0])[axis] if start < 0 else 0
    return 0, (*place[:axis], place[axis] + start, *place[axis + 1 :])


def _indexed(event: Event, value: ValueRef, place: Place) -> From:
    """`x[..., 64:]`, `x[:, None]`, `x[0]`: read off the index as the code writes it."""
    index = event.options.get("index")
    shape = sizes(event.inputs[0])
    if index is None and len(event.inputs) == 1 and prod(shape) == prod(sizes(value)):
        return _viewed(event, value, place)  # only axes are added
    if not isinstance(index, str) or len(event.inputs) != 1:
        raise NotFollowed("an index that is no number")
    parts = [part.strip() for part in index.split(",")]
    taken = [part for part in parts if part not in ("None", "...")]
    if "..." not in parts:
        parts.append("...")
    where = parts.index("...")
    parts[where : where + 1] = [":"] * (len(shape) - len(taken))
    found, at, axis = [], 0, 0
    for part in parts:
        if part == "None":
            at += 1
            continue
        if ":" in part:
            start, step = _begin(part, shape[axis])
            found.append(start + place[at] * step)
            at += 1
        else:
            found.append(_whole(part) % shape[axis])
        axis += 1
    return 0, tuple(found)


def _begin(part: str, size: int) -> tuple[int, int]:
    """Where a slice begins, and its step."""
    fields = part.split(":")
    start = _whole(fields[0]) if fields[0] else 0
    step = _whole(fields[2]) if len(fields) > 2 and fields[2] else 1
    if step < 1:
        raise NotFollowed("a slice that runs back")
    return max(start + size, 0) if start < 0 else start, step


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise NotFollowed(f"the index {text}") from None


def _flipped(event: Event, value: ValueRef, place: Place) -> From:
    stated = event.options.get("1", event.options.get("dims"))
    axes = stated if isinstance(stated, (tuple, list)) else [stated]
    found = list(place)
    for axis in axes:
        if not isinstance(axis, int):
            raise NotFollowed("the axes of flip")
        found[axis] = sizes(event.inputs[0])[axis] - 1 - place[axis]
    return 0, tuple(found)


_MOVES: dict[str, Callable[[Event, ValueRef, Place], From]] = {
    **dict.fromkeys(("to", "float", "half", "bfloat16", "double", "type", "type_as", "contiguous", "clone", "detach", "dropout", "alias",
                     "requires_grad", "cpu", "cuda", "nan_to_num"), _same),
    **dict.fromkeys(("view", "reshape", "flatten", "unflatten", "unsqueeze", "squeeze", "view_as", "reshape_as"), _viewed),
    **dict.fromkeys(("transpose", "t", "T", "mT"), _transposed),
    "permute": _permuted,
    **dict.fromkeys(("expand", "expand_as", "broadcast_to"), _expanded),
    **dict.fromkeys(("repeat", "tile"), _repeated),
    "repeat_interleave": _spread,
    "cat": _joined,
    "stack": _stacked,
    **dict.fromkeys(("split", "chunk", "unbind"), _split),
    **dict.fromkeys(("slice", "getitem"), _indexed),
    "narrow": _narrowed,
    "flip": _flipped,
}  # fmt: skip
