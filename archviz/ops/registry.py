"""How an op enters the table: one function that says what it does to shapes, recorded when a trace runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from archviz.interpreter.bounds import ELEMENTS_PER_STEP
from archviz.interpreter.control import BudgetSpentError, RaisedError, UnsupportedError
from archviz.interpreter.library import Library
from archviz.interpreter.lost import report
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.sizes import Size
from archviz.interpreter.values import DEFAULT_FLOAT, Device, DType, Instance, Tensor, Unknown
from archviz.ops import frequencies, masks, shared_numbers, strides
from archviz.ops.argument_names import order_of, placed
from archviz.ops.number_formats import held
from archviz.ops.numbers import LIMIT as DATA_LIMIT
from archviz.ops.numbers import compute

Run = Callable[..., Any]
MOST_INTEGER = 2**63
MOST_ELEMENTS = 2**61  # of four bytes: what torch can count


def op(library: Library, *names: str, record: str | None = None) -> Callable[[Run], Run]:
    """Register an op under its dotted names.

    The rule gets only understood tensors: with an Unknown among its arguments the result is Unknown, and a tensor of
    unknown shape gives a tensor of unknown shape.

    Args:
        library: The table.
        names: `torch.cat`, `torch.Tensor.softmax`, …
        record: The name in a trace; the last part of the first name by default.
    """

    def register(run: Run) -> Run:
        for name in names:
            label = name.rpartition(".")[2]
            library.function(name)(_recorded(run, name, record, label))
        return run

    return register


def _recorded(run: Run, name: str, record: str | None, short: str) -> Run:
    """The stub of an op: unknown arguments spread, the meaning of masks is kept, and a running trace gets an event."""
    label, rule = record or short, masks.RULES.get(short)
    uses_mask, waves = label in masks.USERS, frequencies.RULES.get(label)
    order = order_of(name.removeprefix("torch."))
    way = name.removeprefix("torch.").removeprefix("Tensor.")
    shares, changes = short in shared_numbers.SHARING, shared_numbers.writes(short)

    def recorded(interp: Interpreter, *args: Any, **kwargs: Any) -> Any:
        if kwargs:
            args, kwargs = placed(args, kwargs, order)
        unknown = first_unknown(args, kwargs)
        if unknown is not None:
            report(interp, unknown)
            return unknown
        recorder = interp.recorder
        if recorder is None:
            computed = applied(interp, run, args, kwargs)
            _computed(interp, label, args, kwargs, computed)
            masks.mean(interp, rule, args, kwargs, computed)
            strides.follow(way, args, kwargs, computed)
            shared_numbers.follow(shares, changes, args, kwargs, computed)
            if waves is not None:
                waves(args, computed)
            return computed
        index = recorder.begin("op", label, [*args, *kwargs.values()], interp.here())
        result: Any = None
        try:
            result = applied(interp, run, args, kwargs)
            if recorder.keeps_numbers:
                _computed(interp, label, args, kwargs, result)
            masks.mean(interp, rule, args, kwargs, result)
            strides.follow(way, args, kwargs, result)
            if waves is not None and label == "to":  # a table that is put where the pass runs, and kept
                waves(args, result)
            if changes or recorder.keeps_numbers:
                shared_numbers.follow(shares, changes, args, kwargs, result)
        finally:
            recorder.end(index, result, options_of(args, kwargs))
        if uses_mask:
            recorder.annotate(index, masks.used(label, args, kwargs))
        recorder.passed[index] = (args, kwargs, result)
        recorder.events.callees[index] = name
        return result

    return recorded


def _computed(interp: Interpreter, label: str, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
    """Fill in the numbers of a result; they cost steps, and one of too many bits is none that a tensor holds."""
    known = result.data if isinstance(result, Tensor) else None
    compute(label, args, kwargs, result)
    if isinstance(result, Tensor) and result.data is not None:
        if result.data is not known:
            result.data = held(result.dtype, result.data)
            interp.spend(len(result.data or ()) // ELEMENTS_PER_STEP)
        if (
            result.data is not None
            and len(result.data) == 1
            and result.data[0].__class__ is int
            and abs(result.data[0]) >= MOST_INTEGER
        ):
            result.data = None


def applied(interp: Interpreter, run: Run, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The rule's result; where an input's shape is unknown, a tensor of unknown shape."""
    shapeless = next((each for each in tensors(args, kwargs) if each.shape is None), None)
    if shapeless is None:
        try:
            return run(interp, *args, **kwargs)
        except ValueError as error:  # what the rules of shapes find wrong, torch says by a RuntimeError
            raise RuntimeError(str(error)) from error
    result = Tensor(None, shapeless.dtype, at=interp.here())
    result.source = shapeless.source
    return result


