"""The pieces of DOT text: quoting, labels, clusters, boxes and arrows that no content can break.

Everything that comes from outside passes through `quoted` (an id) or `label` (a text that Graphviz interprets), and colours are
always quoted hex, so no content can end a string, start an attribute or become HTML.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence

from graphviz.quoting import escape, nohtml, quote

from archviz.figure.diagram_colours import ink_on, over
from archviz.late_patterns import late_pattern

FONT = "Inter,Helvetica,Arial,sans-serif"
_WIDEST_LINE = 100
_PAPER = "#ffffff"  # what a translucent fill lies over
_UNPRINTABLE = late_pattern(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)  # control and direction marks
_STYLES = {"unverified": "dashed", "config": "dashed", "conflict": "bold"}
_STATUS_COLOURS = {"conflict": "#a33b00"}
Attributes = Mapping[str, str | None]


def quoted(identifier: str) -> str:
    """An id as DOT: always in double quotes, whatever it holds; Graphviz writes it into SVG as it is, where `&nbsp;` would be no XML.

    >>> quoted("stage1.block2"), quoted('a"]; }'), quoted("a &nbsp;")
    ('"stage1.block2"', '"a\\\\"]; }"', '"a &amp;nbsp;"')
    """
    text = quote(escape(_UNPRINTABLE.sub("\ufffd", identifier).replace("\n", " ").replace("&", "&amp;")))
    return text if text.startswith('"') else f'"{text}"'


def label(text: str) -> str:
    r"""A text as a quoted DOT string that Graphviz shows as it is: backslashes, ampersands and line breaks escaped.

    >>> print(label("a\nb \\N <b> &lt;"))
    "a\nb \\N <b> &amp;lt;"
    """
    clean = _UNPRINTABLE.sub("\ufffd", text.replace("\t", " ")).replace("&", "&amp;")
    shown = r"\n".join(escape(part) for line in clean.split("\n") for part in _wrapped(line))
    value = quote(nohtml(shown))
    return value if value.startswith('"') else f'"{value}"'


def _wrapped(line: str) -> list[str]:
    """The line, broken where Graphviz would make a box wider than it can draw."""
    if len(line) <= _WIDEST_LINE:
        return [line]
    return textwrap.wrap(line, _WIDEST_LINE, drop_whitespace=False, break_on_hyphens=False)


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
    yield f'    label={label(heading)}; style="rounded,filled"; fillcolor="{fill}"; color="#7c8797"; fontsize=13; labeljust="l";'
    for line in body:
        yield f"  {line}"
    yield "  }"


def box(name: str, text: str, fill: str, status: str | None = None, tooltip: str | None = None) -> str:
    """A node in its colour, with the border that shows its status."""
    return _box(name, label(text), fill, status, tooltip)


def ports(
    name: str,
    text: str,
    pieces: Sequence[str],
    fill: str,
    status: str | None = None,
    tooltip: str | None = None,
    *,
    on_top: bool,
) -> str:
    """A node with a port `p0`, `p1`, … for each of the pieces that a tensor is split into or joined from.

    Args:
        on_top: Whether the ports stand above the text, where a graph that grows upwards leaves a node.
    """
    row = "|".join(f"<p{place}> {_in_record(piece)}" for place, piece in enumerate(pieces))
    rows = f"{{{row}}}|{_in_record(text)}" if on_top else f"{_in_record(text)}|{{{row}}}"
    return _box(name, f'"{{{rows}}}"', fill, status, tooltip, shape="Mrecord")


def _in_record(text: str) -> str:
    r"""A text in a record, where braces, bars and angles part fields.

    >>> print(_in_record("a|b {c}"))
    a\|b\ \{c\}
    """
    return re.sub(r"([{}|<> ])", r"\\\1", label(text)[1:-1])


def _box(name: str, text: str, fill: str, status: str | None, tooltip: str | None, shape: str | None = None) -> str:
    style = ",".join(filter(None, ("rounded", "filled", _STYLES.get(status or ""))))
    border = _STATUS_COLOURS.get(status or "")
    return (
        f"  {quoted(name)}"
        + attributes(
            {
                "label": text,
                "shape": shape,
                "style": f'"{style}"',
                "fillcolor": f'"{fill}"',
                "fontcolor": f'"{ink_on(over(fill, _PAPER))}"',
                "color": f'"{border}"' if border else None,
                "tooltip": label(tooltip) if tooltip else None,
            }
        )
        + ";"
    )


def arrow(source: str, target: str, values: Attributes | None = None) -> str:
    """An edge between two node ids."""
    return f"  {quoted(source)} -> {quoted(target)}{attributes(values or {})};"
