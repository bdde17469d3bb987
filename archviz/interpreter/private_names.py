"""Private names: inside a class, `__name` stands for `_Class__name`.  Source: Python reference, "Private name mangling"."""

from __future__ import annotations

import ast
from typing import Any

from archviz.late_patterns import late_pattern

_PRIVATE = late_pattern(r"__(?<!\w__)(?!\w*__(?!\w))[^\W\d_]\w*")  # plain text first, which is looked for fastest


def has_private_names(text: str) -> bool:
    """Whether a text may hold any."""
    return "__" in text and _PRIVATE.search(text) is not None


def mangle(tree: ast.Module) -> ast.Module:
    """Write out the private names of all classes of a tree, in place."""
    _Mangling().visit(tree)
    return tree


_NAMED = {
    ast.Name: "id", ast.Attribute: "attr", ast.arg: "arg", ast.keyword: "arg", ast.ExceptHandler: "name",
    ast.FunctionDef: "name", ast.AsyncFunctionDef: "name",
}  # fmt: skip


class _Mangling(ast.NodeTransformer):
    def __init__(self) -> None:
        self.owner = ""  # name of the innermost class, without leading underscores

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        outside = [*node.bases, *node.keywords, *node.decorator_list]
        for each in outside:
            self.visit(each)
        owner, self.owner = self.owner, node.name.lstrip("_")
        for statement in node.body:
            self.visit(statement)
        self.owner = owner
        node.name = self._mangled(node.name)
        return node

    def generic_visit(self, node: ast.AST) -> Any:
        field = _NAMED.get(type(node))
        if field is not None:
            setattr(node, field, self._mangled(getattr(node, field)))
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            node.names = [self._mangled(name) for name in node.names]
        elif isinstance(node, ast.alias) and node.asname:
            node.asname = self._mangled(node.asname)
        return super().generic_visit(node)

    def _mangled(self, name: str | None) -> Any:
        is_private = name is not None and name.startswith("__") and not name.endswith("__")
        return f"_{self.owner}{name}" if is_private and self.owner else name
