"""How a layer is put together: norms and where they stand, residuals, feed-forwards, mixers with a state."""

from __future__ import annotations

from collections.abc import Iterator

from archviz.architecture.layer_graphs import expose_hidden_residuals, keep_inner
from archviz.interpreter.reading import Event
from archviz.patterns.activations import read_activation
from archviz.patterns.feed_forward import FeedForward
from archviz.patterns.flow import Flow, FlowNode, build_flow
from archviz.patterns.op_families import canonical
from archviz.patterns.recurrences import Recurrence
from archviz.patterns.residual import find_residual_adds, is_parallel, norm_placement, norm_places
from archviz.patterns.streams import detect_stream_mixer, normalises_columns
from archviz.spans import Span
from archviz.verify.attention_claims import inner_norms
from archviz.verify.claims import Claim
from archviz.verify.view import LayerView

_PLACEMENTS = {"pre": "pre-norm", "post": "post-norm (after the branch, before the residual sum)", "sandwich": "sandwich",
               "post_residual": "post-norm (after the residual sum)"}  # fmt: skip

_MOST_FUNCTIONS = 8  # a recurrence that unrolls its steps repeats them
_PLACES = {"pre": "before a branch", "post": "after a branch", "post_residual": "after a residual sum"}


def layer_claims(view: LayerView) -> Iterator[Claim]:
    """Norms and residual structure of a kind of layer, from the data flow of its example."""
    yield from _norm_claims(view)
    yield from _unused_modules(view)
    yield from _uncalled_modules(view)
    flow = layer_flow(view)
    if flow is None:
        return
    parts = {path: part for part in (*view.kind.parts.mixers, *view.kind.parts.feeds) for path in part.paths}
    mixers = {path for part in view.kind.parts.mixers for path in part.paths}
    branches = {n.id: "mixer" if n.module in mixers else "feed" for n in flow.nodes.values()
                if n.kind == "call" and n.module in parts}  # fmt: skip
    norms = {n.id for n in flow.nodes.values() if n.module in view.kind.parts.norms}
    placement = norm_placement(flow, norms, set(branches))
    if placement is not None:
        lines = [_at(flow.nodes[i]) for i in sorted(norms)]
        yield view.claim("norm.placement", _PLACEMENTS[placement], *lines)
        places = norm_places(flow, norms, set(branches))
        words = {view.relative(flow.nodes[i].module): _PLACES[place] for i, place in sorted(places.items())}
        yield view.claim("norm.places", words, *(_at(flow.nodes[i]) for i in sorted(places)))
    yield from _parallel_mixers(view, flow, branches)
    yield from _residuals(view, flow, branches)


def _unused_modules(view: LayerView) -> Iterator[Claim]:
    """Modules that run, and whose results reach no output; of modules inside each other the outermost."""
    if view.call is None or not view.trace.whole:
        return
    unused: dict[str, Event] = {}
    for event in view.trace.inside(view.call):
        module = view.context.modules.get(event.module) if event.kind == "call" else None
        if module is None or view.trace.is_used(event) or any(event.module.startswith(f"{path}.") for path in unused):
            continue
        if any(each.parameters for each in module.walk()):
            unused[event.module] = event
    if unused:
        yield view.claim(
            "modules.unused", [view.relative(path) for path in unused], *(event.at for event in unused.values())
        )


def _uncalled_modules(view: LayerView) -> Iterator[Claim]:
    """Modules with modules inside, none of which runs; a single layer may lend its weight to a function without being called."""
    if view.call is None or not view.trace.whole:
        return
    idle: list[str] = []
    for module in view.kind.example.walk():
        numbered = module.name.isdigit() and module is not view.kind.example
        if numbered or not module.children or any(module.path.startswith(f"{path}.") for path in idle):
            continue
        held = list(module.walk())
        if any(each.parameters for each in held) and all(view.trace.call(each.path) is None for each in held):
            idle.append(module.path)
    if idle:
        modules = view.context.modules
        yield view.claim(
            "modules.not_called", [view.relative(path) for path in idle], *(modules[path].created_at for path in idle)
        )


def _parallel_mixers(view: LayerView, flow: Flow, branches: dict[int, str]) -> Iterator[Claim]:
    """Several mixers that read the same stream, none after another."""
    mixers = [node for node, role in branches.items() if role == "mixer"]
    before = flow.ancestors()
    if len(mixers) > 1 and not any(one in before[other] for one in mixers for other in mixers):
        names = [view.relative(flow.nodes[node].module) for node in mixers]
        yield view.claim("mixers.parallel", names, *(_at(flow.nodes[node]) for node in mixers))


