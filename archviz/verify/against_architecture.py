"""Another Architecture held against the model: facts, tensors, orders of layers and parameter counts."""

from __future__ import annotations

from collections.abc import Iterator

from archviz.architecture.model import Architecture, Evidence
from archviz.spans import Status
from archviz.verify.claims import Check

_MOST = 50  # tensors that are named before the rest is counted


def check_architecture(stated: Architecture, model: Architecture) -> list[Check]:
    """Everything that two Architectures both state.

    Args:
        stated: The one to be checked.
        model: The one that was just read off the code.
    """
    return [
        *_facts(stated, model),
        *_stacks(stated, model),
        *_parameters(stated, model),
        *_tensors(stated, model),
    ]


def _check(path: str, key: str, stated: object, found: object, evidence: list[Evidence]) -> Check:
    status: Status = "verified" if stated == found else "conflict"
    return Check(path, key, stated, found, status, tuple(evidence))


def _class_line(model: Architecture) -> list[Evidence]:
    return [Evidence(kind="code", where=model.modules.at)] if model.modules.at else []


def _facts(stated: Architecture, model: Architecture) -> Iterator[Check]:
    for place, fact in enumerate(stated.facts):
        own = model.fact(fact.key)
        path = f"facts[{place}].value"
        if own is None:
            yield Check(path, fact.key, fact.value, None, "conflict", tuple(_class_line(model)))
        else:
            yield _check(path, fact.key, fact.value, own.value, own.evidence or _class_line(model))


def _stacks(stated: Architecture, model: Architecture) -> Iterator[Check]:
    for place, stack in enumerate(stated.layers):
        own = model.stack(stack.path)
        path = f"layers[{place}]"
        if own is None:
            found = [other.path for other in model.layers]
            yield Check(f"{path}.path", "layers", stack.path, found, "conflict", tuple(_class_line(model)))
            continue
        evidence = [item for kind in own.kinds for item in kind.evidence]
        yield _check(f"{path}.count", "layers", stack.count, own.count, evidence)
        yield _check(f"{path}.pattern_text", "layer order", stack.pattern_text, own.pattern_text, evidence)


def _parameters(stated: Architecture, model: Architecture) -> Iterator[Check]:
    for key in ("total", "active"):
        said, found = getattr(stated.parameters, key), getattr(model.parameters, key)
        if said is not None:
            yield _check(f"parameters.{key}", f"{key} parameters", said, found, _class_line(model))


def _tensors(stated: Architecture, model: Architecture) -> Iterator[Check]:
    """Shapes by name; equal ones are one check, the first of the others are named."""
    own = {tensor.name: tensor for tensor in model.tensors if tensor.kind == "parameter"}
    wrong: list[Check] = []
    equal = 0
    for place, tensor in enumerate(stated.tensors):
        if tensor.kind != "parameter":
            continue
        found = own.pop(tensor.name, None)
        if found is not None and found.shape == tensor.shape:
            equal += 1
            continue
        at = [Evidence(kind="code", where=found.at)] if found is not None and found.at else _class_line(model)
        shape = found.shape if found is not None else None
        wrong.append(Check(f"tensors[{place}].shape", tensor.name, tensor.shape, shape, "conflict", tuple(at)))
    if stated.tensors and own:
        names = sorted(own)
        wrong.append(Check("tensors", "missing tensors", 0, names[:_MOST], "conflict", tuple(_class_line(model))))
    yield from wrong[:_MOST]
    if len(wrong) > _MOST:
        yield Check("tensors", "further differing tensors", 0, len(wrong) - _MOST, "conflict")
    if equal:
        yield Check("tensors", "equal tensors", equal, equal, "verified", tuple(_class_line(model)))
