"""Attention: kind, heads, window, gate, QK-norm, low-rank compressions, and what happens to the scores."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from archviz.interpreter.reading import POSITION_BIAS, Event, ModuleRecord, ValueRef
from archviz.patterns.activations import clamp_bounds, number_in
from archviz.patterns.attention import Attention, find_gate
from archviz.patterns.attention_projections import find_projections
from archviz.patterns.compression import grouped_projections, indexers, pooled_positions
from archviz.patterns.linears import has_bias, linear_sizes
from archviz.patterns.masks import Mask
from archviz.patterns.norms import detect_norm
from archviz.patterns.op_families import PLUMBING, activation_of, canonical
from archviz.patterns.operand_factors import is_attention_function, is_core
from archviz.patterns.score_path import ScorePath, find_score_path
from archviz.patterns.torch_attention import is_torch_attention
from archviz.spans import Span, Status
from archviz.verify.claims import Claim
from archviz.verify.formula_claims import formula
from archviz.verify.head_order import head_order
from archviz.verify.keys_elsewhere import keys_elsewhere
from archviz.verify.local_settings import local_settings
from archviz.verify.query_norms import QK_NORM, computed_norm, named_alone
from archviz.verify.view import LayerView

KINDS = {"mha": "MHA", "gqa": "GQA", "mqa": "MQA", "mla": "MLA"}
_LONG = 40  # steps back from the values


def attention_claims(view: LayerView) -> Iterator[Claim]:
    """All claims about an attention part but its positions."""
    what = view.part.what if view.part else None
    if not isinstance(what, Attention):
        return
    core = _core_line(view)
    kind = KINDS.get(what.kind or "")
    yield view.claim("attention.kind", kind or "not understood", core, status="verified" if kind else "unverified")
    for key, value in _sizes(what):
        if value is not None:
            yield view.claim(key, value, core)
    yield from _span(view, what)
    yield from local_settings(view)
    yield from _ranks(view, what)
    yield from _grouped_output(view)
    yield from _compression(view)
    yield from _shared_values(view)
    yield from keys_elsewhere(view, _core(view))
    yield from _biases(view)
    path = find_score_path(view.trace, view.call)
    computed = computed_norm(view, path, _core(view)) if not what.qk_norms else None
    named = QK_NORM.get(what.qk_norm or "", "none") + named_alone(what.qk_norms)
    words, lines = computed or (named, _norm_lines(view))
    yield view.claim("attention.qk_norm", words, *lines)
    yield from inner_norms(view, "attention.norms")
    if what.gated:
        yield from _gate(view)
    yield from _clamps(view)
    if path is not None:
        yield from _scores(view, what, path)
    elif is_torch_attention(view.module):
        yield view.claim("attention.scale", round(what.scaling or 0.0, 9), view.module.created_at)
        yield view.claim("attention.score_function", "softmax", view.module.created_at)
    yield from _value_scale(view)


def _clamps(view: LayerView) -> Iterator[Claim]:
    """Bounds that what the projections give is kept within."""
    if view.call is None:
        return
    origins, found = view.origins(view.call), list[tuple[str, Event]]()
    for event in view.trace.own(view.call):
        bounds = clamp_bounds(event) if event.kind == "op" and canonical(event.name) in ("clamp", "clip") else None
        names = origins.words(event.inputs[0]) if bounds is not None and event.inputs else []
        if len(names) == 1:
            found.append((f"{names[0]}: {bounds}", event))
    if found:
        yield view.claim("attention.clamp", [words for words, _ in found], *(event.at for _, event in found))


def _core(view: LayerView) -> Event | None:
    return next((e for e in view.trace.own(view.call) if is_core(e)), None) if view.call is not None else None


def _value_scale(view: LayerView) -> Iterator[Claim]:
    """The constant that values are multiplied by on the way from their projection into the attention."""
    core = _core(view)
    if core is None or view.lineage is None or core.inputs[2].id in (core.inputs[0].id, core.inputs[1].id):
        return
    factors: list[tuple[float, Event]] = []
    value: ValueRef | None = core.inputs[2]
    for _ in range(_LONG):
        event = view.lineage.producer(value) if value is not None else None
        if event is None or event.kind != "op" or not event.inputs or view.lineage.is_projection(event):
            break
        number = number_in(event) if canonical(event.name) in ("mul", "div") and len(event.inputs) == 1 else None
        if number:
            factors.append((1 / number if canonical(event.name) == "div" else number, event))
        elif canonical(event.name) not in (*PLUMBING, "split", "chunk", "slice", "getitem", "unbind"):
            break
        value = event.inputs[0]
    if factors:
        scale = prod(factor for factor, _ in factors)
        yield view.claim("attention.value_scale", round(scale, 9), *(event.at for _, event in factors))


def _sizes(what: Attention) -> list[tuple[str, object]]:
    value_dim = what.value_dim if what.value_dim != what.head_dim else None
    return [
        ("attention.heads", what.heads),
        ("attention.kv_heads", what.kv_heads),
        ("attention.head_dim", what.head_dim),
        ("attention.value_head_dim", value_dim),
        ("attention.cross", True if what.cross else None),
    ]


def _core_line(view: LayerView) -> Span | None:
    """The line that calls the attention function, or that multiplies queries by keys."""
    named = next(filter(is_attention_function, view.trace.own(view.call)), None) if view.call else None
    if named is not None:
        return named.at
    path = find_score_path(view.trace, view.call)
    return path.product_at if path else view.module.defined_at


def _span(view: LayerView, what: Attention) -> Iterator[Claim]:
    lines = [what.mask.made_at, what.mask.used_at] if what.mask else [view.module.created_at]
    if what.mask is not None:
        yield view.claim("attention.mask", _mask_words(what.mask), *lines)
    if what.span == "full":
        read = what.mask is not None or not view.trace
        seen: Status = "verified" if read else "unverified"  # a mask that was not read may be a window
        yield view.claim("attention.span", "full", *lines, status=seen)
        return
    key = view.setting("attention_chunk_size") if what.span == "chunked" else view.setting("sliding_window")
    agreed = key is not None and key[1] == what.window
    yield view.claim("attention.span", what.span, *lines)
    if what.window is not None:
        yield view.claim("attention.window", what.window, *lines, config=key[0] if key and agreed else None)


def _mask_words(mask: Mask) -> str:
    """`causal`, `sliding, both ways`, `causal, and blocks of the data`."""
    return mask.kind + (", both ways" if mask.both_ways else "") + mask.widening


def _ranks(view: LayerView, what: Attention) -> Iterator[Claim]:
    """Low-rank compressions: projections down and up again, with a norm between."""
    for key, rank in zip(("attention.query_rank", "attention.kv_rank"), what.ranks, strict=True):
        if rank is None:
            continue
        made = [
            child.created_at
            for child in view.module.walk()
            if (sizes := linear_sizes(child)) and (rank == sizes[0] or rank == sizes[1])
        ]
        yield view.claim(key, rank, *made[:2])


def _grouped_output(view: LayerView) -> Iterator[Claim]:
    """An output projection in groups, each of a slice of the heads, whose results are projected once more."""
    for child, groups, rank in grouped_projections(view.module):
        value = {"projection": child.name, "groups": groups, "rank": rank}
        yield view.claim("attention.grouped_output", value, child.created_at)


def _compression(view: LayerView) -> Iterator[Claim]:
    """Submodules that pool positions, and indexers that choose among them."""
    for child, rate in pooled_positions(view.module):
        yield view.claim("attention.compression", f"{rate} positions into one", child.created_at)
    for child, chosen in indexers(view.module):
        call = view.trace.call(child.path)
        lines = [e.at for e in view.trace.inside(call) if canonical(e.name) == "topk"] if call else []
        yield view.claim("attention.indexer_top_k", chosen, child.created_at, *lines[:1])


def _shared_values(view: LayerView) -> Iterator[Claim]:
    """Values that are the keys' own projection, not a part cut off from it."""
    for event in view.trace.own(view.call) if view.call else ():
        if event.kind != "function" or "attention" not in event.name.lower() or len(event.inputs) < 3:
            continue
        if view.lineage is None:
            return
        query, key, value = (view.lineage.projections(v) for v in event.inputs[:3])
        if event.inputs[1].id == event.inputs[2].id and value:  # beside what a compressor adds
            own = [each for each in value if view.short(each.module).count(".") == 0] or list(value)
            shared = dict.fromkeys(view.short(each.module) for each in own)
            yield view.claim("attention.values_from", " + ".join(shared), event.at, own[0].at)
            return
        cut = {"split", "chunk", "slice", "getitem", "unbind"}
        parts = any(canonical(step.name) in cut for step in view.lineage.steps(event.inputs[2]))
        names = [[view.short(e.module) for e in found] for found in (query, key, value)]
        if names[1] == names[2] and names[1] and names[1] != names[0] and not parts:
            yield view.claim("attention.values_from", " + ".join(names[2]), event.at, value[0].at)
        return


