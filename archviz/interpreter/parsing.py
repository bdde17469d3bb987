"""Source files as syntax trees: cut into top-level statements, parsed as late as possible and only once in a process.

A definition is parsed when it is first run, the body of a method when it is first called.  Trees are shared by every interpreter of
the process and never changed, except that a body not parsed yet is put in its place.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from typing import NamedTuple

from archviz.interpreter.control import UnsupportedError
from archviz.interpreter.name_tables import name_table, put_rows
from archviz.interpreter.private_names import has_private_names, mangle
from archviz.late_patterns import late_pattern
from archviz.spans import Span

KEPT_CHARACTERS = 6_000_000  # of files whose trees stay in memory
SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


class SourceText(NamedTuple):
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


def parse(source: SourceText) -> ast.Module:
    """The syntax tree of a file; a file that does not parse raises UnsupportedError with its line."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes in analysed code are not the caller's business
            tree = ast.parse(source.text)
        return mangle(tree) if has_private_names(source.text) else tree
    except SyntaxError as error:
        raise UnsupportedError(
            f"{source.shown} does not parse: {error.msg}", Span(source.shown, error.lineno or 1)
        ) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise UnsupportedError(
            f"{source.shown} does not parse: {error or 'nested too deeply'}", Span(source.shown, 1)
        ) from None


class Definition:
    """A top-level `def`, `class` or assignment to one name that is parsed when it is first wanted.

    Args:
        name: What it binds.
        source: The file it stands in.
        text: Its own text, decorators included.
        first: Its first line in the file, from 1.
    """

    __slots__ = ("_statement", "first", "name", "source", "text")

    def __init__(self, name: str, source: SourceText, text: str, first: int) -> None:
        self.name = name
        self.source = source
        self.text = text
        self.first = first
        self._statement: ast.stmt | None = None

    def parsed(self) -> ast.stmt:
        """Its statement, with the line numbers of the file."""
        if self._statement is None:
            shorter = self._outline() if self.text.startswith(_STARTS) else self._table()
            statement = shorter or self.parse_at(self.text, self.first)[0]
            if "yield" not in self.text:
                _mark_as_plain(statement)
            self._statement = statement
        return self._statement

    def parse_at(self, text: str, first: int) -> list[ast.stmt]:
        """A part of the file, its first line being the given one."""
        return parse(SourceText(self.source.dotted, self.source.shown, "\n" * (first - 1) + text)).body

    def _table(self) -> ast.stmt | None:
        """A table of names with its rows as one node; None for any other."""
        found = name_table(self.text)
        if found is None:
            return None
        text, rows = found
        statement = self.parse_at(text, self.first)[0]
        put_rows(statement, rows)
        return statement

    def _outline(self) -> ast.stmt | None:
        """A class without the bodies of its methods; None where it cannot be told for sure where they end."""
        if has_private_names(self.text):
            return None
        bodies: dict[int, MethodBody] = {}
        unparsed = Definition(
            self.name, self.source, self.text, self.first
        )  # not itself, which holds the tree that holds the bodies
        lines = self.text.split("\n")
        for head, start, stop in _method_bodies(lines):
            bodies[self.first + head] = MethodBody(unparsed, "\n".join(lines[start:stop]), self.first + start)
            lines[start:stop] = ["        pass", *[""] * (stop - start - 1)]
        if not bodies:
            return None
        try:
            statement = self.parse_at("\n".join(lines), self.first)[0]
        except UnsupportedError:
            return None
        methods = {each.lineno: each for each in getattr(statement, "body", ()) if isinstance(each, FunctionNode)}
        if not all(line in methods and isinstance(methods[line].body[0], ast.Pass) for line in bodies):
            return None
        for line, body in bodies.items():
            vars(methods[line])[_LATER] = body
        return statement


class MethodBody:
    """The body of a method that is not parsed yet."""

    __slots__ = ("first", "owner", "text")

    def __init__(self, owner: Definition, text: str, first: int) -> None:
        self.owner = owner
        self.text = text
        self.first = first

    def parsed(self, method: FunctionNode) -> list[ast.stmt]:
        """Its statements; where it does not parse by itself, those that the whole class has in this place."""
        try:
            block = self.owner.parse_at(f"if 1:\n{self.text}", self.first - 1)
        except UnsupportedError:
            block = []
        if len(block) == 1 and isinstance(block[0], ast.If):
            return block[0].body
        whole = self.owner.parse_at(self.owner.text, self.owner.first)[0]
        return next(
            each.body for each in ast.walk(whole) if isinstance(each, FunctionNode) and each.lineno == method.lineno
        )


