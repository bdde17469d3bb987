"""The order of steps in a hand-written figure: norms, mixers and feed-forwards of a layer, the final norm and the head; parts that are not there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from archviz.architecture.model import MIXER_ROLES, Architecture, BlockGraph, Evidence, LayerKind
from archviz.late_patterns import late_pattern
from archviz.spans import Status
from archviz.verify.claims import Check, Claim
from archviz.verify.fused_parts import is_fused
from archviz.verify.written_figure import class_line, items

_WORDS = (
    ("norm", r"norm\b"),
    (
        "feed-forward",
        r"\b(?:swiglu|geglu|reglu|glu|mlp|ffn|feed[- ]?forward|moe|mixture of experts|channel[- ]mixing)\b",
    ),
    ("mixer", r"attention|\b(?:attn|mla|gqa|mha|mamba|ssm|deltanet|rwkv|lightning|retention|kda)\b"),
    ("", r"residual|\badd\b|^\+$|^(?:input|output)$"),
)
_TOLD = {"norm": "norm", "moe": "feed-forward", "feed_forward": "feed-forward", **dict.fromkeys(MIXER_ROLES, "mixer")}
ROPE_OF_OPERANDS = late_pattern(
    r"(?<!no )(?<!not )(?<!without )\bRoPE\s+(?:is\s+)?(?:applied\s+)?(only\s+)?(?:on|to)\s+((?:[QKV]\b(?:\s*,?\s*(?:and|&)?\s*)?)+)(only|alone)?",
    re.IGNORECASE,
)


def check_flow(figure: Mapping[str, object], architecture: Architecture, claims: Sequence[Claim]) -> Iterator[Check]:
    """What the order of a figure's blocks says, held against the order in which the code runs; nothing where a block is not understood."""
    for s, stage in enumerate(items(figure.get("stages"))):
        blocks = [str(block.get("type", "")) for block in items(stage.get("blocks"))]
        yield from _layer_order(f"stages[{s}].blocks", blocks, architecture, claims)
        yield from _ends(f"stages[{s}].blocks", blocks, architecture)
        for b, block in enumerate(items(stage.get("blocks"))):
            text = f"{block.get('type', '')}\n{block.get('details', '')}"
            yield from _absent_experts(f"stages[{s}].blocks[{b}]", text, architecture, claims)
            yield from _rotated(f"stages[{s}].blocks[{b}]", text, claims)


def _layer_order(
    path: str, blocks: Sequence[str], architecture: Architecture, claims: Sequence[Claim]
) -> Iterator[Check]:  # fmt: skip
    """The steps of a layer in order; a step may be left out, none may be elsewhere or too many."""
    stated = [_word_of(block) for block in blocks]
    steps = [word for word in stated if word]
    parallel = any(claim.key == "residual.structure" and "parallel" in str(claim.value) for claim in claims)
    if None in stated or "norm" not in steps or len(set(steps)) < 2 or parallel:
        return
    kinds = [
        (kind, order) for stack in architecture.layers for kind in stack.kinds if (order := _order(architecture, kind))
    ]
    others = [_told(graph) for graph in architecture.blocks]  # layers that were not traced, and the insides of parts
    if not kinds or any(_is_part(steps, order) for order in (*(order for _, order in kinds), *others)):
        return
    kind, order = kinds[0]
    yield Check(
        path, "order of a layer", ", ".join(steps), ", ".join(order), "conflict", _places(kind), ", ".join(blocks)[:200]
    )


def _word_of(block: str) -> str | None:
    """What a block is; an empty text for one that is no step of its own, None for one that is not understood."""
    return next((word for word, pattern in _WORDS if re.search(pattern, block, re.IGNORECASE)), None)


def _order(architecture: Architecture, kind: LayerKind) -> list[str]:
    """Norms, mixers and feed-forwards of a kind of layer in the order of its data flow; nothing where that was not traced."""
    graph = architecture.block(kind.block)
    return _told(graph) if graph and not graph.notes else []


def _told(graph: BlockGraph) -> list[str]:
    """The steps of a graph; a box of no known role goes by its words, as a figure's does."""
    words = [_TOLD.get(node.role) or (_word_of(node.label) if node.role == "other" else None) for node in graph.nodes]
    return [word for word in words if word]


def _is_part(steps: Sequence[str], order: Sequence[str]) -> bool:
    rest = iter(order)
    return all(step in rest for step in steps)


def _places(kind: LayerKind) -> tuple[Evidence, ...]:
    return tuple(kind.evidence)


def _ends(path: str, blocks: Sequence[str], architecture: Architecture) -> Iterator[Check]:
    """The final norm comes before the head."""
    norm = next(
        (place for place, block in enumerate(blocks) if re.search(r"\bfinal\b.*norm", block, re.IGNORECASE)), None
    )
    head = next(
        (place for place, block in enumerate(blocks) if re.search(r"\b(?:lm|output)[ _]?head\b", block, re.IGNORECASE)),
        None,
    )
    if norm is None or head is None or head > norm:
        return
    drawn = [item.node.role for tower in architecture.towers for item in tower.column if item.node and not item.taps]
    if "head" in drawn and "norm" in drawn and drawn.index("norm") < drawn.index("head"):
        yield Check(
            path,
            "order of the ends",
            f"{blocks[head]}, {blocks[norm]}",
            "final norm, head",
            "conflict",
            class_line(architecture),
        )


def _absent_experts(path: str, text: str, architecture: Architecture, claims: Sequence[Claim]) -> Iterator[Check]:
    """Experts in a figure of a model that has none and was understood throughout."""
    told = re.search(r"mixture of experts|\bMoE\b|\d+ (?:routed )?experts", text, re.IGNORECASE)
    if told and not architecture.gaps and claims and not any(claim.key.startswith("moe.") for claim in claims):
        yield Check(path, "experts", told[0], "no experts", "conflict", class_line(architecture), told[0])


def _rotated(path: str, text: str, claims: Sequence[Claim]) -> Iterator[Check]:
    """Which of queries, keys and values are rotated; one of them may be named alone, as long as no `only` stands beside."""
    told = ROPE_OF_OPERANDS.search(text)
    found = [claim for claim in claims if claim.key == "rope.tensors" and isinstance(claim.value, list)]
    if told is None or not found:
        return
    stated = {letter.upper() for letter in re.findall(r"\b[QKV]\b", told[2], re.IGNORECASE)}
    rotated = {name[:1].upper() for claim in found for name in claim.value}  # type: ignore[attr-defined] # a list, see above
    fused = any(is_fused(name) for claim in found for name in claim.value)  # type: ignore[attr-defined]
    if rotated <= {"Q", "K", "V"} and not fused:
        limited = told[1] or told[3]
        status: Status = "verified" if stated == rotated or (stated < rotated and not limited) else "conflict"
        names = " and ".join(sorted(rotated, key="QKV".index))
        yield Check(path, "RoPE on", told[2].strip(" ,"), names, status, found[0].evidence, told[0])
