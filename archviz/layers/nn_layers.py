"""Layers with weights: linear maps, embeddings, convolutions; and those without."""

from __future__ import annotations

from itertools import product
from typing import Any

from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import ClassValue, ModuleInstance, Tensor, Unknown
from archviz.layers.module import new_parameter
from archviz.layers.overridden import overridden
from archviz.ops import shapes

NN = "torch.nn"
F = "torch.nn.functional"


def register(library: Library) -> None:
    _register_linear(library)
    _register_embedding(library)
    _register_convolutions(library)
    _register_activations(library)
    _register_pooling(library)
    _register_resizing(library)


def keep(module: ModuleInstance, **attributes: Any) -> None:
    """Set plain attributes of a layer, as its `__init__` does."""
    module.attrs.update(attributes)


def weight_of(module: ModuleInstance) -> Any:
    """A layer's weight: its own parameter, or what weight norm computes."""
    weight = module.parameters.get("weight")
    return module.cls.interpreter.get_attribute(module, "weight") if weight is None else weight


def _register_linear(library: Library) -> None:
    @library.constructor(f"{NN}.Linear")
    def linear(interp: Interpreter, self: ModuleInstance, in_features: int, out_features: int, bias: Any = True, device: Any = None,
               dtype: Any = None) -> None:  # fmt: skip
        keep(self, in_features=in_features, out_features=out_features)
        new_parameter(interp, self, "weight", out_features, in_features, dtype=dtype)
        _bias(interp, self, out_features, wanted=bias, dtype=dtype)

    @library.method(f"{NN}.Linear.forward")
    def forward(interp: Interpreter, self: ModuleInstance, input: Any) -> Any:
        return interp.op(f"{F}.linear", input, weight_of(self), self.parameters.get("bias"))

    library.declare(f"{NN}.modules.linear.NonDynamicallyQuantizableLinear", f"{NN}.Linear")

    @library.constructor(f"{NN}.Bilinear")
    def bilinear(interp: Interpreter, self: ModuleInstance, in1_features: int, in2_features: int, out_features: int, bias: Any = True,
                 **options: Any) -> None:  # fmt: skip
        keep(self, in1_features=in1_features, in2_features=in2_features, out_features=out_features)
        new_parameter(interp, self, "weight", out_features, in1_features, in2_features)
        _bias(interp, self, out_features, wanted=bias)

    @library.method(f"{NN}.Bilinear.forward")
    def bilinear_forward(interp: Interpreter, self: ModuleInstance, input1: Any, input2: Any) -> Any:
        return interp.op(f"{F}.bilinear", input1, input2, weight_of(self))


def _bias(interp: Interpreter, module: ModuleInstance, size: int, *, wanted: Any, dtype: Any = None) -> None:
    if isinstance(wanted, Unknown):
        interp.gap(f"whether there is a bias: {wanted.reason}", wanted.at)
    elif wanted:
        new_parameter(interp, module, "bias", size, dtype=dtype)
    else:
        module.parameters["bias"] = None


