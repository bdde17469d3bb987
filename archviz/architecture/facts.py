"""Facts of a model, each with its status and the places that support it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from archviz.architecture.attention_facts import (
    add_positions,
    attention_facts,
    attention_place,
    attentions,
    position_facts,
)
from archviz.architecture.compression_facts import compression_facts, stream_facts
from archviz.architecture.context import LAYER_KEYS, WIDTH_KEYS, ConfigPart, Context, code
from archviz.architecture.embedding_steps import embedding_factor, is_root
from archviz.architecture.fact_sheet import ConfigEvidence, FactSheet, config_evidence
from archviz.architecture.further_tokens import further_token_facts
from archviz.architecture.joined_states import joined_states
from archviz.architecture.kinds import Stack
from archviz.architecture.lent_table import lent_table
from archviz.architecture.logit_factor import logit_factor, logit_softcap, shows_logits
from archviz.architecture.mask_facts import mask_values
from archviz.architecture.model import Evidence, Fact, Parameters
from archviz.architecture.part_facts import NormPlaces, feed_forward_facts, norm_facts, recurrence_facts
from archviz.architecture.roles import Roles
from archviz.architecture.runs import is_untraced, layer_runs
from archviz.architecture.stage_facts import facts_of_stages, one_or_all
from archviz.architecture.table_roles import is_hashed, is_left_alone
from archviz.architecture.towers import Column, is_causal
from archviz.interpreter.reading import ModuleRecord
from archviz.late_patterns import late_pattern
from archviz.patterns.feed_forward import FeedForward
from archviz.patterns.moe import MixtureOfExperts
from archviz.patterns.position_mixers import PositionMixer

CONTEXT_KEYS = (
    "max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "n_ctx", "max_sequence_length",
    "max_target_positions", "model_max_length",
)  # fmt: skip


_SAME = 1e-9  # how far a factor may be from a rule
UNTRACED = "not traced: order and connections are derived from the module tree"


def build_facts(
    context: Context, roles: Roles, columns: list[Column], parameters: Parameters,
    placements: dict[str, NormPlaces], cite: ConfigEvidence | None = None,
) -> list[Fact]:  # fmt: skip
    """All facts of a model.

    Args:
        placements: Norm placement and whether mixer and feed-forward are parallel, by layer kind (`stack path/kind id`).
    """
    sheet, stack = FactSheet(context, cite or config_evidence), None
    sheet.add("architecture", context.reading.class_name, code(context.reading.root.defined_at))
    sheet.from_config(context.configs[0], "model_type")
    main = next((c for c in columns if c.is_main and c.id in ("text", "decoder")), columns[0] if columns else None)
    if main is not None and main.stacks:
        sheet.tower = main.id
        stack = max(main.stacks, key=lambda s: len(s.layers))
        _sizes(sheet, roles, main, stack)
        known, staged = {fact.key for fact in sheet.facts}, _is_staged(main)
        found = facts_of_stages(
            stack, main.stacks if staged else [stack], lambda own: _of_layers(sheet, main, roles, own, placements)
        )
        sheet.facts += [fact for fact in found if fact.key not in known]
        _settings(sheet, main.stacks[0], stack.config)
    further_token_facts(sheet, stack, parameters)
    _others(sheet, roles, columns, main)
    _ties(sheet, roles, columns)
    for column in columns:
        if any(is_untraced(context, own) for own in column.stacks):
            at = code(column.stacks[0].layers[0].defined_at)
            sheet.add(f"{column.id}_trace", UNTRACED, at, status="unverified")
    sheet.add("parameters", parameters.total, status="verified")
    sheet.add("active_parameters", parameters.active, status="derived", unit="per token")
    return sheet.facts


def _of_layers(
    sheet: FactSheet, column: Column, roles: Roles, stack: Stack, placements: dict[str, NormPlaces]
) -> list[Fact]:
    """What mixers, feed-forwards and norms of a stack are, beside what is known of the tower."""
    own = FactSheet(sheet.context, sheet.cite, column.id, list(sheet.facts))
    attention_facts(own, stack, column.stacks)
    compression_facts(own, stack)
    position_facts(own, column, roles, stack)
    recurrence_facts(own, stack)
    feed_forward_facts(own, stack)
    norm_facts(own, stack, placements)
    stream_facts(own, stack)
    return own.facts


def _is_staged(column: Column) -> bool:
    """Whether the stacks of a tower are stages of one encoder."""
    return len(column.stacks) > 1 and column.id.partition("_")[0] in ("vision", "audio")


def _ties(sheet: FactSheet, roles: Roles, columns: list[Column]) -> None:
    """Whether the output head shares the embedding's table."""
    inside = [inner for column in columns for m in column.around for inner in m.walk()]
    tables = {t.name for m in inside if roles(m) == "embedding" for t in m.parameters.values()}
    heads = [m for column in columns for m in column.around if roles(m) == "head"]
    shared = {t.name: sheet.context.reading.tied.get(t.name) for m in heads for t in m.parameters.values()}
    # A head inside another module, or a table that borrows the head's matrix.
    shared |= {
        a: b
        for a, b in sheet.context.reading.tied.items()
        if (a in tables) != (b in tables) and _is_below(a, b, inside)
    }
    if not tables and not any(shared.values()):
        return  # a classifier of images looks nothing up
    if not shared:
        lent = lent_table(sheet.context, tables)
        sheet.add("tied_embeddings", True if lent is not None else None, code(lent.at) if lent is not None else [])
        return
    evidence = [Evidence(kind="tensor", where=f"{a} = {b}") for a, b in shared.items() if b]
    stated = [e for part in sheet.context.configs for e in sheet.agreeing(part, bool(evidence), "tie_word_embeddings")]
    sheet.add(
        "tied_embeddings", bool(evidence), (evidence or [Evidence(kind="tensor", where=n) for n in shared]) + stated[:1]
    )


