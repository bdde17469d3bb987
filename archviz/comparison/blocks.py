"""Blocks of two models paired by what they are, and how their steps and their code differ."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher

from archviz.architecture.model import MIXER_ROLES, Architecture, BlockGraph, BlockNode, ModuleNode
from archviz.records import record


@record(frozen=True)
class StepDifference:
    """One step that differs: `only_first`, `only_other` or `changed`, with what it is in each model and where."""

    kind: str
    first: str | None
    other: str | None
    first_at: str | None
    other_at: str | None

    def as_dict(self) -> dict[str, object]:
        return dict(vars(self))


@record(frozen=True)
class BlockPair:
    """A block of the first model beside one of the other; None where only one has it.

    Args:
        slot: `layer`, `mixer`, `feed-forward`, with the tower where it is not the text.
        steps: Differences of the data flow, in order.
        code: Differences of the classes: submodules that only one has, settings that differ.
    """

    slot: str
    first: BlockGraph | None
    other: BlockGraph | None
    steps: list[StepDifference]
    code: list[StepDifference]

    @property
    def differs(self) -> bool:
        return bool(self.steps or self.code) or self.first is None or self.other is None

    @property
    def title(self) -> str:
        names = [block.title for block in (self.first, self.other) if block is not None]
        return " | ".join(dict.fromkeys(names))

    def as_dict(self) -> dict[str, object]:
        return {
            "slot": self.slot, "first": _named(self.first), "other": _named(self.other), "differs": self.differs,
            "steps": [step.as_dict() for step in self.steps], "code": [row.as_dict() for row in self.code],
        }  # fmt: skip


def _named(block: BlockGraph | None) -> dict[str, object] | None:
    if block is None:
        return None
    at = block.evidence[0].where if block.evidence else None
    return {"id": block.id, "title": block.title, "class": block.class_name, "parameters": block.parameters, "at": at}


def pair_blocks(first: Architecture, other: Architecture) -> list[BlockPair]:
    """The blocks of two models in pairs: equal ids first, then the most alike of the same slot."""
    found: list[BlockPair] = []
    mine, theirs = _slots(first), _slots(other)
    for slot in dict.fromkeys([*mine, *theirs]):
        pairs = _matched(mine.get(slot, []), theirs.get(slot, []))
        found += [_pair(slot, a, b, first, other) for a, b in pairs]
    return found


def _slots(model: Architecture) -> dict[str, list[BlockGraph]]:
    """Blocks by tower and by what part of a layer they are."""
    parts = _parts(model)
    found: dict[str, list[BlockGraph]] = {}
    for block in model.blocks:
        tower = block.id.partition("/")[0]
        part = parts.get(block.id, "expert" if block.id.endswith("/expert") else "part")
        word = part if tower in MAIN_TOWERS else f"{tower} {part}"
        found.setdefault(word, []).append(block)
    return found


def _parts(model: Architecture) -> dict[str, str]:
    """Block → what part of a layer it is; of several mixers or feed-forwards in one layer each."""
    parts: dict[str, str] = {}
    for kind in (kind for stack in model.layers for kind in stack.kinds):
        parts[kind.block] = "layer"
        parts |= {kind.mixer: "mixer"} if kind.mixer else {}
        parts |= {kind.feed_forward: "feed-forward"} if kind.feed_forward else {}
    for block in model.blocks:
        for node in block.nodes if parts.get(block.id) == "layer" else ():
            if node.zoom and node.role in _FEED_FORWARDS:
                parts.setdefault(node.zoom, "feed-forward")
            elif node.zoom and node.role in MIXER_ROLES and _CROSS not in node.zoom:
                parts.setdefault(node.zoom, "mixer")
    return parts


MAIN_TOWERS = ("text", "decoder")
"""What the tower is called that makes the text, without and with an encoder before it."""
_FEED_FORWARDS = ("feed_forward", "moe")
_CROSS = "cross_attention"


def _matched(
    mine: Sequence[BlockGraph], theirs: Sequence[BlockGraph]
) -> Iterator[tuple[BlockGraph | None, BlockGraph | None]]:
    """Pairs of equal ids, then of those that are left the most alike, in the order of the first model."""
    same = {block.id: next((e for e in theirs if _own_id(e) == _own_id(block)), None) for block in mine}
    taken = {each.id for each in same.values() if each is not None}
    alone = [block for block in mine if same[block.id] is None]
    ranked = sorted(
        ((_likeness(a, b), a.id, b) for a in alone for b in theirs if b.id not in taken),
        key=lambda row: row[0],
        reverse=True,
    )
    for _, own, other in ranked:
        if same[own] is None and other.id not in taken:
            same[own] = other
            taken.add(other.id)
    yield from ((block, same[block.id]) for block in mine)
    yield from ((None, block) for block in theirs if block.id not in taken)


def _own_id(block: BlockGraph) -> str:
    """The id of a block in its tower."""
    return block.id.partition("/")[2]


def _likeness(a: BlockGraph, b: BlockGraph) -> tuple[float, float]:
    """How alike two blocks are: their steps whatever the sizes, then with them."""
    first, second = (
        SequenceMatcher(None, [say(n) for n in a.nodes], [say(n) for n in b.nodes], autojunk=False).ratio()
        for say in (_kind, _described)
    )
    return first, second


def _kind(node: BlockNode) -> str:
    """What a step is, whatever its sizes."""
    label = re.sub(r"\d[\d,]*", "#", node.label)
    return f"{node.role}:{label if node.role not in ('projection', 'router', 'experts') else node.code_name or label}"


def _pair(slot: str, a: BlockGraph | None, b: BlockGraph | None, first: Architecture, other: Architecture) -> BlockPair:
    if a is None or b is None:
        return BlockPair(slot, a, b, [], [])
    code = [] if slot.endswith(("layer", "expert")) else list(_code(a, b, first, other))
    return BlockPair(slot, a, b, list(_steps(a, b)), code)


def _steps(a: BlockGraph, b: BlockGraph) -> Iterator[StepDifference]:
    kinds = [_kind(n) for n in a.nodes], [_kind(n) for n in b.nodes]
    for tag, i, j, k, m in SequenceMatcher(None, *kinds, autojunk=False).get_opcodes():
        if tag == "equal":
            for x, y in zip(a.nodes[i:j], b.nodes[k:m], strict=True):
                if _described(x) != _described(y) and x.role != "input":
                    yield StepDifference("changed", _described(x), _described(y), _at(x), _at(y))
            continue
        yield from (StepDifference("only_first", _described(n), None, _at(n), None) for n in a.nodes[i:j])
        yield from (StepDifference("only_other", None, _described(n), None, _at(n)) for n in b.nodes[k:m])


_SIGNS = {"+": "Add", "×": "Multiply", "−": "Subtract"}


def _described(node: BlockNode) -> str:
    return ": ".join(filter(None, (_SIGNS.get(node.label, node.label), "; ".join(node.details))))


def _at(node: BlockNode | BlockGraph) -> str | None:
    return node.evidence[0].where if node.evidence else None


def _code(a: BlockGraph, b: BlockGraph, first: Architecture, other: Architecture) -> Iterator[StepDifference]:
    """What the classes of two blocks build and set differently."""
    mine, theirs = find_module(first.modules, a.module), find_module(other.modules, b.module)
    if mine is None or theirs is None:
        return
    families = _family(first), _family(other)
    if a.class_name.removeprefix(families[0]) != b.class_name.removeprefix(families[1]):
        yield StepDifference("changed", f"class {a.class_name}", f"class {b.class_name}", _at(a), _at(b))
    (left, mine_set), (right, their_set) = (
        _written(block, node, model) for block, node, model in ((a, mine, first), (b, theirs, other))
    )
    for name in dict.fromkeys([*left, *right]):
        x, y = left.get(name), right.get(name)
        if x is None or y is None:
            yield StepDifference(
                "only_first" if y is None else "only_other",
                _module(x),
                _module(y),
                x.at if x else None,
                y.at if y else None,
            )
        elif _make(x, families[0]) != _make(y, families[1]):
            yield StepDifference("changed", _module(x), _module(y), x.at, y.at)
    for key in dict.fromkeys([*mine_set, *their_set]):
        values = mine_set.get(key), their_set.get(key)
        if values[0] != values[1] and key not in _NUMBERED:
            shown = [f"{key}={value}" if value is not None else None for value in values]
            kind = "changed" if None not in shown else "only_first" if shown[1] is None else "only_other"
            yield StepDifference(kind, shown[0], shown[1], mine.at, theirs.at)


def _written(
    block: BlockGraph, node: ModuleNode, model: Architecture
) -> tuple[dict[str, ModuleNode], Mapping[str, object]]:
    """The submodules and settings of a block: of one that its layer's own code computes only the submodules that it calls."""
    children = {child.name: child for child in node.children}
    layers = {kind.block for stack in model.layers for kind in stack.kinds}
    if block.module not in {each.module for each in model.blocks if each.id in layers}:
        return children, node.attributes
    called = {step.module.partition(".")[0] for step in block.nodes if step.module}
    return {name: child for name, child in children.items() if name in called}, {}


