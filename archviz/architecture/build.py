"""From a `ModelReading` to the `Architecture` document."""

from __future__ import annotations

from archviz.architecture.asides import NOT_CALLED
from archviz.architecture.branch_scales import layer_scale
from archviz.architecture.breakdown import inactive
from archviz.architecture.context import Context
from archviz.architecture.fact_sheet import ConfigEvidence
from archviz.architecture.facts import build_facts
from archviz.architecture.folding import fold_modules
from archviz.architecture.kinds import Stack, find_stacks
from archviz.architecture.layer_graphs import GraphBook, keep_inner
from archviz.architecture.meeting import meeting_graph
from archviz.architecture.model import (
    Architecture,
    Fact,
    GapEntry,
    Identity,
    LayerKind,
    LayerStack,
    SourceFile,
    TensorEntry,
    Tower,
)
from archviz.architecture.naming import kind_labels
from archviz.architecture.parameters import build_parameters
from archviz.architecture.part_facts import NormPlaces
from archviz.architecture.roles import Roles
from archviz.architecture.runs import layer_runs
from archviz.architecture.tower_writing import write_tower
from archviz.architecture.towers import MAIN, Column, find_columns
from archviz.architecture.weaving import pattern_item
from archviz.interpreter.reading import Gap, ModelReading
from archviz.patterns.repeat import find_repeats, repeat_text
from archviz.records import replace


def build_architecture(
    reading: ModelReading,
    identity: Identity,
    *,
    published_total: int | None = None,
    cite: ConfigEvidence | None = None,
) -> Architecture:
    """The description of one model.

    Args:
        reading: What the interpreter read; its trace may be empty, then orders are derived from the module tree.
        identity: Which model it is; class name and source files are filled in from the reading where they are missing.
        published_total: The parameter count that the publisher states, for comparison.
        cite: Evidence for a configuration key (`text_config.hidden_size`); by default the key itself.
    """
    context = Context(reading)
    stacks = find_stacks(context)
    roles = Roles.of_stacks(context, stacks)
    columns = sorted(find_columns(context, stacks), key=_rank)
    book = GraphBook(context, roles)
    layers = [_write_stack(context, book, column, stack) for column in columns for stack in column.stacks]
    met = meeting_graph(context, roles, columns, keep_inner(context))
    if met is not None:
        book.graphs[met.id] = met
    towers = [write_tower(context, roles, column, columns) for column in columns]
    places = [(graph.module, node) for graph in book.graphs.values() for node in graph.nodes]
    places += [(tower.module, item.node) for tower in towers for item in tower.column if item.node]
    parameters = build_parameters(context, roles, columns, published_total, places, _uncalled(columns, towers))
    placements = {
        f"{stack.path}/{kind.id}": NormPlaces(
            book.placement[kind.block], book.parallel[kind.block], book.norm_functions.get(kind.block)
        )
        for stack in layers
        for kind in stack.kinds
        if kind.block in book.placement
    }
    facts = build_facts(context, roles, columns, parameters, placements, cite)
    scaled = [
        found for stack in layers[:1] for kind in stack.kinds if (found := layer_scale(book.graphs.get(kind.block)))
    ]
    facts += [Fact(key="layer_scale", value=words, evidence=places) for words, places in scaled[:1]]
    return Architecture(
        identity=_completed(identity, reading),
        facts=facts,
        modules=fold_modules(context, roles),
        tensors=_tensors(reading),
        towers=towers,
        layers=layers,
        blocks=list(book.graphs.values()),
        parameters=parameters,
        gaps=[_gap(gap) for gap in (*reading.gaps, *reading.trace_gaps)],
    )


def _uncalled(columns: list[Column], towers: list[Tower]) -> list[tuple[str, int]]:
    """The boxes around the layers of main towers that the pass of a token does not call, with their parameters."""
    main = {column.id for column in columns if column.is_main}
    items = [item for tower in towers if tower.id in main for item in tower.column if item.note == NOT_CALLED]
    return [
        (node.code_name or node.label, node.parameters) for item in items if (node := item.node) and node.parameters
    ]


def _rank(column: Column) -> int:
    """The tower that a model is named for comes first."""
    base = column.id.partition("_")[0]
    order = ("text", "decoder", "encoder") if base in MAIN else ("vision", "audio")
    return order.index(base) + (0 if base in MAIN else len(MAIN)) if base in order else 9


def _completed(identity: Identity, reading: ModelReading) -> Identity:
    files = identity.files or [SourceFile(name=name, sha256=digest) for name, digest in reading.source_files.items()]
    model_type = identity.model_type or reading.config.get("model_type")
    return replace(
        identity,
        class_name=identity.class_name or reading.class_name,
        model_type=model_type if isinstance(model_type, str) else None,
        files=files,
    )


def _write_stack(context: Context, book: GraphBook, column: Column, stack: Stack) -> LayerStack:
    kinds = []
    for kind in stack.kinds:
        scope = column.id if len(column.stacks) == 1 else f"{column.id}/{stack.path}"
        block, mixer, feed = book.add_layer(stack, kind, scope)
        count = context.parameters(kind.example.path)
        together = sum(context.parameters(stack.layers[index].path) for index in kind.indices)
        kinds.append(
            LayerKind(
                id=kind.id,
                title=kind.title,
                indices=kind.indices,
                count=len(kind.indices),
                class_name=kind.example.class_name,
                mixer_kind=kind.mixer_kind,
                feed_forward_kind=kind.feed_kind,
                block=block,
                mixer=mixer,
                feed_forward=feed,
                parameters=count,
                active_parameters=count - inactive(context, kind),
                together=together if together != count * len(kind.indices) else None,
                chosen=list(kind.chosen),
                signature=kind.digest,
                evidence=book.graphs[block].evidence,
            )
        )
    repeats = find_repeats(stack.sequence)
    return LayerStack(
        path=stack.path,
        count=len(stack.layers),
        kinds=kinds,
        pattern=[pattern_item(repeat) for repeat in repeats],
        pattern_text=repeat_text(repeats, kind_labels(stack.kinds)),
        runs=layer_runs(context, stack),
    )


def _tensors(reading: ModelReading) -> list[TensorEntry]:
    aliases: dict[str, list[str]] = {}
    for alias, name in reading.tied.items():
        aliases.setdefault(name, []).append(alias)
    parameters = list(reading.parameters().values())
    buffers = [tensor for module in reading.root.walk() for tensor in module.buffers.values()]
    return [
        TensorEntry(
            name=tensor.name, shape=list(tensor.shape), dtype=tensor.dtype, kind=tensor.kind,
            persistent=tensor.persistent, tied_from=aliases.get(tensor.name, []), at=str(tensor.at) if tensor.at else None,
        )
        for tensor in (*parameters, *buffers)
    ]  # fmt: skip


def _gap(gap: Gap) -> GapEntry:
    return GapEntry(module=gap.module, reason=gap.reason, at=str(gap.at) if gap.at else None)
