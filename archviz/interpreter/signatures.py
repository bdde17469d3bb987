"""The parameters of a function as its calls need them, worked out once for each definition of the parsed file."""

from __future__ import annotations

import ast

from archviz.interpreter.parsing import FunctionNode, body_of, may_yield

_KNOWN = "archviz_signature"  # the attribute of a definition's node that holds its signature


class Signature:
    """Which names a call of a definition binds.

    Args:
        node: The definition.
    """

    __slots__ = (
        "_is_suspended", "by_keyword", "keyword_defaults", "keyword_only", "kwarg", "positional", "positional_only", "size",
        "vararg",
    )  # fmt: skip

    def __init__(self, node: FunctionNode | ast.Lambda) -> None:
        spec = node.args
        self.by_keyword = tuple(each.arg for each in spec.args)
        self.positional = tuple(each.arg for each in spec.posonlyargs) + self.by_keyword
        self.positional_only = len(spec.posonlyargs)
        self.keyword_only = tuple(each.arg for each in spec.kwonlyargs)
        self.keyword_defaults = tuple(each is not None for each in spec.kw_defaults)
        self.vararg = spec.vararg.arg if spec.vararg else None
        self.kwarg = spec.kwarg.arg if spec.kwarg else None
        self.size = len(self.positional) + len(self.keyword_only) + (self.vararg is not None)
        self._is_suspended: bool | None = False if isinstance(node, ast.Lambda) else None

    def is_suspended(self, node: FunctionNode) -> bool:
        """Whether a call runs nothing at first, as of a generator or coroutine; looked for when the function is first called.

        Args:
            node: The definition, which holds its signature: a signature that held it too would keep the tree in memory.
        """
        if self._is_suspended is None:
            is_coroutine = isinstance(node, ast.AsyncFunctionDef)
            self._is_suspended = is_coroutine or (may_yield(node) and any(map(yields, body_of(node))))
        return self._is_suspended


def signature_of(node: FunctionNode | ast.Lambda) -> Signature:
    """The signature of a definition; found once for each."""
    known: Signature | None = vars(node).get(_KNOWN)
    if known is None:
        known = vars(node)[_KNOWN] = Signature(node)
    return known


def yields(node: ast.AST) -> bool:
    """Whether a statement yields, not counting functions defined inside it."""
    pending = [node]
    while pending:
        each = pending.pop()
        if isinstance(each, (ast.Yield, ast.YieldFrom)):
            return True
        if not isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            pending += ast.iter_child_nodes(each)
    return False
