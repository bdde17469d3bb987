"""Ops that make tensors: sizes, ranges, copies of a shape; dtypes and devices."""

from __future__ import annotations

from typing import Any

from archviz.interpreter.bounds import check_length
from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import DEFAULT_FLOAT, Device, DType, Instance, Shape, StaticMethod, Tensor, Unknown
from archviz.ops import shapes
from archviz.ops.promotion import common, promoted
from archviz.ops.registry import dtype_name, number_in, op, sizes_of, tensor

DTYPES = {
    "float32": 4, "float": 4, "float64": 8, "double": 8, "float16": 2, "half": 2, "bfloat16": 2, "int64": 8, "long": 8,
    "int32": 4, "int": 4, "int16": 2, "short": 2, "int8": 1, "uint8": 1, "bool": 1, "complex64": 8, "complex128": 16,
    "float8_e4m3fn": 1, "float8_e5m2": 1, "float8_e8m0fnu": 1, "uint16": 2, "uint32": 4, "uint64": 8, "cfloat": 8,
}  # fmt: skip
ALIASES = {"float": "float32", "double": "float64", "half": "float16", "long": "int64", "int": "int32",
           "short": "int16", "cfloat": "complex64"}  # fmt: skip


def register(library: Library) -> None:
    _register_types(library)
    _register_filled(library)
    _register_ranges(library)
    _register_likes(library)


def _register_types(library: Library) -> None:
    made = {name: DType(name) for name in DTYPES if name not in ALIASES}
    for name in DTYPES:
        library.value(f"torch.{name}", made[ALIASES.get(name, name)])
    library.declare("torch.dtype")
    library.declare("torch.Size", host_base=tuple)
    library.classes["torch.Size"].methods["__new__"] = StaticMethod(
        lambda interp, cls, sizes=(): Shape(sizes_of(interp, list(interp.iterate(sizes))))
    )
    for name in ("strided", "contiguous_format", "legacy_contiguous_format", "preserve_format", "channels_last"):
        library.value(f"torch.{name}", name)
    library.value("torch.inf", float("inf"))
    library.value("torch.pi", 3.141592653589793)
    library.value("torch.nan", float("nan"))
    library.function("torch._itemsize")(lambda interp, dtype: DTYPES[dtype.name])
    library.function("torch.device")(lambda interp, kind="meta", index=None: Device(str(kind).split(":")[0]))
    library.function("torch.get_default_dtype")(lambda interp: made["float32"])
    library.function("torch.get_default_device")(lambda interp: Device("meta"))

    @library.function("torch.set_default_dtype")
    def set_default_dtype(interp: Interpreter, dtype: Any) -> None:
        if not (isinstance(dtype, DType) and dtype.name == "float32"):
            interp.gap("torch.set_default_dtype: the dtypes of what is made after it are not followed")

    library.function("torch.is_grad_enabled", "torch.is_autocast_enabled")(lambda interp, *args: False)
    library.function("torch.promote_types")(
        lambda interp, one, other: interp.library_name(f"torch.{common(one.name, other.name)}")
    )
    library.function("torch.result_type")(
        lambda interp, one, other: interp.library_name(f"torch.{promoted(one, other)}")
    )
    library.function("torch.broadcast_shapes")(
        lambda interp, *sizes: Shape(shapes.broadcast(*(sizes_of(interp, (each,)) for each in sizes)))
    )
    library.function("torch.is_tensor")(lambda interp, value: isinstance(value, Tensor))
    library.function("torch.finfo", "torch.iinfo")(lambda interp, dtype=None: FloatInfo(dtype_name(dtype) or "float32"))

    @library.function("torch.is_floating_point", "torch.Tensor.is_floating_point")
    def is_floating_point(interp: Interpreter, value: Any) -> Any:
        return value if isinstance(value, Unknown) else "float" in value.dtype

    @library.function("torch.is_complex", "torch.Tensor.is_complex")
    def is_complex(interp: Interpreter, value: Any) -> Any:
        return value if isinstance(value, Unknown) else "complex" in value.dtype


class FloatInfo:
    """`torch.finfo` and `torch.iinfo`."""

    ARCHVIZ_ATTRIBUTES = ("min", "max", "eps", "tiny", "bits", "smallest_normal")
    _LIMITS = {  # noqa: RUF012 - a constant table
        "float16": (65504.0, 9.765625e-04, 6.103515625e-05), "bfloat16": (3.3895313892515355e38, 0.0078125, 1.1754943508222875e-38),
        "float64": (1.7976931348623157e308, 2.220446049250313e-16, 2.2250738585072014e-308),
    }  # fmt: skip

    def __init__(self, dtype: str) -> None:
        self.bits = DTYPES.get(dtype, 4) * 8
        if "int" in dtype:
            self.max: float = 2 ** (self.bits - 1) - 1
            self.min: float = -(2 ** (self.bits - 1))
            self.eps = self.tiny = self.smallest_normal = 0.0
            return
        self.max, self.eps, self.tiny = self._LIMITS.get(
            dtype, (3.4028234663852886e38, 1.1920928955078125e-07, 1.1754943508222875e-38)
        )
        self.min = -self.max
        self.smallest_normal = self.tiny


