"""Where a pass could have gone another way: the branches and loops that ran in it, and how they turned out."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from archviz.interpreter.values import Tensor
from archviz.spans import Span

if TYPE_CHECKING:
    from archviz.interpreter.machine import Interpreter
    from archviz.interpreter.scope import Frame

Node = ast.If | ast.IfExp | ast.For | ast.While | ast.BoolOp | ast.Try | ast.Match | ast.comprehension


class Fork:
    """A branch or a loop of a function that a pass ran.

    Args:
        node: The statement or expression; `function` the definition around it.
        at: Its line.
        module: The first module in whose pass it ran.

    Attributes:
        turns: The truth values that the test had; of a loop whether it had any rounds; of a `try` whether it went through.
        rounds: The most rounds of a loop; of `and` and `or` the most operands that were looked at.
        by_data: Numbers in a tensor decide, which a pass over shapes does not have.
        cases: The places of the cases of a `match` that ran; -1 where none fitted.
        kept: Whether the tests of a comprehension's clause kept elements.
        skips: The test only skips a round of a loop, and is taken as false.
    """

    __slots__ = ("at", "by_data", "cases", "function", "kept", "module", "node", "rounds", "skips", "turns")

    def __init__(self, node: Node, function: Any, at: Span, module: str) -> None:
        self.node, self.function, self.at, self.module = node, function, at, module
        self.turns: set[bool] = set()
        self.rounds = 0
        self.cases: set[int] = set()
        self.kept: set[bool] = set()
        self.by_data = False
        self.skips = False


def branch_of(interp: Interpreter, node: ast.If | ast.IfExp, frame: Frame, test: Any) -> bool:
    """Which branch a test takes, noted in a pass."""
    taken = interp.decide(test)
    if interp.recorder is not None:
        interp.recorder.forks.turn(node, frame, interp.recorder.path, taken, by_data=interp.is_data(test))
    return taken


class Forks:
    """All branches and loops of one pass, each once, in the order in which they first ran."""

    def __init__(self) -> None:
        self._of: dict[Node, Fork] = {}

    def __iter__(self) -> Iterator[Fork]:
        return iter(self._of.values())

    def add(self, more: Forks) -> None:
        """Those of a further pass as well."""
        for fork in more:
            self._of.setdefault(fork.node, fork)

    def turn(self, node: Node, frame: Frame, module: str, turn: bool, *, by_data: bool = False) -> Fork | None:
        """Note which way a branch goes; None outside of functions."""
        found = self._of.get(node)
        if found is None:
            if frame.function is None or frame.module is None:
                return None
            at = frame.module.place(node.iter.lineno if isinstance(node, ast.comprehension) else node.lineno)
            found = self._of[node] = Fork(node, frame.function.node, at, module)
        found.turns.add(turn)
        found.by_data |= by_data
        return found

    def skip(self, node: ast.If, frame: Frame, module: str) -> None:
        """Note a test that may skip a round of a loop."""
        fork = self.turn(node, frame, module, False, by_data=True)
        if fork is not None:
            fork.skips = True

    def case(self, node: ast.Match, frame: Frame, module: str, place: int, *, by_data: bool) -> None:
        """Note which case of a `match` fits."""
        fork = self.turn(node, frame, module, place >= 0, by_data=by_data)
        if fork is not None:
            fork.cases.add(place)

    def keep(self, node: ast.comprehension, frame: Frame, module: str, kept: bool) -> None:
        """Note whether the tests of a comprehension keep an element."""
        fork = self._of.get(node) or self.turn(node, frame, module, True)
        if fork is not None:
            fork.kept.add(kept)

    def reach(
        self,
        node: ast.BoolOp | ast.While | ast.comprehension,
        frame: Frame,
        module: str,
        count: int,
        *,
        by_data: bool = False,
    ) -> None:
        """Note how far `and`, `or` or a `while` loop went: operands or rounds."""
        fork = self.turn(node, frame, module, count > 0, by_data=by_data)
        if fork is not None:
            fork.rounds = max(fork.rounds, count)

    def rounds(
        self, node: ast.For | ast.comprehension, frame: Frame, module: str, values: Any, each: Iterable[Any]
    ) -> Iterator[Any]:
        """The rounds of a loop over `values`, counted."""
        fork = self.turn(node, frame, module, False, by_data=isinstance(values, Tensor) and values.data is None)
        for count, value in enumerate(each, 1):
            if fork is not None:
                fork.turns.add(True)
                fork.rounds = max(fork.rounds, count)
            yield value