def _register_embedding(library: Library) -> None:
    @library.constructor(f"{NN}.Embedding")
    def embedding(interp: Interpreter, self: ModuleInstance, num_embeddings: int, embedding_dim: int, padding_idx: Any = None,
                  max_norm: Any = None, norm_type: Any = 2.0, scale_grad_by_freq: Any = False, sparse: Any = False, _weight: Any = None,
                  _freeze: Any = False, device: Any = None, dtype: Any = None) -> None:  # fmt: skip
        if isinstance(padding_idx, int) and padding_idx < 0:
            keep(self, padding_idx=num_embeddings + padding_idx)
        new_parameter(interp, self, "weight", num_embeddings, embedding_dim, dtype=dtype)

    @library.method(f"{NN}.Embedding.forward")
    def forward(interp: Interpreter, self: ModuleInstance, input: Any) -> Any:
        return interp.op(f"{F}.embedding", input, weight_of(self))

    @library.constructor(f"{NN}.EmbeddingBag")
    def bag(
        interp: Interpreter, self: ModuleInstance, num_embeddings: int, embedding_dim: int, *args: Any, **options: Any
    ) -> None:
        if isinstance(self.attrs["padding_idx"], int) and self.attrs["padding_idx"] < 0:
            keep(self, padding_idx=num_embeddings + self.attrs["padding_idx"])
        new_parameter(interp, self, "weight", num_embeddings, embedding_dim)

    @library.method(f"{NN}.EmbeddingBag.forward")
    def bag_forward(
        interp: Interpreter, self: ModuleInstance, input: Any, offsets: Any = None, per_sample_weights: Any = None
    ) -> Any:
        if isinstance(offsets, Tensor) and offsets.shape and self.attrs["include_last_offset"]:
            offsets = interp.op("torch.Tensor.narrow", offsets, 0, 0, offsets.shape[0] - 1)
        return interp.op(f"{F}.embedding_bag", input, weight_of(self), offsets)

    for name in ("Embedding", "EmbeddingBag"):

        @library.method(f"{NN}.{name}.from_pretrained")
        def from_pretrained(
            interp: Interpreter,
            *given: Any,
            freeze: bool = True,
            embeddings: Any = None,
            _name: str = name,
            **options: Any,
        ) -> Any:
            """Rows of a table as they are given; through a subclass, its own constructor makes the layer."""
            cls, *rest = given if isinstance(given[0], ClassValue) else (interp.library_name(f"{NN}.{_name}"), *given)
            table = rest[0] if rest else embeddings
            return interp.call(cls, list(table.shape or (0, 0)), {**options, "_weight": table})


def _register_convolutions(library: Library) -> None:
    for rank in (1, 2, 3):
        _register_convolution(library, rank, transposed=False)
        _register_convolution(library, rank, transposed=True)


def _register_convolution(library: Library, rank: int, *, transposed: bool) -> None:
    dotted = f"{NN}.ConvTranspose{rank}d" if transposed else f"{NN}.Conv{rank}d"

    if transposed:

        @library.constructor(dotted)
        def up(interp: Interpreter, self: ModuleInstance, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1,
               padding: Any = 0, output_padding: Any = 0, groups: Any = 1, bias: Any = True, dilation: Any = 1, **options: Any) -> None:  # fmt: skip
            spread = (kernel_size, stride, padding, output_padding, dilation)
            build_convolution(interp, self, rank, (in_channels, out_channels), spread, groups, bias, transposed=True)
    else:

        @library.constructor(dotted)
        def convolution(interp: Interpreter, self: ModuleInstance, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1,
                        padding: Any = 0, dilation: Any = 1, groups: Any = 1, bias: Any = True, padding_mode: str = "zeros",
                        *args: Any, **options: Any) -> None:  # fmt: skip
            spread = (kernel_size, stride, padding, 0, dilation)
            build_convolution(interp, self, rank, (in_channels, out_channels), spread, groups, bias, padding_mode)

    @library.method(f"{dotted}.forward")
    def forward(interp: Interpreter, self: ModuleInstance, input: Any, output_size: Any = None) -> Any:
        weight, bias = weight_of(self), self.parameters.get("bias")
        if not transposed:
            own = overridden(interp, self, "_conv_forward")
            if own is not None:
                return interp.call(own, [input, weight, bias], {})
            return _convolved(interp, self, rank, input, weight, bias)
        numbers = [self.attrs[each] for each in ("stride", "padding", "output_padding", "groups", "dilation")]
        if output_size is not None and isinstance(input, Tensor) and input.shape is not None:
            numbers[2] = _left_over(self, rank, input.sizes, output_size)
        return interp.op(f"{F}.conv_transpose{rank}d", input, weight, bias, *numbers)

    library.method(f"{dotted}._conv_forward")(
        lambda interp, self, input, weight, bias=None: _convolved(interp, self, rank, input, weight, bias)
    )