def layer_flow(view: LayerView) -> Flow | None:
    """The flow of the layer, wrappers opened, parts and norms closed."""
    if view.call is None:
        return None
    parts = {path for part in (*view.kind.parts.mixers, *view.kind.parts.feeds) for path in part.paths}
    wrappers = set(view.kind.parts.wrappers) - parts

    def keep(event: Event) -> bool:
        return event.kind == "call" and event.module not in wrappers

    flow = build_flow(view.trace, view.call, keep)
    if flow.output is None or not flow.inputs:
        return None
    expose_hidden_residuals(view.context, flow, keep_inner(view.context))
    return flow


def _at(node: FlowNode) -> Span | None:
    return node.events[0].at if node.events else None


def _reads_weight(view: LayerView, path: str) -> bool:
    """Whether a norm's call reads a tensor of the size of its weight that is no data; true where nothing is known."""
    call, module = view.trace.call(path), view.context.modules[path]
    weights = {tensor.shape for tensor in module.parameters.values()}
    steps = [event for event in view.trace.inside(call) if event.kind == "op"] if call is not None else []
    if not steps or not weights or not view.trace.whole or module.library is not None:
        return True
    return any(value.shape in weights and not view.trace.carries(value) for event in steps for value in event.inputs)


def _norm_claims(view: LayerView) -> Iterator[Claim]:
    kinds: dict[str, list[str]] = {}
    for path, norm in view.kind.parts.norms.items():
        name = norm.kind + (", weight as 1 + w" if norm.unit_offset else "") + ("" if norm.size else ", no weight")
        name += "" if _reads_weight(view, path) else ", weight not used"
        kinds.setdefault(name, []).append(path)
    for name, paths in kinds.items():
        module = view.context.modules[paths[0]]
        yield view.claim("norm.kind", name, module.defined_at or module.created_at)
        yield view.claim("norm.count", len(paths), *(view.context.modules[p].created_at for p in paths))
    eps = {norm.eps for norm in view.kind.parts.norms.values() if norm.eps is not None}
    if len(eps) == 1:
        first = view.context.modules[next(iter(view.kind.parts.norms))]
        yield view.claim("norm.eps", eps.pop(), first.created_at)


def _residuals(view: LayerView, flow: Flow, branches: dict[int, str]) -> Iterator[Claim]:
    streams = _streams(view)
    if streams is not None:
        yield from _hyper_connections(view, streams)
        return
    adds = find_residual_adds(flow)
    lines = [_at(flow.nodes[i]) for i in sorted(adds)]
    yield view.claim("residual.count", len(adds), *lines)
    if not adds:
        yield view.claim("residual.structure", "none")
        return
    skips = [_skipped_words(view, flow, skipped, adds) for _, skipped in sorted(adds.items())]
    yield view.claim("residual.skips", skips, *lines)
    parallel = is_parallel(flow, branches)
    yield view.claim("residual.structure", "parallel" if parallel else "sequential", *lines)
    if parallel:
        feeding = {s for node in branches for s, _ in flow.nodes[node].sources}
        shared = len({s for s in feeding if flow.nodes[s].module in view.kind.parts.norms}) == 1
        yield view.claim("residual.shared_norm", shared, *(_at(flow.nodes[node]) for node in branches))
    factors = [(_factor(flow, i, skipped), i) for i, skipped in adds.items()]
    if any(factor is not None for factor, _ in factors):
        yield view.claim("residual.scale", [factor for factor, _ in factors], *(_at(flow.nodes[i]) for _, i in factors))


def _skipped_words(view: LayerView, flow: Flow, skipped: int, adds: dict[int, int]) -> str:
    """What a residual sum adds the branch to: the layer's input, an earlier sum, or the output of a norm."""
    node = flow.nodes[skipped]
    if skipped in flow.inputs:
        return "input"
    if skipped in adds:
        return "sum before"
    return f"output of {view.relative(node.module) or node.name}" if node.kind == "call" else node.name


def _factor(flow: Flow, add: int, skipped: int) -> float | str | None:
    """What the branch is multiplied by before it is added: a number, or `learned`."""
    alpha = flow.nodes[add].events[0].options.get("alpha") if flow.nodes[add].events else None
    branch = next((flow.nodes[s] for s, _ in flow.nodes[add].sources if s != skipped), None)
    if isinstance(alpha, (int, float)) and alpha != 1:
        return float(alpha)
    if branch is None or branch.kind != "op" or branch.name not in ("mul", "div") or len(branch.sources) != 1:
        return None
    numbers = [v for v in branch.events[0].options.values() if isinstance(v, (int, float)) and not isinstance(v, bool)]
    if not numbers:
        return "learned"
    return 1 / numbers[0] if branch.name == "div" and numbers[0] else float(numbers[0])


