"""What happens to the attention scores between the product of queries and keys and the softmax."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archviz.interpreter.reading import Event, ValueRef
from archviz.patterns.makers import makers
from archviz.patterns.op_families import canonical
from archviz.patterns.rope import detect_rope
from archviz.patterns.trace import Trace
from archviz.records import record
from archviz.spans import Span

_PRODUCTS = {"matmul", "bmm", "baddbmm", "einsum"}
_LONG = 40


@record(frozen=True)
class ScorePath:
    """The way of the scores, read backwards from the softmax.

    Args:
        factor: What they are multiplied by; None when nothing was seen.
        softcap: `c` of `c · tanh(scores / c)`.
        sinks: A learned column is appended before the softmax.
        biases: How many tensors that are not data are added (mask, relative bias, ALiBi).
        added: Ids of these tensors, and of what is added before the softmax at all.
        fused_bias: The product itself adds a tensor that is not data.
    """

    factor: float | None
    softcap: float | None
    sinks: bool
    biases: int
    fused_bias: bool
    added: frozenset[int] = frozenset()
    factor_at: Span | None = None
    softcap_at: Span | None = None
    sinks_at: Span | None = None
    softmax_at: Span | None = None
    product_at: Span | None = None
    axis: int = -1  # of the softmax, counted from the last
    operands: tuple[ValueRef, ValueRef] | None = (
        None  # of the product: whose rows, and whose columns, the softmax runs over
    )
    scores: ValueRef | None = None  # the product itself
    further: tuple[tuple[ValueRef, ValueRef], ...] = ()  # operands of the other products that are added to it


def find_score_path(trace: Trace, call: Event | None) -> ScorePath | None:
    """The way of the scores inside the call of an attention; None when it has no softmax over a product of data."""
    if call is None:
        return None
    inner = [e for e in trace.inside(call) if e.kind == "op"]
    made = makers(inner)
    for softmax in (e for e in inner if canonical(e.name) == "softmax"):
        path = _backwards(softmax.inputs[0], made, trace) if softmax.inputs else None
        if path is not None:
            return _read(softmax, path, made, trace, call)
    return None


def _backwards(scores: ValueRef, made: Mapping[int, Event], trace: Trace) -> list[Event] | None:
    """The ops from the softmax's input, or from a summand of it, back to the product, the product last."""
    path: list[Event] = []
    current: ValueRef | None = scores
    while current is not None and len(path) < _LONG:
        event = made.get(current.id)
        if event is None:
            return None
        path.append(event)
        if canonical(event.name) in _PRODUCTS and sum(map(trace.carries, event.inputs)) >= 1:
            return path
        current = next((value for value in event.inputs if trace.carries(value)), None)
    return None


def _read(softmax: Event, path: Sequence[Event], made: Mapping[int, Event], trace: Trace, call: Event) -> ScorePath:
    names = [canonical(event.name) for event in path]
    product = path[-1]
    tanh = names.index("tanh") if "tanh" in names else None
    after = [e for e in path[:tanh] if canonical(e.name) == "mul"] if tanh is not None else []
    caps = [c for e in after if (c := _constant(e)) is not None]
    scaling = [e for e in path[(tanh or -1) + 1 :] if _scales(e)]
    if caps and scaling and canonical(scaling[0].name) == "div":
        scaling = scaling[1:]  # the division inside the cap
    joins = [e for e in path if canonical(e.name) == "cat"]
    added = [e for e in path if canonical(e.name) == "add" and any(not trace.carries(v) for v in e.inputs)]
    factor, factor_at = _factor([*scaling, *_before(product, made, trace, call)], product)
    if _BENT.intersection(names) or (tanh is not None and not caps):
        factor = factor_at = None
    return ScorePath(
        factor=factor, softcap=caps[0] if caps else None, sinks=bool(joins), biases=len(added), added=frozenset(v.id for e in path if canonical(e.name) == "add" for v in e.inputs),
        fused_bias=names[-1] == "baddbmm", factor_at=factor_at, softcap_at=path[tanh].at if tanh is not None else None,
        sinks_at=joins[0].at if joins else None, softmax_at=softmax.at, product_at=product.at, axis=_axis(softmax),
        operands=_operands(product, path, softmax), scores=product.outputs[0] if product.outputs else None,
        further=_further(softmax, path, made, trace),
    )  # fmt: skip


def _further(
    softmax: Event, path: Sequence[Event], made: Mapping[int, Event], trace: Trace
) -> tuple[tuple[ValueRef, ValueRef], ...]:
    """The operands of products that are added to the first, as where the parts of heads with and without RoPE are multiplied apart."""
    sums = [[v for v in e.inputs if trace.carries(v)] for e in path if canonical(e.name) == "add"]
    ways = [_backwards(value, made, trace) for data in reversed(sums) for value in data[1:]]
    found = [_operands(way[-1], way, softmax) for way in ways if way is not None]
    return tuple(operands for operands in found if operands is not None)


