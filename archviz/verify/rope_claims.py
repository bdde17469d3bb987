"""Rotary positions: which tensors are rotated, which part of a head, in which layout, before or after which norm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from archviz.architecture.frequencies import frequency_vectors, theta_of_code
from archviz.architecture.rope_settings import rope_settings
from archviz.interpreter.reading import Event, ValueRef
from archviz.patterns.attention import Attention
from archviz.patterns.norms import detect_norm
from archviz.patterns.op_families import canonical
from archviz.patterns.recurrences import Recurrence
from archviz.patterns.rope import Rope, detect_rope, is_rotated, pairs_of, turns_back
from archviz.patterns.rotation_form import RotationForm, rotation_form
from archviz.patterns.rotation_steps import turning_steps
from archviz.patterns.written_rotations import written_rotations
from archviz.spans import Span
from archviz.verify.claims import Claim
from archviz.verify.formula_claims import formula
from archviz.verify.fused_parts import named_apart
from archviz.verify.lineage import Lineage
from archviz.verify.rope_frequencies import frequency_words
from archviz.verify.rope_tables import table_claims, table_maker
from archviz.verify.view import LayerView

_KEEPS_LAST_AXIS = {"view", "reshape", "transpose", "permute", "contiguous", "to", "float", "unsqueeze", "flatten"}


@dataclass(frozen=True, slots=True)
class Rotation:
    """One tensor that is rotated.

    Args:
        event: The call that rotates it; `value` the tensor handed to it.
        tensor: The projections it comes from, or `attention output`.
        part: Which part of the last axis: `first 64 of 256`.
        norms: Norms between projection and rotation; `cut_at` the line that cuts the rotated part off.
        form: What is computed of its pairs; None where that was not followed.
    """

    event: Event
    value: ValueRef
    rope: Rope
    tensor: str
    part: str
    norms: tuple[str, ...]
    cut_at: Span | None
    inverse: bool
    form: RotationForm | None = None

    @property
    def layout(self) -> str | None:
        """The pairs that are rotated; where what was computed of them is no rotation, that."""
        pairs = (
            self.rope.layout
            if self.form is None
            else self.form.layout or (None if self.form.fault else self.rope.layout)
        )
        if self.form is not None and self.form.fault:
            return ", ".join(filter(None, (pairs, f"no rotation: {self.form.fault}")))
        return pairs


def rope_claims(view: LayerView) -> Iterator[Claim]:
    """All claims about positions of an attention part."""
    if view.call is None or view.lineage is None or view.part is None or not isinstance(view.part.what, Attention):
        return
    rotations = find_rotations(view)
    is_held = bool(rotations)
    rotations = rotations or _written_out(view, view.call)
    if not rotations:
        loose = list(_loose_turns(view))
        yield from loose or _without_rotation(view, view.part.what)
        return
    forward = [r for r in rotations if not r.inverse]
    places = [r.event.at for r in rotations]
    yield view.claim("rope.tensors", list(dict.fromkeys(r.tensor for r in forward)), *(r.event.at for r in forward))
    followed = [r for r in forward if r.form is not None or view.trace.whole or not r.part.startswith("all ")]
    several: dict[str, dict[str, None]] = {}
    for r in followed:  # a tensor whose parts turn by positions of their own has several
        several.setdefault(r.tensor, {})[_really_turned(view, r.part)] = None
    parts = {tensor: ", ".join(own) for tensor, own in several.items()}
    value: object = next(iter(parts.values())) if len(set(parts.values())) == 1 else parts
    if followed:
        yield view.claim("rope.part", value, *(r.cut_at or r.event.at for r in followed))
    yield from _layouts(view, rotations)
    turned = {r.tensor for r in forward if _turned(view, r)}
    if turned:
        yield view.claim("rope.direction", f"backward: {', '.join(sorted(turned))}", *places)
    if is_held:
        yield view.claim("rope.function", rotations[0].rope.function, places[0])
    yield from _order(view, forward)
    inverse = [r for r in rotations if r.inverse]
    if inverse:
        yield view.claim(
            "rope.inverse", {r.tensor: r.part for r in inverse}, *(p for r in inverse for p in (r.event.at, r.cut_at))
        )
    yield from _formulas(view, rotations)
    yield from _axes(view, rotations[0])
    yield from _frequencies(view, rotations[0])
    yield from table_claims(view, rotations[0].event)
    yield from _settings(view, places[0])


def _written_out(view: LayerView, call: Event) -> list[Rotation]:
    """The rotations that stand in the attention's own forward."""
    assert view.lineage is not None
    inside = view.trace.inside(call)
    found = []
    for event in written_rotations(view.trace, call):
        value, result = event.inputs[0], event.outputs[0]
        width = (value.shape or (None,))[-1]
        turned = (result.shape or (None,))[-1]
        rope = Rope(event.name, width, turned if turned == width else turned and 2 * turned, None, 1)
        steps = view.lineage.steps(value)
        form = rotation_form(view.trace, event, value, result, view.context.reading.stored, inside)
        part, cut_at = _part(view, view.lineage, event, rope, value)
        if form is not None and form.span is not None and width is not None and form.span[1] < width:
            part = _interval(*form.span, width)
        layout = pairs_of(view.lineage.steps(result), event, view.trace) if form is None else None
        tensor, norms = _tensor(view, view.lineage, event, steps), _norms(view, steps)
        inverse = _is_inverse(view, event, view.lineage)
        found.append(
            Rotation(event, value, replace(rope, layout=layout), tensor, part, norms, cut_at, inverse, form)
        )  # fmt: skip
    return _named(view, call, found)


