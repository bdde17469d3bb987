"""What happens to the attention scores between the product of queries and keys and the softmax."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isclose, prod

from archviz.interpreter.reading import Event, ValueRef
from archviz.patterns.makers import makers
from archviz.patterns.op_families import canonical
from archviz.patterns.rope import detect_rope
from archviz.patterns.trace import Trace
from archviz.records import record
from archviz.spans import Span

_PRODUCTS = {"matmul", "bmm", "baddbmm", "einsum"}
_FUSED = "scaled_dot_product_attention"
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
    letters: tuple[int, int, int] | None = None  # heads, heads of the keys and their width, by einsum's letters
    scores: ValueRef | None = None  # the product itself
    further: tuple[tuple[ValueRef, ValueRef], ...] = ()  # operands of the other products that are added to it


def find_score_path(trace: Trace, call: Event | None) -> ScorePath | None:
    """The way of the scores inside the call of an attention; None when it has no softmax over a product of data, spelt out or fused."""
    if call is None:
        return None
    inner = [e for e in trace.inside(call) if e.kind == "op"]
    made = makers(inner)
    for softmax in (e for e in inner if canonical(e.name) == "softmax"):
        path = _backwards(softmax.inputs[0], made, trace) if softmax.inputs else None
        if path is not None:
            return _read(softmax, path, made, trace, call)
    fused = next((e for e in inner if canonical(e.name) == _FUSED and len(e.inputs) > 2), None)
    return _read_fused(fused, made, trace, call) if fused is not None else None


def _read_fused(event: Event, made: Mapping[int, Event], trace: Trace, call: Event) -> ScorePath:
    """The scores inside PyTorch's attention: `q · k`, times the scale stated or else `d^-0.5`, its mask added."""
    query, key = event.inputs[:2]
    steps = _before((query, key), made, trace, call)
    before = _factor(steps, event)[0] if steps is not None else None
    stated = event.options.get("scale")
    width = query.shape[-1] if query.shape else None
    own = stated if isinstance(stated, float | int) else width**-0.5 if stated is None and width else None
    return ScorePath(
        factor=None if own is None or steps is None else own * (1.0 if before is None else before), softcap=None, sinks=False, biases=len(event.inputs) - 3,
        fused_bias=False, added=frozenset(value.id for value in event.inputs[3:]), factor_at=event.at, softmax_at=event.at, product_at=event.at,
        operands=(query, key), scores=event.outputs[0] if event.outputs else None,
    )  # fmt: skip


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
    inside = _factor(scaling[:1], product)[0] if caps and scaling else None  # `c · tanh(s / c)`
    capped = inside is not None and isclose(inside * caps[0], 1.0)
    scaling = scaling[1:] if capped else scaling
    joins = [e for e in path if canonical(e.name) == "cat" and not _joins_scores(e, made, trace)]
    added = [e for e in path if canonical(e.name) == "add" and any(not trace.carries(v) for v in e.inputs)]
    before = _before(product.inputs[-2:], made, trace, call)
    learned = any(_scales_by_tensor(event) for event in path[:-1])
    factor, factor_at = (None, None) if before is None or learned else _factor([*scaling, *before], product)
    if caps and not capped and factor is not None:
        factor *= caps[0]  # `c · tanh(k s)` bounds `c k s` by c
    if _BENT.intersection(names) or (tanh is not None and not caps):
        factor = factor_at = None
    return ScorePath(
        factor=factor, softcap=caps[0] if caps else None, sinks=bool(joins), biases=len(added), added=frozenset(v.id for e in path if canonical(e.name) == "add" for v in e.inputs),
        fused_bias=names[-1] == "baddbmm", factor_at=factor_at, softcap_at=path[tanh].at if tanh is not None else None,
        sinks_at=joins[0].at if joins else None, softmax_at=softmax.at, product_at=product.at, axis=_axis(softmax),
        operands=_operands(product, path, softmax), scores=product.outputs[0] if product.outputs else None,
        further=_further(softmax, path, made, trace), letters=_by_letters(product, softmax),
    )  # fmt: skip


def _joins_scores(join: Event, made: Mapping[int, Event], trace: Trace) -> bool:
    """Whether all that is joined are products of queries with keys: scores of other tokens (Longformer's global ones), no sink."""
    ways = [_backwards(value, made, trace) for value in join.inputs]
    return all(way is not None and sum(map(trace.carries, way[-1].inputs)) > 1 for way in ways)


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


