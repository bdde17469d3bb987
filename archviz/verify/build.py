"""All claims of a model, layer kind by layer kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from archviz.architecture.context import Context
from archviz.architecture.defaulted import DEFAULT_OF
from archviz.architecture.kinds import Stack, find_stacks
from archviz.architecture.model import Architecture, Evidence
from archviz.interpreter.reading import Assumption, ModelReading
from archviz.records import replace
from archviz.verify.attention_claims import attention_claims
from archviz.verify.claims import Claim, join_claims
from archviz.verify.constant_claims import constant_claims, made_claims
from archviz.verify.formula_claims import (
    NORM_FORMULA,
    beside_formulas,
    handed_to_layers,
    layer_formulas,
    model_formulas,
    part_formulas,
    uncalled_beside,
)
from archviz.verify.joined_numbers import sized
from archviz.verify.model_claims import model_claims
from archviz.verify.not_read import branches_not_read, changed_by_sizes, masks_changed, masks_left_out, ran_in
from archviz.verify.rope_claims import rope_claims
from archviz.verify.router_claims import router_claims
from archviz.verify.same_numbers import alike_in_numbers
from archviz.verify.settings_claims import settings_beside, settings_inside
from archviz.verify.source_lines import FindText, SourceLines
from archviz.verify.split_claims import split_claims
from archviz.verify.structure_claims import layer_claims, part_claims
from archviz.verify.view import LayerView

PART_CLAIMS: tuple[Callable[[LayerView], Iterator[Claim]], ...] = (
    attention_claims,
    rope_claims,
    part_claims,
    router_claims,
    split_claims,
    part_formulas,
)


def find_claims(reading: ModelReading, architecture: Architecture, find_text: FindText) -> list[Claim]:
    """Everything that can be claimed about a model.

    Args:
        reading: The model with its trace.
        architecture: The description built from the same reading.
        find_text: The text of a source file by its shown name.
    """
    context, lines = Context(reading), SourceLines(find_text)
    stacks = find_stacks(context)
    claims = list(model_claims(context, architecture, stacks, lines))
    claims += [*model_formulas(context, stacks, lines), *uncalled_beside(context, stacks, lines)]
    claims += [*beside_formulas(context, stacks, lines), *handed_to_layers(context, stacks, lines)]
    claims += [*settings_beside(context, stacks, lines), *constant_claims(context, lines)]
    claims += made_claims(context, stacks, lines)
    claims += join_claims(branches_not_read(context, stacks, lines))
    for stack in stacks:
        claims += join_claims(_norms_in_short(list(_stack_claims(context, lines, stack))))
    defaulted = _defaulted_towers(architecture)
    unstated = _unstated(architecture)
    led_on = (*changed_by_sizes(context), *masks_left_out(context), *masks_changed(context))
    exchanged = [(fork.module, ran_in(context, fork), lines.evidence(fork.at)) for fork, _ in led_on]
    claims = [_exchanged(claim, exchanged) for claim in claims]
    told = (_doubted(_of_defaults(_unstated_claim(claim, unstated), defaulted), reading) for claim in claims)
    return [_assumed(sized(claim, context), reading) for claim in told]


def _unstated(architecture: Architecture) -> dict[str, Evidence]:
    """Configuration keys whose values are their class's defaults → the line that gives the default."""
    found: dict[str, Evidence] = {}
    for fact in architecture.facts:
        lines = [each for each in fact.evidence if each.kind == "code" and (each.text or "").startswith(DEFAULT_OF)]
        keys = [each.where for each in fact.evidence if each.kind == "config"]
        if len(lines) == 1 and len(keys) == 1:
            found[keys[0]] = lines[0]
    return found


def _unstated_claim(claim: Claim, unstated: dict[str, Evidence]) -> Claim:
    """A claim that rests on a key which nobody stated says whose default its value is."""
    lines = [unstated[each.where] for each in claim.evidence if each.kind == "config" and each.where in unstated]
    if claim.status != "config" or not lines:
        return claim
    return replace(claim, status="derived", evidence=(*claim.evidence, *lines))


