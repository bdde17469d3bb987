"""What the modules of a layer compute, as the code has it: one formula for the layer and for each module that has steps of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from zlib import crc32

from archviz.architecture.context import Context
from archviz.architecture.kinds import Stack
from archviz.interpreter.reading import Event, ModuleRecord
from archviz.patterns.attention import Attention
from archviz.patterns.compression import pooled_positions
from archviz.patterns.feed_forward import FeedForward
from archviz.patterns.norms import detect_norm
from archviz.patterns.op_families import activation_of
from archviz.patterns.recurrences import Recurrence
from archviz.patterns.rope import detect_rope
from archviz.patterns.term_text import term_lines
from archviz.patterns.terms import TermReader
from archviz.patterns.trace import Trace
from archviz.verify.claims import Claim
from archviz.verify.source_lines import SourceLines
from archviz.verify.uncalled import uncalled
from archviz.verify.view import LayerView

_LONGEST = 1_500


def model_formulas(context: Context, stacks: Sequence[Stack], lines: SourceLines) -> Iterator[Claim]:
    """The formula of the model, and of the modules that run its stacks of layers."""
    owners = [stack.path.rpartition(".")[0] for stack in stacks]
    for path in dict.fromkeys(("", *owners)):
        module, call = context.modules.get(path), context.trace.call(path)
        text = formula(context, call) if module is not None and call is not None else None
        if module is not None and text is not None:
            yield Claim("model.formula", text, "verified", lines.evidence(module.defined_at), part=path)


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
    """The formula of the layer, and of the kinds of norms in it."""
    yield from _claim(view, view.kind.example, "layer.formula")
    norms: dict[str, Claim] = {}
    for module in view.kind.example.walk():
        if module.library is None and detect_norm(module, view.trace) is not None:
            for claim in _claim(view, module, "norm.formula"):
                norms.setdefault(str(claim.value), replace(claim, part=""))
    yield from norms.values()


def part_formulas(view: LayerView) -> Iterator[Claim]:
    """The formula of a part, and of the modules inside it that are no norm, projection or activation."""
    if view.module is view.kind.example:
        return  # spelt out in the layer, whose formula tells it
    for module in view.module.walk():
        if module is view.module:
            yield from _claim(view, module, f"{_subject(view)}.formula")
        elif not _is_plain(module, view.trace) and not _is_repeated(module, view.module):
            yield from _claim(view, module, "module.formula")


def _subject(view: LayerView) -> str:
    what = view.part.what if view.part else None
    if isinstance(what, Attention):
        return "attention"
    return "feed_forward" if isinstance(what, FeedForward) else "mixer" if isinstance(what, Recurrence) else "moe"


def _is_plain(module: ModuleRecord, trace: Trace) -> bool:
    """A module whose name says all: a layer of a library as it is, a norm, an activation."""
    return (
        (bool(module.library) and module.defined_at is None)
        or bool(activation_of(module.class_name))
        or detect_norm(module, trace) is not None
    )


def _is_repeated(module: ModuleRecord, part: ModuleRecord) -> bool:
    """One of several that are numbered, but for the first."""
    names = module.path.removeprefix(part.path).split(".")
    return any(name.isdigit() and name != "0" for name in names)


def _claim(view: LayerView, module: ModuleRecord, key: str) -> Iterator[Claim]:
    call = view.trace.call(module.path)
    text = formula(view.context, call) if call is not None else None
    if text is not None:
        yield replace(view.claim(key, text, module.defined_at or module.created_at), part=view.relative(module.path))


def formula(context: Context, call: Event) -> str | None:
    """What a call computes, in one line; None where it computes nothing that is known."""

    def closed(event: Event) -> bool:
        return event.kind == "call" or detect_rope(event, context.trace) is not None

    module = context.modules.get(call.module)
    rates = tuple(dict.fromkeys(rate for _, rate in pooled_positions(module))) if module is not None else ()
    reader = TermReader(context.trace, call, closed, context.reading.stored, rates)
    results = reader.results()
    return written(term_lines(results)) if results and reader.steps else None


def written(lines: Sequence[str]) -> str:
    """Lines as one; of what is too long only the beginning, with a number that is another for other steps."""
    text = "; ".join(lines)
    if len(text) <= _LONGEST:
        return text
    return f"{text[:_LONGEST]} … ({len(lines)} lines, checksum {crc32(text.encode()):08x})"
