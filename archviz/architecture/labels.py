"""Labels of data-flow boxes: role, short name in the field's words, and the numbers under it."""

from __future__ import annotations

from collections.abc import Sequence

from archviz.architecture.context import Context
from archviz.architecture.model import Role
from archviz.architecture.naming import feed_word, mixer_word
from archviz.architecture.roles import Roles
from archviz.interpreter.reading import Event, ModuleRecord
from archviz.patterns.activations import clamp_bounds, spelt_out
from archviz.patterns.attention import Attention
from archviz.patterns.compression import indexers, pooled_positions
from archviz.patterns.feed_forward import FeedForward, detect_feed_forward
from archviz.patterns.flow import Flow, FlowNode, Shape
from archviz.patterns.linears import has_bias, linear_sizes, low_rank_sizes
from archviz.patterns.moe import MixtureOfExperts
from archviz.patterns.norms import NORM_OPS, FunctionalNorm, detect_norm, functional_norm
from archviz.patterns.op_families import ACTIVATIONS, CONVOLUTIONS, JOINS, SPLITS, activation_of, canonical
from archviz.patterns.position_mixers import PositionMixer
from archviz.patterns.recurrences import Recurrence
from archviz.patterns.rope import detect_rope
from archviz.patterns.streams import detect_stream_mixer
from archviz.records import field, record

_MOST_STREAMS = 8
LEARNED = "learned"
"""What stands under a factor that is a parameter whose name is not known."""
UNSCALED = "scores not scaled"
"""What an attention says whose scores are multiplied by one."""
WEIGHTLESS = "without weights"
"""What stands under a norm that holds no parameters."""


@record
class Label:
    """What stands in a box; `parameters` of the module itself that the step reads, and `tensor` what these are called."""

    role: Role
    text: str
    details: list[str] = field(default_factory=list)
    parameters: int = 0
    tensor: str | None = None


def label_node(context: Context, roles: Roles, flow: Flow, node: FlowNode, owner: object) -> Label:
    """The label of a step of a data flow.

    Args:
        owner: Description of the module whose flow it is (`Attention`, `Recurrence`, …), or None.
    """
    if node.kind == "input":
        return Label(
            "input",
            _input_name(flow.inputs.index(node.id)),
            _stream_widths(context, flow, node.shape_out),
        )
    if node.kind == "group":
        return _group_label(context, node, owner)
    if node.kind == "call":
        return _call_label(context, roles, flow, node, owner)
    if node.kind == "function":
        return _function_label(context, node)
    norm = functional_norm(node.events[0], context.trace) if node.kind == "op" and node.name in NORM_OPS else None
    if norm is not None:
        return functional_norm_label(norm)
    return _stream_label(context, flow, node) or _op_label(flow, node)


def _input_name(place: int) -> str:
    """What an input is called, by its place.

    >>> [_input_name(place) for place in (0, 1, 2, 5)]
    ['Input', 'Second input', 'Third input', 'Input 6']
    """
    return ("Input", "Second input", "Third input", "Fourth input")[place] if place < 4 else f"Input {place + 1}"


def _stream_label(context: Context, flow: Flow, node: FlowNode) -> Label | None:
    """What a layer does with the weights of a mixer of residual streams: mixes the streams, spreads a branch over them."""
    modules = [context.modules.get(flow.nodes[source].module) for source, _ in node.sources]
    mixers = [detect_stream_mixer(m, context.trace) for m in modules if m is not None]
    mixer = next((found for found in mixers if found is not None and found.hands_back), None)
    if mixer is None or node.kind != "op" or (node.shape_out or (0,))[-2:] != (mixer.streams, mixer.width):
        return None
    if canonical(node.name) in ("matmul", "bmm", "einsum"):
        return Label("other", "Mix streams", [f"{mixer.streams} × {mixer.streams} matrix"])
    return Label("multiply", "Spread over streams", [f"1 → {mixer.streams} streams"]) if node.name == "mul" else None


def number(value: int | float | None) -> str:
    """A number with thousands separators.

    >>> number(248320), number(1e-06), number(0.5)
    ('248,320', '1e-06', '0.5')
    """
    if value is None:
        return "?"
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def product(factors: Sequence[int | None]) -> str:
    """Factors as text, ones left out.

    >>> product([2, 32, 256]), product([1, 64])
    ('2 × 32 × 256', '64')
    """
    shown = [str(factor) if factor is not None else "?" for factor in factors if factor != 1]
    return " × ".join(shown) or "1"


