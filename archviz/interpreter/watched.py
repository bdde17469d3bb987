"""Integers that are watched: whatever interpreted code asks of one is written down with the answer."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archviz.interpreter.followed import Region

FOLLOWED = frozenset(
    {ast.Add, ast.Sub, ast.Mod, ast.FloorDiv}
)  # arithmetic on watched numbers whose result is watched too
Expression = Any  # a place among the arguments (int), or (operator, left, right) with `Fixed` numbers
Answer = tuple[Expression, Callable[[Any], bool]]


class Fixed:
    """A number inside an expression that is no argument."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class Watched(int):
    """An integer argument while its module is built."""

    region: Region
    expression: Expression

    def exact(self) -> int:
        """The number itself: the module depends on just this one."""
        value = int.__int__(self)
        self.answer(lambda other: other == value)
        return value

    def answer(self, test: Callable[[Any], bool]) -> None:
        """Write down what another number has to answer as well."""
        self.region.answer(self.expression, test)


Watched.__name__ = "int"  # error texts of the interpreted program name the type


def _asking(name: str) -> Any:
    plain = getattr(int, name)

    def ask(self: Watched, *args: Any) -> Any:
        return plain(self.exact(), *args)

    return ask


for _name in (
    "add", "sub", "mul", "truediv", "floordiv", "mod", "divmod", "pow", "lshift", "rshift", "and", "or", "xor", "radd", "rsub", "rmul",
    "rtruediv", "rfloordiv", "rmod", "rdivmod", "rpow", "rlshift", "rrshift", "rand", "ror", "rxor", "neg", "pos", "abs", "invert", "eq",
    "ne", "lt", "le", "gt", "ge", "hash", "bool", "index", "int", "float", "str", "repr", "format", "round", "trunc", "floor", "ceil",
):  # fmt: skip
    setattr(Watched, f"__{_name}__", _asking(f"__{_name}__"))


def watch(region: Region, value: int, expression: Expression) -> Watched:
    watched = Watched(value)
    watched.region, watched.expression = region, expression
    return watched


def plain(value: Any) -> Any:
    """A value as anything may use it that is not followed: a watched number becomes the number itself."""
    return value.exact() if value.__class__ is Watched else value


def derived(op: type, left: Any, right: Any, compute: Callable[[Any, Any], Any]) -> Any:
    """`left op right` of which one is watched: a watched number again, where the other is a number."""
    one = left if left.__class__ is Watched else right
    if left.__class__ is right.__class__:
        right = right.exact()
    numbers = [int.__int__(each) if each.__class__ is Watched else each for each in (left, right)]
    if any(type(each) is not int for each in numbers):
        return compute(plain(left), plain(right))
    result = compute(*numbers)
    parts = [each.expression if each.__class__ is Watched else Fixed(each) for each in (left, right)]
    return watch(one.region, result, (compute, *parts))


def compared(one: Watched, other: Any, compute: Callable[[Any, Any], Any], *, swapped: bool) -> Any:
    """The answer of a comparison with a number; `swapped` where that stands on the left."""

    def ask(number: int) -> Any:
        return compute(other, number) if swapped else compute(number, other)

    result = ask(int.__int__(one))
    one.answer(lambda number: ask(number) is result)
    return result


def contained(item: Watched, container: tuple[int, ...], compute: Callable[[Any, Any], Any]) -> Any:
    """The answer of `item in container`."""
    result = compute(int.__int__(item), container)
    item.answer(lambda other: compute(other, container) is result)
    return result


def item_at(container: Any, index: Watched) -> Any:
    """`container[index]`, where that is text, a number or a truth."""
    if type(container) not in (list, tuple):
        return container[index.exact()]
    container = tuple(container)
    result = container[int.__int__(index)]
    if type(result) not in (str, bool, int, float, type(None)):
        return container[index.exact()]

    def same(other: Any) -> bool:
        found = container[other] if -len(container) <= other < len(container) else index
        return type(found) is type(result) and bool(found == result)

    index.answer(same)
    return result


def evaluated(expression: Expression, args: list[Any]) -> Any:
    """The value of an expression for given arguments; watched where they are."""
    if type(expression) is int:
        return args[expression]
    if expression.__class__ is Fixed:
        return expression.value
    compute, left, right = expression
    left, right = evaluated(left, args), evaluated(right, args)
    if left.__class__ is Watched or right.__class__ is Watched:
        return derived(_OPERATORS[compute], left, right, compute)
    return compute(left, right)


_OPERATORS: dict[Any, type] = {}  # filled by `operators`, which knows what each syntax node computes


def name_operators(operators: dict[type, Any]) -> None:
    _OPERATORS.update({compute: op for op, compute in operators.items()})
