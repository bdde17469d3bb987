"""Numbers in small tensors that `__init__` computes with: sizes planned by arithmetic, schedules cut into stages.

Shapes are all that `forward` needs, but a few models compute their layer sizes as tensors.  Where every operand's values are known,
the op is done by numpy, which is imported only then: it costs a tenth of a second, so that the few ops with which image towers lay out
their patches are done in plain Python.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

from archviz.interpreter.sizes import Fraction
from archviz.interpreter.values import Tensor
from archviz.ops.number_formats import held

LIMIT = 4096  # elements
_ARITHMETIC = {
    "add": "add", "sub": "subtract", "mul": "multiply", "__truediv__": "true_divide", "__floordiv__": "floor_divide",
    "__mod__": "mod", "pow": "power", "maximum": "maximum", "minimum": "minimum", "eq": "equal", "ne": "not_equal",
    "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal", "div": "true_divide",
}  # fmt: skip
_ONE_ARGUMENT = {"abs", "ceil", "floor", "round", "log", "log2", "exp", "sqrt", "sin", "cos", "trunc", "sign"}


def _pieces(np: Any, value: Any, sizes: Any, dim: int = 0) -> list[Any]:
    if isinstance(sizes, int):
        return [
            np.take(value, range(at, min(at + sizes, value.shape[dim])), dim)
            for at in range(0, value.shape[dim], sizes)
        ]
    pieces: list[Any] = np.split(value, list(itertools.accumulate(sizes))[:-1], dim)
    return pieces


def _pad(np: Any, array: Any, widths: Any, /, *mode: Any, **options: Any) -> Any:
    if mode[:1] not in ((), ("constant",)) or options.get("mode", "constant") != "constant" or min(widths) < 0:
        raise ValueError("numbers of other paddings are not followed")
    fill = options.get("value", mode[1] if len(mode) > 1 else 0) or 0
    pairs = [(0, 0)] * (array.ndim - len(widths) // 2)
    pairs += [tuple(widths[at : at + 2]) for at in range(len(widths) - 2, -1, -2)]
    return np.pad(array, pairs, constant_values=fill)


def _expand(np: Any, value: Any, *sizes: Any) -> Any:
    wanted = list(sizes[0]) if len(sizes) == 1 and isinstance(sizes[0], (list, tuple)) else list(sizes)
    own = [1] * (len(wanted) - value.ndim) + list(value.shape)
    return np.broadcast_to(value, [have if want == -1 else want for want, have in zip(wanted, own, strict=True)])


def _permute(np: Any, value: Any, *dims: Any) -> Any:
    return np.transpose(value, dims[0] if len(dims) == 1 and isinstance(dims[0], (list, tuple)) else dims)


def _extreme(name: str) -> Callable[..., Any]:
    def run(np: Any, value: Any) -> Any:
        return getattr(np, name)(value)

    return run


def _along(name: str) -> Callable[..., Any]:
    def run(np: Any, value: Any, dim: Any = None, **options: Any) -> Any:
        return getattr(np, name)(value, axis=tuple(dim) if isinstance(dim, list) else dim)

    return run


RULES: dict[str, Callable[..., Any]] = {
    **{label: (lambda np, a, b, _name=name: getattr(np, _name)(a, b)) for label, name in _ARITHMETIC.items()},
    **{label: (lambda np, a, _name=label: getattr(np, _name)(a)) for label in _ONE_ARGUMENT},
    **{name: _along(name) for name in ("prod", "sum", "cumsum", "cumprod", "argmin", "argmax", "mean")},
    "stack": lambda np, parts, dim=0: np.stack(parts, dim),
    "cat": lambda np, parts, dim=0: np.concatenate(parts, dim),
    "unsqueeze": lambda np, value, dim: np.expand_dims(value, dim),
    "squeeze": lambda np, value, dim=None: np.squeeze(value, dim),
    "transpose": lambda np, value, one, other: np.swapaxes(value, one, other),
    "flip": lambda np, value, dims: np.flip(value, dims),
    "ones_like": lambda np, value, **options: np.ones_like(value),
    "zeros_like": lambda np, value, **options: np.zeros_like(value),
    "full_like": lambda np, value, fill, **options: np.full_like(value, fill),
    "split": _pieces,
    "pad": _pad,
    "expand": _expand,
    "permute": _permute,
    "max": _extreme("max"),
    "min": _extreme("min"),
    "repeat_interleave": lambda np, value, repeats, dim=None, **options: np.repeat(value, repeats, dim),
}  # fmt: skip


def _vector(value: Any) -> list[Any] | None:
    """The numbers of a vector, where they are known."""
    return value.data if isinstance(value, Tensor) and len(value.sizes) == 1 else None


def _repeated(args: Sequence[Any], kwargs: dict[str, Any], result: Tensor) -> list[Any] | None:
    values, counts = (_vector(each) for each in (*args, None, None)[:2])
    if values is None or counts is None or kwargs or len(args) != 2 or len(values) != len(counts):
        return None
    return [value for value, count in zip(values, counts, strict=True) for _ in range(count)]


def _padded(args: Sequence[Any], kwargs: dict[str, Any], result: Tensor) -> list[Any] | None:
    values, widths = _vector(args[0]), args[1] if len(args) == 2 else None
    if values is None or not isinstance(widths, (tuple, list)) or len(widths) != 2 or kwargs.keys() - {"value"}:
        return None
    fill = kwargs.get("value") or 0
    return [fill] * widths[0] + values + [fill] * widths[1] if min(widths) >= 0 else None


def _expanded(args: Sequence[Any], kwargs: dict[str, Any], result: Tensor) -> list[Any] | None:
    value = args[0]
    same = isinstance(value, Tensor) and value.shape is not None and value.shape.numel() == _count(result)
    return value.data if same else None


def _spread(value: Any, sizes: Sequence[int]) -> list[Any] | None:
    """An operand's numbers, broadcast to the sizes of the result; None where they are not known, or are no numbers."""
    if value.__class__ in (int, float, Fraction):
        return [value] * math.prod(sizes)
    if not isinstance(value, Tensor) or value.data is None or value.shape is None or value.dtype == "bool":
        return None
    own = [1] * (len(sizes) - len(value.shape)) + list(value.shape)
    places, stride = [0], math.prod(own)
    for have, want in zip(own, sizes, strict=True):
        stride //= have or 1
        places = [place + (index * stride if have > 1 else 0) for place in places for index in range(want)]
    return [value.data[place] for place in places]


