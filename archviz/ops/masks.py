"""What ops do to the meaning of a mask: comparisons make one, views and casts keep it, scores take it up, softmax uses it.

A rule gets what an op got and what it gave, and answers the meaning of the result (`relations.py`); an op without a rule gives a tensor
without meaning, so that nothing is said of what was not followed.  `used` says what a softmax or an attention op is masked by, for its event.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import Tensor
from archviz.ops import relations, shapes
from archviz.ops.relations import (
    BLOCKING,
    EVERYTHING,
    NOTHING,
    Additive,
    Bias,
    Constant,
    Distance,
    Meaning,
    Position,
    Relation,
    Scores,
)
from archviz.spans import Span

Rule = Callable[[Interpreter, tuple[Any, ...], dict[str, Any], Tensor], Meaning | None]


def meaning(value: Any) -> Meaning | None:
    """What a tensor or a number says about positions; None when that is not known."""
    if isinstance(value, Tensor):
        if value.meaning is None and value.data and len(value.data) == 1 and not value.sizes:
            return meaning(value.data[0])
        if value.meaning is None and value.is_parameter:
            return Bias()
        found: Meaning | None = value.meaning
        return found
    return Constant(float(value)) if isinstance(value, (int, float)) else None


def mean(interp: Interpreter, rule: Rule, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
    """Give the result of an op its meaning."""
    for value in result if isinstance(result, (tuple, list)) else (result,):
        if isinstance(value, Tensor):
            value.meaning = rule(interp, args, kwargs, value)


def as_relation(value: Meaning | None) -> Relation | None:
    """The pairs for which a tensor is true, or not 0."""
    if isinstance(value, Constant):
        return EVERYTHING if value.value else NOTHING
    return value if isinstance(value, Relation) else None


def as_additive(value: Meaning | None) -> Additive | None:
    if isinstance(value, Constant):
        return Additive(NOTHING if value.value <= BLOCKING else EVERYTHING)
    return value if isinstance(value, Additive) else None


def line(interp: Interpreter) -> Span | None:
    """The line of a module's forward that is at work: where it calls the function that makes the mask, or makes it itself."""
    recorder = interp.recorder
    return (recorder.own_line() if recorder is not None else None) or interp.here()


# -- making ---------------------------------------------------------------------------------------------------------------


