"""What an attention compresses and chooses positions with, opened: its data flow, sizes along the sequence in S, its indexer."""

from __future__ import annotations

from archviz.architecture.context import Context
from archviz.architecture.labels import number, spared_details
from archviz.architecture.model import BlockEdge, BlockGraph, BlockNode
from archviz.interpreter.reading import Event, ModuleRecord
from archviz.patterns.compression import indexers, pooled_positions

_UNMISTAKEN = 9  # windows of a pass from which their number is no number of heads or of streams


def is_followed(call: Event, module: ModuleRecord) -> bool:
    """Whether the pass was long enough for a module that pools positions to pool some."""
    length = _length(call)
    return all(rate <= length for _, rate in pooled_positions(module))


def complete_compressor(context: Context, graph: BlockGraph, call: Event) -> None:
    """Write the sizes of what was pooled in S, and add the indexer, which gives positions and no features."""
    module = context.modules[graph.module]
    rate = module.attributes.get("compress_rate")
    for node in graph.nodes if isinstance(rate, int) and rate > 1 else ():
        if _in_windows(node, _length(call) // int(str(rate)), int(str(rate))):
            for edge in graph.edges:
                edge.label = None if edge.source == node.id else edge.label  # how many windows a traced sequence has
    drawn = {node.module for node in graph.nodes}
    for child, _ in indexers(module):
        relative = child.path[len(module.path) :].lstrip(".")
        if child is not module and relative not in drawn and context.trace.call(child.path):
            _add_indexer(context, graph, child, relative)


def _add_indexer(context: Context, graph: BlockGraph, child: ModuleRecord, relative: str) -> None:
    call = context.trace.call(child.path)
    box = BlockNode(
        id=relative, role="top_k", label=child.name, details=spared_details(context, child)[-1:], code_name=relative, module=relative,
        parameters=context.parameters(child.path),
    )  # fmt: skip
    inputs = [node for node in graph.nodes if node.role == "input"]
    for value in call.inputs if call else ():
        if value.shape is None or len(value.shape) != 3 or "float" not in (value.dtype or "float"):
            continue
        width = value.shape[-1]
        source = next((node for node in inputs if node.shape_out and node.shape_out[-1] == width), None)
        if source is None and isinstance(width, int):
            source = BlockNode(
                id=f"input_{len(inputs) + 1}", role="input", label="Second input", details=[number(width).replace(",", "")],
                shape_out=["B", "S", width],
            )  # fmt: skip
            inputs.append(source)
            graph.nodes.insert(len(inputs) - 1, source)
        if source is not None and not any(e.source == source.id and e.target == box.id for e in graph.edges):
            graph.edges.append(BlockEdge(source=source.id, target=box.id))
    output = next(node for node in graph.nodes if node.role == "output")
    graph.nodes.insert(graph.nodes.index(output), box)
    graph.edges.append(BlockEdge(source=box.id, target=output.id, label="chosen"))


def _length(call: Event) -> int:
    return next((v.shape[1] for v in call.inputs if v.shape and len(v.shape) == 3 and v.shape[1]), 0)


def _in_windows(node: BlockNode, windows: int, rate: int) -> bool:
    """The number of windows in the shape of a box, [B, 65, 4, 512], as `S/4`; one of heads stands before it.

    Returns: Whether the box parts the windows, so that its parts have no sizes of their own.
    """
    for shape in (node.shape_in or [], node.shape_out or []):
        _shape_in_windows(shape, windows, rate)
    shape = node.shape_out or []
    parts = node.role == "split" and bool(shape) and any(str(windows) in line.split(" + ") for line in node.details)
    if parts:
        node.details = [str(shape[-1])]  # halves of the features, the second of them of the window before
    return parts


def _shape_in_windows(shape: list[int | str | None], windows: int, rate: int) -> None:
    if windows >= _UNMISTAKEN:
        axes = [axis for axis, size in enumerate(shape) if size == windows]
    else:
        axis = 2 if len(shape) == 4 and shape[2] == windows else 1
        plain = not any(str(size).startswith("S") for size in shape)
        axes = [axis] if plain and len(shape) > 2 and shape[axis] == windows else []
    for axis in axes:
        shape[axis] = f"S/{rate}"
