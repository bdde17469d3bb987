"""Facts of a model card, each with its status and the places that support it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import field

from archviz.architecture.context import LAYER_KEYS, WIDTH_KEYS, ConfigPart, Context, code
from archviz.architecture.kinds import Stack
from archviz.architecture.model import Evidence, Fact, Parameters
from archviz.architecture.naming import Kind, main_mixer
from archviz.architecture.roles import Roles
from archviz.architecture.towers import Column, is_causal
from archviz.patterns.attention import Attention
from archviz.patterns.feed_forward import FeedForward
from archviz.patterns.layer_parts import Part
from archviz.patterns.moe import MixtureOfExperts
from archviz.patterns.recurrences import Recurrence
from archviz.records import record
from archviz.spans import Status

ConfigEvidence = Callable[[str], list[Evidence]]

CONTEXT_KEYS = (
    "max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "n_ctx", "max_sequence_length",
    "max_target_positions", "model_max_length",
)  # fmt: skip
KIND_NAMES = {
    "mha": "multi-head (MHA)",
    "gqa": "grouped-query (GQA)",
    "mqa": "multi-query (MQA)",
    "mla": "multi-head latent (MLA)",
}
PLACEMENT = {
    "pre": "pre-norm",
    "post": "post-norm",
    "sandwich": "sandwich norm",
    "post_residual": "post-norm (after the sum)",
}


def config_evidence(key: str) -> list[Evidence]:
    """Evidence that names a configuration key."""
    return [Evidence(kind="config", where=key)]


@record
class FactSheet:
    """Facts in the making.

    Args:
        cite: Evidence for a configuration key; whoever knows where the configuration came from may say more.
    """

    context: Context
    cite: ConfigEvidence = config_evidence
    facts: list[Fact] = field(default_factory=list)

    def add(
        self, key: str, value: object, evidence: list[Evidence] | None = None, *,
        status: Status = "verified", unit: str | None = None,
    ) -> None:  # fmt: skip
        """State a fact, unless its value is unknown or it is stated already."""
        if value is not None and all(fact.key != key for fact in self.facts):
            self.facts.append(Fact(key=key, value=value, unit=unit, status=status, evidence=evidence or []))

    def from_config(self, config: ConfigPart, key: str, *names: str, unit: str | None = None) -> None:
        """State what only the configuration says."""
        found = config.find(*(names or (key,)))
        if found is not None and not isinstance(found[1], (dict, list)):
            self.add(key, found[1], self.cite(found[0]), status="config", unit=unit)

    def agreeing(self, config: ConfigPart, value: object, *names: str) -> list[Evidence]:
        """The configuration keys that state the same value."""
        stating = [name for name in names if value is not None and config.values.get(name) == value]
        return [evidence for name in stating for evidence in self.cite(config.prefix + name)]

    def place(self, kind: Kind, part: Part) -> list[Evidence]:
        """The code that defines a part: its class, or the layer's when it is spelt out there."""
        module = self.context.modules[part.paths[0]] if len(part.paths) == 1 else kind.example
        return code(module.defined_at)


def build_facts(
    context: Context, roles: Roles, columns: list[Column], parameters: Parameters,
    placements: dict[str, tuple[str | None, bool]], cite: ConfigEvidence | None = None,
) -> list[Fact]:  # fmt: skip
    """All facts of a model.

    Args:
        placements: Norm placement and whether mixer and feed-forward are parallel, by layer kind (`stack path/kind id`).
    """
    sheet = FactSheet(context, cite or config_evidence)
    sheet.add("architecture", context.reading.class_name, code(context.reading.root.defined_at))
    sheet.from_config(context.configs[0], "model_type")
    main = next((c for c in columns if c.is_main and c.id in ("text", "decoder")), columns[0] if columns else None)
    if main is not None and main.stacks:
        stack = max(main.stacks, key=lambda s: len(s.layers))
        _sizes(sheet, roles, main, stack)
        _attention(sheet, stack)
        _positions(sheet, main, roles, stack)
        _recurrences(sheet, stack)
        _feed_forwards(sheet, stack)
        _norms(sheet, stack, placements)
        _settings(sheet, stack.config)
    stacked = max((len(s.layers) for s in main.stacks), default=0) if main is not None else 0
    _multi_token_prediction(sheet, stacked)
    _others(sheet, columns, main)
    _ties(sheet, roles, columns)
    sheet.add("parameters", parameters.total, status="verified")
    sheet.add("active_parameters", parameters.active, status="derived", unit="per token")
    return sheet.facts


