"""What happens between the lookup of the embedding's table and the first layer: a factor, a norm."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from math import prod

from archviz.architecture.context import Context
from archviz.architecture.kinds import Stack
from archviz.interpreter.reading import Event, ValueRef
from archviz.patterns.activations import number_in
from archviz.patterns.norms import detect_norm
from archviz.patterns.op_families import CONTRACTIONS, CONVOLUTIONS, PLUMBING, canonical
from archviz.records import record

_BFLOAT16 = 2**-7
MOST = 64  # steps between the table and the layers
_MIXING = frozenset({"softmax", "linear", "addmm", *CONTRACTIONS, *CONVOLUTIONS})


@record(frozen=True)
class EmbeddingSteps:
    """The way of the stream from the table to the first layer.

    Args:
        lookup: The step that looks rows up.
        steps: The calls of norms and the ops that follow it, in order, moves and casts left out.
    """

    lookup: Event
    steps: list[Event]


def embedding_steps(context: Context, stack: Stack) -> EmbeddingSteps | None:
    """The steps from the lookup to the first layer, those before a projection or mixer left out; None where no lookup is found."""
    known = context.embedding_steps
    if stack.path not in known:
        known[stack.path] = _followed(context, stack)
    return known[stack.path]


def _followed(context: Context, stack: Stack) -> EmbeddingSteps | None:
    call = context.trace.call(stack.layers[0].path)
    if call is None or not call.inputs:
        return None
    wanted, steps = call.inputs[0].id, list[Event]()
    for event in _before(context, call):
        if not _makes(context, event, wanted):
            continue
        name = canonical(event.name)
        if name == "embedding" and event.kind == "op":
            return EmbeddingSteps(event, steps[::-1])
        if name in _MIXING:
            steps.clear()  # what follows scales something else
        elif name not in PLUMBING:
            steps.append(event)
        following = next((value for value in event.inputs if context.trace.carries(value)), None)
        if following is None or len(steps) == MOST:
            return None
        wanted = following.id
    return None


def embedding_factor(context: Context, stack: Stack) -> tuple[float, Event, Event] | None:
    """The number that the rows of a table are multiplied by before the first layer, with the lookup and the last product.

    None for one, and where data divides them too (ESM's share of masked tokens); a product with a mask leaves the rows as they are.
    """
    found = embedding_steps(context, stack)
    products = [step for step in found.steps if canonical(step.name) in ("mul", "div")] if found is not None else []
    factors = [(step, factor_of(context, step)) for step in products]
    numbers = [(step, factor) for step, factor in factors if isinstance(factor, float)]
    value = prod(factor for _, factor in numbers)
    by_data = any(factor is None and canonical(step.name) == "div" for step, factor in factors)
    return (
        (value, found.lookup, numbers[-1][0]) if found is not None and numbers and value != 1 and not by_data else None
    )


def is_root(factor: float, width: int | None) -> bool:
    """Whether a factor is the root of a width, to the eight bits of a bfloat16."""
    return bool(width) and abs(factor * factor / (width or 1) - 1) < _BFLOAT16


def scale_text(factor: float, width: int | None) -> str:
    """A factor in words, with the root of the width that it is.

    >>> scale_text(48.0, 2304), scale_text(50.5, 2560), scale_text(12.0, 1024)
    ('scaled × 48 (√2304)', 'scaled × 50.5 (√2560)', 'scaled × 12')
    """
    return f"scaled × {factor:.4g}" + (f" (√{width})" if is_root(factor, width) else "")


def factor_of(context: Context, step: Event) -> float | str | None:
    """The number of a multiplication, or which of the model's own tensors multiplies; None where a mask or data does."""
    number = number_in(step)
    others = [value for value in step.inputs if not context.trace.carries(value)]
    if number is None and others:
        found = _held(context, step, others[0])
        if not isinstance(found, float):
            return found
        number = found
    return 1 / number if number and canonical(step.name) == "div" else number


def _held(context: Context, step: Event, value: ValueRef) -> float | str | None:
    """The number that a value is, made here or held by the module; else which of the model's own tensors it is; moved or cast at most."""
    for event in _before(context, step):
        if event.kind == "op" and any(each.id == value.id for each in event.outputs):
            if canonical(event.name) == "tensor":
                return number_in(event)
            if canonical(event.name) not in PLUMBING or not event.inputs:
                return None
            value = event.inputs[0]
    module = context.modules.get(step.module)
    scalars = [] if module is None or value.shape else [b for b in module.buffers.values() if not b.shape]
    if len(scalars) == 1 and scalars[0].number is not None:
        return scalars[0].number
    stored = context.reading.stored.get(value.id)
    return f"stored: {stored.name.rpartition('.')[2]}" if stored is not None else None


def _before(context: Context, event: Event) -> Iterator[Event]:
    """What happened before an event, from the last on; calls that repeat others stay closed."""
    outline = context.trace.outline
    place = bisect_left(outline, event.index, key=lambda each: each.index)
    return (outline[at] for at in range(place - 1, -1, -1))


def _makes(context: Context, event: Event, wanted: int) -> bool:
    """Whether an op, or a norm as a whole, makes a value."""
    if all(value.id != wanted for value in event.outputs) or any(value.id == wanted for value in event.inputs):
        return False
    module = context.modules.get(event.module)
    if module is None:
        return event.kind == "op"
    is_norm = (event.kind == "call" or not module.children) and detect_norm(module, context.trace) is not None
    return event.kind == "call" if is_norm else event.kind == "op"
