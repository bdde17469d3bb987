"""Mixture of experts: experts, router, scores, choice, groups, shared experts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archviz.interpreter.reading import Event
from archviz.patterns.activations import clamp_bounds, number_in, read_activation
from archviz.patterns.moe import MixtureOfExperts, gate_curve, group_limit, router_events
from archviz.patterns.op_families import PLUMBING, activation_of, canonical
from archviz.patterns.router_flow import RouterFlow, experts_choice, router_flow, single_choices
from archviz.patterns.router_weights import SCORES, normalising_step, weight_factor
from archviz.spans import Span
from archviz.verify.claims import Claim
from archviz.verify.view import LayerView

_PLACES = {"output": "the experts' outputs", "input": "the experts' inputs", "inside": "something inside the experts"}


def router_claims(view: LayerView) -> Iterator[Claim]:
    """All claims about a mixture of experts."""
    what = view.part.what if view.part else None
    if not isinstance(what, MixtureOfExperts):
        return
    modules = view.context.modules
    experts = modules[what.experts]
    yield view.claim("moe.experts", what.count, experts.created_at)
    if what.zero:
        router_line = modules[what.router].created_at if what.router else None
        yield view.claim("moe.zero_experts", what.zero, router_line, experts.created_at)
    if what.hidden is not None:
        yield view.claim("moe.expert_hidden_size", what.hidden, experts.created_at, experts.defined_at)
    if what.activation is not None:
        yield view.claim("moe.activation", what.activation, *(_activation_lines(view, what) or [experts.defined_at]))
    elif (stated := view.setting("hidden_act", "hidden_activation")) is not None:
        yield view.claim(
            "moe.activation", activation_of(str(stated[1])) or stated[1], status="config", config=stated[0]
        )
    yield from _activated(view, what)
    yield from _clamped(view, what)
    router = view.trace.call(what.router) if what.router else None
    events = sorted(router_events(view.trace, router, view.call), key=lambda event: event.index)
    flow = router_flow(view.trace, view.call, events, what.experts, what.choices) if view.call else RouterFlow()
    yield from _choice(view, what, events, flow)
    yield from _weights(view, what, events)
    yield from _weighting(view, flow)
    if what.shared is not None:
        yield view.claim("moe.shared_expert", what.shared_hidden or True, modules[what.shared].created_at)
    if what.shared_gate is not None:
        curve = gate_curve(view.trace, what.shared_gate, events)
        yield view.claim(
            "moe.shared_expert_gate",
            what.shared_gate_curve or "present",
            curve.at if curve else modules[what.shared_gate].created_at,
        )


def _experts_call(view: LayerView, what: MixtureOfExperts) -> Event | None:
    """The call of the experts, or of the first numbered one that ran."""
    experts = view.context.modules[what.experts]
    calls = (view.trace.call(module.path) for module in (experts, *experts.children.values()))
    return next((found for found in calls if found is not None), None)


def _inside_experts(view: LayerView, what: MixtureOfExperts) -> list[Event]:
    """What one expert does."""
    call = _experts_call(view, what)
    return list(view.trace.inside(call)) if call is not None else []


def _activated(view: LayerView, what: MixtureOfExperts) -> Iterator[Claim]:
    """The projections of an expert whose results go through the activation, or the part of one."""
    call = _experts_call(view, what)
    if call is not None and what.gated:
        found = view.activated(call)
        if found:
            yield view.claim("moe.activated", list(found), *found.values())


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


def _choice(
    view: LayerView, what: MixtureOfExperts, events: Sequence[Event], flow: RouterFlow
) -> Iterator[Claim]:  # fmt: skip
    chosen = [e for e in events if canonical(e.name) == "topk"]
    last = chosen[-1].at if chosen else None
    hashed = _hash_lookup(view, what, events)
    if hashed is not None:
        yield view.claim("moe.routing", "hash: experts are looked up by token id", hashed.at)
    by_experts = experts_choice(events, what.choices)
    if by_experts is not None:
        yield view.claim("moe.routing", "experts choose their tokens", by_experts.at)
    if what.top_k is not None:
        singles = [] if last else single_choices(view.trace, events, what.choices)
        yield view.claim(
            "moe.top_k", what.top_k, last or (hashed.at if hashed else None), *(event.at for event in singles)
        )
    among = [choice for choice in flow.choices if choice.of == what.choices]
    if among:
        yield view.claim("moe.choice", _side(among[-1].lowest), among[-1].event.at)
    elif hashed is None and by_experts is None and view.call is not None and events and view.trace.whole:
        places = [e.at for e in events if canonical(e.name) in ("max", "argmax", "gather")]
        yield view.claim("moe.choice", "not understood (see the router's formula)", *places[:2], status="unverified")
    groups = group_limit(events, what.choices)
    if groups is not None:
        turned = any(choice.lowest for choice in flow.choices if choice.of == groups[0])
        words = f"{groups[1]} of {groups[0]} groups" + (f", {_side(lowest=True)}" if turned else "")
        hidden, hides = _hidden_groups(events)
        words += hidden
        yield view.claim("moe.group_limit", words, *(event.at for event in chosen[:-1]), *hides)
        yield from _group_score(view, events, groups[0])
    if flow.bias is not None and chosen and flow.bias.index < chosen[-1].index:
        weights = [flow.weighting.at] if flow.biased_weights and flow.weighting else []
        yield view.claim("moe.correction_bias", "in the weights too" if weights else True, flow.bias.at, *weights)


def _hidden_groups(events: Sequence[Event]) -> tuple[str, list[Span | None]]:
    """What becomes of the scores of groups: nothing to tell where those of groups that are not chosen can win no more.

    The mask is one for chosen groups, scattered into zeros, or zero for them, scattered into ones; each negation turns it.
    """
    made = {value.id: event for event in events for value in event.outputs}
    hides = next(
        (e for e in reversed(events) if canonical(e.name) in ("masked_fill", "where") and len(e.inputs) > 1), None
    )
    if hides is None or canonical(hides.name) != "masked_fill":
        return "", []
    mask, negated = made.get(hides.inputs[1].id), False
    while mask is not None and canonical(mask.name) != "scatter":
        negated ^= canonical(mask.name) in ("bitwise_not", "logical_not", "invert")
        mask = made.get(mask.inputs[0].id) if mask.inputs else None
    marks = mask.options.get("value", mask.options.get("3")) if mask is not None else None
    if mask is None or marks not in (0, 1):
        return "", []
    negated ^= not marks
    fill = next((v for k, v in hides.options.items() if k in ("2", "value") and isinstance(v, (int, float))), None)
    if not negated:
        return "; the chosen ones are left out", [hides.at]
    return (
        "" if fill is None or fill == float("-inf") or fill < -1e4 else f"; the others' scores are set to {fill:g}"
    ), [hides.at]


def _group_score(view: LayerView, events: Sequence[Event], groups: int) -> Iterator[Claim]:
    """What a group is chosen by: its highest score, or the sum of some of them."""
    made = {value.id: event for event in events for value in event.outputs}
    among = [e.inputs[0] for e in events if canonical(e.name) == "topk" and len(e.inputs[0].shape or ()) == 2]
    chosen = next((value for value in among if (value.shape or (0,))[-1] == groups), None)
    score = made.get(chosen.id) if chosen is not None else None
    while score is not None and canonical(score.name) in PLUMBING and score.inputs:
        score = made.get(score.inputs[0].id)
    if score is None:
        return
    if canonical(score.name) in ("max", "amax"):
        yield view.claim("moe.group_score", "its highest score", score.at)
        return
    best = made.get(score.inputs[0].id) if canonical(score.name) == "sum" and score.inputs else None
    if best is None or canonical(best.name) != "topk" or not best.outputs or not best.outputs[0].shape:
        yield view.claim("moe.group_score", f"{score.name} of its scores", score.at)
        return
    yield view.claim("moe.group_score", f"the sum of its {best.outputs[0].shape[-1]} highest scores", score.at, best.at)


def _side(lowest: bool) -> str:
    return "lowest scores" if lowest else "highest scores"


def _weighting(view: LayerView, flow: RouterFlow) -> Iterator[Claim]:
    """What the experts' weights multiply: in a pass that was understood, nothing where no product was seen."""
    if flow.weighting is not None:
        changed = f", by weights that went through {' and '.join(flow.changes)}" if flow.changes else ""
        yield view.claim("moe.weighted", _PLACES[flow.place or ""] + changed, flow.weighting.at)
    elif flow.ran and flow.choices and view.trace.whole:
        yield view.claim("moe.weighted", "nothing: the experts' outputs are not multiplied by their weights")


