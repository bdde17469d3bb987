"""Markdown: the written specification of a model, from a diagram config or from an Architecture."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from archviz.architecture.model import Architecture, Fact, ParameterRow
from archviz.architecture.words import value_words
from archviz.emit.dot import dot_from_diagram
from archviz.emit.markdown_graphs import STATUS_WORDS
from archviz.emit.markdown_text import bullets, code, filled_table, inline_code, line, link, links_in, table, text
from archviz.figure.diagram_model import CustomNode, DiagramBlock, DiagramConfig, DiagramStage


def markdown_from_diagram(config: DiagramConfig) -> str:
    """A diagram config as a document: overview, components stage by stage, summary, DOT and JSON."""
    sections = [
        [f"# {line(config.heading)}"],
        _head(config),
        ["## Architecture overview", "", *_overview(config)],
        ["## Detailed components", *_stages(config)],
        _beside(config),
        _innovations(config),
        _summary(config),
        _machine_readable(dot_from_diagram(config), "Diagram config", config.to_json()),
        references_section(config.references),
    ]
    return joined(sections)


def joined(sections: Iterable[Sequence[str]]) -> str:
    return "\n\n".join("\n".join(section).strip("\n") for section in sections if section) + "\n"


def _head(config: DiagramConfig) -> list[str]:
    counts = config.parameters
    lines = [f"**Model:** {line(config.model_name)}"]
    if config.source:
        lines.append(f"**Source:** {links_in(config.source)}")
    if counts and counts.total is not None:
        lines.append(f"**Total parameters:** {count_text(counts.total)}")
    if counts and counts.active is not None:
        lines.append(f"**Activated parameters:** {count_text(counts.active)}")
    return [f"{entry}  " for entry in lines]


def count_text(value: float | str) -> str:
    return line(value) if isinstance(value, str) else f"{value:,}"


def _overview(config: DiagramConfig) -> list[str]:
    lines = [text(config.overview), ""] if config.overview else []
    flow = [stage for stage in config.stages if not stage.detail_of]
    lines += [f"{number}. {line(stage.name)}: {_kinds(stage)}" for number, stage in enumerate(flow, start=1)]
    return lines


def _kinds(stage: DiagramStage) -> str:
    return ", ".join(line(block.type) for block in stage.blocks)


def _stages(config: DiagramConfig) -> list[str]:
    lines: list[str] = []
    for number, stage in enumerate(config.stages, start=1):
        lines += ["", f"### Stage {number}: {line(stage.name)}"]
        if stage.detail_of:
            lines += ["", f"The inside of {line(_called(config, stage.detail_of))}."]
        for block in stage.blocks:
            lines += ["", f"#### {line(block.type)}", *_described(block)]
    return lines


def _described(block: DiagramBlock) -> list[str]:
    entries = bullets(block.details)
    entries += [""] if entries and entries[-1][:1].isdigit() else []
    if block.status in STATUS_WORDS:
        entries.append(f"- Status: {STATUS_WORDS[block.status or '']}")
    if block.source:
        entries.append(f"- Source: {links_in(block.source)}")
    return ["", *entries] if entries else []


def _called(config: DiagramConfig, address: str) -> str:
    """What a reader calls the thing at an address."""
    canonical = config.addresses()[address]
    names = {f"stage{number}": stage.name for number, stage in enumerate(config.stages, start=1)}
    names |= {name: block.type for name, block in config.blocks()}
    names |= {node.id: node.label for node in config.custom_nodes}
    return names[canonical]


def _beside(config: DiagramConfig) -> list[str]:
    """Custom nodes, and the edges beside the flow."""
    lines: list[str] = []
    if config.custom_nodes:
        lines += ["### Beside the stages", *(entry for node in config.custom_nodes for entry in _node(node))]
    if config.custom_edges:
        rows = [(_called(config, e.source), _called(config, e.target), e.label or "") for e in config.custom_edges]
        lines += ["", "### Connections beside the flow", "", *table(("From", "To", "What"), rows)]
    return lines


def _node(node: CustomNode) -> list[str]:
    head, _, rest = node.label.partition("\n")
    block = DiagramBlock(type=head.strip() or node.id, details=rest, status=node.status, source=node.source)
    return ["", f"#### {line(block.type)}", *_described(block)]


def _innovations(config: DiagramConfig) -> list[str]:
    if not config.innovations:
        return []
    entries = [
        f"- **{line(entry.name)}**" + (f": {line(entry.description)}" if entry.description.strip() else "")
        for entry in config.innovations
    ]
    return ["## Key innovations", "", *entries]


def _summary(config: DiagramConfig) -> list[str]:
    if not config.configuration:
        return []
    rows = [(name, value_words(value)) for name, value in config.configuration.items()]
    return ["## Configuration summary", "", *table(("Component", "Specification"), rows)]


def _machine_readable(dot: str, json_title: str, json_text: str) -> list[str]:
    return [
        "## Machine-readable specification",
        "",
        "### Graph (DOT)",
        "",
        *code("dot", dot),
        "",
        f"### {json_title} (JSON)",
        "",
        *code("json", json_text),
    ]


def references_section(references: dict[str, str]) -> list[str]:
    if not references:
        return []
    return ["## References", "", *(f"- {line(name)}: {link(address)}" for name, address in references.items())]


def breakdown_section(architecture: Architecture) -> list[str]:
    rows = architecture.parameters.breakdown
    if not rows:
        return []
    depth = _depth(rows)
    cells = [
        (
            f"{'– ' * depth(row)}{row.label}",
            f"{row.times} × {row.each:,}" if row.times and row.each is not None else "",
            f"{row.count:,}",
            f"{row.active:,}" if row.active not in (None, row.count) else "",
            row.note or "",
        )
        for row in rows
    ]
    total = architecture.parameters
    cells.append(("Total", "", f"{total.total:,}", f"{total.active:,}" if total.active is not None else "", ""))
    tied = [f"- `{inline_code(alias)}` is `{inline_code(name)}` (tied)" for alias, name in total.tied.items()]
    header = ("Component", "Each", "Parameters", "Active per token, where fewer", "Note")
    return ["## Parameters", "", *filled_table(header, cells), *(["", *tied] if tied else [])]


def _depth(rows: Sequence[ParameterRow]) -> Callable[[ParameterRow], int]:
    parents = {row.key: row.parent for row in rows}

    def depth(row: ParameterRow) -> int:
        level, parent = 0, row.parent
        while parent is not None and level < len(parents):
            level, parent = level + 1, parents.get(parent)
        return level

    return depth


def facts_section(facts: Sequence[Fact]) -> list[str]:
    if not facts:
        return []
    rows = [
        (
            fact.key.replace("_", " "),
            f"{value_words(fact.value)} {fact.unit or ''}".strip(),
            fact.status,
            ", ".join(dict.fromkeys(item.where for item in fact.evidence[:3])),
        )
        for fact in facts
    ]
    return ["## Configuration summary", "", *filled_table(("Component", "Specification", "Status", "Source"), rows)]


def gaps_section(architecture: Architecture) -> list[str]:
    if not architecture.gaps:
        return []
    entries = [
        f"- `{inline_code(gap.module)}`: {line(gap.reason)}" + (f" ({line(gap.at)})" if gap.at else "")
        for gap in architecture.gaps
    ]
    return ["## Not understood", "", *entries]
