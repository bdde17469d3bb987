"""Attention: heads, groups, windows, gates and norms of a module that mixes positions by softmax of products."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import prod

from archviz.interpreter.reading import POSITION_BIAS, Event, ModuleRecord, ValueRef
from archviz.patterns.activations import clamp_bounds
from archviz.patterns.attention_heads import HEAD_SETTINGS, Heads, read_heads
from archviz.patterns.attention_projections import find_projections, has_core, named_projections, projections_inside
from archviz.patterns.linears import linear_sizes
from archviz.patterns.makers import makers
from archviz.patterns.masks import Mask, find_mask
from archviz.patterns.norms import Norm, detect_norm, norms_before
from archviz.patterns.op_families import ELEMENTWISE, PLUMBING, canonical
from archviz.patterns.operand_factors import is_core, operand_factors
from archviz.patterns.other_sequences import reads_another_sequence
from archviz.patterns.rope import Rope, detect_rope
from archviz.patterns.rotation_steps import turning_steps
from archviz.patterns.score_path import ScorePath, find_score_path
from archviz.patterns.stated_settings import stated_flag, stated_integer, stated_number
from archviz.patterns.torch_attention import attention_op, is_torch_attention, torch_heads
from archviz.patterns.trace import Trace
from archviz.records import record
from archviz.spans import Span

_GATES = ("sigmoid", "silu", "softplus")
_WINDOW = ("sliding_window", "window_size", "local_attention_window", "attention_window", "sliding_window_size")


@record(frozen=True)
class Attention:
    """What an attention module does.

    Args:
        kind: `mha`, `gqa`, `mqa` or `mla`; None when heads were not understood.
        head_dim: Width of a query head; `value_dim` of a value head.
        span: `full`, `sliding`, `chunked` or `windowed`; `window` in tokens.
        gated: The output is multiplied by a gate before the output projection; `gate` its function, where it was seen.
        qk_norm: `head` (each head apart) or `whole` (all heads together); `qk_norms` the names of these norms, `qk_norm_function` the
            kind of those that are no module (`RMSNorm`).
        rope: How positions are rotated; None when they are not or it was not seen; `positions` tells which.
        positions: `rope`, `none` (NoPE), `bias` (relative bias), `alibi` or None when not seen.
        ranks: Widths of the low-rank compressions of query and key/value (MLA).
        value_scale: The constant that values are multiplied by before they are weighed; None where there is none.
        query_temperature: The line that multiplies queries by a number of their position (it grows with its logarithm); None where none does.
        projection_bounds: What queries, keys and values are clamped to behind their projections: `−8 … 8`.
        shared_kv: Its keys were made in another layer, which hands them on.
        mask: What its scores were masked by; None when that was not seen, and `causal` and `window` are then what settings say.
    """

    kind: str | None
    heads: int | None
    kv_heads: int | None
    head_dim: int | None
    value_dim: int | None = None
    span: str = "full"
    window: int | None = None
    causal: bool | None = None
    cross: bool = False
    gated: bool = False
    gate: str | None = None
    qk_norm: str | None = None
    qk_norms: tuple[str, ...] = ()
    qk_norm_function: str | None = None
    rope: Rope | None = None
    positions: str | None = None
    sinks: bool = False
    softcap: float | None = None
    scaling: float | None = None
    ranks: tuple[int | None, int | None] = (None, None)
    mask: Mask | None = None
    value_scale: float | None = None
    query_temperature: Span | None = None
    shared_kv: bool = False
    projection_bounds: str | None = None

    @property
    def looks_both_ways(self) -> bool:
        """Whether its window looks ahead as far as back."""
        return self.mask is not None and self.mask.both_ways


def detect_attention(module: ModuleRecord, trace: Trace) -> Attention | None:
    """The attention that a module is; None when it is none.

    It has query, key and value projections (apart or fused) and either heads among its attributes or a softmax
    over products of data in its own forward.
    """
    if is_torch_attention(module):
        return _of_torch(module, trace)
    projections = find_projections(module, trace)
    core = has_core(module, trace)
    if core and not projections.keys() & {"q", "qkv"}:
        projections = projections_inside(module) | projections
    # Last resort: a class that says so, with projections named otherwise.
    named = "attention" in module.class_name.lower() and _projects_twice(module)
    if not ({"q", "k"} <= set(projections) or {"q", "kv"} <= set(projections) or "qkv" in projections or named):
        return None
    if not (_has_heads(module) or core or named) or (not core and _is_container(module, projections)):
        return None
    return _describe(module, projections, trace)


def _projects_twice(module: ModuleRecord) -> bool:
    """Whether a module holds several projections, as an attention does; the output behind one, or a block around one, has only one child with any."""
    own = sum(len(tensor.shape) > 1 for tensor in module.parameters.values())
    return own + sum(map(_has_matrix, module.children.values())) > 1


def _has_matrix(module: ModuleRecord) -> bool:
    return any(len(t.shape) > 1 for each in (module, *module.children.values()) for t in each.parameters.values())


def _of_torch(module: ModuleRecord, trace: Trace) -> Attention | None:
    """What PyTorch's own layer of attention does."""
    sizes, step, mask = torch_heads(module), attention_op(module, trace), find_mask(module, trace)
    if sizes is None:
        return None
    heads, width = sizes
    return Attention(
        kind="mha", heads=heads, kv_heads=heads, head_dim=width, value_dim=width, mask=mask, scaling=width**-0.5,
        window=mask.window if mask else None, causal=mask.causal if mask else None,
        cross=step is not None and _of_another(*step.inputs[:3]),
    )  # fmt: skip


