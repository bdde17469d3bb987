"""Where the outputs of towers meet of which none feeds another: the similarity of CLIP, with what normalises and scales it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from archviz.architecture.context import Context
from archviz.architecture.graphs import write_graph
from archviz.architecture.labels import Label
from archviz.architecture.model import MEETING, BlockGraph
from archviz.architecture.roles import Roles
from archviz.architecture.towers import Column
from archviz.architecture.weights_read import joining
from archviz.interpreter.reading import Event
from archviz.patterns.flow import Flow, FlowNode, build_flow, renumber
from archviz.patterns.op_families import PLUMBING, canonical
from archviz.records import replace

_PRODUCTS = ("matmul", "bmm", "mm", "einsum", "linear")
_NORMS = (["norm"], ["pow", "sum", "pow"], ["pow", "sum", "sqrt"])
_INPUT = 1 << 40  # numbers of the towers as inputs follow it
_MOST = 16  # steps; what takes more is no similarity but a model of its own


def meeting_graph(
    context: Context, roles: Roles, columns: Sequence[Column], keep: Callable[[Event], bool]
) -> BlockGraph | None:
    """The steps from the outputs of two or more towers to what the model gives first; None where it multiplies none of them.

    Args:
        columns: The towers of the model.
        keep: Which named functions are one step.
    """
    free = [column for column in columns if column.feeds is None and column.stacks]
    calls = [context.trace.call(column.stacks[-1].layers[-1].path) for column in free]
    whole = context.trace.call("")
    if len(free) < 2 or whole is None or None in calls:
        return None
    flow = build_flow(context.trace, whole, lambda event: event.kind == "call" or keep(event), ids=True)
    met = _after_towers(context, flow, free)
    products = [node for node in met.nodes.values() if node.name in _PRODUCTS] if met is not None else []
    if met is None or len(met.inputs) < 2 or not products or len(met.nodes) > _MOST:
        return None
    _join_norms(context, met)
    labels = _labels(context, met, free)
    graph = write_graph(
        context, roles, met, graph_id=MEETING, title="Similarity", path="", labels=labels, whole=False
    )  # fmt: skip
    for node in graph.nodes:  # the rows of a batch are no sizes of the model
        node.shape_in, node.shape_out = (_per_row(shape) for shape in (node.shape_in, node.shape_out))
    return replace(graph, parameters=sum(node.parameters for node in graph.nodes))


def _per_row(shape: list[int | str | None] | None) -> list[int | str | None] | None:
    """`[1, 512]` → `[B, 512]`; what a product of two batches has is not told."""
    if not shape or len(shape) != 2:
        return shape
    return ["B", shape[1]] if shape[1] != 1 else None


def _after_towers(context: Context, flow: Flow, columns: Sequence[Column]) -> Flow | None:
    """The flow with each tower, what stands around its layers included, as one input; None where it leads to no output."""
    owner = {node.id: _tower_of(node, columns) for node in flow.nodes.values()}
    if flow.output is None or owner[flow.output] is not None:
        return None
    given: dict[int, FlowNode] = {}
    nodes: list[FlowNode] = []
    for node in flow.nodes.values():
        if owner[node.id] is not None or node.kind == "input":
            continue
        sources: list[tuple[int, int]] = []
        for source, value in node.sources:
            place = owner[source]
            if place is not None:
                last = flow.nodes[source]
                given.setdefault(
                    place, replace(last, id=_INPUT + place, kind="input", name="input", events=[], sources=[], parts={})
                )
                given[place].shape_in = given[place].shape_out = _shape_of(context, last, value)
            sources.append((source, value) if place is None else (_INPUT + place, value))
        nodes.append(replace(node, sources=sources, events=list(node.events)))
    inputs = [given[place] for place in sorted(given)]
    known = {node.id for node in (*inputs, *nodes)}
    if any(source not in known for node in nodes for source, _ in node.sources):
        return None  # something else enters
    return Flow({node.id: node for node in (*inputs, *nodes)}, [node.id for node in inputs], flow.output)


def _shape_of(context: Context, node: FlowNode, value: int) -> tuple[int | None, ...] | None:
    """The shape of the one of a step's results that is read on."""
    shapes = {v.id: v.shape for event in node.events for v in event.outputs}
    return shapes.get(value, node.shape_out)


