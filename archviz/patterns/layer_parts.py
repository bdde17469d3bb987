"""The parts of a layer, from its module tree: mixers, feed-forwards, norms, whatever wraps them."""

from __future__ import annotations

from archviz.interpreter.reading import ModuleRecord
from archviz.patterns.activations import activation_among
from archviz.patterns.attention import Attention, detect_attention
from archviz.patterns.attention_projections import find_projections, has_core
from archviz.patterns.feed_forward import FeedForward, describe_projections, detect_feed_forward, projections_of
from archviz.patterns.linears import is_linear, linear_sizes, linears_of
from archviz.patterns.loose_feed_forward import describe_loose, describe_triple, gates_side_input, steps_between
from archviz.patterns.moe import MixtureOfExperts, detect_moe
from archviz.patterns.norms import Norm, detect_norm
from archviz.patterns.op_families import activation_of
from archviz.patterns.position_mixers import PositionMixer, detect_position_mixer, reads_turned, token_mlp
from archviz.patterns.recurrences import Recurrence, detect_recurrence
from archviz.patterns.trace import Trace
from archviz.records import field, record, replace

Mixer = Attention | Recurrence | PositionMixer
Feed = FeedForward | MixtureOfExperts


@record
class Part:
    """A part of a layer: its description and the modules that make it up (one, or loose siblings)."""

    paths: list[str]
    what: Mixer | Feed
    name: str


@record
class LayerParts:
    """What a layer is made of, mixers and feed-forwards in order of execution where the pass shows it.

    `loose` are projections and activations that belong to none of the parts.
    """

    mixers: list[Part] = field(default_factory=list)
    feeds: list[Part] = field(default_factory=list)
    norms: dict[str, Norm] = field(default_factory=dict)
    wrappers: list[str] = field(default_factory=list)
    loose: list[ModuleRecord] = field(default_factory=list)
    others: list[ModuleRecord] = field(default_factory=list)

    @property
    def attends(self) -> bool:
        """Whether a mixer of it has attention or a state: what only layers of a model have."""
        return any(not isinstance(part.what, PositionMixer) for part in self.mixers)


def detect_layer_parts(layer: ModuleRecord, trace: Trace) -> LayerParts:
    """The parts of a layer."""
    parts = LayerParts()
    _collect(layer, trace, parts)
    if not parts.mixers:
        _add_spelt_out(layer, trace, parts)
    _group_loose(layer, trace, parts)
    for part in parts.feeds:
        _look_between(layer, trace, part)
    _move_token_mlps(parts, layer, trace)
    for found in (parts.mixers, parts.feeds):
        _put_in_order(found, trace)
    return parts


def _put_in_order(parts: list[Part], trace: Trace) -> None:
    """Parts as the pass calls them, in order of registration where it does not call all of them."""
    calls = {id(part): next((call.index for path in part.paths if (call := trace.call(path))), None) for part in parts}
    if None not in calls.values():
        parts.sort(key=lambda part: calls[id(part)] or 0)


def _move_token_mlps(parts: LayerParts, layer: ModuleRecord, trace: Trace) -> None:
    """Feed-forwards that read the stream turned around mix positions (MLP-Mixer)."""
    sizes = [norm.size for norm in parts.norms.values() if norm.size]
    stream = max(set(sizes), key=sizes.count) if sizes else None
    for part in list(parts.feeds):
        what = part.what
        module = layer.find(part.paths[0].removeprefix(layer.path + "."))
        if len(part.paths) > 1 or not isinstance(what, FeedForward) or module is None:
            continue
        if reads_turned(module, what.width, stream, trace):
            parts.feeds.remove(part)
            parts.mixers.append(replace(part, what=token_mlp(what.width, what.hidden)))


