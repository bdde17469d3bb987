"""PyTorch's layers under the names of its files, the classes behind them, and the small functions beside them.  Source: torch/nn/modules.

`torch.nn.modules.conv.Conv1d` is `torch.nn.Conv1d`; `_BatchNorm` and its kin are what code asks `isinstance` of, and derives from.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import ModuleInstance
from archviz.layers.nn_layers import build_convolution
from archviz.layers.nn_norms import register_batch_norm

NN = "torch.nn"
FILES = """
    activation adaptive batchnorm channelshuffle container conv distance dropout flatten fold instancenorm lazy linear loss module
    normalization padding pixelshuffle pooling rnn sparse transformer upsampling
""".split()
RANKS = ("1d", "2d", "3d")
BEHIND = {
    "batchnorm._BatchNorm": (*(f"BatchNorm{rank}" for rank in RANKS), "SyncBatchNorm"),
    "instancenorm._InstanceNorm": tuple(f"InstanceNorm{rank}" for rank in RANKS),
    "conv._ConvNd": tuple(f"Conv{rank}" for rank in RANKS),
    "conv._ConvTransposeNd": tuple(f"ConvTranspose{rank}" for rank in RANKS),
    "dropout._DropoutNd": ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout"),
    "pooling._MaxPoolNd": tuple(f"MaxPool{rank}" for rank in RANKS),
    "pooling._AvgPoolNd": tuple(f"AvgPool{rank}" for rank in RANKS),
    "pooling._LPPoolNd": tuple(f"LPPool{rank}" for rank in RANKS),
    "pooling._AdaptiveMaxPoolNd": tuple(f"AdaptiveMaxPool{rank}" for rank in RANKS),
    "pooling._AdaptiveAvgPoolNd": tuple(f"AdaptiveAvgPool{rank}" for rank in RANKS),
    "loss._WeightedLoss": ("BCELoss", "CrossEntropyLoss", "NLLLoss"),
    "loss._Loss": tuple(
        f"{name}Loss"
        for name in "BCEWithLogits CTC CosineEmbedding Huber KLDiv L1 MSE MarginRanking SmoothL1 TripletMargin".split()
    ),
    "rnn.RNNBase": ("LSTM", "GRU", "RNN"),
    "rnn.RNNCellBase": ("LSTMCell", "GRUCell", "RNNCell"),
}
"""The class behind some layers, by its file → the layers."""
PARENTS = {
    "batchnorm._BatchNorm": "batchnorm._NormBase",
    "instancenorm._InstanceNorm": "batchnorm._NormBase",
    "conv._ConvTransposeNd": "conv._ConvNd",
    "loss._WeightedLoss": "loss._Loss",
}


def register(library: Library) -> None:
    for file in FILES:
        library.also(f"{NN}.modules.{file}", NN)
    library.also(f"{NN}.modules", NN)
    library.also(f"{NN}.parameter", NN)
    library.also(NN, f"{NN}.modules.rnn")
    _register_behind(library)
    _register_functions(library)


def _register_behind(library: Library) -> None:
    """The classes between `Module` and the layers; those that code builds on have constructors."""
    modules = f"{NN}.modules"
    library.declare(f"{modules}.batchnorm._NormBase", f"{NN}.Module")
    register_batch_norm(library, f"{modules}.batchnorm._BatchNorm", affine=True, tracked=True)
    register_batch_norm(library, f"{modules}.instancenorm._InstanceNorm", affine=False, tracked=False)

    @library.constructor(f"{modules}.conv._ConvNd")
    def convolution(interp: Interpreter, self: ModuleInstance, in_channels: int, out_channels: int, kernel_size: Any, stride: Any,
                    padding: Any, dilation: Any, transposed: bool, output_padding: Any, groups: int, bias: Any, padding_mode: str,
                    device: Any = None, dtype: Any = None) -> None:  # fmt: skip
        spread = (kernel_size, stride, padding, output_padding, dilation)
        channels = (in_channels, out_channels)
        build_convolution(
            interp, self, len(kernel_size), channels, spread, groups, bias, padding_mode, transposed=transposed
        )

    @library.constructor(f"{modules}.rnn.RNNBase")
    def recurrent(interp: Interpreter, self: ModuleInstance, mode: str, *args: Any, **options: Any) -> None:
        kind, _, nonlinearity = mode.partition("_")
        options |= {"nonlinearity": nonlinearity.lower()} if nonlinearity else {}
        library.classes[f"{NN}.{kind}"].methods["__init__"](interp, self, *args, **options)

    for name, layers in BEHIND.items():
        behind = f"{modules}.{name}"
        if behind not in library.classes:
            library.declare(behind, f"{NN}.Module")
        if name in PARENTS:
            library.classes[behind].bases = (f"{modules}.{PARENTS[name]}",)
        for layer in layers:
            library.classes[f"{NN}.{layer}"].bases = (behind,)


def _register_functions(library: Library) -> None:
    utils = f"{NN}.modules.utils"

    @library.function(f"{utils}._ntuple")
    def several(interp: Interpreter, count: int, name: str = "parse") -> Callable[[Any], Any]:
        return interp.native(name, lambda interp, value: _spread(interp, value, count))

    for name, count in (("_single", 1), ("_pair", 2), ("_triple", 3), ("_quadruple", 4)):
        library.function(f"{utils}.{name}")(lambda interp, value, _count=count: _spread(interp, value, _count))

    @library.function(f"{utils}._reverse_repeat_tuple")
    def reversed_pairs(interp: Interpreter, values: Any, times: int) -> Any:
        return tuple(each for each in reversed(values) for _ in range(times))

    @library.function(f"{NN}.modules.transformer._get_clones")
    def clones(interp: Interpreter, module: Any, count: int) -> Any:
        copies = [interp.op("copy.deepcopy", module) for _ in range(count)]
        return interp.call(interp.library_name(f"{NN}.ModuleList"), [copies], {})

    @library.function(f"{NN}.modules.transformer._get_activation_fn")
    def activation(interp: Interpreter, name: str) -> Any:
        if name not in ("relu", "gelu"):
            raise RuntimeError(f"activation should be relu/gelu, not {name}")
        return interp.library_name(f"{NN}.functional.{name}")


def _spread(interp: Interpreter, value: Any, count: int) -> Any:
    """A value for every axis: its own where it has several, else itself so often."""
    if isinstance(value, (int, float)) or value is None:
        return (value,) * count
    return tuple(interp.iterate(value))