def _ties(sheet: FactSheet, roles: Roles, columns: list[Column]) -> None:
    """Whether the output head shares the embedding's table."""
    heads = [m for column in columns for m in column.around if roles(m) == "head"]
    if not heads:
        return
    shared = {t.name: sheet.context.reading.tied.get(t.name) for m in heads for t in m.parameters.values()}
    evidence = [Evidence(kind="tensor", where=f"{a} = {b}") for a, b in shared.items() if b]
    stated = [e for part in sheet.context.configs for e in sheet.agreeing(part, bool(evidence), "tie_word_embeddings")]
    sheet.add(
        "tied_embeddings", bool(evidence), (evidence or [Evidence(kind="tensor", where=n) for n in shared]) + stated[:1]
    )


def _sizes(sheet: FactSheet, roles: Roles, column: Column, stack: Stack) -> None:
    config = stack.config
    sheet.from_config(config, "context_length", *CONTEXT_KEYS, unit="tokens")
    vocabulary = _vocabulary(sheet, roles, column)
    if vocabulary is not None:
        size, name = vocabulary
        sheet.add(
            "vocabulary_size", size, [Evidence(kind="tensor", where=name), *sheet.agreeing(config, size, "vocab_size")]
        )
    sheet.add(
        "hidden_size", stack.width, [*_width_evidence(sheet, stack), *sheet.agreeing(config, stack.width, *WIDTH_KEYS)]
    )
    layers = len(stack.layers)
    sheet.add(
        "layers", layers, [*code(stack.layers[0].created_at), *sheet.agreeing(config, layers, *_layer_keys(column))]
    )
    key = "encoder_type" if is_causal(column) is False else "decoder_type"
    sheet.add(key, _decoder_type(stack), code(stack.layers[0].defined_at), status="derived")


def _layer_keys(column: Column) -> list[str]:
    """Configuration keys that count the layers of this tower and not of the other half."""
    other = {"decoder": "encoder", "encoder": "decoder"}.get(column.id)
    return [key for key in LAYER_KEYS if other is None or other not in key]


def _decoder_type(stack: Stack) -> str:
    """Dense or sparse, and hybrid when layers mix in different ways."""
    families = {type(part.what) for kind in stack.kinds for part in kind.parts.mixers}
    sparse = any(isinstance(part.what, MixtureOfExperts) for kind in stack.kinds for part in kind.parts.feeds)
    return ("Sparse MoE" if sparse else "Dense") + (", hybrid" if len(families) > 1 else "")


def _vocabulary(sheet: FactSheet, roles: Roles, column: Column) -> tuple[int, str] | None:
    sizes = [
        (tensor.shape[0] or 0, tensor.name)
        for module in column.around for inner in module.walk() if roles(inner) == "embedding"
        for tensor in inner.parameters.values()
    ]  # fmt: skip
    return max(sizes, key=lambda pair: pair[0], default=None)


def _width_evidence(sheet: FactSheet, stack: Stack) -> list[Evidence]:
    norm = next(iter(stack.kinds[0].parts.norms), None)
    weights = list(sheet.context.modules[norm].parameters.values()) if norm else []
    return [Evidence(kind="tensor", where=weights[0].name)] if weights else []


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


def _place(sheet: FactSheet, kind: Kind) -> list[Evidence]:
    part = next(p for p in kind.parts.mixers if isinstance(p.what, Attention))
    return code(sheet.context.modules[part.paths[0]].defined_at)  # its output projection may stand elsewhere


