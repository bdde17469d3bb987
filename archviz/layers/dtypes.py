"""Dtypes of whole modules: `to`, `half`, `type` and their kin, and the `dtype=` of a layer's constructor.  Source: torch/nn/modules/module.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archviz.interpreter.library import Library, Run
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import DType, ModuleInstance, Tensor, Unknown
from archviz.interpreter.walk import walk

NN = "torch.nn"
NUMBERED = ("Conv", "ConvTranspose", "BatchNorm", "InstanceNorm")
TYPED = (
    "Bilinear", "RMSNorm", "GroupNorm", "SyncBatchNorm", "MultiheadAttention", "LSTM", "GRU", "RNN", "LSTMCell", "GRUCell", "RNNCell",
    "PReLU", "EmbeddingBag", "AdaptiveLogSoftmaxWithLoss", "Transformer", "TransformerEncoderLayer", "TransformerDecoderLayer",
    *(f"{kind}{rank}d" for kind in NUMBERED for rank in (1, 2, 3)),
)  # fmt: skip
"""Layers whose `dtype=` is that of all they make; `Linear`, `Embedding` and `LayerNorm` pass theirs on where they are built."""
BY_NAME = {"half": "float16", "bfloat16": "bfloat16", "float": "float32", "double": "float64"}


def register(library: Library) -> None:
    """Add the conversions, and let the constructors, all registered before, heed `dtype=`."""
    for name, dtype in BY_NAME.items():
        library.method(f"{NN}.Module.{name}")(
            lambda interp, self, _dtype=dtype: cast(interp, self, _dtype, lambda tensor: is_floating(tensor.dtype))
        )
    library.method(f"{NN}.Module.to")(_to)
    library.method(f"{NN}.Module.type")(_type)
    for layer in TYPED:
        methods = library.classes[f"{NN}.{layer}"].methods
        methods["__init__"] = _typed(methods["__init__"])


def is_floating(dtype: str) -> bool:
    return "float" in dtype


def cast(
    interp: Interpreter, module: ModuleInstance, dtype: str, concerned: Callable[[Tensor], bool]
) -> ModuleInstance:
    """Give tensors of a module and of all below it another dtype: parameters in place, buffers as new tensors, as `Module._apply` does."""
    for _, part in walk(module, "", set()):
        interp.twins.written(part)
        for parameter in part.parameters.values():
            if parameter is not None and concerned(parameter):
                parameter.dtype = dtype
        for name, buffer in part.buffers.items():
            if buffer is not None and concerned(buffer):
                part.buffers[name] = twin = buffer.twin()
                twin.dtype = dtype
    return module


def _to(interp: Interpreter, self: ModuleInstance, *args: Any, **options: Any) -> ModuleInstance:
    """A device changes nothing that is read; a dtype must be one of numbers with a point."""
    given = [*args, options.get("dtype"), options.get("tensor")]
    unknown = next((each for each in given if isinstance(each, Unknown)), None)
    if unknown is not None:
        interp.note(f"where or to which type a module is moved: {unknown.reason}")
    dtype = next((each.name for each in given if isinstance(each, DType)), None)
    dtype = dtype or next((each.dtype for each in given if isinstance(each, Tensor)), None)
    if dtype is None:
        return self
    if not is_floating(dtype) and "complex" not in dtype:
        raise TypeError(
            f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype=torch.{dtype}"
        )
    return cast(interp, self, dtype, lambda tensor: is_floating(tensor.dtype) or "complex" in tensor.dtype)


def _type(interp: Interpreter, self: ModuleInstance, dst_type: Any) -> ModuleInstance:
    if isinstance(dst_type, Unknown):
        interp.note(f"to which type a module is moved: {dst_type.reason}")
        return self
    name = interp.op("torch.Tensor.type", Tensor(()), dst_type).dtype
    return cast(interp, self, name, lambda tensor: True)


def _typed(init: Run) -> Run:
    def run(interp: Interpreter, self: ModuleInstance, *args: Any, **options: Any) -> None:
        init(interp, self, *args, **options)
        dtype = options.get("dtype")
        if isinstance(dtype, DType) and options.get("_weight") is None:
            cast(interp, self, dtype.name, lambda tensor: is_floating(tensor.dtype))

    return run
