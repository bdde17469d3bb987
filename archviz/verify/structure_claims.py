"""How a layer is put together: norms and where they stand, residuals, feed-forwards, mixers with a state."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from archviz.architecture.layer_graphs import expose_hidden_residuals, keep_inner
from archviz.interpreter.reading import Event
from archviz.late_patterns import late_pattern
from archviz.patterns.activations import number_in, read_activation
from archviz.patterns.feed_forward import FeedForward
from archviz.patterns.flow import Flow, FlowNode, build_flow
from archviz.patterns.joined_branches import joins_branches
from archviz.patterns.layer_parts import Part
from archviz.patterns.norms import FunctionalNorm, Norm, functional_norm
from archviz.patterns.op_families import PLUMBING, canonical
from archviz.patterns.position_mixers import PositionMixer
from archviz.patterns.recurrences import Recurrence
from archviz.patterns.residual import (
    branch_placements,
    find_residual_adds,
    is_parallel,
    norm_places,
    other_branches,
    prevailing,
    unscaled,
)
from archviz.patterns.streams import detect_stream_mixer, normalises_columns
from archviz.spans import Span
from archviz.verify.attention_claims import NO_KNOWN_NORM, inner_norms
from archviz.verify.claims import Claim
from archviz.verify.feed_forward_claims import feed_forward_claims
from archviz.verify.own_residuals import show_own_residuals
from archviz.verify.uncalled import uncalled
from archviz.verify.view import LayerView

_PLACEMENTS = {"pre": "pre-norm", "post": "post-norm (after the branch, before the residual sum)", "sandwich": "sandwich",
               "post_residual": "post-norm (after the residual sum)", "pre_and_sum": "pre-norm and a norm after the residual sum"}  # fmt: skip

_MOST_FUNCTIONS = 8  # a recurrence that unrolls its steps repeats them
_PLACES = {"pre": "before a branch", "post": "after a branch", "post_residual": "after a residual sum"}


def layer_claims(view: LayerView) -> Iterator[Claim]:
    """Norms and residual structure of a kind of layer, from the data flow of its example."""
    flow = layer_flow(view)
    held = view.kind.parts.norms | (show_own_residuals(view, flow) if flow is not None else {})
    yield from _norm_claims(view, held)
    yield from _unused_modules(view)
    yield from _uncalled_modules(view)
    if flow is None:
        return
    parts = _part_modules(view)
    mixers = {path for path, part in parts.items() if any(part is each for each in view.kind.parts.mixers)}
    branches = {n.id: "mixer" if n.module in mixers else "feed" for n in flow.nodes.values()
                if n.kind == "call" and n.module in parts}  # fmt: skip
    loose = _norms_by_function(view, flow)
    yield from _functional_claims(view, loose)
    norms = {n.id for n in flow.nodes.values() if n.kind == "call" and n.module in held} | loose.keys()
    placements = branch_placements(flow, norms, set(branches), _first_nodes(flow, branches, parts))
    if placements:
        lines = [_at(flow.nodes[i]) for i in sorted(norms)]
        yield view.claim("norm.placement", _placement_words(view, flow, placements), *lines)
        others = {each for ends in other_branches(flow, norms, set(branches)) for each in ends}
        places = norm_places(flow, norms, {*branches, *others})
        names = {node: f"{norm.event.name} {at}" for at, (node, norm) in enumerate(loose.items(), 1)}
        words = {names.get(i) or view.relative(flow.nodes[i].module): _PLACES[at] for i, at in sorted(places.items())}
        yield view.claim("norm.places", words, *(_at(flow.nodes[i]) for i in sorted(places)))
    yield from _parallel_mixers(view, flow, branches)
    yield from _residuals(view, flow, branches)


def _part_modules(view: LayerView) -> dict[str, Part]:
    """The modules of each part; of one that the layer does not call itself (`nn.ModuleDict`) those inside it that it calls."""
    found: dict[str, Part] = {}
    for part in (*view.kind.parts.mixers, *view.kind.parts.feeds):
        for path in part.paths:
            idle = view.trace.call(path) is None
            inside = [each.path for each in view.context.modules[path].walk()[1:]] if idle else []
            found |= dict.fromkeys((path, *inside), part)
    return found


def _norms_by_function(view: LayerView, flow: Flow) -> dict[int, FunctionalNorm]:
    """The norms between the parts of a layer that are no module, by their steps in its flow."""
    steps = (
        (node.id, node.events[0]) for node in flow.nodes.values() if node.kind in ("op", "function") and node.events
    )
    found = ((node, functional_norm(event, view.trace)) for node, event in steps)
    return {node: norm for node, norm in found if norm is not None}


def _functional_claims(view: LayerView, norms: Mapping[int, FunctionalNorm]) -> Iterator[Claim]:
    """What they compute, beside norms that are modules or alone."""
    kinds = dict.fromkeys(f"{norm.kind}, no module{'' if norm.weighted else ', no weight'}" for norm in norms.values())
    lines = [norm.event.at for norm in norms.values()]
    for kind in kinds:
        yield view.claim("norm.kind", kind, *lines)
    if norms and not view.kind.parts.norms:
        yield view.claim("norm.count", len(norms), *lines)


def _first_nodes(flow: Flow, branches: Collection[int], parts: Mapping[str, Part]) -> dict[int, int]:
    """Node of a part → the first node of the part."""
    first: dict[int, int] = {}
    found: dict[int, int] = {}
    for node in sorted(branches):
        found[node] = first.setdefault(id(parts[flow.nodes[node].module]), node)
    return found


def _placement_words(view: LayerView, flow: Flow, placements: Mapping[int, str]) -> str:
    """Where most branches have their norms, and the place for each branch that has them elsewhere."""
    by_place: dict[str, list[str]] = {}
    for branch, place in placements.items():
        by_place.setdefault(place, []).append(view.relative(flow.nodes[branch].module))
    most = prevailing(placements)
    others = {place: names for place, names in by_place.items() if place != most}
    start = "mixed: " if most == "mixed" else _PLACEMENTS[str(most)] + (", but " if others else "")
    return start + "; ".join(f"{', '.join(names)} {_PLACEMENTS[place]}" for place, names in others.items())


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
    """Modules that do not run and none of whose parameters is read; of modules inside each other the outermost."""
    if view.call is None or not view.trace.whole:
        return
    example = view.kind.example
    idle = uncalled(view.context, example)
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
        if event.kind == "function":
            return functional_norm(event, view.trace) is not None
        return event.kind == "call" and event.module not in wrappers and not _is_scaled_sum(view, event)

    flow = build_flow(view.trace, view.call, keep, ones=True)
    if flow.output is None or not flow.inputs:
        return None
    expose_hidden_residuals(view.context, flow, keep_inner(view.context))
    return flow


_SCALED_SUM = frozenset({"add", "sub", "mul", "div"})


def _is_scaled_sum(view: LayerView, call: Event) -> bool:
    """Whether a module adds what it is handed, each scaled and shifted by its own weights, and does nothing else."""
    module = view.context.modules.get(call.module)
    if module is None or module.children or sum(map(view.trace.carries, call.inputs)) < 2:
        return False
    steps = [
        event for event in view.trace.inside(call) if event.kind == "op" and any(map(view.trace.carries, event.inputs))
    ]
    ops = {canonical(event.name) for event in steps} - PLUMBING
    return "add" in ops and ops <= _SCALED_SUM


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


def _norm_words(view: LayerView, path: str, norm: Norm) -> str:
    """What a norm computes: of which kind it is, and what its weight is added to."""
    form = view.norm_form(view.context.modules[path])
    if form is not None and form.kind is None:
        return NO_KNOWN_NORM
    offset = form.offset if form is not None else 1.0 if norm.unit_offset else 0.0
    name = (form.kind if form is not None else None) or norm.kind
    name += f", weight as {offset:g} + w" if offset else ""
    name += f", times {form.factor:g}" if form is not None and form.factor != 1 else ""
    return name + ("" if norm.size else ", no weight") + ("" if _reads_weight(view, path) else ", weight not used")


def _norm_claims(view: LayerView, held: Mapping[str, Norm]) -> Iterator[Claim]:
    kinds: dict[str, list[str]] = {}
    for path, norm in held.items():
        kinds.setdefault(_norm_words(view, path, norm), []).append(path)
    for name, paths in kinds.items():
        module = view.context.modules[paths[0]]
        yield view.claim("norm.kind", name, module.defined_at or module.created_at)
        yield view.claim("norm.count", len(paths), *(view.context.modules[p].created_at for p in paths))
    eps = {view.relative(path): norm.eps for path, norm in held.items() if norm.eps is not None}
    if eps:
        lines = dict.fromkeys(norm.eps_at or view.context.modules[path].created_at for path, norm in held.items())
        yield view.claim("norm.eps", eps if len(set(eps.values())) > 1 else next(iter(eps.values())), *lines)


def _residuals(view: LayerView, flow: Flow, branches: dict[int, str]) -> Iterator[Claim]:
    streams = _streams(view)
    if streams is not None:
        yield from _hyper_connections(view, streams)
        return
    adds = find_residual_adds(flow, weighed=True, branches=branches)
    lines = [_at(flow.nodes[i]) for i in sorted(adds)]
    yield view.claim("residual.count", len(adds), *lines)
    if not adds:
        yield view.claim("residual.structure", "none")
        return
    skips = [_skipped_words(view, flow, skipped, adds) for _, skipped in sorted(adds.items())]
    yield view.claim("residual.skips", skips, *lines)
    parallel = is_parallel(flow, branches)
    structure = "parallel" if parallel or (len(adds) == 1 and _joined(view, flow, branches)) else "sequential"
    yield view.claim("residual.structure", structure, *lines)
    if parallel:
        feeding = {s for node in branches for s, _ in flow.nodes[node].sources}
        shared = len({s for s in feeding if flow.nodes[s].module in view.kind.parts.norms}) == 1
        yield view.claim("residual.shared_norm", shared, *(_at(flow.nodes[node]) for node in branches))
    for key, of_skip in (("residual.scale", False), ("residual.skip_scale", True)):
        factors = [(_factor(flow, i, skipped, of_skip), i) for i, skipped in adds.items()]
        if any(factor is not None for factor, _ in factors):
            yield view.claim(key, [factor for factor, _ in factors], *(_at(flow.nodes[i]) for _, i in factors))
    yield from _layer_scale(view, flow)


def _joined(view: LayerView, flow: Flow, branches: Mapping[int, str]) -> bool:
    """Whether the only branch of a layer holds an attention and a feed-forward beside each other."""
    calls = [view.trace.call(flow.nodes[node].module) for node in branches]
    return len(calls) == 1 and calls[0] is not None and joins_branches(view.trace, calls[0])


def _layer_scale(view: LayerView, flow: Flow) -> Iterator[Claim]:
    """What the whole result of the layer is multiplied by, behind the last sum."""
    node = flow.nodes[flow.output] if flow.output is not None else None
    if node is not None and node.kind == "op" and node.name in ("mul", "div") and len(node.sources) == 1:
        yield view.claim("residual.layer_scale", _scale_of(node, view), _at(node))


def _skipped_words(view: LayerView, flow: Flow, skipped: int, adds: dict[int, int]) -> str:
    """What a residual sum adds the branch to: the layer's input, an earlier sum, or the output of a norm."""
    base = unscaled(flow, skipped)
    node = flow.nodes[base]
    if base in flow.inputs:
        return "input"
    if base in adds:
        return "sum before"
    return f"output of {view.relative(node.module) or node.name}" if node.kind == "call" else node.name