def _is_below(alias: str, owner: str, modules: list[ModuleRecord]) -> bool:
    """Whether both tensors belong to modules around the layers."""
    names = {t.name for m in modules for t in m.parameters.values()}
    return alias in names and owner in names


def _sizes(sheet: FactSheet, roles: Roles, column: Column, stack: Stack) -> None:
    config = stack.config
    sheet.from_config(config, "context_length", *CONTEXT_KEYS, unit="tokens")
    vocabulary = _vocabulary(sheet.context, roles, column)
    if vocabulary is not None:
        size, name = vocabulary
        table, head = [Evidence(kind="tensor", where=name)], _head_of(roles, column, config.values.get("vocab_size"))
        if head is not None and head[0] < size:  # rows of the table that no output has
            sheet.add("embedding_rows", size, table)
            size, table = head[0], [Evidence(kind="tensor", where=head[1])]
        sheet.add("vocabulary_size", size, [*table, *sheet.agreeing(config, size, "vocab_size")])
    _layers(sheet, column, stack)
    key = "encoder_type" if column.encodes else "decoder_type" if _decodes(column) else None
    if key is not None:
        sheet.add(key, _decoder_type(stack), code(stack.layers[0].defined_at), status="derived")


def _layers(sheet: FactSheet, column: Column, stack: Stack) -> None:
    """Layers that a pass runs, their weights shared or not; of an encoder in stages the sum, and each stage's layers and width."""
    staged = _is_staged(column)
    runs = _runs(sheet.context, column, stack)
    layers = sum(len(own.layers) for own in column.stacks) if staged else runs or len(stack.layers)
    at = code(stack.layers[0].created_at)
    sheet.add("layers", layers, [*at, *sheet.agreeing(stack.config, layers, *LAYER_KEYS)])
    widths = [own.width for own in column.stacks]
    if staged:
        sheet.add("stages", len(column.stacks), at)
        sheet.add("stage_layers", [len(own.layers) for own in column.stacks], at)
        sheet.add("stage_hidden_sizes", widths if None not in widths else None, at)
    if not staged or len(set(widths)) == 1:
        proof = [*_width_evidence(sheet, stack), *sheet.agreeing(stack.config, stack.width, *WIDTH_KEYS)]
        sheet.add("hidden_size", stack.width, proof)
    if runs:
        call = sheet.context.trace.call(stack.layers[0].path)
        sets = sum(len(own.layers) for own in column.stacks)
        text = f"{sets} set{'s' if sets > 1 else ''} of weights for {runs} layers"
        sheet.add("shared_layers", text, code(call.at if call else None))


