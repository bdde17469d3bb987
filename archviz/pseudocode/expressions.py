"""One op as an expression of Python: `query.view(B, T, 32, 128)`, `F.silu(gate) * up`."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from typing import Any, NamedTuple

from archviz.interpreter.reading import ValueRef
from archviz.interpreter.values import Device, DType, Tensor
from archviz.pseudocode.sizes import Sizes
from archviz.records import field, record

Piece = str | int | tuple[str, int]
"""A piece of an expression: text, the number of a tensor, or a list of modules with the index of one (`layers`, 3)."""

_INFIX = {
    "add": "+", "sub": "-", "subtract": "-", "mul": "*", "multiply": "*", "__truediv__": "/", "div": "/", "true_divide": "/", "divide": "/",
    "matmul": "@", "pow": "**", "__floordiv__": "//", "__mod__": "%", "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=",
    "__and__": "&", "__or__": "|", "__xor__": "^", "__add__": "+", "__sub__": "-", "__mul__": "*", "__matmul__": "@", "__pow__": "**",
    "lte": "<=", "gte": ">=", "noteq": "!=", "not_equal": "!=", "greater": ">", "less": "<", "greater_equal": ">=", "less_equal": "<=",
    "__eq__": "==", "__ne__": "!=", "__lt__": "<", "__le__": "<=", "__gt__": ">", "__ge__": ">=",
}  # fmt: skip
_ATTRIBUTES = ("T", "mT", "real", "imag")
_DROPPED = ("device", "memory_format", "layout", "pin_memory", "requires_grad", "non_blocking", "generator")
_NAMESPACES = (("torch.nn.functional.", "F."), ("torch._C._nn.", "F."), ("torch.", "torch."))


class NotWritableError(Exception):
    """An argument has no form in Python source."""


@record
class Expression:
    """An expression in pieces.

    Args:
        is_atom: It needs no brackets inside another one.
        makes_tuple: Its value is a tuple of tensors.
    """

    pieces: list[Piece] = field(default_factory=list)
    is_atom: bool = True
    makes_tuple: bool = False

    def refs(self) -> list[int]:
        return [piece for piece in self.pieces if isinstance(piece, int)]


class Stated(NamedTuple):
    """An argument that is written as the source states it, not as its number."""

    text: str


@record
class Arguments:
    """Turns arguments into pieces; tensors take the references of the event in order, numbers become `B` and `T`."""

    refs: Iterator[ValueRef]
    sizes: Sizes = Sizes()

    def write(self, value: Any, other: Any) -> list[Piece]:
        """The pieces of a value; `other` is what stands in its place in the second pass."""
        if isinstance(value, Tensor):
            return [next(self.refs).id]
        if isinstance(value, Stated):
            return [value.text]
        if isinstance(value, bool) or value is None or value is Ellipsis:
            return ["..." if value is Ellipsis else repr(value)]
        if isinstance(value, int):
            paired = other if isinstance(other, int) and not isinstance(other, bool) else None
            return [self.sizes.text(int(value), paired)]
        if isinstance(value, float):
            return [f'float("{value}")' if not isfinite(value) else repr(value)]
        if isinstance(value, str):
            return [repr(value)]
        if isinstance(value, DType):
            return [f"torch.{value.name}"]
        if value in (bool, int, float):  # Python's own types stand for torch's
            return [value.__name__]
        if isinstance(value, slice):
            return self._slice(value, other)
        if isinstance(value, tuple | list):
            return self._sequence(value, other)
        raise NotWritableError(f"an argument of type {type(value).__name__}")

    def _slice(self, value: slice, other: Any) -> list[Piece]:
        pair = other if isinstance(other, slice) else value
        parts: list[Piece] = []
        for place, name in enumerate(("start", "stop", "step")):
            bound = getattr(value, name)
            if isinstance(bound, Tensor):
                raise NotWritableError("a slice with a tensor as its bound")
            if place < 2 or bound is not None:
                parts += [":"] if place else []
                parts += self.write(bound, getattr(pair, name)) if bound is not None else []
        return parts

    def _sequence(self, value: tuple[Any, ...] | list[Any], other: Any) -> list[Piece]:
        pair = other if isinstance(other, tuple | list) and len(other) == len(value) else value
        opening, closing = ("(", ")") if isinstance(value, tuple) else ("[", "]")
        parts: list[Piece] = [opening]
        for place, (each, second) in enumerate(zip(value, pair, strict=True)):
            parts += ([", "] if place else []) + self.write(each, second)
        if isinstance(value, tuple) and len(value) == 1:
            parts.append(",")
        return [*parts, closing]


def call_expression(
    name: str, args: tuple[Any, ...], kwargs: dict[str, Any], other: tuple[tuple[Any, ...], dict[str, Any]], write: Arguments
) -> Expression:  # fmt: skip
    """A call of a torch function or of a tensor's method.

    Args:
        name: Its dotted name.
        other: The arguments in the second pass.

    Raises:
        NotWritableError: An argument has no form in source.
    """
    last = name.rpartition(".")[2]
    others = other[0] if len(other[0]) == len(args) else args
    given = [
        (None, write.write(value, second))
        for value, second in zip(args, others, strict=True)
        if not isinstance(value, Device)
    ]
    named = [
        (key, write.write(value, other[1].get(key)))
        for key, value in kwargs.items()
        if key not in _DROPPED and not isinstance(value, Device)
    ]
    if last in _INFIX and len(given) == 2 and not named:
        return Expression([*_operand(given[0][1]), f" {_INFIX[last]} ", *_operand(given[1][1])], is_atom=False)
    if last in ("neg", "bitwise_not", "__invert__", "logical_not") and len(given) == 1 and last != "logical_not":
        return Expression(["-" if last == "neg" else "~", *_operand(given[0][1])], is_atom=False)
    if name.startswith("torch.Tensor."):
        return _method(last, given, named)
    prefix = next(short + name.removeprefix(long) for long, short in _NAMESPACES if name.startswith(long))
    return Expression([prefix, "(", *_joined([*given, *named]), ")"])


def _operand(pieces: list[Piece]) -> list[Piece]:
    compound = len(pieces) == 1 and isinstance(pieces[0], str) and " " in pieces[0]
    return ["(", *pieces, ")"] if compound else pieces


def _method(name: str, given: list[Any], named: list[Any]) -> Expression:
    receiver, rest = given[0][1], given[1:]
    if name in _ATTRIBUTES:
        return Expression([*receiver, f".{name}"])
    if name in ("to", "type", "cuda", "cpu") and not rest and not named:
        return Expression(receiver)  # only a device was asked for
    return Expression([*receiver, f".{name}(", *_joined([*rest, *named]), ")"])


def _joined(parts: list[Any]) -> list[Piece]:
    pieces: list[Piece] = []
    for place, (key, value) in enumerate(parts):
        pieces += ([", "] if place else []) + ([f"{key}="] if key else []) + value
    return pieces


def item_expression(args: tuple[Any, ...], other: tuple[Any, ...], write: Arguments) -> Expression:
    """`value[index]`."""
    value = write.write(args[0], None)
    return Expression([*value, "[", *_index(write, args[1], other[1] if len(other) > 1 else None), "]"])


def set_expression(args: tuple[Any, ...], other: tuple[Any, ...], write: Arguments) -> Expression:
    """`value[index] = new`; its tensors stand in the event as value, new, index."""
    value, new = write.write(args[0], None), write.write(args[1], other[1] if len(other) > 1 else None)
    index = _index(write, args[2], other[2] if len(other) > 2 else None)
    return Expression([*value, "[", *index, "] = ", *new])


def _index(write: Arguments, index: Any, other: Any) -> list[Piece]:
    pieces = write.write(index, other)
    return pieces[1:-1] if isinstance(index, tuple) and index else pieces
