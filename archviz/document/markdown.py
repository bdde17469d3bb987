"""The document: its sections in order."""

from __future__ import annotations

import json
from collections.abc import Sequence

from archviz.architecture.formula_text import formula_lines
from archviz.architecture.model import Architecture, Parameters
from archviz.architecture.words import value_words
from archviz.comparison.departure import Departure
from archviz.document.overview import overview
from archviz.document.parts import Parts
from archviz.document.stages import stages
from archviz.emit.dot import dot_from_architecture
from archviz.emit.markdown import breakdown_section, facts_section, gaps_section, joined
from archviz.emit.markdown_text import code, filled_table, inline_code, line, link, table
from archviz.pseudocode.program import Pseudocode
from archviz.verify.claims import Claim
from archviz.verify.report import Verification

_MOST_PLACES = 3
_MOST_GAPS = 100
_STEPS = (
    "From what the official code builds to what the publisher's checkpoint is said to hold. A step that is `derived` is taken because the "
    "count comes out with it; the others are stated by code or configuration."
)


def markdown_document(parts: Parts) -> str:
    """The whole document; all text of the model is escaped."""
    architecture = parts.architecture
    sections = [
        [f"# {line(architecture.identity.id.rpartition('/')[2])} architecture"],
        _head(architecture),
        ["## Architecture overview", "", line(" ".join(overview(architecture)))],
        _innovations(parts.departures),
        stages(architecture, parts.departures),
        facts_section(architecture.facts),
        breakdown_section(architecture),
        _reconciliation(architecture.parameters),
        _verification(parts.verification),
        gaps_section(architecture),
        *_machine(parts),
        _references(architecture),
    ]
    return joined(sections)


def _head(architecture: Architecture) -> list[str]:
    identity, parameters = architecture.identity, architecture.parameters
    revision = f" at commit `{inline_code(identity.revision)}`" if identity.revision else ""
    sources = [
        f"**Model:** {link(identity.url) if identity.url else line(identity.id)}{revision}",
        f"**Code:** {line(identity.code or 'its own code')}, class `{inline_code(identity.class_name)}`",
        *(f"**{line(name.capitalize())}:** {link(address)}" for name, address in identity.links.items()),
        f"**Total parameters:** {parameters.total:,}",
    ]
    if parameters.active is not None:
        share = (
            f" ({parameters.active / parameters.total:.2%})"
            if parameters.total and parameters.active != parameters.total
            else ""
        )
        sources.append(f"**Activated parameters:** {parameters.active:,} per token{share}")
    if parameters.published_total is not None:
        off = parameters.published_total - parameters.total
        sources.append(
            f"**Published total:** {parameters.published_total:,}"
            + (f" ({off:+,} against this class{_explained(parameters)})" if off else " (equal)")
        )
    if identity.licence:
        sources.append(f"**Licence:** {line(identity.licence)}")
    if identity.retrieved:
        sources.append(f"**Facts of:** {line(identity.retrieved)}")
    return [f"{entry}  " for entry in sources]


def _explained(parameters: Parameters) -> str:
    """How far the difference to the published total is explained."""
    if not parameters.reconciliation:
        return ", not explained"
    rest = parameters.unexplained
    return ", explained to the unit below" if not rest else f", explained below but for {rest:+,}"


def _reconciliation(parameters: Parameters) -> list[str]:
    """The way from the code's count to the published one, step by step; nothing where they are the same or none is published."""
    published = parameters.published_total
    if published is None or published == parameters.total:
        return []
    rows = [("The official code builds", f"{parameters.total:,}", "verified", "")]
    rows += [
        (step.title, f"{step.count:+,}", step.status, ", ".join(each.where for each in step.evidence))
        for step in parameters.reconciliation
    ]
    if parameters.unexplained:
        rows.append(("Not explained", f"{parameters.unexplained:+,}", "", ""))
    rows.append(("Published", f"{published:,}", "", ""))
    return [
        "## Published total",
        "",
        _STEPS,
        "",
        *filled_table(("Step", "Parameters", "Status", "Evidence"), rows),
    ]


def _innovations(found: Sequence[Departure]) -> list[str]:
    """What a plain decoder does not have; mechanisms first, settings as one list."""
    if not found:
        return [
            "## Key innovations",
            "",
            "None: it is a plain decoder (pre-norm RMSNorm, grouped-query attention with RoPE, SwiGLU).",
        ]
    lines = [
        "## Key innovations",
        "",
        "What a plain decoder (pre-norm RMSNorm, grouped-query attention with RoPE on whole heads, SwiGLU) does not have:",
        "",
    ]
    lines += [_innovation(each) for each in found if not each.small]
    small = [each for each in found if each.small]
    if small:
        lines += ["", "Settings of its own:", "", *(_innovation(each) for each in small)]
    return lines


def _innovation(each: Departure) -> str:
    places = ", ".join(dict.fromkeys(item.where for item in each.evidence[:_MOST_PLACES]))
    mark = "" if each.status == "verified" else f", {each.status}"
    why = f" Usual reason: {line(each.why)}." if each.why else ""
    return f"- **{line(each.name)}:** {line(each.text)}.{why} ({line(places or 'no place')}{mark})"


