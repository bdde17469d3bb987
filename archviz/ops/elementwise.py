"""Elementwise ops: the result has the broadcast shape of the operands."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import Tensor
from archviz.ops import shapes, shared_numbers
from archviz.ops.choices import nonzero_places
from archviz.ops.number_formats import held
from archviz.ops.numbers import LIMIT as DATA_LIMIT
from archviz.ops.promotion import is_inexact, promoted
from archviz.ops.registry import dtype_name, op, tensor

UNARY: dict[str, Callable[[Any], Any] | None] = {
    "abs": abs, "neg": operator.neg, "negative": operator.neg, "pos": operator.pos, "exp": math.exp, "log": math.log, "sin": math.sin,
    "cos": math.cos, "tan": None, "sqrt": math.sqrt, "rsqrt": None, "square": lambda x: x * x, "reciprocal": None,
    "floor": math.floor, "ceil": math.ceil, "round": round, "trunc": None, "sign": None, "sigmoid": None, "tanh": None,
    "erf": None, "relu": None, "expm1": None, "log1p": None, "log2": math.log2, "log10": math.log10, "exp2": None,
    "sgn": None, "frac": None, "atan": None, "asin": None, "acos": None, "sinh": None, "cosh": None, "atanh": None,
    "logit": None, "erfinv": None, "conj": None, "angle": None, "nan_to_num": None, "positive": None, "softplus": None,
    "arctan": None, "absolute": abs, "conj_physical": None, "resolve_conj": None, "bitwise_not": lambda x: not x if x.__class__ is bool else ~x, "sinc": None,
    "log_sigmoid": None, "lgamma": None, "digamma": None, "deg2rad": None, "rad2deg": None, "erfc": None, "i0": None, "asinh": None, "acosh": None,
    "arcsin": None, "arccos": None, "arctanh": None, "arcsinh": None, "arccosh": None, "fix": None,
}  # fmt: skip
BINARY: dict[str, Callable[[Any, Any], Any] | None] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv, "truediv": operator.truediv,
    "floordiv": operator.floordiv, "floor_divide": operator.floordiv, "mod": operator.mod, "remainder": operator.mod,
    "fmod": None, "pow": operator.pow, "maximum": max, "minimum": min, "atan2": None, "lshift": operator.lshift,
    "rshift": operator.rshift, "and": operator.and_, "or": operator.or_, "xor": operator.xor, "subtract": operator.sub,
    "multiply": operator.mul, "divide": operator.truediv, "hypot": None, "logaddexp": None, "bitwise_and": None,
    "bitwise_or": None, "bitwise_xor": None, "float_power": None, "true_divide": operator.truediv, "rsub": None,
    "bitwise_left_shift": None, "bitwise_right_shift": None, "fmax": None, "fmin": None,
    "xlogy": None, "heaviside": None, "ldexp": None, "gcd": None, "lcm": None, "copysign": None, "nextafter": None, "arctan2": None,
}  # fmt: skip
COMPARE = {
    "eq": operator.eq, "noteq": operator.ne, "ne": operator.ne, "lt": operator.lt, "lte": operator.le,
    "le": operator.le, "gt": operator.gt, "gte": operator.ge, "ge": operator.ge, "not_equal": operator.ne,
    "greater": operator.gt, "less": operator.lt, "logical_and": None, "logical_or": None, "logical_xor": None,
    "isclose": None, "greater_equal": operator.ge, "less_equal": operator.le,
}  # fmt: skip
KEEP_INTEGERS = {
    "abs", "neg", "negative", "pos", "square", "floor", "ceil", "round", "trunc", "sign", "sgn", "relu", "conj", "positive", "absolute",
    "conj_physical", "resolve_conj", "bitwise_not", "nan_to_num", "fix",
}  # fmt: skip
SPECIAL = {
    **{name: (name,) for name in ("expm1", "erf", "exp2", "log1p", "sinc", "erfinv", "logit", "digamma", "round", "erfc")},
    "i0": ("i0", "i0e", "i1", "i1e", "ndtr", "ndtri", "log_ndtr", "entr", "erfcx"), "lgamma": ("gammaln",), "sigmoid": ("expit",),
}  # fmt: skip
"""Op → the names in `torch.special` that do the same to shapes and dtypes."""
DIVISIONS = {"div", "truediv", "divide", "true_divide", "atan2", "arctan2", "logaddexp", "xlogy", "ldexp", "copysign"}
ROUNDED: dict[Any, Callable[[Any, Any], Any]] = {
    "floor": operator.floordiv, "trunc": lambda one, other: math.trunc(one / other),
}  # fmt: skip
"""`rounding_mode` of a division → what it gives."""
MOST = 2**63  # integers of tensors are smaller
CHANGING = """
    addbmm addcdiv addcmul addmv addr baddbmm cauchy cumprod cumsum eq ge geometric greater greater_equal gt igamma le lerp less less_equal
    log_normal logical_and logical_not logical_or logical_xor lt ne not_equal polygamma renorm
