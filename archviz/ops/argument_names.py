"""What PyTorch calls the first arguments of its functions, for calls by keyword.  Source: the signatures in PyTorch's documentation.

The rules of ops name their arguments as reads best; a call by PyTorch's names is brought into PyTorch's order before a rule sees it.
"""

from __future__ import annotations

from typing import Any

_ORDERS = """
    tensors: cat concat concatenate stack hstack vstack dstack column_stack row_stack block_diag
    input other: matmul inner kron vdot cross linalg.cross equal allclose isclose eq ne lt le gt ge not_equal less less_equal greater greater_equal
    input other: logical_and logical_or logical_xor
    input tensor/other: dot
    input mat2: mm bmm
    input vec: mv
    input vec2: outer ger
    condition input/x other/y: where
    self condition other: Tensor.where
    input mask value: masked_fill masked_fill_
    input num_samples: multinomial
    input indices_or_sections/sections/indices/tensor_indices_or_sections: tensor_split hsplit vsplit dsplit
    input axis0 axis1: swapaxes
    self repeats: repeat
    input size: broadcast_to expand
    real imag: complex
    abs angle: polar
    sorted_sequence input: searchsorted
    x1 x2: nn.functional.cosine_similarity nn.functional.pairwise_distance cdist cosine_similarity pairwise_distance
    input1 input2 weight bias: nn.functional.bilinear bilinear
    tensor/input split_size_or_sections/split_size/split_sizes: split split_with_sizes
    a b: tensordot
    n m: eye
    input/tensor num_classes: nn.functional.one_hot
    logits: nn.functional.gumbel_softmax
    y x: trapezoid trapz cumulative_trapezoid
"""
_INPUT = (("input",),)


def _read() -> dict[str, tuple[tuple[str, ...], ...]]:
    orders: dict[str, tuple[tuple[str, ...], ...]] = {}
    for line in _ORDERS.strip().splitlines():
        names, _, functions = line.partition(":")
        places = tuple(tuple(each.split("/")) for each in names.split())
        orders.update(dict.fromkeys(functions.split(), places))
    return orders


_OF = _read()


def order_of(way: str) -> tuple[tuple[str, ...], ...]:
    """The names of the first arguments, for each place those it goes by; `input` where nothing else is stated.

    Args:
        way: Its dotted name without `torch.`: `nn.functional.pad`, `Tensor.view`.
    """
    return _OF.get(way) or _OF.get(way.removeprefix("Tensor.")) or _INPUT


def placed(
    args: tuple[Any, ...], kwargs: dict[str, Any], order: tuple[tuple[str, ...], ...]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Arguments given by PyTorch's names at their places, as far as none before them is left out."""
    for names in order[len(args) :]:
        name = next((each for each in names if each in kwargs), None)
        if name is None:
            break
        args = (*args, kwargs[name])
        kwargs = {key: value for key, value in kwargs.items() if key != name}
    return args, kwargs