def _look_between(layer: ModuleRecord, trace: Trace, part: Part) -> None:
    """A feed-forward whose projections the layer calls itself, as those of an `nn.ModuleDict`, has its activation in the layer's steps."""
    module = layer.find(part.paths[0].removeprefix(f"{layer.path}."))
    if not isinstance(part.what, FeedForward) or module is None or trace.call(module.path) is not None:
        return
    linears = linears_of(module)
    steps = steps_between(layer, linears, trace) if len(linears) > 1 else None
    if steps is not None:
        part.what = describe_projections(linears, activation_among(steps, trace)) or part.what


def _add_spelt_out(layer: ModuleRecord, trace: Trace, parts: LayerParts) -> None:
    """The attention that a layer computes in its own steps, with its projections, and norms of queries and keys, among its children."""
    what = detect_attention(layer, trace) if has_core(layer, trace) else None
    own = {each.path: None for each in find_projections(layer, trace).values()} if what is not None else {}
    if what is None or not own:
        return
    own.update((path, None) for path in parts.norms if path.rpartition(".")[2] in what.qk_norms)
    beside = [path for path in (*parts.norms, *(child.path for child in parts.loose)) if path not in own]
    if not beside and not parts.feeds:
        return  # the attention itself, in a list of its own
    parts.mixers.append(Part(list(own), what, "attention"))
    parts.norms = {path: norm for path, norm in parts.norms.items() if path not in own}
    parts.loose = [child for child in parts.loose if child.path not in own]


def detect_mixer(module: ModuleRecord, trace: Trace) -> Attention | Recurrence | None:
    """The attention or recurrence that a module is; recurrences first, because some of them have queries and keys as well."""
    return detect_recurrence(module, trace) or detect_attention(module, trace)


def _collect(module: ModuleRecord, trace: Trace, parts: LayerParts) -> None:
    spelt_out = detect_moe(module, trace) if module.children else None
    if spelt_out is not None:  # router and experts stand in the layer itself
        paths = [p for p in (spelt_out.router, *spelt_out.holders, spelt_out.shared, spelt_out.shared_gate) if p]
        parts.feeds.append(Part(paths, spelt_out, "moe"))
    taken = {path for part in parts.feeds for path in part.paths}
    for child in module.children.values():
        if child.path not in taken:
            _classify(child, trace, parts)


def _classify(child: ModuleRecord, trace: Trace, parts: LayerParts) -> None:
    norm = detect_norm(child, trace)
    if norm is not None:
        parts.norms[child.path] = norm
    elif is_linear(child) or activation_of(child.class_name):
        parts.loose.append(child)
    elif not _wraps_a_state(child, trace) and (mixer := detect_mixer(child, trace)) is not None:
        parts.mixers.append(Part([child.path], mixer, child.name))
    elif (moe := detect_moe(child, trace)) is not None:
        parts.feeds.append(Part([child.path], moe, child.name))
    elif _is_bare(child, trace) and (plain := detect_position_mixer(child, trace)) is not None:
        parts.mixers.append(Part([child.path], plain, child.name))
    elif _wraps(child, trace):
        parts.wrappers.append(child.path)
        _wrapper(child, trace, parts)
    elif (feed := detect_feed_forward(child, trace)) is not None:
        parts.feeds.append(Part([child.path], feed, child.name))
    elif child.children or child.parameters:
        parts.others.append(child)


def _wraps_a_state(module: ModuleRecord, trace: Trace) -> bool:
    """A norm and a recurrence that holds all other parameters (Zamba's Mamba layers): a layer inside the layer."""
    inner = [
        child
        for child in module.children.values()
        if detect_norm(child, trace) is None and any(m.parameters for m in child.walk())
    ]
    return (
        not module.parameters
        and len(inner) == 1 < len(module.children)
        and detect_recurrence(inner[0], trace) is not None
    )


