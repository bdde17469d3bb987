"""Ops that few models use: products of tensors, diagonals, combinations, mapped functions, distances."""

from __future__ import annotations

import math
from typing import Any

from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import Tensor, Unknown
from archviz.ops import shapes
from archviz.ops.promotion import is_inexact, promoted
from archviz.ops.reduction import named
from archviz.ops.registry import like, op, sizes_of, tensor


def register(library: Library) -> None:
    library.also("torch.functional", "torch")
    _register_products(library)
    _register_diagonals(library)
    _register_choices(library)
    _register_mapped(library)
    _register_unpooling(library)


def _register_products(library: Library) -> None:
    @op(library, "torch.kron", "torch.Tensor.kron")
    def kron(interp: Interpreter, left: Tensor, right: Tensor) -> Tensor:
        rank = max(len(left.sizes), len(right.sizes))
        first, second = ((1,) * (rank - len(each.sizes)) + each.sizes for each in (left, right))
        sizes = [one * other for one, other in zip(first, second, strict=True)]
        return tensor(interp, sizes, promoted(left, right))

    @op(library, "torch.tensordot")
    def tensordot(interp: Interpreter, left: Tensor, right: Tensor, dims: Any = 2, **options: Any) -> Tensor:
        if isinstance(dims, int):
            first, second = list(range(len(left.sizes) - dims, len(left.sizes))), list(range(dims))
        else:
            first, second = ([each] if isinstance(each, int) else list(each) for each in dims)
        sums = [left.sizes[one] for one in first], [right.sizes[other] for other in second]
        if any(one != other and 1 not in (one, other) for one, other in zip(*sums, strict=True)):
            raise ValueError(f"tensordot requires contracted dimensions of equal size, got {sums[0]} and {sums[1]}")
        return tensor(
            interp, (*shapes.reduce(left.sizes, first), *shapes.reduce(right.sizes, second)), promoted(left, right)
        )

    @op(library, "torch.inner", "torch.Tensor.inner")
    def inner(interp: Interpreter, left: Tensor, right: Tensor) -> Tensor:
        if not left.sizes or not right.sizes:
            return tensor(interp, left.sizes or right.sizes, promoted(left, right))
        if left.sizes[-1] != right.sizes[-1]:
            raise ValueError(f"inner requires equal last sizes, got {list(left.sizes)} and {list(right.sizes)}")
        return tensor(interp, (*left.sizes[:-1], *right.sizes[:-1]), promoted(left, right))

    @op(library, "torch.linalg.vecdot")
    def vecdot(interp: Interpreter, x: Tensor, y: Tensor, *, dim: int = -1, **options: Any) -> Tensor:
        return tensor(interp, shapes.reduce(shapes.broadcast(x.sizes, y.sizes), dim), promoted(x, y))

    @op(library, "torch.dist", "torch.Tensor.dist")
    def dist(interp: Interpreter, value: Tensor, other: Tensor, p: float = 2) -> Tensor:
        shapes.broadcast(value.sizes, other.sizes)
        return tensor(interp, (), promoted(value, other))

    @op(library, "torch.nn.functional.pdist", "torch.pdist")
    def pdist(interp: Interpreter, value: Tensor, p: float = 2.0) -> Tensor:
        return like(interp, value, (math.comb(value.sizes[0], 2),))