def _tower_of(node: FlowNode, columns: Sequence[Column]) -> int | None:
    """The number of the tower that a call belongs to."""
    for place, column in enumerate(columns):
        inside = column.module and f"{node.module}.".startswith(f"{column.module}.")
        if node.kind == "call" and (inside or any(module.path == node.module for module in column.around)):
            return place
    return None


def _join_norms(context: Context, flow: Flow) -> None:
    """A division by the norm of what is divided is one step."""
    readers = flow.consumers()
    for node in list(flow.nodes.values()):
        if node.name != "div" or len(node.sources) != 2:
            continue
        norm = flow.nodes[node.sources[1][0]]
        if (
            readers[norm.id] == [node.id]
            and [s for s, _ in norm.sources] == [node.sources[0][0]]
            and _is_norm(context, norm)
        ):
            node.sources = node.sources[:1]
            node.name = "normalize"
            node.events = [*norm.events, *node.events]
            del flow.nodes[norm.id]
    flow.nodes = renumber(flow.nodes.values())


def _is_norm(context: Context, node: FlowNode) -> bool:
    """Whether a step takes the root of the sum of squares, in one op or by steps of its own."""
    event = node.events[0]
    ops = [canonical(each.name) for each in context.trace.inside(event) if each.kind == "op"]
    options = [value for key, value in event.options.items() if key in ("p", "ord")]
    return [canonical(name) for name in ops or [event.name]] in _NORMS and options in ([], [2])


def _labels(context: Context, flow: Flow, columns: Sequence[Column]) -> dict[int, Label]:
    tensors = {at.index: name for name, at in joining(context, [context.reading.root]).items()}
    before = flow.ancestors()
    titles = {node: columns[node - _INPUT].title for node in flow.inputs}
    called = {node: title.partition(" ")[0].lower() for node, title in titles.items()}  # text × vision
    labels = {node: Label("input", title, _width(flow.nodes[node])) for node, title in titles.items()}
    for node in flow.nodes.values():
        name = next((tensors[event.index] for event in node.events if event.index in tensors), None)
        if node.name == "normalize":
            labels[node.id] = Label("norm", "L2 norm")
        elif node.name in _PRODUCTS:
            sides = [source for source, _ in node.sources]
            read = [place for side in sides for place in flow.inputs if place == side or place in before[side]]
            labels[node.id] = Label("other", "Matrix product", [" × ".join(called[place] for place in read)])
        elif node.name in ("mul", "add") and name is not None:
            labels[node.id] = _scaled(context, node, name)
    return labels


def _width(node: FlowNode) -> list[str]:
    size = node.shape_out[-1] if node.shape_out else None
    return [str(size)] if isinstance(size, int) else []


def _scaled(context: Context, node: FlowNode, name: str) -> Label:
    """A product with, or a shift by, a tensor of the model: `× exp(logit_scale)`."""
    written = name
    for step in reversed(_made_by(context, node)):
        written = f"{step}({written})"
    sign = "×" if node.name == "mul" else "+"
    count = context.reading.root.parameters[name].numel if name in context.reading.root.parameters else 0
    return Label("scale", f"{sign} {written}", ["learned"], parameters=count or 0, tensor=name)


def _made_by(context: Context, node: FlowNode) -> list[str]:
    """What is done to a tensor before a step reads it, the last first."""
    makers: Mapping[int, Event] = {
        value.id: event for event in context.trace.before(node.events[-1]) if context.trace.is_leaf(event) for value in event.outputs
    }  # fmt: skip
    names: list[str] = []
    value = next((read.id for read in node.reads), -1)
    while value in makers and len(names) < 4:
        event = makers[value]
        if canonical(event.name) not in PLUMBING:
            names.append(canonical(event.name))
        value = event.inputs[0].id if event.inputs else -1
    return names
