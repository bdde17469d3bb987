"""A comparison as text: what differs first, each line with its places."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archviz.architecture.words import value_words
from archviz.comparison.blocks import BlockPair, StepDifference
from archviz.comparison.comparing import Comparison
from archviz.comparison.facts import FactRow, place
from archviz.comparison.family import Step

_SIGNS = {"only_first": "-", "only_other": "+", "changed": "~"}


def comparison_text(comparison: Comparison) -> str:
    """Facts, layer plans, blocks and code that differ; equal facts are only counted."""
    return "\n".join(_lines(comparison)) + "\n"


def family_text(steps: Sequence[Step]) -> str:
    """Models in order, each with what changed since its nearest kin."""
    return "\n".join(line for step in steps for line in _step_lines(step)) + "\n"


def _lines(comparison: Comparison) -> Iterator[str]:
    for number, model in enumerate(comparison.models, 1):
        active = f", {model.parameters.active:,} active" if model.parameters.active is not None else ""
        yield f"{number}  {model.identity.id}  {model.identity.class_name}, {model.parameters.total:,} parameters{active}"
    differing = comparison.differing_facts
    yield from ("", f"Facts: {len(differing)} differ, {len(comparison.facts) - len(differing)} are equal")
    for row in differing:
        yield f"  {row.key.replace('_', ' ')}"
        yield from (f"    {number}  {_cell(row, number - 1)}" for number in range(1, len(row.facts) + 1))
    for plan in comparison.plans:
        yield from ("", f"Layers ({plan.tower}): " + ("differ" if plan.differs else "equal"))
        rows = zip(plan.patterns, plan.counts, plan.evidence, strict=True)
        for number, (pattern, count, at) in enumerate(rows, 1):
            yield f"    {number}  " + (f"{count} layers: {pattern}  {at or ''}".rstrip() if pattern else "–")
    for number, pairs in enumerate(comparison.pairs, 2):
        yield from ("", f"Blocks of 1 (-) and {number} (+)")
        for pair in pairs:
            yield from _pair_lines(pair)


def _cell(row: FactRow, index: int) -> str:
    fact = row.facts[index]
    if fact is None:
        return "–"
    unit = f" {fact.unit}" if fact.unit else ""
    mark = "" if fact.status == "verified" else f"  [{fact.status}]"
    places = " ".join(dict.fromkeys(place(item) for item in fact.evidence[:2]))
    return f"{value_words(fact.value)}{unit}{mark}  {places}".rstrip()


def _pair_lines(pair: BlockPair) -> Iterator[str]:
    only = " (only in the second)" if pair.first is None else " (only in the first)" if pair.other is None else ""
    yield f"  {pair.slot}: {pair.title}{only or ('' if pair.differs else '  equal')}"
    yield from (f"    {line}" for step in pair.steps for line in step_lines(step))
    if pair.code:
        yield "    code:"
        yield from (f"      {line}" for row in pair.code for line in step_lines(row))


def step_lines(step: StepDifference) -> list[str]:
    """A difference on one line, or two where both models have something else."""
    first = f"{step.first}  {step.first_at or ''}".rstrip() if step.first else None
    other = f"{step.other}  {step.other_at or ''}".rstrip() if step.other else None
    if first and other:
        return [f"- {first}", f"+ {other}"]
    return [f"{_SIGNS[step.kind]} {first or other}"]


def _step_lines(step: Step) -> Iterator[str]:
    if step.since is None:
        yield step.model
        return
    yield f"{step.model}  after {step.since}"
    for title, rows in (("mechanisms", step.mechanisms), ("sizes", step.sizes)):
        if rows:
            yield f"  {title}"
            for row in rows:
                yield f"    {row.key.replace('_', ' ')}: {_cell(row, 0)} → {_cell(row, 1)}"
    if step.blocks:
        yield f"  blocks: {'; '.join(step.blocks)}"
    if not (step.mechanisms or step.sizes or step.blocks):
        yield "  nothing"
