"""Source files as modules: parsed once, run lazily, one top-level statement at a time.

Only the statements that bind (or change) a name that is asked for are run, so that a file of two thousand
lines costs what the model at hand needs of it.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from archviz.interpreter.control import RaisedError, UnsupportedError
from archviz.spans import Span

if TYPE_CHECKING:
    from archviz.interpreter.machine import Interpreter

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True, slots=True)
class SourceText:
    """A file as the sources room hands it over.

    Args:
        dotted: Its module name (`transformers.models.qwen3.modeling_qwen3`).
        shown: How evidence names it (`transformers/models/qwen3/modeling_qwen3.py`).
        text: Its content.
        is_package: It is an `__init__.py`.
        dialect: The older release of `transformers` that it is written against (`transformers_4`); empty for the installed one.
    """

    dotted: str
    shown: str
    text: str
    is_package: bool = False
    dialect: str = ""


FindSource = Callable[[str], SourceText | None]


@dataclass(slots=True)
class LazyImport:
    """A name imported at module level, resolved when it is first used."""

    module: str
    name: str | None  # None: the module itself
    at: Span | None
    is_pending: bool = False


class SourceModule:
    """A source file whose names are evaluated on demand.

    Args:
        interpreter: Runs its statements.
        source: The file.
    """

    def __init__(self, interpreter: Interpreter, source: SourceText) -> None:
        self.interpreter = interpreter
        self.dotted = source.dotted
        self.shown = source.shown
        self.is_package = source.is_package
        self.dialect = source.dialect
        self.is_read = False
        self._source = source
        self.namespace: dict[str, Any] = {
            "__name__": source.dotted,
            "__file__": source.shown,
            "__doc__": None,
            "__spec__": None,
        }
        self._index: dict[str, list[Part]] = {}
        self._stars: list[ast.ImportFrom] = []
        self._done: set[int] = set()
        self._ready: set[str] = set()
        self._pending: set[str] = set()

    def __repr__(self) -> str:
        return f"<module {self.dotted}>"

    @property
    def text(self) -> str:
        """The file's content."""
        return self._source.text

    def _read(self) -> None:
        """Parse the file and note which statements bind which names; most imported files never get here."""
        self.is_read = True
        for part in parts_of(self._source):
            for name in names_touched(part, self._stars):
                self._index.setdefault(name, []).append(part)

    @property
    def index(self) -> dict[str, list[Part]]:
        """Name → the top-level statements that bind or change it; a definition is parsed when it is first run."""
        if not self.is_read:
            self._read()
        return self._index

    @property
    def stars(self) -> list[ast.ImportFrom]:
        """The file's `from … import *` statements."""
        if not self.is_read:
            self._read()
        return self._stars

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self._source.text.encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def package(self) -> str:
        return self.dotted if self.is_package else self.dotted.rpartition(".")[0]

    def lookup(self, name: str) -> Any:
        """The value of a module-level name; raises KeyError when the file does not define it."""
        if name not in self._ready and name not in self._pending:
            if self.interpreter.library.has(f"{self.dotted}.{name}"):
                self._ready.add(name)
                self.namespace[name] = self.interpreter.library_name(f"{self.dotted}.{name}")
            else:
                self._run_for(name)
        if name in self.namespace:
            return self._resolved(name)
        return self._from_elsewhere(name)

    def lines_run(self) -> set[int]:
        """The first lines of the top-level statements that were run."""
        parts = (part for parts in self._index.values() for part in parts if id(part) in self._done)
        return {part.first if isinstance(part, Definition) else part.lineno for part in parts}

    def _run_for(self, name: str) -> None:
        self._pending.add(name)
        try:
            for part in self.index.get(name, ()):
                if id(part) not in self._done:
                    self._done.add(id(part))
                    self.interpreter.run_module_statement(self, part.parsed() if isinstance(part, Definition) else part)
        finally:
            self._pending.discard(name)
        self._ready.add(name)

    def _resolved(self, name: str) -> Any:
        value = self.namespace[name]
        if isinstance(value, LazyImport):
            if value.is_pending:
                error = ImportError(f"cannot import name '{name}': files import it from each other")
                raise RaisedError(error, value.at, explicit=False)
            value.is_pending = True
            try:
                found = self.interpreter.import_into(self, value.module, value.name, value.at)
            finally:
                value.is_pending = False
            self.namespace[name] = value = found
        return value

    def _from_elsewhere(self, name: str) -> Any:
        """Names that no statement binds: submodules of a package and star imports."""
        if self.is_package and (module := self.interpreter.find_module(f"{self.dotted}.{name}")) is not None:
            return module
        if self.dotted == "transformers" and (dotted := self.interpreter.locate(name)) is not None:
            return self.interpreter.import_name(dotted, name, None)
        if not name.startswith("_") and self.dotted != "transformers":
            for star in self.stars:
                module = self.interpreter.find_module(absolute_name(self, star))
                if isinstance(module, SourceModule) and module is not self and module.exports(name):
                    return module.lookup(name)
        raise KeyError(name)

    def exports(self, name: str) -> bool:
        """Whether `from this import *` may bring the name."""
        return name in self.index or any(
            isinstance(module, SourceModule) and module is not self and module.exports(name)
            for module in (self.interpreter.find_module(absolute_name(self, star)) for star in self.stars)
        )


