"""What the code says, by the keys that figures state: all values that occur, each with its evidence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from archviz.architecture.column_layers import layers_in
from archviz.architecture.model import Architecture, Evidence, ModuleNode, PatternItem
from archviz.late_patterns import late_pattern
from archviz.patterns.feed_forward import TITLES, gated_kind
from archviz.verify.claims import Claim
from archviz.verify.figure_order import tags_of
from archviz.verify.words_of_kind import Number

_CLAIMS = {
    "heads": ("attention.heads",), "kv_heads": ("attention.kv_heads",),
    "head_dim": ("attention.head_dim", "attention.value_head_dim"), "experts": ("moe.experts",), "top_k": ("moe.top_k",),
    "expert_intermediate": ("moe.expert_hidden_size", "moe.shared_expert"), "intermediate": ("feed_forward.hidden_size", "moe.shared_expert"),
    "window": ("attention.window",), "rope_theta": ("rope.theta",), "attention_kind": ("attention.kind",),
    "norm": ("norm.kind", "attention.norms", "mixer.norms"), "feed_forward": ("feed_forward.kind",), "rope_layout": ("rope.layout",),
    "rope_part": ("rope.part", "rope.inverse"), "norm_placement": ("norm.placement",), "hidden": ("model.hidden_size",),
    "vocab": ("model.vocabulary_size",), "context": ("model.context_length",), "tied": ("embedding.tied",),
    "positions": ("model.positions",), "indexer_top_k": ("attention.indexer_top_k",), "pooled": ("attention.compression",),
    "key_heads": ("mixer.key_heads", "attention.kv_heads"), "value_heads": ("mixer.value_heads", "attention.kv_heads"),
    "indexer_heads": (), "streams": ("residual.structure",), "sinkhorn": ("residual.sinkhorn_iterations",),
    "residual": ("residual.structure",),
}  # fmt: skip
STATEFUL = late_pattern(r"delta|mamba|ssm|state[- ]space|linear attention|rwkv|mlstm|slstm|convolution", re.IGNORECASE)

_INNER = late_pattern(r"expert|\bMoE\b|\bMLP\b|GLU|feed-forward|\bFFN\b", re.IGNORECASE)


@dataclass
class Known:
    """All values of one key.

    Args:
        values: Value → the places that support it.
    """

    values: dict[object, tuple[Evidence, ...]] = field(default_factory=dict)

    def add(self, value: object, evidence: Sequence[Evidence]) -> None:
        self.values.setdefault(value, tuple(evidence))

    def agrees(self, stated: object) -> bool:
        """Equal numbers; for words, one that the code's words begin with."""
        if isinstance(stated, Number):
            return any(isinstance(v, (int, float)) and stated.agrees(v) for v in self.values)
        if isinstance(stated, str) and not stated[:1].isdigit():
            return any(str(value).startswith(stated) for value in self.values)
        return stated in self.values

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        found = {(e.kind, e.where): e for evidence in self.values.values() for e in evidence}
        return tuple(found.values())[:6]


def known_values(key: str, around: str, architecture: Architecture, claims: Sequence[Claim]) -> Known:
    """The values that a key has in the model, in the tower and mixer that the words around the statement name."""
    known = Known()
    if key == "layers":
        _add_layers(known, architecture, around)
        return known
    if key == "tied_to":
        for name in (*architecture.parameters.tied.values(), *architecture.parameters.tied):
            known.add(name, [Evidence(kind="code", where=architecture.modules.at)] if architecture.modules.at else [])
        return known
    if key in ("shared_expert", "gate_linear"):
        _READERS[key](known, claims)
        return known
    names = _CLAIMS[key]
    chosen = [claim for claim in claims if claim.key in names]
    if key == "streams":
        chosen = [claim for claim in chosen if "streams" in str(claim.value)]
    for claim in of_tower(chosen, around, architecture):
        for value in claim.value.values() if isinstance(claim.value, dict) else [claim.value]:
            known.add(_counted(value) if key in ("pooled", "streams") else value, claim.evidence)
    if key == "hidden":
        _add_widths(known, architecture)
    if key == "hidden" and _INNER.search(around):
        _add_claims(known, claims, ("feed_forward.hidden_size", "moe.expert_hidden_size", "moe.shared_expert"))
    if key == "hidden" and STATEFUL.search(around):
        _add_claims(known, claims, ("mixer.width",))
    if key in ("heads", "kv_heads", "head_dim") and (STATEFUL.search(around) or not known.values):
        for claim in claims:
            if claim.key.startswith("mixer.") and isinstance(claim.value, int):
                known.add(claim.value, claim.evidence)
    if key == "indexer_heads":
        _add_indexer_heads(known, architecture.modules)
    if key == "norm":
        _add_norms(known, architecture.modules)
    if key == "feed_forward":
        for claim in claims:
            if claim.key == "moe.activation" and isinstance(claim.value, str):
                known.add(TITLES[gated_kind(claim.value)], claim.evidence)
    if key == "intermediate":
        _add_claims(known, claims, ("moe.expert_hidden_size",))
    return known


