"""Feed-forwards: of which kind they are, which of their projections is activated, and whether that is all they do."""

from __future__ import annotations

from collections.abc import Iterator

from archviz.patterns.activations import read_activation
from archviz.patterns.feed_forward import FeedForward
from archviz.patterns.op_families import ACTIVATIONS, canonical
from archviz.patterns.rope import detect_rope
from archviz.patterns.terms import Term, TermReader
from archviz.spans import Span
from archviz.verify.claims import Claim
from archviz.verify.view import LayerView

OTHERWISE = ", but in other steps (see feed_forward.formula)"


def feed_forward_claims(view: LayerView, what: FeedForward) -> Iterator[Claim]:
    """Kind, size, gate and activation of a feed-forward."""
    lines = _activation(view)
    if what.kind == "side_input":
        yield view.claim("side_input.size", what.hidden)
        yield view.claim("side_input.gate", what.activation, *lines)
        return
    ran = view.call is not None and view.trace.whole and view.module is not view.kind.example
    idle = ran and what.activation is not None and not lines
    yield view.claim("feed_forward.kind", _title(view, what, idle=idle))
    yield view.claim("feed_forward.hidden_size", what.hidden)
    products = _gating(view)
    if view.trace.whole or not what.gated:
        gated = bool(products) if view.call is not None and what.gated else what.gated
        yield view.claim("feed_forward.gated", gated, *products)
    if what.activation is not None and not idle:
        yield view.claim("feed_forward.activation", what.activation, *lines)
    activated = view.activated(view.call) if what.gated and view.call is not None else {}
    if activated:
        yield view.claim("feed_forward.activated", list(activated), *activated.values())


def _title(view: LayerView, what: FeedForward, *, idle: bool) -> str:
    """Its kind by name; where its steps are others than the name says, that."""
    title = "MLP, no activation" if idle and not what.gated else what.title
    if view.call is None or view.module is view.kind.example or idle or what.kind == "channel_mixing":
        return title
    reader = TermReader(
        view.trace, view.call, lambda event: event.kind == "call" or detect_rope(event, view.trace) is not None,
        view.context.reading.stored,
    )  # fmt: skip
    results = reader.results()
    return title if not results or _is_known(results[0]) else title + OTHERWISE


def _is_known(result: Term) -> bool:
    """`down(act(gate(x)) · up(x))` or `down(act(up(x)))`, in the order of the code."""
    if result.name == "add" and _is_given(result.args[1]) and isinstance(result.args[0], Term):
        result = result.args[0]  # the residual is added here
    elif result.name == "add" and _is_given(result.args[0]) and isinstance(result.args[1], Term):
        result = result.args[1]
    inner = result.args[0] if _is_projection(result) else None
    if not isinstance(inner, Term):
        return False
    if _is_activated(inner):
        return True
    if inner.name != "mul" or len(inner.args) != 2:
        return False
    one, other = inner.args
    return (_is_activated(one) and _is_projected(other)) or (_is_activated(other) and _is_projected(one))


def _is_given(term: Term | float) -> bool:
    return isinstance(term, Term) and term.name == "given" and not term.notes


def _is_projection(term: Term | float) -> bool:
    return isinstance(term, Term) and term.name in ("call", "linear") and bool(term.args)


def _is_projected(term: Term | float) -> bool:
    """A projection of the input, or a part of one."""
    while isinstance(term, Term) and term.name == "cut":
        term = term.args[0]
    return isinstance(term, Term) and _is_projection(term) and _is_given(term.args[0])


def _is_activated(term: Term | float) -> bool:
    """An activation of a projection."""
    if not isinstance(term, Term) or not term.args or not (term.name == "call" or term.name in ACTIVATIONS):
        return False
    return _is_projected(term.args[0]) and all(isinstance(arg, float | int) for arg in term.args[1:])


def _gating(view: LayerView) -> list[Span | None]:
    """The products of two data tensors."""
    events = view.trace.own(view.call) if view.call else ()
    return [e.at for e in events if canonical(e.name) == "mul" and sum(map(view.trace.carries, e.inputs)) == 2][:1]


def _activation(view: LayerView) -> list[Span | None]:
    events = sorted(view.trace.inside(view.call) if view.call else (), key=lambda e: e.kind != "call")
    return [e.at for e in events if read_activation(e, view.trace) is not None][:1]