""".split()
"""Ops whose forms in place keep shape and dtype, and whose numbers are not followed."""
PREDICATES = ("isnan", "isinf", "isfinite", "logical_not", "signbit", "isneginf", "isposinf")


def register(library: Library) -> None:
    for name, run in UNARY.items():
        _register_unary(library, name, run)
    for name, both in BINARY.items():
        _register_binary(library, name, both)
    for name, test in COMPARE.items():
        _register_compare(library, name, test)
    for name in PREDICATES:

        @op(library, f"torch.{name}", f"torch.Tensor.{name}")
        def predicate(interp: Interpreter, value: Tensor, *args: Any, **options: Any) -> Tensor:
            return tensor(interp, value.sizes, "bool")

    _register_operators(library)
    _register_choice(library)


def _register_unary(library: Library, name: str, run: Callable[[Any], Any] | None) -> None:
    names = [f"torch.{name}", f"torch.Tensor.{name}"]
    if name in ("relu", "sigmoid", "tanh", "softplus"):
        names.append(f"torch.nn.functional.{name}")
    names += [f"torch.special.{each}" for each in SPECIAL.get(name, ())]

    def unary(interp: Interpreter, value: Any, *args: Any, **options: Any) -> Tensor:
        plain = None if args or options else run  # `decimals` and the like change the numbers
        return unary_result(interp, value, plain, floats=name not in KEEP_INTEGERS)

    op(library, *names)(unary)
    op(library, f"torch.Tensor.{name}_", *([f"torch.{name}_"] if name == "relu" else []))(_in_place(unary))


def _in_place(run: Callable[..., Any]) -> Callable[..., Any]:
    def changed(interp: Interpreter, value: Tensor, *args: Any, **options: Any) -> Tensor:
        run(interp, value, *args, **options)
        value.data = None
        return value

    return changed


def unary_result(interp: Interpreter, value: Any, run: Callable[[Any], Any] | None, *, floats: bool = False) -> Tensor:
    """The result of an op on one operand; `floats`: integers become float32, as for `sqrt`."""
    if not isinstance(value, Tensor):
        return tensor(interp, (), "float32", None if run is None else [run(value)])
    dtype = "float32" if floats and not is_inexact(value.dtype) else value.dtype
    if run is abs and value.dtype == "complex64":
        dtype = "float32"
    return tensor(interp, value.sizes, dtype, _mapped(run, value.data))


def _mapped(run: Callable[..., Any] | None, *columns: list[Any] | None) -> list[Any] | None:
    if run is None or any(column is None for column in columns):
        return None
    try:
        found = [run(*values) for values in zip(*(column or [] for column in columns), strict=True)]
        return None if any(each.__class__ is int and not -MOST < each < MOST for each in found) else found
    except (ArithmeticError, ValueError, TypeError):
        return None


def _register_binary(library: Library, name: str, run: Callable[[Any, Any], Any] | None) -> None:
    public = {"and": "__and__", "or": "__or__", "xor": "__xor__", "lshift": "__lshift__", "rshift": "__rshift__",
              "truediv": "__truediv__", "floordiv": "__floordiv__", "mod": "__mod__"}.get(name, name)  # fmt: skip

    def binary(interp: Interpreter, left: Any, right: Any = None, *args: Any, **options: Any) -> Tensor:
        right = options.get("other", right)
        dtype = promoted(left, right)
        if name == "float_power":
            dtype = "complex128" if "complex" in dtype else "float64"
        exact = name in DIVISIONS and not is_inexact(dtype) and options.get("rounding_mode") is None
        plain = ROUNDED.get(options.get("rounding_mode"), run) if not args and not options.get("alpha") else None
        return binary_result(interp, left, right, plain, "float32" if exact else dtype)

    special = ("torch.special.xlogy", "torch.special.xlog1py") if name == "xlogy" else ()
    op(library, f"torch.{public}", f"torch.Tensor.{public}", *special)(binary)
    if not public.startswith("__") and not public.endswith("_"):
        op(library, f"torch.Tensor.{public}_")(_in_place(binary))


def binary_result(
    interp: Interpreter, left: Any, right: Any, run: Callable[[Any, Any], Any] | None, dtype: str | None = None
) -> Tensor:
    """The broadcast result of two operands, tensors or numbers."""
    first = left.sizes if isinstance(left, Tensor) else ()
    second = right.sizes if isinstance(right, Tensor) else ()
    shape = shapes.broadcast(first, second)
    data = None
    count = shapes.product(shape)
    dtype = dtype or promoted(left, right)
    if run is not None and count <= DATA_LIMIT:
        columns = [_column(_operand(each, dtype, left, right), shape, count) for each in (left, right)]
        data = _mapped(run, *columns)
    return tensor(interp, shape, dtype, [bool(each) for each in data] if data and dtype == "bool" else data)


def _operand(value: Any, dtype: str, left: Any, right: Any) -> Any:
    """A Python number of floating point as an op computes with it: in a comparison as the tensor's dtype holds it, else in float32 at least."""
    if value.__class__ is not float:
        return value
    exact = promoted(left, right) if dtype == "bool" else "float64" if dtype == "float64" else "float32"
    stored = held(exact, [value]) if is_inexact(exact) else None
    return value if stored is None else stored[0]


