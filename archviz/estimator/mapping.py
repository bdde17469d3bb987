"""Which layer class of an estimator describes which kind of layer, with the constructor parameters that the model gives."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from archviz.estimator.pieces import Piece
from archviz.estimator.supported import Argument, LayerClass
from archviz.estimator.vocabulary import KINDS, PARAMETERS, RUN, plain_name
from archviz.late_patterns import late_pattern
from archviz.records import record

_GATED_WORDS = late_pattern(r"gated|swiglu|geglu|glu\b|gate[ _-]?proj|three (matrices|projections)", re.IGNORECASE)
_FALLBACK = {"shared_expert": "gated_mlp", "shared_expert_gate": "linear"}


@record(frozen=True)
class Mapping:
    """What stands for a piece.

    Args:
        layer: The class; None when none of the folder fits.
        arguments: Constructor parameter → value; parameters of a run are left out.
        why: Why no class fits, or what the class cannot express.
    """

    layer: LayerClass | None
    arguments: dict[str, object]
    why: str = ""


def map_pieces(pieces: Sequence[Piece], classes: Sequence[LayerClass], dtype: str) -> list[tuple[Piece, Mapping]]:
    """Each piece with its layer class; where the folder has a class for a whole mixture of experts, its parts are one piece."""
    whole = next((each for each in classes if plain_name(each.name) in KINDS["moe"]), None)
    if whole is not None:
        pieces = list(_experts_joined(pieces))
    return [(piece, map_piece(piece, classes, dtype)) for piece in pieces]


def map_piece(piece: Piece, classes: Sequence[LayerClass], dtype: str) -> Mapping:
    """The class that fits a piece best, or why none does."""
    tried: list[str] = []
    for layer in _candidates(piece, classes):
        given = _arguments(piece, layer, dtype)
        lacks = _lacks(piece, layer, given)
        if not lacks:
            return Mapping(layer, given, _unsaid(piece, given, layer))
        tried.append(f"{layer.name} {lacks}")
    if not tried:
        return Mapping(None, {}, f"no class of the folder stands for {piece.name.replace('_', ' ')} ({piece.title})")
    return Mapping(None, {}, "; ".join(tried))


def _candidates(piece: Piece, classes: Sequence[LayerClass]) -> list[LayerClass]:
    """Classes named after the kind, the most special name first; then those of a kind that contains it."""
    kinds = [piece.kind, *([_FALLBACK[piece.kind]] if piece.kind in _FALLBACK else [])]
    own = {re.sub(r"[^a-z0-9]", "", word.lower()) for word in (piece.kind, piece.name, piece.title)}
    found: list[tuple[int, int, LayerClass]] = []
    for layer in classes:
        name = plain_name(layer.name)
        for rank, kind in enumerate(kinds):
            names = KINDS.get(kind, ())
            if name in names or (rank == 0 and name in own):
                found.append((rank, -len(name) if name in own else len(names), layer))
                break
    return [layer for _, _, layer in sorted(found, key=lambda each: (each[0], each[1], each[2].name))]


def _arguments(piece: Piece, layer: LayerClass, dtype: str) -> dict[str, object]:
    """The class's constructor parameters that the model gives."""
    known = _known(piece, dtype)
    found: dict[str, object] = {}
    for argument in layer.arguments:
        key = _key(argument, layer, known)
        if key is not None:
            found[argument.name] = known[key]
    return found


def _known(piece: Piece, dtype: str) -> dict[str, object]:
    known = {key: value for key, value in piece.specs.items() if value is not None}
    known |= {"parameter_count": piece.each, "dtype": dtype, "count": piece.count, "name": piece.name}
    if piece.kind == "lm_head":
        known["tied"] = bool(piece.tied)
    if piece.specs.get("q_lora_rank", 0) is None:
        known["q_lora_rank"] = None
    return known


def _key(argument: Argument, layer: LayerClass, known: dict[str, object]) -> str | None:
    """The size that a parameter takes: of those it may stand for the first that the model gives."""
    name = argument.name.lower()
    keys = [key for key, names in PARAMETERS.items() if name in names and key in known]
    if name == "hidden_dim" and not _takes(layer, "hidden_size"):
        keys = ["hidden_size"] if "hidden_size" in known else keys
    if not keys and name in known:
        return name
    return keys[0] if keys else None


def _takes(layer: LayerClass, key: str) -> bool:
    return any(argument.name.lower() in PARAMETERS[key] for argument in layer.arguments)