def _attention(sheet: FactSheet, stack: Stack) -> None:
    found = attentions(stack)
    if not found:
        return
    kind, what = found[0]
    at, config = _place(sheet, kind), stack.config
    spread = {key: _by_kind(found, key) for key in ("heads", "kv_heads", "head_dim")}
    sheet.add("attention_kind", KIND_NAMES.get(what.kind or ""), at)
    heads = (
        "num_attention_heads",
        "n_head",
        "n_heads",
        "num_heads",
        "encoder_attention_heads",
        "decoder_attention_heads",
    )
    sheet.add("attention_heads", spread["heads"], at + sheet.agreeing(config, what.heads, *heads))
    sheet.add(
        "kv_heads",
        spread["kv_heads"],
        at + sheet.agreeing(config, what.kv_heads, "num_key_value_heads", "num_kv_heads"),
    )
    if what.heads and what.kv_heads and what.kind in ("gqa", "mqa"):
        sheet.add("attention_ratio", f"{what.heads // what.kv_heads}:1", at, status="derived", unit="query:KV heads")
    sheet.add("head_dim", spread["head_dim"], at + sheet.agreeing(config, what.head_dim, "head_dim", "d_kv"))
    if what.value_dim != what.head_dim:
        sheet.add("value_head_dim", what.value_dim, at + sheet.agreeing(config, what.value_dim, "v_head_dim"))
    sheet.add("query_rank", what.ranks[0], at + sheet.agreeing(config, what.ranks[0], "q_lora_rank"))
    sheet.add("kv_rank", what.ranks[1], at + sheet.agreeing(config, what.ranks[1], "kv_lora_rank"))
    norm = {"head": "per head", "whole": "over the whole projection", None: "none"}[what.qk_norm]
    sheet.add("qk_norm", norm, at)
    sheet.add("attention_gate", "sigmoid gate on the output" if what.gated else None, at)
    sheet.add("attention_sinks", True if what.sinks else None, at)
    sheet.add("attention_softcap", what.softcap, at)
    masks = [a.mask for _, a in found if a.mask is not None]
    if len(masks) == len(found):
        stated = {k.mixer_kind or k.id: a.mask.kind for k, a in found if a.mask}
        words: object = next(iter(stated.values())) if len(set(stated.values())) == 1 else stated
        lines = dict.fromkeys(m.made_at or m.used_at for m in masks)
        sheet.add("attention_mask", words, [e for line in lines for e in code(line)])
    windows = {a.span: a.window for _, a in found if a.window}
    for span, window in windows.items():
        key = "attention_chunk" if span == "chunked" else "sliding_window"
        sheet.add(
            key, window, at + sheet.agreeing(config, window, "sliding_window", "attention_chunk_size"), unit="tokens"
        )


def _by_kind(found: list[tuple[Kind, Attention]], key: str) -> object:
    """One value where all kinds of layers agree, else a value per kind."""
    values = {kind.mixer_kind or kind.id: getattr(what, key) for kind, what in found}
    return next(iter(values.values())) if len(set(values.values())) == 1 else values


def _positions(sheet: FactSheet, column: Column, roles: Roles, stack: Stack) -> None:
    """How positions enter: rotations with their span, biases, tables; nothing where nothing was seen."""
    found = attentions(stack)
    rotated = [(kind, a) for kind, a in found if a.rope is not None]
    for kind, what in rotated[:1]:
        rope = what.rope
        assert rope is not None
        at = _place(sheet, kind)
        spans = {k.mixer_kind or k.id: a.rope.span for k, a in rotated if a.rope}
        head = what.head_dim if what.kind == "mla" else rope.width
        same = len(set(spans.values())) == 1
        sheet.add(
            "rope_dimensions", rope.span if same else spans, at, unit=f"of {head} per head" if head and same else None
        )
        sheet.add("rope_layout", rope.layout, at)
    unseen = not any(a.positions for _, a in found)
    if rotated or (unseen and found):
        _rope_settings(sheet, stack.config, stack.config.find("rope_parameters", "rope_scaling"))
    sheet.add("position_encoding", *_position_words(sheet, column, roles, stack, found))


