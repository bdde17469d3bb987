"""Facts about attention and positions: one value where all layers agree, else one for each kind of layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from archviz.architecture.context import code
from archviz.architecture.fact_sheet import FactSheet, OfKind
from archviz.architecture.fixed_positions import fixed_table, is_handed_to_layers, reads_positions, scores_by_waves
from archviz.architecture.frequencies import theta_of_code
from archviz.architecture.kinds import Stack
from archviz.architecture.mask_facts import mask_values
from archviz.architecture.model import Evidence
from archviz.architecture.naming import Kind, main_mixer
from archviz.architecture.roles import Roles
from archviz.architecture.rope_settings import RopeSettings, rope_settings
from archviz.architecture.runs import is_untraced
from archviz.architecture.towers import Column
from archviz.interpreter.reading import ModuleRecord
from archviz.late_patterns import late_pattern
from archviz.patterns.attention import Attention
from archviz.patterns.attention_experts import projection_experts
from archviz.patterns.recurrences import Recurrence

KIND_NAMES = {
    "mha": "multi-head (MHA)",
    "gqa": "grouped-query (GQA)",
    "mqa": "multi-query (MQA)",
    "mla": "multi-head latent (MLA)",
}
_QK_NORMS = {"head": "per head", "whole": "over the whole projection", None: "none"}
USUAL_SCALE = "1/√d_h"  # of scores, d_h the width of a head
NOPE_SOMEWHERE = "none in some layers (NoPE)"
TEMPERATURE = "grows with the logarithm of the position"
HEADS = ("num_attention_heads", "n_head", "n_heads", "num_heads", "encoder_attention_heads", "decoder_attention_heads")
KV_HEADS = ("num_key_value_heads", "num_kv_heads", "num_global_key_value_heads")
_WINDOWS = ("sliding_window", "window_size", "attention_window_size", "local_attention")
_HEAD_DIM = ("head_dim", "d_kv", "global_head_dim")


def _qk_norm(what: Attention) -> str:
    """Which norms queries and keys go through."""
    by = f", by a function ({what.qk_norm_function})" if what.qk_norm_function is not None else ""
    return _QK_NORMS[what.qk_norm] + by


def attentions(stack: Stack) -> list[tuple[Kind, Attention]]:
    """The self-attention of each kind of layer that has one."""
    found = []
    for kind in stack.kinds:
        part = main_mixer(kind.parts)
        candidates = [part, *kind.parts.mixers] if part else []
        what = next((p.what for p in candidates if p and isinstance(p.what, Attention) and not p.what.cross), None)
        if isinstance(what, Attention):
            found.append((kind, what))
    return found


def attention_place(sheet: FactSheet, kind: Kind) -> list[Evidence]:
    """The class of a kind's attention."""
    part = next(p for p in kind.parts.mixers if isinstance(p.what, Attention))
    return code(sheet.context.modules[part.paths[0]].defined_at)  # its output projection may stand elsewhere


def _routed(sheet: FactSheet, found: list[tuple[Kind, Attention]]) -> list[OfKind]:
    """Where the projections of an attention are experts that a router chooses among: how many, and for a token."""
    values = []
    for kind, _ in found:
        part = next(p for p in kind.parts.mixers if isinstance(p.what, Attention))
        routed = projection_experts(sheet.context.modules[part.paths[0]], sheet.context.trace)
        words = f"{routed[1].count} for its projections, {routed[1].top_k} per token" if routed else None
        place = code(routed[0].defined_at) if routed else []
        values.append(OfKind(kind, words, kind.mixer_kind or kind.id, place))
    return values


class _Spread:
    """One trait of the attention of each kind."""

    def __init__(self, sheet: FactSheet, stack: Stack) -> None:
        self.sheet = sheet
        self.found = attentions(stack)

    def __call__(self, trait: Callable[[Attention], object]) -> list[OfKind]:
        return [
            OfKind(kind, trait(what), kind.mixer_kind or kind.id, attention_place(self.sheet, kind))
            for kind, what in self.found
        ]


