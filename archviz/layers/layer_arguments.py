"""What the layers of `torch.nn` keep of their arguments, for code that asks a layer: names, order and defaults of the parameters.

Source: the constructors in torch/nn/modules.  Layers with weights keep theirs where they are built.
"""

from __future__ import annotations

from typing import Any

from archviz.interpreter.library import Library, Run
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import ModuleInstance, Tensor

NN = "torch.nn"
NEEDED = object()  # a parameter without a default
Parameters = dict[str, Any]
_INPLACE: Parameters = {"inplace": False}
_DROPPED: Parameters = {"p": 0.5, "inplace": False}
_NORM: Parameters = {"num_features": NEEDED, "eps": 1e-5, "momentum": 0.1, "affine": True, "track_running_stats": True}
_LOSS: Parameters = {"size_average": None, "reduce": None, "reduction": "mean"}
_WEIGHED: Parameters = {"weight": None, "size_average": None, "ignore_index": -100, "reduce": None, "reduction": "mean"}
_EMBEDDING: Parameters = {"num_embeddings": NEEDED, "embedding_dim": NEEDED, "padding_idx": None, "max_norm": None, "norm_type": 2.0,
                          "scale_grad_by_freq": False, "sparse": False, "_weight": None}  # fmt: skip
_PADDING: Parameters = {"padding": NEEDED}
PARAMETERS: dict[str, Parameters] = {
    **dict.fromkeys(("ReLU", "SiLU", "SELU", "ReLU6", "Mish", "Hardswish", "Hardsigmoid"), _INPLACE),
    **dict.fromkeys(("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout"), _DROPPED),
    "GELU": {"approximate": "none"},
    "LeakyReLU": {"negative_slope": 0.01, "inplace": False},
    **{key: {"alpha": 1.0, "inplace": False} for key in ("ELU", "CELU")},
    "Softplus": {"beta": 1.0, "threshold": 20.0},
    "Hardtanh": {"min_val": -1.0, "max_val": 1.0, "inplace": False},
    "Threshold": {"threshold": NEEDED, "value": NEEDED, "inplace": False},
    "RReLU": {"lower": 1 / 8, "upper": 1 / 3, "inplace": False},
    **{key: {"lambd": 0.5} for key in ("Hardshrink", "Softshrink")},
    "PReLU": {"num_parameters": 1, "init": 0.25},
    "LocalResponseNorm": {"size": NEEDED, "alpha": 1e-4, "beta": 0.75, "k": 1.0},
    "PixelShuffle": {"upscale_factor": NEEDED},
    "PixelUnshuffle": {"downscale_factor": NEEDED},
    "Unfold": {"kernel_size": NEEDED, "dilation": 1, "padding": 0, "stride": 1},
    "Fold": {"output_size": NEEDED, "kernel_size": NEEDED, "dilation": 1, "padding": 0, "stride": 1},
    "Upsample": {"size": None, "scale_factor": None, "mode": "nearest", "align_corners": None, "recompute_scale_factor": None},
    "Embedding": _EMBEDDING,
    "EmbeddingBag": {"num_embeddings": NEEDED, "embedding_dim": NEEDED, "max_norm": None, "norm_type": 2.0, "scale_grad_by_freq": False,
                     "mode": "mean", "sparse": False, "_weight": None, "include_last_offset": False, "padding_idx": None},
    **{f"BatchNorm{rank}d": _NORM for rank in (1, 2, 3)},
    **{f"InstanceNorm{rank}d": {**_NORM, "affine": False, "track_running_stats": False} for rank in (1, 2, 3)},
    "SyncBatchNorm": {**_NORM, "process_group": None},
    **{f"{kind}Pad{rank}d": _PADDING for kind in ("Reflection", "Replication", "Circular") for rank in (1, 2, 3)},
    **{f"ZeroPad{rank}d": {**_PADDING, "value": 0.0} for rank in (1, 2, 3)},
    **{f"ConstantPad{rank}d": {**_PADDING, "value": NEEDED} for rank in (1, 2, 3)},
    "CrossEntropyLoss": {**_WEIGHED, "label_smoothing": 0.0},
    "NLLLoss": _WEIGHED,
    "BCEWithLogitsLoss": {"weight": None, **_LOSS, "pos_weight": None},
    "BCELoss": {"weight": None, **_LOSS},
    **dict.fromkeys(("MSELoss", "L1Loss"), _LOSS),
    "SmoothL1Loss": {**_LOSS, "beta": 1.0},
    "HuberLoss": {"reduction": "mean", "delta": 1.0},
    "KLDivLoss": {**_LOSS, "log_target": False},
    "CTCLoss": {"blank": 0, "reduction": "mean", "zero_infinity": False},
    "CosineEmbeddingLoss": {"margin": 0.0, **_LOSS},
    "MarginRankingLoss": {"margin": 0.0, **_LOSS},
    "TripletMarginLoss": {"margin": 1.0, "p": 2.0, "eps": 1e-6, "swap": False, **_LOSS},
}  # fmt: skip
"""Layer → its parameters in order, each with its default."""
_NOT_KEPT = frozenset({"size_average", "reduce", "_weight"})
_WAYS = frozenset({"device", "dtype", "_freeze"})  # parameters of many layers that decide no attribute


def register(library: Library) -> None:
    """Let the constructors, all registered before, keep their arguments first."""
    for layer, parameters in PARAMETERS.items():
        methods = library.classes[f"{NN}.{layer}"].methods
        methods["__init__"] = _keeping(methods["__init__"], layer, parameters)


def _keeping(init: Run, layer: str, parameters: Parameters) -> Run:
    def run(interp: Interpreter, self: ModuleInstance, *args: Any, **options: Any) -> None:
        for name, value in _bound(layer, parameters, args, options).items():
            if name in _NOT_KEPT or name in self.buffers or (layer == "PReLU" and name == "weight"):
                continue
            if name in ("weight", "pos_weight"):  # of a loss: stored with the model where it is a tensor
                self.buffers[name] = value if isinstance(value, Tensor) else None
            else:
                self.attrs[name] = value
        init(interp, self, *args, **options)

    return run


def _bound(layer: str, parameters: Parameters, args: tuple[Any, ...], options: dict[str, Any]) -> Parameters:
    """Every parameter of a constructor with what it is given, or its default; refused as Python refuses arguments."""
    names = list(parameters)
    strange = next((name for name in options if name not in parameters and name not in _WAYS), None)
    if strange is not None:
        raise TypeError(f"{layer}.__init__() got an unexpected keyword argument '{strange}'")
    bound = {
        **parameters,
        **dict(zip(names, args, strict=False)),
        **{name: options[name] for name in names if name in options},
    }
    missing = next((name for name, value in bound.items() if value is NEEDED), None)
    if missing is not None:
        raise TypeError(f"{layer}.__init__() missing 1 required positional argument: '{missing}'")
    return bound
