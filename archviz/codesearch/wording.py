"""How a site is written down: its call, arguments and source on one line each, never longer than a bound."""

from __future__ import annotations

import ast

from archviz.codesearch.sites import FunctionNode, Site
from archviz.late_patterns import late_pattern

_LONGEST = 600  # characters of one call, argument or line
_LONGEST_NODE = 4_000  # characters of an expression that is still written anew on one line
_LINE_END = late_pattern(r"\r\n|\r|\n")  # as Python counts lines; str.splitlines counts form feeds too


class SourceLines:
    """The lines of one file, and the text of the syntax that stands in them."""

    def __init__(self, text: str) -> None:
        self.lines = _LINE_END.split(text)

    def line(self, number: int) -> str:
        """A line without indentation."""
        return shorten(self.lines[number - 1].strip()) if 0 < number <= len(self.lines) else ""

    def text(self, node: ast.expr | ast.arg | ast.keyword) -> str:
        """An expression on one line, as written where it stands on one, else rewritten without its comments."""
        end = node.end_lineno or node.lineno
        if end == node.lineno:
            piece = self.lines[node.lineno - 1]
            if not piece.isascii():  # columns are counted in bytes
                return shorten(piece.encode()[node.col_offset : node.end_col_offset].decode("utf-8", "replace"))
            return shorten(piece[node.col_offset : node.end_col_offset])
        if sum(len(line) for line in self.lines[node.lineno - 1 : end]) > _LONGEST_NODE:
            return shorten(self.line(node.lineno) + " …")
        try:
            return shorten(ast.unparse(node))
        except RecursionError:
            return shorten(self.line(node.lineno) + " …")


def shorten(text: str) -> str:
    """A text of bounded length."""
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def line_of(site: Site) -> int:
    """Where a reader would look: of a method in a chain over several lines, the line that names the method."""
    node = site.node
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.end_lineno or node.lineno
    return int(getattr(node, "lineno", 1))


def call_text(site: Site, lines: SourceLines) -> str:
    """The site on one line."""
    node = site.node
    if isinstance(node, FunctionNode):
        name = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
        return shorten(f"{name} {node.name}({', '.join(argument_texts(site, lines))})")
    if isinstance(node, ast.ClassDef):
        bases = ", ".join(argument_texts(site, lines))
        return shorten(f"class {node.name}({bases})" if bases else f"class {node.name}")
    if isinstance(node, ast.If | ast.IfExp):
        return shorten(f"if {lines.text(node.test)}")
    if site.kind == "alias" and isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr) and node.value:
        return shorten(f"{site.targets[0]} = {lines.text(node.value)}")
    if isinstance(node, ast.expr):
        return ("@" if site.kind == "decorator" else "") + lines.text(node)
    return lines.line(line_of(site))


def argument_texts(site: Site, lines: SourceLines) -> tuple[str, ...]:
    """Arguments of a call, parameters of a function, bases of a class, parts of an index."""
    node = site.node
    if isinstance(node, ast.Call):
        parts: list[ast.expr | ast.keyword] = [*node.args, *node.keywords]
        return tuple(lines.text(part) for part in parts)
    if isinstance(node, FunctionNode):
        return tuple(_parameters(node.args, lines))
    if isinstance(node, ast.ClassDef):
        bases: list[ast.expr | ast.keyword] = [*node.bases, *node.keywords]
        return tuple(lines.text(part) for part in bases)
    if isinstance(node, ast.Subscript):
        indices = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        return tuple(lines.text(part) for part in indices)
    return ()


def _parameters(arguments: ast.arguments, lines: SourceLines) -> list[str]:
    """Parameters with their defaults; annotations are left to the source."""
    positional = [*arguments.posonlyargs, *arguments.args]
    plain: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    found = [
        _parameter(name, value, lines) for name, value in zip(positional, [*plain, *arguments.defaults], strict=True)
    ]
    if arguments.vararg:
        found.append(f"*{arguments.vararg.arg}")
    elif arguments.kwonlyargs:
        found.append("*")
    found += [
        _parameter(name, value, lines) for name, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    ]
    return found + ([f"**{arguments.kwarg.arg}"] if arguments.kwarg else [])


def _parameter(parameter: ast.arg, default: ast.expr | None, lines: SourceLines) -> str:
    return parameter.arg if default is None else f"{parameter.arg}={lines.text(default)}"