def attention_facts(sheet: FactSheet, stack: Stack, stacks: Sequence[Stack]) -> None:
    """Kind, heads, widths, norms, gates, windows.

    Args:
        stacks: All lists of layers of the tower; those that attend to another sequence may be a list of their own.
    """
    of, config = _Spread(sheet, stack), stack.config
    sheet.add_by_kind("attention_kind", of(lambda a: KIND_NAMES.get(a.kind or "")))
    sheet.add_by_kind("attention_heads", of(lambda a: a.heads), agreeing=HEADS, config=config)
    sheet.add_by_kind("kv_heads", of(lambda a: a.kv_heads), agreeing=KV_HEADS, config=config)
    sheet.add_by_kind("attention_ratio", of(_ratio), status="derived", unit="query:KV heads")
    sheet.add_by_kind("head_dim", of(lambda a: a.head_dim), agreeing=_HEAD_DIM, config=config)
    values = of(lambda a: a.value_dim if a.value_dim != a.head_dim else None)
    sheet.add_by_kind("value_head_dim", values, agreeing=("v_head_dim",), config=config)
    sheet.add_by_kind("query_rank", of(lambda a: a.ranks[0]), agreeing=("q_lora_rank",), config=config)
    sheet.add_by_kind("kv_rank", of(lambda a: a.ranks[1]), agreeing=("kv_lora_rank",), config=config)
    sheet.add_by_kind("attention_experts", _routed(sheet, of.found))
    sheet.add_by_kind("qk_norm", of(_qk_norm))
    if any(what.gated for _, what in of.found):
        unseen = any(what.gated and not what.gate for _, what in of.found)
        sheet.add_by_kind("attention_gate", of(_gate), status="unverified" if unseen else "verified")
    if any(what.sinks for _, what in of.found):
        sheet.add_by_kind("attention_sinks", of(lambda a: a.sinks))
    sheet.add_by_kind("attention_softcap", of(lambda a: a.softcap))
    sheet.add_by_kind("attention_scale", of(_scale))
    sheet.add_by_kind("projection_bounds", of(lambda a: a.projection_bounds))
    sheet.add_by_kind("value_scale", of(lambda a: a.value_scale))
    tempered = [
        OfKind(k, TEMPERATURE if a.query_temperature else "none", k.mixer_kind or k.id, code(a.query_temperature))
        for k, a in of.found
    ]
    if any(a.query_temperature for _, a in of.found):
        sheet.add_by_kind("query_temperature", tempered)
    sheet.add_by_kind("attention_mask", mask_values(sheet, of.found))
    sliding = of(lambda a: a.window if a.span == "sliding" else None)
    both_ways = {a.looks_both_ways for _, a in of.found if a.span == "sliding"} == {True}
    unit = "tokens to each side" if both_ways else "tokens"
    sheet.add_by_kind("sliding_window", sliding, agreeing=_WINDOWS, config=config, unit=unit)
    _window_effect(sheet)
    chunked = of(lambda a: a.window if a.span == "chunked" else None)
    sheet.add_by_kind("attention_chunk", chunked, agreeing=("attention_chunk_size",), config=config, unit="tokens")
    crossing = [
        (own, kind)
        for own in stacks
        for kind in own.kinds
        for part in kind.parts.mixers
        if isinstance(part.what, Attention) and part.what.cross
    ]
    sheet.add("kv_shared_layers", *_shared(of, sheet))
    crossed = sum(len(kind.indices) for _, kind in crossing)
    sheet.add(
        "cross_attention_layers",
        crossed or None,
        [e for own, _ in crossing[:1] for e in code(own.layers[0].defined_at)],
    )
    sheet.add_by_kind("cross_attention_qk_norm", _crossing_norms(sheet, stack))