def _factor(flow: Flow, add: int, skipped: int, of_skip: bool) -> float | str | None:
    """What the branch, or what is skipped, is multiplied by before it is added: a number, or `learned`."""
    node = flow.nodes[add]
    options = node.events[0].options if node.events else {}
    if node.name == "lerp":
        weight = number_in(node.events[0])
        return "data" if weight is None else 1 - weight if of_skip else weight
    if node.name in ("addcmul", "addcdiv"):
        return None if of_skip else "other data"
    alpha = options.get("alpha")
    if isinstance(alpha, (int, float)) and alpha != 1 and (node.sources[0][0] == skipped) != of_skip:
        return float(alpha)
    operand = next((flow.nodes[s] for s, _ in node.sources if (s == skipped) == of_skip), None)
    if operand is None or operand.kind != "op" or operand.name not in ("mul", "div") or len(operand.sources) != 1:
        return None
    return _scale_of(operand)


def _scale_of(node: FlowNode, view: LayerView | None = None) -> float | str:
    """The number that a product or quotient multiplies by; else that it is learned, or which stored number it is."""
    number = number_in(node.events[0])
    if number is not None and (number or node.name != "div"):
        return 1 / number if node.name == "div" else number
    stored = view.context.reading.stored if view is not None else {}
    names = [stored[value.id].name.rpartition(".")[2] for value in node.reads if value.id in stored]
    return f"stored: {names[0]}" if names else "learned"