def _paired(function: Callable[[Any, Any], Any]) -> Callable[[Sequence[Any], dict[str, Any], Tensor], list[Any] | None]:
    def run(args: Sequence[Any], kwargs: dict[str, Any], result: Tensor) -> list[Any] | None:
        if kwargs or len(args) != 2 or 0 in result.sizes:
            return None
        one, other = (_spread(each, result.sizes) for each in args)
        return None if one is None or other is None else list(map(function, one, other))

    return run


def _floored(args: Sequence[Any], kwargs: dict[str, Any], result: Tensor) -> list[Any] | None:
    """Of whole numbers, by others than zero."""
    if kwargs or len(args) != 2 or 0 in result.sizes:
        return None
    one, other = (_spread(each, result.sizes) for each in args)
    if one is None or other is None or 0 in other or any(each.__class__ is not int for each in (*one, *other)):
        return None
    return list(map(operator.floordiv, one, other))


def _product(args: Sequence[Any], kwargs: dict[str, Any], result: Tensor) -> list[Any] | None:
    """Along the last axis, of whole numbers."""
    value, *axes = args
    known = isinstance(value, Tensor) and value.shape and value.data and all(n.__class__ is int for n in value.data)
    if not known or kwargs or axes not in ([-1], [len(value.sizes) - 1]):
        return None
    width = value.sizes[-1]
    return [math.prod(value.data[at : at + width]) for at in range(0, len(value.data), width)]


_VECTOR_RULES: dict[str, Callable[[Sequence[Any], dict[str, Any], Tensor], list[Any] | None]] = {
    "repeat_interleave": _repeated,
    "pad": _padded,
    "expand": _expanded,
    "add": _paired(operator.add),
    "sub": _paired(operator.sub),
    "mul": _paired(operator.mul),
    "prod": _product,
    "__floordiv__": _floored,
}


