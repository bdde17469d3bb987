"""The architectural units of a model: what `arch.json` lists, one entry a unit with shapes, formulas and parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from archviz.architecture.column_layers import runs_of
from archviz.architecture.model import MIXER_ROLES, Architecture, BlockGraph, BlockNode, LayerKind, ParameterRow, Tower

SCHEMA = "archviz-units/1"
_KINDS_OF_ATTENTION = {"(MHA)": "mha", "(GQA)": "gqa", "(MQA)": "mqa", "(MLA)": "mla"}
_ROLES = {  # last part of a row's key → roles of the node that it stands for
    "mixer": MIXER_ROLES,
    "feed_forward": ("feed_forward", "moe"),
    "norms": ("norm",),
    "router": ("router",),
    "experts": ("experts",),
    "shared_expert": ("shared_expert",),
}
_AROUND = {"embedding": ("embedding",), "pre_norm": ("norm",), "final_norm": ("norm",), "head": ("head",)}
_NORMS = ("pre_norm", "final_norm")


def units_document(architecture: Architecture) -> dict[str, object]:
    """Family, flags, symbols, layers and units of a model, and the Architecture that all of it is from, as JSON data."""
    parameters = architecture.parameters
    return {
        "schema": SCHEMA,
        "model_id": architecture.identity.id,
        "class_name": architecture.identity.class_name,
        "family": family_of(architecture),
        "flags": flags_of(architecture),
        "param_count": parameters.total,
        "active_param_count": parameters.active,
        "symbols": {each.symbol: {"value": each.value, "key": each.key} for each in parameters.symbols},
        "layers": [
            {"path": stack.path, "count": stack.count, "pattern": stack.pattern_text, "kinds": _order(stack.kinds)}
            for stack in architecture.layers
        ],
        "order": {
            tower.id: [run.pattern_text for run in runs_of(architecture, tower)] for tower in architecture.towers
        },
        "units": [*_units(architecture), *_heads_not_built(architecture)],
        "architecture": architecture.as_dict(),
    }


def family_of(architecture: Architecture) -> str:
    """How the model's attention works: `mha`, `gqa`, `mqa`, `mla`, `dsv4`, or the kind of its mixer where none attends."""
    if _compresses(architecture):
        return "dsv4"
    fact = architecture.fact("attention_kind")
    told = str(fact.value) if fact else ""  # of several kinds of layers, as JSON
    for mark, family in _KINDS_OF_ATTENTION.items():
        if mark in told:
            return family
    kinds = [kind.mixer_kind for stack in architecture.layers for kind in stack.kinds if kind.mixer_kind]
    return kinds[0] if kinds else "other"


def flags_of(architecture: Architecture) -> dict[str, object]:
    """What else tells models apart."""
    feeds = [kind for stack in architecture.layers[:1] for kind in stack.kinds]
    routed = [kind for kind in feeds if (kind.feed_forward_kind or "").startswith("moe")]
    dense = [index for kind in feeds if kind not in routed for index in kind.indices] if routed else []
    choice, streams = architecture.fact("router_choice"), architecture.fact("residual_streams")
    mixers = {kind.mixer_kind for kind in feeds if kind.mixer_kind}
    mtp, tied = architecture.fact("mtp_layers"), architecture.fact("tied_embeddings")
    return {
        "moe": bool(routed),
        "hash_routing": "hash" in str(choice.value) if choice else False,
        "shared_experts": architecture.fact("shared_expert_hidden_size") is not None,
        "mtp": mtp is not None,
        "mtp_layers": mtp.value if mtp else 0,
        "tied_head": bool(tied and tied.value),
        "dense_prefix": _leading(dense),
        "hybrid": len({_mixer_family(architecture, kind) for kind in feeds}) > 1 and len(mixers) > 1,
        "residual_streams": streams.value if streams else 1,
    }


def _compresses(architecture: Architecture) -> bool:
    """Keys and values of several positions in one, several residual streams: both are what sets DeepSeek-V4 apart."""
    return bool(architecture.fact("attention_compression") and architecture.fact("residual_streams"))


def _leading(indices: list[int]) -> int:
    """How many of the first layers are among these."""
    known = set(indices)
    return next(count for count in range(len(known) + 1) if count not in known)


def _order(kinds: list[LayerKind]) -> list[dict[str, object]]:
    return [
        {"id": kind.id, "title": kind.title, "indices": kind.indices, "param_count": kind.parameters} for kind in kinds
    ]


def _units(architecture: Architecture) -> Iterator[dict[str, object]]:
    for row in architecture.parameters.breakdown:
        if row.formula is None and row.key.rpartition("/")[2] != "head":  # a row that only sums up others
            continue
        kind = _kind(architecture, row)
        graph, node = _node(architecture, row, kind)
        yield (
            _unit(row, _family(architecture, row, kind), node, kind)
            | _shapes(architecture, row, node)
            | {
                "operations": [] if graph is None else [_operation(each) for each in graph.nodes if each.parameters],
                "tied_to": _tied(architecture, _tower(architecture, row)[0], node),
            }
        )


def _tower(architecture: Architecture, row: ParameterRow) -> tuple[Tower | None, str]:
    """The tower that a row belongs to, None for that of a model with one, and the row's key within it."""
    first, _, rest = row.key.partition("/")
    tower = next((tower for tower in architecture.towers if tower.id == first), None)
    return (tower, rest) if tower is not None else (None, row.key)


def _kind(architecture: Architecture, row: ParameterRow) -> LayerKind | None:
    """The kind of layer that a row is of; towers may have kinds of the same name."""
    tower, key = _tower(architecture, row)
    paths = None if tower is None else {path for item in tower.column for path in item.stacks}
    stacks = [stack for stack in architecture.layers if paths is None or stack.path in paths]
    kinds = {kind.id: kind for stack in reversed(stacks) for kind in stack.kinds}
    return next((kinds[part] for part in key.split("/") if part in kinds), None)