_LATER = "archviz_body"  # the attribute of a method's node that holds a body not parsed yet


def body_of(node: FunctionNode) -> list[ast.stmt]:
    """The statements of a function, parsed now if they were not before."""
    later: MethodBody | None = vars(node).get(_LATER)
    if later is not None:
        node.body = later.parsed(node)
        vars(node).pop(_LATER, None)  # only now: another thread must not find the node without a body
    return node.body


_PLAIN = "archviz_plain"  # the attribute of a function's node in whose text the word `yield` does not occur


def _mark_as_plain(statement: ast.stmt) -> None:
    for each in (statement, *getattr(statement, "body", ())):
        if isinstance(each, FunctionNode):
            vars(each)[_PLAIN] = True


def may_yield(node: FunctionNode) -> bool:
    """Whether the word `yield` stands in a function's text, as far as that is known; true where it is not."""
    if _PLAIN in vars(node):
        return False
    later: MethodBody | None = vars(node).get(_LATER)
    return later is None or "yield" in later.text


_HEAD_START = late_pattern(r"    (?:async +)?def +(?!__init__\b)\w+ *\(")
_HEAD_END = late_pattern(r"    \).*:\s*$")
_INDENT = late_pattern(r" {5}|\s*$")


def _method_bodies(lines: list[str]) -> Iterator[tuple[int, int, int]]:
    """Where a class's methods are: the line of `def`, the first of the body, the line after it.

    `__init__` is left out, which nearly every class that is read at all runs; so are short methods, and those whose quotes are odd.
    """
    at = 1
    while at < len(lines):
        head, line = at, lines[at]
        at += 1
        if not line.startswith(("    def ", "    async def ")) or not _HEAD_START.match(line):
            continue
        start = _after_head(lines, head)
        if start is None:
            continue
        stop = start
        while stop < len(lines) and _INDENT.match(lines[stop]):
            stop += 1
        text = "\n".join(lines[head:stop])
        if stop - start >= SHORT_BODY and text.count('"""') % 2 == 0 and text.count("'''") % 2 == 0:
            yield head, start, stop
        at = stop


SHORT_BODY = 4


def _after_head(lines: list[str], head: int) -> int | None:
    """The line after a method's `def …:`, when that has the usual form."""
    if lines[head].endswith("):") or (lines[head].endswith(":") and ") -> " in lines[head]):
        return head + 1
    for at in range(head + 1, len(lines)):
        if _HEAD_END.match(lines[at]):
            return at + 1
        if not _INDENT.match(lines[at]):
            return None
    return None


Part = ast.stmt | Definition
_FRESH = late_pattern(
    r"\n[^ \t)\]}#\n]"
)  # a line that starts something in the first column; plain text first is found fastest
_DEFINITION = late_pattern(r"(?:async +)?(?:def|class) +(\w+)")
_STARTS = ("def ", "class ", "async def ", "@")
_ASSIGNED = late_pattern(r"([^\W\d]\w*)(?: *: *[\w.\[\], |]+)? = (?!\w+(?: *:[^=\n]*)? = )")


def parts_of(source: SourceText) -> list[Part]:
    """A file's top-level statements, its definitions left unparsed; where that is not plain, all of them parsed."""
    definitions = _definitions(source)
    if definitions is None:
        return list(parse(source).body)
    rest: list[str] = []
    done = 0
    for start, stop, _ in definitions:
        rest += [source.text[done:start], "\n" * source.text.count("\n", start, stop)]
        done = stop
    rest.append(source.text[done:])
    others = parse(SourceText(source.dotted, source.shown, "".join(rest))).body
    found = [each for _, _, each in definitions]
    return sorted([*others, *found], key=lambda part: part.first if isinstance(part, Definition) else part.lineno)