def tensors(args: Sequence[Any], kwargs: dict[str, Any]) -> list[Tensor]:
    found = []
    for value in (*args, *kwargs.values()):
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, (list, tuple)):
            found += [each for each in value if isinstance(each, Tensor)]
    return found


def first_unknown(args: Sequence[Any], kwargs: dict[str, Any]) -> Unknown | None:
    for value in (*args, *kwargs.values()):
        if isinstance(value, Unknown):
            return value
        if isinstance(value, (list, tuple)):
            for each in value:
                if isinstance(each, Unknown):
                    return each
    return None


def options_of(args: Sequence[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The scalar arguments of a call, for the event: positional ones under their place."""
    given = [(str(place), value) for place, value in enumerate(args)] + list(kwargs.items())
    return {name: value for name, value in given if _is_scalar(value)}


def _is_scalar(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return 0 < len(value) <= 16 and all(isinstance(each, (int, float, str)) for each in value)
    return isinstance(value, (int, float, str, bool)) and not (isinstance(value, str) and len(value) > 80)


def tensor(interp: Interpreter, shape: Sequence[int], dtype: Any = "float32", data: list[Any] | None = None) -> Tensor:
    """A new tensor made by the line that runs now.

    Args:
        interp: Says where it is made.
        shape: Sizes.
        dtype: A dtype or its name.
        data: Row-major values, kept for small tensors only.
    """
    sizes = tuple([_integer(interp, size) for size in shape])
    if any(size < 0 for size in sizes):
        error = RuntimeError(f"Trying to create tensor with negative dimension: {list(sizes)}")
        raise RaisedError(error, interp.here(), explicit=True)
    if math.prod(sizes) > MOST_ELEMENTS:
        refuse_size(interp, sizes)
    if data is not None:
        interp.spend(len(data) // ELEMENTS_PER_STEP)
    name = dtype_name(dtype) or DEFAULT_FLOAT
    return Tensor(
        sizes, name, held(name, data) if data is not None and len(data) <= DATA_LIMIT else None, interp.here()
    )


def refuse_size(interp: Interpreter, sizes: Sequence[int]) -> NoReturn:
    """Refuse a tensor whose bytes do not fit 63 bits, as torch does: the program's error, in a pass its end."""
    shown = ", ".join(str(size) if size < 10**30 else f"a number of {size.bit_length()} bits" for size in sizes[:8])
    reason = f"Storage size calculation overflowed with sizes=[{shown}]"
    if interp.recorder is not None:
        raise BudgetSpentError(reason, interp.here())
    raise RaisedError(RuntimeError(reason), interp.here(), explicit=True)


def like(interp: Interpreter, value: Tensor, shape: Sequence[int] | None = None, dtype: Any = None) -> Tensor:
    """A new tensor of another's shape and dtype, except where given."""
    sizes = value.shape if shape is None else shape
    assert sizes is not None
    return tensor(interp, sizes, dtype or value.dtype)


def sizes_of(interp: Interpreter, sizes: Sequence[Any]) -> tuple[int, ...]:
    """Sizes given as separate arguments or as one sequence."""
    if len(sizes) == 1 and isinstance(sizes[0], (list, tuple)):
        sizes = sizes[0]
    return tuple([_integer(interp, size) for size in sizes])


def _integer(interp: Interpreter, size: Any) -> int:
    if size.__class__ is Size:  # it remembers where it comes from
        return size
    if isinstance(size, int):
        return int(size)
    if isinstance(size, Instance) and size.special("__index__") is not None:
        return size.__index__()
    if not isinstance(size, Tensor):
        error = TypeError(f"a size must be an integer, not {type(size).__name__}")
        raise RaisedError(error, None, explicit=True)
    number = number_in(interp, size)
    if isinstance(number, Unknown):
        raise UnsupportedError("a size that is a number in a tensor", size.at)
    return int(number)


def number_in(interp: Interpreter, value: Tensor) -> Any:
    """The number in a tensor of one element.

    While a trace runs, one that is not known counts as 1, is marked as assumed, and stays: sizes that are computed from it fit it.
    """
    if value.data:
        return value.data[0]
    if interp.recorder is None:
        return Unknown("a number in a tensor", interp.here())
    interp.recorder.assume("a number in a tensor is taken as 1", interp.here())
    interp.recorder.keeps_numbers = True
    value.data = [value.dtype == "bool" or 1] if value.sizes in ((), (1,)) else value.data
    return value.dtype == "bool" or 1


_PYTHON_DTYPES: dict[type, str] = {bool: "bool", int: "int64", float: "float64", complex: "complex128"}


def dtype_name(value: Any) -> str | None:
    if isinstance(value, DType):
        return value.name
    if isinstance(value, type):  # Python's own number types stand for torch's
        return _PYTHON_DTYPES.get(value)
    return value if isinstance(value, str) else None


__all__ = ["Device", "dtype_name", "like", "number_in", "op", "sizes_of", "tensor"]
