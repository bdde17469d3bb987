"""The column of a tower in the document: its input, then boxes and stacks in order of execution, what joins them and what stands aside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from archviz.architecture.asides import ENTERS, NOT_READ, asides_by_flow, find_asides, unread_tensors, unseen_links
from archviz.architecture.beside import find_beside, first_call, is_made_of, taps_layers
from archviz.architecture.column_joins import meetings, way_of
from archviz.architecture.context import Context
from archviz.architecture.feeding import layer_read
from archviz.architecture.functional_column import functional_norms
from archviz.architecture.joined_states import joined_before
from archviz.architecture.kinds import Stack
from archviz.architecture.model import ColumnItem, Tower
from archviz.architecture.roles import Roles
from archviz.architecture.table_roles import score_tables
from archviz.architecture.tower_boxes import input_box, module_box, node_id, second_box, tensor_box
from archviz.architecture.towers import Column, embeds, is_outside, nested, pools
from archviz.architecture.weaving import find_weaves, works_inside
from archviz.architecture.weights_read import joining
from archviz.interpreter.reading import Event, ModuleRecord
from archviz.patterns.norms import detect_norm


def write_tower(context: Context, roles: Roles, column: Column, columns: list[Column]) -> Tower:
    """The tower of the document: its input, then boxes and stacks in order of execution."""
    silent = [m for m in column.around if m.parameters and first_call(context.trace, m) is None]
    joins = joining(context, [*silent, *column.holders]) if column.stacks else {}
    steps = _Steps(context, roles, column, columns, joins)
    tensors = [
        tensor for holder in column.holders for tensor in holder.parameters.values()
        if tensor.name not in context.reading.tied
    ]  # fmt: skip
    unread = unread_tensors(context, column)
    holders = {tensor.name: holder for holder in column.holders for tensor in holder.parameters.values()}
    placed = [*steps.placed()]
    placed += [
        (
            _tensor_place(context, holders[tensor.name], joins.get(tensor.name)),
            ColumnItem(node=tensor_box(column, tensor), taps=True, note=NOT_READ if tensor.name in unread else ENTERS)
            if tensor.name in unread or (steps.begins and way_of(joins.get(tensor.name)) is None)
            else ColumnItem(node=tensor_box(column, tensor), joins=way_of(joins.get(tensor.name))),
        )
        for tensor in tensors
    ]
    outside = [m for m in column.around if column.module and not m.path.startswith(column.module + ".")]
    return Tower(
        id=column.id, title=column.title, module=column.module, feeds=column.feeds,
        column=[ColumnItem(node=input_box(context, column)), *(item for _, item in sorted(placed, key=lambda pair: pair[0]))],
        parameters=context.parameters(column.module)
        + sum(context.parameters(m.path) for m in outside)
        - sum(context.parameters(path) for path in nested(column, columns)),
    )  # fmt: skip


class _Steps:
    """The modules around the layers of a tower and its stacks: where each stands, and which of them are no steps."""

    def __init__(
        self, context: Context, roles: Roles, column: Column, columns: list[Column], joins: Mapping[str, Event]
    ) -> None:
        self._context, self._roles, self._column, self._joins = context, roles, column, joins
        first = column.stacks[0].layers[0] if column.stacks else None
        self._beside = find_beside(context, column.around, first) if first else {}
        self._has_beside = bool(self._beside)
        self._met = meetings(context, column.around, joins, first) if first else {}
        self._asides = find_asides(context, column, columns)
        for path in [path for path, reads in self._beside.items() if not reads]:
            source = _tower_read(context, path, columns, column)
            if source is not None:
                del self._beside[path]
                self._asides[path] = (
                    f"reads the output of the {source.title[:1].lower()}{source.title[1:]}, for the layers"
                )
        self._modules = [
            module for module in column.around
            if not _only_lends(context, column, module)
            and (not pools(module) or (bool(column.stacks) and context.trace.call(module.path) is not None))
        ]  # fmt: skip
        self._weaves = find_weaves(context, column.stacks)
        self._taps = {m.path for m in self._modules if any(taps_layers(context, m, s.layers) for s in column.stacks)}
        self._asides = asides_by_flow(context, column, self._order()) | self._asides
        self._of_scores = score_tables(context, self._modules, joins, first) if first else {}
        self._asides |= self._of_scores
        self._unseen = unseen_links(context, self._order()) if context.trace else set()

    @property
    def begins(self) -> bool:
        """Whether a pass shows modules that begin the stream before the layers; a tensor that does not meet it is then no step."""
        order = self._order()
        seen = bool(order) and not self._context.reading.trace_gaps and _ran(self._context, self._column)
        begun = bool(order) and not isinstance(order[0], Stack)
        return seen and bool(self._column.stacks) and (begun or self._has_beside)  # beside a stream that is given

    def placed(self) -> Iterator[tuple[tuple[int, int], ColumnItem]]:
        """Each of them with its place."""
        for module in self._modules:
            item = self._item(module)
            yield self._place(module), item
            again = _called_again(self._context, self._column, module)
            if again is not None and item.node is not None and not (item.beside or item.taps or item.joins):
                yield (again.index, 0), ColumnItem(node=second_box(item.node))
        for place, node in functional_norms(self._context, self._column):
            yield (place, 0), ColumnItem(node=node)
        woven = {path: weave for weave in self._weaves for path in weave.stacks}
        for stack in self._column.stacks:
            weave = woven.get(stack.path)
            if weave is None:
                yield self._place(stack), ColumnItem(stack=stack.path)
            elif weave.stacks[0] == stack.path:
                yield self._place(stack), ColumnItem(weave=weave)

    def _order(self) -> list[ModuleRecord | Stack]:
        """What would be a step of the column, bottom-up."""
        apart = {*self._beside, *self._met, *self._asides, *self._taps}
        steps: list[ModuleRecord | Stack] = [module for module in self._modules if module.path not in apart]
        return sorted([*steps, *self._column.stacks], key=self._place)

    def _place(self, step: ModuleRecord | Stack) -> tuple[int, int]:
        if step.path in self._met:
            return self._met[step.path].at.index, 0
        return _place(self._context, self._column, step.path, self._joins)

    def _item(self, module: ModuleRecord) -> ColumnItem:
        """A step of the column; a box beside it with the boxes that it reads; a box that taps the layers, or stands aside."""
        column, node = self._column, module_box(self._context, self._roles, self._column, module)
        if module.path in self._of_scores and node.role == "embedding":
            node.label = "Relative position bias"
        elif module.path in self._met and node.role == "embedding" and self._context.trace.call(module.path) is None:
            node.label = "Learned vectors"  # read as a whole, no ids choose its rows
        if module.path in self._asides:
            return ColumnItem(node=node, taps=True, note=self._asides[module.path])
        if module.path in self._unseen:
            node.status = "derived"
        inside = (works_inside(self._context, weave, column.stacks, module) for weave in self._weaves)
        within = next((found for found in inside if found is not None), None)
        if within is not None and not within[1]:
            return ColumnItem(node=node, taps=True, note=within[0])
        node.details += [within[0]] if within is not None else []
        if not column.is_main and column.stacks and is_outside(column, module.path):
            node.details += layer_read(self._context, module, column.stacks[-1])
            node.details += joined_before(self._context, module, column.stacks)
        reads, met = self._beside.get(module.path), self._met.get(module.path)
        taps = reads is None and module.path in self._taps
        joins = met.join if met is not None and reads is None and not taps else None
        if joins and met is not None and met.reads:
            reads_of = self._before(module)
        else:
            reads_of = [node_id(path) for path in reads or ()]
        return ColumnItem(node=node, beside=reads is not None, taps=taps, joins=joins, reads=reads_of)

    def _before(self, module: ModuleRecord) -> list[str]:
        """The step of the column below a branch, which is what the branch reads."""
        place = self._place(module)
        below = [step for step in self._order() if isinstance(step, ModuleRecord) and self._place(step) < place]
        return [node_id(step.path) for step in below[-1:]]


def _tower_read(context: Context, path: str, columns: list[Column], column: Column) -> Column | None:
    """The tower whose last layer a module before the layers of another one reads."""
    call = first_call(context.trace, context.modules[path])
    for other in columns if call is not None else ():
        last = context.trace.call(other.stacks[-1].layers[-1].path) if other is not column and other.stacks else None
        if call is not None and last is not None and last.index < call.index:
            if is_made_of(context.trace, call, {v.id for v in call.inputs}, {v.id for v in last.outputs}):
                return other
    return None


def _called_again(context: Context, column: Column, module: ModuleRecord) -> Event | None:
    """The call behind the layers of a norm that also stands before them (nanochat)."""
    if not column.stacks or detect_norm(module, context.trace) is None:
        return None
    trace, first = context.trace, context.trace.call(module.path)
    start, ends = trace.call(column.stacks[0].layers[0].path), trace.calls(column.stacks[-1].layers[-1].path)
    if first is None or start is None or not ends or first.index > start.index:
        return None
    return next(
        (
            call
            for call in trace.calls(module.path)
            if call.index > ends[-1].index and trace.pass_of(call) == trace.pass_of(start)
        ),
        None,
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
    traced = _ran(context, column)
    order = list(context.modules).index(path)
    stack = next((stack for stack in column.stacks if stack.path == path), None)
    module = context.modules[path]
    call = first_call(context.trace, stack.layers[0] if stack else module) if traced else None
    joined = [joins[tensor.name].index for tensor in module.parameters.values() if tensor.name in joins]
    if call is not None or (traced and joined):
        return (call.index if call is not None else min(joined), order)
    if traced and is_outside(column, path) and not embeds(module):
        return (_LAST, order)  # it translates what the tower gives
    if traced:
        return (_LAST - 1 if column.stacks and column.position(context, module) > 0 else -1, order)
    return (0 if stack else column.position(context, module) if len(column.stacks) <= 1 else 0, order)


def _ran(context: Context, column: Column) -> bool:
    """Whether a pass shows the order of a tower: that of its first layer, or of one of its modules where it has no layers."""
    if column.stacks:
        return context.trace.call(column.stacks[0].layers[0].path) is not None
    return any(first_call(context.trace, module) is not None for module in column.around)


_LAST = 1 << 60  # behind every event


def _tensor_place(context: Context, holder: ModuleRecord, joined: Event | None) -> tuple[int, int]:
    """Where a tensor of a tower's own module stands: at the step that it joins, else before everything in it."""
    return (joined.index if joined is not None else -1, list(context.modules).index(holder.path))