def _loose_turns(view: LayerView) -> Iterator[Claim]:
    """A rotation of which only the steps that turn were found: which projections go through it, and in which pairs."""
    turns = turning_steps(view.trace.own(view.call), view.trace) if view.call is not None else []
    turns = [turn for turn in turns if any(map(view.trace.is_live, turn.outputs))]
    if not turns or view.lineage is None:
        return
    ways = [view.lineage.steps(turn.outputs[0]) for turn in turns]
    tensors = [_tensor(view, view.lineage, turn, way) for turn, way in zip(turns, ways, strict=True)]
    lines = [turn.at for turn in turns]
    yield view.claim("rope.tensors", list(dict.fromkeys(tensors)), *lines)
    layouts = {pairs_of(way, turn, view.trace) for turn, way in zip(turns, ways, strict=True)}
    if len(layouts) == 1 and (layout := layouts.pop()) is not None:
        yield view.claim("rope.layout", layout, *lines)
    yield from _settings(view, turns[0].at)


def _layouts(view: LayerView, rotations: list[Rotation]) -> Iterator[Claim]:
    """Which elements of a head are turned together; of each tensor where they differ."""
    by_layout: dict[str, list[Rotation]] = {}
    for rotation in rotations:
        if rotation.layout:
            by_layout.setdefault(rotation.layout, []).append(rotation)
    for layout, own in by_layout.items():
        yield view.claim("rope.layout", layout, *_layout_lines(view, own))
    if len(by_layout) > 1:
        tensors = {rotation.tensor: layout for layout, own in by_layout.items() for rotation in own}
        yield view.claim(
            "rope.layouts", tensors, *(line for own in by_layout.values() for line in _layout_lines(view, own))
        )


def _formulas(view: LayerView, rotations: list[Rotation]) -> Iterator[Claim]:
    """What the functions that rotate compute of each tensor, step by step."""
    told: set[str] = set()
    for event in {rotation.event.index: rotation.event for rotation in rotations}.values():
        text = formula(view.context, event)
        if text is not None and text not in told:
            told.add(text)
            yield view.claim("rope.formula", text, event.at)


def _turned(view: LayerView, rotation: Rotation) -> bool:
    if rotation.form is not None:
        return rotation.form.back and not rotation.form.fault
    return turns_back(rotation.event, view.trace)


