"""Pure rules about shapes: broadcasting, reshaping, reducing, indexing, matrix products."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

Sizes = tuple[int, ...]


def product(sizes: Iterable[int]) -> int:
    return math.prod(sizes)


class AssumedNumbers(list[int]):
    """The numbers of a tensor that nobody knows, taken as 1 each."""

    def shares(self, total: int) -> list[int]:
        """The same count of numbers as sizes that sum to a total, as even as they can be."""
        least, more = divmod(total, len(self))
        return [least + (place < more) for place in range(len(self))]


def axis(dim: int, rank: int) -> int:
    """A dimension index counted from the front.

    >>> axis(-1, 3)
    2
    """
    place = dim + rank if dim < 0 else dim
    if not 0 <= place < max(rank, 1):
        raise ValueError(f"dimension {dim} is out of range for a tensor of rank {rank}")
    return place


def broadcast(*shapes: Sizes) -> Sizes:
    """The common shape of an elementwise op.

    >>> broadcast((2, 1, 4), (3, 1))
    (2, 3, 4)
    """
    rank = max((len(shape) for shape in shapes), default=0)
    result = []
    for place in range(-rank, 0):
        sizes = {shape[place] for shape in shapes if -place <= len(shape)} - {1}
        if len(sizes) > 1:
            raise ValueError(f"broadcasting requires equal sizes or 1, got {list(map(list, shapes))}")
        result.append(sizes.pop() if sizes else 1)
    return tuple(result)


def reshape(shape: Sizes, sizes: Sequence[int]) -> Sizes:
    """The shape after `reshape`, one -1 inferred.

    >>> reshape((2, 12), (2, -1, 4))
    (2, 3, 4)
    """
    known = product(size for size in sizes if size != -1)
    total = product(shape)
    if -1 in sizes:
        if known == 0 or total % known:
            raise ValueError(f"reshape requires {total} elements, got {list(sizes)}")
        return tuple(total // known if size == -1 else size for size in sizes)
    if known != total:
        raise ValueError(f"reshape requires {total} elements, got {list(sizes)}")
    return tuple(sizes)


def reduce(shape: Sizes, dims: Sequence[int] | int | None, *, keep: bool = False) -> Sizes:
    """The shape after a reduction over some dimensions (None: all)."""
    if dims is None:
        dims = range(len(shape))
    elif isinstance(dims, int):
        dims = [dims]
    gone = {axis(dim, len(shape)) for dim in dims}
    return tuple(1 if place in gone else size for place, size in enumerate(shape) if keep or place not in gone)


def matmul(left: Sizes, right: Sizes) -> Sizes:
    """The shape of a matrix product with broadcast batches.

    >>> matmul((2, 8, 5, 16), (2, 1, 16, 7))
    (2, 8, 5, 7)
    """
    first = (1, *left) if len(left) == 1 else left
    second = (*right, 1) if len(right) == 1 else right
    if first[-1] != second[-2]:
        raise ValueError(f"matmul requires equal inner sizes, got {list(left)} and {list(right)}")
    result = (*broadcast(first[:-2], second[:-2]), first[-2], second[-1])
    if len(left) == 1:
        result = (*result[:-2], result[-1])
    return result[:-1] if len(right) == 1 else result


def einsum(equation: str, shapes: Sequence[Sizes]) -> Sizes:
    """The shape of an `einsum`, with `...`.

    >>> einsum("bhd,bkd->bhk", [(2, 3, 4), (2, 5, 4)])
    (2, 3, 5)
    """
    equation = equation.replace(" ", "")
    inputs, arrow, output = equation.partition("->")
    sizes: dict[str, int] = {}
    batch: Sizes = ()
    terms = inputs.split(",")
    for term, shape in zip(terms, shapes, strict=True):
        head, dots, tail = term.partition("...")
        extra = len(shape) - len(head) - len(tail) if dots else 0
        if extra < 0 or (not dots and len(head) != len(shape)):
            raise ValueError(f"einsum requires {term!r} to fit its operand, got {list(shape)}")
        batch = broadcast(batch, shape[len(head) : len(head) + extra])
        letters = [*zip(head, shape, strict=False), *zip(tail, shape[len(head) + extra :], strict=False)]
        for letter, size in letters:
            sizes[letter] = max(size, sizes.get(letter, 1))
    if not arrow:
        joined = "".join(terms).replace(".", "")
        output = "".join(sorted(letter for letter in set(joined) if joined.count(letter) == 1))
        output = f"...{output}" if "..." in inputs else output
    head, dots, tail = output.partition("...")
    return (*(sizes[letter] for letter in head), *(batch if dots else ()), *(sizes[letter] for letter in tail))


def slice_length(size: int, part: slice) -> int:
    return len(range(*part.indices(size)))


def convolution(size: int, kernel: int, stride: int, padding: int | str, dilation: int) -> int:
    """Output length of one dimension of a convolution.  Source: torch.nn.Conv1d."""
    if padding == "same":
        return size
    pad = 0 if isinstance(padding, str) else padding
    return (size + 2 * pad - dilation * (kernel - 1) - 1) // stride + 1


def pooling(size: int, kernel: int, stride: int, padding: int, dilation: int, *, ceil: bool) -> int:
    """Output length of one dimension of a pooling; with `ceil`, no window starts in the padding.  Source: torch.nn.MaxPool1d.

    >>> pooling(20, 3, 2, 1, 1, ceil=True)
    11
    """
    extra = stride - 1 if ceil else 0
    count = (size + 2 * padding - dilation * (kernel - 1) - 1 + extra) // stride + 1
    return count - 1 if ceil and (count - 1) * stride >= size + padding else count


def transposed_convolution(
    size: int, kernel: int, stride: int, padding: int, output_padding: int, dilation: int
) -> int:
    """Output length of one dimension of a transposed convolution.  Source: torch.nn.ConvTranspose1d."""
    return (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1


def spread(value: int | Sequence[int], count: int) -> tuple[int, ...]:
    """A size given once or per dimension, per dimension."""
    if isinstance(value, int):
        return (value,) * count
    values = tuple(value)
    return values * count if len(values) == 1 else values