def _window_effect(sheet: FactSheet) -> None:
    """A window that is not shorter than the longest sequence changes nothing, although the layers have one."""
    found = {fact.key: fact for fact in sheet.facts if fact.key in ("sliding_window", "context_length")}
    window, context = (found[key].value if key in found else None for key in ("sliding_window", "context_length"))
    if isinstance(window, int) and isinstance(context, int) and window >= context > 0:
        evidence = [*found["sliding_window"].evidence, *found["context_length"].evidence]
        sheet.add(
            "sliding_window_effect", "none: it is not shorter than the context length", evidence, status="derived"
        )


def _shared(of: _Spread, sheet: FactSheet) -> tuple[int | None, list[Evidence]]:
    """How many layers read keys and values that an earlier layer made, and where."""
    sharing = [kind for kind, what in of.found if what.shared_kv]
    count = sum(len(kind.indices) for kind in sharing)
    return count or None, [place for kind in sharing[:1] for place in attention_place(sheet, kind)]


def _crossing_norms(sheet: FactSheet, stack: Stack) -> list[OfKind]:
    """How cross attentions normalise queries and keys, where one does."""
    crossing = [
        OfKind(kind, _qk_norm(part.what), kind.mixer_kind or kind.id, sheet.place(kind, part))
        for kind in stack.kinds for part in kind.parts.mixers if isinstance(part.what, Attention) and part.what.cross
    ]  # fmt: skip
    return crossing if any(item.value != _QK_NORMS[None] for item in crossing) else []


def _ratio(what: Attention) -> str | None:
    grouped = what.heads and what.kv_heads and what.kind in ("gqa", "mqa")
    return f"{(what.heads or 0) // (what.kv_heads or 1)}:1" if grouped else None


def _gate(what: Attention) -> str:
    if not what.gated:
        return "none"
    return f"{what.gate} gate on the output" if what.gate else "gate on the output, function not seen"


def _scale(what: Attention) -> float | str | None:
    """The factor of the scores; None where it is not known."""
    if what.scaling is None or not what.head_dim:
        return None
    return USUAL_SCALE if abs(what.scaling - what.head_dim**-0.5) < 1e-6 else round(what.scaling, 9)


def position_facts(sheet: FactSheet, column: Column, roles: Roles, stack: Stack) -> None:
    """How positions enter: rotations with their span, biases, tables; nothing where nothing was seen."""
    of = _Spread(sheet, stack)
    found = of.found
    heads = {_rotated_head(a) for _, a in found if a.rope}
    together = bool(heads) and all(_turns_all_heads(what) for _, what in found if what.rope)
    unit = f"of {heads.pop()} {'for all heads together' if together else 'per head'}" if len(heads) == 1 else None
    turned = [
        OfKind(k, turned_dimensions(sheet, stack, k, a), k.mixer_kind or k.id, attention_place(sheet, k))
        for k, a in found
    ]
    sheet.add_by_kind("rope_dimensions", turned, unit=unit)
    sheet.add_by_kind("rope_layout", of(lambda a: a.rope.layout if a.rope else None))
    unseen = not any(a.positions for _, a in found)
    words, evidence = _position_words(sheet, column, roles, stack)
    if any(a.rope for _, a in found) or (unseen and found and "RoPE" in (words or "RoPE")):
        _rope_facts(sheet, stack)
    _add_words(sheet, "position_encoding", words, evidence, stack)


def _turns_all_heads(what: Attention) -> bool:
    """Whether states are rotated before they are cut into heads (EfficientLoFTR)."""
    width = what.rope.width if what.rope else None
    return bool(what.heads and what.head_dim and width == what.heads * what.head_dim > what.head_dim)


def _rotated_head(what: Attention) -> int:
    """Width of the head whose part is rotated, also where that part was cut off before."""
    return max(what.head_dim or 0, (what.rope.width if what.rope else None) or 0)


