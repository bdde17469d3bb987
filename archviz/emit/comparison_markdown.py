"""A comparison as a Markdown document; all text of models is escaped."""

from __future__ import annotations

from collections.abc import Sequence

from archviz.architecture.words import value_words
from archviz.comparison.blocks import BlockPair, StepDifference
from archviz.comparison.comparing import Comparison
from archviz.comparison.facts import FactRow, place
from archviz.comparison.family import Step
from archviz.emit.markdown_text import filled_table, line, table

_WORDS = {"only_first": "only in the first", "only_other": "only in the second", "changed": "differs"}


def markdown_from_comparison(comparison: Comparison, steps: Sequence[Step] = ()) -> str:
    """Facts side by side, layer plans, blocks and code; with `steps` also the order of the family."""
    names = [line(name.rpartition("/")[2]) for name in comparison.names]
    sections = [
        [f"# {' and '.join(names)} compared"],
        _models(comparison),
        _family(steps),
        _facts(comparison, names),
        _layers(comparison, names),
        *[_blocks(names[0], name, pairs) for name, pairs in zip(names[1:], comparison.pairs, strict=True)],
    ]
    return "\n\n".join("\n".join(section).strip("\n") for section in sections if section) + "\n"


def _models(comparison: Comparison) -> list[str]:
    rows = [
        (m.identity.id, m.identity.class_name, f"{m.parameters.total:,}", f"{m.parameters.active:,}" if m.parameters.active is not None else "–",
         m.identity.code or "")
        for m in comparison.models
    ]  # fmt: skip
    notes = [f"- {line(note)}" for note in comparison.notes]
    return [
        *table(("Model", "Class", "Parameters", "Active per token", "Code"), rows),
        *(["", *notes] if notes else []),
    ]


def _facts(comparison: Comparison, names: Sequence[str]) -> list[str]:
    differing = [row for row in comparison.facts if row.differs]
    equal = [row for row in comparison.facts if not row.differs]
    rows = [(row.key.replace("_", " "), *_cells(row)) for row in differing]
    same = [(row.key.replace("_", " "), _cells(row)[0]) for row in equal]
    lines = ["## Facts that differ", "", *table(("Fact", *names), rows)] if rows else []
    return lines + (["", "## Facts that are equal", "", *table(("Fact", "All"), same)] if same else [])


def _cells(row: FactRow) -> list[str]:
    cells = []
    for fact in row.facts:
        if fact is None:
            cells.append("–")
            continue
        places = ", ".join(dict.fromkeys(place(item) for item in fact.evidence[:2]))
        mark = "" if fact.status == "verified" else f", {fact.status}"
        words = f"{value_words(fact.value)} {fact.unit or ''}".strip()
        cells.append(f"{words} ({places}{mark})" if places else f"{words}{mark}")
    return cells


def _layers(comparison: Comparison, names: Sequence[str]) -> list[str]:
    rows = []
    for plan in comparison.plans:
        cells = [
            f"{count} layers: {pattern}" + (f" ({at})" if at else "") if pattern else "–"
            for pattern, count, at in zip(plan.patterns, plan.counts, plan.evidence, strict=True)
        ]
        rows.append((plan.tower, *cells))
    return ["## Layer plan", "", *table(("Tower", *names), rows)] if rows else []


def _blocks(first: str, other: str, pairs: Sequence[BlockPair]) -> list[str]:
    lines = [f"## Blocks: {first} and {other}"]
    for pair in pairs:
        lines += ["", f"### {line(pair.slot.capitalize())}: {line(pair.title)}", ""]
        if pair.first is None or pair.other is None:
            lines.append(f"Only in {other if pair.first is None else first}.")
        elif not pair.differs:
            lines.append("Equal.")
        else:
            lines += _differences("Step", first, other, pair.steps)
            lines += ["", *_differences("Code", first, other, pair.code)] if pair.code else []
    return lines


def _differences(what: str, first: str, other: str, steps: Sequence[StepDifference]) -> list[str]:
    rows = [(_WORDS[s.kind], _with_place(s.first, s.first_at), _with_place(s.other, s.other_at)) for s in steps]
    return filled_table((what, first, other), rows) if rows else []


def _with_place(words: str | None, at: str | None) -> str:
    return "" if words is None else f"{words} ({at})" if at else words


def _family(steps: Sequence[Step]) -> list[str]:
    if not steps:
        return []
    lines = ["## Order of the family"]
    for number, step in enumerate(steps, 1):
        lines += ["", f"{number}. **{line(step.model)}**" + (f", after {line(step.since)}" if step.since else "")]
        for row in (*step.mechanisms, *step.sizes):
            before, after = _cells(row)
            lines.append(f"   - {line(row.key.replace('_', ' '))}: {line(before)} → {line(after)}")
        if step.blocks:
            lines.append(f"   - blocks: {line('; '.join(step.blocks))}")
    return lines