def _frequencies(view: LayerView, rotation: Rotation) -> Iterator[Claim]:
    """The rule of the frequencies, where the code that computes them was followed."""
    vectors = frequency_vectors(view.context, rotation.event)
    theta = rope_settings(view.context, view.stack, view.kind, view.module).theta if vectors else None
    if theta is None and (of_code := theta_of_code(view.context, view.module)) is not None:
        theta = of_code[0]
        yield view.claim("rope.theta", theta, of_code[1].at)
    words = list(dict.fromkeys(frequency_words(each.numbers, theta, each.step) for each in vectors if each.numbers))
    if words:
        yield view.claim("rope.frequencies", words[0] if len(words) == 1 else words, *(each.at for each in vectors))


def _axes(view: LayerView, rotation: Rotation) -> Iterator[Claim]:
    """Several positions a token (M-RoPE: time, height, width): the module that makes the tables spreads positions over axes."""
    maker = table_maker(view, rotation.event)
    module = view.context.modules.get(maker.module) if maker is not None else None
    sections = module.attributes.get("mrope_section") if module is not None else None
    if maker is None or not isinstance(sections, (list, tuple)) or len(sections) < 2:
        return
    spread = [
        e for e in view.trace.inside(maker)
        if e.kind == "op" and any(len(v.shape or ()) >= 3 and (v.shape or (0,))[0] == len(sections) for v in e.outputs)
    ]  # fmt: skip
    if spread:
        value = f"{len(sections)}, sections {' + '.join(map(str, sections))}"
        yield view.claim("rope.axes", value, spread[0].at, spread[-1].at)


def find_rotations(view: LayerView) -> list[Rotation]:
    """Every tensor that the part or its submodules rotate, in order of execution."""
    if view.call is None or view.lineage is None:
        return []
    found: list[Rotation] = []
    skip_until = -1
    for event in view.trace.inside(view.call):
        if event.index <= skip_until:
            continue  # inside a rotation that was read already
        rope = detect_rope(event, view.trace)
        if rope is None:
            continue
        inner = view.trace.inside(event)
        skip_until = inner[-1].index if inner else event.index
        data = [value for value in event.inputs if view.trace.carries(value)]
        found += [
            _rotation(view, view.lineage, event, rope, value) for place, value in enumerate(data[: rope.tensors])
            if _takes_effect(view, event, place, len(data))
        ]  # fmt: skip
    return _named(view, view.call, found)


def _named(view: LayerView, call: Event, found: list[Rotation]) -> list[Rotation]:
    """The rotations, with the parts of a fused projection told apart."""
    names = [rotation.tensor for rotation in found]
    if len({(rotation.tensor, rotation.part) for rotation in found}) < len(found):  # not parts of one that turn apart
        names = named_apart(view.origins(call), names, [rotation.value for rotation in found])
    return [replace(rotation, tensor=name) for rotation, name in zip(found, names, strict=True)]


def _takes_effect(view: LayerView, event: Event, place: int, count: int) -> bool:
    """Whether the tensor that is handed over in some place comes back rotated, and is read then."""
    if len(event.outputs) != min(count, len(event.outputs)) or place >= len(event.outputs):
        return True
    result = event.outputs[place]
    return view.trace.is_live(result) and is_rotated(event, view.trace, result)


def _rotation(view: LayerView, lineage: Lineage, event: Event, rope: Rope, value: ValueRef) -> Rotation:
    part, cut_at = _part(view, lineage, event, rope, value)
    steps = lineage.steps(value)
    place = next(i for i, each in enumerate(v for v in event.inputs if view.trace.carries(v)) if each.id == value.id)
    result = event.outputs[place] if place < len(event.outputs) else None
    form = rotation_form(view.trace, event, value, result, view.context.reading.stored) if result is not None else None
    width = (value.shape or (None,))[-1]
    if form is not None and form.span is not None and width is not None and (rope.span or width) < width:
        part = _interval(*form.span, width)
    return Rotation(
        event, value, rope, _tensor(view, lineage, event, steps), part, _norms(view, steps), cut_at,
        _is_inverse(view, event, lineage), form,
    )  # fmt: skip


