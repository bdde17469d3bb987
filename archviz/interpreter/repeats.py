"""Comprehensions whose every element is the same Unknown, or a number of a long table: found out from the first, and not evaluated again and again.

`[position / pow_of(10000, 2 * (j // 2) / d) for j in range(d)]` is not understood for any `j` where `pow_of` is not.  Where numpy
computes it (`np.power`), the elements of a long row are numbers that nobody writes out, as those of a large tensor are.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from archviz.interpreter.scope import Frame
from archviz.interpreter.sizes import Size
from archviz.interpreter.values import LibraryModule, NativeFunction, Tensor, Unknown
from archviz.interpreter.walk import check_siblings

if TYPE_CHECKING:
    from archviz.interpreter.machine import Interpreter

_DEEPEST = 10  # operators inside operators: numbers of 64 bits stay far below every bound
_LARGEST = 1 << 64
_LONG = 1_000  # rounds of a loop that is counted
_TOLD = 8  # rounds that say what the others make
_SAFE = (ast.Add, ast.Sub, ast.Mult)
_DIVISIONS = (ast.Div, ast.FloorDiv, ast.Mod)


_MOST_WRITTEN = 256  # numbers of one row that numpy computes
_OF_NUMBERS = frozenset(f"numpy.{name}" for name in ("power", "sqrt", "exp", "log", "sin", "cos"))
Settles = Callable[["Interpreter", ast.expr, Frame, str], bool]


def repeated(interp: Interpreter, node: ast.expr, frame: Frame, target: str, first: Any, left: int) -> Any:
    """What stands for the first element of a comprehension and for all that are left; None where each is evaluated."""
    if isinstance(first, Unknown):
        return first if is_settled(interp, node, frame, target) else None
    if type(first) is float and left >= _MOST_WRITTEN and is_settled(interp, node, frame, target, _is_of_numbers):
        return Tensor((), "float64", at=interp.here())
    return None


def is_settled(interp: Interpreter, node: ast.expr, frame: Frame, target: str, settles: Settles | None = None) -> bool:
    """Whether an element is Unknown for each number that the loop gives, and evaluating it does nothing else.

    Args:
        interp: The interpreter.
        node: The element.
        frame: Where it was evaluated once, with the first number.
        target: The name of the loop's variable.
        settles: Says of the function of a call that it makes the element so; by default that it is missing.
    """
    settles = settles or _is_missing_function
    if isinstance(node, ast.Call):
        given = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg)]
        plain_keywords = len(given) == len(node.args) + len(node.keywords)
        unknown = settles(interp, node.func, frame, target)
        return unknown and plain_keywords and all(_is_number(interp, each, frame, target) for each in given)
    if isinstance(node, ast.BinOp):
        sides = (node.left, node.right)
        settled = [is_settled(interp, each, frame, target, settles) for each in sides]
        return any(settled) and all(
            known or _is_number(interp, each, frame, target) for known, each in zip(settled, sides, strict=True)
        )
    return False


def _is_missing_function(interp: Interpreter, node: ast.expr, frame: Frame, target: str) -> bool:
    """Whether a function is a name of a library's module that the tables do not have."""
    return isinstance(_library_function(interp, node, frame, target), Unknown)


def _is_of_numbers(interp: Interpreter, node: ast.expr, frame: Frame, target: str) -> bool:
    """Whether a function is one of numpy's that makes a number of numbers."""
    found = _library_function(interp, node, frame, target)
    return isinstance(found, NativeFunction) and found.name in _OF_NUMBERS


def _library_function(interp: Interpreter, node: ast.expr, frame: Frame, target: str) -> Any:
    """What a name of a library's module stands for; None for any other expression."""
    if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name) or node.value.id == target:
        return None
    module = interp.evaluate(node.value, frame)
    return interp.get_attribute(module, node.attr) if isinstance(module, LibraryModule) else None


def _is_number(interp: Interpreter, node: ast.expr, frame: Frame, target: str, depth: int = 0) -> bool:
    """Whether a node gives a number of moderate size, whatever number the loop gives."""
    if isinstance(node, (ast.Constant, ast.Name)):
        return _is_moderate(interp.evaluate(node, frame))
    if not isinstance(node, ast.BinOp) or depth > _DEEPEST:
        return False
    if isinstance(node.op, _DIVISIONS):
        divisor = node.right
        fixed = isinstance(divisor, ast.Constant) or (isinstance(divisor, ast.Name) and divisor.id != target)
        if not fixed or not interp.evaluate(divisor, frame):
            return False
    elif not isinstance(node.op, _SAFE):
        return False
    return all(_is_number(interp, each, frame, target, depth + 1) for each in (node.left, node.right))


def _is_moderate(value: Any) -> bool:
    return type(value) in (int, float, Size) and -_LARGEST < value < _LARGEST


class Counted:
    """What each of a loop's first rounds makes, so that one which cannot end within the bounds is refused at its start.

    Args:
        interp: The interpreter.
        values: What the loop runs over; only a range says how many rounds there are.
    """

    __slots__ = ("_interp", "_least", "_parts", "_rounds", "left")

    def __init__(self, interp: Interpreter, values: range) -> None:
        self._interp = interp
        self._parts = interp.parts
        self._least = interp.limits.parts
        self._rounds = 0
        self.left = len(values)

    def round(self) -> None:
        """A round begins: what the one before it made is known."""
        interp, made = self._interp, self._interp.parts - self._parts
        self._parts, self._rounds, self.left = interp.parts, self._rounds + 1, self.left - 1
        if self._rounds > 1:
            self._least = min(self._least, made)
        if self._rounds >= _TOLD and self._least:
            check_siblings(interp, self.left)
            if self._least * self.left + interp.parts > interp.limits.parts:
                interp.count_part(self._least * self.left)


def distinct(values: Sequence[Any]) -> Iterable[Any]:
    """The objects in a sequence; in a long one, which may be a row of a table, each once."""
    return values if len(values) < _MOST_WRITTEN else dict(zip(map(id, values), values, strict=True)).values()


def counted(interp: Interpreter, values: Any) -> Counted | None:
    """The parts of a long loop over numbers, while a model is built."""
    if type(values) is range and len(values) > _LONG and interp.building and interp.recorder is None:
        return Counted(interp, values)
    return None


def numbers_left(values: Any) -> int | None:
    """How many elements a loop over a range has after the first; None for anything else or for huge numbers."""
    if type(values) is not range or not values or not (_is_moderate(values[0]) and _is_moderate(values[-1])):
        return None
    return len(values) - 1
