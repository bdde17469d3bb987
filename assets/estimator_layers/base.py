"""What the sample layers share. A folder like this describes what a performance estimator can model."""

from __future__ import annotations

from abc import ABC, abstractmethod


class Layer(ABC):
    """Base of all layers."""

    def __init__(
        self, layer_idx: int, input_dim: int, output_dim: int, parameter_count: int, dtype_bytes: float = 2.0
    ) -> None:
        self.layer_idx = layer_idx
        self.input_dim = input_dim
        self.output_dim = output_dim
        self.parameter_count = parameter_count
        self.dtype_bytes = dtype_bytes

    @abstractmethod
    def flops(self, tokens: int, context: int) -> float:
        """Floating-point operations of one pass."""

    def weight_bytes(self) -> float:
        """Bytes of the weights."""
        return self.parameter_count * self.dtype_bytes
