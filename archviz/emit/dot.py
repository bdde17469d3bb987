"""DOT: text that every Graphviz parses, from a diagram config or from an Architecture.

Everything that comes from outside passes through `quoted` (an id) or `label` (a text that Graphviz interprets), and colours are
always quoted hex, so no content can end a string, start an attribute or become HTML.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping

from graphviz.quoting import escape, nohtml, quote

from archviz.figure.diagram_colours import readable_on
from archviz.figure.diagram_model import CustomNode, DiagramBlock, DiagramConfig, DiagramStage

FONT = "Inter,Helvetica,Arial,sans-serif"
_UNPRINTABLE = re.compile("[\x00-\x09\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_STYLES = {"unverified": "dashed", "config": "dashed", "conflict": "bold"}
_STATUS_COLOURS = {"conflict": "#a33b00"}
Attributes = Mapping[str, str | None]


def quoted(identifier: str) -> str:
    """An id as DOT: always in double quotes, whatever it holds.

    >>> quoted("stage1.block2"), quoted('a"]; }')
    ('"stage1.block2"', '"a\\\\"]; }"')
    """
    text = quote(escape(_UNPRINTABLE.sub("\ufffd", identifier).replace("\n", " ")))
    return text if text.startswith('"') else f'"{text}"'


def label(text: str) -> str:
    r"""A text as a quoted DOT string that Graphviz shows as it is: backslashes, ampersands and line breaks escaped.

    >>> print(label("a\nb \\N <b> &lt;"))
    "a\nb \\N <b> &amp;lt;"
    """
    clean = _UNPRINTABLE.sub("\ufffd", text.replace("\t", " ")).replace("&", "&amp;")
    shown = r"\n".join(escape(line) for line in clean.split("\n"))
    value = quote(nohtml(shown))
    return value if value.startswith('"') else f'"{value}"'


def attributes(values: Attributes) -> str:
    """An attribute list; the values are DOT already, None leaves one out."""
    listed = ", ".join(f"{key}={value}" for key, value in values.items() if value is not None)
    return f" [{listed}]" if listed else ""


def opening(name: str, heading: str, direction: str = "TB") -> Iterator[str]:
    """The first lines of a graph: its name, title, and the looks that nodes and edges share."""
    yield f"digraph {quoted(name)} {{"
    yield f'  graph [charset="UTF-8", rankdir={direction}, compound=true, newrank=true, labelloc="t", fontsize=20,'
    yield f'         fontname="{FONT}", label={label(heading)}];'
    yield f'  node [shape=box, style="rounded,filled", fillcolor="#ffffff", fontname="{FONT}", fontsize=12];'
    yield f'  edge [fontname="{FONT}", fontsize=10, color="#1b2432"];'


def cluster(name: str, heading: str, body: Iterator[str], fill: str = "#eceff4") -> Iterator[str]:
    """A titled frame around the lines of `body`."""
    yield f"  subgraph {quoted(f'cluster_{name}')} {{"
    yield f'    label={label(heading)}; style="rounded,filled"; fillcolor="{fill}"; color="#7c8797"; fontsize=13;'
    for line in body:
        yield f"  {line}"
    yield "  }"


def box(name: str, text: str, fill: str, status: str | None = None, tooltip: str | None = None) -> str:
    """A node in its colour, with the border that shows its status."""
    style = ",".join(filter(None, ("rounded", "filled", _STYLES.get(status or ""))))
    border = _STATUS_COLOURS.get(status or "")
    return (
        f"  {quoted(name)}"
        + attributes(
            {
                "label": label(text),
                "style": f'"{style}"',
                "fillcolor": f'"{fill}"',
                "fontcolor": f'"{readable_on(fill, "#1b2432", "#ffffff")}"',
                "color": f'"{border}"' if border else None,
                "tooltip": label(tooltip) if tooltip else None,
            }
        )
        + ";"
    )


def arrow(source: str, target: str, values: Attributes | None = None) -> str:
    """An edge between two node ids."""
    return f"  {quoted(source)} -> {quoted(target)}{attributes(values or {})};"


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
    for source, target in itertools.pairwise(names):
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
    for edge in config.custom_edges:
        extra = {"label": label(edge.label) if edge.label else None, "constraint": "false", "color": '"#4a5568"'}
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