def _position_words(
    sheet: FactSheet, column: Column, roles: Roles, stack: Stack, found: list[tuple[Kind, Attention]]
) -> tuple[str | None, list[Evidence]]:
    seen = {a.positions for _, a in found}
    if "rope" in seen:
        return "RoPE" + (", none in some layers (NoPE)" if "none" in seen else ""), _place(sheet, found[0][0])
    if "bias" in seen:
        return "relative bias", _place(sheet, found[0][0])
    alibi = next((e for e in sheet.context.trace.events if e.kind == "function" and "alibi" in e.name.lower()), None)
    if alibi is not None or stack.config.values.get("alibi") is True:
        return "ALiBi", code(alibi.at) if alibi else sheet.cite(stack.config.prefix + "alibi")
    tables = [inner for m in column.around for inner in m.walk() if roles(inner) == "position_embedding"]
    if tables:
        return "table of positions", [Evidence(kind="tensor", where=t.name) for t in tables[0].parameters.values()][:1]
    return ("none (NoPE)", _place(sheet, found[0][0])) if seen == {"none"} and found[0][1].causal else (None, [])


def _rope_settings(sheet: FactSheet, config: ConfigPart, found: tuple[str, object] | None) -> None:
    """Theta, span and scaling; per kind of layer where the configuration says so."""
    values = found[1] if found and isinstance(found[1], dict) else {}
    where = found[0] if found else ""
    nested = {key: value for key, value in values.items() if isinstance(value, dict) and "rope_theta" in value}
    for name in ("rope_theta", "partial_rotary_factor", "rope_type") if nested else ():
        stated = {key: value.get(name) for key, value in nested.items()}
        if any(value not in (None, 1, 1.0, "default") for value in stated.values()):
            sheet.add(name if "rope" in name else "rope_partial_factor", stated, sheet.cite(where), status="config")
    if nested:
        return
    theta = values.get("rope_theta")
    if theta is not None:
        sheet.add("rope_theta", theta, sheet.cite(f"{where}.rope_theta"), status="config")
    sheet.from_config(config, "rope_theta", "rope_theta", "rotary_emb_base", "rotary_base")
    partial = values.get("partial_rotary_factor") or config.values.get("partial_rotary_factor")
    sheet.add("rope_partial_factor", partial if partial not in (1, 1.0) else None, sheet.cite(where), status="config")
    kind = values.get("rope_type", values.get("type"))
    if kind not in (None, "default"):
        shown = {
            k: v for k, v in values.items() if isinstance(v, (int, float, str)) and k not in ("rope_theta", "type")
        }
        sheet.add("rope_scaling", shown, sheet.cite(where), status="config")
    section = values.get("mrope_section")
    sheet.add("mrope_section", section, sheet.cite(f"{where}.mrope_section"), status="config")


def _recurrences(sheet: FactSheet, stack: Stack) -> None:
    for kind in stack.kinds:
        for part in kind.parts.mixers:
            if isinstance(part.what, Recurrence):
                sheet.add(part.what.kind, dict(part.what.sizes) or True, sheet.place(kind, part))


def _feed_forwards(sheet: FactSheet, stack: Stack) -> None:
    for kind in stack.kinds:
        for part in kind.parts.feeds:
            at = sheet.place(kind, part)
            if isinstance(part.what, MixtureOfExperts):
                _experts(sheet, part.what, at, stack.config)
            elif isinstance(part.what, FeedForward):
                keys = ("intermediate_size", "n_inner", "ffn_dim", "d_ff", "decoder_ffn_dim", "encoder_ffn_dim")
                sheet.add("feed_forward", part.what.title, at)
                sheet.add(
                    "intermediate_size", part.what.hidden, at + sheet.agreeing(stack.config, part.what.hidden, *keys)
                )
                _activation(sheet, part.what.activation, at, stack.config)


def _activation(sheet: FactSheet, activation: str | None, at: list[Evidence], config: ConfigPart) -> None:
    keys = ("hidden_act", "hidden_activation", "activation_function", "mlp_hidden_act", "feed_forward_proj")
    sheet.add("activation", activation, at)
    sheet.from_config(config, "activation", *keys)


