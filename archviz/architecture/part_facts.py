"""Facts about mixers with a state, feed-forwards, experts and norms, for each kind of layer where kinds differ."""

from __future__ import annotations

from collections.abc import Callable

from archviz.architecture.context import ConfigPart, code
from archviz.architecture.fact_sheet import FactSheet, OfKind
from archviz.architecture.kinds import Stack
from archviz.patterns.feed_forward import FeedForward
from archviz.patterns.moe import MixtureOfExperts
from archviz.patterns.norms import FunctionalNorm
from archviz.patterns.op_families import activation_of
from archviz.patterns.position_mixers import PositionMixer
from archviz.patterns.recurrences import Recurrence
from archviz.records import record

PLACEMENT = {
    "pre": "pre-norm",
    "post": "post-norm",
    "sandwich": "sandwich norm",
    "post_residual": "post-norm (after the sum)",
    "pre_and_sum": "pre-norm and a norm after the sum",
    "mixed": "differs between branches",
}
INNER = ("intermediate_size", "n_inner", "ffn_dim", "d_ff", "decoder_ffn_dim", "encoder_ffn_dim")
EXPERT_INNER = ("moe_intermediate_size", "intermediate_size", "expert_ffn_hidden_size")
COUNTS = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")
CHOSEN = ("num_experts_per_tok", "top_k", "moe_top_k", "moe_topk", "num_experts_per_token")
ACTIVATIONS = ("hidden_act", "hidden_activation", "activation_function", "mlp_hidden_act", "feed_forward_proj")
EPS = ("rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon", "norm_eps", "layernorm_epsilon", "norm_epsilon")


@record(frozen=True)
class NormPlaces:
    """Where the norms of a kind of layer stand, whether mixer and feed-forward stand side by side, and the first norm that is no module."""

    placement: str | None
    parallel: bool
    function: FunctionalNorm | None = None


def recurrence_facts(sheet: FactSheet, stack: Stack) -> None:
    """Each mixer that is no attention, with its sizes."""
    parts = [
        (kind, part, part.what)
        for kind in stack.kinds
        for part in kind.parts.mixers
        if isinstance(part.what, Recurrence | PositionMixer)
    ]
    for family in dict.fromkeys(what.kind for *_, what in parts):
        own = [each for each in parts if each[2].kind == family]
        sheet.add_by_kind(
            family, [OfKind(k, dict(what.sizes) or True, k.mixer_kind or k.id, sheet.place(k, p)) for k, p, what in own]
        )


def feed_forward_facts(sheet: FactSheet, stack: Stack) -> None:
    """Plain and gated feed-forwards, then experts; layers of one model may have both."""
    plain: list[tuple[OfKind, FeedForward]] = []
    beside: list[tuple[OfKind, FeedForward]] = []
    mixed: list[tuple[OfKind, MixtureOfExperts]] = []
    for kind in stack.kinds:
        for part in kind.parts.feeds:
            item = OfKind(kind, None, kind.feed_kind or kind.id, sheet.place(kind, part))
            if isinstance(part.what, FeedForward):
                (beside if part.what.kind == "side_input" else plain).append((item, part.what))
            elif isinstance(part.what, MixtureOfExperts):
                mixed.append((item, part.what))

    def of(trait: Callable[[FeedForward], object]) -> list[OfKind]:
        return [OfKind(i.kind, trait(what), i.word, i.evidence) for i, what in plain]

    sheet.add_by_kind("feed_forward", of(lambda f: f.title))
    sheet.add_by_kind("intermediate_size", of(lambda f: f.hidden), agreeing=INNER, config=stack.config)
    sheet.add_by_kind("side_input_size", [OfKind(i.kind, what.hidden, i.word, i.evidence) for i, what in beside])
    if mixed:
        _expert_facts(sheet, mixed, stack.config)
    activations = of(lambda f: f.activation)
    activations += [OfKind(i.kind, what.activation, i.word, i.evidence) for i, what in mixed]
    sheet.add_by_kind("activation", activations)
    stated = stack.config.find(*ACTIVATIONS)
    if stated is not None and isinstance(stated[1], str):
        sheet.add("activation", activation_of(stated[1]) or stated[1], sheet.cite(stated[0]), status="config")