def _widths(shape: Shape | None) -> list[str]:
    return [str(shape[-1])] if shape and isinstance(shape[-1], int) else []


def _stream_widths(context: Context, flow: Flow, shape: Shape | None) -> list[str]:
    """The width of an input; of residual streams side by side, [B, S, 4, 4096], `4 streams × 4096`."""
    if shape and len(shape) == 4 and 1 < (shape[2] or 0) <= _MOST_STREAMS:
        parts = [context.modules.get(node.module) for node in flow.nodes.values() if node.kind == "call"]
        if any(detect_stream_mixer(part, context.trace) for part in parts if part is not None):
            return [f"{shape[2]} streams × {shape[3]}"]
    return _widths(shape)


def _call_label(context: Context, roles: Roles, flow: Flow, node: FlowNode, owner: object) -> Label:
    module = context.modules.get(node.module)
    if module is None:
        return Label("other", node.name)
    role = roles(module)
    norm = detect_norm(module, context.trace)
    if norm is not None:
        shown: Role = "qk_norm" if role == "qk_norm" and isinstance(owner, (Attention, Recurrence)) else "norm"
        return Label(
            shown, norm.kind + (", gated" if norm.gated else ""), [number(norm.size)] if norm.size else [WEIGHTLESS]
        )
    sizes = linear_sizes(module) or _wrapped_sizes(context, node.module)
    if sizes is not None and role not in ("router", "experts"):
        return Label(
            "projection",
            module.name,
            [projection_text(flow, node, *sizes), *_grouping(module), *(["bias"] if has_bias(module) else [])],
        )
    what = roles.what.get(module.path)
    if what is not None:
        return part_label(what, role)
    if role in ("router", "experts", "shared_expert") and isinstance(owner, MixtureOfExperts):
        return moe_label(role, owner)
    mixer = detect_stream_mixer(module, context.trace)
    if mixer is not None:
        return Label("other", mixer.title, mixer.details)
    spared = spared_details(context, module)
    if spared:
        return Label("other", module.name, spared)
    low_rank = low_rank_sizes(module, context.trace)
    if low_rank is not None:
        return Label(
            "projection", "Low-rank projection", [" → ".join(map(str, low_rank)), ", ".join(module.parameters)]
        )
    if role == "activation":
        return Label(role, activation_of(module.class_name) or module.class_name)
    feed = detect_feed_forward(module, context.trace)
    if feed is not None:
        return part_label(feed, "feed_forward")
    return Label(role, module.name if not module.name.isdigit() else module.class_name, [module.class_name])


def _grouping(module: ModuleRecord) -> list[str]:
    groups = module.attributes.get("n_groups")
    return [f"{groups} groups"] if isinstance(groups, int) and groups > 1 else []


def spared_details(context: Context, module: ModuleRecord) -> list[str]:
    """What an attention or a submodule of it pools and chooses: `4 positions → 1`, `indexer, top-512`."""
    if not context.has_below(context.sparing, module.path):
        return []
    pooled = [f"{rate} positions → 1" for _, rate in pooled_positions(module)]
    chosen = [f"top-{count}" if child is module else f"{child.name}, top-{count}" for child, count in indexers(module)]
    return [*pooled, *chosen]


def _wrapped_sizes(context: Context, path: str) -> tuple[int, int] | None:
    module = context.modules[path]
    inner = list(module.children.values())
    return linear_sizes(inner[0]) if len(inner) == 1 and not module.parameters else None


def projection_text(flow: Flow, node: FlowNode, width: int, out: int) -> str:
    """Widths of a projection as the code uses them: `4096 → 2 × 32 × 256`."""
    return f"{_incoming(flow, node, width)} → {_outgoing(flow, node, out)}"


def _incoming(flow: Flow, node: FlowNode, width: int) -> str:
    source = flow.nodes[node.sources[0][0]] if node.sources else None
    seen = 0
    while source is not None and source.name in ("mul", "gate", "sigmoid") and source.sources and seen < 3:
        source, seen = flow.nodes[source.sources[0][0]], seen + 1
    shape = source.shape_out if source is not None and source.name == "attention_core" else None
    if shape and len(shape) == 4 and (shape[1] or 0) * (shape[3] or 0) == width:
        return product((shape[1], shape[3]))
    return str(width)


