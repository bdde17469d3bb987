"""Rotary position embedding: which function applies it, to which part of a head, in which layout."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

from archviz.interpreter.reading import Event, ValueRef
from archviz.late_patterns import late_pattern
from archviz.patterns.op_families import canonical
from archviz.patterns.rotation_steps import only_turns
from archviz.patterns.trace import Trace
from archviz.records import record

_NEAR = 12  # events before a call among which its arguments are made
_NAMES = late_pattern(r"(^|_)(rotary|rope|mrope)(_|$)|apply_rotary", re.IGNORECASE)


@record(frozen=True)
class Rope:
    """A rotation of heads by position.

    Args:
        function: Name of the function that applies it.
        width: Width of the tensors it is given; `span` is how many of these dimensions it rotates.
        layout: `half_split` (`rotate_half`), `interleaved` (pairs of neighbours) or None when not understood.
        tensors: How many data tensors it rotates.
        inverse: Whether it turns back: it is given the sine with its sign changed.
    """

    function: str
    width: int | None
    span: int | None
    layout: Literal["half_split", "interleaved"] | None
    tensors: int
    inverse: bool = False


def detect_rope(event: Event, trace: Trace) -> Rope | None:
    """The rotation that a named function performs; None when it performs none.

    It mixes data with tables that are not data (cosine and sine, or a complex rotation).
    """
    if event.kind != "function" or canonical(event.name) == "rotate_half":
        return None
    rotated = [v for v in event.inputs if trace.carries(v)]
    if not rotated or not (_NAMES.search(event.name) or _looks_rotary(event, trace)):
        return None
    width = rotated[0].shape[-1] if rotated[0].shape else None
    return Rope(
        event.name, width, _span(event, trace, width), _layout(event, trace), len(event.outputs) or len(rotated),
        _turns_back(event, trace),
    )  # fmt: skip


def _turns_back(event: Event, trace: Trace) -> bool:
    """Whether one of its tables, and no other, was negated right before: `apply_rotary_pos_emb(x, cos, -sin)`."""
    tables = {v.id for v in event.inputs if not trace.carries(v)}
    parent = trace.parent(event)
    near = [e for e in trace.children(parent) if e.index < event.index][-_NEAR:] if parent else []
    negated = {v.id for e in near if e.kind == "op" and canonical(e.name) == "neg" for v in e.outputs}
    return len(tables & negated) == 1


def _looks_rotary(event: Event, trace: Trace) -> bool:
    """`x * cos + rotate(x) * sin`: two products of data with tables, added; halves swapped with a sign. Else what its steps compute."""
    tables = [v for v in event.inputs if not trace.carries(v)]
    if not tables:
        return False
    ops = [canonical(e.name) for e in trace.inside(event) if e.kind == "op"]
    if len(tables) >= 2 and "neg" in ops and "cat" in ops and ops.count("mul") >= 2 and "add" in ops:
        return True
    return "mul" in ops and only_turns(event, trace)


def is_rotated(event: Event, trace: Trace, result: ValueRef) -> bool:
    """Whether a result of a function is made by a rotation: from products with two tables at least, with a table of matrices, or from
    complex numbers.
    """
    inner = [e for e in trace.inside(event) if e.kind == "op"]
    if not inner:
        return True
    tables: set[int] = set()
    wanted, products = {result.id}, 0
    for each in reversed(inner):
        if wanted.isdisjoint([value.id for value in each.outputs]):
            continue
        wanted.update([value.id for value in each.inputs])
        name = canonical(each.name)
        if "complex" in name or name in ("einsum", "matmul", "bmm", "polar", "addcmul", "sum"):
            return True
        if name == "mul" and len(each.inputs) == 2:
            products += 1
            tables.update([value.id for value in each.inputs if not trace.carries(value)])
    return products == 0 or len(tables) > 1


def turns_back(event: Event, trace: Trace) -> bool:
    """Whether halves are rotated by the negative angle: the sign stands before the first half, or the sine's part is subtracted."""
    inner = [e for e in trace.inside(event) if e.kind == "op"]
    made = {value.id: e for e in inner for value in e.outputs}
    halves = next((e for e in inner if canonical(e.name) == "cat" and _is_swap(e, made)), None)
    if halves is None:
        return False
    back = canonical(made[halves.inputs[0].id].name) != "neg"
    joined = {value.id for value in halves.outputs}
    sine = next((e for e in inner if canonical(e.name) == "mul" and joined & {value.id for value in e.inputs}), None)
    taken = {value.id for value in sine.outputs} if sine is not None else set()
    subtracted = any(canonical(e.name) == "sub" and len(e.inputs) == 2 and e.inputs[1].id in taken for e in inner)
    return back != subtracted


