"""`torch.nn.functional`: activations, norms, linear maps, convolutions, pooling, attention; and Fourier transforms."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import Tensor
from archviz.ops import shapes
from archviz.ops.registry import like, op, tensor

F = "torch.nn.functional"


def register(library: Library) -> None:
    _register_activations(library)
    _register_linear(library)
    _register_convolutions(library)
    _register_pooling(library)
    _register_resampling(library)
    _register_padding(library)
    _register_losses(library)
    _register_fourier(library)


def _register_activations(library: Library) -> None:
    for name in ("gelu", "silu", "elu", "selu", "celu", "leaky_relu", "relu6", "mish", "hardtanh", "hardswish", "hardsigmoid", "logsigmoid",
                 "tanhshrink", "dropout", "dropout1d", "dropout2d", "alpha_dropout", "prelu", "rrelu", "threshold", "softsign", "relu_",
                 "gumbel_softmax", "feature_alpha_dropout", "hardshrink", "softshrink", "softmin", "dropout3d"):  # fmt: skip

        @op(
            library,
            f"{F}.{name}",
            *([f"torch.{name}"] if name in ("dropout", "selu", "celu", "prelu", "rrelu", "threshold") else []),
        )
        def activation(interp: Interpreter, value: Tensor, *args: Any, **options: Any) -> Tensor:
            return like(interp, value)

    @op(library, f"{F}.softmax", "torch.softmax", "torch.Tensor.softmax", "torch.special.softmax")
    def softmax(
        interp: Interpreter, value: Tensor, dim: Any = None, *args: Any, dtype: Any = None, **options: Any
    ) -> Tensor:
        return like(interp, value, dtype=dtype)

    @op(library, f"{F}.log_softmax", "torch.log_softmax", "torch.Tensor.log_softmax", "torch.special.log_softmax")
    def log_softmax(interp: Interpreter, value: Tensor, *args: Any, dtype: Any = None, **options: Any) -> Tensor:
        return like(interp, value, dtype=dtype)

    @op(library, f"{F}.glu", "torch.glu")
    def glu(interp: Interpreter, value: Tensor, dim: int = -1) -> Tensor:
        own = list(value.sizes)
        own[shapes.axis(dim, len(own))] //= 2
        return like(interp, value, own)

    for name in (
        "layer_norm",
        "rms_norm",
        "group_norm",
        "batch_norm",
        "instance_norm",
        "normalize",
        "local_response_norm",
    ):

        @op(library, f"{F}.{name}", *([f"torch.{name}"] if name in ("layer_norm", "rms_norm", "group_norm") else []))
        def norm(interp: Interpreter, value: Tensor, *args: Any, **options: Any) -> Tensor:
            return like(interp, value)


def _register_linear(library: Library) -> None:
    @op(library, f"{F}.linear", "torch._C._nn.linear")
    def linear(interp: Interpreter, value: Tensor, weight: Tensor, bias: Any = None) -> Tensor:
        own, size = value.sizes, weight.sizes
        if own[-1] != size[-1]:
            raise ValueError(f"linear requires {size[-1]} input features, got {own[-1]}")
        return like(interp, value, (*own[:-1], *size[:-1]))

    @op(library, f"{F}.bilinear")
    def bilinear(interp: Interpreter, left: Tensor, right: Tensor, weight: Tensor, bias: Any = None) -> Tensor:
        return like(interp, left, (*left.sizes[:-1], weight.sizes[0]))

    @op(library, f"{F}.embedding", "torch.embedding")
    def embedding(interp: Interpreter, ids: Tensor, weight: Tensor, *args: Any, **options: Any) -> Tensor:
        return tensor(interp, (*ids.sizes, weight.sizes[-1]), weight.dtype)

    @op(library, f"{F}.embedding_bag", "torch.embedding_bag")
    def embedding_bag(interp: Interpreter, ids: Tensor, weight: Tensor, offsets: Any = None, *args: Any, **options: Any) -> Tensor:  # fmt: skip
        """A row for each bag.  Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.embedding_bag.html"""
        bags = ids.sizes[0] if len(ids.sizes) == 2 or not isinstance(offsets, Tensor) else offsets.sizes[0]
        return tensor(interp, (bags, weight.sizes[-1]), weight.dtype)

    @op(library, f"{F}.scaled_dot_product_attention")
    def attention(interp: Interpreter, query: Tensor, key: Tensor, value: Tensor, *args: Any, **options: Any) -> Tensor:
        heads = 2 if options.get("enable_gqa") else 1  # key and value heads are repeated, other axes broadcast
        batch = shapes.broadcast(*(each.sizes[: -1 - heads] for each in (query, key, value)))
        if heads == 1:
            return like(interp, query, (*batch, query.sizes[-2], value.sizes[-1]))
        return like(interp, query, (*batch, *query.sizes[-3:-1], value.sizes[-1]))

    @op(library, f"{F}.cosine_similarity", "torch.cosine_similarity")
    def similarity(
        interp: Interpreter, left: Tensor, right: Tensor, dim: int = 1, *args: Any, **options: Any
    ) -> Tensor:
        return like(interp, left, shapes.reduce(shapes.broadcast(left.sizes, right.sizes), dim))

    @op(library, f"{F}.pairwise_distance", "torch.pairwise_distance")
    def pairwise_distance(
        interp: Interpreter, left: Tensor, right: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
    ) -> Tensor:
        return like(interp, left, shapes.reduce(shapes.broadcast(left.sizes, right.sizes), -1, keep=keepdim))

    @op(library, "torch._grouped_mm", "torch.nn.functional.grouped_mm")
    def grouped_mm(interp: Interpreter, left: Tensor, right: Tensor, *args: Any, **options: Any) -> Tensor:
        return like(interp, left, (*left.sizes[:-1], right.sizes[-1]))


def _register_convolutions(library: Library) -> None:
    for rank in (1, 2, 3):

        @op(library, f"{F}.conv{rank}d", f"torch.conv{rank}d", record=f"conv{rank}d")
        def convolve(
            interp: Interpreter, value: Tensor, weight: Tensor, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
            groups: int = 1, _rank: int = rank,
        ) -> Tensor:  # fmt: skip
            own, kernel = value.sizes, weight.sizes[2:]
            pads = padding if isinstance(padding, str) else shapes.spread(padding, _rank)
            strides, dilations = shapes.spread(stride, _rank), shapes.spread(dilation, _rank)
            sizes = [
                shapes.convolution(own[place - _rank], kernel[place], strides[place],
                                   pads if isinstance(pads, str) else pads[place], dilations[place])
                for place in range(_rank)
            ]  # fmt: skip
            if min(sizes) < 1:
                raise ValueError(
                    f"conv{_rank}d requires an input no smaller than its kernel, got {list(own)} and {list(kernel)}"
                )
            if own[-_rank - 1] != weight.sizes[1] * groups:
                raise ValueError(
                    f"conv{_rank}d requires {weight.sizes[1] * groups} input channels, got {own[-_rank - 1]}"
                )
            return like(interp, value, (*own[: -_rank - 1], weight.sizes[0], *sizes))

        @op(library, f"{F}.conv_transpose{rank}d", f"torch.conv_transpose{rank}d", record=f"conv_transpose{rank}d")
        def transposed(
            interp: Interpreter, value: Tensor, weight: Tensor, bias: Any = None, stride: Any = 1, padding: Any = 0, output_padding: Any = 0,
            groups: int = 1, dilation: Any = 1, _rank: int = rank,
        ) -> Tensor:  # fmt: skip
            own, kernel = value.sizes, weight.sizes[2:]
            numbers = [shapes.spread(each, _rank) for each in (stride, padding, output_padding, dilation)]
            sizes = [
                shapes.transposed_convolution(own[place - _rank], kernel[place], *(each[place] for each in numbers))
                for place in range(_rank)
            ]
            return like(interp, value, (*own[: -_rank - 1], weight.sizes[1] * groups, *sizes))


def _register_pooling(library: Library) -> None:
    for rank, kind in product((1, 2, 3), ("max", "avg")):

        @op(library, f"{F}.{kind}_pool{rank}d", f"torch.{kind}_pool{rank}d")
        def pool(
            interp: Interpreter, value: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, *args: Any, _rank: int = rank,
            _name: str = kind, **options: Any,
        ) -> Any:  # fmt: skip
            own, kernel = value.sizes, shapes.spread(kernel_size, _rank)
            strides = kernel if stride is None else shapes.spread(stride, _rank)
            pads = shapes.spread(padding, _rank)
            names = (
                ("dilation", "ceil_mode", "return_indices") if _name == "max" else ("ceil_mode", "count_include_pad")
            )
            options = {**dict(zip(names, args, strict=False)), **options}
            dilations = shapes.spread(options.get("dilation", 1), _rank)
            sizes = [
                shapes.pooling(
                    own[at - _rank],
                    kernel[at],
                    strides[at],
                    pads[at],
                    dilations[at],
                    ceil=bool(options.get("ceil_mode")),
                )
                for at in range(_rank)
            ]
            result = like(interp, value, (*own[:-_rank], *sizes))
            return (result, like(interp, result, dtype="int64")) if options.get("return_indices") else result

    for rank in (1, 2, 3):

        @op(
            library, f"{F}.adaptive_avg_pool{rank}d", f"{F}.adaptive_max_pool{rank}d", f"torch.adaptive_avg_pool{rank}d"
        )
        def adaptive(
            interp: Interpreter, value: Tensor, output_size: Any, return_indices: Any = False, _rank: int = rank
        ) -> Any:
            own = value.sizes
            sizes = [
                own[at - _rank] if size is None else size for at, size in enumerate(shapes.spread(output_size, _rank))
            ]
            result = like(interp, value, (*own[:-_rank], *sizes))
            return (result, like(interp, result, dtype="int64")) if return_indices else result

        @op(library, f"{F}.lp_pool{rank}d")
        def power_pool(interp: Interpreter, value: Tensor, norm_type: Any, kernel_size: Any, stride: Any = None, ceil_mode: bool = False,
                       _rank: int = rank) -> Tensor:  # fmt: skip
            own, kernel = value.sizes, shapes.spread(kernel_size, _rank)
            steps = kernel if stride is None else shapes.spread(stride, _rank)
            sizes = [
                shapes.pooling(own[at - _rank], kernel[at], steps[at], 0, 1, ceil=ceil_mode) for at in range(_rank)
            ]
            return like(interp, value, (*own[:-_rank], *sizes))


def _register_resampling(library: Library) -> None:
    @op(library, f"{F}.interpolate", f"{F}.upsample")
    def interpolate(
        interp: Interpreter, value: Tensor, size: Any = None, scale_factor: Any = None, *args: Any, **options: Any
    ) -> Tensor:
        own = value.sizes
        rank = len(own) - 2
        if size is not None:
            return like(interp, value, (*own[:2], *(_known(each) for each in shapes.spread(size, rank))))
        factors = (
            shapes.spread(scale_factor, rank) if isinstance(scale_factor, (list, tuple)) else (scale_factor,) * rank
        )
        return like(
            interp, value, (*own[:2], *(int(each * factor) for each, factor in zip(own[2:], factors, strict=True)))
        )

    @op(library, f"{F}.grid_sample")
    def grid_sample(interp: Interpreter, value: Tensor, grid: Tensor, *args: Any, **options: Any) -> Tensor:
        return like(interp, value, (*value.sizes[:2], *grid.sizes[1:-1]))

    @op(library, f"{F}.unfold")
    def unfold(
        interp: Interpreter, value: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
    ) -> Tensor:
        own = value.sizes
        numbers = [shapes.spread(each, 2) for each in (kernel_size, stride, padding, dilation)]
        places = [shapes.convolution(own[at - 2], *(each[at] for each in numbers)) for at in range(2)]
        return like(interp, value, (own[0], own[1] * shapes.product(numbers[0]), shapes.product(places)))

    @op(library, f"{F}.pixel_shuffle")
    def pixel_shuffle(interp: Interpreter, value: Tensor, upscale_factor: int) -> Tensor:
        own, factor = value.sizes, upscale_factor
        return like(interp, value, (*own[:-3], own[-3] // factor**2, own[-2] * factor, own[-1] * factor))

    @op(library, f"{F}.pixel_unshuffle")
    def pixel_unshuffle(interp: Interpreter, value: Tensor, downscale_factor: int) -> Tensor:
        own, factor = value.sizes, downscale_factor
        return like(interp, value, (*own[:-3], own[-3] * factor**2, own[-2] // factor, own[-1] // factor))

    @op(library, f"{F}.fold")
    def fold(
        interp: Interpreter, value: Tensor, output_size: Any, kernel_size: Any, *args: Any, **options: Any
    ) -> Tensor:
        own = value.sizes
        channels = own[-2] // shapes.product(shapes.spread(kernel_size, 2))
        return like(interp, value, (*own[:-2], channels, *shapes.spread(output_size, 2)))

    @op(library, f"{F}.channel_shuffle")
    def channel_shuffle(interp: Interpreter, value: Tensor, groups: int) -> Tensor:
        return like(interp, value)

    @op(library, f"{F}.affine_grid")
    def affine_grid(interp: Interpreter, value: Tensor, size: Any, *args: Any, **options: Any) -> Tensor:
        return like(interp, value, (size[0], *size[2:], len(size) - 2))


def _register_padding(library: Library) -> None:
    @op(library, f"{F}.pad", "torch._C._nn.pad", "torch.constant_pad_nd", record="pad")
    def pad(interp: Interpreter, tensor_: Tensor, pad: Sequence[int], *args: Any, **options: Any) -> Tensor:
        own = list(tensor_.sizes)
        for place in range(len(pad) // 2):
            own[-1 - place] += _known(pad[2 * place]) + _known(pad[2 * place + 1])
        return like(interp, tensor_, own)


def _known(size: Any) -> int:
    return (int(size.data[0]) if size.data else 0) if isinstance(size, Tensor) else int(size)


def _register_losses(library: Library) -> None:
    for name in ("cross_entropy", "mse_loss", "l1_loss", "nll_loss", "binary_cross_entropy", "smooth_l1_loss", "kl_div", "ctc_loss", "huber_loss",
                 "binary_cross_entropy_with_logits", "triplet_margin_loss", "cosine_embedding_loss", "margin_ranking_loss",
                 "gaussian_nll_loss", "multi_margin_loss", "hinge_embedding_loss", "poisson_nll_loss", "soft_margin_loss"):  # fmt: skip

        @op(library, f"{F}.{name}", *([f"torch.{name}"] if name == "ctc_loss" else []))
        def loss(interp: Interpreter, value: Tensor, *args: Any, _name: str = name, **options: Any) -> Tensor:
            _check_ranks(_name, [value, *args, *options.values()])
            own = () if options.get("reduction") != "none" else _unreduced(_name, [value, *args, *options.values()])
            return like(interp, value, own)


def _check_ranks(name: str, values: list[Any]) -> None:
    """`margin_ranking_loss` broadcasts only among tensors of as many axes."""
    ranks = {len(each.sizes) for each in values if isinstance(each, Tensor)}
    if name == "margin_ranking_loss" and len(ranks) > 1:
        raise RuntimeError("margin_ranking_loss: all input tensors should have the same number of dimensions")


def _unreduced(name: str, values: list[Any]) -> tuple[int, ...]:
    """The shape of a loss that is neither summed nor averaged; what it compares broadcasts."""
    first, *others = [each.sizes for each in values if isinstance(each, Tensor)]
    if name in ("cross_entropy", "nll_loss"):
        return () if len(first) == 1 else (*first[:1], *first[2:])
    if name == "ctc_loss":  # log-probabilities are [time, batch, classes]
        return first[1:2] if len(first) == 3 else ()
    if name == "multi_margin_loss":
        return first[:-1]
    if name in ("cosine_embedding_loss", "triplet_margin_loss"):
        return shapes.broadcast(first, *others[: 1 if name[0] == "c" else 2])[:-1]
    return shapes.broadcast(first, *others[:1])


def _register_fourier(library: Library) -> None:
    for name, kind in (("rfft", "complex64"), ("irfft", "float32"), ("fft", "complex64"), ("ifft", "complex64")):

        @op(library, f"torch.fft.{name}")
        def transform(
            interp: Interpreter,
            value: Tensor,
            n: Any = None,
            dim: int = -1,
            *args: Any,
            _name: str = name,
            _kind: str = kind,
            **options: Any,
        ) -> Tensor:
            own = list(value.sizes)
            at = shapes.axis(dim, len(own))
            size = n if isinstance(n, int) else 2 * (own[at] - 1) if _name == "irfft" else own[at]
            own[at] = size // 2 + 1 if _name == "rfft" else size
            return like(interp, value, own, _kind)

    for name in ("fft", "ifft", "rfft", "irfft"):
        for ending, axes in (("2", (-2, -1)), ("n", None)):

            @op(library, f"torch.fft.{name}{ending}")
            def transforms(
                interp: Interpreter,
                value: Tensor,
                s: Any = None,
                dim: Any = axes,
                *args: Any,
                _name: str = name,
                **options: Any,
            ) -> Tensor:
                """Over several axes, the last of them halved or made whole.  Source: torch.fft.rfftn."""
                own = list(value.sizes)
                dim = (dim,) if isinstance(dim, int) else dim
                dims = range(-len(s), 0) if dim is None and s is not None else range(len(own)) if dim is None else dim
                places = [shapes.axis(each, len(own)) for each in dims]
                for place, size in zip(places, s or [None] * len(places), strict=False):
                    own[place] = size if size not in (None, -1) else own[place]
                last = places[-1]
                if _name == "rfft":
                    own[last] = own[last] // 2 + 1
                elif _name == "irfft" and (not s or s[-1] in (None, -1)):
                    own[last] = 2 * (own[last] - 1)
                return like(interp, value, own, "float32" if _name == "irfft" else "complex64")

    _register_windows(library)


def _register_windows(library: Library) -> None:
    """What stands beside the transforms: frequencies, windows, and transforms of frames."""

    @op(library, "torch.fft.fftshift", "torch.fft.ifftshift")
    def shift(interp: Interpreter, value: Tensor, *args: Any, **options: Any) -> Tensor:
        return like(interp, value)

    @op(library, "torch.fft.fftfreq")
    def fftfreq(interp: Interpreter, n: int, *args: Any, **options: Any) -> Tensor:
        return tensor(interp, (n,))

    @op(library, "torch.fft.rfftfreq")
    def rfftfreq(interp: Interpreter, n: int, *args: Any, **options: Any) -> Tensor:
        return tensor(interp, (n // 2 + 1,))

    @op(
        library,
        "torch.hann_window",
        "torch.hamming_window",
        "torch.kaiser_window",
        "torch.blackman_window",
        "torch.bartlett_window",
    )
    def window(interp: Interpreter, length: int, *args: Any, dtype: Any = None, **options: Any) -> Tensor:
        return tensor(interp, (length,), dtype)

    @op(library, "torch.istft", "torch.Tensor.istft")
    def istft(interp: Interpreter, value: Tensor, n_fft: int, hop_length: int | None = None, win_length: int | None = None,
              window: Any = None, center: bool = True, normalized: bool = False, onesided: Any = None, length: int | None = None,
              return_complex: bool = False) -> Tensor:  # fmt: skip
        """Samples of frames `[…, bins, frames]`; without its padding where it was centred."""
        whole = n_fft + (hop_length or n_fft // 4) * (value.sizes[-1] - 1)
        samples = length if length is not None else whole - 2 * (n_fft // 2) if center else whole
        return like(interp, value, (*value.sizes[:-2], samples), value.dtype if return_complex else "float32")

    @op(library, "torch.stft")
    def stft(
        interp: Interpreter, value: Tensor, n_fft: int, hop_length: int | None = None, *args: Any, **options: Any
    ) -> Tensor:
        names = ("win_length", "window", "center", "pad_mode", "normalized", "onesided", "return_complex")
        options = {**dict(zip(names, args, strict=False)), **options}
        own = value.sizes
        hop = hop_length or n_fft // 4
        frames = 1 + (own[-1] // hop if options.get("center", True) else (own[-1] - n_fft) // hop)
        halved = options.get("onesided")
        bins = n_fft if halved is False or (halved is None and "complex" in value.dtype) else n_fft // 2 + 1
        if options.get("return_complex") is False:
            return like(interp, value, (*own[:-1], bins, frames, 2))
        return like(interp, value, (*own[:-1], bins, frames), "complex64")
