"""The data flow inside one module call, with plumbing contracted away.

Trace events become nodes, equal tensor identities become edges.  Views, casts, masks and everything that does not
carry data (rotary tables, positions) vanish; wrappers and helper functions are opened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from heapq import heapify, heappop, heappush
from math import isfinite

from archviz.interpreter.reading import Event, ValueRef
from archviz.patterns.op_families import FRESH, JOINS, PLUMBING, SPLITS, canonical, writes_in_place
from archviz.patterns.trace import Trace
from archviz.records import field, record

Shape = tuple[int | None, ...]
PARTS = ("getitem", "slice", "narrow", "select")  # ops that look into a part of a tensor


@record
class FlowNode:
    """A step of the data flow.

    Args:
        kind: `input`, `op`, `call`, `function` or `group` (several steps drawn as one).
        name: Canonical op name, class name, function name, or the kind of a group.
        events: The events it stands for, in order.
        sources: (node id, value id) of each data input, in order.
        reads: Values it reads that carry no data (weights, tables).
        factors: How the last axis is viewed afterwards, e.g. `(32, 128)`.
    """

    id: int
    kind: str
    name: str
    module: str
    events: list[Event]
    sources: list[tuple[int, int]] = field(default_factory=list)
    reads: list[ValueRef] = field(default_factory=list)
    shape_in: Shape | None = None
    shape_out: Shape | None = None
    factors: Shape | None = None
    parts: dict[int, int] = field(default_factory=dict)  # value id → which part of a split
    reads_fresh: bool = False  # reads a tensor that starts empty, such as a state


@record
class Flow:
    """Nodes in order of execution; `output` are the nodes whose result the call returns first."""

    nodes: dict[int, FlowNode]
    inputs: list[int]
    output: int | None

    def consumers(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {node: [] for node in self.nodes}
        for node in self.nodes.values():
            for source, _ in node.sources:
                if node.id not in found[source]:
                    found[source].append(node.id)
        return found

    def ancestors(self) -> dict[int, set[int]]:
        """For each node all nodes before it."""
        found: dict[int, set[int]] = {}
        for node in self.nodes.values():
            found[node.id] = set()
            for source, _ in node.sources:
                found[node.id] |= found.get(source, set()) | {source}
        return found


def build_flow(
    trace: Trace, call: Event, keep: Callable[[Event], bool], *, ids: bool = False, ones: bool = False
) -> Flow:
    """The data flow inside a module call.

    Args:
        trace: The whole trace.
        call: The call to look into.
        keep: Says of a module call or named function whether it is one step; else its inside is.
        ids: Whole numbers that the call reads are data too, as the ids of tokens are to a whole model.
        ones: Multiplications by 1, which say nothing in a drawing, are steps too.
    """
    builder = _Builder(trace, call, keep, ids, ones)
    builder.walk(call)
    return builder.finish()


class _Builder:
    def __init__(self, trace: Trace, call: Event, keep: Callable[[Event], bool], ids: bool, ones: bool) -> None:
        self.trace, self.call, self.keep, self.ones = trace, call, keep, ones
        self.nodes: dict[int, FlowNode] = {}
        self.producer: dict[int, int] = {}  # value id → node id
        self.bases: dict[int, int] = {}  # view → the fresh tensor it looks into
        self.fresh: dict[int, ValueRef] = {}  # tensors that start empty
        self.writes: dict[int, int] = {}  # node of a write → the fresh tensor it writes into
        self.slices: dict[int, int] = {}  # cut value → the node that collects its cuts
        self.origin: dict[int, int] = {}  # value id → the id it had before plumbing
        self.length = next((v.shape[1] for v in call.inputs if v.shape and len(v.shape) > 2), None)
        self.inputs: list[int] = []
        for value in call.inputs:
            if trace.carries(value) and value.id not in self.producer and (ids or _is_float(value)):
                self._add_input(value)

    def walk(self, event: Event) -> None:
        for child in self.trace.children(event):
            if child.kind == "op":
                self._op(child)
            elif self.keep(child) or self.trace.is_leaf(child):
                self._step(child)
            else:
                self.walk(child)
                self._alias_outputs(child)

    def finish(self) -> Flow:
        returned = [v for v in self.call.outputs if v.id in self.producer]
        output = self.producer[returned[0].id] if returned else None
        flow = Flow(self.nodes, self.inputs, output)
        if output is not None:
            alive = flow.ancestors()[output] | {output}
            flow.nodes = {i: n for i, n in self.nodes.items() if i in alive or i == self.inputs[0]}
            flow.inputs = [i for i in self.inputs if i in flow.nodes]
        _join_writes(flow, self.writes)
        return flow

    def _alias_outputs(self, event: Event) -> None:
        """An opened event may hand on values under new identities; those that nobody made come from its first input."""
        for value in event.outputs:
            first = next((v for v in event.inputs if v.id in self.producer), None)
            if value.id not in self.producer and first is not None and self.trace.carries(value):
                self.producer[value.id] = self.producer[first.id]

    def _add_input(self, value: ValueRef) -> int:
        node = self._new("input", "input", self.call.module, [], value)
        node.shape_in = node.shape_out = value.shape
        self.producer[value.id] = node.id
        self.inputs.append(node.id)
        return node.id

    def _new(self, kind: str, name: str, module: str, events: list[Event], value: ValueRef | None) -> FlowNode:
        node = FlowNode(len(self.nodes), kind, name, module, events)
        node.shape_out = value.shape if value else None
        self.nodes[node.id] = node
        return node

    def _data(self, event: Event) -> list[ValueRef]:
        """The inputs that carry data and are read, those made outside of this call included when they are hidden states."""
        found = []
        for value in event.inputs:
            if (
                value.id not in self.producer
                and self.trace.carries(value)
                and _is_float(value)
                and len(value.shape or ()) > 2
            ):
                self._add_input(value)
            if value.id in self.producer:
                found.append(value)
        unread = self.trace.unread(event) if len(found) > 1 and event.kind != "op" else ()
        return [value for value in found if value.id not in unread] or found

    def _op(self, event: Event) -> None:
        name = canonical(event.name)
        self._note_target(event, name)
        if event.inputs and event.inputs[0].id in self.bases and self._write_to_view(event, name):
            return
        if name in FRESH:
            for value in event.outputs:
                self.bases[value.id] = value.id
                self.fresh[value.id] = value
                self.producer.pop(value.id, None)
            return
        data = self._data(event)
        if not data:
            if name in PARTS and event.inputs and event.inputs[0].id in self.bases:
                self.bases[event.outputs[0].id] = self.bases[event.inputs[0].id]
            return
        if name in PARTS:
            self._cut(event, data[0])
        elif name in PLUMBING or (name in JOINS and len({self.producer[v.id] for v in data}) == 1):
            self._pass_on(event, data[0], name)
        else:
            self._step(event)

    def _note_target(self, event: Event, name: str) -> None:
        """What is written into without having been made of data starts empty."""
        if name in ("setitem", "copy", "index_copy", "scatter") and writes_in_place(event.name) and event.inputs:
            target = event.inputs[0]
            if target.id not in self.producer and target.id not in self.bases:
                self.bases[target.id] = target.id
                self.fresh[target.id] = target

    def _write_to_view(self, event: Event, name: str) -> bool:
        """Writes into parts of a fresh tensor join those parts; returns whether the event was such a write."""
        base = self.bases[event.inputs[0].id]
        written = [v for v in event.inputs[1:] if v.id in self.producer]
        if name in (*PARTS, *PLUMBING) and event.outputs:
            for value in event.outputs:
                self.bases[value.id] = base
            return base not in self.producer
        if not writes_in_place(event.name) or not written:
            return False
        node = self._new("op", "cat", event.module, [event], self.fresh.get(base, event.inputs[0]))
        self.writes[node.id] = base
        node.sources = [(self.producer[v.id], v.id) for v in written]
        if base in self.producer:  # what was written before stays, so the earlier parts come first
            node.sources.insert(0, (self.producer[base], base))
        for value in (*event.outputs, event.inputs[0]):
            self.producer[value.id] = node.id
        self.producer[base] = node.id
        return True

    def _cut(self, event: Event, value: ValueRef) -> None:
        """An index that takes part of the features is a split; one that takes positions or adds axes is plumbing."""
        if not event.outputs:
            return
        before, after = value.shape, event.outputs[0].shape
        cuts = before and after and len(before) == len(after) and self._cuts_features(before, after)
        if not cuts:
            self._pass_on(event, value, "getitem")
            return
        node_id = self.slices.get(value.id)
        if node_id is None:
            node = self._new("op", "split", event.module, [], event.outputs[0])
            node.sources = [(self.producer[value.id], value.id)]
            node.shape_in = value.shape
            self.slices[value.id] = node_id = node.id
        node = self.nodes[node_id]
        node.events.append(event)
        node.parts[event.outputs[0].id] = len(node.parts)
        self.producer[event.outputs[0].id] = node_id

    def _cuts_features(self, before: Shape, after: Shape) -> bool:
        """Some axis other than the sequence gets shorter (the sequence is cut back to its length after padding)."""
        return any(
            b != a and not (self.length in (a, b) or index == 0)
            for index, (b, a) in enumerate(zip(before, after, strict=True))
        )

    def _pass_on(self, event: Event, value: ValueRef, name: str) -> None:
        node = self.nodes[self.producer[value.id]]
        for out in event.outputs:
            self.producer[out.id] = node.id
            if value.id in node.parts:
                node.parts[out.id] = node.parts[value.id]
            if value.id in self.slices:
                continue
            if name in ("view", "reshape", "unflatten") and node.factors is None:
                node.factors = _factors(value.shape, out.shape)

    def _step(self, event: Event) -> None:
        data = self._data(event)
        if event.kind == "call" and event.outputs and not any(self.trace.carries(value) for value in event.outputs):
            return  # a rotary table asks the data for its type alone
        if not data:
            return
        name = canonical(event.name) if event.kind != "call" else event.name
        if (event.kind != "op" and (self._changes_nothing(event) or name in PLUMBING)) or (
            not self.ones and (_multiplies_by_one(event) or _keeps_all(event))
        ):
            before = self.nodes[self.producer[data[0].id]]
            before.events += (
                [event] if event.kind == before.kind == "op" else []
            )  # scores that are told to be as they are
            self._pass_on(event, data[0], "identity")
            return
        node = self._new(event.kind, name, event.module, [event], event.outputs[0] if event.outputs else None)
        node.shape_in = data[0].shape
        node.sources = [(self.producer[v.id], v.id) for v in data]
        node.reads = [v for v in event.inputs if v.id not in self.producer]
        node.reads_fresh = any(v.id in self.bases for v in node.reads)
        for index, value in enumerate(event.outputs):
            self.producer[value.id] = node.id
            if name in SPLITS or len(event.outputs) > 1:
                node.parts[value.id] = index
        if writes_in_place(event.name) and event.inputs:
            self.producer[event.inputs[0].id] = node.id

    @staticmethod
    def _changes_nothing(event: Event) -> bool:
        """Dropout, identity and the like return what they were given."""
        same = [v.id for v in event.outputs] == [v.id for v in event.inputs[:1]]
        return same or event.name in ("Dropout", "Identity", "Dropout1d", "Dropout2d", "StochasticDepth")


def _keeps_all(event: Event) -> bool:
    """A clamp between infinities, as a limit that a configuration leaves open gives."""
    bounds = [value for value in event.options.values() if isinstance(value, (int, float))]
    return canonical(event.name) in ("clamp", "clip") and bool(bounds) and not any(map(isfinite, bounds))


def _multiplies_by_one(event: Event) -> bool:
    """A multiplier that the configuration leaves at 1 (Falcon-H1's) changes nothing."""
    if event.kind != "op" or len(event.inputs) != 1 or canonical(event.name) != "mul" or writes_in_place(event.name):
        return False
    return [value for value in event.options.values() if not isinstance(value, bool)] == [1]


def _join_writes(flow: Flow, writes: dict[int, int]) -> None:
    """Writes into one tensor, each after the other, are one concatenation."""
    consumers = flow.consumers()
    for node in list(flow.nodes.values()):
        readers = consumers[node.id]
        if node.id not in writes or len(readers) != 1 or node.id == flow.output:
            continue
        later = flow.nodes[readers[0]]
        if writes.get(later.id) == writes[node.id] and later.sources[0][0] == node.id:
            later.sources = [*node.sources, *later.sources[1:]]
            later.events = [*node.events, *later.events]
            del flow.nodes[node.id]


def _is_float(value: ValueRef) -> bool:
    return value.dtype is None or "float" in value.dtype or "complex" in value.dtype


def _factors(before: Shape | None, after: Shape | None) -> Shape | None:
    """How the last axis was cut into several: `[1, 7, 2048] → [1, 7, 16, 128]` gives `(16, 128)`, and so does `[4, 7, 2048] → [1, 28, 16, 128]`."""
    if not before or not after or before[-1] is None:
        return None
    keep = len(after)
    size = 1
    while keep and size < before[-1]:
        keep -= 1
        size *= after[keep] or 1
    return after[keep:] if size == before[-1] and _wide(after[keep:]) > 1 else None


def _wide(shape: Shape) -> int:
    """How many axes hold more than one element."""
    return sum(size != 1 for size in shape)


def renumber(nodes: Iterable[FlowNode]) -> dict[int, FlowNode]:
    """Nodes in topological order, by first execution where the order is free; ids stay."""
    waiting = {node.id: node for node in nodes}
    place = {each: (n.events[0].index if n.events else -1, at, each) for at, (each, n) in enumerate(waiting.items())}
    missing = {each: {s for s, _ in n.sources if s in waiting} for each, n in waiting.items()}
    readers: dict[int, list[int]] = {}
    for each, sources in missing.items():
        for source in sources:
            readers.setdefault(source, []).append(each)
    ready = [place[each] for each, sources in missing.items() if not sources]
    heapify(ready)
    ordered: dict[int, FlowNode] = {}
    while waiting:
        chosen = heappop(ready)[2] if ready else min(place[each] for each in waiting)[2]  # in a cycle nothing is ready
        if chosen not in waiting:
            continue
        ordered[chosen] = waiting.pop(chosen)
        for each in readers.get(chosen, ()):
            missing[each].discard(chosen)
            if not missing[each] and each in waiting:
                heappush(ready, place[each])
    return ordered
