"""Every split, chunk, slice and concatenation of features inside a part, with the sizes and names of the pieces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from archviz.interpreter.reading import Event, ValueRef
from archviz.patterns.op_families import canonical
from archviz.patterns.rope import detect_rope
from archviz.spans import Span
from archviz.verify.claims import Claim
from archviz.verify.view import LayerView

_MOST = 12  # of each sort in one part; a part that unrolls a loop has hundreds of the same


@dataclass
class _Cut:
    source: ValueRef
    axis: int
    sizes: list[int]
    names: list[str]
    places: list[Span | None] = field(default_factory=list)


def split_claims(view: LayerView) -> Iterator[Claim]:
    """Splits and concatenations of a part and its submodules, rotations and attention functions left out."""
    if view.call is None or view.lineage is None:
        return
    cuts: dict[int, _Cut] = {}
    joins: dict[tuple[object, ...], Claim] = {}
    for event in _relevant(view, view.call):
        name = canonical(event.name)
        if name in ("split", "chunk") or (name == "slice" and event.options.get("step") in (None, 1)):
            _cut(view, event, cuts)
        elif name in ("cat", "concat") and len(joins) < _MOST:
            claim = _join(view, event)
            if claim is not None:
                joins.setdefault((str(claim.value), event.at), claim)
    for cut in list(cuts.values())[:_MOST]:
        total = (cut.source.shape or (0,))[cut.axis]
        value = {"of": _origin(view, cut.source), "sizes": cut.sizes, "names": cut.names}
        if len(cut.sizes) > 1 and sum(cut.sizes) == total:  # a slice that leaves the rest is no split into parts
            yield view.claim("split", value, *cut.places)
    yield from joins.values()


def _relevant(view: LayerView, event: Event) -> Iterator[Event]:
    """Ops inside a part, without those of rotations, of attention on whole heads and of norms."""
    for child in view.trace.children(event):
        if child.kind == "op":
            yield child
        elif child.kind == "function" and (
            detect_rope(child, view.trace) is not None
            or canonical(child.name) in ("repeat_kv", "rotate_half")
            or "attention_forward" in child.name
        ):
            continue
        else:
            yield from _relevant(view, child)


def _cut(view: LayerView, event: Event, cuts: dict[int, _Cut]) -> None:
    source = event.inputs[0] if event.inputs else None
    if source is None or not source.shape or not view.trace.carries(source) or len(source.shape) < 3:
        return
    axis = _axis(view, event, source)
    if axis is None:
        return
    sizes = [value.shape[axis] or 0 for value in event.outputs if value.shape and len(value.shape) > axis]
    names = view.lines.targets(event.at)
    cut = cuts.setdefault(source.id, _Cut(source, axis, [], []))
    if event.at not in cut.places:
        cut.places.append(event.at)
        cut.names += [name for name in names if name not in cut.names]  # an assignment may take several lines
    cut.sizes += sizes


def _axis(view: LayerView, event: Event, source: ValueRef) -> int | None:
    """The axis that is cut; None for batch and positions, which are no features.

    Features are last, or before the positions where a convolution reads them.
    """
    before, after = source.shape or (), event.outputs[0].shape if event.outputs else None
    if after is None:
        return None
    if len(after) != len(before):
        return None
    changed = [i for i, (b, a) in enumerate(zip(before, after, strict=True)) if b != a]
    last = len(before) - 1
    tokens = view.call.inputs[0].shape if view.call is not None and view.call.inputs else None
    if changed == [1] and last == 2 and tokens and len(tokens) == 3 and before[2] == tokens[1] != before[1]:
        return 1
    return last if changed == [last] else None


def _join(view: LayerView, event: Event) -> Claim | None:
    output = event.outputs[0].shape if event.outputs else None
    dim = event.options.get("dim", event.options.get("1", 0))
    if not output or not isinstance(dim, int) or len(event.inputs) < 2 or len(output) < 3:
        return None
    data = [value for value in event.inputs if value.shape]
    last = len(output) - 1
    if dim % len(output) != last or sum(map(view.trace.carries, data)) < 2 or len(data) != len(event.inputs):
        return None
    sizes = [(value.shape or (0,))[-1] or 0 for value in data]
    value = {"of": [_origin(view, item) for item in data], "sizes": sizes, "names": view.lines.targets(event.at)}
    return view.claim("concat", value, event.at)


def _origin(view: LayerView, value: ValueRef) -> str:
    """The projections that a value comes from, or the part's input."""
    if view.lineage is None:
        return "input"
    steps = view.lineage.steps(value)
    names = [view.short(e.module) for e in steps if view.lineage.is_projection(e)]
    return " + ".join(dict.fromkeys(names)) or "input"
