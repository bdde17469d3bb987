"""Mixers that carry a state along the sequence: delta rules, state-space models, RWKV, xLSTM, short convolutions.

They are told apart by their tensors: what decays (`A_log`, `time_decay`, gates), what skips (`D`), what convolves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from archviz.interpreter.reading import Event, ModuleRecord, TensorRecord
from archviz.patterns.linears import linear_sizes
from archviz.patterns.op_families import canonical
from archviz.patterns.trace import Trace
from archviz.records import field, record


@record(frozen=True)
class Recurrence:
    """A mixer with a state.

    Args:
        kind: `gated_deltanet`, `kda`, `mamba`, `mamba2`, `rwkv`, `mlstm`, `slstm`, `rg_lru`, `lightning_attention`,
            `short_convolution`, `lstm`, `gru`, `rnn`, `linear_attention`.
        title: The field's name for it.
        role: `linear_attention`, `state_space`, `recurrent` or `convolution_mixer`.
        core: Label of its core in a figure.
        sizes: Named sizes (heads, state, kernel, …).
        both_ways: It runs over the sequence backwards too, so that a token sees what follows.
    """

    kind: str
    title: str
    role: str
    core: str
    sizes: dict[str, int] = field(default_factory=dict)
    both_ways: bool = False


def detect_recurrence(module: ModuleRecord, trace: Trace) -> Recurrence | None:
    """The recurrence that a module is; None when it is none."""
    for detect in _DETECTORS:
        found = detect(module, trace)
        if found is not None:
            return found
    return None


def _gated_delta(module: ModuleRecord, trace: Trace) -> Recurrence | None:
    """A decay per head, a write strength, and no skip: the delta rule.  A decay per channel makes it KDA."""
    decay = _tensor(module, "A_log")
    if decay is None or _tensor(module, "D") is not None or _tensor(module, "dt_bias") is None:
        return None
    if "x_proj" in module.children or _tensor(module, "dt_bias") is None:
        return None
    bias = _tensor(module, "dt_bias")
    per_channel = bias is not None and bias.numel > decay.numel
    kind, title = ("kda", "Kimi Delta Attention") if per_channel else ("gated_deltanet", "Gated DeltaNet")
    sizes = _sizes(
        module, value_heads=("num_v_heads", "num_heads"), key_heads=("num_k_heads",), head_dim=("head_v_dim", "head_dim"),
        kernel=("conv_kernel_size", "conv_size"),
    )  # fmt: skip
    core = "Delta rule, decay per channel" if per_channel else "Gated delta rule"
    return Recurrence(kind, title, "linear_attention", core, sizes)


def _state_space(module: ModuleRecord, trace: Trace) -> Recurrence | None:
    """`A_log` per channel and state is Mamba, also where channels are cut into heads; one per head with a skip `D` is Mamba-2."""
    decay, skip = _tensor(module, "A_log"), _tensor(module, "D")
    if decay is None or skip is None:
        return None
    sizes = _sizes(
        _holder(module, "A_log"), heads=("num_heads", "n_mamba_heads"), head_dim=("head_dim",), state=("ssm_state_size", "state_size"),
        groups=("n_groups",), kernel=("conv_kernel_size",), width=("intermediate_size",),
    )  # fmt: skip
    kernels = (child.parameters["weight"].shape for child in module.children.values() if _is_convolution(child))
    _set_where_unstated(sizes, kernel=next(kernels, (None,))[-1])
    if len(decay.shape) > 1 and decay.numel > skip.numel:
        if len(decay.shape) == 2:
            _set_where_unstated(sizes, state=decay.shape[1], width=decay.shape[0])
        return Recurrence("mamba", "Mamba", "state_space", "Selective scan", sizes)
    return Recurrence("mamba2", "Mamba-2", "state_space", "State-space duality (SSD)", sizes)


def _set_where_unstated(sizes: dict[str, int], **seen: int | None) -> None:
    """Sizes that tensors show where no setting states them."""
    for key, size in seen.items():
        if size is not None:
            sizes.setdefault(key, size)


def _is_convolution(module: ModuleRecord) -> bool:
    return (module.library or "").endswith("Conv1d") and "weight" in module.parameters


def _rwkv(module: ModuleRecord, trace: Trace) -> Recurrence | None:
    if _tensor(module, "time_decay") is None or _tensor(module, "time_first", "time_faaaa") is None:
        return None
    return Recurrence("rwkv", "RWKV time mixing", "recurrent", "WKV recurrence")


def _xlstm(module: ModuleRecord, trace: Trace) -> Recurrence | None:
    """Input and forget gates as projections of the data; a matrix memory reads queries and keys too."""
    names = " ".join(module.children).lower()
    if not (("igate" in names and "fgate" in names) or ("i_gate" in names and "f_gate" in names)):
        return None
    if "q" in module.children or "q_proj" in module.children or "qkv" in names:
        return Recurrence("mlstm", "mLSTM", "recurrent", "Matrix memory")
    return Recurrence("slstm", "sLSTM", "recurrent", "Scalar memory")


def _rg_lru(module: ModuleRecord, trace: Trace) -> Recurrence | None:
    child = next((c for c in module.children.values() if "recurrent_param" in c.parameters), None)
    if child is None:
        return None
    return Recurrence("rg_lru", "RG-LRU block", "recurrent", "Gated linear recurrence")


def _lightning(module: ModuleRecord, trace: Trace) -> Recurrence | None:
    """Linear attention with a fixed decay per head, stored as a buffer (or, as a last resort, called so)."""
    stored = any(name in module.buffers for name in ("slope_rate", "slope", "query_decay"))
    if not stored and "lightningattention" not in module.class_name.lower():
        return None
    if not any(linear_sizes(child) for child in module.children.values()):
        return None
    sizes = _sizes(module, heads=("num_attention_heads", "num_heads"), head_dim=("head_dim",))
    return Recurrence(
        "lightning_attention", "Lightning attention", "linear_attention", "Linear attention, fixed decay", sizes
    )


def _short_convolution(module: ModuleRecord, trace: Trace) -> Recurrence | None:
    """A depthwise convolution between two projections and nothing else that mixes positions."""
    convolutions = [c for c in module.children.values() if (c.library or "").endswith("Conv1d")]
    linears = [c for c in module.children.values() if linear_sizes(c)]
    if len(convolutions) != 1 or not 2 <= len(linears) <= 3 or module.parameters:
        return None
    weight = convolutions[0].parameters.get("weight")
    if weight is None or len(weight.shape) != 3 or weight.shape[1] != 1 or "softmax" in trace.own_ops(module.path):
        return None
    return Recurrence(
        "short_convolution", "Short convolution", "convolution_mixer", "Gated convolution",
        {"kernel": int(weight.shape[2] or 0)},
    )  # fmt: skip


_LAYERS = {"LSTM": "LSTM", "GRU": "GRU", "RNN": "RNN", "LSTMCell": "LSTM", "GRUCell": "GRU", "RNNCell": "RNN"}


def torch_recurrence(module: ModuleRecord, trace: Trace) -> Recurrence | None:
    """The recurrent layers of PyTorch, of one or several layers, forwards or both ways."""
    name = _LAYERS.get((module.library or "").rpartition(".")[2])
    if name is None:
        return None
    kind = name.lower()
    if isinstance(curve := module.attributes.get("nonlinearity"), str):
        name += f" ({'ReLU' if curve == 'relu' else curve})"
    both_ways = module.attributes.get("bidirectional") is True
    sizes = _sizes(module, hidden=("hidden_size",), layers=("num_layers",), projected=("proj_size",))
    sizes = {key: size for key, size in sizes.items() if size and (key, size) != ("layers", 1)}
    title = f"bidirectional {name}" if both_ways else name
    return Recurrence(f"bidirectional_{kind}" if both_ways else kind, title, "recurrent", title, sizes, both_ways)


_KEYS = re.compile(r"^(to_)?(w?k|key|w?kv|qkv|c_attn|query_key_value)(_proj|_lin|_linear)?$")
_NORMALISES = frozenset(
    {"softmax", "scaled_dot_product_attention", "exp", "logsumexp", "multi_head_attention_forward", "sigmoid"}
)
_PRODUCTS = frozenset({"matmul", "bmm", "einsum"})


def _without_softmax(module: ModuleRecord, trace: Trace) -> Recurrence | None:
    """Queries, keys and values whose products no softmax normalises, as linear attention and retention have them; only where the pass was seen."""
    if not any(_KEYS.match(name) and linear_sizes(child) for name, child in module.children.items()):
        return None
    call = trace.call(module.path)
    steps = [event for event in trace.inside(call) if event.kind != "call"] if call is not None and trace.whole else []
    products = [
        event for event in steps if canonical(event.name) in _PRODUCTS and sum(map(trace.carries, event.inputs)) > 1
    ]
    over_data = (
        event for event in steps if canonical(event.name) in _NORMALISES and any(map(trace.carries, event.inputs))
    )
    named = any(event.kind == "function" and "attention" in event.name.lower() for event in steps)
    if len(products) < 2 or named or not _all_gates(over_data) or _bends(products, steps):
        return None
    return Recurrence("linear_attention", "Linear attention", "linear_attention", "Products without a softmax")


_CURVES = frozenset(
    {"relu", "gelu", "silu", "softplus", "elu", "tanh", "pow", "square", "sin", "cos", "acos", "arccos"}
)


def _bends(products: Sequence[Event], steps: Sequence[Event]) -> bool:
    """Whether what the first product gives is bent on its way to the last: scores that weigh values by another curve than a softmax."""
    scores = {value.id for value in products[0].outputs}
    for event in steps:
        if products[0].index < event.index < products[-1].index and scores & {value.id for value in event.inputs}:
            if canonical(event.name) in _CURVES:
                return True
            scores.update(value.id for value in event.outputs)
    return False


def _all_gates(steps: Iterable[Event]) -> bool:
    """Whether what could normalise scores are gates alone."""
    return all(canonical(event.name) == "sigmoid" for event in steps)


_DETECTORS: tuple[Callable[[ModuleRecord, Trace], Recurrence | None], ...] = (
    _state_space,  # before the delta rule: both decay, only state-space models skip
    _gated_delta,
    _rwkv,
    _xlstm,
    _rg_lru,
    _lightning,
    _short_convolution,
    torch_recurrence,
    _without_softmax,
)


def _holder(module: ModuleRecord, name: str) -> ModuleRecord:
    """The module that holds a parameter: the given one, or a part of it where that only wraps it with a norm."""
    inside = (child for child in module.children.values() if name in child.parameters)
    return module if name in module.parameters else next(inside, module)


def _tensor(module: ModuleRecord, *names: str) -> TensorRecord | None:
    """A parameter of the module or of a submodule that only computes its decay."""
    holders = [module, *(child for child in module.children.values() if not child.name.isdigit())]
    for holder in holders:
        for name in names:
            if name in holder.parameters:
                return holder.parameters[name]
    return None


def _sizes(module: ModuleRecord, **wanted: tuple[str, ...]) -> dict[str, int]:
    found: dict[str, int] = {}
    for key, names in wanted.items():
        for name in names:
            value = module.attributes.get(name)
            if isinstance(value, int) and not isinstance(value, bool):
                found.setdefault(key, value)
    return found