def _lacks(piece: Piece, layer: LayerClass, given: dict[str, object]) -> str:
    """What keeps a class from describing a piece."""
    if piece.kind in ("gated_mlp", "mlp", "shared_expert") and (wrong := _wrong_gate(piece, layer)):
        return wrong
    missing = [key for key in piece.needs if not _given(key, given, piece)]
    if missing:
        return f"has no parameter for {', '.join(missing)}"
    if wrong := _wrong_kind(piece, layer):
        return wrong
    blank = [
        a.name for a in layer.arguments if a.required and a.name not in given and not RUN.fullmatch(a.name.lower())
    ]
    if blank:
        return f"requires {', '.join(blank)}, which the model does not give"
    return ""


def _given(key: str, given: dict[str, object], piece: Piece) -> bool:
    names = (*PARAMETERS.get(key, ()), key, *(("hidden_dim",) if key == "hidden_size" else ()))
    if any(name in names for name in map(str.lower, given)):
        return True
    # A layer as wide as it is deep may take its width by either name.
    same = [
        other for other in ("hidden_size", "input_dim", "output_dim") if piece.specs.get(other) == piece.specs.get(key)
    ]
    return any(name in PARAMETERS[other] for other in same for name in map(str.lower, given))


def _wrong_gate(piece: Piece, layer: LayerClass) -> str:
    """Three matrices are not two: a class has to say which it counts."""
    if _takes(layer, "gated"):
        return ""
    gated = bool(_GATED_WORDS.search(f"{layer.name} {layer.docstring}"))
    if gated == bool(piece.specs.get("gated")):
        return ""
    return "does not say that it is gated" if not gated else "is gated, the model's is not"


def _wrong_kind(piece: Piece, layer: LayerClass) -> str:
    """A class that stands for one case only: a window, one KV head, as many as query heads."""
    name, specs = plain_name(layer.name), piece.specs
    if (
        name in ("slidingwindowattention", "slidingattention", "localattention", "windowattention")
        and "sliding_window" not in specs
    ):
        return "has a window, the model's attention has none"
    if name == "chunkedattention" and "attention_chunk_size" not in specs:
        return "looks back in chunks, the model's attention does not"
    if name == "gatedattention" and "output_gate" not in specs:
        return "gates its output, the model's attention does not"
    if name in ("multiqueryattention", "mqa") and specs.get("num_kv_heads") != 1:
        return "has one KV head, the model has more"
    if name in ("norm", "normalization", "normalisation") and not any("type" in a.name for a in layer.arguments):
        words = layer.docstring.lower().replace("-", "").replace(" ", "")
        if piece.kind not in words and not (piece.kind == "rmsnorm" and "rootmeansquare" in words):
            return f"does not say that it is {piece.title}"
    return ""


def _unsaid(piece: Piece, given: dict[str, object], layer: LayerClass) -> str:
    """Settings of small effect that the class does not take."""
    left = [key for key in piece.notes if not any(name in PARAMETERS.get(key, ()) for name in map(str.lower, given))]
    return f"{layer.name} does not express {', '.join(left)}" if left else ""


def _experts_joined(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """Router, experts and shared expert of one mixture as one piece, where they stand in the same layers."""
    groups: dict[tuple[str | None, str, tuple[int, ...]], list[Piece]] = {}
    experts = [piece for piece in pieces if piece.kind == "moe_experts"]
    for piece in pieces:
        owner = next((e for e in experts if e.within == piece.within and e.tower == piece.tower), None)
        if piece.within is None or owner is None or piece.layers != owner.layers:
            yield piece
            continue
        group = groups.setdefault((piece.within, piece.tower, tuple(piece.layers)), [])
        group.append(piece)
    for group in groups.values():
        yield _joined(group)


def _joined(group: list[Piece]) -> Piece:
    core = next(piece for piece in group if piece.kind == "moe_experts")
    specs = dict(core.specs)
    for piece in group:
        specs |= {key: value for key, value in piece.specs.items() if piece.kind == "moe_router" and key not in specs}
        if piece.kind == "shared_expert":
            specs["shared_intermediate_size"] = piece.specs.get("intermediate_size")
            specs["num_shared_experts"] = 1
    needs = [*core.needs, *(key for piece in group for key in piece.needs if key == "hash_routed")]
    if "shared_intermediate_size" in specs:
        needs.append("shared_intermediate_size")
    return Piece(
        core.within or "moe", "moe", "Mixture of experts", core.class_name, specs, tuple(dict.fromkeys(needs)),
        count=core.count, total=sum(piece.total for piece in group), tensors=[t for piece in group for t in piece.tensors],
        modules=[path for piece in group for path in piece.modules], graph=core.graph, tower=core.tower, stack=core.stack,
        layers=core.layers, at=core.at,
    )  # fmt: skip
