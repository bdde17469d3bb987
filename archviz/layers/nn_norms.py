"""Layers that normalise: over features, over groups of channels, over a batch.  Source: torch/nn/modules/normalization.py, batchnorm.py."""

from __future__ import annotations

from typing import Any

from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import ModuleInstance, Tensor, Unknown
from archviz.layers.module import new_parameter
from archviz.layers.nn_layers import keep
from archviz.layers.overridden import overridden

NN = "torch.nn"
F = "torch.nn.functional"


def register(library: Library) -> None:
    @library.constructor(f"{NN}.LayerNorm")
    def layer_norm(interp: Interpreter, self: ModuleInstance, normalized_shape: Any, eps: float = 1e-5, elementwise_affine: Any = True,
                   bias: Any = True, device: Any = None, dtype: Any = None) -> None:  # fmt: skip
        sizes = (normalized_shape,) if isinstance(normalized_shape, (int, Unknown)) else tuple(normalized_shape)
        keep(self, normalized_shape=sizes, eps=eps, elementwise_affine=elementwise_affine)
        for name, wanted in (("weight", elementwise_affine), ("bias", elementwise_affine and bias)):
            if wanted:
                new_parameter(interp, self, name, *sizes, dtype=dtype)
            else:
                self.parameters[name] = None

    @library.constructor(f"{NN}.RMSNorm")
    def rms_norm(interp: Interpreter, self: ModuleInstance, normalized_shape: Any, eps: Any = None, elementwise_affine: Any = True,
                 **options: Any) -> None:  # fmt: skip
        sizes = (normalized_shape,) if isinstance(normalized_shape, (int, Unknown)) else tuple(normalized_shape)
        keep(self, normalized_shape=sizes, eps=eps, elementwise_affine=elementwise_affine)
        if elementwise_affine:
            new_parameter(interp, self, "weight", *sizes)
        else:
            self.parameters["weight"] = None

    @library.constructor(f"{NN}.GroupNorm")
    def group_norm(interp: Interpreter, self: ModuleInstance, num_groups: int, num_channels: int, eps: float = 1e-5, affine: Any = True,
                   device: Any = None, dtype: Any = None) -> None:  # fmt: skip
        if num_channels % num_groups:
            raise ValueError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        keep(self, num_groups=num_groups, num_channels=num_channels, eps=eps, affine=affine)
        _affine(interp, self, num_channels, wanted=affine)

    for name in ("LayerNorm", "RMSNorm", "GroupNorm"):
        function = {"LayerNorm": "layer_norm", "RMSNorm": "rms_norm", "GroupNorm": "group_norm"}[name]
        library.method(f"{NN}.{name}.forward")(
            lambda interp, self, input, _function=function: interp.op(f"{F}.{_function}", input)
        )
    for rank in ("1d", "2d", "3d"):
        register_batch_norm(library, f"{NN}.BatchNorm{rank}", affine=True, tracked=True)
        register_batch_norm(library, f"{NN}.InstanceNorm{rank}", affine=False, tracked=False)
    register_batch_norm(library, f"{NN}.SyncBatchNorm", affine=True, tracked=True)


def _affine(interp: Interpreter, module: ModuleInstance, size: int, *, wanted: Any) -> None:
    for name in ("weight", "bias"):
        if wanted:
            new_parameter(interp, module, name, size)
        else:
            module.parameters[name] = None


def register_batch_norm(library: Library, dotted: str, *, affine: bool, tracked: bool) -> None:
    """A norm over a batch, or the class behind several, which takes any number of axes."""

    @library.constructor(dotted)
    def batch_norm(interp: Interpreter, self: ModuleInstance, num_features: int, eps: float = 1e-5, momentum: Any = 0.1,
                   affine: Any = affine, track_running_stats: Any = tracked, **options: Any) -> None:  # fmt: skip
        keep(self, num_features=num_features, eps=eps, momentum=momentum, affine=affine)
        _affine(interp, self, num_features, wanted=affine)
        if track_running_stats:
            self.buffers["running_mean"] = interp.op("torch.zeros", num_features)
            self.buffers["running_var"] = interp.op("torch.ones", num_features)
            self.buffers["num_batches_tracked"] = interp.op("torch.tensor", 0)
        else:
            self.buffers.update(running_mean=None, running_var=None, num_batches_tracked=None)

    @library.method(f"{dotted}.forward")
    def forward(interp: Interpreter, self: ModuleInstance, input: Any) -> Any:
        check = overridden(interp, self, "_check_input_dim")
        if check is not None:
            interp.call(check, [input], {})
        return interp.op(f"{F}.batch_norm", input)

    ranks = _allowed_ranks(dotted)

    @library.method(f"{dotted}._check_input_dim")
    def check_rank(interp: Interpreter, self: ModuleInstance, input: Any) -> None:
        if isinstance(input, Tensor) and input.shape is not None and len(input.shape) not in ranks:
            raise ValueError(
                f"expected {' or '.join(f'{rank}D' for rank in ranks)} input (got {len(input.shape)}D input)"
            )


def _allowed_ranks(dotted: str) -> tuple[int, ...]:
    """How many axes the input of a norm over a batch may have; the least two of one that takes any."""
    if not dotted.endswith("d"):
        return tuple(range(2, 65))
    rank = int(dotted[-2])
    return (rank + 1, rank + 2) if "Instance" in dotted or rank == 1 else (rank + 2,)
