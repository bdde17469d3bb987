"""Which data-flow graph shows a module: its own, or that of the same module in another layer of its kind."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from archviz.architecture.model import Architecture, BlockGraph, LayerKind, LayerStack
from archviz.errors import UsageError

_MOST_OFFERED = 12


def find_graph(architecture: Architecture, module: str | None) -> BlockGraph:
    """The graph of the module of exactly this path.

    Raises:
        UsageError: No module is named, or its data flow is not known; the hint names modules that can be drawn.
    """
    if not module or not module.strip():
        raise UsageError("the module view needs the path of a module", hint=_hint(architecture, ""))
    path = module.strip().strip(".")
    known = {block.module: block for block in architecture.blocks}
    for example in _examples(architecture, path):
        if example in known:
            return known[example]
        zoomed = _inside_a_layer(architecture, example)
        if zoomed is not None:
            return zoomed
    named = next((block for block in architecture.blocks if block.id == path), None)
    if named is None:
        raise UsageError(f"no data flow is known of a module {path[:80]!r}", hint=_hint(architecture, path))
    return named


def drawable(architecture: Architecture) -> list[str]:
    """Paths of modules that the module view can draw."""
    return list(dict.fromkeys(block.module for block in architecture.blocks if block.module))


def _examples(architecture: Architecture, path: str) -> Iterator[str]:
    """The path itself, then the same path in the other layers of its kind."""
    yield path
    for stack in architecture.layers:
        rest = path.removeprefix(f"{stack.path}.")
        index, _, inner = rest.partition(".")
        if rest == path or not index.isdecimal():
            continue
        for kind in _kinds_of(stack, int(index)):
            for other in kind.indices:
                yield f"{stack.path}.{other}" + (f".{inner}" if inner else "")


def _kinds_of(stack: LayerStack, index: int) -> list[LayerKind]:
    return [kind for kind in stack.kinds if index in kind.indices]


def _inside_a_layer(architecture: Architecture, path: str) -> BlockGraph | None:
    """The graph that a layer's box of this module zooms into: equal graphs of several kinds are kept once."""
    for block in architecture.blocks:
        inner = path.removeprefix(f"{block.module}.")
        if inner != path:
            zooms = [node.zoom for node in block.nodes if node.module == inner and node.zoom]
            if zooms:
                return architecture.block(zooms[0])
    return None


def _hint(architecture: Architecture, path: str) -> str:
    known = drawable(architecture)
    near = difflib.get_close_matches(path, known, n=_MOST_OFFERED, cutoff=0.5) if path else []
    return f"such as {', '.join((near or known)[:_MOST_OFFERED])}"