@dataclass(slots=True)
class Definition:
    """A top-level `def` or `class` that is not parsed yet."""

    name: str
    source: SourceText
    lines: list[str]  # of the whole file
    first: int  # line numbers, from 1
    last: int

    def parsed(self) -> ast.stmt:
        """Its statement, with the line numbers of the file."""
        text = "\n" * (self.first - 1) + "\n".join(self.lines[self.first - 1 : self.last])
        return parse(SourceText(self.source.dotted, self.source.shown, text)).body[0]


Part = ast.stmt | Definition
_DEFINITION = re.compile(r"(?:async +)?(?:def|class) +(\w+)")


def parts_of(source: SourceText) -> list[Part]:
    """A file's top-level statements, its definitions left unparsed; where that is not plain, all of them parsed."""
    lines = source.text.split("\n")
    definitions = _definitions(source, lines)
    if definitions is None:
        return list(parse(source).body)
    rest = list(lines)
    for each in definitions:
        rest[each.first - 1 : each.last] = [""] * (each.last - each.first + 1)
    others = parse(SourceText(source.dotted, source.shown, "\n".join(rest))).body
    return sorted([*others, *definitions], key=lambda part: part.first if isinstance(part, Definition) else part.lineno)


def _definitions(source: SourceText, lines: list[str]) -> list[Definition] | None:
    """The definitions that start in the first column; None where quotes make their ends unsure."""
    found: list[Definition] = []
    count = len(lines)
    at = 0
    while at < count:
        if not lines[at].startswith(("def ", "class ", "async def ", "@")):
            at += 1
            continue
        end = _end_of_definition(lines, at)
        head = next((match for line in lines[at:end] if (match := _DEFINITION.match(line))), None)
        block = "\n".join(lines[at:end])
        if head is None or block.count('"""') % 2 or block.count("'''") % 2:
            return None
        found.append(Definition(head[1], source, lines, at + 1, end))
        at = end
    inside = sum(each.last - each.first + 1 for each in found)
    return found if inside else None


def _end_of_definition(lines: list[str], start: int) -> int:
    """The line after a definition: the next one in the first column that starts something else."""
    at, quotes, has_head = start, 0, False
    while at < len(lines):
        line = lines[at]
        fresh = line and line[0] not in " \t)]}#" and quotes % 2 == 0
        if fresh and has_head:
            return at
        has_head = has_head or (bool(fresh) and _DEFINITION.match(line) is not None)
        quotes += line.count('"""') + line.count("'''")
        at += 1
    return at


def parse(source: SourceText) -> ast.Module:
    """The syntax tree of a file; a file that does not parse raises UnsupportedError with its line."""
    try:
        return ast.parse(source.text)
    except SyntaxError as error:
        raise UnsupportedError(
            f"{source.shown} does not parse: {error.msg}", Span(source.shown, error.lineno or 1)
        ) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise UnsupportedError(f"{source.shown} does not parse: {error}", Span(source.shown, 1)) from None


def absolute_name(module: SourceModule, node: ast.ImportFrom) -> str:
    """The dotted name of the module that an import statement names, relative levels resolved."""
    if not node.level:
        return node.module or ""
    parts = module.package.split(".")
    parts = parts[: len(parts) - (node.level - 1)]
    return ".".join([*parts, node.module] if node.module else parts)


def names_touched(statement: Part, stars: list[ast.ImportFrom]) -> Iterator[str]:
    """The module-level names that a statement binds or changes; star imports are collected in `stars`."""
    if isinstance(statement, (*_SCOPES, Definition)):
        yield statement.name
    elif isinstance(statement, (ast.Import, ast.ImportFrom)):
        yield from _imported(statement, stars)
    elif isinstance(statement, (ast.If, ast.Try, ast.With, ast.For, ast.While)):
        for inner in ast.iter_child_nodes(statement):
            if isinstance(inner, ast.stmt):
                yield from names_touched(inner, stars)
            elif isinstance(inner, ast.ExceptHandler):
                for handled in inner.body:
                    yield from names_touched(handled, stars)
            elif isinstance(inner, ast.expr):
                yield from _targets(inner)
    else:
        yield from _assigned(statement)


def _imported(statement: ast.Import | ast.ImportFrom, stars: list[ast.ImportFrom]) -> Iterator[str]:
    for alias in statement.names:
        if alias.name == "*" and isinstance(statement, ast.ImportFrom):
            stars.append(statement)
        else:
            yield alias.asname or alias.name.split(".")[0]


def _assigned(statement: ast.stmt) -> Iterator[str]:
    targets: list[ast.expr] = []
    if isinstance(statement, (ast.Assign, ast.Delete)):
        targets = statement.targets
    elif isinstance(statement, (ast.AnnAssign, ast.AugAssign)):
        targets = [statement.target]
    elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        function = statement.value.func
        targets = [function.value] if isinstance(function, ast.Attribute) else []
        targets += statement.value.args if isinstance(function, ast.Name) and function.id == "setattr" else []
    for target in targets:
        yield from _targets(target)


def _targets(target: ast.expr) -> Iterator[str]:
    if isinstance(target, ast.Name):
        yield target.id
    elif isinstance(target, (ast.Tuple, ast.List)):
        for element in target.elts:
            yield from _targets(element)
    elif isinstance(target, (ast.Attribute, ast.Subscript, ast.Starred)):
        yield from _targets(target.value)