_NUMBERED = ("layer_idx", "layer_id")


def _family(model: Architecture) -> str:
    """What the names of a model's classes begin with: `Qwen3Moe`."""
    return re.sub(r"(For[A-Z]\w*|LMHead\w*|Model)$", "", model.identity.class_name)


def _make(node: ModuleNode, family: str) -> tuple[object, ...]:
    """How a submodule is made, whatever its sizes: its class and the axes of its tensors."""
    return node.class_name.removeprefix(family), tuple((name, len(shape)) for name, shape in node.tensors.items())


def _module(node: ModuleNode | None) -> str | None:
    """A submodule with the shapes of its tensors."""
    if node is None:
        return None
    tensors = ", ".join(f"{name} {shape}" for name, shape in node.tensors.items())
    return f"{node.name} ({node.class_name})" + (f" {tensors}" if tensors else "")


def find_module(root: ModuleNode, path: str) -> ModuleNode | None:
    """The node of the folded tree that stands for a module: `model.layers.3.mlp` lies below `model.layers.{3,7}`."""
    node, rest = root, path.split(".") if path else []
    while rest:
        name = rest.pop(0)
        index = int(name) if name.isdecimal() else None
        found = next((c for c in node.children if c.name == name or (index is not None and index in c.indices)), None)
        if found is None:
            return None
        node = found
    return node
