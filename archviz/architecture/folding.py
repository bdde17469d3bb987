"""The module tree with repeated equal siblings folded into one node, and the signatures that make them equal."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from archviz.architecture.context import Context
from archviz.architecture.model import ModuleNode, Role
from archviz.interpreter.reading import ModuleRecord
from archviz.late_patterns import late_pattern

_INDEX = late_pattern(
    r"(^|_)(idx|index|layer_id|layer_number|layer_num|block_id)$|^layer_(idx|id|index)|_layer_idx$|^layer$"
)
_DIGIT = late_pattern(r"\d")
_INERT = late_pattern(
    r"drop_?path|dropout|identity|stochastic_?depth", re.IGNORECASE
)  # does nothing outside of training
Signature = tuple[object, ...]


@lru_cache(maxsize=4096)
def is_index(name: str) -> bool:
    """Whether an attribute only numbers its module (`layer_idx`) and says nothing about what it does."""
    return bool(_INDEX.search(name))


def names_its_place(module: ModuleRecord, value: object) -> bool:
    """Whether an attribute is the module's own path, or a part of it with a number: a key under which it keeps something."""
    return isinstance(value, str) and bool(_DIGIT.search(value)) and "." in value and f".{value}." in f".{module.path}."


def is_inert(module: ModuleRecord) -> bool:
    """Whether a module does nothing outside of training: dropout, drop path, identity."""
    return not module.children and not module.parameters and is_inert_name(module.class_name)


@lru_cache(maxsize=4096)
def is_inert_name(name: str) -> bool:
    """Whether a class or a function so called does nothing outside of training."""
    return bool(_INERT.search(name))


def numbering(siblings: Iterable[ModuleRecord]) -> frozenset[tuple[str, str]]:
    """Attributes with a number in them (relative module, name) that differ between all of at least three siblings: they number."""
    values: dict[tuple[str, str], list[object]] = {}
    count = 0
    for sibling in siblings:
        count += 1
        cut = len(sibling.path) + 1
        for module in sibling.walk():
            for name, value in module.attributes.items():
                if (
                    not isinstance(value, (bool, list))
                    and value is not None
                    and (not isinstance(value, str) or _DIGIT.search(value))
                ):
                    values.setdefault((module.path[cut:], name), []).append(value)
    return frozenset(key for key, seen in values.items() if count > 2 and len(seen) == count == len(set(seen)))


def signature(
    module: ModuleRecord, ignored: frozenset[tuple[str, str]] = frozenset(), relative: str = "", name: str = ""
) -> Signature:
    """What a module is: class, tensors, attributes and children; equal for modules that differ in place only."""
    if is_inert(module):
        return (name, "Identity")
    attributes = tuple(
        (key, tuple(value) if isinstance(value, list) else (type(value).__name__, value))
        for key, value in sorted(module.attributes.items())
        if not is_index(key) and (relative, key) not in ignored and not names_its_place(module, value)
    )
    inner = relative + "." if relative else ""
    return (
        name,
        module.class_name,
        tuple((key, tensor.shape) for key, tensor in module.parameters.items()),
        tuple((key, tensor.shape) for key, tensor in module.buffers.items()),
        attributes,
        tuple(signature(child, ignored, inner + key, key) for key, child in module.children.items()),
    )


def signatures(context: Context, siblings: ModuleRecord) -> list[Signature]:
    """The signatures of a module's children, what only numbers them left out; taken once."""
    known = context.signatures.get(siblings.path)
    if known is None:
        children = siblings.children.values()
        ignored = numbering(children)
        known = context.signatures[siblings.path] = [signature(child, ignored) for child in children]
    return known


def fold_modules(context: Context, role_of: Callable[[ModuleRecord], Role]) -> ModuleNode:
    """The whole tree, repeated equal siblings folded.

    Args:
        role_of: What a module is, for colour and text.
    """
    return _node(context, role_of, context.reading.root, context.reading.class_name)


def _node(
    context: Context, role_of: Callable[[ModuleRecord], Role], module: ModuleRecord, name: str,
    path: str | None = None, indices: list[int] | None = None,
) -> ModuleNode:  # fmt: skip
    where = module.path if path is None else path
    return ModuleNode(
        path=where,
        name=name,
        class_name=module.class_name,
        count=len(indices) if indices else 1,
        indices=indices or [],
        role=role_of(module),
        parameters=context.parameters(module.path),
        tensors={key: list(tensor.shape) for key, tensor in module.parameters.items()},
        buffers={key: list(tensor.shape) for key, tensor in module.buffers.items()},
        attributes={key: value for key, value in module.attributes.items() if value is not None and not is_index(key)},
        at=str(module.defined_at or module.created_at or "") or None,
        children=_children(context, role_of, module, where),
    )


def _children(
    context: Context, role_of: Callable[[ModuleRecord], Role], module: ModuleRecord, path: str
) -> list[ModuleNode]:
    prefix = path + "." if path else ""
    if len(module.children) < 2 or not all(name.isdigit() for name in module.children):
        return [_node(context, role_of, child, name, path=prefix + name) for name, child in module.children.items()]
    groups: dict[tuple[Signature, int], list[str]] = {}
    for (name, child), what in zip(module.children.items(), signatures(context, module), strict=True):
        # Of siblings that share a tensor only the first counts it, so their numbers differ.
        groups.setdefault((what, context.parameters(child.path)), []).append(name)
    nodes = []
    for names in groups.values():
        indices = [int(name) for name in names]
        label = names[0] if len(names) == 1 else "{" + ranges(indices) + "}"
        first = module.children[names[0]]
        folded = indices if len(indices) > 1 else None
        nodes.append(_node(context, role_of, first, label, path=prefix + label, indices=folded))
    return nodes


def ranges(indices: Iterable[int]) -> str:
    """Indices as ranges.

    >>> ranges([0, 1, 2, 4, 6, 7])
    '0-2,4,6-7'
    """
    runs: list[list[int]] = []
    for index in sorted(indices):
        if runs and index == runs[-1][1] + 1:
            runs[-1][1] = index
        else:
            runs.append([index, index])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)
