"""Walking over built modules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from archviz.interpreter.control import BudgetSpentError
from archviz.interpreter.values import ModuleInstance

if TYPE_CHECKING:
    from archviz.interpreter.machine import Interpreter


def walk(module: Any, prefix: str = "", seen: set[int] | None = None) -> Iterator[tuple[str, ModuleInstance]]:
    """Every module with its path, parents first; a shared one once when `seen` is given.

    Raises:
        BudgetSpentError: Modules nested deeper or shared more often than `Limits` allow.
    """
    waiting = [(prefix, module, 0)]
    visited = 0
    while waiting:
        path, each, depth = waiting.pop()
        if not isinstance(each, ModuleInstance):
            continue
        if seen is not None:
            if id(each) in seen:
                continue
            seen.add(id(each))
        visited += 1
        _check(each, visited, depth)
        yield path, each
        waiting += [
            (f"{path}.{name}" if path else name, child, depth + 1) for name, child in reversed(each.modules.items())
        ]


def distinct_modules(root: ModuleInstance) -> list[ModuleInstance]:
    """Every module once, without its path: a tenth of the work of `walk`, where only the modules themselves are wanted."""
    found, seen = [root], {id(root)}
    for module in found:  # grows meanwhile
        for child in module.modules.values():
            if child.__class__ is ModuleInstance and id(child) not in seen:
                seen.add(id(child))
                found.append(child)
    return found


def _check(module: ModuleInstance, visited: int, depth: int) -> None:
    limits = module.cls.interpreter.limits
    check_siblings(module.cls.interpreter, len(module.modules))
    if depth > limits.nesting:
        raise BudgetSpentError(f"modules nested deeper than {limits.nesting}", module.created_at)
    if visited > limits.parts:
        raise BudgetSpentError(f"more than {limits.parts:,} modules, shared ones counted each time", module.created_at)


def check_siblings(interp: Interpreter, count: int) -> None:
    """Refuse more modules, or other parts, in one place than any model has."""
    if count > interp.limits.siblings:
        reason = f"{count:,} modules or tensors in one list or loop, more than {interp.limits.siblings:,}"
        raise BudgetSpentError(reason, interp.here())