def _arange(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    if not result.data or len(result.sizes) != 1:
        return Position(-1) if len(result.sizes) == 1 and len(args) == 1 and "start" not in kwargs else None
    start, step = result.data[0], (result.data[1] - result.data[0] if len(result.data) > 1 else 1)
    return Position(-1, int(start)) if step == 1 and start == int(start) else None


def _filled(value: float) -> Rule:
    return lambda interp, args, kwargs, result: Constant(value)


def _full(place: int) -> Rule:
    def rule(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
        found = meaning(kwargs.get("fill_value", args[place] if len(args) > place else None))
        return found if isinstance(found, Constant) else None

    return rule


def _compared(name: str) -> Rule:
    def rule(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
        left, right = meaning(args[0]), meaning(args[1] if len(args) > 1 else kwargs.get("other"))
        if left is None or right is None:
            return None
        found = relations.compare(name, left, right)
        if found is None and name == "eq" and isinstance(left, Relation) and isinstance(right, Constant):
            found = left if right.value else relations.complement(left)
        return None if found is None else replace(found, at=line(interp))

    return rule


def _triangle(upper: bool) -> Rule:
    """`tril` keeps the keys up to a diagonal, `triu` those from it on; the rest becomes 0."""

    def rule(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
        diagonal = kwargs.get("diagonal", args[1] if len(args) > 1 else 0)
        value = meaning(args[0])
        if not isinstance(diagonal, int) or value is None:
            return None
        kept = replace(Relation(high=-diagonal) if upper else Relation(low=-diagonal), at=line(interp))
        if isinstance(value, Additive) or (isinstance(value, Constant) and value.value <= BLOCKING):
            additive = as_additive(value)
            return _additive(relations.either(additive.allowed, relations.complement(kept)) if additive else None)
        whole = as_relation(value)
        return None if whole is None else relations.both(whole, kept)

    return rule


def _additive(allowed: Relation | None) -> Additive | None:
    return None if allowed is None else Additive(allowed)


# -- combining ------------------------------------------------------------------------------------------------------------


def _joined(run: Callable[[Relation, Relation], Relation | None], flag: str) -> Rule:
    """`and`, `or` of masks; what is not understood beside one is data that narrows or widens it."""

    def rule(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
        one, other = (as_relation(meaning(each)) for each in (args[0], args[1] if len(args) > 1 else None))
        if one is not None and other is not None:
            return run(one, other)
        known = one or other
        return None if known is None else replace(known, **{flag: True})

    return rule


def _not(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    found = as_relation(meaning(args[0]))
    return None if found is None else relations.complement(found)


def _added(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    left, right = meaning(args[0]), meaning(args[1] if len(args) > 1 else kwargs.get("other"))
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Scores):
            return _masked_scores(one, other, result)
        if isinstance(one, Additive):
            mask = as_additive(other)
            return _additive(relations.both(one.allowed, mask.allowed)) if mask else _beside(one, other)
        if isinstance(one, Bias):
            return one
    return relations.add(left, right) if left is not None and right is not None else None


def _beside(mask: Additive, other: Meaning | None) -> Additive:
    """A mask with a bias, or with something not understood that can only take more away."""
    return mask if isinstance(other, Bias) else Additive(replace(mask.allowed, narrowed=True))


def _masked_scores(scores: Scores, other: Meaning | None, result: Tensor) -> Scores:
    if isinstance(other, Scores):
        return replace(scores, mask=scores.mask or other.mask, obscured=scores.obscured or other.obscured)
    if isinstance(other, Bias):
        return scores
    if isinstance(other, Constant) and other.value > BLOCKING:
        return scores
    mask = as_additive(other)
    if mask is None:
        return replace(scores, obscured=True)
    return _with_mask(scores, mask.allowed, result)


def _with_mask(scores: Scores, allowed: Relation | None, result: Tensor) -> Scores:
    """Scores after a mask; queries that follow cached keys are the last of all positions."""
    if allowed is None:
        return replace(scores, obscured=True)
    queries, keys = result.sizes[-2:] if len(result.sizes) > 1 else (0, 0)
    allowed = relations.shifted(allowed, max(0, keys - queries))
    together = allowed if scores.mask is None else relations.both(scores.mask, allowed)
    return replace(scores, obscured=True) if together is None else replace(scores, mask=together)


def _subtracted(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    left, right = meaning(args[0]), meaning(args[1] if len(args) > 1 else kwargs.get("other"))
    if isinstance(left, Scores):  # less their greatest, for a stable softmax
        return left
    if isinstance(left, Constant) and isinstance(right, Relation) and left.value == 1:
        return relations.complement(right)
    if isinstance(left, Constant) and isinstance(right, Constant):
        return Constant(left.value - right.value)
    if left is None or right is None:
        return Bias() if isinstance(left, Bias) or isinstance(right, Bias) else None
    if isinstance(left, Position) and isinstance(right, Constant) and right.value == 0:
        return left
    return relations.subtract(left, right)


def _multiplied(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    left, right = meaning(args[0]), meaning(args[1] if len(args) > 1 else kwargs.get("other"))
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Scores):
            return one
        if isinstance(one, (Bias, Position, Distance)):  # slopes times distances
            return one if one == Bias() or other == Constant(1.0) else Bias()
        if isinstance(one, Constant) and one.value <= BLOCKING:
            blocked = as_relation(other)
            return None if blocked is None else Additive(relations.complement(blocked))
        if isinstance(one, Additive):
            kept = as_relation(other)
            return one if kept is None else _additive(relations.either(one.allowed, relations.complement(kept)))
    if isinstance(left, Constant) and isinstance(right, Constant):
        return Constant(left.value * right.value)
    one, other = as_relation(left), as_relation(right)
    return relations.both(one, other) if one is not None and other is not None else None


def _divided(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    value, divisor = meaning(args[0]), args[1] if len(args) > 1 else kwargs.get("other")
    if isinstance(value, (Scores, Bias)):
        return value
    floors = kwargs.get("rounding_mode") == "floor"
    return _floored(interp, args, kwargs, result) if floors and isinstance(divisor, int) else None


def _floored(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    value, divisor = meaning(args[0]), meaning(args[1] if len(args) > 1 else kwargs.get("other"))
    if not isinstance(value, Position) or not isinstance(divisor, Constant) or value.chunk != 1 or divisor.value < 1:
        return None
    return replace(value, chunk=int(divisor.value))


def _absolute(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    value = meaning(args[0])
    if isinstance(value, Distance):
        return replace(value, absolute=True)
    return value if isinstance(value, Bias) else None


def _negated(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    value = meaning(args[0])
    if isinstance(value, Distance):
        return value if value.absolute else Distance(-value.sign, -value.shift)
    return value if isinstance(value, (Scores, Bias)) else None


def _where(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    if len(args) < 3:
        return None
    condition, yes, no = meaning(args[0]), meaning(args[1]), meaning(args[2])
    if isinstance(no, Constant) and no.value <= BLOCKING:
        return _blocked_where(condition, yes, result, keep=True)
    if isinstance(yes, Constant) and yes.value <= BLOCKING:
        return _blocked_where(condition, no, result, keep=False)
    chosen = as_relation(condition)
    if chosen is None or not isinstance(yes, Constant) or not isinstance(no, Constant):
        return None
    return chosen if yes.value and not no.value else relations.complement(chosen) if no.value and not yes.value else None


def _blocked_where(condition: Meaning | None, value: Meaning | None, result: Tensor, *, keep: bool) -> Meaning | None:
    """A value that stays where a mask says so (`keep`), or elsewhere, and is blocked in the rest."""
    chosen = as_relation(condition)
    allowed = None if chosen is None else chosen if keep else relations.complement(chosen)
    if isinstance(value, Scores):
        return _with_mask(value, allowed, result)
    if isinstance(value, Additive):
        if allowed is None:
            return Additive(replace(value.allowed, narrowed=True))
        return _additive(relations.both(value.allowed, allowed))
    is_open = isinstance(value, (Relation, Bias)) or (isinstance(value, Constant) and value.value > BLOCKING)
    return _additive(allowed) if is_open else None


def _masked_fill(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    mask, fill = (*args[1:], *(kwargs[name] for name in ("mask", "value") if name in kwargs))[:2]
    value, number, condition = meaning(args[0]), meaning(fill), meaning(mask)
    if not isinstance(number, Constant):
        return None
    if number.value <= BLOCKING:
        return _blocked_where(condition, value, result, keep=False)
    chosen = as_relation(condition)
    if isinstance(value, Additive) or (isinstance(value, Constant) and value.value <= BLOCKING):
        additive = as_additive(value)
        opened = None if chosen is None or additive is None else relations.either(additive.allowed, chosen)
        return _additive(opened) if number.value == 0 else None
    whole = as_relation(value)
    if whole is None or number.value != 0:
        return None
    return replace(whole, narrowed=True) if chosen is None else relations.both(whole, relations.complement(chosen))


# -- keeping --------------------------------------------------------------------------------------------------------------


def _kept(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    """Casts and copies; what is blocked by a large number is true when numbers become truth values."""
    value = meaning(args[0])
    if isinstance(value, Additive) and result.dtype == "bool":
        return relations.complement(value.allowed)
    return value


def _scored(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
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
    if isinstance(value, (Relation, Additive, Distance)) or (isinstance(value, Scores) and value.mask is not None):
        stays = axes.get(-1) == -1 and axes.get(-2, -2) == -2
        return value if stays else None
    return value


def _unsqueezed(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    dim = kwargs.get("dim", args[1] if len(args) > 1 else 0)
    rank = len(result.sizes)
    place = shapes.axis(dim, rank) - rank  # of the new axis, from the right
    return moved(meaning(args[0]), {old: old if old > place else old - 1 for old in range(-rank + 1, 0)})


def _squeezed(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    dim = kwargs.get("dim", args[1] if len(args) > 1 else None)
    if not isinstance(dim, int):
        return _viewed(interp, args, kwargs, result)
    rank = len(args[0].sizes)
    if len(result.sizes) == rank:
        return meaning(args[0])
    gone = shapes.axis(dim, rank) - rank
    return moved(meaning(args[0]), {old: old if old > gone else old + 1 for old in range(-rank, 0) if old != gone})


def _permuted(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    rank = len(result.sizes)
    order = list(range(rank))
    given = args[1:] or tuple(kwargs.get("dims", ()))
    given = tuple(given[0]) if len(given) == 1 and isinstance(given[0], (tuple, list)) else given
    return moved(meaning(args[0]), {shapes.axis(old, rank) - rank: new - rank for new, old in zip(order, given, strict=False)})


def _transposed(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    rank = len(result.sizes)
    one, other = (shapes.axis(each, rank) - rank for each in (*args[1:], *kwargs.values())[:2])
    axes = {place: place for place in range(-rank, 0)}
    axes[one], axes[other] = other, one
    return moved(meaning(args[0]), axes)


def _turned(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    return moved(meaning(args[0]), {-1: -2, -2: -1})


def _viewed(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    """A reshape: positions follow the one axis that is no 1, masks stay where their last two axes do."""
    value, old, new = meaning(args[0]), args[0].sizes, result.sizes
    if isinstance(value, Position):
        long = [place - len(new) for place, size in enumerate(new) if size != 1]
        if len(long) != 1 or shapes.product(old) != new[long[0]]:
            return None
        return replace(value, axis=long[0])
    if isinstance(value, (Constant, Bias)) or (isinstance(value, Scores) and value.mask is None):
        return value
    return value if old[-2:] == new[-2:] else None


def _expanded(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    value, old, new = meaning(args[0]), args[0].sizes, result.sizes
    if isinstance(value, Position):
        return value if len(old) >= -value.axis and old[value.axis] == new[value.axis] else None
    return value


def _repeated(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    return _viewed(interp, args, kwargs, result)


def item(value: Tensor, parts: tuple[Any, ...], result: Any) -> None:
    """Give `value[parts]` its meaning: positions looked up by positions are positions again."""
    known = meaning(value)
    if known is None or not isinstance(result, Tensor):
        return
    if any(isinstance(part, (Tensor, list)) for part in parts):
        result.meaning = _looked_up(known, parts)
        return
    result.meaning = moved(known, _axes(value, parts, result)) if not isinstance(known, Position) else _cut(known, value, parts, result)


def _looked_up(value: Meaning, parts: tuple[Any, ...]) -> Meaning | None:
    last = meaning(parts[-1]) if isinstance(parts[-1], Tensor) else None
    if isinstance(value, Position) and value.axis == -1 and value.chunk == 1 and isinstance(last, Position):
        return relations.add(last, Constant(value.shift))
    return value if isinstance(value, (Constant, Bias)) else None


def _cut(known: Position, value: Tensor, parts: tuple[Any, ...], result: Tensor) -> Meaning | None:
    found = moved(known, _axes(value, parts, result))
    rank = len(value.sizes)
    filled = _filled_parts(parts, rank)
    own = filled[rank + known.axis] if len(filled) == rank else None
    start = own.start if isinstance(own, slice) else None
    if isinstance(found, Position) and isinstance(start, int) and start > 0:
        return relations.add(found, Constant(start))
    return found


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
        value.meaning = None


# -- scores and their use -------------------------------------------------------------------------------------------------


def _product(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    return Scores()


def _biased_product(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    return _masked_scores(Scores(), meaning(args[0]), result) if kwargs.get("beta", 1) else Scores()


def _table(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    return Bias()


def _gathered(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    value = meaning(args[0])
    return Bias() if value in (Scores(), Bias()) else None


def _chained(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    """Scores with sinks beside them."""
    parts: Sequence[Any] = args[0] if isinstance(args[0], (list, tuple)) else ()
    found = meaning(parts[0]) if parts else None
    rank = len(result.sizes)
    along = kwargs.get("dim", args[1] if len(args) > 1 else 0)
    is_last = isinstance(along, int) and shapes.axis(along, rank) == rank - 1
    return found if isinstance(found, Scores) and is_last else None


def used(label: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """What a softmax over scores or an attention op is masked by: `mask`, `mask_window`, `mask_at` and what else is known.

    Nothing is said where something not understood may have masked the scores.
    """
    if label == "softmax":
        scores = meaning(args[0]) if args else None
        if not isinstance(scores, Scores) or (scores.mask is None and scores.obscured):
            return {}
        return described(scores.mask)
    given = kwargs.get("attn_mask", args[3] if len(args) > 3 else None)
    if given is None:
        causal = kwargs.get("is_causal", args[5] if len(args) > 5 else False)
        return {"mask": "causal"} if causal is True else described(None)
    found = meaning(given)
    allowed = found.allowed if isinstance(found, Additive) else as_relation(found)
    if allowed is None:
        return {}
    sizes = given.sizes[-2:] if isinstance(given, Tensor) and len(given.sizes) > 1 else (0, 0)
    return described(relations.shifted(allowed, max(0, sizes[1] - sizes[0]) if sizes[0] > 1 or sizes[1] > 1 else 0))


def described(mask: Relation | None) -> dict[str, Any]:
    """A mask as the options of an event."""
    if mask is None:
        return {"mask": "none"}
    if mask.kind is None:
        return {}
    found: dict[str, Any] = {"mask": mask.kind}
    if mask.window is not None:
        found["mask_window"] = mask.window
    if mask.kind == "sliding" and mask.looks_ahead:
        found["mask_both_ways"] = True
    if mask.widened:
        found["mask_widened"] = True
    if mask.at is not None:
        found["mask_at"] = mask.at
    return found


def _names(rule: Rule, *names: str) -> dict[str, Rule]:
    return dict.fromkeys(names, rule)


RULES: dict[str, Rule] = {
    "arange": _arange,
    **_names(_filled(1.0), "ones", "ones_like", "new_ones"),
    **_names(_filled(0.0), "zeros", "zeros_like", "new_zeros"),
    "full": _full(1), "full_like": _full(1), "new_full": _full(2), "fill_": _full(1),
    **_names(_compared("eq"), "eq"), **_names(_compared("ne"), "ne", "not_equal", "noteq"),
    **_names(_compared("lt"), "lt", "less"), **_names(_compared("le"), "le", "lte", "less_equal"),
    **_names(_compared("gt"), "gt", "greater"), **_names(_compared("ge"), "ge", "gte", "greater_equal"),
    **_names(_triangle(upper=False), "tril", "tril_"), **_names(_triangle(upper=True), "triu", "triu_"),
    **_names(_joined(relations.both, "narrowed"), "__and__", "logical_and", "bitwise_and", "__and___"),
    **_names(_joined(relations.either, "widened"), "__or__", "logical_or", "bitwise_or"),
    **_names(_not, "logical_not", "bitwise_not"),
    **_names(_added, "add", "add_"), **_names(_subtracted, "sub", "subtract", "sub_"),
    **_names(_multiplied, "mul", "multiply", "mul_"),
    **_names(_divided, "div", "truediv", "divide", "true_divide", "div_", "__truediv__"),
    **_names(_floored, "__floordiv__", "floor_divide"),
    **_names(_absolute, "abs", "absolute"),
    "where": _where, **_names(_masked_fill, "masked_fill", "masked_fill_"),
    **_names(_kept, "to", "type", "type_as", "float", "half", "bfloat16", "double", "long", "int", "bool", "byte", "clone",
             "contiguous", "detach", "cpu", "cuda", "requires_grad_"),
    **_names(_scored, "tanh", "clamp", "clip", "clamp_min", "maximum", "max", "nan_to_num", "dropout", "pad"),
    "neg": _negated,
    "unsqueeze": _unsqueezed, "unsqueeze_": _unsqueezed, "squeeze": _squeezed,
    "permute": _permuted, **_names(_transposed, "transpose", "swapaxes"), **_names(_turned, "t", "mT"),
    **_names(_viewed, "view", "reshape", "view_as", "reshape_as", "flatten", "unflatten", "repeat", "tile"),
    **_names(_expanded, "expand", "expand_as", "broadcast_to", "broadcast_tensors"),
    **_names(_product, "matmul", "__matmul__", "bmm", "einsum"), "baddbmm": _biased_product,
    "embedding": _table, "gather": _gathered, **_names(_chained, "cat", "concat"),
}  # fmt: skip
USERS = frozenset({"softmax", "scaled_dot_product_attention"})
