"""A strict reader of the DOT language (https://graphviz.org/doc/info/lang.html), for tests only."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"""\s*(?:(?P<quoted>"(?:[^"\\]|\\.)*")|(?P<number>-?(?:\.\d+|\d+(?:\.\d*)?))(?![A-Za-z_])"""
    r"""|(?P<word>[A-Za-z_\x80-\U0010ffff][\w\x80-\U0010ffff]*)|(?P<sign>->|[\[\]{};,=:]))""",
    re.DOTALL,
)


@dataclass
class Graph:
    """What a DOT text says: nodes and clusters with their attributes, edges with theirs."""

    nodes: dict[str, dict[str, str]] = field(default_factory=dict)
    edges: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    clusters: dict[str, dict[str, str]] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)


def parse_dot(text: str) -> Graph:
    """Read a digraph; anything that the grammar does not allow, HTML strings included, is a ValueError."""
    return _Reader(text).graph()


def shown(label: str) -> str:
    """What Graphviz shows for a label: its escapes and entities resolved."""
    return html.unescape(re.sub(r"\\(.)", lambda match: "\n" if match[1] == "n" else match[1], label))


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._place = 0
        self._graph = Graph()

    def graph(self) -> Graph:
        self._expect("word", "digraph")
        self._identifier()
        self._body("")
        if self._place != len(self._tokens):
            raise ValueError(f"text after the graph: {self._tokens[self._place :][:3]}")
        return self._graph

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._place] if self._place < len(self._tokens) else ("end", "")

    def _next(self) -> tuple[str, str]:
        self._place += 1
        return self._tokens[self._place - 1] if self._place <= len(self._tokens) else ("end", "")

    def _expect(self, kind: str, value: str) -> None:
        if self._next() != (kind, value):
            raise ValueError(f"expected {value!r}, got {self._tokens[self._place - 1 :][:2]}")

    def _identifier(self) -> str:
        kind, value = self._next()
        if kind == "quoted":
            return value[1:-1].replace('\\"', '"')
        if kind in ("word", "number"):
            return value
        raise ValueError(f"expected an id, got {value!r}")

    def _body(self, cluster: str) -> None:
        self._expect("sign", "{")
        while self._peek() != ("sign", "}"):
            if self._peek()[0] == "end":
                raise ValueError("the graph is not closed")
            self._statement(cluster)
            if self._peek() == ("sign", ";"):
                self._next()
        self._next()

    def _statement(self, cluster: str) -> None:
        kind, value = self._peek()
        if (kind, value) == ("word", "subgraph"):
            self._next()
            name = self._identifier()
            self._graph.clusters.setdefault(name, {})
            self._graph.parents[name] = cluster
            self._body(name)
        elif kind == "word" and value in ("graph", "node", "edge"):
            self._next()
            self._attributes()
        else:
            self._node_or_edge(cluster)

    def _node_or_edge(self, cluster: str) -> None:
        name = self._identifier()
        if self._peek() == ("sign", "="):
            self._next()
            self._graph.clusters.setdefault(cluster, {})[name] = self._identifier()
        elif self._peek() == ("sign", "->"):
            self._next()
            self._graph.edges.append((name, self._identifier(), self._attributes()))
        else:
            if name in self._graph.nodes:
                raise ValueError(f"node {name!r} is declared twice")
            self._graph.nodes[name] = self._attributes()
            self._graph.parents[name] = cluster

    def _attributes(self) -> dict[str, str]:
        found: dict[str, str] = {}
        if self._peek() != ("sign", "["):
            return found
        self._next()
        while self._peek() != ("sign", "]"):
            key = self._identifier()
            self._expect("sign", "=")
            found[key] = self._identifier()
            if self._peek() in (("sign", ","), ("sign", ";")):
                self._next()
        self._next()
        return found


def _tokens(text: str) -> list[tuple[str, str]]:
    found = []
    place, end = 0, len(text.rstrip())
    while place < end:
        match = _TOKEN.match(text, place)
        if match is None:
            raise ValueError(f"no DOT at {text[place : place + 40]!r}")
        kind = match.lastgroup or ""
        found.append((kind, match[kind]))
        place = match.end()
    return found