def _by_letters(product: Event, softmax: Event) -> tuple[int, int, int] | None:
    """Heads of queries and keys, and their width, of a product like `bshd,bthd->bsht`: what all share behind the batch are heads.

    Of two letters of the queries alone, the one that is not as long as the sequence numbers the heads that share a key.
    """
    equation = product.options.get("0", product.options.get("equation"))
    terms = str(equation).replace(" ", "").replace("->", ",").split(",")
    if canonical(product.name) != "einsum" or len(terms) != 3 or len(terms[2]) < 3 or _axis(softmax) != -1:
        return None
    shapes = [value.shape or () for value in product.inputs[:2]]
    if len(shapes) != 2 or any(len(term) != len(shape) for term, shape in zip(terms, shapes, strict=False)):
        return None
    sizes = {
        letter: size or 0
        for term, shape in zip(terms, shapes, strict=False)
        for letter, size in zip(term, shape, strict=True)
    }
    keys = next(term for term in terms[:2] if terms[2][-1] in term)
    queries = terms[1] if keys is terms[0] else terms[0]
    shared = prod(sizes[letter] for letter in terms[2][1:-1] if letter in queries and letter in keys)
    alone = [sizes[letter] for letter in terms[2] if letter in queries and letter not in keys]
    groups = [size for size in alone if size != sizes[terms[2][-1]]] if len(alone) > 1 else []
    width = prod(sizes[letter] for letter in queries if letter in keys and letter not in terms[2])
    return (shared * prod(groups), shared, width) if len(groups) == len(alone) - 1 else None


def _by_position(event: Event, call: Event) -> bool:
    """Whether one of two factors has a number for each position, which stands beside the constant scale."""
    tokens = next((value.shape[1] for value in call.inputs if value.shape and len(value.shape) == 3), None)
    axes = [[size for size in value.shape or () if size != 1] for value in event.inputs]
    return any(own == [tokens] for own in axes)


def _scales_by_tensor(event: Event) -> bool:
    """A product or quotient with a tensor, as with a learned temperature."""
    return canonical(event.name) in ("mul", "div") and len(event.inputs) > 1


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


def _before(operands: Sequence[ValueRef], made: Mapping[int, Event], trace: Trace, call: Event) -> list[Event] | None:
    """The constants by which queries or keys are multiplied before their product; None where parts of a head have others.

    A rotation keeps a factor; what is multiplied before a norm or a projection is another's.
    """
    rotations = _rotations(trace, call)
    ways = [_scaled_on_the_way(operand, made, trace, rotations, call) for operand in operands]
    return None if any(way is None for way in ways) else [event for way in ways for event in way or ()]


def _scaled_on_the_way(
    value: ValueRef, made: Mapping[int, Event], trace: Trace, rotations: Mapping[int, ValueRef], call: Event
) -> list[Event] | None:
    """The steps that scale a value as a whole, the last one first; None where a tensor scales it, or a part of it alone is scaled."""
    found: list[Event] = []
    for _ in range(_LONG):
        if value.id in rotations:
            value = rotations[value.id]
            continue
        event = made.get(value.id)
        name = canonical(event.name) if event is not None else ""
        if event is not None and name == "cat":
            data = [each for each in event.inputs if trace.carries(each)]
            parts = [_scaled_on_the_way(part, made, trace, rotations, call) for part in data]
            factors = {None if part is None else round(_product_of(part), 12) for part in parts}
            return None if len(factors) > 1 or None in factors else [*found, *(parts[0] or [])] if parts else found
        if event is not None and event.module == call.module and _scales_by_tensor(event):
            if not _by_position(event, call):
                return None  # a temperature of its own for each head
            value = next((each for each in event.inputs if trace.carries(each)), event.inputs[0])
            continue
        if event is None or not event.inputs or (name not in _MOVED and not _scales(event)):
            break
        found += [event] if _scales(event) else []
        value = event.inputs[0]
    return found


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
        return _product_of(scaling), next((event.at for event in scaling if _constant(event) != 1), scaling[0].at)
    alpha = product.options.get("alpha")
    if isinstance(alpha, (int, float)) and not isinstance(alpha, bool):
        return float(alpha), product.at
    return None, None


def _product_of(scaling: Sequence[Event]) -> float:
    """What some steps multiply by together."""
    value = 1.0
    for event in scaling:
        constant = -1.0 if canonical(event.name) == "neg" else _constant(event) or 1.0
        value = value / constant if canonical(event.name) == "div" else value * constant
    return value


def _constant(event: Event) -> float | None:
    """The number that an op combines a tensor with."""
    if len(event.inputs) != 1:
        return None
    values = [v for k, v in event.options.items() if k in ("0", "1", "other", "value")]
    numbers = [float(v) for v in values if isinstance(v, (int, float)) and not isinstance(v, bool)]
    return numbers[0] if len(numbers) == 1 else None