def _rope_facts(sheet: FactSheet, stack: Stack) -> None:
    """Theta, factor and scaling as the configuration states them for the rotation that each kind of layer uses."""
    settings: list[tuple[Kind, RopeSettings]] = []
    for kind, what in attentions(stack):
        if what.rope is not None or what.positions is None:
            settings.append((kind, rope_settings(sheet.context, stack, kind, attention_module(sheet, kind, what))))

    def of(trait: Callable[[RopeSettings], object], name: str) -> list[OfKind]:
        return [
            OfKind(k, trait(s), k.mixer_kind or k.id, sheet.cite(s.places[name]) if name in s.places else [])
            for k, s in settings
        ]

    sheet.add_by_kind("rope_theta", of(lambda s: s.theta, "theta"), status="config")
    sheet.add_by_kind("rope_theta", of(lambda s: s.unmatched, "theta"), status="unverified")
    sheet.add_by_kind("rope_theta", _thetas_of_code(sheet, stack))
    if any(s.partial not in (None, 1) for _, s in settings):
        shares = of(lambda s: s.partial if s.partial is not None else 1.0, "partial")
        sheet.add_by_kind("rope_partial_factor", shares, status="config")
    if any(s.scaling for _, s in settings):
        sheet.add_by_kind("rope_scaling", of(lambda s: s.scaling or "none", "scaling"), status="config")
    if any(s.sections for _, s in settings):
        sheet.add_by_kind("mrope_section", of(lambda s: s.sections, "sections"), status="config")
    elif settings and (maker := _spreads_axes(sheet, stack)) is not None:
        sheet.add("mrope_section", maker.attributes["mrope_section"], code(maker.defined_at))


def _thetas_of_code(sheet: FactSheet, stack: Stack) -> list[OfKind]:
    """The base that the frequencies of each kind follow, where no key states one."""
    found = []
    for kind, what in attentions(stack):
        base = theta_of_code(sheet.context, attention_module(sheet, kind, what)) if what.rope is not None else None
        if base is not None:
            found.append(OfKind(kind, base[0], kind.mixer_kind or kind.id, code(base[1].at)))
    return found


def _spreads_axes(sheet: FactSheet, stack: Stack) -> ModuleRecord | None:
    """The module beside the layers whose code has sections of its own for time, height and width, where nobody states any."""
    beside = sheet.context.modules.get(stack.path.rpartition(".")[0])
    found = (each for each in (beside.children.values() if beside else ()) if "mrope_section" in each.attributes)
    return next((each for each in found if isinstance(each.attributes["mrope_section"], list | tuple)), None)


def turned_dimensions(sheet: FactSheet, stack: Stack, kind: Kind, what: Attention) -> int | None:
    """Dimensions of a head that turn: those that the rotation takes, without the ones whose frequency is zero."""
    if what.rope is None:
        return None
    settings = rope_settings(sheet.context, stack, kind, attention_module(sheet, kind, what))
    span = what.rope.span
    return (settings.turned(span) if span else None) or span


def add_positions(sheet: FactSheet, key: str, column: Column, roles: Roles, stack: Stack) -> None:
    """What tells positions apart; where no pass shows the attention, the module tree alone says it."""
    _add_words(sheet, key, *_position_words(sheet, column, roles, stack), stack)


def _add_words(sheet: FactSheet, key: str, words: str | None, evidence: list[Evidence], stack: Stack) -> None:
    by_tree = is_untraced(sheet.context, stack) or (
        words is not None and "RoPE" in words and not any(what.positions for _, what in attentions(stack))
    )
    sheet.add(key, words, evidence, status="unverified" if by_tree else "verified")


