"""Ops that keep the meaning of a mask: casts, views, permutations, parts."""

from __future__ import annotations

from typing import Any

from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import Tensor
from archviz.ops import relations, shapes
from archviz.ops.meanings import is_positional, meaning
from archviz.ops.relations import (
    Additive,
    Bias,
    Constant,
    Counts,
    Distance,
    Marks,
    Meaning,
    Pattern,
    Position,
    Relation,
    Scores,
)
from archviz.records import replace


def kept(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    """Casts and copies; what is blocked by a large number is true when numbers become truth values."""
    value = meaning(args[0])
    if isinstance(value, Additive) and result.dtype == "bool":
        return relations.complement(value.allowed)
    return value


def scored(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    """Ops that scores go through on their way to the softmax."""
    value = meaning(args[0])
    return value if isinstance(value, (Scores, Bias)) else None


def moved(value: Meaning | None, axes: dict[int, int], size: int = 2) -> Meaning | None:
    """A meaning after a view that puts axes elsewhere.

    Args:
        value: The meaning.
        axes: Old axis → new axis, counted from the right; an axis that is gone is missing.
    """
    if isinstance(value, Position):
        return replace(value, axis=axes[value.axis]) if value.axis in axes else None
    if isinstance(value, Additive):
        turned = moved(value.allowed, axes)
        return replace(value, allowed=turned) if isinstance(turned, Relation) else None
    if isinstance(value, Relation):
        rows = axes.get(value.rows, value.rows if not value.hides else None)
        return replace(value, rows=rows) if axes.get(-1) == -1 and rows is not None else None
    if isinstance(value, Distance):
        return value if axes.get(-1) == -1 and axes.get(-2, -2) == -2 else None
    return _moved_scores(value, axes) if isinstance(value, Scores) else value


def _moved_scores(value: Scores, axes: dict[int, int]) -> Scores | None:
    """Scores after a move; where their last axis goes elsewhere, the queries' comes last instead."""
    found = (axes.get(old) for old in value.rows)
    rows = tuple(axes.get(-1, -2) if place == -1 else place for place in found if place is not None)
    if value.mask is None:
        return replace(value, rows=rows)
    mask = moved(value.mask, axes)
    return replace(value, rows=rows, mask=mask) if isinstance(mask, Relation) else None


def unsqueezed(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    dim = kwargs.get("dim", args[1] if len(args) > 1 else 0)
    rank = len(result.sizes)
    place = shapes.axis(dim, rank) - rank  # of the new axis, from the right
    if isinstance(meaning(args[0]), Pattern) and place in (-1, -2):  # of rows, or of columns
        return Marks(args[0].serial, -3 - place)
    return moved(meaning(args[0]), {old: old if old > place else old - 1 for old in range(-rank + 1, 0)})


def squeezed(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    dim = kwargs.get("dim", args[1] if len(args) > 1 else None)
    if not isinstance(dim, int):
        return viewed(interp, args, kwargs, result)
    rank = len(args[0].sizes)
    if len(result.sizes) == rank:
        return meaning(args[0])
    gone = shapes.axis(dim, rank) - rank
    return moved(meaning(args[0]), {old: old if old > gone else old + 1 for old in range(-rank, 0) if old != gone})


def permuted(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    rank = len(result.sizes)
    given = args[1:] or tuple(kwargs.get("dims", ()))
    given = tuple(given[0]) if len(given) == 1 and isinstance(given[0], (tuple, list)) else given
    return moved(meaning(args[0]), {shapes.axis(old, rank) - rank: new - rank for new, old in enumerate(given)})


def transposed(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    rank = len(result.sizes)
    one, other = (shapes.axis(each, rank) - rank for each in (*args[1:], *kwargs.values())[:2])
    axes = {place: place for place in range(-rank, 0)}
    axes[one], axes[other] = other, one
    return moved(meaning(args[0]), axes)


def turned(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    return moved(meaning(args[0]), {-1: -2, -2: -1})


def viewed(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    """A reshape: positions follow the one axis that is no 1, masks stay where their last two axes do."""
    value, old, new = meaning(args[0]), args[0].sizes, result.sizes
    if isinstance(value, Position):
        long = [place - len(new) for place, size in enumerate(new) if size != 1]
        if len(long) != 1 or shapes.product(old) != new[long[0]]:
            return None
        return replace(value, axis=long[0])
    if isinstance(value, (Constant, Bias)) or (isinstance(value, Scores) and value.mask is None):
        return value
    if old[-2:] == new[-2:] and _rows(value) == -2:
        return value
    places = [[place - len(sizes) for place, size in enumerate(sizes) if size != 1] for sizes in (old, new)]
    if [old[place] for place in places[0]] != [new[place] for place in places[1]]:
        return None
    return moved(value, dict(zip(*places, strict=True)))


def _rows(value: Meaning | None) -> int:
    """The axis of the queries of a mask, or of the mask of scores."""
    held = value.allowed if isinstance(value, Additive) else value.mask if isinstance(value, Scores) else value
    return held.rows if isinstance(held, Relation) else -2


def expanded(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    value, old, new = meaning(args[0]), args[0].sizes, result.sizes
    if isinstance(value, Position):
        return value if len(old) >= -value.axis and old[value.axis] == new[value.axis] else None
    return value


def item(value: Tensor, parts: tuple[Any, ...], result: Any) -> None:
    """Give `value[parts]` its meaning: positions looked up by positions are positions again."""
    known = meaning(value)
    if known is None or isinstance(known, Counts) or not isinstance(result, Tensor):
        return
    by_tensor = any(isinstance(part, (Tensor, list)) for part in parts)
    found = _looked_up(known, value, parts, result) if by_tensor else _cut(known, value, parts, result)
    result.meaning = Pattern() if found is None and is_positional(known) else found


def _looked_up(value: Meaning, of: Tensor, parts: tuple[Any, ...], result: Tensor) -> Meaning | None:
    """Positions, or the rows of a mask, at positions that follow one another."""
    places = meaning(parts[-1]) if isinstance(parts[-1], Tensor) else None
    if isinstance(places, Position) and places.chunk == 1 and isinstance(value, Position):
        return relations.add(places, Constant(value.shift)) if value.axis == -1 and value.chunk == 1 else None
    if isinstance(places, Position) and isinstance(value, (Relation, Additive)) and len(parts[-1].sizes) == 1:
        first = slice(places.shift, places.shift + result.sizes[-2]) if places.chunk == 1 else None
        return _cut(value, of, (*parts[:-1], first), result) if first is not None else None
    return value if isinstance(value, (Constant, Bias)) else None


def _cut(known: Meaning, value: Tensor, parts: tuple[Any, ...], result: Tensor) -> Meaning | None:
    """Positions and masks from their first place on; None where places are left out between."""
    found = moved(known, _axes(value, parts, result))
    if isinstance(found, Position) and isinstance(known, Position):
        start = _start(value, parts, known.axis)
        return found if start == 0 else None if start is None else relations.add(found, Constant(start))
    if isinstance(found, (Relation, Additive)) and is_positional(found) and len(value.sizes) > 1:
        queries, keys = _start(value, parts, _rows(known)), _start(value, parts, -1)
        if queries is None or keys is None:
            return None
        if isinstance(found, Relation):
            return relations.shifted(found, keys - queries)
        return replace(found, allowed=relations.shifted(found.allowed, keys - queries))
    return found


def _start(value: Tensor, parts: tuple[Any, ...], axis: int) -> int | None:
    """The first place along an axis that an index keeps; None when it does not keep all that follow, one by one."""
    rank = len(value.sizes)
    own = [part for part in _filled_parts(parts, rank) if part is not None][rank + axis]
    if not isinstance(own, slice) or own.step not in (None, 1):
        return None
    size = value.sizes[axis]
    if own.start is None or isinstance(own.start, int):
        start: int = slice(own.start, None).indices(size)[0]
        return start
    return None


def _filled_parts(parts: tuple[Any, ...], rank: int) -> list[Any]:
    spare = rank - sum(part is not None and part is not Ellipsis for part in parts)
    filled: list[Any] = []
    for part in parts if Ellipsis in parts else (*parts, Ellipsis):
        filled += [slice(None)] * spare if part is Ellipsis else [part]
    return filled


def _axes(value: Tensor, parts: tuple[Any, ...], result: Tensor) -> dict[int, int]:
    """Old axis → new axis of an index by slices, numbers and None, from the right."""
    rank, new_rank = len(value.sizes), len(result.sizes)
    axes: dict[int, int] = {}
    old = new = 0
    for part in _filled_parts(parts, rank):
        if part is None:
            new += 1
            continue
        if isinstance(part, slice):
            axes[old - rank] = new - new_rank
            new += 1
        old += 1
    return axes


def written(value: Tensor, new: Any) -> None:
    """`value[…] = new`: a mask written back into itself stays what it is, anything else is no longer known."""
    known, other = meaning(value), meaning(new)
    if isinstance(known, Additive) and isinstance(other, Additive):
        same = replace(known.allowed, narrowed=True, at=None) == replace(other.allowed, narrowed=True, at=None)
        value.meaning = other if same else None
    else:
        made = isinstance(known, Constant) or is_positional(known) or is_positional(other)
        value.meaning = Pattern() if made else None
