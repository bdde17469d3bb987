"""Walking over built modules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archviz.interpreter.values import ModuleInstance


def walk(module: Any, prefix: str = "", seen: set[int] | None = None) -> Iterator[tuple[str, ModuleInstance]]:
    """Every module with its path, parents first; a shared one once when `seen` is given."""
    if not isinstance(module, ModuleInstance):
        return
    if seen is not None:
        if id(module) in seen:
            return
        seen.add(id(module))
    yield prefix, module
    for name, child in module.modules.items():
        yield from walk(child, f"{prefix}.{name}" if prefix else name, seen)
