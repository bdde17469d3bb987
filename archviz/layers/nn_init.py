"""Initialisations, which change no shape, and the numbers that they are computed with.  Source: torch/nn/init.py."""

from __future__ import annotations

import math
from typing import Any

from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import Tensor, Unknown
from archviz.ops.shared_numbers import written

INIT = "torch.nn.init"
_GAINS = {"sigmoid": 1, "tanh": 5.0 / 3, "relu": math.sqrt(2.0), "selu": 3.0 / 4}
_LINEAR = ("linear", *(f"conv{way}{rank}d" for way in ("", "_transpose") for rank in (1, 2, 3)))


def register(library: Library) -> None:
    """Fill the table with what fills tensors, and with what tells how."""
    library.function("torch.nn.utils.skip_init")(
        lambda interp, module_cls, *args, **options: interp.call(module_cls, list(args), options)
    )
    for name in ("uniform_", "normal_", "zeros_", "ones_", "constant_", "xavier_uniform_", "xavier_normal_", "kaiming_uniform_",
                 "kaiming_normal_", "trunc_normal_", "orthogonal_", "eye_", "dirac_"):  # fmt: skip
        library.function(f"{INIT}.{name}", f"{INIT}.{name.rstrip('_')}")(_initialised)
    library.function(f"{INIT}._calculate_fan_in_and_fan_out")(_fans)
    library.function(f"{INIT}.calculate_gain")(_gain)


def _initialised(interp: Interpreter, tensor: Any, *args: Any, **options: Any) -> Any:
    """The tensor itself, of whose numbers nothing is known any more."""
    written(tensor, itself=True)
    return tensor


def _fans(interp: Interpreter, tensor: Any) -> Any:
    """How many numbers go into one output, and how many outputs one number goes into."""
    if not isinstance(tensor, Tensor) or tensor.shape is None:
        unknown = Unknown("the fans of a tensor whose shape is not known", interp.here())
        return unknown, unknown
    if len(tensor.sizes) < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    outputs, inputs, *field = tensor.sizes
    return inputs * math.prod(field), outputs * math.prod(field)


def _gain(interp: Interpreter, nonlinearity: str, param: Any = None) -> float:
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, (int, float)):
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + slope**2))
    gain = 1 if nonlinearity in _LINEAR else _GAINS.get(nonlinearity)
    if gain is None:
        raise ValueError(f"Unsupported nonlinearity {nonlinearity}")
    return gain
