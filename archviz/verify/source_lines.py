"""Source texts: the line that a piece of evidence quotes, and the names that an assignment on it binds."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from archviz.architecture.model import Evidence
from archviz.spans import Span

FindText = Callable[[str], str | None]
Function = ast.FunctionDef | ast.AsyncFunctionDef
Node = TypeVar("Node", bound=ast.stmt)


class _Parts(NamedTuple):
    """The statements of a file that lines are looked up in, and what was found for a line."""

    assignments: list[ast.Assign]
    functions: list[Function]
    assigned: dict[int, ast.Assign | None]
    around: dict[int, Function | None]


class SourceLines:
    """The texts of the files that were read, by the name that evidence gives them.

    Args:
        find_text: The text of a file by its shown name; None when it is not at hand.
    """

    def __init__(self, find_text: FindText) -> None:
        self._find_text = find_text
        self._lines: dict[str, list[str]] = {}
        self._parts: dict[str, _Parts] = {}
        self._trees: dict[str, ast.Module] = {}

    def line(self, at: Span) -> str | None:
        """The source line, stripped; None when the file is not at hand."""
        if at.file not in self._lines:
            self._lines[at.file] = (self._find_text(at.file) or "").splitlines()
        lines = self._lines[at.file]
        return lines[at.line - 1].strip()[:200] if 0 < at.line <= len(lines) else None

    def evidence(self, *places: Span | None) -> tuple[Evidence, ...]:
        """Evidence from lines of code, each quoted; lines that are not known are left out."""
        known = dict.fromkeys(at for at in places if at is not None)
        return tuple(Evidence(kind="code", where=str(at), text=self.line(at)) for at in known)

    def targets(self, at: Span | None) -> list[str]:
        """The names bound by the assignment that stands on a line: `q, gate = chunk(…)` gives `q` and `gate`."""
        inner = self.assignment(at)
        if inner is None:
            return []
        target = inner.targets[-1]
        parts = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
        return [ast.unparse(part) for part in parts]

    def assignment(self, at: Span | None) -> ast.Assign | None:
        """The innermost assignment that stands on a line."""
        if at is None:
            return None
        parts = self._parts_of(at.file)
        return _innermost(parts.assignments, parts.assigned, at.line)

    def function(self, at: Span | None) -> Function | None:
        """The innermost function around a line."""
        if at is None:
            return None
        parts = self._parts_of(at.file)
        return _innermost(parts.functions, parts.around, at.line)

    def functions(self, at: Span | None) -> list[Function]:
        """All functions of the file of a line."""
        return self._parts_of(at.file).functions if at is not None else []

    def tree(self, file: str) -> ast.Module:
        """The syntax tree of a file, empty when it is not at hand or does not parse."""
        if file not in self._trees:
            try:
                self._trees[file] = ast.parse(self._find_text(file) or "")
            except (SyntaxError, ValueError, RecursionError):
                self._trees[file] = ast.parse("")
        return self._trees[file]

    def _parts_of(self, file: str) -> _Parts:
        if file not in self._parts:
            assignments: list[ast.Assign] = []
            functions: list[Function] = []
            for node in ast.walk(self.tree(file)):
                if isinstance(node, ast.Assign):
                    assignments.append(node)
                elif isinstance(node, Function):
                    functions.append(node)
            self._parts[file] = _Parts(assignments, functions, {}, {})
        return self._parts[file]


def _innermost(nodes: Sequence[Node], known: dict[int, Node | None], line: int) -> Node | None:
    """The statement that starts last of those around a line; looked for once for each line."""
    if line not in known:
        around = [each for each in nodes if _holds(each, line)]
        known[line] = max(around, key=lambda each: each.lineno, default=None)
    return known[line]


def _holds(node: ast.stmt, line: int) -> bool:
    return node.lineno <= line <= (node.end_lineno or node.lineno)