def _streams(view: LayerView) -> int | None:
    """Parallel residual streams: the layer is handed one more axis, before the features, and hands it back."""
    if view.call is None or not view.call.inputs or not view.call.outputs:
        return None
    first, last = view.call.inputs[0].shape, view.call.outputs[0].shape
    width = view.stack.width
    if not first or first != last or len(first) != 4 or first[-1] != width:
        return None
    mixers = [detect_stream_mixer(child, view.trace) for child in view.kind.example.children.values()]
    return first[2] if any(mixers) else None


def _hyper_connections(view: LayerView, streams: int) -> Iterator[Claim]:
    assert view.call is not None
    yield view.claim("residual.structure", f"hyper-connections, {streams} streams", view.kind.example.defined_at)
    for child in view.kind.example.children.values():
        call = view.trace.call(child.path)
        rounds = [e for e in view.trace.inside(call) if normalises_columns(e)] if call else []
        if len(rounds) > 1:
            name = view.setting("hc_sinkhorn_iters")
            agreed = name is not None and name[1] == len(rounds)
            yield view.claim(
                "residual.sinkhorn_iterations", len(rounds), rounds[0].at, rounds[-1].at,
                config=name[0] if name and agreed else None,
            )  # fmt: skip
            return


def part_claims(view: LayerView) -> Iterator[Claim]:
    """What a feed-forward or a mixer with a state is."""
    what = view.part.what if view.part else None
    if isinstance(what, FeedForward):
        yield view.claim("feed_forward.kind", what.title)
        yield view.claim("feed_forward.hidden_size", what.hidden)
        products = _gating(view)
        gated = bool(products) if view.call is not None and what.gated else what.gated
        yield view.claim("feed_forward.gated", gated, *products)
        if what.activation is not None:
            yield view.claim("feed_forward.activation", what.activation, *_activation(view))
        activated = view.activated(view.call) if what.gated and view.call is not None else {}
        if activated:
            yield view.claim("feed_forward.activated", list(activated), *activated.values())
        yield from inner_norms(view, "feed_forward.norms")
    elif isinstance(what, Recurrence):
        yield view.claim("mixer.kind", what.title)
        yield view.claim("mixer.family", what.role.replace("_", " "))
        for name, size in what.sizes.items():
            yield view.claim(f"mixer.{name}", size)
        yield from inner_norms(view, "mixer.norms")
        yield from _mixer_functions(view)


def _mixer_functions(view: LayerView) -> Iterator[Claim]:
    """Which functions the mixer applies, and to the output of which projections."""
    found: dict[str, Span | None] = {}
    for event in view.trace.inside(view.call) if view.call is not None and view.lineage is not None else ():
        name = read_activation(event, view.trace)
        if name is None or not event.inputs or event.kind == "function" or event.at is None:
            continue
        origins = [view.short(e.module) for e in view.lineage.projections(event.inputs[0])] if view.lineage else []
        text = f"{name} of {' + '.join(dict.fromkeys(origins))}" if origins else name
        found.setdefault(text, _own_line(view, event))
    if found:
        yield view.claim("mixer.functions", list(found)[:_MOST_FUNCTIONS], *list(found.values())[:_MOST_FUNCTIONS])


def _own_line(view: LayerView, event: Event) -> Span | None:
    """The line of the mixer's own file that leads to an event, not that of a library of activations."""
    own, outer = view.module.defined_at, event
    while own is not None and outer.at is not None and outer.at.file != own.file:
        above = view.trace.parent(outer)
        if above is None or above is view.call:
            return event.at
        outer = above
    return outer.at


def _gating(view: LayerView) -> list[Span | None]:
    """The products of two data tensors."""
    events = view.trace.own(view.call) if view.call else ()
    return [e.at for e in events if canonical(e.name) == "mul" and sum(map(view.trace.carries, e.inputs)) == 2][:1]


def _activation(view: LayerView) -> list[Span | None]:
    events = sorted(view.trace.inside(view.call) if view.call else (), key=lambda e: e.kind != "call")
    return [e.at for e in events if read_activation(e, view.trace) is not None][:1]
