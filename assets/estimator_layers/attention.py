"""Attention layers."""

from __future__ import annotations

from .base import Layer


class GroupedQueryAttentionLayer(Layer):
    """Softmax attention whose query heads share key and value heads (MHA when both counts are equal)."""

    def __init__(
        self,
        layer_idx: int,
        hidden_size: int,
        num_heads: int,
        num_kv_heads: int,
        head_dim: int,
        parameter_count: int,
        sliding_window: int | None = None,
        dtype_bytes: float = 2.0,
    ) -> None:
        super().__init__(layer_idx, hidden_size, hidden_size, parameter_count, dtype_bytes)
        self.num_heads = num_heads
        self.num_kv_heads = num_kv_heads
        self.head_dim = head_dim
        self.sliding_window = sliding_window

    def flops(self, tokens: int, context: int) -> float:
        seen = min(context, self.sliding_window or context)
        return tokens * (2 * self.parameter_count + 4 * self.num_heads * self.head_dim * seen)


class MultiHeadLatentAttentionLayer(Layer):
    """Multi-head latent attention (MLA): keys and values are rebuilt from a compressed vector."""

    def __init__(
        self,
        layer_idx: int,
        hidden_size: int,
        num_heads: int,
        q_lora_rank: int | None,
        kv_lora_rank: int,
        qk_nope_head_dim: int,
        qk_rope_head_dim: int,
        v_head_dim: int,
        parameter_count: int,
        dtype_bytes: float = 2.0,
    ) -> None:
        super().__init__(layer_idx, hidden_size, hidden_size, parameter_count, dtype_bytes)
        self.num_heads = num_heads
        self.widths = (qk_nope_head_dim + qk_rope_head_dim, v_head_dim)

    def flops(self, tokens: int, context: int) -> float:
        return tokens * (2 * self.parameter_count + 2 * self.num_heads * sum(self.widths) * context)
