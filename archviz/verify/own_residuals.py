"""Parts of a layer that add what they are given to what they make of it, and normalise the sum, inside themselves (ALBERT, Funnel)."""

from __future__ import annotations

from archviz.interpreter.reading import Event
from archviz.patterns.flow import Flow, FlowNode, build_flow, renumber
from archviz.patterns.norms import Norm, detect_norm
from archviz.verify.view import LayerView


def show_own_residuals(view: LayerView, flow: Flow) -> dict[str, Norm]:
    """Put the residual sum that a mixer or feed-forward holds inside, and the norm behind it, after its node in the layer's flow.

    Returns:
        The norms that were put there, by path.
    """
    parts = {path for part in (*view.kind.parts.mixers, *view.kind.parts.feeds) for path in part.paths}
    found: dict[str, Norm] = {}
    count = len(flow.nodes)

    def keep(event: Event) -> bool:
        """Modules that hold a norm themselves are opened."""
        module = view.context.modules.get(event.module) if event.kind == "call" else None
        return module is not None and all(detect_norm(child, view.trace) is None for child in module.children.values())

    for node in list(flow.nodes.values()):
        if node.kind != "call" or node.module not in parts or len(node.events) != 1 or not node.sources:
            continue
        inner = build_flow(view.trace, node.events[0], keep, ones=True)
        last = inner.nodes.get(inner.output) if inner.output is not None else None
        norm = _norm_of(view, last)
        add = inner.nodes.get(last.sources[0][0]) if last is not None and norm is not None and last.sources else last
        if add is None or not _adds_input(inner, add):
            continue
        after = [add, *([last] if last is not None and norm is not None else [])]
        _put_after(flow, node, after)
        if last is not None and norm is not None:
            found[last.module] = norm
    if found or len(flow.nodes) > count:
        _count_anew(flow)
    return found


def _norm_of(view: LayerView, node: FlowNode | None) -> Norm | None:
    module = view.context.modules.get(node.module) if node is not None and node.kind == "call" else None
    return detect_norm(module, view.trace) if module is not None else None


def _adds_input(inner: Flow, add: FlowNode) -> bool:
    """Whether a step adds the first input of a call, as it came, to something made of it."""
    sources = [source for source, _ in add.sources]
    first = inner.inputs[0] if inner.inputs else -1
    if add.kind != "op" or add.name != "add" or len(sources) != 2 or first not in sources:
        return False
    (other,) = [source for source in sources if source != first] or [first]
    return first in inner.ancestors()[other]


def _put_after(flow: Flow, node: FlowNode, steps: list[FlowNode]) -> None:
    """Put steps of a node's inside after it: a sum that skips the node, and what reads the sum."""
    skipped, number = node.sources[0], max(flow.nodes) + 1
    new: list[FlowNode] = []
    for place, step in enumerate(steps):
        sources = [skipped, (node.id, -1)] if place == 0 else [(new[-1].id, -1)]
        new.append(
            FlowNode(
                number + place, step.kind, step.name, step.module, list(step.events), sources, shape_out=step.shape_out
            )
        )
    for other in flow.nodes.values():
        other.sources = [(new[-1].id if source == node.id else source, value) for source, value in other.sources]
    if flow.output == node.id:
        flow.output = new[-1].id
    flow.nodes.update({each.id: each for each in new})
    flow.nodes = renumber(flow.nodes.values())


def _count_anew(flow: Flow) -> None:
    """Number the nodes in order of execution."""
    number = {node.id: place for place, node in enumerate(flow.nodes.values())}
    for node in flow.nodes.values():
        node.id, node.sources = number[node.id], [(number[source], value) for source, value in node.sources]
    flow.nodes = {node.id: node for node in flow.nodes.values()}
    flow.inputs = [number[each] for each in flow.inputs]
    flow.output = number[flow.output] if flow.output is not None else None