def _defaulted_towers(architecture: Architecture) -> list[str]:
    """Modules of the towers that rest on the official class's defaults, because the configuration states none of their values."""
    parts = [fact.key.removesuffix("_source") for fact in architecture.facts if fact.key.endswith("_source")]
    return [t.module for t in architecture.towers if t.module and t.id.partition("_")[0] in parts]


def _of_defaults(claim: Claim, towers: list[str]) -> Claim:
    """A claim about a tower whose values nobody stated is not verified."""
    inside = any(f"{claim.stack or claim.part}.".startswith(f"{tower}.") for tower in towers)
    return replace(claim, status="unverified") if inside and claim.status in ("verified", "config") else claim


def _doubted(claim: Claim, reading: ModelReading) -> Claim:
    """A claim that a gap may change is not verified: one about a part at, below or above the gap's module."""
    if claim.status != "verified" or claim.stack is None:
        return claim
    parts = {".".join(filter(None, (claim.stack, str(index), claim.part))) for index in claim.indices}
    for gap in (*reading.gaps, *reading.trace_gaps):
        above = gap.module.startswith(f"{claim.stack}.") and any(f"{p}.".startswith(f"{gap.module}.") for p in parts)
        if above or any(f"{gap.module}.".startswith(f"{part}.") for part in parts):
            return replace(claim, status="unverified")
    return claim


def _exchanged(claim: Claim, places: Sequence[tuple[str, set[str], tuple[Evidence, ...]]]) -> Claim:
    """What an attention sees is not verified where the pass exchanged or left it because its input is short, or was given no mask of padding."""
    if claim.key not in ("attention.mask", "attention.span") or claim.status != "verified":
        return claim
    for module, same, evidence in places:
        inside = f"{claim.scope}.".startswith(f"{module}." if module else "")
        if inside or not same.isdisjoint(_modules(claim)):
            return replace(claim, status="unverified", evidence=(*claim.evidence, *evidence))
    return claim


def _assumed(claim: Claim, reading: ModelReading) -> Claim:
    """A claim about a module whose function takes a test as true is not verified where it rests on what follows, or on the function."""
    if claim.status != "verified":
        return claim
    for each in reading.assumed:
        if each.at is None or each.function is None or each.module not in _modules(claim):
            continue
        module = reading.root.find(each.module)
        whole = f"class {module.class_name}(" if module is not None else "class "
        if any(_rests(item, each, whole) for item in claim.evidence):
            place = Evidence(kind="code", where=str(each.at), text=each.what)
            return replace(claim, status="unverified", evidence=(*claim.evidence, place))
    return claim


def _rests(evidence: Evidence, assumption: Assumption, whole: str) -> bool:
    """Whether a place lies behind a test that is taken as true, or stands for the whole function or class that tests."""
    file, line = _line(evidence)
    if assumption.at is None or assumption.function is None or file != assumption.at.file:
        return False
    first, last = assumption.function
    return (evidence.text or "").startswith(whole) or line == first or assumption.at.line <= line <= last


def _modules(claim: Claim) -> set[str]:
    if claim.stack is None:
        return {claim.part}
    return {".".join(filter(None, (claim.stack, str(index), claim.part))) for index in claim.indices}


def _line(evidence: Evidence) -> tuple[str, int]:
    """The file and line of a place; line 0 where it is none."""
    file, _, line = evidence.where.rpartition(":")
    return file, int(line) if line.isdecimal() else 0


def _norms_in_short(claims: list[Claim]) -> Iterator[Claim]:
    """Norms of a stack that all compute the same need no names."""
    formulas = {str(claim.value) for claim in claims if claim.key == NORM_FORMULA}
    for claim in claims:
        yield replace(claim, part="") if claim.key == NORM_FORMULA and len(formulas) == 1 else claim


def _stack_claims(context: Context, lines: SourceLines, stack: Stack) -> Iterator[Claim]:
    for kind in (alike for whole in stack.kinds for alike in alike_in_numbers(context, stack, whole)):
        yield from layer_claims(LayerView(context, lines, stack, kind))
        yield from layer_formulas(LayerView(context, lines, stack, kind))
        yield from settings_inside(LayerView(context, lines, stack, kind))
        for part in (*kind.parts.mixers, *kind.parts.feeds):
            view = LayerView(context, lines, stack, kind, part)
            for claims_of in PART_CLAIMS:
                yield from claims_of(view)
