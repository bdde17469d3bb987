"""Where a kind of layer is documented and implemented: PyTorch ops, vLLM, SGLang.

Paths were looked up in both repositories in November 2026; directories are named rather than files where files move often.
"""

from __future__ import annotations

from collections.abc import Sequence

_VLLM = "https://github.com/vllm-project/vllm/tree/main/vllm/model_executor/layers/"
_SGLANG = "https://github.com/sgl-project/sglang/tree/main/python/sglang/srt/layers/"
GENERAL = ("https://docs.vllm.ai/en/latest/", "https://docs.sglang.ai/")

_PLACES: dict[str, tuple[str, str]] = {
    "attention": ("attention/attention.py", "radix_attention.py"),
    "cross_attention": ("attention/cross_attention.py", "radix_attention.py"),
    "mla": ("attention/mla_attention.py", "attention"),
    "sparse": ("attention/sparse_mla_attention.py", "attention/compressed"),
    "moe": ("fused_moe", "moe"),
    "moe_experts": ("fused_moe", "moe"),
    "moe_router": ("fused_moe/router", "moe"),
    "shared_expert": ("fused_moe", "moe"),
    "gated_deltanet": ("mamba/gdn", "attention/linear/gdn_backend.py"),
    "kda": ("mamba/gdn", "attention/linear/kda_backend.py"),
    "mamba": ("mamba/mamba_mixer.py", "attention/mamba"),
    "mamba2": ("mamba/mamba_mixer2.py", "attention/mamba"),
    "lightning_attention": ("mamba/linear", "attention/linear/lightning_backend.py"),
    "short_convolution": ("mamba", "attention/linear/short_conv_backend.py"),
    "rmsnorm": ("layernorm.py", "layernorm.py"),
    "layernorm": ("layernorm.py", "layernorm.py"),
    "embedding": ("vocab_parallel_embedding.py", "vocab_parallel_embedding.py"),
    "lm_head": ("vocab_parallel_embedding.py", "vocab_parallel_embedding.py"),
}
_SPARSE = ("compress_rate", "index_topk")

_GENERATED = "https://docs.pytorch.org/docs/stable/generated/"
_OPS: dict[str, str] = {
    "linear": "torch.nn.functional.linear", "softmax": "torch.nn.functional.softmax", "topk": "torch.topk",
    "scaled_dot_product_attention": "torch.nn.functional.scaled_dot_product_attention",
    "matmul": "torch.matmul", "bmm": "torch.bmm", "einsum": "torch.einsum", "conv1d": "torch.nn.functional.conv1d",
    "conv2d": "torch.nn.functional.conv2d", "conv3d": "torch.nn.functional.conv3d", "sigmoid": "torch.sigmoid",
    "silu": "torch.nn.functional.silu", "gelu": "torch.nn.functional.gelu", "softplus": "torch.nn.functional.softplus",
    "one_hot": "torch.nn.functional.one_hot", "embedding": "torch.nn.functional.embedding", "cumsum": "torch.cumsum",
    "layer_norm": "torch.nn.functional.layer_norm", "rms_norm": "torch.nn.functional.rms_norm", "rsqrt": "torch.rsqrt",
    "index_add_": "torch.Tensor.index_add_", "index_add": "torch.index_add", "scatter": "torch.Tensor.scatter_",
    "scatter_": "torch.Tensor.scatter_", "gather": "torch.gather", "cat": "torch.cat", "split": "torch.split",
    "chunk": "torch.chunk", "exp": "torch.exp", "masked_fill": "torch.Tensor.masked_fill", "pow": "torch.pow", "mean": "torch.mean",
    "where": "torch.where", "tril": "torch.tril", "repeat_interleave": "torch.repeat_interleave",
    "solve_triangular": "torch.linalg.solve_triangular",
}  # fmt: skip
_MOST_OPS = 12


def torch_references(ops: Sequence[str]) -> list[tuple[str, str]]:
    """Name and address of the PyTorch functions among the ops of a layer, in order of use."""
    names = [_OPS[op] for op in dict.fromkeys(ops) if op in _OPS]
    return [(name, f"{_GENERATED}{name}.html") for name in names[:_MOST_OPS]]


def engine_references(kind: str, specs: dict[str, object]) -> list[tuple[str, str]]:
    """Name and address of the implementations in vLLM and SGLang; the entry pages where none is known for the kind."""
    key = "sparse" if any(specs.get(word) for word in _SPARSE) else kind
    places = _PLACES.get(key)
    if places is None and "attention" in kind:
        places = _PLACES["attention"]
    if places is None:
        return [("vLLM documentation", GENERAL[0]), ("SGLang documentation", GENERAL[1])]
    vllm, sglang = places
    return [
        (f"vLLM vllm/model_executor/layers/{vllm}", _VLLM + vllm),
        (f"SGLang python/sglang/srt/layers/{sglang}", _SGLANG + sglang),
        ("vLLM documentation", GENERAL[0]),
        ("SGLang documentation", GENERAL[1]),
    ]
