"""The number that the code multiplies the logits by, before or after the output head, which is linear, and what bounds them."""

from __future__ import annotations

from collections.abc import Sequence

from archviz.interpreter.reading import Event
from archviz.patterns.activations import number_in
from archviz.patterns.op_families import PLUMBING, canonical
from archviz.patterns.trace import Trace
from archviz.spans import Span

HEAD_OPS = ("linear", "matmul")
_MOST = 12  # steps beside the head


def logit_factor(trace: Trace, vocabulary: object) -> tuple[float, Span | None] | None:
    """The factor and the line; None where there is none, or where a curve (a softcap) bounds the logits.

    Args:
        trace: The whole trace.
        vocabulary: How many logits there are.
    """
    steps = _steps(trace, vocabulary)
    if any(canonical(step.name) not in ("mul", "div") for step in steps):
        return None
    factors = [(_factor(step), step.at) for step in steps]
    value = 1.0
    for factor, _ in factors:
        value *= factor
    return (value, factors[0][1]) if factors and value != 1 else None


def logit_softcap(trace: Trace, vocabulary: object) -> tuple[float, Span | None] | None:
    """The bound `c` of `c · tanh(logits / c)` and its line; None where the code bounds no logits."""
    steps = _steps(trace, vocabulary)
    curve = next((place for place, step in enumerate(steps) if canonical(step.name) == "tanh"), None)
    behind = steps[curve + 1 :] if curve is not None else []
    return (_factor(behind[0]), behind[0].at) if behind and canonical(behind[0].name) == "mul" else None


def _steps(trace: Trace, vocabulary: object) -> list[Event]:
    """The products and curves right before and behind the output head, which has `vocabulary` results."""
    ops = [event for event in trace.outline if event.kind == "op"]
    heads = _heads(ops, vocabulary)
    if not heads:
        return []
    return [*_before(ops[: heads[-1]], ops[heads[-1]]), *_after(ops[heads[-1] + 1 :], ops[heads[-1]])]


def _heads(ops: Sequence[Event], vocabulary: object) -> list[int]:
    """The places of the projections to `vocabulary` results."""
    return [
        place for place, event in enumerate(ops)
        if canonical(event.name) in HEAD_OPS and event.outputs and (event.outputs[0].shape or (None,))[-1] == vocabulary
    ]  # fmt: skip


def shows_logits(trace: Trace, vocabulary: object) -> bool:
    """Whether a pass that was understood shows what becomes of the logits."""
    return trace.whole and bool(_heads([event for event in trace.outline if event.kind == "op"], vocabulary))


def _factor(step: Event) -> float:
    number = number_in(step) or 1.0
    return 1 / number if canonical(step.name) == "div" else number


def _before(ops: Sequence[Event], head: Event) -> list[Event]:
    """The products with a number that end in what the head reads."""
    wanted, found = head.inputs[0].id, list[Event]()
    for event in reversed(ops):
        if all(value.id != wanted for value in event.outputs) or not event.inputs or len(found) == _MOST:
            continue
        name = canonical(event.name)
        if name in ("mul", "div") and len(event.inputs) == 1 and number_in(event) is not None:
            found.append(event)
        elif name not in (*PLUMBING, "getitem", "slice"):
            break
        wanted = event.inputs[0].id
    return found


def _after(ops: Sequence[Event], head: Event) -> list[Event]:
    """The steps that follow the head, each reading the one before, casts left out."""
    current, found = head.outputs[0].id, list[Event]()
    for event in ops:
        if all(value.id != current for value in event.inputs) or not event.outputs or len(event.inputs) != 1:
            continue
        name = canonical(event.name)
        if name in PLUMBING:
            current = event.outputs[0].id
        elif name in ("mul", "div", "tanh") and (name == "tanh" or number_in(event) is not None):
            found.append(event)
            current = event.outputs[0].id
        else:
            break
    return found
