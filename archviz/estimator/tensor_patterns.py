"""The structure of a model as far as the names and shapes of its tensors tell it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from archviz.late_patterns import late_pattern

_LAYER = late_pattern(r"^(.*?)\.(\d+)\.(.+)$")
_Q = late_pattern(r"(^|\.)(q_proj|wq|q_lin|query|q|to_q|q_b_proj|wq_b)\.weight$")
_K = late_pattern(r"(^|\.)(k_proj|wk|k_lin|key|k|to_k)\.weight$")
_FUSED = late_pattern(r"(^|\.)(qkv|qkv_proj|query_key_value|c_attn|[wW]qkv)\.weight$")
_SHARED = late_pattern(r"(^|\.)kv_proj\.weight$")
_LATENT = late_pattern(r"(^|\.)(kv_a_proj_with_mqa|kv_a_proj|wkv_a|kv_b_proj)\.weight$")
_UP = late_pattern(r"(^|\.)(up_proj|w3|fc1|c_fc|dense_h_to_4h|wi|wi_1|linear_fc1|lin1|intermediate\.dense)\.weight$")
_GATE = late_pattern(r"(^|\.)(gate_proj|w1|gate_up_proj|wi_0)(\.weight)?$")
_EXPERTS = late_pattern(r"(^|\.)experts?\.(?:(\d+)\.)?(.+)$")
_STATE = late_pattern(r"(^|\.)(A_log|dt_bias|time_decay|conv1d\.weight|D)$")
_HEAD_NORM = late_pattern(r"(^|\.)(q_norm|k_norm|q_layernorm|query_norm)\.weight$")

Rows = Sequence[Mapping[str, object]]


def main_layers(tensors: Rows) -> dict[int, dict[str, tuple[int, ...]]]:
    """The layers of the list that holds most parameters: index → tensor within the layer → shape."""
    stacks: dict[str, dict[int, dict[str, tuple[int, ...]]]] = {}
    for tensor in tensors:
        match = _LAYER.match(str(tensor.get("name", "")))
        if match and tensor.get("kind", "param") == "param":
            stacks.setdefault(match[1], {}).setdefault(int(match[2]), {})[match[3]] = _sizes(tensor)
    return max(stacks.values(), key=_weight, default={})


def _weight(layers: dict[int, dict[str, tuple[int, ...]]]) -> int:
    return sum(math.prod(shape) for layer in layers.values() for shape in layer.values())


def _sizes(tensor: Mapping[str, object]) -> tuple[int, ...]:
    shape = tensor.get("shape")
    return tuple(size or 0 for size in shape) if isinstance(shape, list | tuple) else ()


def layer_structure(tensors: Rows) -> dict[str, object]:
    """Number of layers, kinds with their attention and feed-forward, and what stands around them."""
    layers = main_layers(tensors)
    groups: dict[tuple[object, ...], list[int]] = {}
    for index, layer in sorted(layers.items()):
        groups.setdefault(tuple(sorted(layer.items())), []).append(index)
    kinds = [{"layers": indices, "count": len(indices), **_kind(layers[indices[0]])} for indices in groups.values()]
    around = [t for t in tensors if t.get("kind", "param") == "param" and not _LAYER.match(str(t.get("name", "")))]
    tables = [t for t in around if re.search(r"(embed|wte|shared)", str(t["name"])) and len(_sizes(t)) == 2]
    table = max(tables, key=lambda t: _sizes(t)[0], default=None)
    head = next((t for t in around if re.search(r"(^|\.)(lm_head|embed_out|output)\.weight$", str(t["name"]))), None)
    return {
        "num_layers": len(layers),
        "hidden_size": _sizes(table)[1] if table else _norm_width(layers),
        "vocab_size": _sizes(table)[0] if table else None,
        "layer_kinds": kinds,
        "attention_type": _joined(kind["attention_type"] for kind in kinds),
        "mlp_type": _joined(kind["mlp_type"] for kind in kinds),
        "lm_head": "separate" if head else "tied or absent",
    }


def _norm_width(layers: dict[int, dict[str, tuple[int, ...]]]) -> int | None:
    """The width of the first norm of a layer, which is that of the stream where no table of tokens tells it."""
    first = next(iter(layers.values()), {})
    return next(
        (shape[0] for name, shape in first.items() if "norm" in name and len(shape) == 1 and name.count(".") <= 1), None
    )


def _joined(values: object) -> str | None:
    """The distinct values in order, or None."""
    found = list(dict.fromkeys(value for value in values if value))  # type: ignore[attr-defined]
    return " + ".join(found) or None


def _kind(layer: dict[str, tuple[int, ...]]) -> dict[str, object]:
    return {
        "parameters": sum(math.prod(shape) for shape in layer.values()),
        **_attention(layer),
        **_feed_forward(layer),
        "norms": [name for name, shape in layer.items() if "norm" in name and len(shape) == 1 and name.count(".") <= 1],
        "biases": any(name.endswith("bias") and "dt_bias" not in name for name in layer),
    }


def _attention(layer: dict[str, tuple[int, ...]]) -> dict[str, object]:
    def find(pattern: re.Pattern[str]) -> tuple[int, ...] | None:
        return next((shape for name, shape in layer.items() if pattern.search(name)), None)

    if any(_STATE.search(name) for name in layer) and not find(_Q):
        return {"attention_type": "recurrent"}
    if find(_LATENT):
        return {"attention_type": "MLA"}
    query, key, shared = find(_Q), find(_K), find(_SHARED)
    if query is not None and key is None and shared is not None:
        return {"attention_type": "keys and values in one projection", "query_dim": query[0], "kv_dim": shared[0]}
    if query is None or key is None:
        return {"attention_type": "fused QKV" if find(_FUSED) else None}
    width = _head_width(layer)
    found: dict[str, object] = {"query_dim": query[0], "kv_dim": key[0], "head_dim": width}
    if width and key[0] % width == 0:
        found |= {"num_heads": query[0] // width, "num_kv_heads": key[0] // width}
    word = "MHA" if query[0] == key[0] else "MQA" if width and key[0] == width else "GQA"
    return {"attention_type": word, **found}


def _head_width(layer: dict[str, tuple[int, ...]]) -> int | None:
    """A norm of each head's queries tells the head's width; nothing else in shapes does."""
    return next((s[0] for n, s in layer.items() if _HEAD_NORM.search(n) and len(s) == 1 and s[0] <= 512), None)


def _feed_forward(layer: dict[str, tuple[int, ...]]) -> dict[str, object]:
    experts = {name: shape for name, shape in layer.items() if _EXPERTS.search(name)}
    if experts:
        numbers = {match[2] for name in experts if (match := _EXPERTS.search(name)) and match[2]}
        packed = next((shape[0] for shape in experts.values() if len(shape) == 3), None)
        return {"mlp_type": "MoE", "num_experts": len(numbers) or packed}
    gated = any(_GATE.search(name) for name in layer)
    up = next((shape for name, shape in layer.items() if _UP.search(name)), None)
    if up is None:
        return {"mlp_type": "gated MLP" if gated else None}
    return {"mlp_type": "gated MLP" if gated else "MLP", "intermediate_size": max(up)}