def _really_turned(view: LayerView, part: str) -> str:
    """The part of a head that turns, where the whole is handed over and frequencies of zero leave some of it as it is."""
    width = int(part.removeprefix("all ")) if part.startswith("all ") else None
    settings = rope_settings(view.context, view.stack, view.kind, view.module) if width else None
    turned = settings.turned(width) if settings and width else None
    return f"{turned} of {width} by their frequencies" if turned else part


def _tensor(view: LayerView, lineage: Lineage, event: Event, steps: list[Event]) -> str:
    """The projections that a rotated tensor comes from; pooled tensors go by the submodule that rotates them."""
    if any(canonical(step.name) == "softmax" for step in steps if step.kind == "op"):
        return "attention output" if event.module == view.module.path else f"output of {view.short(event.module)}"
    names = [view.short(step.module) for step in steps if lineage.is_projection(step)]
    return " + ".join(dict.fromkeys(names)) or "input"


def _norms(view: LayerView, steps: list[Event]) -> tuple[str, ...]:
    """Norms that come after the last projection."""
    calls = [step for step in steps if step.kind == "call" and step.module in view.context.modules]
    names = [view.short(c.module) for c in calls if detect_norm(view.context.modules[c.module], view.trace) is not None]
    of_heads = view.part.what.qk_norms if view.part is not None and isinstance(view.part.what, Attention) else ()
    return tuple(
        dict.fromkeys(name.partition(".")[0] if name.partition(".")[0] in of_heads else name for name in names)
    )


def _part(
    view: LayerView, lineage: Lineage, event: Event, rope: Rope, value: ValueRef
) -> tuple[str, Span | None]:  # fmt: skip
    """Which part of a head is rotated: cut inside the function, or cut off before it is handed over."""
    width = (value.shape or (None,))[-1]
    if width is None:
        return "not understood", None
    if rope.span is not None and rope.span < width:
        cut = _cut_inside(view, event, rope.span, width)
        start = cut[0] if cut else 0
        return _interval(start, rope.span, width), cut[1] if cut else None
    outside = _cut_outside(lineage, value, width)
    if outside is not None:
        start, total, at = outside
        return _interval(start, width, total), at
    return f"all {width}", None


def _interval(start: int, size: int, total: int) -> str:
    if size == total:
        return f"all {total}"
    if start == 0:
        return f"first {size} of {total}"
    return f"last {size} of {total}" if start + size == total else f"{start} to {start + size} of {total}"


def _cut_inside(view: LayerView, event: Event, span: int, width: int) -> tuple[int, Span | None] | None:
    """The slice or split inside the function that leaves the rotated dimensions."""
    for inner in view.trace.inside(event):
        for place, output in enumerate(inner.outputs):
            shape = inner.inputs[0].shape if inner.inputs else None
            if shape and shape[-1] == width and output.shape and output.shape[-1] == span:
                if not _is_multiplied(view, event, output):
                    continue
                start = _start(inner, place)
                return (start if start is not None else 0), inner.at
    return None


def _is_multiplied(view: LayerView, event: Event, value: ValueRef) -> bool:
    """The slice that is rotated goes on; the one that passes is only joined."""
    readers = [e for e in view.trace.inside(event) if any(value.id == source.id for source in e.inputs)]
    return any(canonical(e.name) not in ("cat", "concat") for e in readers)


def _cut_outside(lineage: Lineage, value: ValueRef, width: int) -> tuple[int, int, Span | None] | None:
    """The cut between projection and rotation that left only the rotated dimensions of a head."""
    current: ValueRef | None = value
    for _ in range(20):
        event = lineage.producer(current) if current is not None else None
        if event is None or not event.inputs or (event.kind != "op" and not _is_norm(lineage, event)):
            return None
        before = event.inputs[0].shape
        total = before[-1] if before else None
        name = canonical(event.name)
        if name in ("split", "chunk", "slice", "getitem", "narrow") and total is not None and total > width:
            assert current is not None
            place = next((i for i, out in enumerate(event.outputs) if out.id == current.id), 0)
            start = _start(event, place)
            return None if start is None else (start, total, event.at)
        if total != width and name not in _KEEPS_LAST_AXIS:
            return None
        if total != width:
            return None
        current = event.inputs[0]
    return None