def _outgoing(flow: Flow, node: FlowNode, out: int) -> str:
    readers = [other for other in flow.nodes.values() if any(source == node.id for source, _ in other.sources)]
    splits = [other for other in readers if other.name in SPLITS and len(readers) == 1]
    if splits:
        parts = part_sizes(splits[0])
        if node.factors and len(parts) > 1 and sum(parts) == node.factors[-1] and len(set(parts)) == 1:
            return product((len(parts), *node.factors[:-1], parts[0]))
        if not node.factors and sum(parts) == out:
            return _sum(parts)
        if node.factors and sum(parts) == node.factors[-1]:
            return f"{product(node.factors[:-1])} × ({_sum(parts)})"
    factors = node.factors or _cut_later(flow, node)
    return product(factors) if factors else str(out)


def _cut_later(flow: Flow, node: FlowNode) -> Shape | None:
    """How the features of a projection are cut behind the norm that they pass first, as those beside it are at once (OLMo-2's heads)."""
    readers = [other for other in flow.nodes.values() if any(source == node.id for source, _ in other.sources)]
    if len(readers) != 1 or readers[0].kind != "call" or len(readers[0].sources) != 1:
        return None
    after = readers[0]
    return after.factors if after.shape_in == after.shape_out == node.shape_out else None


def part_sizes(node: FlowNode) -> list[int]:
    """Sizes of the parts of a split, along the axis that it cuts."""
    found: dict[int, Shape] = {}  # a part that a step leaves as it is, such as a limit of infinity, is there again
    for value in (value for event in node.events for value in event.outputs if value.id in node.parts and value.shape):
        found.setdefault(node.parts[value.id], value.shape or ())
    shapes = list(found.values())
    if not shapes or not node.shape_in or any(len(s) != len(node.shape_in) for s in shapes):
        return [int(s[-1] or 0) for s in shapes]
    axis = next((i for i, size in enumerate(node.shape_in) if any(s[i] != size for s in shapes)), -1)
    return [int(s[axis] or 0) for s in shapes]


def _sum(parts: Sequence[int]) -> str:
    if len(parts) > 1 and len(set(parts)) == 1:
        return product((len(parts), parts[0]))
    return " + ".join(map(str, parts))


def part_label(what: object, role: Role) -> Label:
    """A mixer or feed-forward as one box."""
    if isinstance(what, Attention):
        text = mixer_word(what)[1]
        return Label(role, text, attention_details(what))
    if isinstance(what, Recurrence | PositionMixer):
        return Label(role, what.title, [f"{key.replace('_', ' ')} {value}" for key, value in what.sizes.items()][:3])
    if isinstance(what, MixtureOfExperts):
        return Label(role, "MoE", moe_details(what))
    assert isinstance(what, FeedForward)
    return Label(role, feed_word(what)[1], [f"{what.width} → {what.hidden}"])


def attention_details(what: Attention) -> list[str]:
    """Heads, width and window of an attention."""
    details = []
    if what.heads and what.kind in ("gqa", "mqa"):
        details.append(f"{what.kind.upper()}, {what.heads} Q / {what.kv_heads} KV heads")
    elif what.heads:
        details.append(f"{what.heads} heads" + (f", latent {what.ranks[1]}" if what.ranks[1] else ""))
    if what.head_dim:
        details.append(f"head dim {what.head_dim}")
    if what.window:
        details.append(_window_words(what, number(what.window)))
    return details


def _window_words(what: Attention, size: str) -> str:
    if what.span == "windowed":
        return f"within windows of {size} tokens"
    span = f"{what.span} " if what.span != "sliding" else ""
    return f"{span}window {size}" + (" to each side" if what.looks_both_ways else "")


def moe_details(what: MixtureOfExperts) -> list[str]:
    """Experts, choice and shared expert."""
    chosen = f", {what.top_k} by the token's id" if what.hashed else f", top-{what.top_k}"
    details = [_experts(what) + (chosen if what.top_k else "")]
    if what.shared:
        details.append("+ shared expert")
    return details


def _experts(what: MixtureOfExperts) -> str:
    """`512 experts`; with those that have no weights beside: `512 + 256 zero experts`."""
    return f"{what.count} + {what.zero} zero experts" if what.zero else f"{what.count} experts"