def _experts(sheet: FactSheet, what: MixtureOfExperts, at: list[Evidence], config: ConfigPart) -> None:
    counts = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")
    chosen = ("num_experts_per_tok", "top_k", "moe_top_k", "moe_topk", "num_experts_per_token")
    sheet.add("experts", what.count, at + sheet.agreeing(config, what.count, *counts))
    sheet.add("experts_per_token", what.top_k, at + sheet.agreeing(config, what.top_k, *chosen))
    if what.top_k:
        sheet.add(
            "expert_sparsity",
            f"{what.top_k}/{what.count} ({100 * what.top_k / what.count:.3g} %)",
            at,
            status="derived",
        )
    hidden = ("moe_intermediate_size", "intermediate_size", "expert_ffn_hidden_size")
    sheet.add("expert_hidden_size", what.hidden, at + sheet.agreeing(config, what.hidden, *hidden))
    sheet.add("shared_expert_hidden_size", what.shared_hidden, at)
    sheet.add("shared_expert_gate", "sigmoid" if what.shared_gate else None, at)
    sheet.add("router_score", what.score, at)
    sheet.add("router_normalised", what.normalised, at)
    sheet.add("router_correction_bias", what.correction_bias, at)
    sheet.add("router_scaling", what.scaling, at + sheet.agreeing(config, what.scaling, "routed_scaling_factor"))
    if what.groups:
        sheet.add("router_groups", f"{what.groups[1]} of {what.groups[0]}", at)
    _activation(sheet, what.activation, at, config)


def _norms(sheet: FactSheet, stack: Stack, placements: dict[str, tuple[str | None, bool]]) -> None:
    kind = stack.kinds[0]
    norms = list(kind.parts.norms.items())
    if norms:
        path, norm = norms[0]
        module = sheet.context.modules[path]
        sheet.add("norm", norm.kind, code(module.defined_at or module.created_at))
        eps = ("rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon", "norm_eps", "layernorm_epsilon", "norm_epsilon")
        sheet.add("norm_eps", norm.eps, code(module.created_at) + sheet.agreeing(stack.config, norm.eps, *eps))
    placed = placements.get(f"{stack.path}/{kind.id}")
    if placed is not None:
        at = code(kind.example.defined_at)
        sheet.add("norm_placement", PLACEMENT.get(placed[0] or ""), at)
        sheet.add("parallel_block", True if placed[1] else None, at)


def _settings(sheet: FactSheet, config: ConfigPart) -> None:
    sheet.from_config(config, "logit_softcap", "final_logit_softcapping")
    sheet.from_config(config, "logit_scale")
    sheet.from_config(config, "embedding_multiplier")
    sheet.from_config(config, "residual_multiplier")
    for part in (config, sheet.context.configs[0]):
        sheet.from_config(part, "dtype", "dtype", "torch_dtype")


def _multi_token_prediction(sheet: FactSheet, layers: int) -> None:
    """Layers that predict further tokens: built by the class, or only in the checkpoint, which the class says it ignores."""
    reading = sheet.context.reading
    built = [m for m in reading.root.walk() if re.search(r"(^|_)(mtp|nextn)(_|$)|multi_token_pred", m.name.lower())]
    ignored = [at for pattern, at in reading.ignored if re.search(rf"mtp|nextn|layers\\?\.{layers}(?!\d)", pattern)]
    evidence = [each for at in ignored for each in code(at)]
    unit = "built by the class" if built else "not built by the class"
    for part in sheet.context.configs:
        found = part.find("num_nextn_predict_layers", "mtp_num_hidden_layers", "num_mtp_layers", "num_mtp_modules")
        if found and isinstance(found[1], int) and found[1] > 0:
            proof = code(built[0].created_at) if built else evidence
            sheet.add(
                "mtp_layers",
                found[1],
                sheet.cite(found[0]) + proof,
                status="verified" if built else "config",
                unit=unit,
            )
    if built:
        sheet.add("mtp", unit, code(built[0].created_at or built[0].defined_at))
    elif ignored:
        sheet.add("mtp", "not built by the class, which ignores its weights", evidence)


def _others(sheet: FactSheet, columns: list[Column], main: Column | None) -> None:
    """Layers and widths of the further towers."""
    for column in columns:
        if column is main or not column.stacks:
            continue
        layers = sum(len(stack.layers) for stack in column.stacks)
        stack = column.stacks[0]
        at = code(stack.layers[0].created_at)
        sheet.add(f"{column.id}_layers", layers, at + sheet.agreeing(stack.config, layers, *_layer_keys(column)))
        sheet.add(f"{column.id}_hidden_size", stack.width, _width_evidence(sheet, stack))
        for kind, what in attentions(stack)[:1]:
            sheet.add(f"{column.id}_attention_heads", what.heads, _place(sheet, kind))
