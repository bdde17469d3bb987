"""Mixture of experts: routed experts, the router that scores them, top-k and shared experts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from archviz.interpreter.reading import Event, ModuleRecord, TensorRecord
from archviz.patterns.activations import activation_in
from archviz.patterns.feed_forward import FeedForward, describe_projections, detect_feed_forward
from archviz.patterns.linears import is_linear, linear_sizes, linears_of
from archviz.patterns.op_families import activation_of, canonical
from archviz.patterns.routed_lists import routed_count
from archviz.patterns.router_flow import experts_choice, single_choices
from archviz.patterns.router_weights import corrects_choice, is_seen, normalising_step, score_name, weight_factor
from archviz.patterns.stated_settings import stated_number
from archviz.patterns.trace import Trace
from archviz.records import record, replace

_TOP_K = (
    "top_k",
    "topk",
    "num_experts_per_tok",
    "moe_top_k",
    "num_experts_per_token",
    "num_selected_experts",
    "moe_topk",
)
_SCALING = ("routed_scaling_factor", "router_scale", "moe_router_scaling_factor")


@record(frozen=True)
class MixtureOfExperts:
    """A feed-forward that sends each token to a few of its experts.

    Args:
        experts, router, shared: Module paths; the shared expert is None where there is none.
        count, top_k: Experts with weights, and how many choices the router makes for a token.
        further: Modules beside `experts` that hold further projections of the same experts (`output_linear` beside `input_linear`).
        common: Modules inside of these that all experts share.
        zero: Further choices of the router that hold no weights of their own: such an expert hands its token on or gives nothing.
        hidden: Inner width of an expert; `each` its parameters.
        score: `softmax`, `sigmoid`, …; `softmax over top-k` when scores are normalised after the choice.
        correction_bias: The choice adds a bias that the weights do not see.
        shared_gate: Path of the gate on the shared expert; `shared_gate_curve` what its result passes (`sigmoid`, `linear`), None where it never ran.
        groups: Expert groups and how many of them a token may use.
        hashed: The experts of a token are looked up by its id, in a table of the router.
        expert_scale: Name of a stored number of each expert that its weight is multiplied by after the choice.
    """

    experts: str
    router: str | None
    shared: str | None
    count: int
    top_k: int | None
    hidden: int | None
    width: int | None
    each: int
    activation: str | None
    gated: bool
    score: str | None = None
    normalised: bool | None = None
    scaling: float | None = None
    correction_bias: bool = False
    shared_gate: str | None = None
    shared_gate_curve: str | None = None
    shared_hidden: int | None = None
    groups: tuple[int, int] | None = None
    hashed: bool = False
    expert_scale: str | None = None
    zero: int = 0
    further: tuple[str, ...] = ()
    common: tuple[str, ...] = ()

    @property
    def holders(self) -> tuple[str, ...]:
        """The modules that together hold the experts."""
        return (self.experts, *self.further)

    @property
    def choices(self) -> int:
        """What the router chooses among: experts with weights and without."""
        return self.count + self.zero

    @property
    def visited(self) -> tuple[int, float, int] | None:
        """Experts with weights that a token visits: the fewest, those if every choice were as likely, the most."""
        if not self.top_k:
            return None
        fewest = max(0, self.top_k - self.zero)
        return fewest, self.top_k * self.count / self.choices, min(self.top_k, self.count) if self.zero else self.top_k

    def of_one(self, tensor: TensorRecord) -> int:
        """Elements of a tensor of the experts that belong to one of them; it may hold rows for zero experts as well."""
        return tensor.numel // (self.choices if self.zero and tensor.shape[0] == self.choices else self.count)


def detect_moe(module: ModuleRecord, trace: Trace) -> MixtureOfExperts | None:
    """The mixture of experts that a module (or a layer that spells one out) holds directly; None when none."""
    counts = {name: _count(child, module, trace) for name, child in module.children.items()}
    named = max(counts, key=lambda name: counts[name], default="")
    experts, count = module.children.get(named), counts.get(named, 0)
    if experts is None or not count:
        return None
    holders = [
        experts,
        *_further(experts, [child for child in module.children.values() if counts[child.name] == count]),
    ]
    router, choices = _find_router(module, experts, count, trace)
    shared = next((c for c in module.children.values() if _is_shared(c, experts, module, trace)), None)
    gate = next(
        (c for c in linears_of(module) if (linear_sizes(c) or (0, 0))[1] == 1 and c is not router), None
    )  # a single number per token
    if gate is not None and trace.whole and trace.call(module.path) is not None and trace.call(gate.path) is None:
        gate = None  # it does not run
    width, hidden, gated = _expert_sizes(holders, count, choices, _outer(router, choices))
    owners, call = (router, module), trace.call(module.path)
    common = _common(holders, count)
    beside = tuple(f"{path}." for path in common)
    parts = [part for holder in holders for part in holder.walk() if not f"{part.path}.".startswith(beside)]
    events = router_events(trace, trace.call(router.path) if router else None, call)
    seen, factor = call if is_seen(events) else None, weight_factor(events)
    by_experts = experts_choice(events, choices)
    top_k = None if by_experts else _top_k(module, router, events, single_choices(trace, events, choices))
    what = MixtureOfExperts(
        experts=experts.path,
        router=router.path if router else None,
        shared=shared.path if shared else None,
        count=count,
        top_k=top_k,
        hidden=hidden,
        width=width,
        each=sum(t.numel for m in parts for t in m.parameters.values()) // count,
        zero=choices - count,
        activation=activation_in(_working(experts, trace) if len(holders) == 1 else module, trace),
        gated=gated,
        score=score_name(events, choices),
        normalised=normalising_step(events) is not None if seen else _stated_normalised(owners),
        scaling=factor[1] if factor else None if seen else _stated(owners, _SCALING),
        correction_bias=corrects_choice(trace, seen, events, experts.path, choices) if seen else _holds_bias(owners),
        shared_gate=gate.path if gate and shared else None,
        shared_gate_curve=_curve_name(trace, gate.path, events) if gate and shared else None,
        shared_hidden=_shared_hidden(shared, width, trace),
        groups=group_limit(events, choices) or _groups(module, router),
        hashed=_is_hashed(router, choices, top_k),
        expert_scale=_expert_scale(router, events, choices),
        further=tuple(holder.path for holder in holders[1:]),
        common=common,
    )
    held = (what.of_one(tensor) for part in parts for tensor in part.parameters.values())
    return replace(what, each=sum(held)) if what.zero else what


def _count(child: ModuleRecord, module: ModuleRecord, trace: Trace) -> int:
    """How many experts a child holds, by its name and tensors, else by the choice among as many in the module's steps."""
    return expert_count(child) or (routed_count(child, module, trace) if len(child.children) > 1 else None) or 0


