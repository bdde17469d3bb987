"""The rules by which masks keep their meaning from the comparison that makes them to the softmax that uses them.

Comparisons make a mask (`mask_making.py`), views and casts keep it (`mask_views.py`), scores take it up, and `used` says what a softmax
or an attention op is masked by, for its event.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archviz.interpreter.machine import Interpreter
from archviz.interpreter.reading import POSITION_BIAS
from archviz.interpreter.values import Tensor
from archviz.ops import counts, relations, shapes
from archviz.ops import mask_making as making
from archviz.ops import mask_views as views
from archviz.ops.mask_views import item, written
from archviz.ops.meanings import Rule, as_relation, mean, meaning
from archviz.ops.relations import Additive, Bias, Constant, Distance, Meaning, Pattern, Position, Relation, Scores

MULTI_HEAD = "multi_head_attention_forward"


def _product(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    return Scores()


def _lettered_product(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    """The queries lie along an axis of one factor alone: of `bshd,bthd->bsht` the third from the right."""
    equation = args[0] if args else kwargs.get("equation")
    terms = equation.replace(" ", "").replace("->", ",").split(",") if isinstance(equation, str) else []
    if len(terms) != 3 or "." in terms[2]:
        return Scores()
    one, other, made = terms
    rows = tuple(at - len(made) for at, axis in enumerate(made[:-1]) if (axis in one) != (axis in other))
    return Scores(rows=rows or (-2,))


def _biased_product(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    return making.masked_scores(Scores(), meaning(args[0]), result, args[:1]) if kwargs.get("beta", 1) else Scores()


def _table(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    ids = args[0] if args else kwargs.get("input")
    of_tokens = interp.recorder is not None and id(ids) in interp.recorder.tokens
    return None if of_tokens else Bias()


def _learned(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    """Weights over positions: what a layer learned of them is a bias."""
    found = meaning(args[0] if args else kwargs.get("input"))
    return Bias() if isinstance(found, (Bias, Pattern, Position, Distance)) else result.meaning


def _bent(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    """An activation: of a bias a bias, of anything else what an op without a rule gives."""
    found = meaning(args[0] if args else kwargs.get("input"))
    return found if isinstance(found, Bias) else result.meaning


def _gathered(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    value = meaning(args[0])
    return Bias() if isinstance(value, Bias) or value == Scores() else None


def _chained(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    """Scores with sinks beside them; a mask behind columns for keys that went before, which all queries see."""
    given: Sequence[Any] = args[0] if args and isinstance(args[0], (list, tuple)) else ()
    rank = len(result.sizes)
    along = kwargs.get("dim", args[1] if len(args) > 1 else 0)
    if not isinstance(along, int) or shapes.axis(along, rank) != rank - 1:
        return None
    parts = [each for each in given if isinstance(each, Tensor) and each.sizes and each.sizes[-1]]
    found = meaning(parts[0]) if parts else None
    if isinstance(found, Scores) or len(parts) == 1:
        return found
    mask = meaning(parts[-1]) if len(parts) == 2 and found == Constant(0.0) else None
    return making.behind(mask, parts[0].sizes[-1]) if isinstance(mask, Additive) else None


def _side_by_side(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    """Joined along the second axis, or the only one."""
    return _chained(interp, args, {"dim": min(1, len(result.sizes) - 1)}, result)


def used(label: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """What a softmax over scores or an attention op is masked by: `mask`, `mask_window`, `mask_at` and what else is known.

    Nothing is said where something not understood may have masked the scores.
    """
    if label == "softmax":
        scores = meaning(args[0]) if args else None
        if not isinstance(scores, Scores) or scores.lost or (scores.mask is None and scores.obscured):
            return {}
        return described(scores.mask) | _biased(scores.bias)
    given = kwargs.get("attn_mask", args[3] if len(args) > 3 else None)
    if given is None:
        causal = kwargs.get("is_causal", args[5] if len(args) > 5 else False)
        return {"mask": "causal"} if causal is True else described(None)
    found = meaning(given)
    if isinstance(found, Bias):
        return described(None) | _biased(found if isinstance(given, Tensor) and given.sizes[-1:] > (1,) else None)
    allowed = found.allowed if isinstance(found, Additive) else as_relation(found)
    if label == MULTI_HEAD and isinstance(found, Relation):
        allowed = relations.complement(found)  # true there is hidden
    if allowed is None or (allowed.hides and allowed.rows != -2):
        return {}
    sizes = given.sizes[-2:] if isinstance(given, Tensor) and len(given.sizes) > 1 else (0, 0)
    return described(relations.aligned(allowed, *sizes)) | _biased(found.bias if isinstance(found, Additive) else None)


def _biased(bias: Bias | None) -> dict[str, Any]:
    """What the scores got for what it says about positions."""
    return {} if bias is None else {POSITION_BIAS: "ALiBi" if bias.linear else "relative bias"}


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
    "arange": making.arange,
    **_names(making.filled(1.0), "ones", "ones_like", "new_ones"),
    **_names(making.filled(0.0), "zeros", "zeros_like", "new_zeros"),
    "full": making.full(1), "full_like": making.full(1), "new_full": making.full(2), "fill_": making.full(1),
    **_names(making.compared("eq"), "eq"), **_names(making.compared("ne"), "ne", "not_equal", "noteq"),
    **_names(making.compared("lt"), "lt", "less"), **_names(making.compared("le"), "le", "lte", "less_equal"),
    **_names(making.compared("gt"), "gt", "greater"), **_names(making.compared("ge"), "ge", "gte", "greater_equal"),
    **_names(making.triangle(upper=False), "tril", "tril_"), **_names(making.triangle(upper=True), "triu", "triu_"),
    **_names(making.joined(relations.both, widens=False), "__and__", "logical_and", "bitwise_and", "__and___"),
    **_names(making.joined(relations.either, widens=True), "__or__", "logical_or", "bitwise_or"),
    **_names(making.negation, "logical_not", "bitwise_not"),
    **_names(making.parted, "__xor__", "bitwise_xor", "logical_xor"),
    **_names(making.added, "add", "add_"), **_names(making.subtracted, "sub", "subtract", "sub_"),
    **_names(making.multiplied, "mul", "multiply", "mul_"),
    **_names(making.divided, "div", "truediv", "divide", "true_divide", "div_", "__truediv__"),
    **_names(making.floored, "__floordiv__", "floor_divide"),
    **_names(making.absolute, "abs", "absolute"),
    "where": making.chosen_where, **_names(making.masked_fill, "masked_fill", "masked_fill_"),
    **_names(views.kept, "to", "type", "type_as", "float", "half", "bfloat16", "double", "long", "int", "bool", "byte", "clone",
             "contiguous", "detach", "cpu", "cuda", "requires_grad_"),
    **_names(views.scored, "tanh", "clamp", "clip", "clamp_min", "maximum", "max", "nan_to_num", "dropout", "pad"),
    "cumsum": making.counted_up, "pow": making.raised,
    "neg": making.negated, "linear": _learned, **_names(_bent, "relu", "gelu", "silu", "sigmoid"),
    "unsqueeze": views.unsqueezed, "unsqueeze_": views.unsqueezed, "squeeze": views.squeezed,
    "permute": views.permuted, **_names(views.transposed, "transpose", "swapaxes"), **_names(views.turned, "t", "mT"),
    **_names(views.viewed, "view", "reshape", "view_as", "reshape_as", "flatten", "unflatten", "repeat", "tile"),
    **_names(views.expanded, "expand", "expand_as", "broadcast_to", "broadcast_tensors"),
    **_names(_product, "matmul", "__matmul__", "bmm"), "einsum": _lettered_product, "baddbmm": _biased_product,
    **_names(counts.counted, "bincount", "histc", "one_hot"), "sum": counts.summed,
    **_names(counts.scattered(3), "scatter_", "scatter", "scatter_add_", "scatter_add", "index_add_"),
    "embedding": _table, "gather": _gathered, **_names(_chained, "cat", "concat"), "hstack": _side_by_side, "log": making.logarithm,
}  # fmt: skip
USERS = frozenset({"softmax", "scaled_dot_product_attention", MULTI_HEAD})

__all__ = ["RULES", "USERS", "Rule", "described", "item", "mean", "used", "written"]
