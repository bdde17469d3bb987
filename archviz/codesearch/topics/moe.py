"""Mixture of experts: the router, the choice of experts, the experts and what is added to them."""

from __future__ import annotations

import ast

from archviz.codesearch.sites import Site
from archviz.codesearch.topic import Inside, Topic

_ROUTER = ("moe", "expert", "experts", "router", "gate", "gating", "topk", "top_k", "routing")
_SCORES = (
    "sigmoid softmax softplus sqrt relu topk sort argmax argsort gather scatter scatter_ scatter_add scatter_add_ index_add index_add_ "
    "index_select masked_fill one_hot bincount histc where nonzero linear bmm"
)


def _gate(site: Site) -> bool:
    """`class Gate`: the router of inference code; a gate among other words may be that of a feed-forward."""
    return isinstance(site.node, ast.ClassDef) and site.name == "Gate"


TOPIC = Topic(
    name="moe",
    what="routers, scores, top-k, groups, routed and shared experts",
    words=(
        "moe",
        "expert",
        "experts",
        "router",
        "routers",
        "routed",
        "routing",
        "get_topk",
        "grouped_topk",
        "limited_topk",
        "topk_*",
        "grouped_mm",
    ),
    not_words=("output", "outputs", "*norm", "rotary", "attention", "config"),
    dotted=("torch.topk", "torch.nn.functional.one_hot", "torch.bincount", "torch.histc"),
    methods=frozenset({"topk", "bincount", "histc"}),
    keywords=("expert", "experts", "topk"),
    branches=("moe", "expert", "experts", "router", "topk", "norm_topk_prob", "top_k", "score_func", "scoring_func"),
    inside=(Inside(_ROUTER, tuple(_SCORES.split())), Inside(("moe", "sparse", "experts", "router"), ("gate", "Gate"))),
    not_inside=("indexer",),
    structures=(("definition", _gate),),
)
