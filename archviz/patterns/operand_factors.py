"""What queries, keys and values are multiplied by on the way from their projections into an attention: a number, or one for each position."""

from __future__ import annotations

from archviz.interpreter.reading import Event, ValueRef
from archviz.patterns.activations import number_in
from archviz.patterns.op_families import PLUMBING, canonical
from archviz.patterns.trace import Trace
from archviz.records import record

OPERANDS = ("queries", "keys", "values")
_LONG = 24
_MOVES = (*PLUMBING, "split", "chunk", "slice", "getitem", "unbind", "repeat_interleave", "expand")


@record(frozen=True)
class OperandFactor:
    """One multiplication.

    Args:
        operand: `queries`, `keys` or `values`.
        number: None where every position has a number of its own, which no weight and no token decides.
        event: The step.
    """

    operand: str
    number: float | None
    event: Event


def operand_factors(trace: Trace, call: Event) -> list[OperandFactor]:
    """The factors before the core of an attention's call, those of each operand in the order of the code."""
    own = list(trace.own(call))
    core = next((event for event in own if is_core(event)), None)
    if core is None or len({value.id for value in core.inputs[:3]}) < len(OPERANDS):
        return []
    makers = {value.id: event for event in own for value in event.outputs if event is not core}
    found: list[OperandFactor] = []
    for operand, value in zip(OPERANDS, core.inputs, strict=False):
        steps = _steps(trace, makers, value)
        found += [OperandFactor(operand, number, event) for event, number in reversed(steps)]
    return found


def _steps(trace: Trace, makers: dict[int, Event], value: ValueRef) -> list[tuple[Event, float | None]]:
    found: list[tuple[Event, float | None]] = []
    for _ in range(_LONG):
        event = makers.get(value.id)
        if event is None or event.kind != "op" or not event.inputs:
            break
        name, data = canonical(event.name), [each for each in event.inputs if trace.carries(each)]
        number = number_in(event) if name in ("mul", "div") and len(event.inputs) == 1 else None
        if number:
            found.append((event, 1 / number if name == "div" else number))
        elif name == "mul" and len(data) == 1 and len(event.inputs) == 2 and _by_position(makers, event, data[0]):
            found.append((event, None))
        elif name not in _MOVES:
            break
        value = data[0] if data else event.inputs[0]
    return found


def _by_position(makers: dict[int, Event], event: Event, data: ValueRef) -> bool:
    """Whether the other factor is computed in the same module of positions: by a logarithm."""
    waiting, seen = [value for value in event.inputs if value.id != data.id], set[int]()
    while waiting:
        value = waiting.pop()
        maker = makers.get(value.id)
        if maker is None or value.id in seen:
            continue
        seen.add(value.id)
        if canonical(maker.name) in ("log", "log1p", "log2"):
            return True
        waiting += maker.inputs
    return False


def is_core(event: Event) -> bool:
    """Whether an event is the call of an attention function on queries, keys and values."""
    return is_attention_function(event) and len(event.inputs) >= len(OPERANDS)


def is_attention_function(event: Event) -> bool:
    """Whether an event is the call of a function that is named for attention."""
    name = canonical(event.name).lower()
    return (event.kind == "function" and "attention" in name) or name == "scaled_dot_product_attention"