def _of_another(query: ValueRef, key: ValueRef, value: ValueRef) -> bool:
    """Whether keys are of another sequence than queries: one of another length, or one handed over as keys and values alike."""
    lengths = [(each.shape or ())[:-1] for each in (query, key)]
    return query.id != key.id and (key.id == value.id or lengths[0] != lengths[1])


def _is_container(module: ModuleRecord, projections: dict[str, ModuleRecord]) -> bool:
    """A layer or a wrapper is not the attention itself when only a child has the projections."""
    if projections.keys() & {"q", "qkv"}:
        return False  # a child with queries of its own is then an indexer or the like
    return any(named_projections(child).keys() & {"q", "qkv"} for child in module.children.values() if child.children)


def _has_heads(module: ModuleRecord) -> bool:
    return any(name in module.attributes for name in HEAD_SETTINGS)


def _describe(module: ModuleRecord, projections: dict[str, ModuleRecord], trace: Trace) -> Attention:
    core = _core_event(module, trace)
    call = trace.call(module.path)
    path = find_score_path(trace, call)
    sizes = read_heads(module, projections, trace, core, path)
    rope = _find_rope(module, trace)
    norms = _qk_norms(module, trace, sizes)
    mask = find_mask(module, trace)
    function = None if norms or call is None else _norm_by_function(trace, call, path, core, sizes.width)
    factors = operand_factors(trace, call) if call is not None else []
    values = [each.number for each in factors if each.operand == "values" and each.number]
    return Attention(
        kind=sizes.kind,
        heads=sizes.count,
        kv_heads=sizes.keys,
        head_dim=sizes.width,
        value_dim=sizes.value_width,
        window=mask.window if mask else _window(module, core),
        causal=mask.causal if mask else stated_flag(module, "is_causal"),
        cross=reads_another_sequence(module, projections, trace),
        gated=_is_gated(module, projections, sizes, trace),
        gate=canonical(gate.name) if (gate := find_gate(module, trace)) is not None else None,
        qk_norm=next(iter(norms.values()), None) or (function[0] if function is not None else None),
        qk_norms=tuple(norms),
        qk_norm_function=function[1] if function is not None else None,
        rope=rope,
        positions=_positions(module, rope, core, tuple(trace.own(call)) if call is not None else (), trace),
        sinks=any("sink" in name for name in module.parameters),
        softcap=_softcap(module, core, path),
        scaling=_score_factor(module, path),
        ranks=(_query_rank(module, projections), stated_integer(module, ("kv_lora_rank",)) or None),
        mask=mask,
        value_scale=round(prod(values), 9) if values else None,
        shared_kv=core is not None and call is not None and _reads_keys_of_another(core, trace, call),
        projection_bounds=_projection_bounds(projections, trace, call) if call is not None else None,
        query_temperature=next((f.event.at for f in factors if f.operand == "queries" and f.number is None), None),
    )