def _unit(row: ParameterRow, family: str, node: BlockNode | None, kind: LayerKind | None) -> dict[str, object]:
    return {
        "name": row.label,
        "key": row.key,
        "family": family,
        "layers": kind.indices if kind else None,
        "formula_symbolic": row.formula,
        "formula_concrete": row.numbers,
        "param_count": row.count,
        "param_count_each": row.each,
        "times": row.times,
        "status": node.status if node else "verified",
        "source": [piece.where for piece in node.evidence] if node else [],
    }


def _shapes(architecture: Architecture, row: ParameterRow, node: BlockNode | None) -> dict[str, object]:
    """Shapes of what goes in and out: as they were traced; around the layers as the weight tells them."""
    tower, part = _tower(architecture, row)
    if node is None or node.shape_in or node.shape_out or part not in _AROUND:
        return {"shape_in": node.shape_in if node else None, "shape_out": node.shape_out if node else None}
    ends = weight_ends(architecture, tower, part, node)
    return dict(zip(("shape_in", "shape_out"), ends or (None, None), strict=True))


def weight_ends(
    architecture: Architecture, tower: Tower | None, part: str, node: BlockNode
) -> tuple[list[int | str | None], list[int | str | None]] | None:
    """What goes into and out of a module around the layers of a stream of tokens, as its weight tells."""
    names = {architecture.parameters.tied.get(each, each) for each in _weight_names(tower, node)}
    shape = next((tensor.shape for tensor in architecture.tensors if tensor.name in names), [])
    if len(shape) != (1 if part in _NORMS else 2):
        return None
    stream: list[int | str | None] = ["B", "S", shape[-1]]
    if part in _NORMS:
        return stream, stream
    return (["B", "S"], stream) if part == "embedding" else (stream, ["B", "S", shape[0]])


def _weight_names(tower: Tower | None, node: BlockNode) -> tuple[str, str]:
    """What the weight of a module around the layers may be called: seen from the model, and inside of its tower."""
    name = f"{node.module or node.code_name}.weight"
    return name, f"{tower.module}.{name}" if tower is not None and tower.module else name


def _operation(node: BlockNode) -> dict[str, object]:
    return {
        "name": node.label, "code_name": node.code_name, "role": node.role, "details": list(node.details),
        "shape_in": node.shape_in, "shape_out": node.shape_out, "param_count": node.parameters,
        "source": [piece.where for piece in node.evidence],
    }  # fmt: skip


def _node(
    architecture: Architecture, row: ParameterRow, kind: LayerKind | None
) -> tuple[BlockGraph | None, BlockNode | None]:
    """The node that a row stands for, and the graph of its inside."""
    tower, key = _tower(architecture, row)
    part = key.rpartition("/")[2]
    if kind is None:
        roles: tuple[str, ...] = _AROUND.get(part, ())
        towers = architecture.towers if tower is None else [tower]
        column = [item.node for each in towers for item in each.column if item.node]
        found = [node for node in column if node.role in roles]
        return None, (found[-1] if part == "final_norm" else found[0]) if found else None
    layer = architecture.block(kind.block)
    inside = {"mixer": kind.mixer, "feed_forward": kind.feed_forward}.get(part)
    place = architecture.block(kind.feed_forward or "") if key.count("/") > 2 or "feed_forward/" in key else layer
    nodes = [node for node in place.nodes if node.role in _ROLES.get(part, ())] if place else []
    return architecture.block(inside) if inside else None, nodes[0] if nodes else None


def _family(architecture: Architecture, row: ParameterRow, kind: LayerKind | None) -> str:
    part = row.key.rpartition("/")[2]
    if kind is None or part not in ("mixer", "feed_forward"):
        return "layer" if kind and row.key.endswith(kind.id) else part
    return _mixer_family(architecture, kind) if part == "mixer" else (kind.feed_forward_kind or "feed_forward")


def _mixer_family(architecture: Architecture, kind: LayerKind) -> str:
    """The family of a layer's attention, by what its own graph says; the kind of any other mixer."""
    graph = architecture.block(kind.mixer or "")
    cores = [node for node in graph.nodes if node.role == "attention_core"] if graph else []
    if not cores:
        return kind.mixer_kind or "none"
    if _compresses(architecture):
        return "dsv4"
    if kind.mixer_kind == "mla":
        return "mla"
    told = " ".join(line for core in cores for line in core.details)
    return next((family for family in ("gqa", "mqa") if family.upper() in told), "mha")


def _tied(architecture: Architecture, tower: Tower | None, node: BlockNode | None) -> str | None:
    """The tensor that a head borrows its weight from; None where it has its own."""
    if node is None or node.role != "head":
        return None
    ties: Mapping[str, str] = architecture.parameters.tied
    return next((ties[name] for name in _weight_names(tower, node) if name in ties), None)


def _heads_not_built(architecture: Architecture) -> Iterator[dict[str, object]]:
    """Layers for the prediction of further tokens that the configuration names; what they hold the code does not say."""
    layers, built = architecture.fact("mtp_layers"), architecture.fact("mtp")
    if layers is None:
        return
    yield {
        "name": "MTP block", "key": "mtp", "family": "mtp", "layers": None, "shape_in": None, "shape_out": None,
        "formula_symbolic": None, "formula_concrete": None, "param_count": None, "param_count_each": None,
        "times": layers.value, "status": layers.status, "source": [piece.where for piece in layers.evidence],
        "operations": [], "tied_to": None, "note": str(built.value) if built else None,
    }  # fmt: skip
