"""Numbers and truth values that a module keeps among its attributes, under any of some names."""

from __future__ import annotations

from archviz.interpreter.reading import ModuleRecord


def stated_integer(module: ModuleRecord, names: tuple[str, ...], divide_by: int = 1) -> int | None:
    for name in names:
        value = module.attributes.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return value // divide_by
    return None


def stated_number(module: ModuleRecord, names: tuple[str, ...]) -> float | None:
    for name in names:
        value = module.attributes.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
    return None


def stated_flag(module: ModuleRecord, name: str) -> bool | None:
    value = module.attributes.get(name)
    return value if isinstance(value, bool) else None
