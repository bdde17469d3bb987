"""Titles of rows by the names of what they stand for."""

from __future__ import annotations

from collections.abc import Sequence

from archviz.architecture.context import Context
from archviz.interpreter.reading import ModuleRecord
from archviz.patterns.streams import detect_stream_mixer

_MOST_NAMES = 6


def listed(names: list[str]) -> str:
    """Names in a row, of many the first ones and how many more."""
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def rest_named(context: Context, module: ModuleRecord, paths: tuple[str, ...]) -> str:
    """`Other` with the names, as seen from a module, of what it holds besides some paths."""
    others, tensors = _left_over(context, module, paths)
    return named("Other", others, context, tensors, len(module.path) + 1)


def _left_over(context: Context, module: ModuleRecord, paths: tuple[str, ...]) -> tuple[list[ModuleRecord], list[str]]:
    """The outermost modules below one that hold none of some paths, and the parameters of those that do."""
    others, names = [], [t.name for t in module.parameters.values() if t.name not in context.reading.tied]
    for child in module.children.values():
        if child.path in paths or not context.parameters(child.path):
            continue
        if not any(path.startswith(f"{child.path}.") for path in paths):
            others.append(child)
            continue
        inner = _left_over(context, child, paths)
        others += inner[0]
        names += inner[1]
    return others, names


def named(
    title: str, modules: list[ModuleRecord], context: Context, tensors: Sequence[str] = (), cut: int | None = None
) -> str:
    """A title with the names of what it stands for, tensors last; mixers of residual streams by what they are.

    Args:
        cut: Where names begin that lead from an owner to the modules; by default they are the modules' own.
    """
    mixers = [detect_stream_mixer(module, context.trace) for module in modules]
    if mixers and all(mixers) and not tensors:
        title = "Hyper-connections" if any(mixer and mixer.hands_back for mixer in mixers) else "Collapse of streams"
    names = [
        *(module.name if cut is None else module.path[cut:] for module in modules),
        *(name[cut or 0 :] for name in tensors),
    ]
    return f"{title} ({listed(names)})" if names else title
