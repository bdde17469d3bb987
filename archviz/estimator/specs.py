"""What an estimator has to know of each kind of layer: sizes by their usual names, and which of them decide what it is."""

from __future__ import annotations

from archviz.architecture.context import Context
from archviz.architecture.kinds import Stack
from archviz.architecture.naming import Kind
from archviz.architecture.rope_settings import rope_settings
from archviz.interpreter.reading import ModuleRecord
from archviz.patterns.attention import Attention
from archviz.patterns.attention_projections import find_projections
from archviz.patterns.compression import grouped_projections, indexers, pooled_positions
from archviz.patterns.feed_forward import FeedForward
from archviz.patterns.layer_parts import Part, detect_mixer
from archviz.patterns.linears import has_bias, linear_sizes
from archviz.patterns.moe import MixtureOfExperts
from archviz.patterns.norms import detect_norm
from archviz.patterns.position_mixers import PositionMixer
from archviz.patterns.recurrences import Recurrence
from archviz.patterns.streams import detect_stream_mixer
from archviz.records import field, record


@record
class Specs:
    """A kind of layer with its sizes.

    Args:
        values: Under the names of `vocabulary`.
        needs: Keys that a layer class has to be able to take, or it would describe another layer.
        notes: Keys whose effect on time and memory is small.
    """

    kind: str
    title: str
    values: dict[str, object] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def part_specs(context: Context, stack: Stack, kind: Kind, part: Part, word: str) -> Specs:
    """The sizes of a mixer or feed-forward of a layer."""
    module = context.modules[part.paths[0]]
    what = part.what
    if isinstance(what, Attention):
        settings = rope_settings(context, stack, kind, module)
        turned = (settings.turned(span) or span) if what.rope and (span := what.rope.span) else None
        return _attention(stack, module, what, word, turned)
    if isinstance(what, MixtureOfExperts):
        return _experts(what, stack.width)
    if isinstance(what, FeedForward):
        return _feed_forward(module, what)
    return _recurrence(stack, module, what)


def _attention(stack: Stack, module: ModuleRecord, what: Attention, word: str, turned: int | None) -> Specs:
    """The sizes of an attention, of whose heads so many dimensions turn with the position."""
    width = stack.width or _entered(module)
    values: dict[str, object] = {
        "input_dim": width, "output_dim": width, "hidden_size": width, "num_heads": what.heads,
        "num_kv_heads": what.kv_heads, "head_dim": what.head_dim,
    }  # fmt: skip
    needs, notes = [], []
    if what.kv_heads != what.heads:
        needs.append("num_kv_heads")
    if what.heads and what.head_dim and what.heads * what.head_dim != width:
        needs.append("head_dim")
    if what.value_dim not in (None, what.head_dim):
        values["v_head_dim"] = what.value_dim
        needs.append("v_head_dim")
    if any(what.ranks):
        needs.remove("head_dim") if "head_dim" in needs else None
        values |= {"q_lora_rank": what.ranks[0], "kv_lora_rank": what.ranks[1], **_latent(module)}
        needs += [key for key in ("q_lora_rank", "kv_lora_rank") if values[key]]
    if what.span in ("sliding", "chunked"):
        key = "sliding_window" if what.span == "sliding" else "attention_chunk_size"
        values[key] = what.window
        needs.append(key)
    if what.gated:
        values["output_gate"] = what.gate or True
        needs.append("output_gate")
    if pooled := next(pooled_positions(module), None):
        values["compress_rate"] = pooled[1]
        needs.append("compress_rate")
    if chosen := next(indexers(module), None):
        values["index_topk"] = chosen[1]
        own = {"index_n_heads": ("num_heads", "n_heads"), "index_head_dim": ("head_dim",)}
        values |= {key: size for key, names in own.items() if (size := _whole(chosen[0], names)) is not None}
        needs.append("index_topk")
    if grouped := next(grouped_projections(module), None):
        values |= {"o_groups": grouped[1], "o_lora_rank": grouped[2]}
    for key, value in _small(module, what, turned).items():
        if value:
            values[key] = value
            notes.append(key)
    if what.shared_kv:
        return Specs("shared_kv_attention", "Attention with shared keys and values", values, tuple(needs), tuple(notes))
    word = word.partition(" (with ")[0]  # what it has besides, as keys that it hands on, makes it no other kind
    plain = word.replace("(", "").split("_")[-1] in ("attention", "mla") and not pooled
    kind = "cross_attention" if what.cross else "mla" if what.kind == "mla" else "attention" if plain else word
    title = {"mla": "Multi-head latent attention", "cross_attention": "Cross-attention"}.get(kind)
    return Specs(kind, title or (what.kind or "").upper() + " attention", values, tuple(needs), tuple(notes))


