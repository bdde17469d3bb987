"""Claims about the whole model: its facts, what happens to embeddings and logits, and layers that are not built."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isclose, prod

from archviz.architecture.column_layers import common_module
from archviz.architecture.context import Context, code
from archviz.architecture.embedding_steps import embedding_steps, factor_of
from archviz.architecture.kinds import Stack
from archviz.architecture.logit_factor import HEAD_OPS
from archviz.architecture.model import Architecture, Evidence, Fact
from archviz.interpreter.reading import Event, ModuleRecord, ValueRef
from archviz.patterns.activations import number_in
from archviz.patterns.makers import makers
from archviz.patterns.norms import detect_norm
from archviz.patterns.op_families import PLUMBING, canonical
from archviz.patterns.trace import Trace
from archviz.spans import Status
from archviz.verify.claims import Claim
from archviz.verify.source_lines import SourceLines

_FACTS = {
    "architecture": "model.class", "parameters": "model.parameters", "active_parameters": "model.active_parameters",
    "hidden_size": "model.hidden_size", "layers": "model.layers", "vocabulary_size": "model.vocabulary_size",
    "context_length": "model.context_length", "tied_embeddings": "embedding.tied", "mtp_layers": "mtp.layers", "mtp": "mtp.built",
    "decoder_type": "model.decoder_type", "encoder_type": "model.encoder_type", "position_encoding": "model.positions",
    "encoder_layers": "model.encoder_layers", "vision_layers": "model.vision_layers",
    "audio_layers": "model.audio_layers",
}  # fmt: skip
_ROOM = 0.01  # how far a published parameter count may be from the count of the tensors
_LONG = 60
_MOVES = (*PLUMBING, "slice", "getitem")


def model_claims(
    context: Context, architecture: Architecture, stacks: list[Stack], lines: SourceLines
) -> Iterator[Claim]:
    """All claims that are about no single layer."""
    for fact in architecture.facts:
        if fact.key in _FACTS:
            yield _from_fact(fact)
    yield from _published(architecture)
    yield from _patterns(architecture, context, stacks)
    longest = max((len(stack.layers) for stack in stacks), default=0)
    for main in (stack for stack in stacks if len(stack.layers) == longest):
        steps = list(_embedding(context, main, lines))
        yield from steps
        if steps:
            break
    yield from _logits(context, architecture, lines)


def _from_fact(fact: Fact) -> Claim:
    return Claim(_FACTS[fact.key], fact.value, fact.status, tuple(fact.evidence))


def _published(architecture: Architecture) -> Iterator[Claim]:
    """The published count; it may hold tensors that the class does not build, so a difference is no conflict."""
    stated = architecture.parameters.published_total
    if not stated:
        return
    counted = architecture.parameters.total
    near = abs(stated - counted) <= _ROOM * counted
    evidence = (Evidence(kind="catalog", where="published parameter count"),)
    explained = architecture.parameters.unexplained == 0
    yield Claim(
        "model.published_parameters", stated, "verified" if near else "derived" if explained else "unverified", evidence
    )


def _patterns(architecture: Architecture, context: Context, stacks: Sequence[Stack]) -> Iterator[Claim]:
    """The order of the kinds of layers of each stack, and the layers that do not run in it."""
    layers = {stack.path: stack.layers for stack in stacks}
    for stack in architecture.layers:
        found = {(item.kind, item.where): item for kind in stack.kinds for item in kind.evidence}
        text = stack.pattern_text + _run_otherwise(context.trace, layers.get(stack.path, ()))
        ran = any(context.trace.call(layer.path) is not None for layer in layers.get(stack.path, ()))
        status: Status = (
            "verified" if ran or not context.trace else "unverified"
        )  # what was not run may be told apart by data
        yield Claim("layers.pattern", text, status, tuple(found.values()), part=stack.path)
    for weave in (item.weave for tower in architecture.towers for item in tower.column if item.weave):
        module = common_module(weave.stacks)
        first = context.trace.call(f"{weave.stacks[0]}.0")
        at = first.at if first is not None else context.modules[module].defined_at
        yield Claim("layers.order", weave.pattern_text, "verified", tuple(code(at)), part=module)


def _run_otherwise(trace: Trace, layers: Sequence[ModuleRecord]) -> str:
    """What a pass that was understood did otherwise than run all layers in order; nothing where it ran none of them."""
    calls = [trace.call(layer.path) for layer in layers] if trace.whole else []
    ran = [call.index for call in calls if call is not None]
    if ran and len(ran) < len(calls):
        idle = [index for index, call in enumerate(calls) if call is None]
        return f"; forward does not call layers {', '.join(map(str, idle[:8]))}" + (", …" if len(idle) > 8 else "")
    return "; forward calls them in another order" if ran != sorted(ran) else ""


def _embedding(context: Context, stack: Stack, lines: SourceLines) -> Iterator[Claim]:
    """What happens between the table and the first layer: a factor, a norm."""
    found = embedding_steps(context, stack)
    for step in found.steps if found is not None else ():
        if step.kind == "call":
            yield Claim("embedding.norm", context.modules[step.module].class_name, "verified", lines.evidence(step.at))
        elif canonical(step.name) in ("mul", "div"):
            factor = factor_of(context, step)
            if factor is not None:
                yield Claim("embedding.scale", factor, "verified", lines.evidence(step.at))


def _step_before(context: Context, value: ValueRef) -> Event | None:
    """The step that made a value, moves and casts left out."""
    made = _makers(context)
    step = made.get(value.id)
    for _ in range(_LONG):
        if step is None or canonical(step.name) not in _MOVES or not step.inputs:
            return step
        step = made.get(step.inputs[0].id)
    return None


def _makers(context: Context) -> dict[int, Event]:
    """The op or norm that made each value, what happens inside norms left out."""
    return makers(event for event in context.trace.events if _is_step(context, event))


def _is_step(context: Context, event: Event) -> bool:
    if event.kind == "op":
        return not _inside_norm(context, event)
    module = context.modules.get(event.module) if event.kind == "call" else None
    return module is not None and detect_norm(module, context.trace) is not None


def _inside_norm(context: Context, event: Event) -> bool:
    module = context.modules.get(event.module)
    return module is not None and not module.children and detect_norm(module, context.trace) is not None


def _logits(context: Context, architecture: Architecture, lines: SourceLines) -> Iterator[Claim]:
    """What happens to the logits after the head: a factor, a soft cap."""
    size = architecture.fact("vocabulary_size")
    heads = [
        e for e in context.trace.events
        if e.kind == "op" and canonical(e.name) in HEAD_OPS and e.outputs and e.outputs[0].shape
        and size is not None and e.outputs[0].shape[-1] == size.value
    ]  # fmt: skip
    if not heads:
        return
    before = _step_before(context, heads[-1].inputs[0])
    factor = _multiplied(before) if before is not None else None
    if before is not None and factor is not None:
        yield Claim("logits.scale", factor, "verified", lines.evidence(before.at))
    steps = _after(context, heads[-1])
    names = [canonical(step.name) for step in steps]
    if "tanh" in names:
        place = names.index("tanh")
        caps = [s for s in steps[place:] if canonical(s.name) == "mul" and number_in(s) is not None]
        if caps:
            yield Claim("logits.softcap", number_in(caps[0]), "verified", lines.evidence(steps[place].at))
            scaling = [(s, factor) for s in (*steps[:place], caps[0]) if (factor := _multiplied(s)) is not None]
            scale = prod(factor for _, factor in scaling)
            if not isclose(scale, 1.0):
                yield Claim("logits.scale", round(scale, 9), "verified", lines.evidence(*(s.at for s, _ in scaling)))
        return
    for step in steps:
        value = _multiplied(step)
        if value is not None:
            yield Claim("logits.scale", value, "verified", lines.evidence(step.at))


def _multiplied(step: Event) -> float | None:
    """The number that a product or quotient with a number multiplies by; None for other steps."""
    number = number_in(step) if len(step.inputs) == 1 and canonical(step.name) in ("mul", "div") else None
    if number is None or not number:
        return None
    return 1 / number if canonical(step.name) == "div" else number


def _after(context: Context, head: Event) -> list[Event]:
    """The elementwise steps that follow a projection, each reading the one before, moves, cuts and casts among them."""
    steps: list[Event] = []
    current = head.outputs[0]
    for event in context.trace.events[context.trace.events.index(head) + 1 :]:
        if event.kind != "op" or all(value.id != current.id for value in event.inputs) or not event.outputs:
            continue
        if canonical(event.name) not in ("mul", "div", "tanh", *_MOVES):
            break
        steps.append(event)
        current = event.outputs[0]
    return steps