def _biases(view: LayerView) -> Iterator[Claim]:
    projections = find_projections(view.module, view.trace)
    inward = [m for part, m in projections.items() if part != "o"]
    biased = [m for m in inward if has_bias(m)]
    if biased:
        value = True if len(biased) == len(inward) else [view.short(m.path) for m in biased]
        yield view.claim("attention.qkv_bias", value, *(m.created_at for m in inward))
    if "in_proj_bias" in view.module.parameters:
        yield view.claim("attention.qkv_bias", True, view.module.created_at)
    if "o" in projections and has_bias(projections["o"]):
        yield view.claim("attention.output_bias", True, projections["o"].created_at)


NO_KNOWN_NORM = "none of the known norms (see norm.formula)"


def inner_norms(view: LayerView, key: str) -> Iterator[Claim]:
    """Norms inside the part that run: of queries and keys, of compressed vectors, of an indexer."""
    kinds: dict[str, str] = {}
    found: list[ModuleRecord] = []
    for module in _norm_modules(view):
        norm = detect_norm(module, view.trace)
        if norm is None or (view.trace.whole and view.call is not None and view.trace.call(module.path) is None):
            continue
        form = view.norm_form(module)
        kinds[view.short(module.path)] = norm.kind if form is None else form.kind or NO_KNOWN_NORM
        found.append(module)
    if found:
        yield view.claim(key, kinds, *(module.created_at for module in found))


