"""Source files as modules: parsed once, run lazily, one top-level statement at a time.

Only the statements that bind (or change) a name that is asked for are run, so that a file of two thousand
lines costs what the model at hand needs of it.
"""

from __future__ import annotations

import ast
import hashlib
from collections import deque
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from archviz.interpreter.control import RaisedError
from archviz.interpreter.earlier_values import EarlierValues, first_line, names_of, run_at_once
from archviz.interpreter.parsing import Definition, ParsedFile, Part, SourceText, parsed_file
from archviz.interpreter.values import Instance, Unknown
from archviz.spans import Span

if TYPE_CHECKING:
    from archviz.interpreter.machine import Interpreter

FindSource = Callable[[str], SourceText | None]


NOTHING = object()  # a name that a file does not define


class LazyImport:
    """A name imported at module level, resolved when it is first used."""

    __slots__ = ("at", "is_pending", "module", "name")

    def __init__(self, module: str, name: str | None, at: Span | None) -> None:
        self.module = module
        self.name = name  # None: the module itself
        self.at = at
        self.is_pending = False


class SourceModule:
    """A source file whose names are evaluated on demand.

    Args:
        interpreter: Runs its statements.
        source: The file.
    """

    def __init__(self, interpreter: Interpreter, source: SourceText) -> None:
        self.interpreter = interpreter
        self.dotted = source.dotted
        self.is_own = source.dotted.split(".", maxsplit=1)[0] != "transformers"  # the model's own code
        self.shown = source.shown
        self.is_package = source.is_package
        self.dialect = source.dialect
        self._source = source
        self.namespace: dict[str, Any] = {
            "__name__": source.dotted,
            "__file__": source.shown,
            "__doc__": None,
            "__spec__": None,
        }
        self._file: ParsedFile | None = None
        self._places: dict[int, Span] = {}
        self.field_lines: dict[int, dict[str, int]] = {}  # of classes, by the line before the body (`class_defaults`)
        self._done: set[int] = set()
        self._ready: set[str] = set()
        self._foreign: set[str] = set()  # names found to be defined nowhere in it
        self._pending: set[str] = set()
        self._running: Part | None = None  # the top-level statement at work, and
        self._line = 0  # its first line
        self._earlier = EarlierValues()
        self._seen_early: set[str] = set()  # names of tables read before later statements change them

    def __repr__(self) -> str:
        return f"<module {self.dotted}>"

    def place(self, line: int) -> Span:
        """A line of the file as evidence; the same object for the same line."""
        found = self._places.get(line)
        if found is None:
            found = self._places[line] = Span(self.shown, line)
        return found

    @property
    def text(self) -> str:
        """The file's content."""
        return self._source.text

    @property
    def is_read(self) -> bool:
        """Whether any name of it was wanted; most imported files never get here."""
        return self._file is not None

    @property
    def parsed(self) -> ParsedFile:
        """The file's statements, by the names they bind."""
        if self._file is None:
            self._file = parsed_file(self._source)
        return self._file

    @property
    def index(self) -> dict[str, list[Part]]:
        """Name → the top-level statements that bind or change it; a definition is parsed when it is first run."""
        return self.parsed.index

    @property
    def stars(self) -> list[ast.ImportFrom]:
        """The file's `from … import *` statements."""
        return self.parsed.stars

    @cached_property
    def lines(self) -> list[str]:
        """The file's content, line by line."""
        return self._source.text.splitlines()

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self._source.text.encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def package(self) -> str:
        return self.dotted if self.is_package else self.dotted.rpartition(".")[0]

    def lookup(self, name: str) -> Any:
        """The value of a module-level name; raises KeyError when the file does not define it."""
        if self._running is not None and (value := self._at_this_line(name)) is not NOTHING:
            return value
        if name not in self._ready and name not in self._pending:
            if self.interpreter.library.has(f"{self.dotted}.{name}"):
                self._ready.add(name)
                self.namespace[name] = self.interpreter.library_name(f"{self.dotted}.{name}")
            else:
                self._run_for(name)
        if name in self.namespace:
            return self._resolved(name)
        return self._from_elsewhere(name)

    def find(self, name: str) -> Any:
        """The value of a module-level name, or NOTHING."""
        if name in self._ready and (self._running is None or name not in self._earlier):
            value = self.namespace.get(name, NOTHING)
            if value.__class__ is not LazyImport and value is not NOTHING:
                return value
        if name in self._foreign and name not in self.namespace:
            return NOTHING
        try:
            return self.lookup(name)
        except KeyError:
            if name not in self._pending:
                self._foreign.add(name)
            return NOTHING

    def whole_namespace(self) -> dict[str, Any]:
        """`globals()`: for a file of the model's own, with every name that it binds, unless its statements are still at work."""
        if self._running is None and self.is_own:
            for name in list(self.index):
                try:
                    self.find(name)
                except RaisedError as error:
                    self.namespace[name] = Unknown(f"the import of {name}: {error}", error.at)
        return self.namespace

    def replace(self, name: str, value: Any) -> None:
        """`module.name = value` from elsewhere: what the file itself binds to the name comes first."""
        old = self.find(name)
        if name not in self._earlier:
            self._earlier.keep(name, 0, old)
        self.namespace[name] = value
        if self._running is None:
            self._ready.add(name)
        else:
            self._earlier.keep(name, self._line, value)

    def lines_run(self) -> set[int]:
        """The first lines of the top-level statements that were run."""
        parts = (part for parts in self.index.values() for part in parts if id(part) in self._done)
        return {part.first if isinstance(part, Definition) else part.lineno for part in parts}

    def _run_for(self, name: str, until: int | None = None) -> None:
        """Run the statements that bind or change a name, those before a line where one is given."""
        self._pending.add(name)
        try:
            for part in self.index.get(name, ()):
                if until is not None and first_line(part) >= until:
                    return
                if id(part) not in self._done:
                    if _sets_attribute(part):
                        self._run_before(part, name, _takes)
                    elif isinstance(self.namespace.get(name), _CHANGEABLE) and self.is_own:
                        self._run_before(part, name, _reads)
                    self._run(part)
        finally:
            self._pending.discard(name)
        self._ready.add(name)

    def _run(self, part: Part) -> None:
        """Run a statement, and keep what it makes of names that others bind or change too."""
        self._done.add(id(part))
        others = [name for name in names_of(part) if len(self.index.get(name, ())) > 1]
        line = first_line(part)
        for name in others:
            if name not in self._pending:
                self._run_for(name, until=line)
        above = (self._running, self._line)
        self._running, self._line = part, line
        try:
            self.interpreter.run_module_statement(self, part.parsed() if isinstance(part, Definition) else part)
        finally:
            self._running, self._line = above
            for name in others:
                self._earlier.keep(name, line, self.namespace.get(name, NOTHING))
        while self._running is None and self._seen_early:
            self._run_for(self._seen_early.pop())

    def _at_this_line(self, name: str) -> Any:
        """What a name stands for at the statement at work; NOTHING where that is what it always stands for, or it stands for nothing yet."""
        parts = self.index.get(name, ())
        if name not in self._earlier and len(parts) < 2:
            return NOTHING
        if name not in self._pending and self.interpreter.library.has(f"{self.dotted}.{name}"):
            return NOTHING
        if name not in self._pending:
            self._run_for(name, until=self._line)
        if any(part is self._running for part in parts):
            return self._resolved(name) if name in self.namespace else NOTHING
        value = self._earlier.before(name, self._line + 1, NOTHING)
        if value.__class__ is LazyImport:
            found = self._imported(name, value)
            self._earlier.resolve(name, value, found)
            return found
        if isinstance(value, _CHANGEABLE):
            self._seen_early.add(name)
        return value

    def _run_before(self, change: Part, name: str, concerns: Callable[[Part, str], bool]) -> None:
        """Run what stands before a change and took the value that it replaces: `old = nn.Linear.forward`, `class A(nn.Linear)`."""
        for parts in list(self.index.values()):
            for part in parts:
                if id(part) in self._done or first_line(part) >= first_line(change):
                    continue
                if concerns(part, name):
                    self._run(part)

    def _resolved(self, name: str) -> Any:
        value = self.namespace[name]
        if isinstance(value, LazyImport):
            self.namespace[name] = value = self._imported(name, value)
        return value

    def _imported(self, name: str, value: LazyImport) -> Any:
        if value.is_pending:
            error = ImportError(f"cannot import name '{name}': files import it from each other")
            raise RaisedError(error, value.at, explicit=False)
        value.is_pending = True
        try:
            return self.interpreter.import_into(self, value.module, value.name, value.at)
        finally:
            value.is_pending = False

    def _from_elsewhere(self, name: str) -> Any:
        """Names that no statement binds: submodules of a package and star imports."""
        if self.is_package and (module := self.interpreter.find_module(f"{self.dotted}.{name}")) is not None:
            return module
        if self.dotted == "transformers" and (dotted := self.interpreter.locate(name)) is not None:
            return self.interpreter.import_name(dotted, name, None)
        for star in reversed(self.stars) if self.dotted != "transformers" else ():  # the last import of a name counts
            dotted = absolute_name(self, star)
            module = self.interpreter.find_module(dotted)
            if isinstance(module, SourceModule):
                if module is not self and module.exports(name):
                    return module.lookup(name)
            elif not name.startswith("_") and self.interpreter.library.has(f"{dotted}.{name}"):
                return self.interpreter.library_name(f"{dotted}.{name}")
        raise KeyError(name)

    def exports(self, name: str) -> bool:
        """Whether `from this import *` brings the name: one that `__all__` lists, else any that begins without `_`."""
        if not self.is_read and name not in self.text and "import *" not in self.text:
            return False  # what a file binds stands in its text: no need to cut it up
        listed = self.find("__all__") if "__all__" in self.index else None
        if isinstance(listed, (list, tuple)):
            return name in listed
        return (name in self.index and not name.startswith("_")) or any(
            isinstance(module, SourceModule) and module is not self and module.exports(name)
            for module in (self.interpreter.find_module(absolute_name(self, star)) for star in self.stars)
        )