def _is_bare(module: ModuleRecord, trace: Trace) -> bool:
    """Whether a module holds no other part of a layer: no attention, no state, no experts, no feed-forward."""
    return detect_feed_forward(module, trace) is None and not any(
        detect_mixer(inner, trace)
        or detect_moe(inner, trace)
        or (inner is not module and detect_feed_forward(inner, trace))
        for inner in module.walk()
        if inner.children
    )


def _wraps(module: ModuleRecord, trace: Trace) -> bool:
    """A module between layer and part: it holds a norm, a part or a single projection, and is no part itself."""
    children = [child for child in module.children.values() if not (child.library or "").endswith("Dropout")]
    if module.parameters or not children:
        return False
    feed = detect_feed_forward(module, trace)
    norms = [norm for child in children if (norm := detect_norm(child, trace)) is not None]
    if (
        feed is not None
        and all(norm.size == feed.hidden for norm in norms)
        and (feed.hidden != feed.width or _stand_between(children, trace))
    ):
        return False  # norms of the inner width stand between its projections
    return any(
        detect_norm(c, trace)
        or is_linear(c)
        or detect_mixer(c, trace)
        or detect_feed_forward(c, trace)
        or _wraps(c, trace)
        for c in children
    )


def _stand_between(children: list[ModuleRecord], trace: Trace) -> bool:
    """Whether norms are registered between projections, none of them before the first or behind the last."""
    kinds = [is_linear(child) for child in children if is_linear(child) or detect_norm(child, trace)]
    return False in kinds and kinds[0] and kinds[-1]


def _wrapper(module: ModuleRecord, trace: Trace, parts: LayerParts) -> None:
    """Collect a wrapper's parts; loose projections beside a mixer are its output projection, others may be a feed-forward."""
    mixers, feeds, loose, others = (len(found) for found in (parts.mixers, parts.feeds, parts.loose, parts.others))
    _collect(module, trace, parts)
    extra = parts.loose[loose:]
    alone = (len(parts.mixers), len(parts.feeds)) == (mixers, feeds)
    own = detect_feed_forward(module, trace) if alone else None
    if own is not None and not gates_side_input(
        module, trace, projections_of(module)
    ):  # with the norm before it inside
        made = [*extra, *parts.others[others:]]
        parts.feeds.append(Part([child.path for child in made], own, module.name))
        del parts.loose[loose:], parts.others[others:]
        return
    if len(parts.mixers) == mixers + 1:
        parts.mixers[-1].paths += [child.path for child in extra]
    elif len(parts.mixers) > mixers or not _add_triples(module, extra, trace, parts):
        return
    parts.loose = [
        child for child in parts.loose if all(child is not other for other in extra) or _is_free(child, parts)
    ]


def _is_free(child: ModuleRecord, parts: LayerParts) -> bool:
    """Whether a module belongs to none of the parts found."""
    return all(child.path not in part.paths for part in (*parts.mixers, *parts.feeds))


def _add_triples(layer: ModuleRecord, loose: list[ModuleRecord], trace: Trace, parts: LayerParts) -> bool:
    """Feed-forwards among loose modules: a projection up, its activation and the one down again, registered in a row."""
    found = False
    for up, middle, down in zip(loose, loose[1:], loose[2:], strict=False):
        block = describe_triple(layer, up, middle, down, trace)
        if block is not None and block.width == (linear_sizes(down) or (0, 0))[1]:
            parts.feeds.append(Part([up.path, middle.path, down.path], block, "feed_forward"))
            found = True
    return found


def _group_loose(layer: ModuleRecord, trace: Trace, parts: LayerParts) -> None:
    """Loose projections of a layer form its feed-forward when their widths fit."""
    block = describe_loose(layer, parts.loose, trace)
    if block is not None:
        parts.feeds.append(Part([child.path for child in parts.loose], block, "feed_forward"))
        parts.loose.clear()
    elif _add_triples(
        layer, parts.loose, trace, parts
    ):  # beside projections of another purpose, such as a bottleneck's
        parts.loose = [child for child in parts.loose if _is_free(child, parts)]