def _counted(value: object) -> object:
    """The number in words: `4 positions into one`, `hyper-connections, 4 streams`."""
    found = re.search(r"\d+", str(value))
    return int(found[0]) if found else value


def _shared_experts(known: Known, claims: Sequence[Claim]) -> None:
    """Whether layers with experts have a shared one."""
    _add_claims(known, [replace(c, value="True") for c in claims], ("moe.shared_expert",))
    if not known.values:
        _add_claims(known, [replace(c, value="False") for c in claims], ("moe.experts",))


def _gate_linears(known: Known, claims: Sequence[Claim]) -> None:
    """Whether the gate of the attention has a projection of its own, or is cut from another's output."""
    cut = {(c.scope, c.value.get("of")) for c in claims if c.key == "split" and isinstance(c.value, dict)}
    for claim in claims:
        if claim.key == "attention.gate":
            origin = str(claim.value).rpartition(" of ")[2]
            known.add(str((claim.scope, origin) not in cut), claim.evidence)


_READERS = {"shared_expert": _shared_experts, "gate_linear": _gate_linears}


def _add_claims(known: Known, claims: Sequence[Claim], names: tuple[str, ...]) -> None:
    for claim in claims:
        if claim.key in names:
            known.add(claim.value, claim.evidence)


def _add_norms(known: Known, root: ModuleNode) -> None:
    """Norms outside of layers and deep inside their parts, where the class leaves no doubt."""
    for node in _walk(root):
        name = "RMSNorm" if "RMSNorm" in node.class_name else "LayerNorm" if node.class_name == "LayerNorm" else None
        if name is not None:
            known.add(name, (Evidence(kind="code", where=node.at),) if node.at else ())


def of_tower(claims: Sequence[Claim], around: str, architecture: Architecture) -> Sequence[Claim]:
    """The claims about the stack, tower or kind of layer that the words name; all where they name none, or what lies between."""
    stacks = [stack.path for stack in architecture.layers if f"({stack.path})" in around]
    if stacks:
        return [c for c in claims if c.stack in stacks] or claims
    if (layers := _layers_titled(around, architecture)) is not None:
        return [
            c for c in claims if c.stack is None or any((c.stack, index) in layers for index in c.indices)
        ] or claims
    if re.search(r"cross|perceiver|resampler|\btext\b", around, re.IGNORECASE):
        return claims
    paths = towers_named(around, architecture)
    return [c for c in claims if any(f"{c.scope}.".startswith(f"{path}.") for path in paths)] or claims


def towers_named(around: str, architecture: Architecture) -> list[str]:
    """Paths of the towers that words name: by what a tower reads (`vision`), else by a word of one tower's title alone."""
    words = around.lower().replace("image", "vision")
    towers = [t for t in architecture.towers if t.module]
    named = [t for t in towers if t.id.partition("_")[0] in words]
    if not named:
        kinds = [[t for t in towers if word in t.title.lower()] for word in ("decoder", "encoder") if word in words]
        named = [t for found in kinds if len(found) == 1 for t in found]
    return [t.module for t in named if t.module]


def _layers_titled(around: str, architecture: Architecture) -> frozenset[tuple[str, int]] | None:
    """Layers with the mixer or feed-forward whose title the words hold, where it is more than a plain word (`Attention`)."""
    words = around.lower()
    titles = {
        title.lower(): None
        for stack in architecture.layers
        for kind in stack.kinds
        for title in kind.title.split(" + ")
        if " " in title and title.lower() in words
    }
    if not titles:
        return None
    longest = max(titles, key=len)
    return frozenset(
        (stack.path, index)
        for stack in architecture.layers
        for kind in stack.kinds
        if longest in kind.title.lower().split(" + ")
        for index in kind.indices
    )


