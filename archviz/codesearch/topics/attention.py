"""Attention: modules and functions, scores and softmax, masks, windows, sinks and softcaps."""

from __future__ import annotations

import ast

from archviz.codesearch.sites import Site
from archviz.codesearch.topic import Inside, Topic, call_with, mentions

_SCORES = ("q", "k", "query", "queries", "key", "keys", "attn*", "scores", "attention")


def _product(site: Site) -> bool:
    """`q @ k.transpose(-2, -1)`."""
    return isinstance(site.node, ast.BinOp) and isinstance(site.node.op, ast.MatMult) and mentions(site.node, _SCORES)


TOPIC = Topic(
    name="attention",
    what="attention modules and functions, scores and softmax, masks, windows, sinks, softcaps, indexers",
    words=(
        "attention",
        "attentions",
        "attn*",
        "sdpa",
        "mla",
        "repeat_kv",
        "causal_mask",
        "sliding*",
        "softcap*",
        "softcapping",
        "sinks",
        "indexer",
        "alibi",
    ),
    not_words=("dropout", "*norm"),
    dotted=("softmax", "torch.nn.functional.softmax", "torch.softmax", "torch.nn.Softmax", "torch.baddbmm"),
    methods=frozenset({"softmax"}),
    keywords=("sliding_window", "window_size", "softcap", "sinks", "s_aux", "is_causal"),
    branches=("sliding", "window", "causal", "softcap*", "softcapping", "sinks", "cross_attention", "alibi"),
    inside=(Inside(("indexer",), ("topk", "relu", "matmul", "einsum", "scatter_")),),
    not_inside=("moe", "router", "gate", "expert", "experts", "topk", "loss"),
    structures=(
        ("expression", _product),
        call_with(frozenset({"matmul", "bmm", "einsum", "baddbmm", "tanh", "masked_fill", "tril", "triu"}), _SCORES),
    ),
)