def _common(holders: Sequence[ModuleRecord], count: int) -> tuple[str, ...]:
    """What stands beside stacked matrices of the experts and has no axis of experts: all of them share it, as one norm of their results."""
    stacking = [h for h in holders if any(t.shape[:1] == (count,) for t in h.parameters.values())]
    found = []
    for child in (child for holder in stacking for child in holder.children.values()):
        tensors = [t for inner in child.walk() for t in inner.parameters.values()]
        if tensors and all(t.shape[:1] != (count,) for t in tensors):
            found.append(child.path)
    return tuple(found)


def _further(experts: ModuleRecord, alike: Sequence[ModuleRecord]) -> list[ModuleRecord]:
    """Siblings of the experts with further projections of them: one matrix for each alone is no feed-forward, several side by side are.

    Args:
        alike: The modules of the block that hold as many experts.
    """
    if not _is_one_projection(experts):
        return []
    return [
        child for child in alike
        if child is not experts and child.class_name == experts.class_name and _is_one_projection(child) and "shared" not in child.name
    ]  # fmt: skip


def _is_one_projection(module: ModuleRecord) -> bool:
    """Whether a module holds a single matrix for each expert: one stack, or a list of projections."""
    if module.children:
        return all(name.isdigit() and is_linear(child) for name, child in module.children.items())
    return [len(t.shape) for t in module.parameters.values() if len(t.shape) > 2] == [3]


def gate_curve(trace: Trace, gate: str, events: Sequence[Event]) -> Event | None:
    """The activation that reads what a gate gives.

    Args:
        gate: Path of the gate.
        events: What happens around the experts.
    """
    call = trace.call(gate)
    given = {value.id for value in call.outputs} if call is not None else set()
    return next((e for e in events if activation_of(e.name) and any(v.id in given for v in e.inputs)), None)