def _projection_bounds(projections: dict[str, ModuleRecord], trace: Trace, call: Event) -> str | None:
    """The bounds that what a projection gives is clamped to."""
    calls = [found for module in projections.values() if (found := trace.call(module.path)) is not None]
    given = {value.id for each in calls for value in each.outputs}
    steps = (e for e in trace.own(call) if e.kind == "op" and canonical(e.name) in ("clamp", "clip") and e.inputs)
    return next((clamp_bounds(event) for event in steps if event.inputs[0].id in given), None)


def _norm_by_function(
    trace: Trace, call: Event, path: ScorePath | None, core: Event | None, head_dim: int | None
) -> tuple[str, str] | None:
    """How far norms of queries and keys reach that are no module, and their kind."""
    operands = path.operands if path is not None else core.inputs[:2] if core is not None else None
    found = norms_before(trace, call, operands) if operands is not None else []
    width = (found[0].event.inputs[0].shape or (None,))[-1] if found else None
    return ("head" if width == head_dim else "whole", found[0].kind) if found else None


def _score_factor(module: ModuleRecord, path: ScorePath | None) -> float | None:
    """What the scores are multiplied by: as the pass shows; where it does not show them, by the setting that is called so."""
    if path is not None:
        return path.factor
    return stated_number(module, ("scaling", "scale", "softmax_scale"))


def _query_rank(module: ModuleRecord, projections: dict[str, ModuleRecord]) -> int | None:
    """The width that queries are compressed to: as stated, else by the projection down that stands before the one up."""
    stated = stated_integer(module, ("q_lora_rank",))
    up = linear_sizes(projections["q"]) if "q" in projections else None
    if stated is not None or up is None:
        return stated or None  # 0 states that they are not compressed
    sizes = [
        linear_sizes(c)
        for c in module.children.values()
        if re.match(r"w?q", c.name.lower()) and c is not projections["q"]
    ]
    return next((up[0] for down in sizes if down and down[1] == up[0] < min(down[0], up[1])), None)


def _core_event(module: ModuleRecord, trace: Trace) -> Event | None:
    """The call of an attention function on whole heads: queries, keys and values in this order."""
    call = trace.call(module.path)
    for event in trace.own(call) if call else ():
        if is_core(event) and all(len(value.shape or ()) == 4 for value in event.inputs[:3]):
            return event
    return None


def _reads_keys_of_another(core: Event, trace: Trace, call: Event) -> bool:
    """Whether the keys come into the call ready, made in another layer: inside they are at most moved."""
    made = makers(event for event in trace.own(call) if event is not core)
    key = core.inputs[1]
    while (maker := made.get(key.id)) is not None:
        if maker.kind == "call" or canonical(maker.name) not in PLUMBING or not maker.inputs:
            return False
        key = maker.inputs[0]
    if not trace.carries(key):
        return False
    steps = (event for event in reversed(trace.before(call)) if event.kind == "op")
    source = next((event for event in steps if any(value.id == key.id for value in event.outputs)), None)
    return source is not None and not f"{call.module}.".startswith(f"{source.module}.")


def _window(module: ModuleRecord, core: Event | None) -> int | None:
    if core is not None and "sliding_window" in core.options:
        value = core.options["sliding_window"]
        return value if isinstance(value, int) and not isinstance(value, bool) else None
    value = stated_integer(module, _WINDOW)
    return value if value and value > 0 else None


def _is_gated(module: ModuleRecord, projections: dict[str, ModuleRecord], sizes: Heads, trace: Trace) -> bool:
    """A gate multiplies the output: a doubled query projection, or a sigmoid of data in the module's own forward."""
    if trace.own_ops(module.path):
        return find_gate(module, trace) is not None
    query = linear_sizes(projections["q"]) if "q" in projections else None
    doubled = bool(query and sizes.count and sizes.width and query[1] == 2 * sizes.count * sizes.width)
    return doubled or any(re.fullmatch(r"(g|gate|output_gate|g_proj|gate_proj)", name) for name in module.children)