def _norm_modules(view: LayerView) -> list[ModuleRecord]:
    """The modules inside the part; where it is spelt out in the layer, those of its own alone, which hold no norm."""
    return view.module.walk()[1:] if view.module is not view.kind.example else []


def _norm_lines(view: LayerView) -> list[Span | None]:
    children = [c for c in view.module.children.values() if "norm" in (c.name + c.class_name).lower()]
    calls = [view.trace.call(child.path) for child in children]
    return [call.at for call in calls if call is not None]


def _gate(view: LayerView) -> Iterator[Claim]:
    """Which function gates the output, and which projection the gate comes from."""
    event = find_gate(view.module, view.trace)
    if event is None or not event.inputs:
        return
    names = _projections(view, event)
    value = f"{activation_of(event.name)} of {' + '.join(names)}" if names else str(activation_of(event.name))
    yield view.claim("attention.gate", value, event.at)


def _projections(view: LayerView, event: Event) -> list[str]:
    if view.lineage is None:
        return []
    found = [view.short(e.module) for e in view.lineage.projections(event.inputs[0])]
    return list(dict.fromkeys(found))


def _scores(view: LayerView, what: Attention, path: ScorePath) -> Iterator[Claim]:
    if path.factor is not None:
        yield view.claim("attention.scale", round(path.factor, 9), path.factor_at)
    if path.softcap is not None:
        key = view.setting("attn_logit_softcapping")
        yield view.claim(
            "attention.softcap", path.softcap, path.softcap_at, config=key[0] if key and key[1] == path.softcap else None
        )  # fmt: skip
    if path.sinks:
        yield view.claim("attention.sinks", True, path.sinks_at)
    elif what.sinks:
        yield view.claim("attention.sinks", "stored, not seen beside the scores", status="unverified")
    axis = "" if path.axis == -1 else f" over axis {path.axis}, which is not that of the keys"
    yield view.claim("attention.score_function", f"softmax{axis}", path.softmax_at)
    yield from _product(view, path)
    yield from head_order(view, path)
    yield from _score_bias(view, path)


