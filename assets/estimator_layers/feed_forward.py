"""Feed-forward layers."""

from __future__ import annotations

from .base import Layer


class GatedMLPLayer(Layer):
    """Gated feed-forward (SwiGLU, GeGLU): gate, up and down projection."""

    def __init__(
        self, layer_idx: int, hidden_size: int, intermediate_size: int, parameter_count: int, activation: str = "silu"
    ) -> None:
        super().__init__(layer_idx, hidden_size, hidden_size, parameter_count)
        self.intermediate_size = intermediate_size
        self.activation = activation

    def flops(self, tokens: int, context: int) -> float:
        return 2 * tokens * self.parameter_count
