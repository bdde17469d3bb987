"""Which kinds of layers the words around a statement name, so that a value of one kind is not held true of another."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from archviz.architecture.model import Architecture, LayerKind
from archviz.verify.claims import Claim
from archviz.verify.figure_order import layer_tags, tags_of

_SPANS = {"sliding", "full", "chunked", "windowed"}
_BY_SPAN = ("rope_theta", "window")


@dataclass(frozen=True, slots=True)
class Named:
    """Layers that words name.

    Args:
        layers: Path of the stack and index of each; empty where the words name no layers, or all of them.
        exact: They are named as the facts name them, and not by a trait.
    """

    layers: frozenset[tuple[str, int]] = frozenset()
    exact: bool = False


def kinds_named(around: str, line: str, architecture: Architecture) -> Named:
    """The layers that a statement is about.

    Args:
        around: The stage and block it stands in, or `[kind]` of a row of the configuration.
        line: Its own line, which says more than what stands around it.
    """
    exact = re.fullmatch(r"\[(.+)\]", around)
    if exact is not None:
        return Named(_layers(architecture, lambda k: exact[1] in (k.id, k.mixer_kind, k.feed_forward_kind)), True)
    spans = tags_of(line) & _SPANS or tags_of(around) & _SPANS
    return Named(_layers(architecture, lambda k: spans <= layer_tags(k)) if len(spans) == 1 else frozenset())


def _layers(architecture: Architecture, wanted: Callable[[LayerKind], bool]) -> frozenset[tuple[str, int]]:
    kinds = [(stack.path, kind) for stack in architecture.layers for kind in stack.kinds]
    return frozenset((path, index) for path, kind in kinds if wanted(kind) for index in kind.indices)


def of_kinds(claims: Sequence[Claim], named: Named, key: str) -> Sequence[Claim]:
    """The claims about the layers named, and those about no layer; all where none is named.

    Words for a span narrow down only what goes with a span: the base of the rotation, and the window.
    """
    if not named.layers or not (named.exact or key in _BY_SPAN):
        return claims
    return [c for c in claims if c.stack is None or any((c.stack, index) in named.layers for index in c.indices)]
