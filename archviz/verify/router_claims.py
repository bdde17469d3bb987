"""Mixture of experts: experts, router, scores, choice, groups, shared experts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archviz.interpreter.reading import Event
from archviz.patterns.activations import clamp_bounds, number_in, read_activation
from archviz.patterns.moe import MixtureOfExperts, group_limit, router_events
from archviz.patterns.op_families import activation_of, canonical
from archviz.spans import Span
from archviz.verify.claims import Claim
from archviz.verify.view import LayerView

_SCORES = ("softmax", "sigmoid", "softplus")


def router_claims(view: LayerView) -> Iterator[Claim]:
    """All claims about a mixture of experts."""
    what = view.part.what if view.part else None
    if not isinstance(what, MixtureOfExperts):
        return
    modules = view.context.modules
    experts = modules[what.experts]
    yield view.claim("moe.experts", what.count, experts.created_at)
    if what.hidden is not None:
        yield view.claim("moe.expert_hidden_size", what.hidden, experts.created_at, experts.defined_at)
    if what.activation is not None:
        yield view.claim("moe.activation", what.activation, *(_activation_lines(view, what) or [experts.defined_at]))
    elif (stated := view.setting("hidden_act", "hidden_activation")) is not None:
        yield view.claim(
            "moe.activation", activation_of(str(stated[1])) or stated[1], status="config", config=stated[0]
        )
    yield from _clamped(view, what)
    router = view.trace.call(what.router) if what.router else None
    events = sorted(router_events(view.trace, router, view.call), key=lambda event: event.index)
    yield from _choice(view, what, events)
    yield from _weights(view, what, events)
    if what.shared is not None:
        yield view.claim("moe.shared_expert", what.shared_hidden or True, modules[what.shared].created_at)
    if what.shared_gate is not None:
        call = view.trace.call(what.shared_gate)
        sigmoid = next((e for e in events if canonical(e.name) == "sigmoid" and _follows(view, call, e)), None)
        value = "sigmoid" if sigmoid else "linear"
        yield view.claim(
            "moe.shared_expert_gate", value, sigmoid.at if sigmoid else modules[what.shared_gate].created_at
        )


def _inside_experts(view: LayerView, what: MixtureOfExperts) -> list[Event]:
    """What one expert does: everything inside the experts' call, or that of the first numbered one that ran."""
    experts = view.context.modules[what.experts]
    calls = (view.trace.call(module.path) for module in (experts, *experts.children.values()))
    call = next((found for found in calls if found is not None), None)
    return list(view.trace.inside(call)) if call is not None else []


def _activation_lines(view: LayerView, what: MixtureOfExperts) -> list[Span | None]:
    """Where the experts' activation is computed."""
    inside = sorted(_inside_experts(view, what), key=lambda e: e.kind != "call")
    return [e.at for e in inside if read_activation(e, view.trace) is not None][:1]


def _clamped(view: LayerView, what: MixtureOfExperts) -> Iterator[Claim]:
    """What the experts keep their inner values within, and what they add to the half that is not gated."""
    inside = _inside_experts(view, what)
    clamps = [(e, bounds) for e in inside if canonical(e.name) in ("clamp", "clip") and (bounds := clamp_bounds(e))]
    if clamps:
        yield view.claim("moe.clamp", [bounds for _, bounds in clamps], *(e.at for e, _ in clamps))
    clamped = {value.id for e, _ in clamps for value in e.outputs}
    for event in inside:
        shift = _factor(event) if canonical(event.name) == "add" else None
        if shift is not None and event.inputs[0].id in clamped:
            yield view.claim("moe.linear_shift", shift, event.at)
            return


def _follows(view: LayerView, call: Event | None, event: Event) -> bool:
    return call is not None and bool({v.id for v in call.outputs} & {v.id for v in event.inputs})


def _choice(view: LayerView, what: MixtureOfExperts, events: Sequence[Event]) -> Iterator[Claim]:
    chosen = [e for e in events if canonical(e.name) == "topk"]
    last = chosen[-1].at if chosen else None
    hashed = _hash_lookup(what, events)
    if hashed is not None:
        yield view.claim("moe.routing", "hash: experts are looked up by token id", hashed.at)
    if what.top_k is not None:
        yield view.claim("moe.top_k", what.top_k, last or (hashed.at if hashed else None))
    groups = group_limit(events, what.count)
    if groups is not None:
        yield view.claim("moe.group_limit", f"{groups[1]} of {groups[0]} groups", *(event.at for event in chosen[:-1]))
    bias = _correction(view, what, events)
    if bias is not None:
        yield view.claim("moe.correction_bias", True, bias.at)


def _hash_lookup(what: MixtureOfExperts, events: Sequence[Event]) -> Event | None:
    """A lookup in a table with the experts of every token id: rows for more than the experts, top-k columns."""
    for event in events:
        table = event.inputs[0].shape if event.inputs else None
        if canonical(event.name) in ("getitem", "index", "embedding", "index_select") and table and len(table) == 2:
            if table[1] == what.top_k and (table[0] or 0) > what.count and len(event.inputs) > 1:
                return event
    return None


def _correction(view: LayerView, what: MixtureOfExperts, events: Sequence[Event]) -> Event | None:
    """The addition of one stored number per expert to the scores that the choice sees and the weights do not."""
    chosen = [e for e in events if canonical(e.name) == "topk"]
    weights = {v.id for e in events if canonical(e.name) == "gather" for v in e.inputs[:1]}
    for event in events:
        if canonical(event.name) != "add" or len(event.inputs) != 2 or not chosen or event.index > chosen[-1].index:
            continue
        stored = [v for v in event.inputs if not view.trace.carries(v)]
        if len(stored) == 1 and (stored[0].shape or (None,))[-1] == what.count and event.outputs[0].id not in weights:
            return event
    return None


def _weights(view: LayerView, what: MixtureOfExperts, events: Sequence[Event]) -> Iterator[Claim]:
    """How scores become weights."""
    scores = [e for e in events if canonical(e.name) in _SCORES]
    if what.score is not None:
        yield view.claim("moe.score", what.score, *(e.at for e in scores[:1]))
    chosen = [e.index for e in events if canonical(e.name) == "topk"]
    after = [e for e in events if chosen and e.index > chosen[-1]]
    if what.normalised is not None:
        lines = [e.at for e in after if canonical(e.name) in ("div", "softmax", "normalize")][:1]
        yield view.claim("moe.normalised", what.normalised, *lines)
    factors = [(e, v) for e in after if canonical(e.name) == "mul" and (v := _factor(e)) is not None]
    if factors:
        yield view.claim("moe.scaling", factors[0][1], factors[0][0].at)
    elif what.scaling is not None and not chosen:
        yield view.claim("moe.scaling", what.scaling)


def _factor(event: Event) -> float | None:
    """The number that an op combines one tensor with."""
    return number_in(event) if len(event.inputs) == 1 else None
