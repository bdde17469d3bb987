"""numpy's functions as far as modelling code computes sizes with them: each by the op of torch that does the same, with numpy's defaults.

An argument that no line here knows is a gap, as its function would be.  Source: https://numpy.org/doc/stable/reference/routines.html
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from archviz.interpreter.library import Library, Run
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import DType, NativeFunction, Tensor, Unknown

_DOUBLE = DType("float64")
"""What numpy computes numbers with a point in."""
_WORD = 63  # bits of numpy's whole numbers, and the highest power of 2 among them
_NARROW = ("float16", "float32", "int8", "uint8", "int16", "int32")
"""Types that Python has not: functions of a number here, which say a dtype by their name."""


def register(library: Library) -> None:
    """Fill the table with numpy's names."""
    types = {"float64": float, "int64": int, "integer": int, "bool_": bool, "floating": float}
    constants = {"inf": math.inf, "pi": math.pi, "e": math.e, "newaxis": None, "ndarray": Unknown}
    for name, value in {**types, **constants}.items():
        library.value(f"numpy.{name}", value)
    for name in _NARROW:
        library.function(f"numpy.{name}")(_number(name))
    functions: dict[str, Run] = {
        "linspace": _linspace, "arange": _arange, "zeros": _filled("zeros"), "ones": _filled("ones"), "array": _array, "asarray": _array,
        "stack": _joined("stack"), "concatenate": _joined("cat"), "meshgrid": _meshgrid, "prod": _prod, "argsort": _along("argsort"),
        "cumsum": _along("cumsum"), "max": _reduced("amax"), "min": _reduced("amin"), "sum": _reduced("sum"),
        "power": _power, "clip": _clip,
    }  # fmt: skip
    for name, run in functions.items():
        library.function(f"numpy.{name}")(_known(name, run))
    for name in ("sqrt", "log", "log2", "log10", "floor", "ceil", "exp", "cos", "sin", "tan"):
        library.function(f"numpy.{name}")(_known(name, _of_each(name)))

    @library.function("torch.Tensor.astype")
    def astype(interp: Interpreter, value: Any, dtype: Any, **options: Any) -> Any:
        """`ndarray.astype`: an array of numpy is a tensor here."""
        wanted = _dtype(dtype, None)
        if wanted is None:
            return Unknown(f"the dtype {dtype!r} of numpy", interp.here())
        return interp.op("torch.Tensor.to", value, wanted)


def _known(name: str, run: Run) -> Run:
    """The function; where it has no place for an argument, a gap."""

    def call(interp: Interpreter, *args: Any, **options: Any) -> Any:
        strange = next((each for each in options if each not in run.__annotations__), None)
        if strange is None:
            return run(interp, *args, **options)
        reason = f"numpy.{name} with {strange!r} has no stub"
        interp.gap(reason)
        return Unknown(reason, interp.here())

    return call


def _dtype(given: Any, usual: DType | None) -> DType | None:
    """Numpy's types are Python's here: `float` is double."""
    if isinstance(given, DType):
        return given
    name = given.name.rpartition(".")[2] if isinstance(given, NativeFunction) else given
    if isinstance(name, str) and name in (*_NARROW, "float64", "int64", "bool"):
        return DType(name)
    return {float: _DOUBLE, int: DType("int64"), bool: DType("bool")}.get(given, usual) if given is not None else usual


def _number(name: str) -> Run:
    def run(interp: Interpreter, x: Any = 0) -> Any:
        return (
            interp.op("torch.Tensor.to", x, DType(name))
            if isinstance(x, Tensor)
            else (float if "float" in name else int)(x)
        )

    return run


def _linspace(
    interp: Interpreter, start: Any, stop: Any, num: int = 50, endpoint: Any = True, *, dtype: Any = None
) -> Any:
    end = stop if interp.truth(endpoint) or not num else stop - (stop - start) / num
    return interp.op("torch.linspace", start, end, num, dtype=_dtype(dtype, _DOUBLE))


def _arange(interp: Interpreter, *numbers: Any, dtype: Any = None) -> Any:
    usual = _DOUBLE if any(isinstance(each, float) for each in numbers) else None
    return interp.op("torch.arange", *numbers, dtype=_dtype(dtype, usual))


def _filled(name: str) -> Run:
    def run(interp: Interpreter, shape: Any, dtype: Any = None) -> Any:
        return interp.op(f"torch.{name}", shape, dtype=_dtype(dtype, _DOUBLE))

    return run


def _array(interp: Interpreter, object: Any, dtype: Any = None) -> Any:
    if isinstance(object, Tensor):
        return object if dtype is None else interp.op("torch.Tensor.to", object, _dtype(dtype, None))
    made = interp.op("torch.tensor", object, dtype=_dtype(dtype, None))
    is_plain = dtype is None and isinstance(made, Tensor) and made.dtype == "float32"
    return interp.op("torch.tensor", object, dtype=_DOUBLE) if is_plain else made


def _arrays(interp: Interpreter, values: Any) -> list[Any]:
    return [each if isinstance(each, Tensor) else _array(interp, each) for each in interp.iterate(values)]


def _joined(name: str) -> Run:
    def run(interp: Interpreter, arrays: Any, axis: int = 0) -> Any:
        return interp.op(f"torch.{name}", _arrays(interp, arrays), axis)

    return run


def _meshgrid(interp: Interpreter, *xi: Any, indexing: str = "xy") -> Any:
    return list(interp.op("torch.meshgrid", *_arrays(interp, xi), indexing=indexing))


def _along(name: str) -> Run:
    """Along the last axis; a sum over all of them where none is given."""

    def run(interp: Interpreter, a: Any, axis: Any = None if name == "cumsum" else -1) -> Any:
        made = _array(interp, a)
        flat = interp.op("torch.flatten", made) if axis is None else made
        return interp.op(f"torch.{name}", flat, 0 if axis is None else axis)

    return run


def _reduced(name: str) -> Run:
    def run(interp: Interpreter, a: Any, axis: Any = None) -> Any:
        return interp.op(f"torch.{name}", _array(interp, a), *([] if axis is None else [axis]))

    return run


def _prod(interp: Interpreter, a: Any) -> Any:
    """Of numbers a number, in whatever lists they are."""
    if isinstance(a, Tensor):
        return interp.op("torch.prod", a)
    result: Any = 1
    for each in interp.iterate(a):
        result *= _prod(interp, each) if isinstance(each, (list, tuple)) else each
    return result


def _power(interp: Interpreter, x1: Any, x2: Any) -> Any:
    if isinstance(x1, Tensor) or isinstance(x2, Tensor):
        return interp.op("torch.pow", x1, x2)
    if isinstance(x1, int) and isinstance(x2, int) and 0 <= x2 < _WORD:
        return x1**x2 if abs(x1) < 1 << _WORD else Unknown("a power beyond 64 bits", interp.here())
    return math.pow(x1, x2)


def _clip(interp: Interpreter, a: Any, a_min: Any, a_max: Any) -> Any:
    if isinstance(a, Tensor):
        return interp.op("torch.clamp", a, a_min, a_max)
    low = a if a_min is None else max(a, a_min)
    return low if a_max is None else min(low, a_max)


def _of_each(name: str) -> Callable[..., Any]:
    def run(interp: Interpreter, x: Any) -> Any:
        return interp.op(f"torch.{name}" if isinstance(x, Tensor) else f"math.{name}", x)

    return run