def find_gate(module: ModuleRecord, trace: Trace) -> Event | None:
    """The step of a module's own forward whose result gates its output: it multiplies other data, as it is or scaled.

    What is multiplied before the scores are made, such as values mixed with an embedding, is no output.
    """
    call = trace.call(module.path)
    gates: dict[int, Event] = {}  # value → the step that it is a gate of
    own = list(trace.own(call)) if call is not None else []
    mixed = max((event.index for event in own if is_core(event) or canonical(event.name) == "softmax"), default=-1)
    for event in own:
        if event.kind == "call":
            continue
        name, data = canonical(event.name), [value for value in event.inputs if trace.carries(value)]
        found = next((gates[value.id] for value in data if value.id in gates), None)
        if found is not None and name == "mul" and len(data) > 1 and event.index > mixed:
            return found
        if name in _GATES and event.kind == "op":
            found = event
        elif len(data) != 1 or (name not in PLUMBING and name not in ELEMENTWISE):
            found = None
        if found is not None:
            gates.update((value.id, found) for value in event.outputs)
    return None


def _qk_norms(module: ModuleRecord, trace: Trace, sizes: Heads) -> dict[str, str]:
    """The norms of queries and keys by name: `head` when each head is normalised apart, `whole` for all together.

    Norms of a low-rank compression have the width of the rank and are not QK-norms.
    """
    heads, kv_heads, head_dim = sizes.count, sizes.keys, sizes.width
    ranks = {module.attributes.get(name) for name in ("q_lora_rank", "kv_lora_rank")}
    seen = trace.whole and trace.call(module.path) is not None
    found: dict[str, str] = {}
    for child in module.children.values():
        norm = detect_norm(child, trace) or _norm_of_each_head(child, trace)
        if seen and trace.call(child.path) is None and not child.children:
            continue  # it does not run
        if norm is None or not re.search(r"(^|_)(q|k|qk|kv|query|key)(_|$|norm)", child.name.lower()):
            continue
        call = trace.call(child.path)
        width = call.inputs[0].shape[-1] if call and call.inputs and call.inputs[0].shape else norm.size
        if width in ranks - {None}:
            continue
        if head_dim and width == head_dim:
            found[child.name] = "head"
        elif heads and head_dim and width in (heads * head_dim, (kv_heads or 0) * head_dim):
            found[child.name] = "whole"
    one_key_head = kv_heads == 1 and "whole" in found.values()  # as wide as all of them together
    return dict.fromkeys(found, "whole") if one_key_head else found


def _norm_of_each_head(module: ModuleRecord, trace: Trace) -> Norm | None:
    """The norm that a module has for each head apart: a list of equal ones, and nothing else."""
    lists = list(module.children.values())
    norms = [detect_norm(each, trace) for each in lists[0].children.values()] if len(lists) == 1 else []
    return norms[0] if len(norms) > 1 and len(set(norms)) == 1 and not module.parameters else None


def _find_rope(module: ModuleRecord, trace: Trace) -> Rope | None:
    call = trace.call(module.path)
    for event in trace.own(call) if call else ():
        rope = detect_rope(event, trace)
        if rope is not None:
            return rope
    return None


def _positions(
    module: ModuleRecord, rope: Rope | None, core: Event | None, own: Sequence[Event], trace: Trace
) -> str | None:
    if rope is not None or turning_steps(own, trace):
        return "rope"
    if module.attributes.get("has_relative_attention_bias") is not None or "relative_attention_bias" in module.children:
        return "bias"
    added = next((event.options[POSITION_BIAS] for event in own if POSITION_BIAS in event.options), None)
    if added is not None:
        return "alibi" if added == "ALiBi" else "bias"
    use_rope = module.attributes.get("use_rope", module.attributes.get("has_rope"))
    if use_rope is not None and not use_rope:
        return "none"
    return "none" if core is not None else None


def _softcap(module: ModuleRecord, core: Event | None, path: ScorePath | None) -> float | None:
    """What bounds the scores: as the pass shows, else as the attention function is told, else by the setting that is called so."""
    if path is not None:
        return path.softcap
    value = core.options.get("softcap") if core is not None else None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    return stated_number(module, ("attn_logit_softcapping", "softcap"))
