"""Regions of a data flow that are one idea: the core of an attention, of a recurrence, the choice of experts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from archviz.patterns.flow import Flow, FlowNode, renumber
from archviz.patterns.op_families import ACTIVATIONS, CONTRACTIONS, CONVOLUTIONS, ELEMENTWISE
from archviz.patterns.trace import Trace

_CHOICE = frozenset({
    "topk", "softmax", "sigmoid", "gather", "sum", "div", "add", "mul", "masked_fill", "scatter", "one_hot", "where",
    "softplus", "sqrt", "sub", "getitem", "max", "argmax", "zeros_like", "normalize", "norm", "clamp", "split",
})  # fmt: skip


LONGEST = 400  # nodes of a flow that is looked at step by step
_RUNNING = frozenset({"exp", "maximum", "logsumexp", "div"})


def group_cores(flow: Flow, trace: Trace, parameters: Iterable[tuple[int | None, ...]] = ()) -> None:
    """Contract the core of an attention or a recurrence into one node (`attention_core` or `recurrence_core`).

    Seeds are products of data with data, running sums, attention functions and (where the module has own parameters
    that decay or skip) the ops that read those.  Everything between two seeds belongs to the core, and so does
    arithmetic that only feeds it or only combines its results.

    Args:
        parameters: Shapes of the module's own parameters.
    """
    own = {shape for shape in parameters if shape}
    seeds = {n.id for n in flow.nodes.values() if _is_seed(n, own)}
    if not seeds:
        return
    names = {n.name for n in flow.nodes.values()} | {
        e.name for n in flow.nodes.values() if n.kind == "function" for ev in n.events for e in trace.inside(ev)
    }
    kind = "attention_core" if names & {"softmax", "scaled_dot_product_attention"} else "recurrence_core"
    region = _between(flow, seeds)
    _absorb(flow, region)
    for component in sorted(_components(flow, region), key=len, reverse=True):
        # Token shifts and other preparations are apart from the core: projections stand between.
        telling = any(
            flow.nodes[i].name in (*CONTRACTIONS, *_RUNNING) or flow.nodes[i].kind == "function" for i in component
        )
        if telling:
            merge(flow, component, kind)
            kind = "steps"
        elif len(component) > 1:
            merge(flow, component, "steps")


def _is_seed(node: FlowNode, own: set[tuple[int | None, ...]]) -> bool:
    if node.kind == "function":
        return (
            "attention" in node.name or "scan" in node.name or "delta_rule" in node.name or "segment_sum" in node.name
        )
    if node.kind != "op":
        return False
    if node.name in ("cumsum", "scaled_dot_product_attention", "linalg_solve_triangular"):
        return True
    if node.name in CONTRACTIONS:
        # A weight is a matrix; what has more axes is a state, a mask or a decay.
        states = any(len(value.shape or ()) > 2 for value in node.reads)
        return len(node.sources) > 1 or node.reads_fresh or states
    if node.name in _RUNNING and own:
        return True  # running maxima and decays of recurrences written out step by step
    reads_own = any(_squeezed(value.shape) in {_squeezed(shape) for shape in own} for value in node.reads)
    return reads_own and node.name in ("add", "mul", "exp", "sub", "where", "maximum")


def _squeezed(shape: tuple[int | None, ...] | None) -> tuple[int | None, ...]:
    return tuple(size for size in shape or () if size != 1)


def _between(flow: Flow, seeds: set[int]) -> set[int]:
    """Seeds and everything on a way from one to another that passes no module call."""
    before: dict[int, bool] = {}
    for node in flow.nodes.values():
        inside = node.kind not in {"call", "input"}
        before[node.id] = inside and any(s in seeds or before.get(s, False) for s, _ in node.sources)
    after: dict[int, bool] = {}
    consumers = flow.consumers()
    for node_id in reversed(list(flow.nodes)):
        inside = flow.nodes[node_id].kind not in ("call", "input")
        after[node_id] = inside and any(c in seeds or after.get(c, False) for c in consumers[node_id])
    return seeds | {i for i in flow.nodes if before[i] and after[i]}


def _components(flow: Flow, region: set[int]) -> list[set[int]]:
    """The parts of a region that hang together."""
    near: dict[int, set[int]] = {i: set() for i in region}
    for i in region:
        for source, _ in flow.nodes[i].sources:
            if source in region:
                near[i].add(source)
                near[source].add(i)
    found: list[set[int]] = []
    left = set(region)
    while left:
        component, frontier = set(), [min(left)]
        while frontier:
            node = frontier.pop()
            if node not in component:
                component.add(node)
                frontier += near[node]
        left -= component
        found.append(component)
    return found


def _absorb(flow: Flow, core: set[int]) -> None:
    """Take in arithmetic whose only readers, or only data sources, are the core."""
    consumers = flow.consumers()
    changed = True
    while changed:
        changed = False
        for node in flow.nodes.values():
            if node.id in core or node.kind != "op" or node.name not in (*ELEMENTWISE, "cat"):
                continue
            feeds = consumers[node.id] and all(c in core for c in consumers[node.id])
            combines = all(s in core for s, _ in node.sources)
            if combines or (feeds and node.name != "cat"):
                core.add(node.id)
                changed = True


def group_choice(flow: Flow, experts: int, top_k: int | None) -> None:
    """Contract scoring, top-k and normalisation that a block spells out beside its router into one `top_k` node."""
    sizes = {experts, top_k}

    def belongs(node: FlowNode) -> bool:
        return (
            node.kind == "op"
            and node.name in _CHOICE
            and bool(node.shape_out)
            and (node.shape_out or (0,))[-1] in sizes
        )

    chosen = {n.id for n in flow.nodes.values() if n.kind == "op" and n.name == "topk"}
    _grow(flow, chosen, belongs)
    merge(flow, chosen, "top_k")


def group_calls(flow: Flow, prefix: str, kind: str) -> None:
    """Contract all calls below a module (`experts.0`, `experts.7`) and the indexing between them into one node."""
    calls = {n.id for n in flow.nodes.values() if n.kind == "call" and (n.module + ".").startswith(prefix + ".")}
    if len(calls) < 1 or (len(calls) == 1 and flow.nodes[next(iter(calls))].module == prefix):
        return
    _absorb(flow, calls)
    merge(flow, calls, kind, module=prefix)


def _grow(flow: Flow, region: set[int], belongs: Callable[[FlowNode], bool]) -> None:
    consumers = flow.consumers()
    frontier = list(region)
    while frontier:
        node_id = frontier.pop()
        near = [s for s, _ in flow.nodes[node_id].sources] + consumers[node_id]
        for other in near:
            if other not in region and belongs(flow.nodes[other]):
                region.add(other)
                frontier.append(other)


def is_convex(flow: Flow, region: set[int]) -> bool:
    """Whether no way leaves the region and comes back, so that contracting it makes no cycle."""
    tainted: set[int] = set()
    for node in flow.nodes.values():
        sources = {s for s, _ in node.sources}
        if node.id in region:
            if sources & tainted:
                return False
        elif sources & (region | tainted):
            tainted.add(node.id)
    return True


def merge(flow: Flow, region: set[int], kind: str, module: str | None = None) -> int | None:
    """Contract a region into one `group` node; returns its id, or None when that would make a cycle."""
    members = [flow.nodes[i] for i in flow.nodes if i in region]
    if not members or not is_convex(flow, region):
        return None
    first, last = members[0], members[-1]
    _hand_back(flow, members)
    group = FlowNode(
        last.id,
        "group",
        kind,
        module or first.module,
        sorted((e for m in members for e in m.events), key=lambda e: e.index),
    )
    group.sources = list(dict.fromkeys(s for m in members for s in m.sources if s[0] not in region))
    group.reads = [value for m in members for value in m.reads]
    group.shape_in, group.shape_out, group.factors = first.shape_in, last.shape_out, last.factors
    for node in flow.nodes.values():
        if node.id not in region:
            node.sources = list(dict.fromkeys((group.id if s in region else s, v) for s, v in node.sources))
    if flow.output in region:
        flow.output = group.id
    flow.nodes = renumber([*(n for i, n in flow.nodes.items() if i not in region), group])
    return group.id


def _hand_back(flow: Flow, members: list[FlowNode]) -> None:
    """A projection whose result is scaled and then cut into heads by a region keeps how it is cut: `q_proj(x) * scale`."""
    for node in members:
        if node.factors is None or node.name not in ELEMENTWISE or len(node.sources) != 1:
            continue
        source = flow.nodes[node.sources[0][0]]
        if source.kind == "call" and source.factors is None and source.shape_out == node.shape_in == node.shape_out:
            source.factors = node.factors


def fold_activations(flow: Flow) -> None:
    """Draw an activation that only feeds one product as part of it: `SiLU(gate) × up` is one step of thought.

    Kept apart: activations that feed something else than a product.
    """
    consumers = flow.consumers()
    for node in list(flow.nodes.values()):
        if node.kind != "op" or node.name not in ACTIVATIONS or len(consumers.get(node.id, ())) != 1:
            continue
        target = flow.nodes[consumers[node.id][0]]
        if target.kind == "op" and target.name == "mul":
            merge(flow, {node.id, target.id}, "gate")


def fold_convolutions(flow: Flow) -> None:
    """An activation that directly follows a convolution belongs to it."""
    consumers = flow.consumers()
    for node in list(flow.nodes.values()):
        if node.name in CONVOLUTIONS and len(consumers[node.id]) == 1:
            after = flow.nodes[consumers[node.id][0]]
            if after.kind == "op" and after.name in ACTIVATIONS:
                merge_into(flow, node, after)


def limit_nodes(flow: Flow, limit: int, named: Collection[int] = ()) -> bool:
    """Contract the least telling steps until at most `limit` nodes remain; returns whether anything was lost.

    Args:
        named: Ids of nodes that have a name of their own already, which are no part of the step before them.
    """
    lost = _fold_runs(flow)
    fold_scales(flow, named)
    fold_convolutions(flow)
    if len(flow.nodes) <= limit:
        return lost
    fold_activations(flow)
    while len(flow.nodes) > limit:
        pair = _least_telling(flow)
        if pair is None or merge(flow, set(pair), "steps") is None:
            break
        lost = True
    return lost


def _fold_runs(flow: Flow) -> bool:
    """Contract runs of plain steps of a flow that is far too long to be looked at step by step, as a loop over experts makes it.

    What stands together in an order of execution can be contracted without a cycle.
    """
    if len(flow.nodes) <= LONGEST:
        return False
    plain = sum(map(_is_plain, flow.nodes.values()))
    most = -(-plain // (LONGEST // 4))  # steps of one run
    stands_for: dict[int, int] = {}
    runs: list[list[FlowNode]] = [[]]
    for node in flow.nodes.values():
        if not _is_plain(node) or len(runs[-1]) == most:
            runs.append([])
        if _is_plain(node):
            runs[-1].append(node)
            stands_for[node.id] = len(runs) - 1
    groups = {}
    for place, members in enumerate(runs):
        if members:
            groups[place] = _run(members)
    names = {each: groups[place].id for each, place in stands_for.items()}
    for node in [*groups.values(), *(each for each in flow.nodes.values() if not _is_plain(each))]:
        sources = dict.fromkeys((names.get(s, s), v) for s, v in node.sources)
        node.sources = [each for each in sources if each[0] != node.id]
    flow.output = None if flow.output is None else names.get(flow.output, flow.output)
    kept = [node for node in flow.nodes.values() if not _is_plain(node)]
    flow.nodes = renumber([*kept, *groups.values()])
    return True


def _run(members: list[FlowNode]) -> FlowNode:
    """One node for steps that follow each other."""
    first, last = members[0], members[-1]
    if len(members) == 1:
        return first
    events = sorted((event for each in members for event in each.events), key=lambda event: event.index)
    group = FlowNode(last.id, "group", "steps", first.module, events)
    group.sources = [source for each in members for source in each.sources]
    group.reads = [value for each in members for value in each.reads]
    group.shape_in, group.shape_out, group.factors = first.shape_in, last.shape_out, last.factors
    return group


def fold_scales(flow: Flow, named: Collection[int] = ()) -> None:
    """Products and sums with constants are part of the step before them, but those that are named."""
    for node in list(flow.nodes.values()):
        if node.id in named:
            continue
        if node.kind != "op" or node.name not in ELEMENTWISE or len(node.sources) != 1 or node.id not in flow.nodes:
            continue
        source = flow.nodes[node.sources[0][0]]
        shared = len(flow.consumers()[source.id]) > 1
        if source.kind != "input" and not shared and source.name not in ("split", "chunk", "unbind"):
            merge_into(flow, source, node)


def merge_into(flow: Flow, keep: FlowNode, gone: FlowNode) -> None:
    """Let `keep` stand for a step that directly follows it."""
    keep.events += gone.events
    keep.shape_out = gone.shape_out
    keep.factors = keep.factors or gone.factors
    del flow.nodes[gone.id]
    for node in flow.nodes.values():
        node.sources = list(dict.fromkeys((keep.id if s == gone.id else s, v) for s, v in node.sources))
    if flow.output == gone.id:
        flow.output = keep.id


def _least_telling(flow: Flow) -> tuple[int, int] | None:
    """Two neighbouring plain steps that may be drawn as one without a cycle."""
    plain = {each for each, node in flow.nodes.items() if _is_plain(node)}
    pairs = {(source, each) for each in plain for source, _ in flow.nodes[each].sources if source in plain}
    ordered = sorted(pairs, key=lambda p: (_weight(flow.nodes[p[0]]) + _weight(flow.nodes[p[1]]), p))
    return next((pair for pair in ordered if is_convex(flow, set(pair))), None)


def _is_plain(node: FlowNode) -> bool:
    return node.kind in ("op", "group") and node.name not in ("attention_core", "recurrence_core", "top_k")


def _weight(node: FlowNode) -> int:
    """How much a step tells: splits and joins more than arithmetic, grown groups more than single steps."""
    return len(node.events) + (5 if node.name in ("split", "chunk", "cat", "conv1d") else 0)