def _small(module: ModuleRecord, what: Attention, turned: int | None) -> dict[str, object]:
    projections = find_projections(module)
    biased = [name for name, linear in projections.items() if has_bias(linear)]
    return {
        "qk_norm": what.qk_norm, **_input_biases([name for name in projections if name != "o"], biased), "output_bias": "o" in biased,
        "rope_dim": turned, "attention_sinks": what.sinks,
        "attention_softcap": what.softcap, "bidirectional": what.causal is False,
    }  # fmt: skip


def _input_biases(names: list[str], biased: list[str]) -> dict[str, object]:
    """`qkv_bias` where every projection before the attention has one, else which of them have."""
    some = [name for name in names if name in biased]
    if some and some != names:
        return {"biased_projections": some}
    return {"qkv_bias": bool(some)}


def _whole(module: ModuleRecord, names: tuple[str, ...]) -> int | None:
    """The first of some attributes that is a whole number."""
    return next((size for name in names if type(size := module.attributes.get(name)) is int), None)


def _latent(module: ModuleRecord) -> dict[str, object]:
    """The widths of a latent attention's heads: the part without positions and the rotated one."""
    keys = ("qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim")
    return {key: module.attributes[key] for key in keys if isinstance(module.attributes.get(key), int)}


def _entered(module: ModuleRecord) -> int | None:
    """The width that the first projection of a module reads."""
    return next((sizes[0] for inner in module.walk() if (sizes := linear_sizes(inner))), None)


def _experts(what: MixtureOfExperts, width: int | None) -> Specs:
    values: dict[str, object] = {
        "input_dim": what.width or width, "output_dim": what.width or width, "hidden_size": what.width or width,
        "num_experts": what.count, "top_k": what.top_k, "expert_hidden_size": what.hidden,
        "intermediate_size": what.hidden, "parameters_per_expert": what.each, "activation": what.activation,
        "gated": what.gated,
    }  # fmt: skip
    needs = ["num_experts", "top_k", "intermediate_size"]
    if what.zero:
        values["zero_experts"] = what.zero
        needs.append("zero_experts")
    return Specs("moe_experts", f"{what.count} experts", values, tuple(needs))


def router_specs(context: Context, module: ModuleRecord, what: MixtureOfExperts) -> Specs:
    """The sizes of a router, and how it scores."""
    values: dict[str, object] = {
        "input_dim": what.width, "output_dim": what.choices, "hidden_size": what.width, "num_experts": what.count,
        "top_k": what.top_k, "score_function": what.score, "normalised": what.normalised,
        "correction_bias": what.correction_bias,
        **({"routed_scaling_factor": what.scaling} if what.scaling not in (None, 1, 1.0) else {}),
    }  # fmt: skip
    needs = ["num_experts", "top_k"]
    if what.hashed:
        values["hash_routed"] = True
        needs.append("hash_routed")
    if what.groups:
        values |= {"num_expert_groups": what.groups[0], "groups_per_token": what.groups[1]}
    notes = tuple(key for key in ("correction_bias", "num_expert_groups") if values.get(key))
    return Specs("moe_router", "Router", values, tuple(needs), notes)


def _feed_forward(module: ModuleRecord, what: FeedForward) -> Specs:
    values: dict[str, object] = {
        "input_dim": what.width, "output_dim": what.width, "hidden_size": what.width, "intermediate_size": what.hidden,
        "activation": what.activation, "gated": what.gated,
    }  # fmt: skip
    biased = any(has_bias(inner) for inner in module.walk() if linear_sizes(inner))
    notes = ("bias",) if biased else ()
    kind = "side_input" if what.kind == "side_input" else "gated_mlp" if what.gated else "mlp"
    return Specs(
        kind, what.title, values | ({"bias": True} if biased else {}),
        ("intermediate_size",), notes,
    )  # fmt: skip


def _recurrence(stack: Stack, module: ModuleRecord, what: Recurrence | PositionMixer) -> Specs:
    width = stack.width or _entered(module)
    values: dict[str, object] = {"input_dim": width, "output_dim": width, "hidden_size": width}
    values |= {"num_heads" if key == "heads" else key: size for key, size in what.sizes.items()}
    values |= {key: size for key in ("head_k_dim", "head_v_dim") if isinstance(size := module.attributes.get(key), int)}
    return Specs(what.kind, what.title, values, tuple(key for key in values if key not in ("input_dim", "output_dim")))