def moe_label(role: Role, what: MixtureOfExperts) -> Label:
    """The boxes inside a mixture of experts."""
    if role == "router":
        chosen = "experts by the token's id" if what.hashed else f"top-{what.top_k}"
        words = [what.score or "", chosen if what.top_k else "", "normalised" if what.normalised else ""]
        extra = ["correction bias"] if what.correction_bias else []
        groups = [f"{what.groups[1]} of {what.groups[0]} groups"] if what.groups else []
        scaled = [f"weights × {what.scaling:g}"] if what.scaling not in (None, 1) else []
        scaled += [f"weights × {what.expert_scale}"] if what.expert_scale else []
        sizes = f"{what.width or '?'} → {what.choices}"
        return Label(role, "Router", [sizes, ", ".join(filter(None, words)), *extra, *groups, *scaled])
    if role == "experts":
        inner = product((2 if what.gated else 1, what.hidden))
        details = [f"{what.width or '?'} → {inner} → {what.width or '?'}"]
        return Label(role, _experts(what), [*details, f"{what.top_k} per token"] if what.top_k else details)
    width = what.width or "?"
    inner = product((2 if what.gated else 1, what.shared_hidden))
    return Label(role, "Shared expert", [f"{width} → {inner} → {width}"] if what.shared_hidden else [])


def _group_label(context: Context, node: FlowNode, owner: object) -> Label:
    if node.name == "attention_core":
        details = attention_details(owner) if isinstance(owner, Attention) else []
        cap = [f"softcap {owner.softcap:g}"] if isinstance(owner, Attention) and owner.softcap else []
        bias = _position_bias(context, node, owner) if isinstance(owner, Attention) else []
        factor = _score_factor(node)
        title = "Dot-product attention" if factor == 1 else "Scaled dot-product attention"
        scale = _score_scale(factor, owner) if isinstance(owner, Attention) else []
        factors = _operand_words(owner) if isinstance(owner, Attention) else []
        return Label("attention_core", title, [*details, *scale, *factors, *cap, *bias])
    if node.name == "recurrence_core" and not isinstance(owner, Attention):
        return Label("recurrence_core", owner.core if isinstance(owner, Recurrence) else "Recurrence")
    if node.name == "top_k":
        return Label("top_k", "Top-k")
    if node.name == "experts" and isinstance(owner, MixtureOfExperts):
        return moe_label("experts", owner)
    if node.name == "gate":
        act = next((a for event in node.events if (a := activation_of(event.name))), "")
        return Label("multiply", f"{act}(·) ×", [])
    names = list(dict.fromkeys(event.name.strip("_") for event in node.events))
    role: Role = "convolution" if set(names) & CONVOLUTIONS else "other"
    return Label(role, " · ".join(names[:3]) + (" …" if len(names) > 3 else ""))


def _score_factor(node: FlowNode) -> float | None:
    """The factor of the scores: what the core is given, or the constant between the product and the softmax."""
    given = [event.options.get(name) for event in node.events for name in ("scaling", "scale")]
    stated = next((float(value) for value in given if isinstance(value, (int, float))), None)
    names = [canonical(event.name) for event in node.events]
    if stated is not None or "softmax" not in names or "tanh" in names:
        return stated
    constants = [
        float(value) for name, event in zip(names[: names.index("softmax")], node.events, strict=False)
        for value in event.options.values() if name == "mul" and isinstance(value, (int, float)) and len(event.inputs) == 1
    ]  # fmt: skip
    return constants[0] if len(constants) == 1 else None


def _score_scale(factor: float | None, owner: Attention) -> list[str]:
    """The factor of the scores, where it is another than one over the root of the width of a head."""
    if factor == 1:
        return [UNSCALED]
    usual = factor is None or not owner.head_dim or abs(factor - owner.head_dim**-0.5) < 1e-6
    return [] if usual else [f"scores × {factor:.4g}"]


def _operand_words(owner: Attention) -> list[str]:
    """What queries and values are multiplied by before they meet."""
    tempered = ["queries × temperature of their position"] if owner.query_temperature else []
    return [*tempered, *([f"values × {owner.value_scale:.4g}"] if owner.value_scale else [])]


def _position_bias(context: Context, node: FlowNode, owner: Attention) -> list[str]:
    """What is added to the scores by position: a learned bias with its table, or slopes per head (ALiBi)."""
    if owner.cross:
        return []
    if owner.positions == "bias":
        module = context.modules.get(node.module)
        tables = [t.shape for m in module.walk() for t in m.parameters.values() if "bias" in m.name] if module else []
        size = f", {product(tables[0])}" if tables and len(tables[0]) == 2 else ""
        return [f"+ relative position bias{size}"]
    if owner.positions == "alibi":
        return ["+ ALiBi"]
    slopes = any(event.kind == "function" and "alibi" in event.name.lower() for event in context.trace.outline)
    read = [value for value in node.reads if "float" in (value.dtype or "float")]
    return ["+ ALiBi"] if slopes and owner.heads and any(owner.heads in (v.shape or ()) for v in read) else []


