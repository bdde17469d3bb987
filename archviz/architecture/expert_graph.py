"""The inside of one expert: its projections, activation and product, for one token."""

from __future__ import annotations

from collections.abc import Callable

from archviz.architecture.context import Context
from archviz.architecture.graphs import write_graph
from archviz.architecture.labels import Label, number, projection_text
from archviz.architecture.model import BlockGraph
from archviz.architecture.roles import Roles
from archviz.interpreter.reading import Event, ModuleRecord, TensorRecord
from archviz.patterns.flow import Flow, FlowNode, build_flow
from archviz.patterns.moe import MixtureOfExperts
from archviz.patterns.op_families import CONTRACTIONS
from archviz.patterns.regions import merge_into

_LIMIT = 18  # boxes; what is longer is no feed-forward


def expert_graph(
    context: Context, roles: Roles, what: MixtureOfExperts, graph_id: str, keep: Callable[[Event], bool]
) -> BlockGraph | None:
    """The graph of one expert; None where its forward pass was not followed.

    Experts with modules of their own are opened like any feed-forward.  Stacked ones (weights `[experts, …]`) show the rounds of
    their loop once: from the tokens of an expert to its last projection, before the router's weights multiply.
    """
    call = context.trace.call(what.experts) or _numbered_call(context, what.experts)
    if call is None:
        return None
    flow = build_flow(context.trace, call, keep)
    module = context.modules[call.module]
    names = _fold_projections(flow, module)
    if module.path == what.experts:
        flow = _up_to(flow, max(names, default=-1))
    if flow.output is None or not 3 <= len(flow.nodes) <= _LIMIT or not flow.inputs:
        return None
    labels = {node: _label(flow, flow.nodes[node], tensors) for node, tensors in names.items() if node in flow.nodes}
    graph = write_graph(
        context, roles, flow, graph_id=graph_id, title=f"Expert (one of {number(what.count)})", path=module.path,
        labels=labels, whole=False,
    )  # fmt: skip
    graph.parameters = what.each
    for box in graph.nodes:  # the tokens that are routed to the expert, of all sequences
        for shape in (box.shape_in, box.shape_out):
            if shape and len(shape) == 2:
                shape[0] = "n"
    stacked = module.path == what.experts
    for node, box in zip(flow.nodes.values(), graph.nodes, strict=False):  # the output has no node in the flow
        if node.id in labels:
            box.code_name = names[node.id][0].name.rpartition(".")[2]
            box.parameters = sum(what.of_one(t) if stacked else t.numel for t in names[node.id])
    return graph


def _numbered_call(context: Context, experts: str) -> Event | None:
    children = context.modules[experts].children.values()
    return next((call for child in children if (call := context.trace.call(child.path))), None)


def _fold_projections(flow: Flow, module: ModuleRecord) -> dict[int, list[TensorRecord]]:
    """Products with a weight of the module, with the bias that is added right after; node id → weight and bias."""
    found: dict[int, list[TensorRecord]] = {}
    left = list(module.parameters.values())
    for node in list(flow.nodes.values()):
        if node.id not in flow.nodes or node.kind != "op" or len(node.sources) != 1:
            continue
        if node.name in (*CONTRACTIONS, "linear"):
            weight = _read_parameter(node, left)
            if weight is not None:
                left.remove(weight)
                found[node.id] = [weight]
        elif node.name == "add" and node.sources[0][0] in found and (bias := _read_parameter(node, left)):
            found[node.sources[0][0]].append(bias)
            merge_into(flow, flow.nodes[node.sources[0][0]], node)
    return found


def _read_parameter(node: FlowNode, parameters: list[TensorRecord]) -> TensorRecord | None:
    """The first parameter left that a step reads: all of it, or one expert's part."""
    shapes = [value.shape for value in node.reads if value.shape]
    return next(
        (p for p in parameters for s in shapes if s in (p.shape, p.shape[1:]) or s[::-1] in (p.shape, p.shape[1:])),
        None,
    )


def _up_to(flow: Flow, last: int) -> Flow:
    """The flow from its first input to a step, nothing else."""
    if last not in flow.nodes:
        return Flow({}, [], None)
    alive = flow.ancestors()[last] | {last}
    return Flow({i: n for i, n in flow.nodes.items() if i in alive}, [i for i in flow.inputs if i in alive], last)


def _label(flow: Flow, node: FlowNode, tensors: list[TensorRecord]) -> Label:
    width, out = (shape[-1] if shape else None for shape in (node.shape_in, node.shape_out))
    details = [projection_text(flow, node, width, out)] if width and out else []
    return Label("projection", tensors[0].name.rpartition(".")[2], [*details, *(["bias"] if len(tensors) > 1 else [])])