class NormalDistribution:
    """`torch.distributions.Normal`: its functions keep the shape of what they are given."""

    ARCHVIZ_ATTRIBUTES = ("icdf", "cdf", "log_prob")

    def __init__(self) -> None:
        self.icdf = self.cdf = self.log_prob = lambda value: value


def _register_filled(library: Library) -> None:
    for name, value in (("zeros", 0.0), ("ones", 1.0)):

        @op(library, f"torch.{name}")
        def filled(
            interp: Interpreter, *sizes: Any, dtype: Any = None, _value: float = value, **options: Any
        ) -> Tensor:
            shape = sizes_of(interp, sizes or (options.get("size", ()),))
            count = 1
            for size in shape:
                count *= size
            data = [_value] * count if 0 <= count <= 256 else None
            return tensor(interp, shape, dtype, data)

    @op(library, "torch.normal")
    def normal(
        interp: Interpreter, mean: Any = 0.0, std: Any = 1.0, size: Any = None, *, dtype: Any = None, **options: Any
    ) -> Tensor:
        given = [each for each in (mean, std) if isinstance(each, Tensor)]
        if size is None:
            return tensor(interp, shapes.broadcast(*(each.sizes for each in given)), given[0].dtype)
        return tensor(interp, sizes_of(interp, (size,)), dtype)

    @op(library, "torch.empty", "torch.rand", "torch.randn", "torch.empty_strided")
    def empty(interp: Interpreter, *sizes: Any, dtype: Any = None, **options: Any) -> Tensor:
        if "size" in options:
            return tensor(interp, sizes_of(interp, (options["size"],)), dtype)
        return tensor(interp, sizes_of(interp, sizes), dtype)

    @op(library, "torch.full")
    def full(interp: Interpreter, size: Any, fill_value: Any, *, dtype: Any = None, **options: Any) -> Tensor:
        shape = (size,) if isinstance(size, int) else tuple(size)
        return tensor(
            interp,
            shape,
            dtype or ("bool" if isinstance(fill_value, bool) else "int64" if isinstance(fill_value, int) else None),
        )

    @op(library, "torch.randint")
    def randint(interp: Interpreter, *args: Any, dtype: Any = None, **options: Any) -> Tensor:
        size = options.get("size", next((each for each in args if isinstance(each, (tuple, list))), ()))
        return tensor(interp, size, dtype or "int64")

    @op(library, "torch.randperm")
    def randperm(interp: Interpreter, count: int, **options: Any) -> Tensor:
        return tensor(interp, (count,), "int64")

    @op(library, "torch.eye")
    def eye(interp: Interpreter, rows: int, columns: int | None = None, *, dtype: Any = None, **options: Any) -> Tensor:
        return tensor(interp, (rows, rows if columns is None else columns), dtype)

    for name, kind in _BY_TYPE.items():
        library.declare(f"torch.{name}")

        def constructed(interp: Interpreter, cls: Any, *values: Any, _kind: str = kind, **options: Any) -> Any:
            if all(isinstance(each, int) for each in values):  # sizes, not values
                return tensor(interp, values, _kind)
            return from_values(interp, *values, dtype=_kind)

        library.classes[f"torch.{name}"].methods["__new__"] = StaticMethod(constructed)

    @op(library, "torch.scalar_tensor")
    def scalar(interp: Interpreter, value: Any, *, dtype: Any = None, **options: Any) -> Tensor:
        return tensor(interp, (), dtype, None if isinstance(value, Tensor) else [value])

    @op(library, "torch.tensor", "torch.as_tensor", "torch.from_numpy", "torch.asarray")
    def from_values(interp: Interpreter, *values: Any, dtype: Any = None, **options: Any) -> Any:
        value = values[0] if len(values) == 1 else list(values)
        if isinstance(value, Tensor):
            return tensor(interp, value.sizes, dtype or value.dtype, value.data)
        return from_python(interp, value, dtype)


_BY_TYPE = {
    "Tensor": "float32", "FloatTensor": "float32", "DoubleTensor": "float64", "HalfTensor": "float16", "BFloat16Tensor": "bfloat16",
    "LongTensor": "int64", "IntTensor": "int32", "ShortTensor": "int16", "CharTensor": "int8", "ByteTensor": "uint8", "BoolTensor": "bool",
}  # fmt: skip
"""Constructors of tensors of one dtype → that dtype."""