def _sets_attribute(part: Part) -> bool:
    """Whether a statement gives something that it did not make another attribute: `nn.Linear.forward = traced`."""
    return isinstance(part, ast.Assign) and any(isinstance(target, ast.Attribute) for target in part.targets)


def _takes(part: Part, name: str) -> bool:
    """Whether a statement keeps what a name stands for when it runs: an assignment, the bases of a class."""
    if isinstance(part, Definition):
        if name not in part.text or part.text.startswith("class"):
            return part.text.startswith("class") and name in part.text.partition(":")[0]
        part = part.parsed()
    value = part.value if isinstance(part, ast.Assign) and not _sets_attribute(part) else None
    return value is not None and any(isinstance(each, ast.Name) and each.id == name for each in ast.walk(value))


_CHANGEABLE = (list, dict, set, deque, Instance)


def _reads(part: Part, name: str) -> bool:
    """Whether a statement looks at a name when it runs, and not only in the bodies of functions."""
    if isinstance(part, Definition):
        if name not in part.text:
            return False
        part = part.parsed()
    return any(isinstance(node, ast.Name) and node.id == name for node in run_at_once(part))


def absolute_name(module: SourceModule, node: ast.ImportFrom) -> str:
    """The dotted name of the module that an import statement names, relative levels resolved."""
    if not node.level:
        return node.module or ""
    parts = module.package.split(".")
    parts = parts[: len(parts) - (node.level - 1)]
    return ".".join([*parts, node.module] if node.module else parts)


__all__ = ["FindSource", "LazyImport", "SourceModule", "SourceText", "absolute_name"]