def _register_diagonals(library: Library) -> None:
    @library.function("torch.linalg.diagonal")
    def diagonal(interp: Interpreter, A: Any, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
        return interp.op("torch.diagonal", A, offset, dim1, dim2)

    @op(library, "torch.diag_embed", "torch.Tensor.diag_embed")
    def diag_embed(interp: Interpreter, value: Tensor, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
        own, rank = list(value.sizes), len(value.sizes) + 1
        size = own.pop() + abs(offset)
        for place in sorted((shapes.axis(dim1, rank), shapes.axis(dim2, rank))):
            own.insert(place, size)
        return like(interp, value, own)

    @op(library, "torch.diagflat", "torch.Tensor.diagflat")
    def diagflat(interp: Interpreter, value: Tensor, offset: int = 0) -> Tensor:
        size = shapes.product(value.sizes) + abs(offset)
        return like(interp, value, (size, size))

    for name in ("tril_indices", "triu_indices"):

        @op(library, f"torch.{name}")
        def triangle(
            interp: Interpreter, row: int, col: int, offset: int = 0, _name: str = name, **options: Any
        ) -> Tensor:
            below = sum(min(max(place + offset + 1, 0), col) for place in range(row))
            above = row * col - sum(min(max(place + offset, 0), col) for place in range(row))
            return tensor(interp, (2, below if _name == "tril_indices" else above), options.get("dtype") or "int64")


def _register_choices(library: Library) -> None:
    @op(library, "torch.cartesian_prod")
    def cartesian_prod(interp: Interpreter, *values: Tensor) -> Tensor:
        if len(values) == 1:
            return like(interp, values[0])
        return like(interp, values[0], (shapes.product(each.sizes[0] for each in values), len(values)))

    @op(library, "torch.combinations")
    def combinations(interp: Interpreter, value: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
        count = value.sizes[0]
        rows = math.comb(count + r - 1 if with_replacement else count, r)
        return like(interp, value, (rows, r))

    @op(library, "torch.nn.utils.parameters_to_vector")
    def flat(interp: Interpreter, parameters: Any) -> Tensor:
        values = list(interp.iterate(parameters))
        return like(interp, values[0], (sum(shapes.product(each.sizes) for each in values),))

    @op(library, "torch.Tensor.sum_to_size")
    def sum_to_size(interp: Interpreter, value: Tensor, *sizes: Any) -> Tensor:
        return like(interp, value, sizes_of(interp, sizes))

    @op(library, "torch.frexp", "torch.Tensor.frexp")
    def frexp(interp: Interpreter, value: Tensor) -> Any:
        return named("mantissa", "exponent")((like(interp, value), like(interp, value, dtype="int32")))

    @op(library, "torch.polygamma")
    def polygamma(interp: Interpreter, n: int, value: Tensor) -> Tensor:
        return like(interp, value, dtype=None if is_inexact(value.dtype) else "float32")

    @op(library, "torch.gradient")
    def gradient(interp: Interpreter, value: Tensor, *, spacing: Any = 1, dim: Any = None, edge_order: int = 1) -> Any:
        dims = range(len(value.sizes)) if dim is None else [dim] if isinstance(dim, int) else dim
        return tuple(like(interp, value) for _ in dims)

    @op(library, "torch.take", "torch.Tensor.take")
    def take(interp: Interpreter, value: Tensor, index: Tensor) -> Tensor:
        return like(interp, value, index.sizes)


def _register_mapped(library: Library) -> None:
    @library.function("torch.vmap", "torch.func.vmap")
    def vmap(
        interp: Interpreter,
        function: Any,
        in_dims: Any = 0,
        out_dims: Any = 0,
        randomness: str = "error",
        **options: Any,
    ) -> Any:
        def mapped(interp: Interpreter, *args: Any, **kwargs: Any) -> Any:
            dims = in_dims if isinstance(in_dims, (list, tuple)) else (in_dims,) * len(args)
            known = [each for each in args if isinstance(each, Tensor) and each.shape is not None]
            if len(known) < sum(dim is not None for dim in dims) or any(
                not isinstance(dim, int | None) for dim in dims
            ):
                return Unknown("torch.vmap over these arguments", interp.here())
            count = next(each.sizes[dim] for each, dim in zip(args, dims, strict=True) if dim is not None)
            inner = [each if dim is None else _one_of(each, dim) for each, dim in zip(args, dims, strict=True)]
            result = interp.call(function, inner, kwargs)
            if isinstance(result, (list, tuple)):
                places = out_dims if isinstance(out_dims, (list, tuple)) else (out_dims,) * len(result)
                return tuple(_all_of(interp, each, count, place) for each, place in zip(result, places, strict=True))
            return _all_of(interp, result, count, out_dims)

        return interp.native("torch.vmap", mapped)


def _one_of(value: Tensor, dim: int) -> Tensor:
    own = list(value.sizes)
    own.pop(shapes.axis(dim, len(own)))
    return Tensor(tuple(own), value.dtype, at=value.at)


def _all_of(interp: Interpreter, value: Any, count: int, dim: int) -> Any:
    if not isinstance(value, Tensor) or value.shape is None:
        return value
    place = shapes.axis(dim, len(value.sizes) + 1)
    return like(interp, value, (*value.sizes[:place], count, *value.sizes[place:]))


def _register_unpooling(library: Library) -> None:
    for rank in (1, 2, 3):

        @op(library, f"torch.nn.functional.max_unpool{rank}d")
        def unpool(interp: Interpreter, value: Tensor, indices: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0,
                   output_size: Any = None, _rank: int = rank) -> Tensor:  # fmt: skip
            """Maxima back in their places: as large as what the pooling was given, in so far as its sizes tell.  Source: F._unpool_output_size."""
            own, kernel = value.sizes, shapes.spread(kernel_size, _rank)
            steps = kernel if stride is None else shapes.spread(stride, _rank)
            edge = shapes.spread(padding, _rank)
            sizes = [(own[at - _rank] - 1) * steps[at] + kernel[at] - 2 * edge[at] for at in range(_rank)]
            wanted = sizes if output_size is None else list(output_size)[-_rank:]
            if any(abs(want - size) >= step for want, size, step in zip(wanted, sizes, steps, strict=True)):
                raise ValueError(f"invalid output_size {wanted}: about {sizes} is expected")
            return like(interp, value, (*own[:-_rank], *wanted))