def _column(value: Any, shape: tuple[int, ...], count: int) -> list[Any] | None:
    """A value's row-major data, broadcast to a shape where that is a matter of repetition."""
    if not isinstance(value, Tensor):
        return [value] * count
    if value.data is None:
        return None
    if value.shape == shape:
        return value.data
    if len(value.data) == 1:
        return value.data * count
    own = value.sizes
    if shape[len(shape) - len(own) :] == own and len(value.data):
        return value.data * (count // len(value.data))
    return None


def _register_compare(library: Library, name: str, run: Callable[[Any, Any], Any] | None) -> None:
    @op(library, f"torch.{name}", f"torch.Tensor.{name}")
    def compare(interp: Interpreter, left: Any, right: Any, *args: Any, **options: Any) -> Tensor:
        return binary_result(interp, left, right, run, "bool")


def _register_operators(library: Library) -> None:
    rename = {"and": "__and__", "or": "__or__", "xor": "__xor__", "lshift": "__lshift__", "rshift": "__rshift__",
              "truediv": "__truediv__", "floordiv": "__floordiv__", "mod": "__mod__"}  # fmt: skip

    @library.function("torch._binary")
    def binary(interp: Interpreter, name: str, left: Any, right: Any) -> Any:
        if name == "matmul":
            return interp.op("torch.matmul", left, right)
        return interp.op(f"torch.{rename.get(name, name)}", left, right)

    @library.function("torch._overwritten")
    def overwritten(interp: Interpreter, value: Tensor) -> None:
        """What `value += …` leaves of the numbers of whatever else is this tensor."""
        shared_numbers.written(value, itself=True)

    @library.function("torch._unary")
    def unary(interp: Interpreter, name: str, value: Any) -> Any:
        return interp.op(f"torch.{name}", value)

    @library.function("torch._compare")
    def compare(interp: Interpreter, name: str, left: Any, right: Any) -> Any:
        if left is None or right is None or isinstance(left, str) or isinstance(right, str):
            return name != "eq"
        return interp.op(f"torch.{name}", left, right)


def _register_choice(library: Library) -> None:
    @op(library, "torch.where", "torch.Tensor.where")
    def where(interp: Interpreter, condition: Tensor, *values: Any) -> Any:
        if not values:
            return nonzero_places(interp, condition, "where")
        shape = _common(condition, *values)
        count = shapes.product(shape)
        columns = [_column(each, shape, count) for each in (condition, *values[:2])] if count <= DATA_LIMIT else [None]
        return tensor(interp, shape, promoted(values[0], values[1]), _mapped(_chosen, *columns))

    @op(library, "torch.clamp", "torch.Tensor.clamp", "torch.clip", "torch.Tensor.clip", record="clamp")
    def clamp(interp: Interpreter, value: Tensor, min: Any = None, max: Any = None, **options: Any) -> Tensor:
        bounds = [each for each in (min, max) if each is not None]
        within = None if any(map(_is_tensor, bounds)) else _clamped(value.data, min, max)
        return tensor(interp, _common(value, *bounds), promoted(value, *bounds), within)

    @op(library, "torch.clamp_min", "torch.Tensor.clamp_min", "torch.clamp_max", "torch.Tensor.clamp_max")
    def clamp_one_side(interp: Interpreter, value: Tensor, *args: Any, **options: Any) -> Tensor:
        bounds = [*args, *options.values()]
        return tensor(interp, _common(value, *bounds), promoted(value, *bounds))

    @op(library, "torch.Tensor.clamp_", "torch.Tensor.clamp_min_", "torch.Tensor.clamp_max_", "torch.Tensor.clip_")
    def clamp_(interp: Interpreter, value: Tensor, *args: Any, **options: Any) -> Tensor:
        value.data = None
        return value

    in_place = [f"torch.Tensor.{name}_" for name in CHANGING]
    op(library, *in_place)(clamp_)

    @op(
        library,
        "torch.lerp",
        "torch.Tensor.lerp",
        "torch.addcmul",
        "torch.addcdiv",
        "torch.Tensor.addcmul",
        "torch.Tensor.addcdiv",
    )
    def lerp(interp: Interpreter, start: Tensor, *others: Any, **options: Any) -> Tensor:
        given = [*others, *(options[name] for name in ("end", "weight", "tensor1", "tensor2") if name in options)]
        return tensor(interp, _common(start, *given), start.dtype)

    @op(library, "torch.polar", "torch.complex")
    def polar(interp: Interpreter, value: Tensor, angle: Tensor) -> Tensor:
        return tensor(interp, shapes.broadcast(value.sizes, angle.sizes), "complex64")

    @op(library, "torch.bernoulli", "torch.Tensor.bernoulli_", "torch.Tensor.bernoulli")
    def bernoulli(interp: Interpreter, value: Tensor, *args: Any, **options: Any) -> Tensor:
        return tensor(interp, value.sizes, value.dtype)


def _common(*values: Any) -> tuple[int, ...]:
    """The shape to which the tensors among some operands broadcast."""
    return shapes.broadcast(*[each.sizes for each in values if isinstance(each, Tensor)])


def _chosen(condition: Any, yes: Any, no: Any) -> Any:
    return yes if condition else no


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor)


def _clamped(data: list[Any] | None, low: Any, high: Any) -> list[Any] | None:
    """Known numbers within bounds."""
    lowest, highest = -math.inf if low is None else low, math.inf if high is None else high
    return _mapped(lambda each: min(max(each, lowest), highest), data)


__all__ = ["binary_result", "dtype_name", "promoted", "register", "unary_result"]
