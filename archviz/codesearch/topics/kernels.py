"""Kernels: fused or compiled code that stands in for the plain one, from the Hub, from packages or written in Triton."""

from __future__ import annotations

import ast

from archviz.codesearch.sites import Site
from archviz.codesearch.topic import Topic

_PACKAGES = (
    "triton flash_attn flash_attn_interface flash_attn_2_cuda fla mamba_ssm causal_conv1d xformers apex deep_gemm deep_ep flash_mla "
    "tilelang liger_kernel kernels flashinfer transformer_engine sgl_kernel megablocks grouped_gemm cuequivariance_torch "
    "tile_kernels fast_hadamard_transform rotary_emb dropout_layer_norm fused_softmax_lib"
)
_OWN = ("kernel.*", "*.kernel.*", "*.kernels.*")  # modules that hold a repository's own kernels
_IMPORTS = tuple(pattern for package in _PACKAGES.split() for pattern in (package, f"{package}.*"))


def _launch(site: Site) -> bool:
    """`add_kernel[grid](x, y)`: a Triton kernel is launched."""
    function = site.node.func if isinstance(site.node, ast.Call) else None
    index = function.slice if isinstance(function, ast.Subscript) else None
    return isinstance(index, ast.Lambda) or (isinstance(index, ast.Name) and "grid" in index.id)


TOPIC = Topic(
    name="kernels",
    what="kernels from the Hub, from packages or in Triton, fused and compiled functions",
    words=(
        "kernel",
        "kernels",
        "kernelized",
        "fused",
        "flash",
        "flex_attention",
        "causal_conv1d",
        "selective_scan",
        "selective_state_update",
        "gated_delta_rule",
        "mamba*_scan",
        "chunk_scan*",
        "segsum",
        "triton",
        "memory_efficient_attention",
    ),
    not_words=("kernel_size",),
    dotted=(
        *_IMPORTS,
        *_OWN,
        "torch.ops.*",
        "torch.compile",
        "torch.jit.script",
        "torch.utils.cpp_extension.*",
        "torch.library.*",
    ),
    imports=(*_IMPORTS, *_OWN, "torch.nn.attention.*", "torch.utils.cpp_extension.*"),
    structures=(("call", _launch),),
)