def functional_norm_label(norm: FunctionalNorm) -> Label:
    """The label of a norm that is no module; one of length never has weights, which needs no word."""
    return Label("norm", norm.kind, [] if norm.weighted or norm.kind == NORM_OPS["normalize"] else [WEIGHTLESS])


def _function_label(context: Context, node: FlowNode) -> Label:
    rope = detect_rope(node.events[0], context.trace)
    if rope is not None:
        part = f"{rope.span} of {rope.width} dims" if rope.span != rope.width else f"{rope.width} dims"
        layout = (rope.layout or "").replace("_", "-")
        return Label("rope", "Inverse RoPE" if rope.inverse else "RoPE", [part, *([layout] if layout else [])])
    norm = functional_norm(node.events[0], context.trace)
    if norm is not None:
        return functional_norm_label(norm)
    if "norm" in node.name.lower():
        return Label("qk_norm", "L2 norm" if "l2" in node.name.lower() else node.name)
    activation = activation_of(node.name)
    return Label("activation", activation) if activation else Label("other", node.name)


_OP_ROLES: dict[str, tuple[Role, str]] = {
    "add": ("add", "+"), "sub": ("add", "−"), "mul": ("multiply", "×"), "div": ("multiply", "÷"),
    "softmax": ("softmax", "Softmax"), "topk": ("top_k", "Top-k"), "embedding": ("embedding", "Embedding"),
    "matmul": ("other", "Matrix product"), "bmm": ("other", "Matrix product"), "einsum": ("other", "Einsum"),
    "linear": ("projection", "Linear"), "scatter": ("other", "Mask the others"), "scaled_dot_product_attention": ("attention_core", "Scaled dot-product attention"),
    "max_pool1d": ("pool", "Max pool"), "avg_pool1d": ("pool", "Average pool"), "mean": ("pool", "Mean"),
}  # fmt: skip


ARITHMETIC = {"mul": ("×", "scale"), "div": ("÷", "scale"), "add": ("+", "shift"), "sub": ("−", "shift")}


def _constant(node: FlowNode) -> int | float | None:
    """The number that a tensor is multiplied by or added to; None where it is a tensor."""
    options = node.events[0].options.values()
    values = [v for v in options if isinstance(v, (int, float)) and not isinstance(v, bool)]
    return values[0] if len(values) == 1 and not node.reads else None


def is_backwards(event: Event) -> bool:
    """Whether a tensor is subtracted from a number or divides it, as in `1 - gate`: the number stands first."""
    return canonical(event.name) in ("sub", "div") and (event.name.strip("_").startswith("r") or "0" in event.options)


def _op_label(flow: Flow, node: FlowNode) -> Label:
    if node.name in SPLITS:
        stepped = any(event.options.get("step", 1) != 1 for event in node.events)
        return Label("split", "split", [_sum(part_sizes(node)), *(["even and odd"] if stepped else [])])
    if node.name in JOINS:
        return Label("concat", "concat", _widths(node.shape_out))
    if node.name in CONVOLUTIONS:
        act = next((f" + {a}" for event in node.events[1:] if (a := activation_of(event.name))), "")
        return Label(
            "convolution", f"Conv1d{act}" if node.name.startswith(("conv1", "causal")) else f"Conv{act}", _kernel(node)
        )
    if node.name in ACTIVATIONS:
        return Label(
            "activation", spelt_out(node.events) or ACTIVATIONS[node.name]
        )  # a square after a ReLU stands for both
    if node.name in ("clamp", "clip"):
        return Label("other", "clamp", [clamp_bounds(node.events[0]) or ""])
    if node.name in ARITHMETIC and len(node.sources) == 1:
        sign, word = ARITHMETIC[node.name]
        constant = _constant(node)
        if constant is not None and is_backwards(node.events[0]):
            return Label("scale", f"{number(constant)} {sign}")
        return Label("scale", word if constant is None else f"{sign} {number(constant)}")
    role, text = _OP_ROLES.get(node.name, ("other", node.name))
    return Label(role, text)


def _kernel(node: FlowNode) -> list[str]:
    weights = [v.shape for v in node.reads if v.shape and len(v.shape) == 3]
    if not weights:
        return []
    depthwise = "depthwise, " if weights[0][1] == 1 else ""
    return [str(weights[0][0]), f"{depthwise}kernel {weights[0][2]}"]
