"""Residual structure of a layer: which additions are skip connections, and where the norms stand."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from archviz.patterns.flow import Flow, FlowNode

_WEIGHED = ("lerp", "addcmul", "addcdiv")


def find_residual_adds(flow: Flow, *, weighed: bool = False, branches: Collection[int] = ()) -> dict[int, int]:
    """Additions that join a branch to the stream it left: node id of the addition → node id of the skipped source.

    An addition is residual when one operand lies on the stream (the input, or an earlier residual sum), or comes
    before the other operand, as in layers that normalise the sum.

    Args:
        weighed: Sums whose skipped operand is multiplied by something count as well.
        branches: The nodes that are mixers or feed-forwards: sums of one with what else was made of the same count as well, such as a
            projection of the stream (a bottleneck, a stage that changes the width).
    """
    before = flow.ancestors()
    stream = set(flow.inputs[:1])
    found: dict[int, int] = {}
    for node in flow.nodes.values():
        sources = list(dict.fromkeys(source for source, _ in node.sources))
        joins = node.name == "add" or (weighed and node.name in _WEIGHED)
        if node.kind != "op" or not joins or len(sources) != 2:
            continue
        skipped = _skipped(before, sources, sources)
        if skipped is None:
            skipped = next((source for source in sources if source in stream), None)
        if skipped is None and weighed:
            bases = [unscaled(flow, source) for source in sources]
            skipped = next((source for source, base in zip(sources, bases, strict=True) if base in stream), None)
            skipped = _skipped(before, sources, bases) if skipped is None else skipped
        if skipped is None and branches:
            skipped = _beside_a_branch(before, sources, branches)
        if skipped is not None and len(before[node.id]) > 1:
            found[node.id] = skipped
            stream.add(node.id)
    return found


def _beside_a_branch(before: Mapping[int, set[int]], sources: Sequence[int], branches: Collection[int]) -> int | None:
    """Of the two operands of a sum, made of the same, the one that no branch made where one made the other."""
    first, second = ({source, *before[source]} for source in sources)
    of_branch = [not own.isdisjoint(branches) for own in (first - second, second - first)]
    if not first & second or of_branch[0] == of_branch[1]:
        return None
    return sources[1] if of_branch[0] else sources[0]


def _skipped(before: Mapping[int, set[int]], sources: Sequence[int], bases: Sequence[int]) -> int | None:
    """Of the two operands of a sum the one whose base the other is made of."""
    (first, second), (base, other) = sources, bases
    if base in before[second]:
        return first
    return second if other in before[first] else None


def unscaled(flow: Flow, number: int) -> int:
    """The node that a node multiplies by, or shifts by, something that is no data, or the node itself."""
    node = flow.nodes[number]
    while node.kind == "op" and node.name in ("mul", "div", "add", "sub") and len(node.sources) == 1:
        node = flow.nodes[node.sources[0][0]]
    return node.id


def _unbounded(flow: Flow, number: int) -> int:
    """The node whose numbers a step only keeps within bounds, or the node itself."""
    node = flow.nodes[number]
    while _bounds(node):
        node = flow.nodes[node.sources[0][0]]
    return node.id


def _bounds(node: FlowNode) -> bool:
    return node.kind == "op" and node.name == "clamp" and len(node.sources) == 1


def _readers(flow: Flow) -> dict[int, list[int]]:
    """Who reads each node, as it is or within bounds."""
    found: dict[int, list[int]] = {number: [] for number in flow.nodes}
    for node in flow.nodes.values():
        for source in dict.fromkeys(_unbounded(flow, source) for source, _ in node.sources if not _bounds(node)):
            found[source].append(node.id)
    return found


def branch_scales(flow: Flow) -> list[int]:
    """Steps that multiply a branch by something that is no data, right before it joins the stream."""
    found: list[int] = []
    for add, skipped in find_residual_adds(flow).items():
        for source, _ in flow.nodes[add].sources:
            node = flow.nodes[source]
            if source != skipped and node.kind == "op" and node.name in ("mul", "div") and len(node.sources) == 1:
                found.append(source)
    return found


def other_branches(flow: Flow, norms: set[int], branches: set[int]) -> list[tuple[int, int]]:
    """The first and the last step of each residual branch that holds no mixer or feed-forward, such as a convolution's, its own norms left out.

    A branch begins where it leaves the stream, behind a norm that reads the stream alone, and ends where it joins it again.
    """
    before = flow.ancestors()
    found: list[tuple[int, int]] = []
    for add, skipped in find_residual_adds(flow, weighed=True, branches=branches).items():
        joined = next((source for source, _ in flow.nodes[add].sources if source != skipped), skipped)
        base = unscaled(flow, skipped)
        own = ({joined} | before[joined]) - {base, skipped} - before[base] - before[skipped]
        if joined == skipped or own & branches:
            continue
        inner = [each for each in sorted(own) if not (each in norms and not _reads(flow, each, own))]
        while inner and inner[-1] in norms:
            inner.pop()
        if any(flow.nodes[each].kind == "call" for each in inner):
            found.append((inner[0], inner[-1]))
    return found


def _reads(flow: Flow, number: int, nodes: Collection[int]) -> bool:
    return any(source in nodes for source, _ in flow.nodes[number].sources)


def norm_placement(flow: Flow, norms: set[int], branches: set[int]) -> str | None:
    """Where the norms of a layer stand.

    Args:
        norms: Ids of the nodes that are norms; `branches` of the nodes that are mixers or feed-forwards.

    Returns:
        `pre` (before a branch), `post` (after a branch, inside the residual), `sandwich` (both), `post_residual`
        (after the sum), `pre_and_sum` (before, and after the sum): that of more than half of the branches that have norms; `mixed` where there is no such place,
        None where there is no norm.
    """
    return prevailing(branch_placements(flow, norms, branches))


def prevailing(placements: Mapping[int, str]) -> str | None:
    """The placement that more than half of the branches have; `mixed` where none has."""
    words = list(placements.values())
    most = max(words, key=words.count, default=None)
    return most if most is None or 2 * words.count(most) > len(words) else "mixed"


def branch_placements(
    flow: Flow, norms: set[int], branches: set[int], first: Mapping[int, int] | None = None
) -> dict[int, str]:
    """The placement of the norms of each branch that has any, in order of execution.

    Args:
        first: Node of a branch → the first of its nodes, where branches have several.
    """
    found: dict[int, set[str]] = {}
    residual = find_residual_adds(flow, weighed=True, branches=branches)
    kept = {unscaled(flow, skipped) for skipped in residual.values()}
    for norm, place in _places(flow, norms, branches, residual, kept).items():
        for branch in _normed(flow, norm, place, branches, residual):
            place = "stream" if place == "pre" and norm in kept else place  # what is skipped is normalised too
            found.setdefault(first[branch] if first else branch, set()).add(place)
    return {branch: _placement(found[branch]) for branch in sorted(found)}


def _placement(places: set[str]) -> str:
    if "stream" in places:
        places = places - {"stream"} | (set() if "post_residual" in places else {"pre"})
    if places == {"pre", "post"}:
        return "sandwich"
    if places >= {"pre", "post_residual"}:
        return "pre_and_sum"
    return next(place for place in ("post_residual", "post", "pre") if place in places)


def _normed(flow: Flow, norm: int, place: str, branches: set[int], residual: Mapping[int, int]) -> set[int]:
    """The branches that a norm belongs to: those that read it, the one it reads, or the one that its sum adds."""
    if place == "pre":
        return _nearest(flow.consumers(), [norm], branches, residual.keys())
    before = {node.id: [source for source, _ in node.sources] for node in flow.nodes.values()}
    if place == "post":
        return _nearest(before, [norm], branches, residual.keys())
    sums = set(before[norm]) & residual.keys()
    added = [each for add in sums for each in before[add] if each != residual[add]]
    return set(added) & branches or _nearest(before, added, branches, residual.keys())


def _nearest(
    links: Mapping[int, Sequence[int]], start: Sequence[int], branches: set[int], sums: Collection[int]
) -> set[int]:
    """The first branches on every way from some nodes on, not past a residual sum."""
    found, seen, open_ = set[int](), set(start), list(start)
    while open_:
        for each in links[open_.pop()]:
            if each in branches:
                found.add(each)
            elif each not in seen and each not in sums:
                seen.add(each)
                open_.append(each)
    return found


def norm_places(flow: Flow, norms: set[int], branches: set[int]) -> dict[int, str]:
    """For each norm that stands beside a branch or a residual sum: `pre`, `post` or `post_residual`."""
    residual = find_residual_adds(flow, weighed=True, branches=branches)
    return _places(flow, norms, branches, residual, {unscaled(flow, skipped) for skipped in residual.values()})


def _places(
    flow: Flow, norms: set[int], branches: set[int], residual: Mapping[int, int], kept: set[int]
) -> dict[int, str]:
    consumers = _readers(flow)
    places: dict[int, str] = {}
    for norm in norms if branches else ():
        sources = {_unbounded(flow, source) for source, _ in flow.nodes[norm].sources}
        after_sum = sources & residual.keys()
        read = set(consumers[norm])
        alone = all(consumers[each] == [norm] for each in after_sum)  # else the sum goes on beside the norm
        beside = bool(sources & kept)  # what it reads goes on as the stream
        between = (read & branches or beside) and not read & residual.keys() and norm not in kept
        if sources & branches and not between:
            places[norm] = "post"
        elif after_sum and alone and (norm in kept or not read):
            places[norm] = "post_residual"
        elif read & branches or (beside and sources & branches):
            places[norm] = "pre"
    return places


def is_parallel(flow: Flow, branches: Mapping[int, str]) -> bool:
    """Whether mixer and feed-forward read the same stream rather than one after the other."""
    before = flow.ancestors()
    mixers = [node for node, role in branches.items() if role == "mixer"]
    feeds = [node for node, role in branches.items() if role == "feed"]
    return bool(mixers and feeds) and all(m not in before[f] and f not in before[m] for m in mixers for f in feeds)
