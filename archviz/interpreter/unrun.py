"""Import-time code that lazy reading passes by, where it would reach the host: each such call leaves a gap.

Python runs a file's top level, its class bodies, its decorators and its default values when the file is imported; here only what a
wanted name needs is run.  What the rest computes is not missed, but a command, an `exec` or a written file might have changed
anything, so it is named.  Only code that is not part of `transformers` is looked through.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from archviz.errors import UsageError
from archviz.interpreter.builtins_table import REFUSED
from archviz.interpreter.control import RaisedError, UnsupportedError
from archviz.interpreter.earlier_values import run_at_once
from archviz.interpreter.modules import SourceModule, absolute_name
from archviz.interpreter.parsing import SourceText, parse
from archviz.interpreter.reading import Gap
from archviz.spans import Span

if TYPE_CHECKING:
    from archviz.interpreter.machine import Interpreter

_MOST_FILES = 200
_MOST_GAPS = 100


def unrun_effects(interp: Interpreter) -> list[Gap]:
    """The calls at import time, in own code, that would have reached the host and were passed by."""
    found: list[Gap] = []
    waiting = [module for module in interp.read_modules() if module.dotted.split(".", maxsplit=1)[0] != "transformers"]
    seen = {module.dotted for module in waiting}
    while waiting and len(seen) <= _MOST_FILES and len(found) < _MOST_GAPS:
        module = waiting.pop()
        tree = _tree(module)
        found += _effects(interp, module, tree)
        for imported in _imported(interp, module, tree):
            if imported.dotted not in seen:
                seen.add(imported.dotted)
                waiting.append(imported)
    return found[:_MOST_GAPS]


def _tree(module: SourceModule) -> list[ast.stmt]:
    try:
        return parse(SourceText(module.dotted, module.shown, module.text)).body
    except UnsupportedError:
        return []  # wanted names of it have said so


def _effects(interp: Interpreter, module: SourceModule, body: list[ast.stmt]) -> Iterator[Gap]:
    aliases = _aliases(body)
    ran = module.lines_run()
    for statement in body:
        if statement.lineno in ran or any(each.lineno in ran for each in getattr(statement, "decorator_list", ())):
            continue
        for call in _import_time_calls(statement):
            name = next((each for each in _called(call, aliases) if _is_refused(interp, each)), None)
            if name is not None:
                yield Gap("", f"{name[:200]}() is never run", Span(module.shown, call.lineno))


def _is_refused(interp: Interpreter, name: str) -> bool:
    return name in REFUSED or interp.library.is_refused(name)


def _called(call: ast.Call, aliases: dict[str, str]) -> Iterator[str]:
    """The dotted names that a call may run: its function, and functions that it is given."""
    for node in (call.func, *call.args, *(keyword.value for keyword in call.keywords)):
        found = _dotted(node, aliases)
        if found is not None:
            yield found
    if isinstance(call.func, ast.Attribute):
        yield f"pathlib.Path.{call.func.attr}"  # what a path is made of may be hard to see; these names are its own
    of = call.func.args[0] if isinstance(call.func, ast.Call) and call.func.args else None  # `getattr(os, …)(…)`
    if of is not None and (base := _dotted(of, aliases)) is not None:
        yield f"{base}.{_text(call.func)}"


def _text(node: ast.expr) -> str:
    """The name that a `getattr` asks for; that of any function where it is not plain text."""
    name = node.args[1] if isinstance(node, ast.Call) and len(node.args) > 1 else None
    return name.value if isinstance(name, ast.Constant) and isinstance(name.value, str) else "system"


def _import_time_calls(node: ast.AST) -> Iterator[ast.Call]:
    """The calls that run when a statement does, not those in the bodies of functions."""
    return (each for each in run_at_once(node) if isinstance(each, ast.Call))


def _aliases(body: list[ast.stmt]) -> dict[str, str]:
    """Name → the dotted name that a file imports under it."""
    found: dict[str, str] = {}
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    found[alias.asname or alias.name.split(".")[0]] = (
                        alias.name if alias.asname else alias.name.split(".")[0]
                    )
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
    return found


def _dotted(node: ast.expr, aliases: dict[str, str]) -> str | None:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join([aliases.get(node.id, node.id), *reversed(parts)])


def _imported(interp: Interpreter, module: SourceModule, body: list[ast.stmt]) -> Iterator[SourceModule]:
    """The own files that a file imports at its top level."""
    for statement in body:
        nodes = [statement] if isinstance(statement, (ast.Import, ast.ImportFrom)) else []
        if isinstance(statement, (ast.Try, ast.If, ast.With)):
            nodes = [each for each in ast.walk(statement) if isinstance(each, (ast.Import, ast.ImportFrom))]
        for node in nodes:
            for dotted in _names(module, node):
                try:
                    found = interp.find_module(dotted)
                except (RaisedError, UnsupportedError, UsageError):
                    continue
                if isinstance(found, SourceModule) and not found.dotted.startswith("transformers"):
                    yield found


def _names(module: SourceModule, node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    base = absolute_name(module, node)
    return [base, *(f"{base}.{alias.name}" for alias in node.names if alias.name != "*")]
