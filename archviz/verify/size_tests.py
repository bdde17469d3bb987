"""Tests in modelling code whose answer the pass decides, not the model: sizes of the input, where it runs, numbers in tensors."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

_OF_INPUT = frozenset({"shape", "device", "dtype", "environ", "is_cuda"})
_SIZES = frozenset({"size", "numel", "len"})
_SETTLED = frozenset(
    {
        "isinstance",
        "hasattr",
        "getattr",
        "callable",
        "issubclass",
        "all",
        "any",
        "type",
        "get",
        "startswith",
        "endswith",
    }
)
"""Calls whose answer follows from what the model is built of and is given."""
_ARITHMETIC = frozenset(
    {"len", "min", "max", "int", "abs", "range", "sum", "round", "ceil", "floor", "float", "sqrt", "prod"}
)
_ERRORS = frozenset(
    {
        "IndexError",
        "RuntimeError",
        "ValueError",
        "AssertionError",
        "LookupError",
        "ZeroDivisionError",
        "ArithmeticError",
    }
) | {"Exception", "BaseException"}
_ORDERINGS = (ast.Lt, ast.Gt, ast.LtE, ast.GtE)
_OWN = ("self", "config", "cls")


def names_of_sizes(body: Sequence[ast.stmt]) -> frozenset[str]:
    """Names that a function binds to sizes of its inputs, or to what is computed of them alone."""
    assigned = list(assigned_in(body))
    found: frozenset[str] = frozenset()
    while True:
        new = [
            each.id
            for target, value in assigned
            if _is_of_sizes(value, found)
            for each in ast.walk(target)
            if isinstance(each, ast.Name)
        ]
        if found.issuperset(new):
            return found
        found |= set(new)


def assigned_in(body: Sequence[ast.stmt]) -> Iterator[tuple[ast.expr, ast.expr]]:
    """What a function assigns: each target with the expression of its value."""
    for node in _inside(body):
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.NamedExpr) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                yield target, node.value


def decided_by_pass(test: ast.expr, sizes: frozenset[str]) -> bool:
    """Whether the answer of a test may be another one for other inputs, or elsewhere.

    Args:
        sizes: Names that stand for sizes of the inputs.
    """
    if isinstance(test, ast.BoolOp):
        return any(decided_by_pass(each, sizes) for each in test.values)
    if isinstance(test, ast.UnaryOp):
        return decided_by_pass(test.operand, sizes)
    if isinstance(test, ast.Compare):
        return _compares_sizes(test, sizes)
    if isinstance(test, ast.Call):
        return _is_of_sizes(test, sizes) or (_called(test) not in _SETTLED and not _is_own(test.func))
    return _is_of_sizes(test, sizes)


def tests_in(body: Sequence[ast.stmt]) -> Iterator[ast.expr]:
    """The tests of all branches, loops and assertions of a function."""
    for node in _inside(body):
        if isinstance(node, ast.If | ast.IfExp | ast.While | ast.Assert):
            yield node.test
        elif isinstance(node, ast.comprehension):
            yield from node.ifs


def may_be_of_sizes(handler: ast.ExceptHandler) -> bool:
    """Whether a handler takes errors that other sizes of the input raise, or do not."""
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(each is None or ast.unparse(each).rpartition(".")[2] in _ERRORS for each in types)


def _compares_sizes(test: ast.Compare, sizes: frozenset[str]) -> bool:
    operands = [test.left, *test.comparators]
    if any(isinstance(op, ast.Is | ast.IsNot) for op in test.ops):
        return False
    if any(_is_of_sizes(each, sizes) for each in operands):
        return True
    ordered = any(isinstance(op, _ORDERINGS) for op in test.ops)
    return ordered and any(isinstance(each, ast.Name) and each.id not in _OWN for o in operands for each in _leaves(o))


def _is_of_sizes(value: ast.expr, sizes: frozenset[str]) -> bool:
    """Whether a value is a size or a property of an input, or arithmetic over such."""
    if isinstance(value, ast.Name):
        return value.id in sizes
    if isinstance(value, ast.Attribute):
        return value.attr in _OF_INPUT or _is_of_sizes(value.value, sizes)
    if isinstance(value, ast.Subscript):
        return _is_of_sizes(value.value, sizes)
    if isinstance(value, ast.Call):
        name = _called(value)
        asked = value.func.value if isinstance(value.func, ast.Attribute) else None
        if name in _SIZES or (asked is not None and _is_of_sizes(asked, sizes)):
            return True
        return name in _ARITHMETIC and any(_is_of_sizes(each, sizes) for each in value.args)
    if isinstance(value, ast.Compare | ast.BoolOp):
        return decided_by_pass(value, sizes)
    parts = [each for each in ast.iter_child_nodes(value) if isinstance(each, ast.expr)]
    return not isinstance(value, ast.Lambda) and any(_is_of_sizes(each, sizes) for each in parts)


def _leaves(value: ast.expr) -> Iterator[ast.expr]:
    """Names that stand for themselves, not for the owner of an attribute."""
    if isinstance(value, ast.Name):
        yield value
    elif isinstance(value, ast.BinOp):
        yield from (*_leaves(value.left), *_leaves(value.right))


def _called(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _is_own(function: ast.expr) -> bool:
    """A method of the module or of its configuration: `self.config.is_decoder()`."""
    while isinstance(function, ast.Attribute):
        function = function.value
    return isinstance(function, ast.Name) and function.id in _OWN


def _inside(body: Sequence[ast.stmt]) -> Iterator[ast.AST]:
    for statement in body:
        yield from ast.walk(statement)
