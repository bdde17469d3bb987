"""Normalisation: which kind, of what, and where it is applied."""

from __future__ import annotations

from archviz.codesearch.topic import Topic

TOPIC = Topic(
    name="norm",
    what="RMSNorm, LayerNorm, QK-norm, L2 norm: their classes, where they are made and where applied",
    words=("*norm", "*norm1", "*norm2", "*norm3", "l2norm*", "ln", "ln1", "ln2", "ln3", "normalize", "layernorm*"),
    not_words=("grad_norm", "clip_grad_norm", "spectral_norm", "norm_topk_prob"),
    dotted=("torch.rsqrt", "torch.var", "torch.linalg.norm", "torch.nn.functional.normalize"),
    methods=frozenset({"rsqrt"}),
    keywords=("*norm", "l2norm", "qk_norm"),
    branches=("*norm", "layernorm", "qk_norm"),
)
