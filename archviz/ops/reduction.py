"""Reductions, orderings and products: sums, means, top-k, cumulative ops, matrix products."""

from __future__ import annotations

import string
from functools import cache
from operator import itemgetter
from typing import Any

from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import Tensor
from archviz.ops import shapes
from archviz.ops.promotion import is_inexact, promoted
from archviz.ops.registry import dtype_name, like, op, tensor


def register(library: Library) -> None:
    _register_reductions(library)
    _register_extremes(library)
    _register_cumulative(library)
    _register_orderings(library)
    _register_products(library)


@cache
def named(*names: str) -> type[tuple[Any, ...]]:
    """The kind of tuple that an op returns whose results have names."""
    own = {name: property(itemgetter(place)) for place, name in enumerate(names)}
    return type("Named", (tuple,), {"__slots__": (), "ARCHVIZ_ATTRIBUTES": (*names, "count", "index"), **own})


Pair = named("values", "indices")


def _dims(args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    if args and isinstance(args[0], (int, list, tuple)) and not isinstance(args[0], bool):
        return args[0]
    return options.get("dim", options.get("axis"))


def _keeps(args: tuple[Any, ...], options: dict[str, Any]) -> bool:
    given = next((each for each in args if isinstance(each, bool)), False)
    return bool(options.get("keepdim", options.get("keepdims", given)))


_OF_FRACTIONS = {
    "mean": "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: {}",
    "std": "std and var only support floating point and complex dtypes",
    "var": "std and var only support floating point and complex dtypes",
    "nanmean": "nanmean(): expected input to have floating point or complex dtype but got {}",
    "norm": "linalg.vector_norm: Expected a floating point or complex tensor as input. Got {}",
}
"""Reductions of whole numbers that PyTorch refuses, in its words."""


_WHOLE = {"bool": "Bool", "uint8": "Byte", "int8": "Char", "int16": "Short", "int32": "Int", "int64": "Long"}


def _refuse_whole(name: str, dtype: str | None) -> None:
    if dtype in _WHOLE:
        raise RuntimeError(_OF_FRACTIONS[name].format(_WHOLE[dtype]))


def _register_reductions(library: Library) -> None:
    names = {"sum": sum, "mean": None, "prod": None, "std": None, "var": None, "norm": None, "all": None, "any": None, "nansum": None,
             "logsumexp": None, "amax": max, "amin": min, "count_nonzero": None, "nanmean": None}  # fmt: skip
    for name, host in names.items():

        @op(library, f"torch.{name}", f"torch.Tensor.{name}", *([f"torch.linalg.{name}"] if name == "norm" else []))
        def reduced(
            interp: Interpreter, value: Tensor, *args: Any, _name: str = name, _host: Any = host, **options: Any
        ) -> Any:
            if _name == "norm" and args:
                args = args[1:]
            dims = _dims(args, options)
            shape = shapes.reduce(value.sizes, None if dims in ([], ()) else dims, keep=_keeps(args, options))
            data = [_host(value.data)] if _host and value.data and not shape else None
            dtype = "bool" if _name in ("all", "any") else options.get("dtype") or value.dtype
            if _name in _OF_FRACTIONS:
                _refuse_whole(_name, dtype_name(dtype))
            if _name == "count_nonzero" or (
                _name in ("sum", "prod") and not options.get("dtype") and not is_inexact(value.dtype)
            ):
                dtype = "int64"
            return tensor(interp, shape, dtype, data)

    library.function("torch.linalg.vector_norm")(
        lambda interp, value, *args, **options: interp.op("torch.norm", value, *args, **options)
    )


def _register_extremes(library: Library) -> None:
    @op(library, "torch.var_mean", "torch.std_mean")
    def var_mean(interp: Interpreter, value: Tensor, *args: Any, **options: Any) -> Any:
        _refuse_whole("var", value.dtype)
        shape = shapes.reduce(value.sizes, _dims(args, options), keep=_keeps(args, options))
        return like(interp, value, shape), like(interp, value, shape)

    for name, host in (("max", max), ("min", min), ("mode", None), ("median", None), ("nanmedian", None)):

        @op(library, f"torch.{name}", f"torch.Tensor.{name}")
        def extreme(interp: Interpreter, value: Tensor, *args: Any, _host: Any = host, **options: Any) -> Any:
            if args and isinstance(args[0], Tensor):
                return like(interp, value, shapes.broadcast(value.sizes, args[0].sizes))
            dims = _dims(args, options)
            if dims is None:
                return tensor(interp, (), value.dtype, [_host(value.data)] if _host and value.data else None)
            shape = shapes.reduce(value.sizes, dims, keep=_keeps(args, options))
            return Pair((like(interp, value, shape), like(interp, value, shape, "int64")))

    @op(library, "torch.argmax", "torch.Tensor.argmax", "torch.argmin", "torch.Tensor.argmin")
    def argmax(interp: Interpreter, value: Tensor, *args: Any, **options: Any) -> Tensor:
        return like(
            interp, value, shapes.reduce(value.sizes, _dims(args, options), keep=_keeps(args, options)), "int64"
        )


def _register_cumulative(library: Library) -> None:
    for name in ("cumsum", "cumprod", "logcumsumexp"):

        @op(library, f"torch.{name}", f"torch.Tensor.{name}")
        def cumulative(interp: Interpreter, value: Tensor, *args: Any, _name: str = name, **options: Any) -> Tensor:
            data = None
            if _name == "cumsum" and value.data is not None and len(value.sizes) == 1:
                total, data = 0, []
                for each in value.data:
                    total += each
                    data.append(total)
            dtype = options.get("dtype") or (value.dtype if is_inexact(value.dtype) else "int64")
            return tensor(interp, value.sizes, dtype, data)

    @op(library, "torch.trapezoid", "torch.trapz")
    def trapezoid(interp: Interpreter, value: Tensor, x: Any = None, *, dim: int = -1, dx: Any = 1) -> Tensor:
        return like(interp, value, shapes.reduce(value.sizes, dim))

    @op(library, "torch.cumulative_trapezoid")
    def cumulative_trapezoid(
        interp: Interpreter, value: Tensor, x: Any = None, *, dim: int = -1, dx: Any = 1
    ) -> Tensor:
        own = list(value.sizes)
        own[shapes.axis(dim, len(own))] -= 1
        return like(interp, value, own)

    @op(library, "torch.cummax", "torch.Tensor.cummax", "torch.cummin", "torch.Tensor.cummin")
    def cumulative_extreme(interp: Interpreter, value: Tensor, dim: int) -> Any:
        return Pair((like(interp, value), like(interp, value, dtype="int64")))

    @op(library, "torch.kthvalue", "torch.Tensor.kthvalue")
    def kthvalue(interp: Interpreter, value: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> Any:
        shape = shapes.reduce(value.sizes, dim, keep=keepdim)
        return Pair((like(interp, value, shape), like(interp, value, shape, "int64")))

    @op(library, "torch.aminmax", "torch.Tensor.aminmax")
    def aminmax(interp: Interpreter, value: Tensor, **options: Any) -> Any:
        shape = shapes.reduce(value.sizes, options.get("dim"), keep=bool(options.get("keepdim")))
        return named("min", "max")((like(interp, value, shape), like(interp, value, shape)))

    @op(library, "torch.quantile", "torch.Tensor.quantile", "torch.nanquantile")
    def quantile(
        interp: Interpreter, value: Tensor, q: Any, dim: Any = None, keepdim: bool = False, **options: Any
    ) -> Tensor:
        several = q.sizes if isinstance(q, Tensor) else ()
        return like(interp, value, (*several, *shapes.reduce(value.sizes, dim, keep=keepdim)))

    @op(
        library,
        "torch.trace",
        "torch.Tensor.trace",
        "torch.linalg.det",
        "torch.det",
        "torch.logdet",
    )
    def of_matrix(interp: Interpreter, value: Tensor) -> Tensor:
        return like(interp, value, value.sizes[:-2])

    @op(library, "torch.diff", "torch.Tensor.diff")
    def diff(
        interp: Interpreter, value: Tensor, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None
    ) -> Tensor:
        own = list(value.sizes)
        place = shapes.axis(dim, len(own))
        own[place] += sum(each.sizes[place] for each in (prepend, append) if isinstance(each, Tensor)) - n
        return like(interp, value, own)


def _register_orderings(library: Library) -> None:
    @op(library, "torch.topk", "torch.Tensor.topk")
    def topk(interp: Interpreter, value: Tensor, k: Any, dim: int = -1, *args: Any, **options: Any) -> Any:
        own = list(value.sizes)
        count = int(k.data[0]) if isinstance(k, Tensor) and k.data else 1 if isinstance(k, Tensor) else k
        place = shapes.axis(dim, len(own))
        if count > own[place]:
            raise ValueError(f"topk requires k of at most {own[place]}, got {count}")
        own[place] = count
        return Pair((like(interp, value, own), like(interp, value, own, "int64")))

    @op(library, "torch.sort", "torch.Tensor.sort")
    def sort(interp: Interpreter, value: Tensor, *args: Any, **options: Any) -> Any:
        return Pair((like(interp, value), like(interp, value, dtype="int64")))

    @op(library, "torch.argsort", "torch.Tensor.argsort")
    def argsort(interp: Interpreter, value: Tensor, *args: Any, **options: Any) -> Tensor:
        data = None
        if value.data is not None and len(value.sizes) == 1:
            data = sorted(range(len(value.data)), key=value.data.__getitem__, reverse=bool(options.get("descending")))
        return tensor(interp, value.sizes, "int64", data)

    @op(library, "torch.bucketize")
    def bucketize(
        interp: Interpreter, value: Any, boundaries: Tensor, *, out_int32: bool = False, right: bool = False
    ) -> Tensor:
        return tensor(interp, value.sizes if isinstance(value, Tensor) else (), "int32" if out_int32 else "int64")

    @op(library, "torch.searchsorted")
    def searchsorted(
        interp: Interpreter, sequence: Tensor, value: Any, *, out_int32: bool = False, **options: Any
    ) -> Tensor:
        return tensor(interp, value.sizes if isinstance(value, Tensor) else (), "int32" if out_int32 else "int64")

    @op(library, "torch.multinomial", "torch.Tensor.multinomial")
    def multinomial(interp: Interpreter, value: Tensor, count: int, *args: Any, **options: Any) -> Tensor:
        return like(interp, value, (*value.sizes[:-1], count), "int64")

    @op(library, "torch.isin")
    def isin(interp: Interpreter, value: Tensor, *args: Any, **options: Any) -> Tensor:
        return like(interp, value, dtype="bool")


def _by_letters(given: list[Any]) -> tuple[str, tuple[Any, ...]]:
    """`einsum(a, [0, 1], b, [1, 2], [0, 2])` as an equation and its operands."""

    def term(indices: Any) -> str:
        return "".join("..." if each is Ellipsis else string.ascii_letters[each] for each in indices)

    count = len(given) // 2
    equation = ",".join(term(given[2 * place + 1]) for place in range(count))
    equation += f"->{term(given[-1])}" if len(given) % 2 else ""
    return equation, tuple(given[2 * place] for place in range(count))


def _register_products(library: Library) -> None:
    @op(library, "torch.matmul", "torch.Tensor.matmul", "torch.Tensor.__matmul__", record="matmul")
    def matmul(interp: Interpreter, left: Tensor, right: Tensor) -> Tensor:
        return tensor(interp, shapes.matmul(left.sizes, right.sizes), promoted(left, right))

    @op(library, "torch.bmm", "torch.Tensor.bmm")
    def bmm(interp: Interpreter, left: Tensor, right: Tensor) -> Tensor:
        return tensor(interp, shapes.matmul(left.sizes, right.sizes), left.dtype)

    @op(library, "torch.mm", "torch.Tensor.mm", "torch.mv", "torch.Tensor.mv", "torch._int_mm")
    def mm(interp: Interpreter, left: Tensor, right: Tensor) -> Tensor:
        return tensor(interp, shapes.matmul(left.sizes, right.sizes), left.dtype)

    @op(library, "torch.dot", "torch.Tensor.dot", "torch.vdot")
    def dot(interp: Interpreter, left: Tensor, right: Tensor) -> Tensor:
        return like(interp, left, ())

    @op(
        library,
        "torch.addmm",
        "torch.baddbmm",
        "torch.Tensor.baddbmm",
        "torch.Tensor.addmm",
        "torch.Tensor.addmm_",
        "torch.addmv",
        "torch.Tensor.addmv",
    )
    def addmm(interp: Interpreter, bias: Tensor, *matrices: Tensor, **options: Any) -> Tensor:
        named = [options[name] for name in ("mat1", "batch1", "mat2", "batch2") if name in options]
        left, right = (*matrices, *named)[:2]
        return tensor(interp, shapes.matmul(left.sizes, right.sizes), left.dtype)

    @op(library, "torch.addbmm", "torch.Tensor.addbmm")
    def addbmm(interp: Interpreter, bias: Tensor, left: Tensor, right: Tensor, **options: Any) -> Tensor:
        return like(interp, left, shapes.matmul(left.sizes, right.sizes)[1:])

    @op(library, "torch.einsum")
    def einsum(interp: Interpreter, equation: Any, *operands: Any) -> Tensor:
        if isinstance(equation, Tensor):
            equation, operands = _by_letters([equation, *operands])
        parts = list(operands[0]) if len(operands) == 1 and isinstance(operands[0], (list, tuple)) else list(operands)
        return tensor(interp, shapes.einsum(equation, [each.sizes for each in parts]), parts[0].dtype)

    @op(library, "torch.cdist")
    def cdist(interp: Interpreter, left: Tensor, right: Tensor, *args: Any, **options: Any) -> Tensor:
        first, second = left.sizes, right.sizes
        return like(interp, left, (*shapes.broadcast(first[:-2], second[:-2]), first[-2], second[-2]))

    @op(library, "torch.cross", "torch.linalg.cross", "torch.Tensor.cross")
    def cross(interp: Interpreter, left: Tensor, right: Tensor, *args: Any, **options: Any) -> Tensor:
        return like(interp, left, shapes.broadcast(left.sizes, right.sizes))