def _runs(context: Context, column: Column, stack: Stack) -> int | None:
    """Layers that a pass runs in all stacks of a tower, where the first stack's run more than once; else None."""
    runs = layer_runs(context, stack)
    if runs is None:
        return None
    others = (own for own in column.stacks if own is not stack)
    return runs + sum(layer_runs(context, own) or len(own.layers) for own in others)


def _decodes(column: Column) -> bool:
    """Whether a tower writes text: its layers look back only, or hold mixers that say nothing else, beside no encoder."""
    return (
        column.is_main
        and column.id.partition("_")[0] != "encoder"
        and (
            is_causal(column) is True or (is_causal(column) is None and any(m.name == "lm_head" for m in column.around))
        )
    )


def _decoder_type(stack: Stack) -> str:
    """Dense or sparse, and hybrid when layers mix in different ways."""
    mixers = (part.what for kind in stack.kinds for part in kind.parts.mixers)
    families = {type(what) for what in mixers if not isinstance(what, PositionMixer)}
    sparse = any(isinstance(part.what, MixtureOfExperts) for kind in stack.kinds for part in kind.parts.feeds)
    return ("Sparse MoE" if sparse else "Dense") + (", hybrid" if len(families) > 1 else "")


_NO_WORDS = late_pattern(r"time|freq|type|segment", re.IGNORECASE)


def _vocabulary(context: Context, roles: Roles, column: Column) -> tuple[int, str] | None:
    """The rows of the largest table, with its tensor; none where the tower looks up no ids that come in (a decoder of masks).

    Tables of time steps or kinds hold no words, nor do those of which a pass looks no rows up (points of reference).
    """
    if column.looks_ids_up is False:
        return None
    sizes = [
        (tensor.shape[0] or 0, tensor.name)
        for module in column.around for inner in module.walk()
        if roles(inner) == "embedding" and not _NO_WORDS.search(inner.name) and not is_left_alone(context, inner)
        and not is_hashed(context.trace, inner)
        for tensor in inner.parameters.values()
    ]  # fmt: skip
    return max(sizes, key=lambda pair: pair[0], default=None)


def _head_of(roles: Roles, column: Column, size: object) -> tuple[int, str] | None:
    """The output head that writes as many words as a configuration states, with its matrix."""
    matrices = [t for module in column.around if roles(module) == "head" for t in module.parameters.values()]
    return next(((t.shape[0] or 0, t.name) for t in matrices if len(t.shape) == 2 and t.shape[0] == size), None)


def _width_evidence(sheet: FactSheet, stack: Stack) -> list[Evidence]:
    norm = next(iter(stack.kinds[0].parts.norms), None)
    weights = list(sheet.context.modules[norm].parameters.values()) if norm else []
    return [Evidence(kind="tensor", where=weights[0].name)] if weights else []


def _settings(sheet: FactSheet, stack: Stack, config: ConfigPart) -> None:
    _bounded_logits(sheet, config)
    sheet.from_config(config, "logit_scale")
    sheet.from_config(config, "logits_scaling")
    _scaled_logits(sheet)
    sheet.from_config(config, "embedding_multiplier")
    _scaled_embeddings(sheet, stack)
    sheet.from_config(config, "residual_multiplier")
    for part in (config, sheet.context.configs[0]):
        sheet.from_config(part, "dtype", "dtype", "torch_dtype")


