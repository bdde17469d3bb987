"""Tables of rules: one small function for each syntax node, put in by a decorator."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TypeVar

Rule = TypeVar("Rule")


def into(table: dict[type, Rule]) -> Callable[..., Callable[[Rule], Rule]]:
    """The decorator `rule_of(ast.Node, …)` that puts a function into a table as the rule of these nodes."""

    def rule_of(*nodes: type[ast.AST]) -> Callable[[Rule], Rule]:
        def register(rule: Rule) -> Rule:
            for node in nodes:
                table[node] = rule
            return rule

        return register

    return rule_of
