"""The layers in a tower's column, as whoever tells or draws them in order of execution takes them."""

from __future__ import annotations

from collections.abc import Sequence

from archviz.architecture.model import Architecture, ColumnItem, LayerKind, LayerStack, PatternItem, Tower, Weave
from archviz.records import replace


def stacks_of(architecture: Architecture, tower: Tower) -> list[LayerStack]:
    """The lists of layers of a tower, each by itself."""
    return [stack for item in tower.column for stack in stacks_in(architecture, item)]


def stacks_in(architecture: Architecture, item: ColumnItem) -> list[LayerStack]:
    """The lists of layers of one step of a column: none, one, or several that are woven into each other."""
    return [stack for path in item.stacks if (stack := architecture.stack(path))]


def runs_of(architecture: Architecture, tower: Tower) -> list[LayerStack]:
    """The layers of a tower in order of execution, lists that run in turn as one."""
    return [stack for item in tower.column if (stack := layers_in(architecture, item))]


def layers_in(architecture: Architecture, item: ColumnItem) -> LayerStack | None:
    """What runs at a step of a column: its list of layers, or woven lists as one whose indices count the layers as they run."""
    if item.stack:
        return architecture.stack(item.stack)
    return _woven(architecture, item.weave) if item.weave else None


def _woven(architecture: Architecture, weave: Weave) -> LayerStack:
    stacks = [stack for path in weave.stacks if (stack := architecture.stack(path))]
    names, every = list_names(weave.stacks), [kind for stack in stacks for kind in stack.kinds]
    places: dict[str, list[int]] = {}
    for place, key in enumerate(expand(weave.pattern)):
        places.setdefault(key or "", []).append(place)
    kinds = {
        kind_key(stack.path, kind.id): replace(
            kind,
            id=named(kind.id, [each.id for each in every], names[stack.path]),
            title=_title(kind, stack, [each.title for each in every], names[stack.path]),
            indices=places.get(kind_key(stack.path, kind.id), []),
            count=len(places.get(kind_key(stack.path, kind.id), [])),
        )
        for stack in stacks
        for kind in stack.kinds
    }
    ids = {key: kind.id for key, kind in kinds.items()}
    return LayerStack(
        path=_path(weave, names),
        count=weave.count,
        kinds=list(kinds.values()),
        pattern=[_renamed(item, ids) for item in weave.pattern],
        pattern_text=weave.pattern_text,
    )


def _title(kind: LayerKind, stack: LayerStack, titles: list[str], name: str) -> str:
    return named(kind.title, titles, name) + (" (shared weights)" if stack.runs else "")


def _path(weave: Weave, names: dict[str, str]) -> str:
    """`model.{gated_cross_attn_layers,layers}`."""
    return f"{common_module(weave.stacks)}.{{{','.join(names.values())}}}{_common_end(weave.stacks)}".lstrip(".")


def _renamed(item: PatternItem, ids: dict[str, str]) -> PatternItem:
    kind = ids[item.kind] if item.kind is not None else None
    return PatternItem(times=item.times, kind=kind, items=[_renamed(inner, ids) for inner in item.items])


def expand(pattern: list[PatternItem]) -> list[str | None]:
    """The kinds of the layers that a pattern stands for, one by one."""
    kinds: list[str | None] = []
    for item in pattern:
        kinds += (expand(item.items) if item.items else [item.kind]) * item.times
    return kinds


def kind_key(path: str, kind: str) -> str:
    """How the pattern of woven lists calls a kind of one of them.

    >>> kind_key("model.layers", "attention+swiglu")
    'model.layers/attention+swiglu'
    """
    return f"{path}/{kind}"


def named(word: str, words: Sequence[str], of_list: str) -> str:
    """A word for a kind, with the list that it is of where several lists have a kind of that name.

    >>> named("attention", ["attention", "cross attention"], "layers"), named("moe", ["moe", "moe"], "slow.layers")
    ('attention', 'moe (slow.layers)')
    """
    return f"{word} ({of_list})" if words.count(word) > 1 else word


def list_names(paths: Sequence[str]) -> dict[str, str]:
    """The paths of lists without what all of them begin and end with.

    >>> list_names(["model.L.layers", "model.H.layers"]), list_names(["model.layers", "model.gated.layers"])
    ({'model.L.layers': 'L', 'model.H.layers': 'H'}, {'model.layers': 'layers', 'model.gated.layers': 'gated.layers'})
    """
    start, end = len(common_module(paths)), len(_common_end(paths))
    return {path: path[start : len(path) - end].strip(".") for path in paths}


def _common_end(paths: Sequence[str]) -> str:
    """What several paths end with, where each has more than that behind their common module."""
    cut = len(common_module(paths))
    parts = [path[cut:].lstrip(".").split(".")[::-1] for path in paths]
    length = 0
    while all(len(each) > length + 1 and each[length] == parts[0][length] for each in parts):
        length += 1
    return "".join(f".{part}" for part in parts[0][:length][::-1])


def common_module(paths: Sequence[str]) -> str:
    """The module that holds several others; empty for the model itself.

    >>> common_module(["model.layers", "model.gated_layers"]), common_module(["a.layers", "b.layers"])
    ('model', '')
    """
    parts = [path.split(".") for path in paths]
    length = 0
    while all(len(each) > length + 1 and each[length] == parts[0][length] for each in parts):
        length += 1
    return ".".join(parts[0][:length])
