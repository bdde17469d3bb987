"""Counts of tokens by expert: nobody knows them, but what they sum to follows from how they were counted.

`zeros(...).scatter_(1, chosen, 1).sum(0)`, `bincount(chosen)` and `one_hot(chosen).sum(0)` count each chosen expert once, so that slices
of sorted tokens cut by these counts take up all of them.
"""

from __future__ import annotations

from typing import Any

from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import Tensor
from archviz.ops import shapes
from archviz.ops.meanings import Rule, meaning
from archviz.ops.relations import Constant, Counts, Meaning, Tally


def counted(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    """`bincount`, `histc`, `one_hot`: every element is counted once."""
    return Counts(shapes.product(args[0].sizes)) if isinstance(args[0], Tensor) and args[0].shape is not None else None


def scattered(place: int) -> Rule:
    """Ones written into zeros by an index that stands before them."""

    def rule(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
        index = kwargs.get("index", args[place - 1] if len(args) >= place else None)
        given = kwargs.get("src", kwargs.get("value", args[place] if len(args) > place else None))
        known = isinstance(index, Tensor) and index.shape is not None
        if known and meaning(args[0]) == Constant(0.0) and meaning(given) == Constant(1.0):
            return Counts(shapes.product(index.sizes))
        return None

    return rule


def summed(interp: Interpreter, args: Any, kwargs: Any, result: Tensor) -> Meaning | None:
    """A sum over some axes counts the same; one of truth values that are data is a tally of them."""
    found = meaning(args[0])
    if (
        found is None
        and result.sizes
        and isinstance(args[0], Tensor)
        and args[0].dtype == "bool"
        and args[0].data is None
    ):
        return Tally()
    return found if isinstance(found, Counts) and result.sizes else None


def assumed_counts(value: Tensor) -> list[int] | None:
    """The counts of a tensor of one axis, as even as they can be; None when their sum is not known."""
    found = value.meaning
    if not isinstance(found, Counts) or len(value.sizes) != 1 or not value.sizes[0]:
        return None
    return shapes.AssumedNumbers([1] * value.sizes[0]).shares(found.total)