def _is_swap(event: Event, made: Mapping[int, Event]) -> bool:
    """Two halves joined, one of them with its sign changed."""
    if len(event.inputs) != 2 or any(value.id not in made for value in event.inputs):
        return False
    return [canonical(made[value.id].name) for value in event.inputs].count("neg") == 1


def _products(event: Event, trace: Trace) -> list[Event]:
    """Products of data with a table inside the function."""
    return [
        e
        for e in trace.inside(event)
        if canonical(e.name) == "mul"
        and len(e.inputs) == 2
        and trace.carries(e.inputs[0]) != trace.carries(e.inputs[1])
    ]


def _span(event: Event, trace: Trace, width: int | None) -> int | None:
    """Rotated dimensions: the width of the product with the table, doubled when halves or pairs are rotated apart."""
    inner = [e for e in trace.inside(event) if any(map(trace.carries, e.inputs))]  # angles may be computed inside too
    names = [canonical(e.name) for e in inner]
    if {"view_as_complex", "sum"} & set(names) or width is None:
        return width
    products = [p for p in _products(event, trace) if p.outputs and p.outputs[0].shape]
    if not products:
        return width
    size = (products[0].outputs[0].shape or (None,))[-1]
    joined = [e for e in inner if canonical(e.name) in ("cat", "stack") and e.outputs and e.outputs[0].shape]
    if size is not None and "rotate_half" not in names and joined and "neg" not in names and size * 2 <= width:
        return size * 2
    return size


def _layout(event: Event, trace: Trace) -> Literal["half_split", "interleaved"] | None:
    """Pairs of neighbours come from a step of two, a last axis of two or complex numbers; halves from a cut.

    What the function is called decides only where its ops do not.
    """
    inner = list(trace.inside(event))
    names = {canonical(e.name) for e in inner}
    if "view_as_complex" in names or any(_ends_in_pairs(e) or _takes_every_second(e, trace) for e in inner):
        return "interleaved"
    if any(_cuts_in_halves(e, trace) for e in inner):
        return "half_split"
    if any(_cuts_unevenly(e, trace) for e in inner if e.parent != event.index):
        return None  # the function that pairs the dimensions pairs no halves
    if "stack" in names or "interleave" in event.name:
        return "interleaved"
    if "rotate_half" in names or {"neg", "cat"} <= names or {"split", "cat"} <= names:
        return "half_split"
    return None


def pairs_of(steps: Sequence[Event], turn: Event, trace: Trace) -> Literal["half_split", "interleaved"] | None:
    """The layout of a rotation that no function holds: by the steps before one of its sums, cuts of whole projections left out."""
    if any(canonical(e.name) == "view_as_complex" or _ends_in_pairs(e) or _takes_every_second(e, trace) for e in steps):
        return "interleaved"
    shape = turn.outputs[0].shape if turn.outputs else None
    if shape is None or shape[-1] is None:
        return None
    halves = (e for e in steps if _cuts_in_halves(e, trace) and len(e.outputs[0].shape or ()) == len(shape))
    widths = [e.outputs[0].shape[-1] for e in halves if e.outputs[0].shape]
    return "half_split" if any(width in (shape[-1], shape[-1] // 2) for width in widths) else None


def _takes_every_second(event: Event, trace: Trace) -> bool:
    return event.options.get("step") == 2 and any(map(trace.carries, event.inputs[:1]))


def _cuts_in_halves(event: Event, trace: Trace) -> bool:
    """A contiguous cut of data whose parts are half as wide."""
    if canonical(event.name) not in ("slice", "chunk", "split", "getitem") or not event.inputs or not event.outputs:
        return False
    before, after = event.inputs[0].shape, event.outputs[0].shape
    halves = bool(before and after and len(before) == len(after) and before[-1] and after[-1])
    return halves and trace.carries(event.inputs[0]) and before[-1] == 2 * (after[-1] or 0)  # type: ignore[index]


def _cuts_unevenly(event: Event, trace: Trace) -> bool:
    if canonical(event.name) not in ("slice", "getitem") or not event.inputs or not event.outputs:
        return False
    before, after = event.inputs[0].shape, event.outputs[0].shape
    cut = bool(before and after and len(before) == len(after) and before[-1] and after[-1] and before[-1] != after[-1])
    return cut and trace.carries(event.inputs[0])


def _ends_in_pairs(event: Event) -> bool:
    return canonical(event.name) in ("view", "reshape", "unflatten") and any(
        len(v.shape or ()) > 3 and (v.shape or (0,))[-1] == 2 for v in event.outputs
    )
