"""What a module-level name stands for while the file itself runs: its value at the statement that reads it, not its last one.

Files run a name at a time, so a class may be defined after everything that its file binds is bound.  Of a name that the file binds or
changes more than once, or that a function binds (`global`), the value after each of these statements is kept with its line.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

from archviz.interpreter.parsing import Definition, Part, names_touched
from archviz.late_patterns import late_pattern

_GLOBAL = late_pattern(r"^[ \t]+global[ \t]+([\w, \t]+)", re.MULTILINE)
_FUNCTION = ("def ", "async def ", "@")


class EarlierValues:
    """The values that names had, by the line from which they had them."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[str, list[tuple[int, Any]]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._known

    def keep(self, name: str, line: int, value: Any) -> None:
        """A name has this value from this line on."""
        self._known.setdefault(name, []).append((line, value))

    def before(self, name: str, line: int, otherwise: Any) -> Any:
        """The value that a name had when this line was reached."""
        return next((value for at, value in reversed(self._known.get(name, ())) if at < line), otherwise)

    def resolve(self, name: str, old: Any, new: Any) -> None:
        """An import that was put off is done."""
        self._known[name] = [(at, new if value is old else value) for at, value in self._known.get(name, ())]


def first_line(part: Part) -> int:
    """The line of the file at which a statement begins."""
    return part.first if isinstance(part, Definition) else part.lineno


def names_of(part: Part) -> list[str]:
    """The names that a statement binds or changes, each once."""
    return [part.name] if isinstance(part, Definition) else list(dict.fromkeys(names_touched(part, [])))


def add_bound_by_calls(index: dict[str, list[Part]], parts: list[Part]) -> None:
    """Add statements to the index of the names that they bind by calling a function with `global`."""
    binding = dict(_binding_functions(parts))
    for part in parts if binding else ():
        called = [names for function, names in binding.items() if _calls(part, function)]
        for name in {name for names in called for name in names}:
            known = index.setdefault(name, [])
            if not any(part is each for each in known):
                known.append(part)
                known.sort(key=first_line)


def _binding_functions(parts: list[Part]) -> Iterator[tuple[str, list[str]]]:
    """The functions that bind names of the file, with these names."""
    for part in parts:
        if isinstance(part, Definition) and part.text.startswith(_FUNCTION):
            found = [name.strip() for each in _GLOBAL.findall(part.text) for name in each.split(",")]
            if found:
                yield part.name, found


def _calls(part: Part, function: str) -> bool:
    """Whether a statement calls a function when it runs, and not in the body of another."""
    if isinstance(part, Definition):
        if f"{function}(" not in part.text or part.text.startswith(("def ", "async def ")):
            return False
        part = part.parsed()
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == function
        for node in run_at_once(part)
    )


def run_at_once(statement: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run when a statement does: not those in the bodies of functions, nor of `if __name__ == "__main__"`."""
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            given = [each for each in node.args.kw_defaults if each is not None]
            waiting += [*node.decorator_list, *node.args.defaults, *given]
        elif not isinstance(node, ast.Lambda) and not (isinstance(node, ast.If) and _is_main(node.test)):
            waiting += reversed(list(ast.iter_child_nodes(node)))


def _is_main(test: ast.expr) -> bool:
    """Whether a test asks if the file is run as a program, or is checked by a type checker."""
    names = {each.id for each in ast.walk(test) if isinstance(each, ast.Name)}
    return bool(names & {"__name__", "TYPE_CHECKING"})


__all__ = ["EarlierValues", "add_bound_by_calls", "first_line", "names_of", "run_at_once"]
