"""The number that the text of a formula stands for: what tests and readers check formulas with."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping

from archviz.errors import UsageError
from archviz.late_patterns import late_pattern

_OPERATIONS: dict[type, Callable[[int, int], int]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.FloorDiv: operator.floordiv, ast.Pow: operator.pow,
}  # fmt: skip
_RAISED = late_pattern("[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_PLAIN = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_SIGNS = {"·": "*", "∕": "//", "⌊": "(", "⌋": ")", "−": "-"}


def evaluate_formula(text: str, symbols: Mapping[str, int]) -> int:
    """What a formula comes to.

    >>> evaluate_formula("2·(d·f ∕ H + ⌊d ∕ 3⌋)", {"d": 8, "f": 3, "H": 4})
    16

    Raises:
        UsageError: It is no formula, or a symbol has no value.
    """
    source = _RAISED.sub(lambda found: "**" + found[0].translate(_PLAIN), text)
    for sign, plain in _SIGNS.items():
        source = source.replace(sign, plain)
    try:
        return _value(ast.parse(source.strip(), mode="eval").body, symbols)
    except (SyntaxError, KeyError, ZeroDivisionError) as error:
        raise UsageError(f"{text[:80]!r} is no formula of these symbols: {error}") from None


def _value(node: ast.expr, symbols: Mapping[str, int]) -> int:
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return node.value
    if isinstance(node, ast.BinOp):
        return _OPERATIONS[type(node.op)](_value(node.left, symbols), _value(node.right, symbols))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand, symbols)
    return symbols[ast.unparse(node)]
