"""Embedding, norm and head."""

from __future__ import annotations

from dataclasses import dataclass

from .base import Layer


class EmbeddingLayer(Layer):
    """Table of token embeddings."""

    def __init__(self, vocab_size: int, hidden_size: int, parameter_count: int) -> None:
        super().__init__(0, vocab_size, hidden_size, parameter_count)

    def flops(self, tokens: int, context: int) -> float:
        return 0.0


@dataclass
class RMSNormLayer:
    """Root-mean-square norm."""

    hidden_size: int
    eps: float = 1e-6


class LMHeadLayer(Layer):
    """Projection to the vocabulary."""

    def __init__(self, hidden_size: int, vocab_size: int, parameter_count: int, tied: bool = False) -> None:
        super().__init__(-1, hidden_size, vocab_size, parameter_count)
        self.tied = tied

    def flops(self, tokens: int, context: int) -> float:
        return 2.0 * tokens * self.input_dim * self.output_dim
