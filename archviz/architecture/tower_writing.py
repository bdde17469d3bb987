"""The column of a tower in the document: its input, then boxes and stacks in order of execution, what joins them and what stands aside."""

from __future__ import annotations

from collections.abc import Mapping

from archviz.architecture.beside import find_beside, first_call, taps_layers
from archviz.architecture.column_joins import Meeting, meetings, way_of
from archviz.architecture.column_path import off_path
from archviz.architecture.context import Context
from archviz.architecture.feeding import layer_read, runs_beside, unread
from archviz.architecture.model import BlockNode, ColumnItem, Tower
from archviz.architecture.roles import Roles
from archviz.architecture.tower_boxes import input_box, module_box, node_id, tensor_box
from archviz.architecture.towers import Column, below, embeds, is_final, nested, pools
from archviz.architecture.weights_read import joining
from archviz.interpreter.reading import Event, ModuleRecord
from archviz.patterns.norms import detect_norm


def write_tower(context: Context, roles: Roles, column: Column, columns: list[Column]) -> Tower:
    """The tower of the document: its input, then boxes and stacks in order of execution."""
    beside = find_beside(context, column.around, column.stacks[0].layers[0]) if column.stacks else {}
    passed = off_path(context, column.around, column.stacks) if column.stacks else {}
    asides = passed | _asides(context, column, columns)
    silent = [m for m in column.around if m.parameters and first_call(context.trace, m) is None]
    joins = joining(context, [*silent, *column.holders]) if column.stacks else {}
    met = meetings(context, column.around, joins, column.stacks[0].layers[0]) if column.stacks else {}
    placed = [
        (
            (met[module.path].at.index, 0) if module.path in met else _place(context, column, module.path, joins),
            _item(
                context,
                column,
                module,
                module_box(context, roles, column, module),
                beside,
                asides,
                met.get(module.path),
            ),
        )
        for module in column.around
        if not _only_lends(context, column, module)
        and (not pools(module) or (bool(column.stacks) and context.trace.call(module.path) is not None))
    ]
    placed += [(_place(context, column, stack.path, joins), ColumnItem(stack=stack.path)) for stack in column.stacks]
    placed += [
        (
            _tensor_place(context, column, holder, joins.get(tensor.name)),
            ColumnItem(node=tensor_box(column, tensor), joins=way_of(joins.get(tensor.name))),
        )
        for holder in column.holders for tensor in holder.parameters.values() if tensor.name not in context.reading.tied
    ]  # fmt: skip
    outside = [m for m in column.around if column.module and not m.path.startswith(column.module + ".")]
    return Tower(
        id=column.id, title=column.title, module=column.module, feeds=column.feeds,
        column=[ColumnItem(node=input_box(context, column)), *(item for _, item in sorted(placed, key=lambda pair: pair[0]))],
        parameters=context.parameters(column.module)
        + sum(context.parameters(m.path) for m in outside)
        - sum(context.parameters(path) for path in nested(column, columns)),
    )  # fmt: skip


def _asides(context: Context, column: Column, columns: list[Column]) -> dict[str, str]:
    """The modules around a tower which its path from input to output leaves out, by path, each with why."""
    target = next((other for other in columns if other.id == column.feeds), None)
    if column.is_main and column.stacks and not context.reading.trace_gaps:
        own = first_call(context.trace, column.stacks[0].layers[0])
        around = [module for module in column.around if own and (embeds(module) or is_final(module))]
        idle = [module.path for module in around if first_call(context.trace, module) is None]
        return dict.fromkeys(idle, "not called by forward") if len(idle) < len(around) else {}
    if target is None or column.is_main or not column.feeds_seen:
        return {}
    found = {
        module.path: "not called by forward" for module in column.around
        if _is_outside(column, module.path) and not runs_beside(context, module, column.stacks)
    }  # fmt: skip
    norms = [module for module in column.around if detect_norm(module, context.trace) is not None]
    for module in unread(context, norms, target.stacks):
        found[module.path] = f"the {target.title[:1].lower()}{target.title[1:]} does not read its output"
    return found


def _item(
    context: Context, column: Column, module: ModuleRecord, node: BlockNode, beside: dict[str, list[str]],
    asides: dict[str, str], met: Meeting | None,
) -> ColumnItem:  # fmt: skip
    """A step of the column; a box beside it with the boxes that it reads; a box that taps the layers, or stands aside."""
    if module.path in asides:
        return ColumnItem(node=node, taps=True, note=asides[module.path])
    if not column.is_main and column.stacks and _is_outside(column, module.path):
        node.details += layer_read(context, module, column.stacks[-1])
    reads = beside.get(module.path)
    taps = reads is None and any(taps_layers(context, module, stack.layers) for stack in column.stacks)
    joins = met.join if met is not None and reads is None and not taps else None
    return ColumnItem(
        node=node, beside=reads is not None, taps=taps, joins=joins, reads=[node_id(path) for path in reads or ()]
    )


def _only_lends(context: Context, column: Column, module: ModuleRecord) -> bool:
    """A module that holds a shared tensor and is never called itself, such as T5's `shared`: its borrowers are drawn."""
    traced = bool(column.stacks) and context.trace.call(column.stacks[0].layers[0].path) is not None
    if not traced or first_call(context.trace, module) is not None or not module.parameters:
        return False
    lent = {context.reading.tied[name] for name in context.reading.tied if not name.startswith(f"{module.path}.")}
    borrowers = {name.rpartition(".")[0] for name in context.reading.tied}
    drawn = any(context.trace.call(path) is not None for path in borrowers)
    return drawn and all(tensor.name in lent for tensor in module.parameters.values())


def _place(context: Context, column: Column, path: str, joins: Mapping[str, Event]) -> tuple[int, int]:
    """Where a module or a stack stands: by its call, else by the step that its tensor joins, else by the order of registration."""
    traced = bool(column.stacks) and context.trace.call(column.stacks[0].layers[0].path) is not None
    order = list(context.modules).index(path)
    stack = next((stack for stack in column.stacks if stack.path == path), None)
    module = context.modules[path]
    call = first_call(context.trace, stack.layers[0] if stack else module) if traced else None
    joined = [joins[tensor.name].index for tensor in module.parameters.values() if tensor.name in joins]
    if call is not None or (traced and joined):
        return (call.index if call is not None else min(joined), order)
    if traced and _is_outside(column, path) and not embeds(module):
        return (_LAST, order)  # it translates what the tower gives
    if traced:
        return (_LAST - 1 if column.position(context, module) > 0 else -1, order)
    return (0 if stack else column.position(context, module) if len(column.stacks) <= 1 else 0, order)


_LAST = 1 << 60  # behind every event


def _tensor_place(context: Context, column: Column, holder: ModuleRecord, joined: Event | None) -> tuple[int, int]:
    """Where a tensor of a tower's own module stands: at the step that it joins, else before everything in it."""
    return (joined.index if joined is not None else -1, list(context.modules).index(holder.path))


def _is_outside(column: Column, path: str) -> bool:
    return bool(column.module) and not column.is_main and not path.startswith(below(column.module))