def build_convolution(interp: Interpreter, module: ModuleInstance, rank: int, channels: tuple[int, int], spread: tuple[Any, ...],
                      groups: int, bias: Any, mode: str = "zeros", *, transposed: bool = False) -> None:  # fmt: skip
    """What the constructor of a convolution makes.

    Args:
        channels: Into it, out of it.
        spread: Size of the kernel, stride, padding, output padding, dilation: one number, or one for each axis.
        mode: What it is padded with.
    """
    kernel_size, stride, padding, output_padding, dilation = spread
    in_channels, out_channels = channels
    kernel = shapes.spread(kernel_size, rank)
    if in_channels % groups or out_channels % groups:
        raise ValueError(f"groups ({groups}) must divide the channels ({in_channels} and {out_channels})")
    keep(module, in_channels=in_channels, out_channels=out_channels, kernel_size=kernel, stride=shapes.spread(stride, rank),
         padding=padding if isinstance(padding, str) else shapes.spread(padding, rank), dilation=shapes.spread(dilation, rank),
         groups=groups, output_padding=shapes.spread(output_padding, rank), padding_mode=mode, transposed=transposed)  # fmt: skip
    sizes = (in_channels, out_channels // groups) if transposed else (out_channels, in_channels // groups)
    new_parameter(interp, module, "weight", *sizes, *kernel)
    _bias(interp, module, out_channels, wanted=bias)


def _convolved(interp: Interpreter, module: ModuleInstance, rank: int, value: Any, weight: Any, bias: Any) -> Any:
    """A convolution; what is padded with anything but zeros is padded before.  Source: torch.nn.Conv1d."""
    stride, padding, dilation, groups = (module.attrs[each] for each in ("stride", "padding", "dilation", "groups"))
    if (mode := module.attrs["padding_mode"]) != "zeros":
        totals = [step * (size - 1) for size, step in zip(module.attrs["kernel_size"], dilation, strict=True)]
        pairs = [(each // 2, each - each // 2) for each in totals] if padding == "same" else [(0, 0)] * rank
        pairs = pairs if isinstance(padding, str) else [(each, each) for each in padding]
        widths = [each for pair in reversed(pairs) for each in pair]
        value, padding = interp.op(f"{F}.pad", value, widths, mode=mode), (0,) * rank
    return interp.op(f"{F}.conv{rank}d", value, weight, bias, stride, padding, dilation, groups)


def _left_over(module: ModuleInstance, rank: int, sizes: tuple[int, ...], wanted: Any) -> list[int]:
    """The output padding with which a transposed convolution gives these sizes."""
    goal = list(wanted)[-rank:]
    kernel, stride, padding, dilation = (
        module.attrs[each] for each in ("kernel_size", "stride", "padding", "dilation")
    )
    least = [
        shapes.transposed_convolution(sizes[at - rank], kernel[at], stride[at], padding[at], 0, dilation[at])
        for at in range(rank)
    ]
    return [want - have for want, have in zip(goal, least, strict=True)]


ACTIVATIONS = {
    "ReLU": "relu", "GELU": "gelu", "SiLU": "silu", "Tanh": "tanh", "Sigmoid": "sigmoid", "ELU": "elu", "SELU": "selu", "CELU": "celu",
    "LeakyReLU": "leaky_relu", "ReLU6": "relu6", "Mish": "mish", "Hardtanh": "hardtanh", "Hardswish": "hardswish",
    "Hardsigmoid": "hardsigmoid", "Softplus": "softplus", "LogSigmoid": "logsigmoid", "Softsign": "softsign", "Threshold": "threshold",
    "Dropout": "dropout", "Dropout1d": "dropout1d", "Dropout2d": "dropout2d", "AlphaDropout": "alpha_dropout",
    "FeatureAlphaDropout": "feature_alpha_dropout", "Dropout3d": "dropout3d",
    "LocalResponseNorm": "local_response_norm", "Hardshrink": "hardshrink", "Tanhshrink": "tanhshrink", "RReLU": "rrelu",
    "Softshrink": "softshrink",
}  # fmt: skip


def _register_activations(library: Library) -> None:
    for name, function in ACTIVATIONS.items():

        @library.constructor(f"{NN}.{name}")
        def activation(
            interp: Interpreter, self: ModuleInstance, *args: Any, _name: str = name, **options: Any
        ) -> None:
            if _name == "ReLU6":
                keep(self, min_val=0.0, max_val=6.0)

        kept = ("approximate",) if name == "GELU" else ()
        library.method(f"{NN}.{name}.forward")(
            lambda interp, self, input, _function=function, _kept=kept: interp.op(
                f"{F}.{_function}", input, **{each: self.attrs[each] for each in _kept}
            )
        )

    for name in ("Softmax", "LogSoftmax", "Softmin"):

        @library.constructor(f"{NN}.{name}")
        def softmax(interp: Interpreter, self: ModuleInstance, dim: Any = None) -> None:
            keep(self, dim=dim)

        function = {"Softmax": "softmax", "LogSoftmax": "log_softmax", "Softmin": "softmin"}[name]
        library.method(f"{NN}.{name}.forward")(
            lambda interp, self, input, _function=function: interp.op(f"{F}.{_function}", input, self.attrs["dim"])
        )

    @library.constructor(f"{NN}.Softmax2d")
    def softmax2d(interp: Interpreter, self: ModuleInstance) -> None:
        return None

    library.method(f"{NN}.Softmax2d.forward")(lambda interp, self, input: interp.op(f"{F}.softmax", input, -3))

    @library.constructor(f"{NN}.PReLU")
    def prelu(interp: Interpreter, self: ModuleInstance, num_parameters: int = 1, *args: Any, **options: Any) -> None:
        new_parameter(interp, self, "weight", num_parameters)

    library.method(f"{NN}.PReLU.forward")(lambda interp, self, input: interp.op(f"{F}.prelu", input))

    @library.constructor(f"{NN}.GLU")
    def glu(interp: Interpreter, self: ModuleInstance, dim: int = -1) -> None:
        keep(self, dim=dim)

    library.method(f"{NN}.GLU.forward")(lambda interp, self, input: interp.op(f"{F}.glu", input, self.attrs["dim"]))

    @library.constructor(f"{NN}.Identity")
    def identity(interp: Interpreter, self: ModuleInstance, *args: Any, **options: Any) -> None:
        return None

    library.method(f"{NN}.Identity.forward")(lambda interp, self, input: input)
    _register_losses(library)


LOSSES = {
    "CrossEntropyLoss": "cross_entropy", "MSELoss": "mse_loss", "BCEWithLogitsLoss": "binary_cross_entropy_with_logits", "L1Loss": "l1_loss",
    "NLLLoss": "nll_loss", "BCELoss": "binary_cross_entropy", "KLDivLoss": "kl_div", "CTCLoss": "ctc_loss", "SmoothL1Loss": "smooth_l1_loss",
    "CosineEmbeddingLoss": "cosine_embedding_loss", "HuberLoss": "huber_loss", "TripletMarginLoss": "triplet_margin_loss",
    "MarginRankingLoss": "margin_ranking_loss",
}  # fmt: skip


def _register_losses(library: Library) -> None:
    for name, function in LOSSES.items():

        @library.constructor(f"{NN}.{name}")
        def loss(interp: Interpreter, self: ModuleInstance, *args: Any, **options: Any) -> None:
            return None

        library.method(f"{NN}.{name}.forward")(
            lambda interp, self, *args, _function=function, **options: interp.op(
                f"{F}.{_function}", *args, reduction=self.attrs["reduction"]
            )
        )

    @library.constructor(f"{NN}.CosineSimilarity")
    def cosine(interp: Interpreter, self: ModuleInstance, dim: int = 1, eps: float = 1e-8) -> None:
        keep(self, dim=dim, eps=eps)

    @library.method(f"{NN}.CosineSimilarity.forward")
    def similarity(interp: Interpreter, self: ModuleInstance, x1: Any, x2: Any) -> Any:
        return interp.op(f"{F}.cosine_similarity", x1, x2, self.attrs["dim"])

    @library.constructor(f"{NN}.PairwiseDistance")
    def pairwise(
        interp: Interpreter, self: ModuleInstance, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
    ) -> None:
        keep(self, norm=p, eps=eps, keepdim=keepdim)

    @library.method(f"{NN}.PairwiseDistance.forward")
    def distance(interp: Interpreter, self: ModuleInstance, x1: Any, x2: Any) -> Any:
        return interp.op(f"{F}.pairwise_distance", x1, x2, keepdim=self.attrs["keepdim"])


POOLING_OPTIONS: dict[str, dict[str, Any]] = {
    "Max": {"dilation": 1, "return_indices": False, "ceil_mode": False},
    "Avg": {"ceil_mode": False, "count_include_pad": True},
}


def _register_pooling(library: Library) -> None:
    for name in ("MaxPool1d", "MaxPool2d", "MaxPool3d", "AvgPool1d", "AvgPool2d", "AvgPool3d"):

        @library.constructor(f"{NN}.{name}")
        def pool(interp: Interpreter, self: ModuleInstance, kernel_size: Any, stride: Any = None, padding: Any = 0, *args: Any,
                 _name: str = name, **options: Any) -> None:  # fmt: skip
            others = POOLING_OPTIONS[_name[:3]]
            numbers: list[Any] = [kernel_size, kernel_size if stride is None else stride, padding]
            if _name == "AvgPool1d":
                numbers = [shapes.spread(each, 1) for each in numbers]
            keep(self, **dict(zip(("kernel_size", "stride", "padding"), numbers, strict=True)))
            keep(self, **{**others, **dict(zip(others, args, strict=False)), **options})
            if _name in ("AvgPool2d", "AvgPool3d"):
                keep(self, divisor_override=self.attrs.get("divisor_override"))

        @library.method(f"{NN}.{name}.forward")
        def pooled(interp: Interpreter, self: ModuleInstance, input: Any, _name: str = name) -> Any:
            numbers = [self.attrs[each] for each in ("kernel_size", "stride", "padding")]
            options = {each: self.attrs[each] for each in POOLING_OPTIONS[_name[:3]]}
            return interp.op(f"{F}.{_name[:3].lower()}_pool{_name[-2:]}", input, *numbers, **options)

    for count, rank in enumerate(("1d", "2d", "3d"), 1):

        @library.constructor(f"{NN}.MaxUnpool{rank}")
        def unpool(interp: Interpreter, self: ModuleInstance, kernel_size: Any, stride: Any = None, padding: Any = 0,
                   _rank: int = count) -> None:  # fmt: skip
            numbers = (kernel_size, kernel_size if stride is None else stride, padding)
            spread = [shapes.spread(each, _rank) for each in numbers]
            keep(self, **dict(zip(("kernel_size", "stride", "padding"), spread, strict=True)))

        @library.method(f"{NN}.MaxUnpool{rank}.forward")
        def unpooled(interp: Interpreter, self: ModuleInstance, input: Any, indices: Any, output_size: Any = None,
                     _rank: str = rank) -> Any:  # fmt: skip
            numbers = [self.attrs[each] for each in ("kernel_size", "stride", "padding")]
            return interp.op(f"{F}.max_unpool{_rank}", input, indices, *numbers, output_size)

        @library.constructor(f"{NN}.LPPool{rank}")
        def power_pool(interp: Interpreter, self: ModuleInstance, norm_type: Any, kernel_size: Any, stride: Any = None,
                       ceil_mode: bool = False) -> None:  # fmt: skip
            keep(self, norm_type=norm_type, kernel_size=kernel_size, stride=stride, ceil_mode=ceil_mode)

        library.method(f"{NN}.LPPool{rank}.forward")(
            lambda interp, self, input, _rank=rank: interp.op(
                f"{F}.lp_pool{_rank}",
                input,
                *(self.attrs[each] for each in ("norm_type", "kernel_size", "stride", "ceil_mode")),
            )
        )

    for name in (
        "AdaptiveAvgPool1d",
        "AdaptiveAvgPool2d",
        "AdaptiveMaxPool1d",
        "AdaptiveMaxPool2d",
        "AdaptiveAvgPool3d",
        "AdaptiveMaxPool3d",
    ):

        @library.constructor(f"{NN}.{name}")
        def adaptive(interp: Interpreter, self: ModuleInstance, output_size: Any, return_indices: Any = False) -> None:
            keep(self, output_size=output_size, return_indices=return_indices)

        function = f"adaptive_{name[8:11].lower()}_pool{name[-2:]}"
        library.method(f"{NN}.{name}.forward")(
            lambda interp, self, input, _function=function: interp.op(
                f"{F}.{_function}", input, self.attrs["output_size"], return_indices=self.attrs["return_indices"]
            )
        )


def _register_resizing(library: Library) -> None:
    @library.constructor(f"{NN}.Upsample")
    def upsample(interp: Interpreter, self: ModuleInstance, *args: Any, **options: Any) -> None:
        keep(self, name="Upsample")

    for name, mode, aligned in (("UpsamplingBilinear2d", "bilinear", True), ("UpsamplingNearest2d", "nearest", None)):
        library.declare(f"{NN}.{name}", f"{NN}.Upsample")

        @library.method(f"{NN}.{name}.__init__")
        def of_images(interp: Interpreter, self: ModuleInstance, size: Any = None, scale_factor: Any = None,
                      _way: tuple[str, Any] = (mode, aligned)) -> None:  # fmt: skip
            keep(self, name=self.cls.name, size=size, scale_factor=scale_factor, recompute_scale_factor=None)
            keep(self, mode=_way[0], align_corners=_way[1])

    library.method(f"{NN}.Upsample.forward")(
        lambda interp, self, input: interp.op(f"{F}.interpolate", input, self.attrs["size"], self.attrs["scale_factor"])
    )

    @library.constructor(f"{NN}.Flatten")
    def flatten(interp: Interpreter, self: ModuleInstance, start_dim: int = 1, end_dim: int = -1) -> None:
        keep(self, start_dim=start_dim, end_dim=end_dim)

    library.method(f"{NN}.Flatten.forward")(
        lambda interp, self, input: interp.op("torch.flatten", input, self.attrs["start_dim"], self.attrs["end_dim"])
    )

    @library.constructor(f"{NN}.Unflatten")
    def unflatten(interp: Interpreter, self: ModuleInstance, dim: int, unflattened_size: Any) -> None:
        keep(self, dim=dim, unflattened_size=unflattened_size)

    library.method(f"{NN}.Unflatten.forward")(
        lambda interp, self, input: interp.op(
            "torch.Tensor.unflatten", input, self.attrs["dim"], self.attrs["unflattened_size"]
        )
    )

    @library.constructor(f"{NN}.ChannelShuffle")
    def channel_shuffle(interp: Interpreter, self: ModuleInstance, groups: int) -> None:
        keep(self, groups=groups)

    library.method(f"{NN}.ChannelShuffle.forward")(
        lambda interp, self, input: interp.op(f"{F}.channel_shuffle", input, self.attrs["groups"])
    )

    for name, rank in product(("ZeroPad", "ConstantPad", "ReflectionPad", "ReplicationPad", "CircularPad"), (1, 2, 3)):

        @library.constructor(f"{NN}.{name}{rank}d")
        def padding_layer(interp: Interpreter, self: ModuleInstance, padding: Any, *args: Any, _rank: int = rank,
                          **options: Any) -> None:  # fmt: skip
            keep(self, padding=shapes.spread(padding, 2 * _rank))

        library.method(f"{NN}.{name}{rank}d.forward")(
            lambda interp, self, input: interp.op(f"{F}.pad", input, self.attrs["padding"])
        )

    for name, function, factor in (
        ("PixelShuffle", "pixel_shuffle", "upscale_factor"),
        ("PixelUnshuffle", "pixel_unshuffle", "downscale_factor"),
    ):

        @library.constructor(f"{NN}.{name}")
        def pixel_shuffle(interp: Interpreter, self: ModuleInstance, *args: Any, **options: Any) -> None:
            return None

        library.method(f"{NN}.{name}.forward")(
            lambda interp, self, input, _function=function, _factor=factor: interp.op(
                f"{F}.{_function}", input, self.attrs[_factor]
            )
        )

    _register_windows(library)


def _register_windows(library: Library) -> None:
    """Windows taken apart and put together."""
    for name, kept in (("Unfold", ("kernel_size", "dilation", "padding", "stride")),
                       ("Fold", ("output_size", "kernel_size", "dilation", "padding", "stride"))):  # fmt: skip

        @library.constructor(f"{NN}.{name}")
        def unfold(interp: Interpreter, self: ModuleInstance, *args: Any, **options: Any) -> None:
            return None

        library.method(f"{NN}.{name}.forward")(
            lambda interp, self, input, _name=name, _kept=kept: interp.op(
                f"{F}.{_name.lower()}", input, *(self.attrs[each] for each in _kept)
            )
        )
