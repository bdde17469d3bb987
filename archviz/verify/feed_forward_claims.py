"""Feed-forwards: of which kind they are, which of their projections is activated, and whether that is all they do."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from archviz.interpreter.reading import Event, ModuleRecord
from archviz.patterns.activations import read_activation
from archviz.patterns.feed_forward import FeedForward
from archviz.patterns.loose_feed_forward import last_called
from archviz.patterns.norms import detect_norm
from archviz.patterns.op_families import ACTIVATIONS, canonical
from archviz.patterns.rope import detect_rope
from archviz.patterns.terms import Term, TermReader, inner_terms
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
    ran = view.steps is not None and view.trace.whole
    idle = ran and not lines
    yield view.claim("feed_forward.kind", _title(view, what, idle=idle))
    yield view.claim("feed_forward.hidden_size", what.hidden)
    products = _gating(view)
    if view.trace.whole or not what.gated:
        gated = bool(products) if view.steps is not None and what.gated else what.gated
        yield view.claim("feed_forward.gated", gated, *(products if gated else ()))
    if what.activation is not None and not idle:
        yield view.claim(
            "feed_forward.activation", what.activation, *lines, status="verified" if lines else "unverified"
        )
    activated = view.activated(view.call, view.steps) if what.gated and view.call is not None else {}
    if activated:
        yield view.claim("feed_forward.activated", list(activated), *activated.values())


def _title(view: LayerView, what: FeedForward, *, idle: bool) -> str:
    """Its kind by name; where its steps are others than the name says, that."""
    if view.call is None or what.kind == "channel_mixing":
        return what.title
    title = ("Gated MLP" if what.gated else "MLP") if idle else what.title
    results = [loose_result(view)] if view.loose else _reader(view, view.call).results()[:1]
    results = [_after_norm(view, result) if result is not None else None for result in results]
    if not results or results[0] is None:
        return title
    if idle and _is_known(results[0], _is_projected):
        return f"{title}, no activation"
    return title if _is_known(results[0], _is_activated) and not idle else title + OTHERWISE


def _after_norm(view: LayerView, result: Term) -> Term:
    """The same of what a norm at the beginning of the part gives, which a claim of its own tells."""
    norms = {
        view.short(module.path) for module in view.module.walk()[1:] if detect_norm(module, view.trace) is not None
    }
    made: dict[int, Term] = {}
    for term in inner_terms([result]):
        args = tuple(made[id(arg)] if isinstance(arg, Term) else arg for arg in term.args)
        first = args[0] if args else None
        is_norm = term.name == "call" and term.label in norms and isinstance(first, Term) and _is_given(first)
        made[id(term)] = first if is_norm and isinstance(first, Term) else Term(term.name, term.label, args, term.notes)
    return made[id(result)]


def loose_result(view: LayerView) -> Term | None:
    """What loose projections compute together, of `x` that the first ones read; None where the pass was not seen."""
    down = last_called(view.loose, view.trace)
    if view.call is None or down is None or not down.outputs:
        return None
    reader = _reader(view, view.call)
    calls = [call for linear in view.loose if (call := view.trace.call(linear.path)) is not None and call.inputs]
    read = [reader.term(call.inputs[0]) for call in sorted(calls, key=lambda call: call.index)]
    made: dict[int, Term] = {id(term): Term("given", "x") for term in read[:1]}
    for term in inner_terms([reader.term(down.outputs[0])]):
        args = tuple(made[id(arg)] if isinstance(arg, Term) else arg for arg in term.args)
        made.setdefault(id(term), Term(term.name, term.label, args, term.notes))
    return made[id(reader.term(down.outputs[0]))]


def _reader(view: LayerView, call: Event) -> TermReader:
    """The steps of a part; of one that lies loose in the layer also what its projections are wrapped in."""

    def closed(event: Event) -> bool:
        module = view.context.modules.get(event.module)
        opened = any(linear.path.startswith(f"{event.module}.") for linear in view.loose) or is_sequence(module)
        return (event.kind == "call" and not opened) or detect_rope(event, view.trace) is not None

    return TermReader(view.trace, call, closed, view.context.reading.stored, apart=True)


def is_sequence(module: ModuleRecord | None) -> bool:
    """Whether a module is an `nn.Sequential`, whose steps are those of its parts."""
    return module is not None and (module.library or "").endswith(".Sequential")


def _is_known(result: Term, activated: Callable[[Term | float], bool]) -> bool:
    """`down(act(gate(x)) · up(x))` or `down(act(up(x)))`, in the order of the code."""
    if result.name == "add" and _is_given(result.args[1]) and isinstance(result.args[0], Term):
        result = result.args[0]  # the residual is added here
    elif result.name == "add" and _is_given(result.args[0]) and isinstance(result.args[1], Term):
        result = result.args[1]
    inner = result.args[0] if _is_projection(result) else None
    if not isinstance(inner, Term):
        return False
    if activated(inner):
        return True
    if inner.name != "mul" or len(inner.args) != 2:
        return False
    one, other = inner.args
    return (activated(one) and _is_projected(other)) or (activated(other) and _is_projected(one))


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
    """An activation of a projection; a ReLU may be squared."""
    if (
        isinstance(term, Term)
        and term.args
        and (term.name == "square" or (term.name == "pow" and term.args[1:] == (2,)))
    ):
        inner = term.args[0]
        return isinstance(inner, Term) and inner.name == "relu" and _is_activated(inner)
    if not isinstance(term, Term) or not term.args or not (term.name == "call" or term.name in ACTIVATIONS):
        return False
    return _is_projected(term.args[0]) and all(isinstance(arg, float | int) for arg in term.args[1:])


def _gating(view: LayerView) -> list[Span | None]:
    """The products of two data tensors."""
    own = view.trace.own(view.call) if view.call else ()
    events = view.steps or () if view.loose else own
    return [e.at for e in events if canonical(e.name) == "mul" and sum(map(view.trace.carries, e.inputs)) == 2][:1]


def _activation(view: LayerView) -> list[Span | None]:
    events = sorted(view.steps or (), key=lambda e: e.kind != "call")
    return [e.at for e in events if read_activation(e, view.trace) is not None][:1]
