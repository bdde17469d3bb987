"""What the modules of a layer compute, as the code has it: one formula for the layer and for each module that has steps of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from zlib import crc32

from archviz.architecture.context import Context
from archviz.architecture.kinds import Stack
from archviz.interpreter.reading import Event, ModuleRecord, ValueRef
from archviz.patterns.attention import Attention
from archviz.patterns.compression import pooling_rates
from archviz.patterns.feed_forward import FeedForward
from archviz.patterns.norms import detect_norm
from archviz.patterns.op_families import PLUMBING, activation_of, canonical
from archviz.patterns.position_mixers import PositionMixer
from archviz.patterns.recurrences import Recurrence
from archviz.patterns.rope import detect_rope
from archviz.patterns.term_text import term_lines
from archviz.patterns.terms import Term, TermReader
from archviz.patterns.trace import Trace
from archviz.verify.claims import Claim
from archviz.verify.feed_forward_claims import is_sequence, loose_result
from archviz.verify.joined_numbers import numbers_told
from archviz.verify.not_read import rounds_told
from archviz.verify.source_lines import SourceLines
from archviz.verify.uncalled import uncalled
from archviz.verify.view import LayerView

NORM_FORMULA = "norm.formula"
_LONGEST = 1_500
_MOST_BESIDE = 80


def model_formulas(context: Context, stacks: Sequence[Stack], lines: SourceLines) -> Iterator[Claim]:
    """The formula of the model, and of the modules that run its stacks of layers."""
    owners = [stack.path.rpartition(".")[0] for stack in stacks]
    for path in dict.fromkeys(("", *owners)):
        module, call = context.modules.get(path), context.trace.call(path)
        text = formula(context, call, handed=False) if module is not None and call is not None else None
        if module is not None and text is not None:
            yield Claim("model.formula", text, "verified", lines.evidence(module.defined_at), part=path)


def handed_to_layers(context: Context, stacks: Sequence[Stack], lines: SourceLines) -> Iterator[Claim]:
    """What the module around a stack makes without data and hands to its first layer, such as tables of positions; masks have claims of their own."""
    for stack in stacks:
        owner, first = context.trace.call(stack.path.rpartition(".")[0]), context.trace.call(f"{stack.path}.0")
        if owner is None or first is None:
            continue
        reader = _reader(context, owner)
        made = [value for value in first.inputs if not context.trace.carries(value) and reader.is_made(value)]
        tables = [value for value in made if value.dtype not in (None, "bool", "int64") and len(value.shape or ()) != 4]
        terms = list(
            {id(term): term for value in tables for term in (reader.term(value),) if not _of_module(term)}.values()
        )
        if terms:
            value = written(term_lines(terms))
            module = context.modules[owner.module]
            yield Claim("layers.given", value, "verified", lines.evidence(module.defined_at), part=owner.module)


def _of_module(term: Term) -> bool:
    """A result of a module as it is: its own formula tells it."""
    return term.name == "call" or (
        term.label.startswith("result") and isinstance(term.args[0], Term) and term.args[0].name == "call"
    )


def beside_formulas(context: Context, stacks: Sequence[Stack], lines: SourceLines) -> Iterator[Claim]:
    """The formulas of what stands beside the stacks of layers: embeddings, last norms, poolers, heads, whole towers without layers.

    One claim for modules of a class that compute the same.
    """
    layers = tuple(f"{stack.path}." for stack in stacks)
    told = {"", *(stack.path.rpartition(".")[0] for stack in stacks)}
    same: dict[tuple[str, str], list[ModuleRecord]] = {}
    for path, module in context.modules.items():
        call = None if path in told or path.startswith(layers) else context.trace.call(path)
        if call is None or _is_named(module) or not (_gives_data(context, call) or _is_joined(context, call)):
            continue
        text = formula(context, call)
        if text is not None and not is_one_step(text):
            same.setdefault((module.class_name, text), []).append(module)
    for (_, text), modules in islice(same.items(), _MOST_BESIDE):
        first = modules[0]
        place = first.defined_at or first.created_at
        yield Claim("module.formula", text, "verified", lines.evidence(place), part=first.path)


def _gives_data(context: Context, call: Event) -> bool:
    return any(map(context.trace.carries, call.outputs))


def _is_joined(context: Context, call: Event) -> bool:
    """Whether what a module gives without data, such as rows of a table of positions, is joined with data where it is called."""
    above = context.trace.parent(call)
    made = {value.id for value in call.outputs}
    for event in context.trace.children(above) if above is not None else ():
        if event.kind == "op" and made & {value.id for value in event.inputs}:
            if any(map(context.trace.carries, event.inputs)):
                return True
            made.update(value.id for value in event.outputs if canonical(event.name) in PLUMBING)
    return False


def uncalled_beside(context: Context, stacks: Sequence[Stack], lines: SourceLines) -> Iterator[Claim]:
    """Modules beside a stack of layers that do not run, such as a last norm."""
    for stack in stacks:
        owner = context.modules.get(stack.path.rpartition(".")[0])
        if owner is None or context.trace.call(owner.path) is None or not context.trace.whole:
            continue
        idle = [
            path for path in uncalled(context, owner)
            if all(not f"{other.path}.".startswith(f"{path}.") for other in stacks)
        ]  # fmt: skip
        if idle:
            places = [context.modules[path].created_at for path in idle]
            names = [path.removeprefix(owner.path).lstrip(".") for path in idle]
            yield Claim("modules.not_called", names, "verified", lines.evidence(*places), part=owner.path)


def layer_formulas(view: LayerView) -> Iterator[Claim]:
    """The formula of the layer, of the modules in it that belong to none of its parts, and of the kinds of norms."""
    yield from _claim(view, view.kind.example, "layer.formula")
    for module in _outside_parts(view):
        yield from (each for each in _claim(view, module, "module.formula") if not is_one_step(str(each.value)))
    norms: dict[str, list[Claim]] = {}
    for module in view.kind.example.walk():
        if module.library is None and detect_norm(module, view.trace) is not None:
            for claim in _claim(view, module, NORM_FORMULA):
                norms.setdefault(str(claim.value), []).append(claim)
    for same in norms.values():
        yield replace(same[0], part=", ".join(claim.part for claim in same))


def _outside_parts(view: LayerView) -> Iterator[ModuleRecord]:
    """Modules of a layer that are neither its parts nor inside one, such as hyper-connections and what a projection is wrapped in."""
    layer = view.kind.example
    parts = [replace(view, part=part).module for part in (*view.kind.parts.mixers, *view.kind.parts.feeds)]
    covered = tuple(f"{module.path}." for module in parts if module is not layer)
    for module in layer.walk():
        inside = f"{module.path}.".startswith(covered) if covered else False
        if module is not layer and not inside and not _is_plain(module, view.trace) and not _is_repeated(module, layer):
            yield module


def part_formulas(view: LayerView) -> Iterator[Claim]:
    """The formula of a part, and of the modules inside it that are no norm, projection or activation."""
    if view.loose:
        result = loose_result(view) if view.part and isinstance(view.part.what, FeedForward) else None
        if result is not None:
            first = view.loose[0]
            yield view.claim(
                "feed_forward.formula", written(term_lines([result])), first.defined_at or first.created_at
            )
    if view.module is view.kind.example:
        return  # spelt out in the layer, whose formula tells it
    if view.part is not None and isinstance(view.part.what, Recurrence) and view.module.library is not None:
        return  # a layer of PyTorch
    for module in view.module.walk():
        if module is view.module:
            yield from _claim(view, module, f"{_subject(view)}.formula")
        elif not _is_plain(module, view.trace) and not _is_repeated(module, view.module):
            yield from _claim(view, module, "module.formula")
        elif activation_of(module.class_name) and module.library is None:
            yield from (each for each in _claim(view, module, "module.formula") if not is_one_step(str(each.value)))


def is_one_step(text: str) -> bool:
    """Whether a formula is a name and what it is given: an activation as its library has it."""
    name, bracket, rest = text.partition("(")
    return bool(bracket) and rest == "x)" and name.isidentifier()


def _subject(view: LayerView) -> str:
    what = view.part.what if view.part else None
    if isinstance(what, Attention):
        return "attention"
    return (
        "feed_forward"
        if isinstance(what, FeedForward)
        else "mixer"
        if isinstance(what, Recurrence | PositionMixer)
        else "moe"
    )


def _is_plain(module: ModuleRecord, trace: Trace) -> bool:
    """A module whose name says all: a layer of a library as it is, a norm, an activation."""
    return _is_named(module) or detect_norm(module, trace) is not None


def _is_named(module: ModuleRecord) -> bool:
    """A layer of a library as it is, or an activation."""
    return (bool(module.library) and module.defined_at is None) or bool(activation_of(module.class_name))


def _is_repeated(module: ModuleRecord, part: ModuleRecord) -> bool:
    """One of several that are numbered, but for the first."""
    names = module.path.removeprefix(part.path).split(".")
    return any(name.isdigit() and name != "0" for name in names)


def _claim(view: LayerView, module: ModuleRecord, key: str) -> Iterator[Claim]:
    call = view.trace.call(module.path)
    reader = _reader(view.context, call) if call is not None else None
    results = reader.results() if reader is not None else []
    if reader is None or not results or not reader.steps:
        return
    place, part = module.defined_at or module.created_at, view.relative(module.path)
    inner = view.context.modules.get(f"{module.path}.{results[0].label}")
    if call is not None and is_sequence(inner) and is_one_step(written(term_lines(results))):
        reader = _reader(view.context, call, opened=inner)
        results = reader.results()
    text = "; ".join(
        [written(term_lines(results)), *rounds_told(view.context, module), *numbers_told(view.context, module)]
    )
    yield replace(view.claim(key, text, place), part=part)
    unread = reader.unread(results)
    if unread:
        yield replace(view.claim(f"{key.partition('.')[0]}.unread", written(term_lines(unread)), place), part=part)


def formula(context: Context, call: Event, *, handed: bool = True) -> str | None:
    """What a call computes, in one line; None where it computes nothing that is known.

    Args:
        handed: With the masks and positions that it makes for modules inside it.
    """
    reader = _reader(context, call, handed=handed)
    results = reader.results()
    return written(term_lines(results)) if results and reader.steps else None


def value_formula(context: Context, call: Event, value: ValueRef) -> str:
    """What a value inside a call is made of, in one line."""
    return written(term_lines([_reader(context, call).term(value)]))


def made_inside(context: Context, call: Event, values: Sequence[ValueRef]) -> str | None:
    """What a call makes some values of; None where it hands on what it was given."""
    reader = _reader(context, call)
    if not any(reader.is_made(value) or reader.term(value).name == "cut" for value in values):
        return None
    return written(term_lines(list({id(term): term for term in map(reader.term, values)}.values())))


def _reader(
    context: Context, call: Event, *, handed: bool = True, opened: ModuleRecord | None = None
) -> TermReader:  # fmt: skip
    """The steps of a call; those of one module inside it as well, where that is opened."""

    def closed(event: Event) -> bool:
        if opened is not None and event.module == opened.path and event.kind == "call":
            return False
        return event.kind == "call" or detect_rope(event, context.trace) is not None

    module = context.modules.get(call.module)
    rates = pooling_rates(module) if module is not None else ()
    return TermReader(
        context.trace, call, closed, context.reading.stored, rates, handed=handed, apart=opened is not None
    )


def written(lines: Sequence[str]) -> str:
    """Lines as one; of what is too long only the beginning, with a number that is another for other steps."""
    text = "; ".join(lines)
    if len(text) <= _LONGEST:
        return text
    return f"{text[:_LONGEST]} … ({len(lines)} lines, checksum {crc32(text.encode()):08x})"