def _operands(product: Event, path: Sequence[Event], softmax: Event) -> tuple[ValueRef, ValueRef] | None:
    """The two factors of the scores, the one whose positions the softmax runs over last; None where that is not known."""
    data = product.inputs[-2:]
    turned = any(canonical(event.name) in ("transpose", "permute", "t", "T", "mT") for event in path[:-1])
    if len(data) != 2 or turned or _axis(softmax) not in (-1, -2):
        return None
    if canonical(product.name) == "einsum":
        equation = str(product.options.get("0", product.options.get("equation", "")))
        parts = equation.replace(" ", "").replace("->", ",").split(",")
        if len(parts) != 3 or not parts[2]:
            return None
        run_over = parts[2][_axis(softmax)]
        if (run_over in parts[0]) == (run_over in parts[1]):
            return None
        return (data[1], data[0]) if run_over in parts[0] else (data[0], data[1])
    return (data[0], data[1]) if _axis(softmax) == -1 else (data[1], data[0])


def _scales(event: Event) -> bool:
    """A product or quotient with a number, or a change of sign."""
    name = canonical(event.name)
    return name == "neg" or (name in ("mul", "div") and _constant(event) is not None)


_BENT = frozenset(
    {"sigmoid", "exp", "log", "relu", "gelu", "silu", "softplus", "pow", "square", "abs", "sqrt", "rsqrt", "sin", "cos"}
)
"""Functions after which the scores are no multiple of the product any more; `tanh` is one but in a softcap."""
_MOVED = frozenset({
    "view", "reshape", "transpose", "permute", "contiguous", "to", "unsqueeze", "squeeze", "expand", "flatten", "unflatten", "t", "mT", "repeat_interleave",
    "unbind", "chunk", "split", "getitem", "slice", "select",
})  # fmt: skip


def _before(product: Event, made: Mapping[int, Event], trace: Trace, call: Event) -> list[Event]:
    """The constants by which queries or keys are multiplied before their product, in the order of the code.

    A rotation keeps a factor; what is multiplied before a norm or a projection is another's.
    """
    rotations = _rotations(trace, call)
    found: list[Event] = []
    for operand in product.inputs[-2:]:
        current: ValueRef | None = operand
        for _ in range(_LONG):
            if current is None:
                break
            if current.id in rotations:
                current = rotations[current.id]
                continue
            event = made.get(current.id)
            name = canonical(event.name) if event is not None else ""
            if event is None or not event.inputs or (name not in _MOVED and name != "cat" and not _scales(event)):
                break
            if _scales(event):
                found.append(event)
            current = _through(event, name, trace)
    return found


def _through(event: Event, name: str, trace: Trace) -> ValueRef | None:
    """The value that a step moves or scales; of joined parts the first that was made of data."""
    return next((value for value in event.inputs if trace.carries(value)), None) if name == "cat" else event.inputs[0]


def _rotations(trace: Trace, call: Event) -> dict[int, ValueRef]:
    """Rotated tensor → the tensor that was rotated."""
    found: dict[int, ValueRef] = {}
    for event in trace.inside(call):
        if event.kind == "function" and detect_rope(event, trace) is not None:
            data = [value for value in event.inputs if trace.carries(value)]
            found.update((made.id, given) for made, given in zip(event.outputs, data, strict=False))
    return found


def _axis(softmax: Event) -> int:
    """The axis of a softmax, counted from the last."""
    stated = softmax.options.get("dim", softmax.options.get("1", -1))
    rank = len(softmax.inputs[0].shape or ()) if softmax.inputs else 0
    return stated - rank if isinstance(stated, int) and stated >= 0 else stated if isinstance(stated, int) else -1


def _factor(scaling: Sequence[Event], product: Event) -> tuple[float | None, Span | None]:
    """The scores' constant factor: of the ops after the product, or of the product itself."""
    if scaling:
        value = 1.0
        for event in scaling:
            constant = -1.0 if canonical(event.name) == "neg" else _constant(event) or 1.0
            value = value / constant if canonical(event.name) == "div" else value * constant
        return value, next((event.at for event in scaling if _constant(event) != 1), scaling[0].at)
    alpha = product.options.get("alpha")
    if isinstance(alpha, (int, float)) and not isinstance(alpha, bool):
        return float(alpha), product.at
    return None, None


def _constant(event: Event) -> float | None:
    """The number that an op combines a tensor with."""
    if len(event.inputs) != 1:
        return None
    values = [v for k, v in event.options.items() if k in ("0", "1", "other", "value")]
    numbers = [float(v) for v in values if isinstance(v, (int, float)) and not isinstance(v, bool)]
    return numbers[0] if len(numbers) == 1 else None