def norm_specs(context: Context, module: ModuleRecord) -> Specs:
    """A norm's width and constant."""
    norm = detect_norm(module, context.trace)
    if norm is None:
        return module_specs(context, module, "other")
    kind = norm.kind.lower()
    values: dict[str, object] = {
        "input_dim": norm.size, "output_dim": norm.size, "hidden_size": norm.size, "eps": norm.eps,
    }  # fmt: skip
    if norm.unit_offset:
        values["unit_offset"] = True
    bias = "bias" in module.parameters
    return Specs(
        kind, norm.kind, values | ({"bias": True} if bias else {}), ("hidden_size",), ("bias",) if bias else ()
    )


def head_specs(module: ModuleRecord) -> Specs:
    """The output head."""
    inputs, outputs = linear_sizes(module) or (None, None)
    values: dict[str, object] = {
        "input_dim": inputs, "output_dim": outputs, "hidden_size": inputs, "vocab_size": outputs,
    }  # fmt: skip
    biased = has_bias(module)
    return Specs(
        "lm_head",
        "Output head",
        values | ({"bias": True} if biased else {}),
        ("vocab_size",),
        ("bias",) if biased else (),
    )


def module_specs(context: Context, module: ModuleRecord, role: str) -> Specs:
    """A module outside of the named parts: a table, a projection, a feed-forward, or just its class."""
    if role in ("embedding", "position_embedding") and len(module.parameters) == 1:
        rows, width = (*next(iter(module.parameters.values())).shape, None, None)[:2]
        key = "vocab_size" if role == "embedding" else "num_positions"
        values: dict[str, object] = {"input_dim": rows, "output_dim": width, key: rows, "hidden_size": width}
        return Specs(
            role, "Token embedding" if role == "embedding" else "Position embedding", values, (key, "hidden_size")
        )
    if role == "norm" and detect_norm(module, context.trace):
        return norm_specs(context, module)
    if sizes := linear_sizes(module):
        values = {"input_dim": sizes[0], "output_dim": sizes[1], **({"bias": True} if has_bias(module) else {})}
        kind = role if role == "shared_expert_gate" else "linear"
        return Specs(kind, "Projection", values, ("input_dim", "output_dim"))
    if mixer := detect_stream_mixer(module, context.trace):
        values = {
            "input_dim": mixer.streams * mixer.width, "output_dim": mixer.width, "hidden_size": mixer.width,
            "streams": mixer.streams, "sinkhorn_iterations": mixer.iterations or None,
        }  # fmt: skip
        return Specs(module.class_name, mixer.title, values, ("streams",))
    if role == "shared_expert":
        return _shared_expert(context, module)
    return Specs(module.class_name, module.class_name, _outline(module))


def _outline(module: ModuleRecord) -> dict[str, object]:
    """What the projections and the convolution of a module of no known kind take and give."""
    linears = [sizes for inner in module.walk() if (sizes := linear_sizes(inner))]
    weights = [m.parameters["weight"].shape for m in module.walk() if _is_convolution(m) and "weight" in m.parameters]
    values: dict[str, object] = {}
    if linears:
        values = {"input_dim": linears[0][0], "output_dim": linears[-1][1]}
        values["projections"] = [f"{into} → {out}" for into, out in linears[:8]]
    if len(weights) == 1:
        out, into, *kernel = weights[0]
        values |= {
            "in_channels": into,
            "hidden_size": out,
            "output_dim": values.get("output_dim", out),
            "kernel_size": kernel,
        }
        own = next(m for m in module.walk() if _is_convolution(m)).attributes
        values |= {key: list(size) for key in ("stride", "padding") if isinstance(size := own.get(key), list | tuple)}
    return values


def _is_convolution(module: ModuleRecord) -> bool:
    return (module.library or "").rpartition(".")[2].startswith("Conv")


def _shared_expert(context: Context, module: ModuleRecord) -> Specs:
    from archviz.patterns.feed_forward import detect_feed_forward

    feed = detect_feed_forward(module, context.trace)
    if feed is None or detect_mixer(module, context.trace) is not None:
        return Specs("shared_expert", "Shared expert", {"input_dim": _entered(module)})
    specs = _feed_forward(module, feed)
    return Specs("shared_expert", "Shared expert", specs.values, specs.needs, specs.notes)
