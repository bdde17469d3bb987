"""Families of torch operations, so that a detector can ask what an op does rather than how it is spelt."""

from __future__ import annotations

from functools import lru_cache

_DUNDER = {
    "radd": "add", "iadd": "add", "rsub": "sub", "isub": "sub", "rmul": "mul", "imul": "mul", "multiply": "mul",
    "truediv": "div", "rtruediv": "div", "itruediv": "div", "divide": "div", "rpow": "pow", "rmatmul": "matmul",
    "concat": "cat", "concatenate": "cat", "sdpa": "scaled_dot_product_attention", "mm": "matmul",
    "split_with_sizes": "split", "tensor_split": "split", "swapaxes": "transpose", "movedim": "permute", "moveaxis": "permute",
    "clamp_min": "clamp", "clamp_max": "clamp", "logsigmoid": "log_sigmoid", "subtract": "sub", "negative": "neg",
}  # fmt: skip

PLUMBING = frozenset({
    "view", "reshape", "transpose", "permute", "contiguous", "to", "type", "type_as", "float", "half", "bfloat16",
    "double", "long", "int", "bool", "unsqueeze", "squeeze", "expand", "expand_as", "broadcast_to", "flatten",
    "unflatten", "clone", "detach", "dropout", "repeat", "repeat_interleave", "repeat_kv", "pad", "t", "T", "mT",
    "view_as", "reshape_as", "requires_grad", "cpu", "cuda", "roll", "flip", "fliplr", "tril", "triu", "as_strided", "masked_fill", "where",
    "index_select", "nan_to_num", "alias", "tile", "apply_mask_to_padding_states", "fold", "constant_pad_nd",
})  # fmt: skip
"""Ops that move, reshape, cast or mask a tensor and leave its meaning: not drawn."""

SHAPED_LIKE = frozenset({"type_as", "expand_as", "view_as", "reshape_as", "to"})
"""Ops that ask their second operand for its type or shape alone."""
PLACED = frozenset({"index_copy", "index_add"})
"""Ops whose second operand says where the third one goes in the first."""
FRESH = frozenset({
    "zeros_like", "ones_like", "empty_like", "full_like", "new_zeros", "new_ones", "new_empty", "new_full", "zeros",
    "ones", "empty", "full", "arange", "eye", "size", "rand_like", "randn_like", "new_tensor", "tensor",
})  # fmt: skip
"""Ops whose result holds nothing of their input's data."""

ELEMENTWISE = frozenset({
    "add", "sub", "mul", "div", "neg", "exp", "clamp", "pow", "sqrt", "rsqrt", "square", "abs", "where", "masked_fill",
    "maximum", "minimum", "addcmul", "lerp", "log", "sum", "mean", "amax", "max", "pad", "floor_divide", "reciprocal",
    "logsumexp", "stack", "clip", "getitem", "setitem", "copy", "index", "expm1", "log1p",
})  # fmt: skip

CONTRACTIONS = frozenset({
    "matmul", "bmm", "baddbmm", "einsum", "scaled_dot_product_attention", "linalg_solve_triangular", "cumsum",
    "cumprod", "outer", "logcumsumexp", "solve_triangular", "dot",
})  # fmt: skip
"""Ops that mix positions when both operands are data: the inside of attention and of recurrences."""

SPLITS = frozenset({"split", "chunk", "unbind"})
JOINS = frozenset({"cat", "stack", "hstack", "vstack"})
TRANSFORMS = frozenset({"fft", "fft2", "fftn", "rfft", "rfft2", "rfftn", "stft"})
"""Fourier transforms of the data; `INVERSES` lead back."""
INVERSES = frozenset({"ifft", "ifft2", "ifftn", "irfft", "irfft2", "irfftn", "istft"})
CONVOLUTIONS = frozenset({"conv1d", "conv2d", "conv3d", "causal_conv1d_fn", "causal_conv1d"})

ACTIVATIONS = {
    "silu": "SiLU", "swish": "SiLU", "gelu": "GELU", "gelu_new": "GELU-tanh", "gelu_fast": "GELU-tanh",
    "quick_gelu": "QuickGELU", "gelu_pytorch_tanh": "GELU-tanh", "gelu_python_tanh": "GELU-tanh",
    "gelu_accurate": "GELU-tanh", "gelu_10": "clipped GELU", "relu": "ReLU", "relu6": "ReLU6", "relu2": "ReLU²", "sigmoid": "σ", "tanh": "tanh",
    "softplus": "softplus", "leaky_relu": "LeakyReLU", "elu": "ELU", "selu": "SELU", "mish": "Mish", "glu": "GLU",
    "hardswish": "Hardswish", "log_sigmoid": "log σ", "xielu": "xIELU", "hardtanh": "Hardtanh", "prelu": "PReLU",
    "laplace": "Laplace", "bloom_gelu_forward": "GELU-tanh", "hardsigmoid": "Hardsigmoid",
}  # fmt: skip
"""Canonical op name → the name the field uses."""


_GELUS = {"quick": "QuickGELU", "clip": "clipped GELU", "tanh": "GELU-tanh", "new": "GELU-tanh", "fast": "GELU-tanh",
          "accurate": "GELU-tanh"}  # fmt: skip


@lru_cache(maxsize=4096)
def canonical(name: str) -> str:
    """The one name of an op: `__radd__`, `add_` and `add` are all `add`.

    >>> canonical("__rmul__"), canonical("add_"), canonical("softmax")
    ('mul', 'add', 'softmax')
    """
    bare = name.rpartition(".")[2].strip("_") or name
    return _DUNDER.get(bare, bare)


@lru_cache(maxsize=4096)
def writes_in_place(name: str) -> bool:
    """Whether the op writes into its first argument."""
    return (
        name in ("__setitem__", "setitem") or name.startswith("__i") or (name.endswith("_") and not name.endswith("__"))
    )


@lru_cache(maxsize=4096)
def activation_of(name: str) -> str | None:
    """The field's name of an activation given as op, class or configuration string; None when it is none.

    >>> activation_of("SiLUActivation"), activation_of("gelu_pytorch_tanh"), activation_of("linear")
    ('SiLU', 'GELU-tanh', None)
    """
    bare = canonical(name).lower().removesuffix("activation")
    if bare in ("relusquared", "squaredrelu", "relu_squared", "squared_relu", "relu2"):
        return "ReLU²"
    if bare in ACTIVATIONS:
        return ACTIVATIONS[bare]
    words = [word for word in _GELUS if word in bare] if "gelu" in bare else []
    return _GELUS[words[0]] if words else "GELU" if "gelu" in bare else None