def _definitions(source: SourceText) -> list[tuple[int, int, Definition]] | None:
    """The definitions that start in the first column, with their offsets; None where quotes make their ends unsure."""
    text = source.text
    fresh = [match.start() for match in _FRESH.finditer(f"\n{text}")]
    found: list[tuple[int, int, Definition]] = []
    others: list[tuple[int, int]] = []
    line, counted, at = 1, 0, 0
    while at < len(fresh):
        start = fresh[at]
        if not text.startswith(_STARTS, start):
            at += 1
            others.append((start, fresh[at] if at < len(fresh) else len(text)))
            continue
        head, after = _end_of_definition(text, fresh, at)
        stop = fresh[after] if after < len(fresh) else len(text)
        if head is None or text.count('"""', start, stop) % 2 or text.count("'''", start, stop) % 2:
            return None
        line += text.count("\n", counted, start)
        counted = start
        found.append((start, stop, Definition(head, source, text[start:stop], line)))
        at = after
    return sorted([*found, *_assignments(source, others)], key=_offset) or None


def _offset(found: tuple[int, int, Definition]) -> int:
    return found[0]


def _assignments(source: SourceText, chunks: list[tuple[int, int]]) -> list[tuple[int, int, Definition]]:
    """Those statements that bind one name; none where a bracket, a quote or a `\\` may make two of the chunks one statement."""
    text = source.text
    found: list[tuple[int, int, Definition]] = []
    line, counted = 1, 0
    for start, stop in chunks:
        chunk = text[start:stop]
        if '"""' in chunk or "'''" in chunk:
            if _quotes(chunk, 0, len(chunk)) % 2:
                return []
        elif "\\\n" in chunk or any(chunk.count(one) != chunk.count(other) for one, other in _BRACKETS):
            return []
        elif (head := _ASSIGNED.match(chunk)) and ";" not in chunk:
            line += text.count("\n", counted, start)
            counted = start
            found.append((start, stop, Definition(head[1], source, chunk, line)))
    return found


_BRACKETS = (("(", ")"), ("[", "]"), ("{", "}"))


def _quotes(text: str, start: int, stop: int) -> int:
    """How many triple quotes stand in a part of the text."""
    return text.count('"""', start, stop) + text.count("'''", start, stop)


def _end_of_definition(text: str, fresh: list[int], at: int) -> tuple[str | None, int]:
    """The name that a definition binds, and which of the fresh lines comes after it."""
    name: str | None = None
    quotes, counted = 0, fresh[at]
    while at < len(fresh):
        line = fresh[at]
        quotes += _quotes(text, counted, line)
        counted = line
        if quotes % 2 == 0:
            if name is not None:
                break
            head = _DEFINITION.match(text, line)
            name = head[1] if head else None
        at += 1
    return name, at


class ParsedFile:
    """A file's top-level statements by the names that they bind or change.

    Args:
        source: The file.
    """

    __slots__ = ("index", "stars")

    def __init__(self, source: SourceText) -> None:
        self.index: dict[str, list[Part]] = {}
        self.stars: list[ast.ImportFrom] = []
        parts = parts_of(source)
        for part in parts:
            for name in dict.fromkeys(names_touched(part, self.stars)):
                self.index.setdefault(name, []).append(part)
        if " global " in source.text:
            from archviz.interpreter.earlier_values import add_bound_by_calls

            add_bound_by_calls(self.index, parts)


_parsed: dict[SourceText, ParsedFile] = {}


def parsed_file(source: SourceText) -> ParsedFile:
    """A parsed file, the same one for the same text; the longest unused are forgotten beyond KEPT_CHARACTERS."""
    found = _parsed.pop(source, None)
    if found is None:
        found = ParsedFile(source)
        kept = list(_parsed)  # at once: other threads read files too
        room = KEPT_CHARACTERS - len(source.text) - sum(len(each.text) for each in kept)
        for old in kept:
            if room >= 0:
                break
            room += len(old.text)
            _parsed.pop(old, None)
    _parsed[source] = found
    return found


def names_touched(statement: Part, stars: list[ast.ImportFrom]) -> Iterator[str]:
    """The module-level names that a statement binds or changes; star imports are collected in `stars`."""
    if isinstance(statement, (*SCOPES, Definition)):
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
