"""Layer classes of a small performance estimator: feed-forward and embedding."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class SwiGLULayer:
    """Gated feed-forward of three matrices (SwiGLU)."""

    hidden_size: int
    intermediate_size: int


@dataclass
class EmbeddingLayer:
    """Token embedding."""

    vocab_size: int
    hidden_size: int
