"""Layer stacks: which layers of a model are of one kind, what that kind is called, and how the kinds repeat."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence

from archviz.architecture.beside import is_made_of
from archviz.architecture.chosen_elements import Done, by_rank, chosen_elements
from archviz.architecture.context import ConfigPart, Context
from archviz.architecture.folding import Signature, is_inert_name, signatures
from archviz.architecture.naming import Kind, name_kinds
from archviz.interpreter.reading import Event, ModuleRecord
from archviz.patterns.attention import Attention
from archviz.patterns.feed_forward import FeedForward
from archviz.patterns.layer_parts import LayerParts
from archviz.patterns.moe import MixtureOfExperts
from archviz.patterns.position_mixers import PositionMixer
from archviz.patterns.trace import Trace
from archviz.records import field, record, replace


@record
class Stack:
    """A list of layers: its kinds in order of appearance and the kind of each layer."""

    path: str
    layers: list[ModuleRecord]
    kinds: list[Kind]
    sequence: list[str]
    config: ConfigPart
    width: int | None = None
    notes: list[str] = field(default_factory=list)


def find_stacks(context: Context) -> list[Stack]:
    """All lists of layers of a model, in order of registration, outermost only."""
    found: list[Stack] = []
    _search(context, context.reading.root, found, _is_stack)
    if not found:
        _search(context, context.reading.root, found, _is_convolutional)
    attending = [stack for stack in found if any(kind.parts.attends for kind in stack.kinds)]
    # Beside layers that attend or carry a state, lists of others (mergers of a vision tower, a codec) are no layers of their own.
    return attending or found


def _search(
    context: Context, module: ModuleRecord, found: list[Stack], is_stack: Callable[[Context, ModuleRecord], bool]
) -> None:
    for child in module.children.values():
        if is_stack(context, child):
            found.append(build_stack(context, child))
        else:
            _search(context, child, found, is_stack)


def _is_convolutional(context: Context, module: ModuleRecord) -> bool:
    """Several numbered children in a row, each a block of convolutions: the layers of a model that has no others (ResNet)."""
    layers = list(module.children.values())
    if len(layers) < 2 or not all(name.isdigit() for name in module.children):
        return False
    if any(not layer.children or _holds_blocks(layer) for layer in layers):
        return False  # single convolutions, or stages
    if not _follow_each_other(context.trace, layers[0], layers[1]):
        return False  # branches side by side
    mixing = all(context.parts(layer).mixers for layer in layers)
    for layer in layers:
        context.parts_of.pop(layer.path, None)
    return mixing


def _follow_each_other(trace: Trace, first: ModuleRecord, second: ModuleRecord) -> bool:
    """Whether the pass shows that a module reads what another one gives."""
    before, after = trace.call(first.path), trace.call(second.path)
    if before is None or after is None:
        return False
    return is_made_of(trace, after, {value.id for value in after.inputs}, {value.id for value in before.outputs})


def _holds_blocks(module: ModuleRecord) -> bool:
    """Whether a module holds a list of several modules of one class that are made of others: the layers of a stage."""
    lists = [each for each in module.walk() if len(each.children) > 1 and all(name.isdigit() for name in each.children)]
    return any(
        len({child.class_name for child in each.children.values()}) == 1
        and all(any(g.children for g in child.children.values()) for child in each.children.values())
        for each in lists
    )


def _is_stack(context: Context, module: ModuleRecord) -> bool:
    """Numbered children, the first of which holds a mixer, or a norm and a feed-forward."""
    if not module.children or not all(name.isdigit() for name in module.children):
        return False
    if any((layer.library or "").endswith("Embedding") for layer in module.children.values()):
        return False  # a whole model in one list, its table first
    if any(_is_activation(layer) for layer in module.children.values()):
        return False  # the steps of a codec, recurrent ones among them, one after the other
    if any(_holds_layers(context, layer) and not _mixes_itself(context, layer) for layer in module.children.values()):
        return False  # stages, each with a list of layers of its own
    for layer in list(module.children.values())[:2]:
        parts = context.parts(layer)
        # A list of experts or of plain projections has neither mixers nor norms, one of convolutions of a stem no feed-forwards.
        if parts.attends or (parts.feeds and (parts.norms or parts.mixers)):
            return True
        context.parts_of.pop(layer.path)
    return False


def _is_activation(module: ModuleRecord) -> bool:
    """A layer of PyTorch without parameters that is no placeholder."""
    name = (module.library or "").rpartition(".")[2]
    bare = not module.children and not module.parameters
    return bare and bool(name) and name not in ("Identity", "ModuleList", "Sequential")


def _holds_layers(context: Context, module: ModuleRecord) -> bool:
    """Whether a module holds a list of whole layers, all of one class (a list of parts has several)."""
    for child in (module, *module.children.values()):
        inner = list(child.children.values())
        numbered = inner and all(name.isdigit() for name in child.children)
        if not numbered or len({layer.class_name for layer in inner}) > 1 or not inner[0].children:
            continue
        parts = context.parts(inner[0])
        context.parts_of.pop(inner[0].path)
        if parts.feeds and (parts.mixers or parts.norms):
            return True
    return False


def _mixes_itself(context: Context, layer: ModuleRecord) -> bool:
    """Whether a layer has a mixer outside of its lists: then a list inside it, of feed-forwards perhaps, is a part of it."""
    found = context.parts(layer).mixers
    mixers = [path for part in found if not isinstance(part.what, PositionMixer) for path in part.paths]
    context.parts_of.pop(layer.path)
    return any(not any(name.isdigit() for name in path[len(layer.path) + 1 :].split(".")) for path in mixers)


def build_stack(context: Context, module: ModuleRecord) -> Stack:
    """The kinds of the layers in a list: equal when module tree, sizes, settings and trace are equal."""
    layers = list(module.children.values())
    groups: dict[
        tuple[Signature, int], list[int]
    ] = {}  # by what a layer is, and the identity of what it did: that is long to hash
    traces, chosen = _trace_signatures(context, layers)
    for index, (own, trace) in enumerate(zip(signatures(context, module), traces, strict=True)):
        groups.setdefault((own, id(trace)), []).append(index)
    kinds = []
    width = _width(context, layers[0])
    config = context.config_for(len(layers), width, module.path)
    for (own, _), indices in groups.items():
        example = next((layers[i] for i in indices if context.trace.call(layers[i].path)), layers[indices[0]])
        parts = complete_parts(context, example, indices, config, len(layers))
        digest = hashlib.sha1(repr((own, traces[indices[0]])).encode(), usedforsecurity=False).hexdigest()[:12]
        elements = chosen_elements([chosen[i] for i in indices])
        kinds.append(Kind(indices, example, parts, digest, chosen=elements, lengths=_lengths(context, example)))
    name_kinds(kinds)
    of_layer = {index: kind.id for kind in kinds for index in kind.indices}
    return Stack(module.path, layers, kinds, [of_layer[i] for i in range(len(layers))], config, width)


def _lengths(context: Context, layer: ModuleRecord) -> str | None:
    """How the number of positions changes in the call of a layer, in words; None where it does not, or no pass shows it."""
    call = context.trace.call(layer.path)
    entering = [value.shape for value in call.inputs if context.trace.carries(value)] if call is not None else []
    leaving = call.outputs[0].shape if call is not None and call.outputs else None
    if not entering or not leaving or any(len(shape or ()) != 3 for shape in (entering[0], leaving)):
        return None
    first, sizes = (entering[0] or ())[1] or 0, leaving[1] or 0
    if sizes < first:
        return "fewer positions behind it"
    width = (entering[0] or ())[2]
    read = [shape[1] or 0 for shape in entering[1:] if shape and len(shape) == 3 and shape[2] == width]
    return "fewer queries than keys" if read and first < min(read) else None


def _trace_signatures(
    context: Context, layers: Sequence[ModuleRecord]
) -> tuple[list[object], list[Mapping[str, tuple[str, ...]]]]:
    """What each layer did, and the elements of lists that it called; None for all when the trace is incomplete, so that a gap does not
    part equal layers.
    """
    calls = [context.trace.call(layer.path) for layer in layers]
    if context.reading.trace_gaps or any(call is None for call in calls):
        return [None] * len(layers), [{}] * len(layers)
    found: list[Done] = []
    known: dict[int, Done] = {}
    for layer, call in zip(layers, calls, strict=True):
        assert call is not None
        repeated = context.trace.repeated(call)
        done = known.get(repeated.index) if repeated is not None else None
        known[call.index] = done = done or _done(context, call, len(layer.path))
        found.append(done)
    once = {id(done): done for done in found}
    equal = dict.fromkeys(once.values())
    if len(equal) < 2:
        return [found[0]] * len(layers), [{}] * len(layers)
    ranked = {number: by_rank(done) for number, done in once.items()}
    alike: dict[Done, Done] = {}
    same = {number: alike.setdefault(done, done) for number, (done, _) in ranked.items()}
    return [same[id(done)] for done in found], [ranked[id(done)][1] for done in found]


def _done(context: Context, call: Event, cut: int) -> Done:
    """What happened in the call of a layer, modules named as seen from it; without what does nothing outside of training."""
    return tuple(
        [
            (e.name, e.module[cut:], e.outputs[0].shape if e.outputs else None, _settings(e.options))
            if e.kind == "function" or "mask" in e.options
            else (e.name, e.module[cut:], e.outputs[0].shape if e.outputs else None)
            for e in context.trace.inside(call)
            if not is_inert_name(e.name)
        ]
    )


def _settings(options: dict[str, object]) -> object:
    """Options of named functions tell layers apart (`sliding_window`), and masks do; arguments of ops hardly ever do."""
    telling = {k: v for k, v in options.items() if (isinstance(v, (int, bool)) and "idx" not in k) or k == "mask"}
    return tuple(sorted((k, repr(v)) for k, v in telling.items()))


def _width(context: Context, layer: ModuleRecord) -> int | None:
    sizes = [norm.size for path, norm in context.parts(layer).norms.items() if norm.size]
    call = context.trace.call(layer.path)
    entering = (call.inputs[0].shape or (None,))[-1] if call is not None and call.inputs else None
    if entering in sizes:  # inside of a bottleneck there may be more norms than on the stream
        return entering
    if sizes:
        return max(set(sizes), key=sizes.count)
    feeds = [part.what for part in context.parts(layer).feeds]
    return next(
        (what.width for what in feeds if isinstance(what, (FeedForward, MixtureOfExperts)) and what.width), None
    )


def complete_parts(
    context: Context, example: ModuleRecord, indices: list[int], config: ConfigPart, count: int
) -> LayerParts:
    """The parts of a kind, with the span of its attention taken from settings of the layer or the configuration."""
    parts = context.parts(example)
    types = config.values.get("layer_types")
    stated = types[indices[0]] if isinstance(types, list) and len(types) == count else None
    for part in parts.mixers:
        if isinstance(part.what, Attention):
            module = context.modules[part.paths[0]]
            named = _named_type(module) or _named_type(example) or (stated if isinstance(stated, str) else None)
            part.what = _with_span(part.what, module, named, config)
    for part in parts.feeds:
        if isinstance(part.what, MixtureOfExperts) and part.what.top_k is None:
            found = config.find(
                "num_experts_per_tok", "num_experts_per_token", "moe_topk", "top_k_experts", "num_selected_experts"
            )
            part.what = replace(part.what, top_k=found[1] if found and isinstance(found[1], int) else None)
    return parts


def _named_type(module: ModuleRecord) -> str | None:
    for name in ("layer_type", "attention_type", "attn_type"):
        value = module.attributes.get(name)
        if isinstance(value, str):
            return value
    return None


def _with_span(attention: Attention, module: ModuleRecord, named: str | None, config: ConfigPart) -> Attention:
    """Full, sliding or chunked: by the mask; where none was seen by the layer's own setting, the window that is used, configuration."""
    if attention.mask is not None:
        return replace(attention, span=attention.mask.span, window=attention.mask.window)
    flags = [module.attributes.get(name) for name in ("is_sliding", "is_local", "is_sliding_attention")]
    window = attention.window
    fallback = config.find("sliding_window", "window_size", "attention_window_size", "local_attention")
    size = fallback[1] if fallback and isinstance(fallback[1], int) and not isinstance(fallback[1], bool) else None
    if named is not None and "chunk" in named:
        chunk = config.find("attention_chunk_size")
        return replace(attention, span="chunked", window=chunk[1] if chunk and isinstance(chunk[1], int) else window)
    if True in flags or (named is not None and ("sliding" in named or "local" in named)):
        return replace(attention, span="sliding", window=window or size)
    if False in flags or (named is not None and ("full" in named or "global" in named)):
        return replace(attention, span="full", window=None)
    if window is None and not config.values.get("layer_types") and config.values.get("use_sliding_window") is not False:
        # Where neither layer nor trace tells, one window for all layers is what the configuration states.
        window = size if attention.causal and not attention.cross else None
    return replace(attention, span="sliding" if window else "full", window=window)