def _hash_lookup(view: LayerView, what: MixtureOfExperts, events: Sequence[Event]) -> Event | None:
    """A lookup in a stored table with the experts of every token id: rows for more than the experts, top-k columns."""
    for event in events:
        held = bool(event.inputs) and not view.trace.carries(event.inputs[0])
        table = event.inputs[0].shape if held else None
        if canonical(event.name) in ("getitem", "index", "embedding", "index_select") and table and len(table) == 2:
            if table[1] == what.top_k and (table[0] or 0) > what.choices and len(event.inputs) > 1:
                return event
    return None


def _weights(view: LayerView, what: MixtureOfExperts, events: Sequence[Event]) -> Iterator[Claim]:
    """How scores become weights."""
    scores = [e for e in events if canonical(e.name) in SCORES]
    if what.score is not None:
        yield view.claim("moe.score", what.score, *(e.at for e in scores[:1]))
    chosen = [e.index for e in events if canonical(e.name) == "topk"]
    after = [e for e in events if chosen and e.index > chosen[-1]]
    if what.normalised is not None:
        step = normalising_step(events)
        yield view.claim("moe.normalised", what.normalised, *([step.at] if step else []))
    if what.scaling is not None:
        factor = weight_factor(events)
        yield view.claim("moe.scaling", what.scaling, *([factor[0].at] if factor else []))
    yield from _expert_scale(view, after)


def _expert_scale(view: LayerView, after: Sequence[Event]) -> Iterator[Claim]:
    """A stored number of each expert that its weight is multiplied by."""
    origins = view.origins(view.call) if view.call is not None else None
    for event in after if origins is not None else ():
        names = [origins.weight(value) for value in event.inputs if not view.trace.carries(value)] if origins else []
        looked_up = (
            [origins.weight(value) for value in event.inputs if value.shape == event.outputs[0].shape]
            if origins
            else []
        )
        stored = next((name for name in (*names, *looked_up) if name is not None), None)
        if canonical(event.name) == "mul" and len(event.inputs) == 2 and stored is not None:
            yield view.claim("moe.expert_scale", f"stored: {stored.rpartition('.')[2]}", event.at)
            return


def _factor(event: Event) -> float | None:
    """The number that an op combines one tensor with."""
    return number_in(event) if len(event.inputs) == 1 else None
