"""Modules that forward leaves out, although they are built."""

from __future__ import annotations

from archviz.architecture.context import Context
from archviz.interpreter.reading import ModuleRecord


def uncalled(context: Context, outer: ModuleRecord) -> list[str]:
    """Paths of the modules inside `outer` that do not run and none of whose parameters is read; of nested ones the outermost.

    Numbered modules are left out, and those of a dict of which one runs: which experts run is decided by the data.
    """
    call = context.trace.call(outer.path)
    earlier = context.trace.repeated(call) if call is not None else None
    looked_at = context.modules[earlier.module] if earlier is not None else outer
    read = {stored.name for stored in context.reading.stored.values()}
    idle: list[str] = []
    chosen = {path for module in looked_at.walk() for path in _chosen(context, module, read)}
    todo = list(looked_at.children.values())
    while todo:
        module = todo.pop(0)
        if module.name.isdigit() or module.path in chosen:
            continue
        held = [each for each in module.walk() if each.parameters]
        if held and not any(_runs(context, each, read) for each in module.walk()):
            idle.append(outer.path + module.path.removeprefix(looked_at.path))
        else:
            todo = [*module.children.values(), *todo]
    return idle


def _chosen(context: Context, module: ModuleRecord, read: set[str]) -> list[str]:
    """The paths of what a dict of modules holds, where one of them runs."""
    held = list(module.children.values()) if module.library == "torch.nn.ModuleDict" else []
    return [each.path for each in held] if any(_runs(context, each, read) for each in held) else []


def _runs(context: Context, module: ModuleRecord, read: set[str]) -> bool:
    """Whether a module is called, or lends a parameter to another's steps."""
    return context.trace.call(module.path) is not None or any(
        tensor.name in read for tensor in module.parameters.values()
    )