def compute(label: str, args: Sequence[Any], kwargs: dict[str, Any], result: Any) -> None:
    """Fill in the values of an op's result, where all operands' values are known and there is a rule."""
    rule = RULES.get(label)
    outputs = [result] if isinstance(result, Tensor) else list(result) if isinstance(result, tuple) else []
    if rule is None or not outputs or any(not _wanted(each) for each in outputs):
        return
    if label in _VECTOR_RULES and isinstance(result, Tensor):
        numbers = _VECTOR_RULES[label](args, kwargs, result)
        if numbers is not None:
            result.data = numbers
            return
    given = {name: each for name, each in kwargs.items() if name not in ("device", "dtype")}
    if not _is_known([*args, *given.values()]):
        return
    import numpy as np

    arrays = [_array(each) for each in args]
    named = {name: _array(each) for name, each in given.items()}

    try:
        with np.errstate(all="ignore"):
            computed = rule(np, *arrays, **named)
    except (TypeError, ValueError, ArithmeticError, IndexError):
        return
    for tensor, values in zip(outputs, computed if isinstance(result, tuple) else [computed], strict=False):
        _store(tensor, values)


def converted(data: list[Any] | None, dtype: str) -> list[Any] | None:
    """Known numbers in another dtype; unknown where they do not fit it."""
    if data is None or "complex" in dtype:
        return data
    kind = bool if dtype == "bool" else float if "float" in dtype else int
    try:
        return [each if each.__class__ is kind else kind(each) for each in data]
    except (ArithmeticError, TypeError, ValueError):
        return None


def _wanted(value: Any) -> bool:
    return isinstance(value, Tensor) and value.data is None and value.shape is not None and value.shape.numel() <= LIMIT


def _count(tensor: Tensor) -> int:
    return -1 if tensor.shape is None else tensor.shape.numel()


def _is_known(value: Any) -> bool:
    """Whether an operand's values are known."""
    if isinstance(value, Tensor):
        return value.data is not None and value.shape is not None
    return not isinstance(value, (list, tuple)) or all(_is_known(each) for each in value)


def _array(value: Any) -> Any:
    """An operand of known values as numpy sees it."""
    if isinstance(value, Tensor):
        import numpy as np

        return np.array(value.data).reshape(value.shape)
    if isinstance(value, (list, tuple)):
        return [_array(each) for each in value]
    return value


def _store(tensor: Tensor, values: Any) -> None:
    import numpy as np

    array = np.asarray(values)
    if array.shape == tuple(tensor.shape or ()):
        tensor.data = array.reshape(-1).tolist()


def _picked(numbers: list[Any], sizes: Sequence[int], parts: tuple[Any, ...]) -> list[Any]:
    """The numbers of a row-major array at integers and slices, one for each of its first axes."""
    if 0 in sizes:
        return []
    places, stride = [0], math.prod(sizes)
    for axis, size in enumerate(sizes):
        stride //= size
        part = parts[axis] if axis < len(parts) else slice(None)
        chosen = range(size)[part] if isinstance(part, slice) else [range(size)[part]]
        places = [place + index * stride for place in places for index in chosen]
    return [numbers[place] for place in places]


def _plain_parts(parts: tuple[Any, ...], axes: int) -> tuple[Any, ...]:
    """An index without new axes, which move no number, and with slices for its `...`."""
    found = [part for part in parts if part is not None]
    places = [place for place, part in enumerate(found) if part is Ellipsis]
    if len(places) == 1:
        (at,) = places
        found[at : at + 1] = [slice(None)] * max(axes - len(found) + 1, 0)
    return tuple(found)


def item(value: Tensor, parts: tuple[Any, ...], result: Tensor) -> None:
    """Fill in the values of `value[parts]`."""
    if value.data is None or not _wanted(result):
        return
    plain = _plain_parts(parts, len(value.sizes))
    if all(type(part) in (int, slice) for part in plain) and len(plain) <= len(value.sizes):
        result.data = _picked(value.data, value.sizes, plain)
        return
    if _is_known(parts):
        _store(result, _array(value)[tuple(_array(each) for each in parts)])


def assign(value: Tensor, index: Any, new: Any) -> None:
    """Keep `value[index] = new` in a vector of known values; anything else makes them unknown."""
    simple = isinstance(index, int) and not isinstance(index, bool) and len(value.sizes) == 1
    if value.data is not None and simple and isinstance(new, (int, float)):
        stored = held(value.dtype, [new])
        value.data = None if stored is None else [*value.data]
        if value.data is not None and stored is not None:
            value.data[index] = stored[0]
    else:
        value.data = None