def from_python(interp: Interpreter, value: Any, dtype: Any = None) -> Any:
    """A tensor of nested lists of numbers (or of equal tensors)."""
    shape: list[int] = []
    flat: list[Any] = [value]
    while flat and all(isinstance(each, (list, tuple, range)) for each in flat):
        length = len(flat[0])
        if any(len(each) != length for each in flat):
            raise ValueError("torch.tensor requires rows of equal length")
        shape.append(length)
        check_length(interp, length * len(flat), "a tensor of values")
        flat = [item for each in flat for item in each]
    kinds = set(map(type, flat))
    if any(issubclass(each, (Unknown, Instance)) for each in kinds):
        unknown = next(each for each in flat if isinstance(each, (Unknown, Instance)))
        return unknown if isinstance(unknown, Unknown) else Unknown("a tensor of objects", interp.here())
    kind = promoted(*{type(each): each for each in flat}.values())  # one of each kind of number
    if any(issubclass(each, Tensor) for each in kinds):
        inner = next(each.shape for each in flat if isinstance(each, Tensor)) or ()
        numbers = [_number_of(each) for each in flat]
        known = not inner and all(each is not None for each in numbers)
        return tensor(interp, (*shape, *inner), dtype or kind, numbers if known else None)
    return tensor(interp, shape, dtype or kind, flat)


def _number_of(value: Any) -> Any:
    """A number, or the one that a tensor without axes holds; None where that is not known."""
    return (value.data[0] if value.data else None) if isinstance(value, Tensor) else value


def _register_ranges(library: Library) -> None:
    @op(library, "torch.arange")
    def arange(interp: Interpreter, *bounds: Any, dtype: Any = None, **options: Any) -> Tensor:
        values = [number_in(interp, each) if isinstance(each, Tensor) else each for each in _bounds(bounds, options)]
        start, end, step = values
        if any(isinstance(each, Unknown) for each in values):
            return Tensor(None, dtype_name(dtype) or "int64", at=interp.here())
        count = max(0, -int(-(end - start) // step))
        kind = dtype or (DEFAULT_FLOAT if any(isinstance(each, float) for each in values) else "int64")
        data = [start + index * step for index in range(count)] if count <= 4096 else None
        return tensor(interp, (count,), kind, data)

    @op(library, "torch.linspace")
    def linspace(interp: Interpreter, start: Any, end: Any, steps: int, *, dtype: Any = None, **options: Any) -> Tensor:
        data = None
        start, end = (each.data[0] if isinstance(each, Tensor) and each.data else each for each in (start, end))
        if steps <= 4096 and not isinstance(start, Tensor) and not isinstance(end, Tensor):
            gap = (end - start) / (steps - 1) if steps > 1 else 0.0
            data = [start + gap * index for index in range(steps)]
        return tensor(interp, (steps,), dtype, data)

    @op(library, "torch.logspace")
    def logspace(
        interp: Interpreter, start: Any, end: Any, steps: int, *args: Any, dtype: Any = None, **options: Any
    ) -> Tensor:
        return tensor(interp, (steps,), dtype)


def _bounds(bounds: tuple[Any, ...], options: dict[str, Any]) -> tuple[Any, Any, Any]:
    given = [
        each.data[0] if isinstance(each, Tensor) and each.data and len(each.data) == 1 else each for each in bounds
    ]
    if len(given) == 1 and "end" not in options:
        return 0, given[0], options.get("step", 1)
    start = given[0] if given else options.get("start", 0)
    end = given[1] if len(given) > 1 else options["end"]
    return start, end, given[2] if len(given) > 2 else options.get("step", 1)


def _register_likes(library: Library) -> None:
    library.function("torch.distributions.normal.Normal", "torch.distributions.Normal")(
        lambda interp, *args: NormalDistribution()
    )
    for name in ("zeros_like", "ones_like", "empty_like", "rand_like", "randn_like", "full_like", "randint_like"):

        @op(library, f"torch.{name}")
        def same(interp: Interpreter, value: Tensor, *args: Any, dtype: Any = None, **options: Any) -> Tensor:
            return tensor(interp, value.sizes, dtype or value.dtype)

    for name in ("new_zeros", "new_ones", "new_empty", "new_full"):

        @op(library, f"torch.Tensor.{name}")
        def new(
            interp: Interpreter, value: Tensor, *sizes: Any, dtype: Any = None, _name: str = name, **options: Any
        ) -> Tensor:
            shape = sizes[:1] if _name == "new_full" else sizes
            return tensor(interp, sizes_of(interp, shape or (options.get("size", ()),)), dtype or value.dtype)

    @op(library, "torch.Tensor.new_tensor")
    def new_tensor(interp: Interpreter, value: Tensor, data: Any, *, dtype: Any = None, **options: Any) -> Any:
        return from_python(interp, data, dtype or value.dtype)