def _verification(found: Verification) -> list[str]:
    conflicts = len(found.conflicts)
    counts: dict[str, int] = {}
    for claim in found.claims:
        counts[claim.status] = counts.get(claim.status, 0) + 1
    told = ", ".join(f"{count} {status}" for status, count in counts.items())
    return [
        "## Verification report", "",
        f"{len(found.claims)} claims: {told}. {conflicts or 'No'} conflict{'' if conflicts == 1 else 's'}, {len(found.gaps)} gaps.", "",
        *table(("Scope", "Claim", "Value", "Status", "Evidence"), [_claim(claim) for claim in found.claims]),
    ]  # fmt: skip


def _claim(claim: Claim) -> tuple[str, str, str, str, str]:
    shown = list(dict.fromkeys(item.where for item in claim.evidence))
    more = f" +{len(shown) - _MOST_PLACES}" if len(shown) > _MOST_PLACES else ""
    return (
        claim.scope or "model",
        claim.key,
        value_words(claim.value, of_code=True),
        claim.status,
        ", ".join(shown[:_MOST_PLACES]) + more,
    )


def _machine(parts: Parts) -> list[list[str]]:
    architecture = parts.architecture
    return [
        [
            "## Machine-readable specification",
            "",
            "For programs and agents: the graph, the code, the data and the calculation of the parameters.",
        ],
        ["### DOT", "", *code("dot", dot_from_architecture(architecture))],
        ["### Pseudocode", "", *_pseudocode(parts.pseudocode, parts.no_pseudocode)],
        ["### JSON", "", *_json(architecture, with_tensors=parts.with_tensors)],
        ["### Parameter calculation", "", *_calculation(architecture)],
    ]


def _pseudocode(program: Pseudocode | None, why: str) -> list[str]:
    if program is None:
        return [f"It could not be written: {line(why)}."]
    sizes = (
        "Sizes follow from `B` (batch) and `T` (tokens, `S` in the tables above)." if program.symbolic
        else "Sizes follow from `B` (batch) and `T` (tokens, `S` in the tables above), except in bodies that say that theirs are those of one pass."
    )  # fmt: skip
    words = [(
        "Valid Python, written from the data flow of an interpreted forward pass (nothing of the model was run): every distinct module once, "
        f"the shapes of what each statement gives as its comment. {sizes} `build()` makes the model with all its parameters, also on PyTorch's meta "
        "device, and `run(model)` passes tokens through it. What depends on numbers (which expert a token goes to) is written for one case."
    )]  # fmt: skip
    if program.remarks:
        words += ["", "Not written out:", "", *(f"- {line(remark)}" for remark in program.remarks[:_MOST_GAPS])]
    return [*words, "", *code("python", program.text)]


def _json(architecture: Architecture, *, with_tensors: bool) -> list[str]:
    """The Architecture; the list of single tensors repeats what the folded modules hold and is left out unless asked for."""
    data = architecture.as_dict()
    words = f"The Architecture as `archviz describe {inline_code(architecture.identity.id)} --json` prints it (its schema: `archviz schema`)"
    if not with_tensors:
        data["tensors"] = []
        words += f"; the {len(architecture.tensors):,} single tensors, whose shapes stand at `modules`, are left out of `tensors` (`--tensors` keeps them)"
    rows = [f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in data.items()]
    return [f"{words}.", "", *code("json", "{\n" + ",\n".join(rows) + "\n}")]


def _calculation(architecture: Architecture) -> list[str]:
    parameters = architecture.parameters
    rows = [
        (
            f"↳ {row.label}" if row.parent else row.label,
            row.formula or "",
            row.numbers or "",
            f"{row.times} × {row.each:,}" if row.times and row.each is not None else "",
            f"{row.count:,}",
        )
        for row in parameters.breakdown
    ]
    lines = filled_table(("Part", "Formula", "With numbers", "Each", "Parameters"), rows)
    text = [each.strip() for each in formula_lines(parameters)]
    symbols = [each for each in parameters.symbols if any(each.symbol in row for row in text)]
    if symbols:
        cells = [(each.symbol, f"{each.value:,}", each.key, each.meaning or "") for each in symbols]
        lines += ["", *filled_table(("Symbol", "Value", "From", "Meaning"), cells)]
    parts = any(row.parent for row in parameters.breakdown)
    which = "Rows with ↳ are parts of a row above them; the others add up to" if parts else "The rows add up to"
    lines += ["", f"{which} {parameters.total:,}."]
    return lines + ([f"Active: {line(parameters.active_definition)}"] if parameters.active_definition else [])


def _references(architecture: Architecture) -> list[str]:
    identity = architecture.identity
    rows = [f"- Model: {link(identity.url)}"] if identity.url else []
    rows += [f"- {line(name.capitalize())}: {link(address)}" for name, address in identity.links.items()]
    rows += [f"- Code: {line(identity.code)}"] if identity.code else []
    files = [
        file for file in identity.files if "/models/" in file.name and "/auto/" not in file.name
    ] or identity.files[:10]
    rows += [f"- `{inline_code(file.name)}`, SHA-256 {file.sha256}" for file in files]
    return ["## References", "", *rows]