def _curve_name(trace: Trace, gate: str, events: Sequence[Event]) -> str | None:
    curve = gate_curve(trace, gate, events)
    return canonical(curve.name) if curve else "linear" if trace.call(gate) else None


def _expert_scale(router: ModuleRecord | None, events: Sequence[Event], count: int) -> str | None:
    """The tensor with one number for each expert that is read and multiplied by behind the choice."""
    names = [canonical(event.name) for event in events]
    if router is None or "topk" not in names:
        return None
    own = [name for name, t in router.parameters.items() if tuple(t.shape) == (count,) and "bias" not in name]
    made = {value.id for event in events for value in event.outputs}
    behind = events[names.index("topk") + 1 :]
    read = {
        value.id for event in behind for given in event.inputs[:1] for value in event.outputs
        if given.id not in made and tuple(given.shape or ()) == (count,)
    }  # fmt: skip
    scaled = any(canonical(e.name) == "mul" and any(v.id in read for v in e.inputs) for e in behind)
    return own[0] if len(own) == 1 and scaled else None


def expert_count(module: ModuleRecord) -> int | None:
    """How many experts with weights a module holds: the leading axis of its weights, or numbered children; else None.

    Where leading axes differ, as with rows kept for zero experts, an expert is what has a row in all of them.
    """
    named = "expert" in _names(module)
    holders = [module, *module.children.values()] if named else [module]
    stacked = [t for holder in holders for t in holder.parameters.values() if len(t.shape) == 3]
    if _is_convolution(module) or (not named and any(map(_is_convolution, module.children.values()))):
        return None  # heads of a recurrence lie one behind the other as well
    axes = {t.shape[0] or 0 for t in stacked}
    if stacked and (named or (len(axes) == 1 and len(stacked) > 1)):
        return min(axes) if min(axes) > 1 else None
    numbered = _numbered(module)
    if named and len(numbered) > 1:
        return len(_weighted(numbered)) or len(numbered)
    stated = module.attributes.get("num_experts") or module.attributes.get("num_local_experts")
    holds = named and "expert" in module.name and any(holder.parameters for holder in holders)
    return stated if holds and isinstance(stated, int) and stated > 1 else None


def _is_convolution(module: ModuleRecord) -> bool:
    return (module.library or "").rpartition(".")[2].startswith("Conv")


def _numbered(module: ModuleRecord) -> list[ModuleRecord]:
    """Experts as children with numbers: `0`, `expert_0`."""
    return [child for name, child in module.children.items() if re.fullmatch(r"(expert_?)?\d+", name)]


def _weighted(experts: list[ModuleRecord]) -> list[ModuleRecord]:
    return [expert for expert in experts if any(part.parameters for part in expert.walk())]


def _working(experts: ModuleRecord, trace: Trace) -> ModuleRecord:
    """The experts, or of a list, which does not run itself, the first that ran."""
    ran = next((each for each in _numbered(experts) if trace.call(each.path) is not None), None)
    return experts if ran is None or trace.call(experts.path) is not None else ran


def _names(module: ModuleRecord) -> str:
    return f"{module.name} {module.class_name}".lower()


def _is_shared(child: ModuleRecord, experts: ModuleRecord, module: ModuleRecord, trace: Trace) -> bool:
    if child is experts or "router" in child.name:
        return False
    if "shared" in child.name and expert_count(child):
        return True  # several, one behind the other in the same tensors
    inside_layer = any(re.search(r"attn|attention", name) for name in module.children)
    return ("shared" in child.name or not inside_layer) and detect_feed_forward(child, trace) is not None


def _find_router(
    module: ModuleRecord, experts: ModuleRecord, count: int, trace: Trace
) -> tuple[ModuleRecord | None, int]:
    """The child with one score per expert, and how many scores that are: zero experts have theirs as well, shared ones may."""
    others = [child for child in module.children.values() if child is not experts and not expert_count(child)]
    further = {n for n in (*_chosen_among(others, trace), *_places(experts)) if n > count}
    for width in (*sorted(further, reverse=True), count):
        router = _as_wide(others, width, trace)
        if router is not None:
            return router, width
    cut = (each for each in others if _last_choice(each, trace) == count)  # of more scores: shared experts have theirs
    return next((each for each in cut if any((t.shape[0] or 0) > count for t in _matrices(each))), None), count