def _expert_facts(sheet: FactSheet, mixed: list[tuple[OfKind, MixtureOfExperts]], config: ConfigPart) -> None:
    def of(trait: Callable[[MixtureOfExperts], object]) -> list[OfKind]:
        return [OfKind(i.kind, trait(what), i.word, i.evidence) for i, what in mixed]

    sheet.add_by_kind("experts", of(lambda m: m.count), agreeing=COUNTS, config=config)
    sheet.add_by_kind("zero_experts", of(lambda m: m.zero or None))
    sheet.add_by_kind("experts_per_token", of(lambda m: m.top_k), agreeing=CHOSEN, config=config)
    sheet.add_by_kind("expert_sparsity", of(_sparsity), status="derived")
    sheet.add_by_kind("expert_hidden_size", of(lambda m: m.hidden), agreeing=EXPERT_INNER, config=config)
    sheet.add_by_kind("shared_expert_hidden_size", of(lambda m: m.shared_hidden))
    unseen = any(m.shared_gate and not m.shared_gate_curve for _, m in mixed)
    gates = of(lambda m: m.shared_gate_curve or "function not seen" if m.shared_gate else None)
    sheet.add_by_kind("shared_expert_gate", gates, status="unverified" if unseen else "verified")
    sheet.add_by_kind("router_choice", of(lambda m: "hash of the token id" if m.hashed else _scored(m, mixed)))
    sheet.add_by_kind("router_score", of(lambda m: m.score))
    sheet.add_by_kind("router_normalised", of(lambda m: m.normalised))
    sheet.add_by_kind("router_correction_bias", of(lambda m: m.correction_bias))
    sheet.add_by_kind("router_scaling", of(lambda m: m.scaling), agreeing=("routed_scaling_factor",), config=config)
    sheet.add_by_kind(
        "router_expert_scale", of(lambda m: f"stored for each expert ({m.expert_scale})" if m.expert_scale else None)
    )
    sheet.add_by_kind("router_groups", of(lambda m: f"{m.groups[1]} of {m.groups[0]}" if m.groups else None))


def _scored(what: MixtureOfExperts, mixed: list[tuple[OfKind, MixtureOfExperts]]) -> str | None:
    """Said only beside layers that choose otherwise."""
    return "top-k of scores" if any(other.hashed for _, other in mixed) and not what.hashed else None


def _sparsity(what: MixtureOfExperts) -> str | None:
    return f"{what.top_k}/{what.choices} ({100 * what.top_k / what.choices:.3g} %)" if what.top_k else None


def norm_facts(sheet: FactSheet, stack: Stack, placements: dict[str, NormPlaces]) -> None:
    """Norms of the layers: kind, epsilon, where they stand, whether mixer and feed-forward stand side by side."""
    kinds, eps, placed, parallel = [], [], [], []
    for kind in stack.kinds:
        norms = list(kind.parts.norms.items())
        module = sheet.context.modules[norms[0][0]] if norms else None
        at = code(module.defined_at or module.created_at) if module else []
        words = list(dict.fromkeys(norm.kind for _, norm in norms))
        found = placements.get(f"{stack.path}/{kind.id}")
        if not words and found is not None and found.function is not None:
            words, at = [f"{found.function.kind} without weights"], code(found.function.event.at)
        kinds.append(OfKind(kind, " and ".join(words) or None, kind.id, at))
        eps.append(OfKind(kind, norms[0][1].eps if norms else None, kind.id, code(module.created_at) if module else []))
        here = code(kind.example.defined_at)
        placed.append(OfKind(kind, PLACEMENT.get(found.placement or "") if found else None, kind.id, here))
        parallel.append(OfKind(kind, found.parallel if found else None, kind.id, here))
    sheet.add_by_kind("norm", kinds)
    sheet.add_by_kind("norm_eps", eps, agreeing=EPS, config=stack.config)
    sheet.add_by_kind("norm_placement", placed)
    if any(item.value for item in parallel):
        sheet.add_by_kind("parallel_block", parallel)
