"""Parts of a description by the paths that agents write: a JSON pointer, a module path, or `trace:MODULE`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archviz.errors import UsageError

TRACE = "trace:"
_NEAR = 12


def module_pointer(modules: Mapping[str, Any], path: str) -> str:
    """The JSON pointer of a module in the tree, where equal siblings are folded: `layers.7` stands in `layers.{0-31}`.

    Args:
        path: Of one module, see `folded_names.first_module`.

    Raises:
        UsageError: The tree has no such module; the hint names those that stand at the last place that it has.
    """
    node, pointer, names = modules, "/modules", path.split(".")
    walked: list[str] = []
    while names:
        taken = _child(node, names)
        if taken is None:
            place = ".".join(walked) or "the model"
            raise UsageError(f"{place} has no module {names[0][:80]!r}", where=path[:80], hint=_hint(node))
        index, length = taken
        node, pointer = node["children"][index], f"{pointer}/children/{index}"
        walked, names = [*walked, *names[:length]], names[length:]
    return pointer


def _child(node: Mapping[str, Any], names: Sequence[str]) -> tuple[int, int] | None:
    """Which child the first names mean, and how many of them; names of children may hold dots."""
    for index, child in enumerate(node["children"]):
        name = str(child["name"])
        own = name.split(".")
        if list(names[: len(own)]) == own:
            return index, len(own)
        if name.startswith("{") and names[0].isdecimal() and int(names[0]) in child["indices"]:
            return index, 1
    return None


def _hint(node: Mapping[str, Any]) -> str:
    names = [str(child["name"]) for child in node["children"][:_NEAR]]
    return f"it has {', '.join(names)}" if names else "it holds no modules"


def graphs_of(blocks: Sequence[Mapping[str, Any]], module: str) -> list[str]:
    """The pointers of the data-flow graphs of a module."""
    return [f"/blocks/{index}" for index, block in enumerate(blocks) if block.get("module") == module]
