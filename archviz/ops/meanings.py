"""What a tensor says about positions, and how a rule for an op is written.

A rule gets what an op got and what it gave, and answers the meaning of the result (`relations.py`).  What no rule understands of
tensors of positions is a pattern, of other tensors data without meaning, so that nothing is said of what was not followed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from archviz.interpreter.machine import Interpreter
from archviz.interpreter.repeats import distinct
from archviz.interpreter.values import Tensor
from archviz.ops.relations import (
    BLOCKING,
    EVERYTHING,
    NOTHING,
    Additive,
    Bias,
    Constant,
    Distance,
    Marks,
    Meaning,
    OtherMarks,
    Pattern,
    Position,
    Relation,
)
from archviz.spans import Span

Rule = Callable[[Interpreter, tuple[Any, ...], dict[str, Any], Tensor], Meaning | None]


def meaning(value: Any) -> Meaning | None:
    """What a tensor or a number says about positions; None when that is not known."""
    if isinstance(value, Tensor):
        is_open = value.meaning is None or isinstance(value.meaning, (Pattern, Marks))
        if is_open and value.data and len(value.data) == 1 and not value.sizes:
            return meaning(value.data[0])
        if value.meaning is None and value.is_parameter:
            return Bias()
        found: Meaning | None = value.meaning
        return found
    return Constant(float(value)) if isinstance(value, (int, float)) else None


def mean(interp: Interpreter, rule: Rule | None, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
    """Give the result of an op its meaning; an op without a rule leaves what it hands on as it is."""
    for value in result if isinstance(result, (tuple, list)) else (result,):
        if isinstance(value, Tensor):
            found = value.meaning if rule is None else rule(interp, args, kwargs, value)
            value.meaning = _pattern((*args, *kwargs.values())) if found is None else found


def is_positional(value: Meaning | None) -> bool:
    """Whether a meaning says something of positions that is gone once it is not followed."""
    if isinstance(value, (Relation, Additive)):
        return (value.allowed if isinstance(value, Additive) else value).hides
    return isinstance(value, (Pattern, Position, Distance, Marks, OtherMarks))


def _pattern(given: Sequence[Any]) -> Pattern | None:
    for each in distinct(given):
        if isinstance(each, Tensor):
            if each.meaning is not None and is_positional(each.meaning):
                return Pattern()
        elif isinstance(each, (tuple, list)) and _pattern(each) is not None:
            return Pattern()
    return None


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


def added_mask(allowed: Relation | None, bias: Bias | None = None) -> Additive | None:
    """A mask to be added, perhaps with a bias; None when what it allows is not known."""
    return None if allowed is None else Additive(allowed, bias)
