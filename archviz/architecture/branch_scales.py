"""What a layer multiplies a branch by before it adds it to the stream, or its whole result: a number, a learned gate, a stored scalar."""

from __future__ import annotations

from archviz.architecture.context import Context
from archviz.architecture.labels import LEARNED, Label
from archviz.architecture.model import BlockGraph, Evidence
from archviz.interpreter.reading import Event
from archviz.patterns.flow import Flow, FlowNode, Shape
from archviz.patterns.op_families import activation_of
from archviz.patterns.residual import branch_scales

_SIGNS = {"mul": "×", "div": "÷"}


def label_branch_scales(context: Context, flow: Flow, path: str) -> dict[int, Label]:
    """Labels of the steps of a layer's flow that scale a branch, by node id; learned ones hold the layer's own parameters.

    Args:
        path: The layer.
    """
    call = context.trace.call(path)
    makers = {value.id: event for event in context.trace.children(call) for value in event.outputs} if call else {}
    labels: dict[int, Label] = {}
    last = flow.nodes[flow.output] if flow.output is not None else None
    whole = [last.id] if last and last.kind == "op" and last.name in _SIGNS and len(last.sources) == 1 else []
    for name in [*branch_scales(flow), *whole]:
        label = _label(context, flow.nodes[name], path, makers)
        if label is not None:
            labels[name] = label
    return labels


def layer_scale(graph: BlockGraph | None) -> tuple[str, list[Evidence]] | None:
    """What the whole result of a layer is multiplied by, behind its last sum, as its graph has it."""
    nodes = {node.id: node for node in graph.nodes} if graph else {}
    out = next((node.id for node in nodes.values() if node.role == "output"), None)
    last = next((nodes[edge.source] for edge in graph.edges if edge.target == out), None) if graph else None
    if last is None or last.role != "scale" or not last.label.startswith("× "):
        return None
    return ", ".join([last.label[2:], *(line for line in last.details if line not in last.label)]), last.evidence


def _label(context: Context, node: FlowNode, path: str, makers: dict[int, Event]) -> Label | None:
    """The label of one step; None where it multiplies by one, or by what was not followed."""
    sign = _SIGNS[node.name]
    constants = [v for v in node.events[0].options.values() if isinstance(v, (int, float)) and not isinstance(v, bool)]
    if constants and not node.reads:
        return Label("scale", f"{sign} {constants[0]:g}") if len(constants) == 1 and constants[0] != 1 else None
    if len(node.reads) != 1:
        return None
    value, functions = node.reads[0], []
    while value.id in makers and len(makers[value.id].inputs) == 1:
        event = makers[value.id]
        functions.append(activation_of(event.name) or "")
        value = event.inputs[0]
    module = context.modules[path]
    own = [t for t in module.parameters.values() if _squeezed(t.shape) == _squeezed(value.shape)]
    if value.id in makers:
        return None
    if not own:
        kept = [t for t in module.buffers.values() if t.persistent and _squeezed(t.shape) == _squeezed(value.shape)]
        name = kept[0].name.removeprefix(f"{path}.") if len(kept) == 1 else None
        return Label("scale", f"{sign} {name}", ["stored number"], 0, name) if name else None
    words = "gate" if any(functions) else "learned scale"
    for function in filter(None, reversed(functions)):
        words = f"{function}({words})"
    name = own[0].name.removeprefix(f"{path}.") if len(own) == 1 else None
    return Label("scale", f"{sign} {words}", [name or LEARNED], own[0].numel, name)


def _squeezed(shape: Shape | None) -> Shape:
    """The sizes of a tensor that is broadcast, without the ones."""
    return tuple(size for size in shape or () if size != 1)
