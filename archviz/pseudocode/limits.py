"""Where a written body holds: sizes that the code bounds with `min` and `max`, loops that the pass went through once, sizes that run out."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from archviz.interpreter.reading import Event
from archviz.pseudocode.expressions import Stated
from archviz.pseudocode.sizes import Sizes
from archviz.spans import Span
from archviz.verify.source_lines import Function, SourceLines

_RUNNING_OUT = re.compile(r"(?<![\w.])(\d+) - (?:(\d+) \* )?T\b")


class Limits:
    """What the source says about the sizes and rounds of bodies, which one pass alone does not show.

    Attributes:
        bounds: While which relations the shapes in comments hold: `T // 4 <= 512`.
        most_tokens: For how many tokens all bodies hold; None for any number.
        window: The most tokens that a body takes together, where sizes run out at it; 0 where none do.
    """

    def __init__(self, lines: SourceLines) -> None:
        self._lines = lines
        self.bounds: dict[str, None] = {}
        self.most_tokens: int | None = None
        self.window = 0
        self._calls: dict[ast.AST, list[ast.Call]] = {}
        self._loops: dict[ast.AST, list[ast.For | ast.While]] = {}

    def remarks(self, ops: Sequence[Event], statements: Sequence[str]) -> Iterator[str]:
        """In which cases a body with some ops of its own is what the code does, where not in all."""
        for loop in self.once(ops):
            rounds = f"for {ast.unparse(loop.target)} in {ast.unparse(loop.iter)}"
            yield f"one round of `{rounds}`, as the pass went; what only a further round reads is left out"
        most = runs_out(statements)
        if most is not None:
            self.most_tokens = min(most, self.most_tokens or most)
            self.window = max(most, self.window)
            yield f"for T <= {most}: more tokens take further rounds or other sizes in the code"

    def stated(
        self, event: Event, given: tuple[tuple[Any, ...], dict[str, Any]], other: Any, read: Callable[[str], object], sizes: Sizes
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:  # fmt: skip
        """The arguments of an op, those that the source bounds by `min` or `max` as it states them.

        Args:
            given, other: The arguments in both passes.
        """
        args, kwargs = list(given[0]), dict(given[1])
        if not any(isinstance(each, int) and not isinstance(each, bool) for each in (*args, *kwargs.values())):
            return given
        for place, (function, number) in self.bounded(event, read).items():
            held: Any = kwargs if isinstance(place, str) else args
            there = other[1] if isinstance(place, str) else other[0]
            try:
                value, second = held[place], there[place]
            except (KeyError, IndexError):
                continue
            if isinstance(value, int) and isinstance(second, int) and value != second:
                text = sizes.text(value, second)
                held[place] = Stated(f"{function}({number}, {text})")
                self.bounds[f"{text} {'<=' if function == 'min' else '>='} {number}"] = None
        return tuple(args), kwargs

    def bounded(self, event: Event, read: Callable[[str], object]) -> dict[int | str, tuple[str, int]]:
        """Arguments of a method or function that are `min(a, b)` or `max(a, b)` with a number of the module: place or key → function and number.

        The places are those of the call as it is recorded: the tensor of a method stands first.

        Args:
            read: The value of an attribute of the module, by its name.
        """
        at, function = event.at, self._lines.function(event.at)
        if at is None or function is None:
            return {}
        found: dict[int | str, tuple[str, int]] = {}
        for call in self._calls_in(function):
            if not call.lineno <= at.line <= (call.end_lineno or call.lineno):
                continue
            if not isinstance(call.func, ast.Attribute) or call.func.attr != event.name:
                continue
            first = 0 if ast.unparse(call.func.value) in ("torch", "F", "nn.functional") else 1
            given: list[tuple[int | str, ast.expr]] = [(first + place, arg) for place, arg in enumerate(call.args)]
            given += [(keyword.arg, keyword.value) for keyword in call.keywords if keyword.arg]
            for place, value in given:
                bound = _bound(value, function, read)
                if bound is not None:
                    found[place] = bound
        return found

    def once(self, events: Sequence[Event]) -> Iterator[ast.For]:
        """Loops over a counted `range` of which the pass went through one round: the statements of their ops never go back."""
        seen: dict[tuple[int, int], tuple[ast.For, list[int]]] = {}
        for event in events:
            if event.kind != "op" or event.at is None or (function := self._lines.function(event.at)) is None:
                continue
            for loop in self._loops_in(function):
                if isinstance(loop, ast.For) and _counts(loop) and (place := _place(event.at, loop)) is not None:
                    seen.setdefault((event.parent, id(loop)), (loop, []))[1].append(place)
        for loop, places in seen.values():
            if len(set(places)) > 1 and places == sorted(places):
                yield loop

    def loop_at(self, at: Span | None) -> ast.For | None:
        """The counted loop around a line, of its function; none where loops stand in it or around it."""
        function = self._lines.function(at)
        if at is None or function is None:
            return None
        around = [loop for loop in self._loops_in(function) if _place(at, loop) is not None]
        loop = around[0] if len(around) == 1 else None
        return loop if isinstance(loop, ast.For) and _counts(loop) else None

    def _calls_in(self, function: Function) -> list[ast.Call]:
        if function not in self._calls:
            self._calls[function] = [each for each in ast.walk(function) if isinstance(each, ast.Call)]
        return self._calls[function]

    def _loops_in(self, function: Function) -> list[ast.For | ast.While]:
        if function not in self._loops:
            self._loops[function] = [each for each in ast.walk(function) if isinstance(each, ast.For | ast.While)]
        return self._loops[function]


def runs_out(statements: Sequence[str]) -> int | None:
    """The most tokens for which no size of a body is negative: 64 where it has `64 - T`; None where every number will do."""
    code = [line.partition("  #")[0] for line in statements]
    found = [int(size) // int(times or 1) for line in code for size, times in _RUNNING_OUT.findall(line)]
    return min(found, default=None)


def _counts(loop: ast.For) -> bool:
    return isinstance(loop.iter, ast.Call) and isinstance(loop.iter.func, ast.Name) and loop.iter.func.id == "range"


def _place(at: Span, loop: ast.For | ast.While) -> int | None:
    """Which statement of a loop a line belongs to."""
    for place, statement in enumerate(loop.body):
        if statement.lineno <= at.line <= (statement.end_lineno or statement.lineno):
            return place
    return None


def _bound(value: ast.expr, function: Function, read: Callable[[str], object]) -> tuple[str, int] | None:
    """`min` or `max` and the number of the module in it, of an expression or of the one assignment of a name."""
    if isinstance(value, ast.Name):
        held = [
            node.value
            for node in ast.walk(function)
            if isinstance(node, ast.Assign)
            and any(isinstance(t, ast.Name) and t.id == value.id for t in node.targets)
        ]  # fmt: skip
        if len(held) != 1:
            return None
        value = held[0]
    if not isinstance(value, ast.Call) or not isinstance(value.func, ast.Name) or value.func.id not in ("min", "max"):
        return None
    if len(value.args) != 2 or value.keywords:
        return None
    numbers = [number for arg in value.args if isinstance(number := _number(arg, read), int)]
    return (value.func.id, numbers[0]) if len(numbers) == 1 else None


def _number(value: ast.expr, read: Callable[[str], object]) -> object:
    if isinstance(value, ast.Constant):
        return value.value
    if isinstance(value, ast.Attribute) and isinstance(value.value, ast.Name) and value.value.id == "self":
        return read(value.attr)
    return None
