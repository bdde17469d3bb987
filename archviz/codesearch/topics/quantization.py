"""Quantisation: low-precision types, scales, quantised layers and matrix products."""

from __future__ import annotations

import ast

from archviz.codesearch.sites import Site
from archviz.codesearch.topic import Topic, mentions

_TYPES = (
    "float8",
    "float8*",
    "float4*",
    "int8",
    "int4",
    "uint4",
    "qint8",
    "quint8",
    "fp8",
    "fp8*",
    "fp4",
    "mxfp4",
    "nvfp4",
)


def _type_argument(site: Site) -> bool:
    """`x.to(torch.float8_e4m3fn)`: a call is given a low-precision type."""
    if not isinstance(site.node, ast.Call):
        return False
    values = [*site.node.args, *(keyword.value for keyword in site.node.keywords)]
    return any(isinstance(value, ast.Attribute | ast.Name) and mentions(value, _TYPES) for value in values)


TOPIC = Topic(
    name="quantization",
    what="quantised weights and activations: types, scales, layers, matrix products",
    words=(
        "quant",
        "quantiz*",
        "quantis*",
        "dequant",
        "dequantiz*",
        "fp8*",
        "fp4*",
        "int8",
        "int4",
        "nf4",
        "mxfp4",
        "nvfp4",
        "gptq",
        "awq",
        "scaled_mm",
        "int_mm",
        "*8bit",
        "*4bit",
        "*8bitlt",
        "*bit_lt",
    ),
    dotted=("bitsandbytes.*", "torchao.*", "torch.ao.*", "torch.quantize_per_tensor", "auto_gptq.*", "awq.*"),
    methods=frozenset({"element_size"}),
    keywords=("quant", "quantiz*", "quantis*", "dequant", "dequantiz*", "load_in_8bit", "load_in_4bit", "fp8*"),
    branches=(
        "quant",
        "quantiz*",
        "quantis*",
        "dequant",
        "dequantiz*",
        "fp8*",
        "fp4*",
        "mxfp4",
        "element_size",
        "load_in_8bit",
        "load_in_4bit",
    ),
    imports=("bitsandbytes", "bitsandbytes.*", "torchao", "torchao.*", "auto_gptq.*", "awq.*"),
    structures=(("call", _type_argument),),
)
