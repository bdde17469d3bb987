"""Where a value comes from: the steps of one module call that lie between its projections and the value."""

from __future__ import annotations

from collections.abc import Iterator

from archviz.interpreter.reading import Event, ModuleRecord, ValueRef
from archviz.patterns.linears import is_linear
from archviz.patterns.op_families import canonical, writes_in_place
from archviz.patterns.rope import detect_rope
from archviz.patterns.trace import Trace


class Lineage:
    """The producers of all values of one module call; submodules that hold modules are looked into.

    Args:
        trace: The whole trace.
        call: The call to look into.
        modules: All modules by path.
    """

    def __init__(self, trace: Trace, call: Event, modules: dict[str, ModuleRecord]) -> None:
        self.trace, self.modules = trace, modules
        self._producers: dict[int, Event] = {}
        self._bases: dict[int, int] = {}  # view of a tensor that starts empty → that tensor
        self._writes: dict[int, list[Event]] = {}
        self._walk(call)

    def _walk(self, event: Event) -> None:
        for child in self.trace.children(event):
            if self._is_opened(child):
                self._walk(child)
            if not self._is_opened(child) or detect_rope(child, self.trace) is not None:
                self._record(child)

    def _is_opened(self, event: Event) -> bool:
        if event.kind == "call":
            module = self.modules.get(event.module)
            return module is not None and bool(module.children)
        return event.kind == "function" and bool(self.trace.children(event))

    def _record(self, event: Event) -> None:
        if event.kind == "op" and event.inputs and writes_in_place(event.name):
            base = self._bases.get(event.inputs[0].id, event.inputs[0].id)
            self._writes.setdefault(base, []).append(event)
            return
        if event.kind == "op" and event.inputs and not self.trace.carries(event.inputs[0]):
            for value in event.outputs:
                self._bases[value.id] = self._bases.get(event.inputs[0].id, event.inputs[0].id)
        for value in event.outputs:
            if all(value.id != source.id for source in event.inputs):
                self._producers[value.id] = event

    def producer(self, value: ValueRef) -> Event | None:
        """The step that made a value; None when it came from outside of the call."""
        return self._producers.get(value.id)

    def steps(self, value: ValueRef) -> list[Event]:
        """All steps before a value, back to the projections (these included), in order of execution."""
        found: dict[int, Event] = {}
        todo = [value]
        while todo:
            value = todo.pop()
            for event in self._makers(value):
                if event.index in found:
                    continue
                found[event.index] = event
                if not self.is_projection(event):
                    todo += [source for source in self._sources(event, value) if self._matters(source)]
        return [found[index] for index in sorted(found)]

    def _makers(self, value: ValueRef) -> Iterator[Event]:
        if value.id in self._producers:
            yield self._producers[value.id]
        yield from self._writes.get(value.id, ())

    def _sources(self, event: Event, value: ValueRef) -> list[ValueRef]:
        """What a value was made of; a rotation of several tensors makes each of its own."""
        if event.kind == "function" and len(event.outputs) > 1:
            data = [source for source in event.inputs if self.trace.carries(source)]
            place = next((i for i, out in enumerate(event.outputs) if out.id == value.id), None)
            if place is not None and place < len(data):
                return [data[place]]
        return list(event.inputs)

    def _matters(self, value: ValueRef) -> bool:
        return self.trace.carries(value) or value.id in self._writes

    def is_projection(self, event: Event) -> bool:
        """A call of a linear layer, or the op where a bare weight is used."""
        module = self.modules.get(event.module) if event.kind == "call" else None
        if module is not None:
            return is_linear(module)
        if event.kind != "op" or canonical(event.name) not in ("linear", "matmul", "bmm"):
            return False
        data = [self._matters(value) for value in event.inputs[:2]]
        return data.count(True) == 1

    def projections(self, value: ValueRef) -> list[Event]:
        """The projections that a value was made by, the nearest ones only."""
        return [event for event in self.steps(value) if self.is_projection(event)]