def _product(view: LayerView, path: ScorePath) -> Iterator[Claim]:
    """Which projections the scores are products of: `q_proj · k_proj`, the one last whose positions the softmax runs over."""
    if path.operands is None or view.call is None:
        return
    origins = view.origins(view.call)
    products = [[" + ".join(origins.words(value)) for value in pair] for pair in (path.operands, *path.further)]
    for further in products[1:]:  # relative positions, such as a table of sines, are made of no data
        further[:] = [factor or "a table" for factor in further]
    if all(products[0]):
        alone = len(products) == 1
        told = (" · ".join(f if alone or " + " not in f else f"({f})" for f in factors) for factors in products)
        yield view.claim("attention.product", " + ".join(told), path.product_at, path.softmax_at)


def _reaches(view: LayerView, table: ModuleRecord, added: frozenset[int]) -> bool:
    """Whether what a table gives is among the tensors that are added to the scores."""
    call = view.trace.call(table.path)
    reached = {value.id for value in call.outputs} if call is not None else set()
    for event in view.trace.events if reached else ():
        if event.kind != "call" and any(value.id in reached for value in event.inputs):
            reached |= {value.id for value in event.outputs}
    return bool(reached & added)


def _is_bias_table(module: ModuleRecord) -> bool:
    return "bias" in module.name and (module.library or "").endswith("Embedding") and bool(module.parameters)


def _bias_words(table: ModuleRecord) -> str:
    sizes = next(iter(table.parameters.values())).shape
    return f"relative bias, {sizes[0]} buckets × {sizes[1]} heads"


def _bias_beside(view: LayerView, path: ScorePath) -> tuple[str, Span | None] | None:
    """The relative bias that a table beside the layers gives all of them (MPNet), and the line that makes the table."""
    tables = [
        m for m in view.context.modules.values() if _is_bias_table(m) and not any(map(str.isdigit, m.path.split(".")))
    ]
    table = next((m for m in tables if _reaches(view, m, path.added)), None)
    return (f"{_bias_words(table)}, computed once by {table.path}", table.created_at) if table is not None else None


def _score_bias(view: LayerView, path: ScorePath) -> Iterator[Claim]:
    """A bias on the scores that is no mask: a learned table by distance, or slopes by distance (ALiBi)."""
    tables = [m for m in view.module.walk() if _is_bias_table(m)]
    if tables:
        value = _bias_words(tables[0])
        if not _reaches(view, tables[0], path.added):
            value += ", stored, not seen beside the scores"
        status: Status = "unverified" if "stored" in value else "verified"
        yield view.claim("attention.position_bias", value, tables[0].created_at, path.product_at, status=status)
        return
    if path.added & view.trace.score_biases:
        beside = _bias_beside(view, path)
        if beside is not None:
            yield view.claim("attention.position_bias", *beside, path.product_at)
            return
        yield view.claim("attention.position_bias", "the relative bias that another layer computed", path.product_at)
        return
    built = next((e for e in view.trace.events if e.kind == "function" and "alibi" in e.name.lower()), None)
    if built is not None and (path.fused_bias or path.biases):
        yield view.claim("attention.position_bias", "ALiBi", built.at, path.product_at)
        text = formula(view.context, built)
        if text is not None:
            yield view.claim("attention.position_bias_formula", text, built.at)
        return
    steps = view.trace.inside(view.call) if view.call is not None else ()
    told = next((event for event in steps if POSITION_BIAS in event.options), None)
    if told is not None:
        yield view.claim("attention.position_bias", told.options[POSITION_BIAS], told.at)