def _bounded_logits(sheet: FactSheet, config: ConfigPart) -> None:
    """The softcap of the logits as the code applies it; as the configuration states it where no pass shows it."""
    known = {fact.key: fact.value for fact in sheet.facts}
    found = logit_softcap(sheet.context.trace, known.get("vocabulary_size"))
    if found is not None:
        stated = sheet.agreeing(config, found[0], "final_logit_softcapping")
        sheet.add("logit_softcap", found[0], [*code(found[1]), *stated])
    elif not shows_logits(sheet.context.trace, known.get("vocabulary_size")):
        sheet.from_config(config, "logit_softcap", "final_logit_softcapping")


def _scaled_logits(sheet: FactSheet) -> None:
    """The factor of the logits that the code has, where no key states one."""
    known = {fact.key: fact.value for fact in sheet.facts}
    if "logit_scale" in known or "logits_scaling" in known or "vocabulary_size" not in known:
        return
    found = logit_factor(sheet.context.trace, known["vocabulary_size"])
    if found is not None:
        root = known.get("hidden_size")
        unit = "= d^-0.5" if isinstance(root, int) and abs(found[0] - root**-0.5) < _SAME else None
        sheet.add("logit_scale", found[0], code(found[1]), unit=unit)


def _scaled_embeddings(sheet: FactSheet, stack: Stack) -> None:
    """The factor of the embeddings that the code has, where no key states one."""
    found = embedding_factor(sheet.context, stack)
    if found is not None and all(fact.key != "embedding_multiplier" for fact in sheet.facts):
        unit = "= √d" if is_root(found[0], stack.width) else None
        sheet.add("embedding_scale", float(f"{found[0]:.6g}"), code(found[2].at), unit=unit)


def _inner_widths(column: Column) -> Iterator[int]:
    """The inner width of the first feed-forward of each stack."""
    for stack in column.stacks:
        parts = [part.what for kind in stack.kinds for part in kind.parts.feeds]
        yield from [what.hidden for what in parts if isinstance(what, FeedForward)][:1]


def _others(sheet: FactSheet, roles: Roles, columns: list[Column], main: Column | None) -> None:
    """Layers, widths, heads, feed-forwards and positions of the further towers."""
    for column in columns:
        if column is main or not column.stacks:
            continue
        sheet.tower = column.id
        layers = sum(len(stack.layers) for stack in column.stacks)
        stack = column.stacks[0]
        at = code(stack.layers[0].created_at)
        sheet.add(f"{column.id}_layers", layers, at + sheet.agreeing(stack.config, layers, *LAYER_KEYS))
        if len(column.stacks) > 1:
            widths = [own.width for own in column.stacks if own.width]
            sheet.add(f"{column.id}_hidden_sizes", widths if len(set(widths)) > 1 else None, at)
        if len({own.width for own in column.stacks}) == 1:
            sheet.add(f"{column.id}_hidden_size", stack.width, _width_evidence(sheet, stack))
        firsts = [found[0][1] for own in column.stacks if (found := attentions(own))]
        for kind, _ in attentions(stack)[:1]:
            place = attention_place(sheet, kind)
            sheet.add(f"{column.id}_attention_heads", one_or_all(what.heads for what in firsts), place)
            sheet.add(f"{column.id}_head_dim", one_or_all(what.head_dim for what in firsts), place)
        sheet.add_by_kind(f"{column.id}_attention_mask", mask_values(sheet, attentions(stack)))
        for kind, part in [(k, p) for k in stack.kinds for p in k.parts.feeds][:1]:
            if isinstance(part.what, FeedForward):
                sheet.add(f"{column.id}_feed_forward", part.what.title, sheet.place(kind, part))
                sheet.add(f"{column.id}_intermediate_size", one_or_all(_inner_widths(column)), sheet.place(kind, part))
        add_positions(sheet, f"{column.id}_position_encoding", column, roles, stack)
        sheet.add(f"{column.id}_states_joined", *(joined_states(sheet.context, column.stacks) or (None,)))
