"""Numbers that a pass computed and joined with a tensor: they may be sizes of its input, which are no constants of the model."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from archviz.interpreter.parsing import body_of
from archviz.interpreter.values import Shape, Tensor
from archviz.spans import Span

if TYPE_CHECKING:
    from archviz.interpreter.scope import Frame

_NUMBERS = frozenset({int, float, bool})
_JOINING = frozenset(
    {"mul", "mul_", "multiply", "div", "div_", "divide", "true_divide", "add", "add_", "sub", "sub_", "pow"}
    | {"lt", "le", "gt", "ge", "eq", "ne", "less", "less_equal", "greater", "greater_equal", "not_equal"}
)


class JoinedNumber:
    """A number of known value that stands beside a tensor in `x * n`, `x / n`, `x + n`.

    Args:
        node: The expression of the number; `function` the definition around it.
        value: What it was.
        at: Its line.
        module: The first module in whose pass it was joined.
        known: Integers of the function at that moment, and the shapes of its tensors, by their names.
    """

    __slots__ = ("at", "function", "known", "module", "node", "value")

    def __init__(
        self, node: ast.expr, function: Any, value: float, at: Span, module: str, known: Mapping[str, Any]
    ) -> None:
        self.node, self.function, self.value, self.at, self.module, self.known = (
            node,
            function,
            value,
            at,
            module,
            known,
        )


class JoinedNumbers:
    """The numbers of one pass that were joined with tensors, each once."""

    def __init__(self) -> None:
        self._of: dict[ast.expr, JoinedNumber] = {}
        self._set: dict[ast.AST, frozenset[str]] = {}  # function → attributes that it sets itself

    def __iter__(self) -> Iterator[JoinedNumber]:
        return iter(self._of.values())

    def add(self, more: JoinedNumbers) -> None:
        """Those of a further pass as well."""
        for each in more:
            self._of.setdefault(each.node, each)

    def join(self, nodes: tuple[ast.expr, ast.expr], values: tuple[Any, Any], frame: Frame, module: str) -> None:
        """Note the number of an operation between a tensor and a number."""
        place = 1 if values[1].__class__ in _NUMBERS else 0
        node, value = nodes[place], values[place]
        if value.__class__ not in _NUMBERS or not isinstance(values[1 - place], Tensor):
            return
        self._note(node, value, frame, module)

    def call(self, node: ast.Call, args: list[Any], frame: Frame, module: str) -> None:
        """Note the number of `x.mul(n)` or `torch.mul(x, n)`."""
        if isinstance(node.func, ast.Attribute) and node.func.attr in _JOINING and 0 < len(args) == len(node.args):
            if args[-1].__class__ in _NUMBERS:
                self._note(node.args[-1], args[-1], frame, module)

    def _note(self, node: ast.expr, value: object, frame: Frame, module: str) -> None:
        if isinstance(node, ast.Constant) or node in self._of or frame.function is None or frame.module is None:
            return
        if isinstance(node, ast.Attribute) and node.attr not in self._set_by(frame.function.node):
            return
        at = frame.module.place(node.lineno)
        self._of[node] = JoinedNumber(node, frame.function.node, cast("float", value), at, module, _known(frame))

    def _set_by(self, function: ast.AST) -> frozenset[str]:
        """The attributes that a function sets: all others are what the module was built with."""
        if function not in self._set:
            body = () if isinstance(function, ast.Lambda) else body_of(function)  # type: ignore[arg-type]
            written = (each for statement in body for each in ast.walk(statement))
            self._set[function] = frozenset(
                each.attr for each in written if isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store)
            )
        return self._set[function]


def _known(frame: Frame) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in frame.names.items():
        if isinstance(value, Tensor):
            found[name] = value.shape
        elif value.__class__ is int or value.__class__ is Shape or value.__class__ is tuple:
            found[name] = value
    return found
