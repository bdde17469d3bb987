"""How often the layers of a stack run in one pass: more often than there are layers where their weights are shared."""

from __future__ import annotations

from archviz.architecture.context import Context
from archviz.architecture.kinds import Stack


def layer_runs(context: Context, stack: Stack) -> int | None:
    """Calls of all layers in the pass of the first one, where every layer runs more than once; else None."""
    first = context.trace.call(stack.layers[0].path)
    if first is None:
        return None
    paths = {layer.path for layer in stack.layers}
    calls = [call for path in paths for call in context.trace.calls(path)]
    root = context.trace.pass_of(first)
    own = [event.module for event in calls if context.trace.pass_of(event) == root]
    often = min(own.count(path) for path in paths)
    return len(own) if often > 1 and len(own) % len(paths) == 0 else None


def is_untraced(context: Context, stack: Stack) -> bool:
    """Whether a pass was run that never reached the layers of this stack."""
    return bool(context.trace) and all(context.trace.call(layer.path) is None for layer in stack.layers)