def _chosen_among(others: list[ModuleRecord], trace: Trace) -> Iterator[int]:
    """How many there are to choose from in the last choice of each module that reads scores of its own projection."""
    for child in others:
        among = _last_choice(child, trace)
        if among and any(t.shape[0] == among for t in _matrices(child)):
            yield among


def _last_choice(child: ModuleRecord, trace: Trace) -> int | None:
    """How many there are to choose from in the last choice of a module."""
    call = trace.call(child.path)
    steps = [e for e in trace.inside(call) if canonical(e.name) == "topk"] if call is not None else []
    shape = steps[-1].inputs[0].shape if steps and steps[-1].inputs else None
    return shape[-1] if shape else None


def _places(experts: ModuleRecord) -> Iterator[int]:
    """How many experts there is a place for: leading axes of stacked weights, numbered children."""
    yield len(_numbered(experts))
    yield from (t.shape[0] or 0 for m in experts.walk() for t in m.parameters.values() if len(t.shape) == 3)


def _as_wide(others: list[ModuleRecord], count: int, trace: Trace) -> ModuleRecord | None:
    """The child with so many scores: by a choice among its ops, then by its name, then by its width."""
    scoring = [child for child in others if "topk" in trace.ops_of(child.path) and _is_as_wide(child, count)]
    named = [
        child for child in others if re.search(r"router|(^|_)gate$|^gate", child.name) and _is_as_wide(child, count)
    ]
    return next(iter([*scoring, *named, *(child for child in others if _is_as_wide(child, count))]), None)


def _is_as_wide(child: ModuleRecord, count: int) -> bool:
    return any(count in t.shape for t in _matrices(child))


def _matrices(module: ModuleRecord) -> list[TensorRecord]:
    return [t for part in module.walk() for t in part.parameters.values() if len(t.shape) == 2]


def _outer(router: ModuleRecord | None, choices: int) -> int | None:
    """The width of what the router reads, which is that of what the experts read."""
    axes = [list(t.shape) for t in (_matrices(router) if router else []) if choices in t.shape]
    rest = axes[0][1 - axes[0].index(choices)] if axes else None
    return rest if rest != choices else None


def _expert_sizes(
    holders: Sequence[ModuleRecord], count: int, choices: int, outer: int | None
) -> tuple[int | None, int | None, bool]:
    """Outer width, inner width and whether an expert is gated.

    Args:
        outer: The width of what the router reads; None where that is not known.
    """
    experts = holders[0]
    one = next((expert for m in experts.walk() for expert in _weighted(_numbered(m))), None)
    lists = [
        next(iter(holder.children.values())) for holder in holders if holder.children and _is_one_projection(holder)
    ]
    projections = lists or (linears_of(one) if one is not None else [])
    if block := describe_projections(projections, None):
        return block.width, block.hidden, block.gated
    matrices = [
        t.shape
        for holder in holders
        for m in holder.walk()
        for t in m.parameters.values()
        if len(t.shape) == 3 and t.shape[0] in (count, choices)
    ]
    if len(matrices) < 2:
        return _flattened_sizes(experts, count)
    axes = [set(shape[1:]) for shape in matrices]
    if len(matrices) >= 3:
        return *_outer_inner(matrices[0], experts, outer), True
    if outer is not None and axes[0] == axes[1] and outer in axes[0]:
        return outer, next(iter(axes[0] - {outer}), outer), False
    shared = axes[0] & axes[1]
    up = sorted(int(n or 0) for n in axes[0] - shared) or [int(n or 0) for n in shared]
    down = sorted(int(n or 0) for n in axes[1] - shared) or [int(n or 0) for n in shared]
    width = next(iter(shared), None)
    return width, down[-1], up[-1] == 2 * down[-1]


def _flattened_sizes(experts: ModuleRecord, count: int) -> tuple[int | None, int | None, bool]:
    """Sizes of experts that lie one below the other in the rows of each matrix, where a setting says so."""
    shapes = [t.shape for m in experts.walk() for t in m.parameters.values() if len(t.shape) == 2]
    rows, width = shapes[0] if len(set(shapes)) == 1 and len(shapes) in (2, 3) else (None, None)
    hidden = rows // count if rows and rows % count == 0 else None
    if hidden is None or all(hidden not in m.attributes.values() for m in experts.walk()):
        return None, None, False
    return width, hidden, len(shapes) == 3


