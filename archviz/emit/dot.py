"""DOT: text that every Graphviz parses, from a diagram config or from an Architecture."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from archviz.emit.dot_architecture import dot_from_architecture, dot_from_module
from archviz.emit.dot_text import Attributes, arrow, box, cluster, label, opening, quoted
from archviz.figure.diagram_model import CustomNode, DiagramBlock, DiagramConfig, DiagramStage

__all__ = ["dot_from_architecture", "dot_from_diagram", "dot_from_module"]


def dot_from_diagram(config: DiagramConfig) -> str:
    """A diagram config as DOT: a cluster for each stage, custom nodes and edges, the status in the border."""
    lines = [*opening(config.model_name, _heading(config))]
    for number, stage in enumerate(config.stages, start=1):
        fill = "#f8fafc" if stage.detail_of else "#eceff4"
        lines += cluster(f"stage{number}", stage.name, _stage(number, stage), fill)
    lines += [_custom_node(node) for node in config.custom_nodes]
    lines += _flow(config)
    lines += _custom_edges(config)
    return "\n".join([*lines, "}"]) + "\n"


def _heading(config: DiagramConfig) -> str:
    return f"{config.heading}\nSource: {config.source}" if config.source else config.heading


def _stage(number: int, stage: DiagramStage) -> Iterator[str]:
    names = [f"stage{number}.block{b}" for b in range(1, len(stage.blocks) + 1)]
    for name, block in zip(names, stage.blocks, strict=True):
        yield _block(name, block)
    for source, target in pairwise(names):
        yield arrow(source, target)


def _block(name: str, block: DiagramBlock) -> str:
    text = f"{block.type}\n{block.details}" if block.details.strip() else block.type
    return box(name, text, block.fill, block.status, _tooltip(block.status, block.source))


def _custom_node(node: CustomNode) -> str:
    return box(node.id, node.label, node.fill, node.status, _tooltip(node.status, node.source))


def _tooltip(status: str | None, source: str | None) -> str | None:
    return "\n".join(filter(None, (status and f"status: {status}", source and f"source: {source}"))) or None


def _flow(config: DiagramConfig) -> Iterator[str]:
    """Arrows from stage to stage, and dotted leaders from a block to the stage that shows its inside."""
    known = config.addresses()
    before: int | None = None
    for number, stage in enumerate(config.stages, start=1):
        if stage.detail_of:
            yield _edge(config, known[stage.detail_of], f"stage{number}", {"style": "dotted", "arrowhead": "none"})
            continue
        if before is not None and not stage.new_flow:
            yield _edge(config, f"stage{before}", f"stage{number}", {})
        before = number


def _custom_edges(config: DiagramConfig) -> Iterator[str]:
    known = config.addresses()
    nodes = {node.id for node in config.custom_nodes}
    for edge in config.custom_edges:
        inside = not {edge.source, edge.target} & nodes
        extra = {
            "label": label(edge.label) if edge.label else None,
            "constraint": "false" if inside else None,
            "color": '"#4a5568"',
        }
        yield _edge(config, known[edge.source], known[edge.target], extra)


def _edge(config: DiagramConfig, source: str, target: str, extra: Attributes) -> str:
    """An edge whose ends may be stages: Graphviz draws those between blocks and clips them at the cluster."""
    tail, tail_cluster = _end(config, source, last=True)
    head, head_cluster = _end(config, target, last=False)
    within = source.partition(".")[0] == target.partition(".")[0]
    return arrow(
        tail,
        head,
        {
            **extra,
            "ltail": quoted(tail_cluster) if tail_cluster and not within else None,
            "lhead": quoted(head_cluster) if head_cluster and not within else None,
        },
    )


def _end(config: DiagramConfig, address: str, *, last: bool) -> tuple[str, str | None]:
    number = re.fullmatch(r"stage(\d+)", address)
    if number is None:
        return address, None
    blocks = len(config.stages[int(number[1]) - 1].blocks)
    return f"{address}.block{blocks if last else 1}", f"cluster_{address}"