def _is_norm(lineage: Lineage, event: Event) -> bool:
    module = lineage.modules.get(event.module) if event.kind == "call" else None
    return module is not None and detect_norm(module, lineage.trace) is not None


def _start(event: Event, place: int) -> int | None:
    """Where in the last axis an output of a split or slice begins."""
    name = canonical(event.name)
    sizes = [value.shape[-1] for value in event.outputs if value.shape]
    if name in ("split", "chunk"):
        return sum(size or 0 for size in sizes[:place])
    start = event.options.get("start", 0)
    total = (event.inputs[0].shape or (None,))[-1]
    if not isinstance(start, int):
        return None
    return start + (total or 0) if start < 0 else start


def _layout_lines(view: LayerView, rotations: list[Rotation]) -> list[Span | None]:
    """The line that applies the rotation and the one that pairs the dimensions."""
    event = rotations[0].event
    pairing = {"neg", "chunk", "stack", "view_as_complex"}
    inner = [e.at for e in view.trace.inside(event) if canonical(e.name) in pairing or e.options.get("step") == 2]
    return [event.at, *inner[:1]]


def _is_inverse(view: LayerView, event: Event, lineage: Lineage) -> bool:
    """The sine is negated (or the complex rotation conjugated) before it is handed over."""
    tables = [value for value in event.inputs if not view.trace.carries(value)]
    for value in tables:
        maker = lineage.producer(value)
        if maker is not None and canonical(maker.name) in ("neg", "conj", "conj_physical"):
            return True
    return False


def _order(view: LayerView, rotations: list[Rotation]) -> Iterator[Claim]:
    """Whether QK-norms come before or after the rotation."""
    assert view.lineage is not None
    assert view.call is not None
    before = {name for r in rotations for name in r.norms}
    rotated = {r.event.index for r in rotations}
    if before:
        yield view.claim("rope.after_norms", sorted(before), *(r.event.at for r in rotations if r.norms))
    after: dict[str, Event] = {}
    for event in view.trace.inside(view.call):
        module = view.context.modules.get(event.module) if event.kind == "call" else None
        if module is None or not event.inputs or detect_norm(module, view.trace) is None:
            continue
        steps = {step.index for step in view.lineage.steps(event.inputs[0])}
        if steps & rotated:
            after[view.short(event.module)] = event
    if after:
        yield view.claim("rope.before_norms", sorted(after), *(event.at for event in after.values()))


def _without_rotation(view: LayerView, what: Attention) -> Iterator[Claim]:
    others = [part.what for kind in view.stack.kinds for part in kind.parts.mixers]
    ordered = any(isinstance(o, Recurrence) or (isinstance(o, Attention) and o.rope is not None) for o in others)
    if what.positions == "none" and ordered:  # beside layers that tell positions apart
        yield view.claim("rope.tensors", "none (NoPE)", view.module.created_at)


def _settings(view: LayerView, at: Span | None) -> Iterator[Claim]:
    """Theta, scaling and sections: the configuration's, of the layer's own type where it tells types apart."""
    found = rope_settings(view.context, view.stack, view.kind, view.module)
    if found.unmatched is not None:
        yield view.claim("rope.theta", found.unmatched, at, status="unverified", config=found.places["theta"])
        return
    places = found.places
    if found.theta is not None:
        yield view.claim("rope.theta", found.theta, at, status="config", config=found.places["theta"])
    if found.partial not in (None, 1):
        yield view.claim("rope.partial_factor", found.partial, at, status="config", config=places.get("partial"))
    if found.scaling is not None:
        yield view.claim("rope.scaling", found.scaling, at, status="config", config=places.get("scaling"))
    if found.sections is not None:
        yield view.claim("rope.sections", found.sections, at, status="config", config=places.get("sections"))