def _streams(view: LayerView) -> int | None:
    """Parallel residual streams: the layer is handed one more axis, before the features, and hands it back."""
    if view.call is None or not view.call.inputs or not view.call.outputs:
        return None
    first, last = view.call.inputs[0].shape, view.call.outputs[0].shape
    width = view.stack.width
    if not first or first != last or len(first) != 4 or first[-1] != width:
        return None
    mixers = [detect_stream_mixer(child, view.trace) for child in view.kind.example.children.values()]
    return first[2] if any(mixers) or _joins_streams(view, first) else None


def _joins_streams(view: LayerView, shape: tuple[int | None, ...]) -> bool:
    """Whether the parts of a layer that is given `[B, S, N, D]` read one stream `[B, S, D]`."""
    paths = [part.paths[0] for part in (*view.kind.parts.mixers, *view.kind.parts.feeds)]
    calls = [call for path in paths if (call := view.trace.call(path)) is not None and call.inputs]
    return bool(calls) and all(call.inputs[0].shape == (shape[0], shape[1], shape[3]) for call in calls)


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
        yield from feed_forward_claims(view, what)
        yield from inner_norms(view, "feed_forward.norms")
    elif isinstance(what, Recurrence | PositionMixer):
        yield view.claim("mixer.kind", what.title)
        if isinstance(what, Recurrence):
            yield view.claim("mixer.family", what.role.replace("_", " "))
        for name, size in what.sizes.items():
            yield view.claim(f"mixer.{name}", size)
        yield from inner_norms(view, "mixer.norms")
        yield from _gates(view)
        yield from _mixer_functions(view)


_OF_ONE_PLACE = late_pattern(r"\[:, \d")
"""A part of a value at one position, as a loop over positions reads it."""


def _gates(view: LayerView) -> Iterator[Claim]:
    """Products of two parts of the data in the mixer's own steps: what gates what, by the projections that they come from."""
    if view.call is None:
        return
    origins, found = view.origins(view.call), dict[str, Span | None]()
    for event in view.trace.children(view.call):
        if event.kind == "op" and canonical(event.name) == "mul" and sum(map(view.trace.carries, event.inputs)) == 2:
            sides = [" + ".join(origins.words(value)) for value in event.inputs]
            if all(sides) and not any(_OF_ONE_PLACE.search(side) for side in sides):
                found.setdefault(" · ".join(sides), event.at)
    if found:
        yield view.claim("mixer.products", list(found)[:_MOST_FUNCTIONS], *list(found.values())[:_MOST_FUNCTIONS])


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
