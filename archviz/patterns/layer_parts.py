"""The parts of a layer, from its module tree: mixers, feed-forwards, norms, whatever wraps them."""

from __future__ import annotations

from archviz.interpreter.reading import ModuleRecord
from archviz.patterns.activations import activation_among
from archviz.patterns.attention import Attention, detect_attention, find_projections, has_core
from archviz.patterns.feed_forward import FeedForward, describe_projections, detect_feed_forward
from archviz.patterns.linears import is_linear, linear_sizes, linears_of
from archviz.patterns.loose_feed_forward import describe_loose, describe_triple, steps_between
from archviz.patterns.moe import MixtureOfExperts, detect_moe
from archviz.patterns.norms import Norm, detect_norm
from archviz.patterns.op_families import activation_of
from archviz.patterns.recurrences import Recurrence, detect_recurrence
from archviz.patterns.trace import Trace
from archviz.records import field, record

Mixer = Attention | Recurrence
Feed = FeedForward | MixtureOfExperts


@record
class Part:
    """A part of a layer: its description and the modules that make it up (one, or loose siblings)."""

    paths: list[str]
    what: Mixer | Feed
    name: str


@record
class LayerParts:
    """What a layer is made of.  `loose` are projections and activations that belong to none of the parts."""

    mixers: list[Part] = field(default_factory=list)
    feeds: list[Part] = field(default_factory=list)
    norms: dict[str, Norm] = field(default_factory=dict)
    wrappers: list[str] = field(default_factory=list)
    loose: list[ModuleRecord] = field(default_factory=list)
    others: list[ModuleRecord] = field(default_factory=list)


def detect_layer_parts(layer: ModuleRecord, trace: Trace) -> LayerParts:
    """The parts of a layer, in order of registration."""
    parts = LayerParts()
    _collect(layer, trace, parts)
    if not parts.mixers:
        _add_spelt_out(layer, trace, parts)
    _group_loose(layer, trace, parts)
    for part in parts.feeds:
        _look_between(layer, trace, part)
    return parts


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


def detect_mixer(module: ModuleRecord, trace: Trace) -> Mixer | None:
    """The mixer that a module is; recurrences first, because some of them have queries and keys as well."""
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
    elif (mixer := detect_mixer(child, trace)) is not None:
        parts.mixers.append(Part([child.path], mixer, child.name))
    elif (moe := detect_moe(child, trace)) is not None:
        parts.feeds.append(Part([child.path], moe, child.name))
    elif _wraps(child, trace):
        parts.wrappers.append(child.path)
        _wrapper(child, trace, parts)
    elif (feed := detect_feed_forward(child, trace)) is not None:
        parts.feeds.append(Part([child.path], feed, child.name))
    elif child.children or child.parameters:
        parts.others.append(child)


def _wraps(module: ModuleRecord, trace: Trace) -> bool:
    """A module between layer and part: it holds a norm, a part or a single projection, and is no part itself."""
    children = [child for child in module.children.values() if not (child.library or "").endswith("Dropout")]
    if module.parameters or not children:
        return False
    feed = detect_feed_forward(module, trace)
    norms = [norm for child in children if (norm := detect_norm(child, trace)) is not None]
    if feed is not None and all(norm.size == feed.hidden != feed.width for norm in norms):
        return False  # norms of the inner width stand between its projections
    return any(
        detect_norm(c, trace)
        or is_linear(c)
        or detect_mixer(c, trace)
        or detect_feed_forward(c, trace)
        or _wraps(c, trace)
        for c in children
    )


def _wrapper(module: ModuleRecord, trace: Trace, parts: LayerParts) -> None:
    """Collect a wrapper's parts; loose projections beside a mixer are its output projection, others may be a feed-forward."""
    mixers, loose = len(parts.mixers), len(parts.loose)
    _collect(module, trace, parts)
    extra = parts.loose[loose:]
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
