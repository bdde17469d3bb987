"""Layer classes of a small performance estimator: attention."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class GroupedQueryAttentionLayer:
    """Attention with grouped key/value heads."""

    hidden_size: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    batch_size: int = 1