def _add_layers(known: Known, architecture: Architecture, around: str) -> None:
    """Counts of stacks, of kinds, of kinds that mix or feed alike, of units and of their repetitions, in the towers named."""
    paths = towers_named(around, architecture)
    inside = [s for s in architecture.layers if any(f"{s.path}.".startswith(f"{path}.") for path in paths)]
    stacks = inside or architecture.layers
    held = {stack.path for stack in stacks}
    steps = [item for tower in architecture.towers for item in tower.column if item.weave and held & {*item.stacks}]
    for stack in (*stacks, *(run for item in steps if (run := layers_in(architecture, item)))):
        evidence = [item for kind in stack.kinds for item in kind.evidence]
        known.add(stack.count, evidence)
        if _tells_whole(around):
            continue
        for names in ([k.mixer_kind for k in stack.kinds], [k.feed_forward_kind for k in stack.kinds]):
            for name in set(names):
                same = [k for k, own in zip(stack.kinds, names, strict=True) if own == name]
                known.add(sum(k.count for k in same), evidence)
        for kind in stack.kinds:
            known.add(kind.count, evidence)
        for size in _units(stack.pattern):
            known.add(size, evidence)
    if len(stacks) > 1 and (inside or len(architecture.towers) == 1):  # layers of two towers are no one's number
        known.add(sum(stack.count for stack in stacks), [])
    for fact in architecture.facts if any(stack.runs for stack in stacks) else ():  # layers that share weights
        if fact.key.rpartition(".")[2] == "layers" and isinstance(fact.value, int):
            known.add(fact.value, fact.evidence)


def _tells_whole(words: str) -> bool:
    """Whether words such as `Decoder (60 layers)` tell of all layers: they name no kind, unit or repetition."""
    kinds = tags_of(words) - {"attention"}
    return (
        not kinds
        and re.search(r"[×*/:+]|\b(?:x\d|\d+x|unit|repeat|group|per|every|each|first|last|dense)", words) is None
    )


def _units(items: Iterable[PatternItem]) -> list[int]:
    found = []
    for item in items:
        inner = sum(_length(sub) for sub in item.items)
        found += [item.times, inner, *(_units(item.items))] if item.items else [item.times]
    return [size for size in found if size]


def _length(item: PatternItem) -> int:
    return item.times * (sum(map(_length, item.items)) if item.items else 1)


def _add_widths(known: Known, architecture: Architecture) -> None:
    """Widths of further towers."""
    for fact in architecture.facts:
        if fact.key.endswith("hidden_size") and "expert" not in fact.key:
            known.add(fact.value, fact.evidence)


def _walk(root: ModuleNode) -> Iterator[ModuleNode]:
    """A module and everything below it."""
    todo = [root]
    while todo:
        node = todo.pop()
        todo += node.children
        yield node


def _add_indexer_heads(known: Known, root: ModuleNode) -> None:
    """The heads that modules called indexers have of their own."""
    for node in _walk(root):
        heads = [node.attributes.get(name) for name in ("n_heads", "num_heads")] if "indexer" in node.name else []
        for size in heads:
            if isinstance(size, int):
                known.add(size, (Evidence(kind="code", where=node.at),) if node.at else ())


def module_names(root: ModuleNode) -> frozenset[str]:
    """The last names of all modules."""
    return frozenset(node.name for node in _walk(root))


def tables(key: str, root: ModuleNode) -> Known:
    """Sizes of all embeddings, modules or tensors (`rows × width`), or widths of all modules named as heads (`width → rows`)."""
    known = Known()
    for node in _walk(root):
        chosen = "embedding" in node.class_name.lower() if key == "table" else "head" in node.name
        for name, shape in node.tensors.items():
            is_wide = key == "table" and len(shape) > 2
            sizes = [size for size in shape if size != 1] if is_wide else shape
            named = key == "table" and ("embed" in name or "pos" in name)  # a tensor of a tower's own module
            if (chosen or named) and len(sizes) == 2:
                rows, columns = sizes
                at = (Evidence(kind="code", where=node.at),) if node.at else ()
                known.add(f"{rows} × {columns}" if key == "table" else f"{columns} → {rows}", at)
    return known


def projections_named(name: str, root: ModuleNode) -> Known:
    """Input and output widths of all projections of a name, and of expert matrices of that name."""
    known = Known()
    for node in _walk(root):
        weight = node.tensors.get("weight") if node.name == name else node.tensors.get(name)
        if weight is None or len(weight) < 2:
            continue
        rows, columns = (weight[-2] or 0), (weight[-1] or 0)
        at = (Evidence(kind="code", where=node.at),) if node.at else ()
        known.add(f"{columns} → {rows}", at)
        if "nf" in node.attributes or node.name != name:
            known.add(f"{rows} → {columns}", at)
        groups = node.attributes.get("n_groups")
        if isinstance(groups, int):
            known.add(f"{columns * groups} → {rows}", at)
    return known
