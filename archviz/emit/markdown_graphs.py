"""Data flow in Markdown: a graph as a table of steps."""

from __future__ import annotations

from collections.abc import Sequence

from archviz.architecture.model import BlockGraph, BlockNode
from archviz.emit.markdown_text import filled_table, inline_code, line
from archviz.figure.diagram_groups import node_name

STATUS_WORDS = {
    "config": "stated by the configuration only",
    "derived": "derived",
    "unverified": "**not verified**",
    "conflict": "**sources contradict each other**",
}


def graph_section(graph: BlockGraph, title: str, level: int = 3) -> list[str]:
    """A graph as a section: its place, its notes, and a table of its steps in order of execution."""
    place = f"`{inline_code(graph.module)}`, class `{inline_code(graph.class_name)}`"
    count = f", {graph.parameters:,} parameters" if graph.parameters else ""
    rows = [(_named(node), _detail(node), _shapes(node), _where(node)) for node in graph.nodes]
    notes = [f"- {line(note)}" for note in graph.notes]
    status = [f"- Status: {STATUS_WORDS[graph.status]}"] if graph.status in STATUS_WORDS else []
    return [
        f"{'#' * level} {line(title)}",
        "",
        f"{place}{count}.",
        "",
        *([*notes, *status, ""] if notes or status else []),
        *filled_table(("Step", "Details", "Shape", "Source"), rows),
    ]


def _named(node: BlockNode) -> str:
    name = node_name(node)
    return f"{name} ({node.code_name})" if node.code_name and node.code_name != name else name


def _detail(node: BlockNode) -> str:
    count = [f"{node.parameters:,} parameters"] if node.parameters else []
    status = [node.status] if node.status in STATUS_WORDS else []
    return "; ".join([*node.details, *count, *status])


def _shapes(node: BlockNode) -> str:
    def shown(shape: Sequence[int | str | None]) -> str:
        return f"[{', '.join('?' if size is None else str(size) for size in shape)}]"

    return " → ".join(shown(shape) for shape in (node.shape_in, node.shape_out) if shape is not None)


def _where(node: BlockNode) -> str:
    return ", ".join(dict.fromkeys(item.where for item in node.evidence[:3]))