def _position_words(sheet: FactSheet, column: Column, roles: Roles, stack: Stack) -> tuple[str | None, list[Evidence]]:
    """What tells positions apart, in words, and where that is seen."""
    found = attentions(stack)
    seen = {a.positions for _, a in found}
    if "rope" in seen:
        words, axes = _rotation_words(sheet, stack)
        words += f", {NOPE_SOMEWHERE}" if "none" in seen else ""
        table = _table(sheet, column, roles, stack)
        return (f"{words} and table of positions" if table else words), attention_place(
            sheet, found[0][0]
        ) + axes + table
    if "bias" in seen:
        table = _table(sheet, column, roles, stack)
        return f"relative bias{' and table of positions' if table else ''}", [
            *attention_place(sheet, found[0][0]),
            *table,
        ]
    alibi = next((e for e in sheet.context.trace.outline if e.kind == "function" and "alibi" in e.name.lower()), None)
    if found and (alibi is not None or "alibi" in seen):
        return "ALiBi", code(alibi.at) if alibi else attention_place(sheet, found[0][0])
    if found and stack.config.values.get("alibi") is True:
        return "ALiBi", sheet.cite(stack.config.prefix + "alibi")
    table = _table(sheet, column, roles, stack)
    turning = _rotating(sheet, column, roles) if seen <= {None} and not _only_states(stack) else []
    if turning:  # no pass shows whether it turns anything
        words, axes = _rotation_words(sheet, stack)
        return f"{words} and table of positions" if table else words, [*turning, *axes, *table]
    if table:
        return "table of positions", table
    fixed = fixed_table(sheet.context, stack)
    if fixed is not None:
        return fixed
    reading = next((k for k, a in found if reads_positions(attention_module(sheet, k, a), sheet.context.trace)), None)
    if reading is not None:
        return "relative bias", attention_place(sheet, reading)
    waves = next(
        (e for k, a in found if (e := scores_by_waves(attention_module(sheet, k, a), sheet.context.trace))), None
    )
    if waves is not None:
        return "relative, sinusoidal", code(waves.at)
    if seen == {"none"} and found[0][1].causal:
        return "none (NoPE)", attention_place(sheet, found[0][0])
    return None, []


def _only_states(stack: Stack) -> bool:
    """Whether all mixers of a stack carry a state, so that there is no attention whose heads could turn."""
    mixers = [part.what for kind in stack.kinds for part in kind.parts.mixers]
    return bool(mixers) and all(isinstance(what, Recurrence) for what in mixers)


def _rotation_words(sheet: FactSheet, stack: Stack) -> tuple[str, list[Evidence]]:
    """Rotations by one position, or by time, height and width, each with a section of the head (M-RoPE)."""
    maker = _spreads_axes(sheet, stack)
    return ("RoPE", []) if maker is None else ("M-RoPE", code(maker.defined_at))


def attention_module(sheet: FactSheet, kind: Kind, what: Attention) -> ModuleRecord:
    """The module of a kind's example that an attention is."""
    part = next(p for p in kind.parts.mixers if p.what is what)
    return sheet.context.modules[part.paths[0]]


def _rotating(sheet: FactSheet, column: Column, roles: Roles) -> list[Evidence]:
    """The first module of a tower that makes rotations."""
    made = (m for m in sheet.context.modules.values() if column.holds(m) and roles(m) == "rope")
    first = next(made, None)
    return code(first.created_at) if first is not None else []


_OF_TYPES = late_pattern(r"type|segment")
_TABLE_NAME = late_pattern(r"(^|[._])(pos(_|emb|$)|position)")


def _table(sheet: FactSheet, column: Column, roles: Roles, stack: Stack) -> list[Evidence]:
    """The learned table of positions of a tower: an embedding, or a matrix of a module that holds it, named so."""
    inside = [inner for module in column.around for inner in module.walk()]
    tables = [m for m in inside if roles(m) == "position_embedding" and not _OF_TYPES.search(m.name)]
    tables = [m for m in tables if not is_handed_to_layers(sheet.context, stack, m)]
    names = [t.name for m in tables for t in m.parameters.values()]
    names += [
        t.name for m in (*inside, *column.holders) if m.library is None for t in m.parameters.values()
        if sum(size != 1 for size in t.shape) > 1 and _TABLE_NAME.search(".".join(t.name.split(".")[-2:]))
    ]  # fmt: skip
    return [Evidence(kind="tensor", where=name) for name in names[:1]]