def _outer_inner(
    shape: tuple[int | None, ...], experts: ModuleRecord, outer: int | None
) -> tuple[int | None, int | None]:
    if outer in shape[1:]:
        return outer, shape[2] if shape[1] == outer else shape[1]
    stated = experts.attributes.get("intermediate_size", experts.attributes.get("intermediate_dim"))
    if isinstance(stated, int) and stated in shape[1:]:
        return (shape[2] if shape[1] == stated else shape[1]), stated
    return shape[1], shape[2]


def router_events(trace: Trace, router: Event | None, block: Event | None) -> list[Event]:
    """What happens between the scores and the choice and takes effect: inside the router's call, then in the block's own steps."""
    inside = trace.inside(router) if router is not None else ()
    beside = trace.own(block) if block is not None else ()
    return [event for event in (*inside, *beside) if event.kind != "call" and trace.is_used(event)]


def _top_k(
    module: ModuleRecord, router: ModuleRecord | None, events: list[Event], singles: Sequence[Event]
) -> int | None:
    chosen = [e for e in events if canonical(e.name) == "topk"]
    if chosen:
        # The last choice is the one among experts; earlier ones choose groups.
        value = chosen[-1].options.get("k", chosen[-1].options.get("arg1"))
        shape = chosen[-1].outputs[0].shape if chosen[-1].outputs else None
        if isinstance(value, int) or (shape and isinstance(shape[-1], int)):
            return value if isinstance(value, int) else (shape or (None,))[-1]
    if singles:
        return len(singles)
    value = _stated((router, module), _TOP_K)
    return int(value) if value is not None else None


def _stated_normalised(owners: tuple[ModuleRecord | None, ...]) -> bool | None:
    stated = (owner.attributes.get("norm_topk_prob") for owner in owners if owner)
    return next((value for value in stated if isinstance(value, bool)), None)


def _holds_bias(owners: tuple[ModuleRecord | None, ...]) -> bool:
    """Whether a tensor is called a correction of the choice: what is known where no pass was seen."""
    router, block = owners
    held = [*([block] if block else ()), *(router.walk() if router else ())]
    return any("correction_bias" in name for part in held for name in (*part.parameters, *part.buffers))


def _is_hashed(router: ModuleRecord | None, count: int, top_k: int | None) -> bool:
    """A table of whole numbers in the router with a row for every token id and a column for every choice."""
    tables = [t for m in router.walk() for t in (*m.parameters.values(), *m.buffers.values())] if router else []
    return any(
        len(t.shape) == 2 and t.shape[1] == top_k and (t.shape[0] or 0) > count and "int" in (t.dtype or "")
        for t in tables
    )


def group_limit(events: Sequence[Event], count: int) -> tuple[int, int] | None:
    """Expert groups and how many of them a token may use: a choice before the one among `count` experts, of one score per group."""
    chosen = [event for event in events if canonical(event.name) == "topk"]
    for event in chosen[:-1]:
        read, kept = event.inputs[0].shape, event.outputs[0].shape if event.outputs else None
        if read and kept and len(read) == 2 and (read[-1] or 0) > 1 and kept[-1] and read[-1] and read[-1] != count:
            return read[-1], kept[-1]
    return None


def _groups(module: ModuleRecord, router: ModuleRecord | None) -> tuple[int, int] | None:
    for owner in (router, module):
        if owner is None:
            continue
        groups = owner.attributes.get("n_group", owner.attributes.get("num_group"))
        used = owner.attributes.get("topk_group")
        if isinstance(groups, int) and isinstance(used, int) and groups > 1:
            return groups, used
    return None


def _shared_hidden(shared: ModuleRecord | None, width: int | None, trace: Trace) -> int | None:
    """The inner width of the shared expert; of several in the same tensors that of all together.

    Args:
        width: The outer width of the experts.
    """
    if shared is None:
        return None
    block: FeedForward | None = detect_feed_forward(shared, trace)
    if block is not None:
        return block.hidden
    stacked = next((t.shape for m in shared.walk() for t in m.parameters.values() if len(t.shape) == 3), None)
    if stacked is None or width not in stacked[1:]:
        return None
    inner = stacked[2] if stacked[1] == width else stacked[1]
    return (stacked[0] or 0) * (inner or 0)


def _stated(owners: tuple[ModuleRecord | None, ...], names: tuple[str, ...]) -> float | None:
    return next((value for owner in owners if owner and (value := stated_number(owner, names)) is not None), None)
