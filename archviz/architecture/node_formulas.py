"""The parameters of the boxes of data flows as formulas, in the symbols of the model."""

from __future__ import annotations

from collections.abc import Iterable

from archviz.architecture.context import Context
from archviz.architecture.model import BlockNode
from archviz.formulas.writing import Formulas
from archviz.interpreter.reading import ModuleRecord, TensorRecord

Place = tuple[str, BlockNode]
"""The module whose data flow a box is part of, and the box."""


def give_formulas(context: Context, formulas: Formulas, places: Iterable[Place]) -> None:
    """Write into each box how many parameters it has, as a formula; one whose tensors do not add up to them gets none."""
    for module, node in places:
        if not node.parameters:
            continue
        tensors = [t for t in _tensors(context, module, node) if t.name not in context.reading.tied]
        formula = formulas.of([(1, tensors)]) if tensors else None
        if formula is not None and formula.value == node.parameters:
            node.formula = formula.text


def _tensors(context: Context, module: str, node: BlockNode) -> list[TensorRecord]:
    """The parameters of the module that a box calls, or the one tensor of its own that it reads."""
    path = ".".join(part for part in (module, node.module or node.code_name) if part)
    called = context.modules.get(path)
    if called is not None and path != module:
        return _below(called)
    if called is None and node.module in context.modules:  # a head of the model beside its towers
        return _below(context.modules[node.module])
    own = context.modules.get(module)
    tensor = own.parameters.get(node.code_name or "") if own else None
    if tensor is not None:
        return [tensor]
    # A core holds all tensors of its module that are in no submodule.
    return list(own.parameters.values()) if own and node.module is None else []


def _below(module: ModuleRecord) -> list[TensorRecord]:
    return [tensor for each in module.walk() for tensor in each.parameters.values()]
