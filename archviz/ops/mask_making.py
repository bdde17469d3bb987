"""Ops that make masks and put them together: ranges, comparisons, triangles, truth values, large negative numbers, sums with scores."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import Tensor
from archviz.ops import relations, shapes
from archviz.ops.meanings import Rule, added_mask, as_additive, as_relation, line, meaning
from archviz.ops.relations import (
    BLOCKING,
    Additive,
    Bias,
    Constant,
    Distance,
    Meaning,
    OtherMarks,
    Pattern,
    Position,
    Relation,
    Scores,
)
from archviz.records import replace

HIDING = -50.0  # added to a score it hides all but what other scores are as far below


def arange(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    if not result.data or len(result.sizes) != 1:
        return Position(-1) if len(result.sizes) == 1 and len(args) == 1 and "start" not in kwargs else None
    start, step = result.data[0], (result.data[1] - result.data[0] if len(result.data) > 1 else 1)
    return Position(-1, int(start)) if step == 1 and start == int(start) else None


def filled(value: float) -> Rule:
    return lambda interp, args, kwargs, result: Constant(value)


def counted_up(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    """The running sum of ones along the last axis numbers the places from 1 on."""
    rank = len(result.sizes)
    along = kwargs.get("dim", args[1] if len(args) > 1 else None)
    is_last = isinstance(along, int) and rank > 0 and shapes.axis(along, rank) == rank - 1
    return Position(-1, 1) if is_last and meaning(args[0]) == Constant(1.0) else None


def raised(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    """A fraction to the power of positions: slopes, no arithmetic of whole numbers."""
    value, exponent = meaning(args[0]), meaning(args[1] if len(args) > 1 else kwargs.get("exponent"))
    is_slope = isinstance(value, Constant) and isinstance(exponent, Position) and "float" in (result.dtype or "")
    return Bias() if is_slope else None


def full(place: int) -> Rule:
    def rule(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
        found = meaning(kwargs.get("fill_value", args[place] if len(args) > place else None))
        return found if isinstance(found, Constant) else None

    return rule


def compared(name: str) -> Rule:
    def rule(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
        left, right = meaning(args[0]), meaning(args[1] if len(args) > 1 else kwargs.get("other"))
        if left is None or right is None:
            return None
        found = relations.compare(name, left, right)
        if found is None and name == "eq" and isinstance(left, Relation) and isinstance(right, Constant):
            found = left if right.value else relations.complement(left)
        return None if found is None else replace(found, at=line(interp))

    return rule


def triangle(upper: bool) -> Rule:
    """`tril` keeps the keys up to a diagonal, `triu` those from it on; the rest becomes 0."""

    def rule(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
        diagonal = kwargs.get("diagonal", args[1] if len(args) > 1 else 0)
        value = meaning(args[0])
        if not isinstance(diagonal, int) or value is None:
            return None
        kept = replace(Relation(high=-diagonal) if upper else Relation(low=-diagonal), at=line(interp))
        if isinstance(value, Additive) or (isinstance(value, Constant) and value.value <= BLOCKING):
            additive = as_additive(value)
            return added_mask(relations.either(additive.allowed, relations.complement(kept)) if additive else None)
        whole = as_relation(value)
        return None if whole is None else relations.both(whole, kept)

    return rule


def joined(run: Callable[[Relation, Relation], Relation | None], *, widens: bool) -> Rule:
    """`and`, `or` of masks; data beside one narrows or widens it, a pattern of positions that is not understood leaves a pattern."""

    def rule(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
        given = [meaning(each) for each in (args[0], args[1] if len(args) > 1 else None)]
        one, other = map(as_relation, given)
        if one is not None and other is not None:
            return run(one, other)
        known = one or other
        if known is None or None not in given:
            return None
        return replace(known, widened=True) if widens else replace(known, narrowed=True)

    return rule


def parted(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    """`xor` of a mask and a part of it: a window as one triangle less another."""
    one, other = (as_relation(meaning(each)) for each in (args[0], args[1] if len(args) > 1 else None))
    if one is None or other is None:
        return None
    return relations.difference(one, other) or relations.difference(other, one)


def negation(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    found = as_relation(meaning(args[0]))
    return None if found is None else relations.complement(found)


def added(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    left, right = meaning(args[0]), meaning(args[1] if len(args) > 1 else kwargs.get("other"))
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Scores):
            return masked_scores(one, other, result, args)
        if isinstance(one, Additive):
            mask = as_additive(other)
            if mask is None:
                return _beside(one, other, args)
            return added_mask(relations.both(one.allowed, mask.allowed), one.bias or mask.bias)
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Bias):  # beside what is not understood, a mask perhaps, nothing is known of the sum
            return one if isinstance(other, (Bias, Position, Distance)) or _is_number(other) else None
    if isinstance(left, Relation) and isinstance(right, Relation) and result.dtype != "bool":
        return Pattern()  # how many of two conditions a place meets
    return relations.add(left, right) if left is not None and right is not None else None


def _along_keys(bias: Bias, given: Any) -> Bias | None:
    """A bias that differs from key to key; none where one number is added to all."""
    of_keys = any(isinstance(each, Tensor) and meaning(each) == bias and each.sizes[-1:] > (1,) for each in given)
    return bias if of_keys else None


def _beside(mask: Additive, other: Meaning | None, given: Any) -> Additive | None:
    """A mask with a bias, or with data that can only take more away; a pattern of positions may take anything."""
    if other is None:
        return replace(mask, allowed=replace(mask.allowed, narrowed=True))
    return replace(mask, bias=mask.bias or _along_keys(other, given)) if isinstance(other, Bias) else None


def _is_number(value: Meaning | None) -> bool:
    return isinstance(value, Constant) and value.value > BLOCKING


def masked_scores(scores: Scores, other: Meaning | None, result: Tensor, given: Any) -> Scores:
    if isinstance(other, Scores):
        rows = tuple(axis for axis in scores.rows if axis in other.rows) or scores.rows
        lost = scores.lost or other.lost
        return replace(
            scores, mask=scores.mask or other.mask, obscured=scores.obscured or other.obscured, lost=lost, rows=rows
        )
    if isinstance(other, Bias):
        return replace(scores, bias=scores.bias or _along_keys(other, given))
    if _is_number(other):
        return scores
    if isinstance(other, Pattern):
        return replace(scores, lost=True)
    mask = as_additive(other)
    if mask is None:
        return replace(scores, obscured=True)
    return _with_mask(replace(scores, bias=scores.bias or mask.bias), mask.allowed, result)


def _with_mask(scores: Scores, allowed: Relation | None, result: Tensor) -> Scores:
    """Scores after a mask; queries that follow cached keys are the last of all positions."""
    if allowed is None or (allowed.hides and allowed.rows not in scores.rows):
        return replace(scores, lost=True)
    queries, keys = (result.sizes[allowed.rows], result.sizes[-1]) if len(result.sizes) >= -allowed.rows else (0, 0)
    allowed = relations.aligned(allowed, queries, keys)
    together = allowed if scores.mask is None else relations.both(scores.mask, allowed)
    return replace(scores, lost=True) if together is None else replace(scores, mask=together)


def subtracted(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    left, right = meaning(args[0]), meaning(args[1] if len(args) > 1 else kwargs.get("other"))
    if isinstance(left, Scores):  # less their greatest, for a stable softmax; less a mask, what it hides is preferred
        return replace(left, lost=True) if isinstance(right, Additive) else left
    if isinstance(left, Constant) and isinstance(right, Relation) and left.value == 1:
        return relations.complement(right)
    if isinstance(left, Constant) and isinstance(right, Constant):
        return Constant(left.value - right.value)
    if left is None or right is None:
        return next((each for each in (left, right) if isinstance(each, Bias)), None)
    if isinstance(left, Position) and isinstance(right, Constant) and right.value == 0:
        return left
    return relations.subtract(left, right)


def multiplied(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    left, right = meaning(args[0]), meaning(args[1] if len(args) > 1 else kwargs.get("other"))
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Scores):
            blocks = isinstance(other, Constant) and other.value <= BLOCKING  # a product of data, no scores
            return Additive(Relation(narrowed=True, at=line(interp))) if blocks else one
        if isinstance(one, Bias) and isinstance(other, (Position, Distance)):  # slopes that are computed
            return Bias(linear=True)
        if isinstance(one, Bias) or other == Constant(1.0):
            return one
        if isinstance(one, (Position, Distance)):  # slopes times distances, no arithmetic of whole numbers
            return Bias(linear=True) if result.dtype is not None and "float" in result.dtype else None
        if isinstance(one, Constant) and one.value <= BLOCKING:
            blocked = as_relation(other)
            return None if blocked is None else Additive(relations.complement(blocked))
        if isinstance(one, Additive):
            kept = as_relation(other)
            if kept is None and other is not None:
                return one if isinstance(other, Bias) else None
            return (
                one if kept is None else added_mask(relations.either(one.allowed, relations.complement(kept)), one.bias)
            )
    if isinstance(left, Constant) and isinstance(right, Constant):
        return Constant(left.value * right.value)
    one, other = as_relation(left), as_relation(right)
    return relations.both(one, other) if one is not None and other is not None else None


def divided(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    value, divisor = meaning(args[0]), args[1] if len(args) > 1 else kwargs.get("other")
    if isinstance(value, (Scores, Bias)):
        return value
    floors = kwargs.get("rounding_mode") == "floor"
    return floored(interp, args, kwargs, result) if floors and isinstance(divisor, int) else None


def floored(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    value, divisor = meaning(args[0]), meaning(args[1] if len(args) > 1 else kwargs.get("other"))
    if not isinstance(value, Position) or not isinstance(divisor, Constant) or value.chunk != 1 or divisor.value < 1:
        return None
    return replace(value, chunk=int(divisor.value))


def absolute(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    value = meaning(args[0])
    if isinstance(value, Distance):
        return replace(value, absolute=True)
    return value if isinstance(value, Bias) else None


def negated(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    value = meaning(args[0])
    if isinstance(value, Distance):
        return value if value.absolute else Distance(-value.sign, -value.shift)
    return value if isinstance(value, (Scores, Bias)) else None


def chosen_where(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    if len(args) < 3:
        return None
    condition, yes, no = meaning(args[0]), meaning(args[1]), meaning(args[2])
    if isinstance(no, Constant) and no.value <= BLOCKING:
        return _blocked_where(condition, yes, result, args[0], keep=True)
    if isinstance(yes, Constant) and yes.value <= BLOCKING:
        return _blocked_where(condition, no, result, args[0], keep=False)
    chosen = as_relation(condition)
    if chosen is None or not isinstance(yes, Constant) or not isinstance(no, Constant):
        return None
    return (
        chosen if yes.value and not no.value else relations.complement(chosen) if no.value and not yes.value else None
    )


def _same_for_all_queries(mask: Any, scores: Scores) -> bool:
    """Whether data hides the same keys of every query, as padding does."""
    sizes = mask.sizes if isinstance(mask, Tensor) else ()
    return sizes[-1:] > (1,) and all(len(sizes) < -axis or sizes[axis] == 1 for axis in scores.rows)


def _blocked_where(
    condition: Meaning | None, value: Meaning | None, result: Tensor, given: Any, *, keep: bool
) -> Meaning | None:
    """A value that stays where a mask says so (`keep`), or elsewhere, and is blocked in the rest; `given` is the mask itself."""
    chosen = as_relation(condition)
    if isinstance(value, Scores) and condition is None and _same_for_all_queries(given, value):
        return _with_mask(value, replace(relations.EVERYTHING, narrowed=True), result)
    allowed = None if chosen is None else chosen if keep else relations.complement(chosen)
    if isinstance(value, Scores):
        return _with_mask(value, allowed, result)
    if isinstance(value, Additive):
        if allowed is None:
            return replace(value, allowed=replace(value.allowed, narrowed=True)) if condition is None else None
        return added_mask(relations.both(value.allowed, allowed), value.bias)
    if value is None and allowed is not None and allowed.hides and "float" in result.dtype:  # data, which may hide more
        return Additive(replace(allowed, narrowed=True))
    is_open = isinstance(value, (Relation, Bias)) or _is_number(value)
    return added_mask(allowed, value if isinstance(value, Bias) else None) if is_open else None


def behind(mask: Additive, before: int) -> Additive | None:
    """A mask of the last keys, with so many keys before them that all queries see."""
    allowed = mask.allowed
    is_open = allowed.high == inf and allowed.chunk is None and not (allowed.outside or allowed.marked)
    return Additive(replace(allowed, low=allowed.low - before)) if is_open else None


def logarithm(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    """0 for the ones of a mask, minus infinity for its zeros."""
    allowed = as_relation(meaning(args[0] if args else kwargs.get("input")))
    return None if allowed is None or not allowed.hides else Additive(allowed)


def masked_fill(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    mask, fill = (*args[1:], *(kwargs[name] for name in ("mask", "value") if name in kwargs))[:2]
    value, number, condition = meaning(args[0]), meaning(fill), meaning(mask)
    if not isinstance(number, Constant):
        return None
    chosen = as_relation(condition)
    if isinstance(value, OtherMarks):  # 0 for equal marks
        return (
            Additive(relations.complement(chosen))
            if chosen and chosen.marked and chosen.outside and number.value <= HIDING
            else None
        )
    if number.value <= BLOCKING:
        return _blocked_where(condition, value, result, mask, keep=False)
    if isinstance(value, Additive) or (isinstance(value, Constant) and value.value <= BLOCKING):
        additive = as_additive(value)
        opened = None if chosen is None or additive is None else relations.either(additive.allowed, chosen)
        return added_mask(opened) if number.value == 0 else None
    whole = as_relation(value)
    if whole is None or number.value != 0 or (chosen is None and condition is not None):
        return None
    return replace(whole, narrowed=True) if chosen is None else relations.both(whole, relations.complement(chosen))
