"""Which keys of a checkpoint the classes of a model say they do not build: `_keys_to_ignore_on_load_unexpected`."""

from __future__ import annotations

from collections.abc import Iterable

from archviz.interpreter.values import ClassValue, ModuleInstance
from archviz.spans import Span

ATTRIBUTE = "_keys_to_ignore_on_load_unexpected"
_LONGEST = 200


def ignored_keys(modules: Iterable[ModuleInstance]) -> tuple[tuple[str, Span | None], ...]:
    """The regular expressions, each with the line that lists them.

    Args:
        modules: Those of a model, outermost first.
    """
    found: dict[str, Span | None] = {}
    seen: set[int] = set()
    for module in modules:
        cls = module.cls
        if ATTRIBUTE in module.attrs:
            patterns = module.attrs[ATTRIBUTE]
        elif id(cls) in seen:
            continue
        else:
            seen.add(id(cls))
            patterns = cls.find(ATTRIBUTE)
        for pattern in patterns if isinstance(patterns, (list, tuple, set)) else ():
            if isinstance(pattern, str) and len(pattern) <= _LONGEST and pattern not in found:
                found[pattern] = _line(cls)
    return tuple(found.items())


def _line(cls: ClassValue) -> Span | None:
    """Where a class, or the base that it has it from, names the attribute."""
    owner = next((each for each in cls.mro if ATTRIBUTE in each.namespace), cls)
    if owner.source_module is None or owner.at is None:
        return owner.at
    lines = owner.source_module.lines
    for number in range(owner.at.line, len(lines)):
        if lines[number].startswith("class "):
            break
        if ATTRIBUTE in lines[number]:
            return Span(owner.at.file, number + 1)
    return owner.at
