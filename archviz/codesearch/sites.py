"""From a syntax tree to its sites: calls, definitions, decorators, slices, branches, imports, assigned functions.

One walk in source order, without recursion, since analysed code may be nested as deep as its author likes. The walk also
fills the scopes, so what a name stands for can be asked once it is over.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from archviz.codesearch.names import family_prefix
from archviz.codesearch.result import SiteKind
from archviz.codesearch.scopes import Scope, dotted, functions_of

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Site:
    """A place in code that a topic may be about.

    Args:
        kind: What it is.
        node: Its syntax.
        scope: Where it stands; for a definition the scope that it opens.
        name: The name called, defined, decorated with or assigned, as written; empty for slices and conditions.
        targets: Names that its value is assigned to.
    """

    kind: SiteKind
    node: ast.AST
    scope: Scope
    name: str = ""
    targets: tuple[str, ...] = ()


def sites_of(tree: ast.Module) -> list[Site]:
    """All sites of a file in source order."""
    walk = _Walk()
    walk.run(tree)
    return walk.sites


class _Walk:
    def __init__(self) -> None:
        self.sites: list[Site] = []
        self.targets: dict[int, tuple[str, ...]] = {}
        self.waiting: list[tuple[ast.AST, Scope]] = []

    def run(self, tree: ast.Module) -> None:
        module = Scope("module")
        self.waiting.append((tree, module))
        while self.waiting:
            node, scope = self.waiting.pop()
            children = self.visit(node, scope)
            self.waiting.extend(
                reversed([(child, scope) if isinstance(child, ast.AST) else child for child in children])
            )
        module.family = family_prefix([site.name for site in self.sites if isinstance(site.node, ast.ClassDef)])

    def visit(self, node: ast.AST, scope: Scope) -> Sequence[ast.AST | tuple[ast.AST, Scope]]:
        """Note what stands at a node; its children, with their scope where that is another."""
        if isinstance(node, ast.Call):
            return self._call(node, scope)
        if isinstance(node, FunctionNode | ast.ClassDef):
            return self._definition(node, scope)
        if isinstance(node, ast.Import | ast.ImportFrom):
            self._import(node, scope)
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr):
            self._assignment(node, scope)
        elif isinstance(node, ast.Subscript):
            self._add("slice", node, scope, dotted(node.value))
        elif isinstance(node, ast.If | ast.IfExp):
            self._add("branch", node, scope)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow | ast.MatMult):
            self._add("expression", node, scope)
        return list(ast.iter_child_nodes(node))

    def _add(self, kind: SiteKind, node: ast.AST, scope: Scope, name: str = "") -> None:
        self.sites.append(Site(kind, node, scope, name, self.targets.pop(id(node), ())))

    def _call(self, node: ast.Call, scope: Scope) -> list[ast.AST]:
        name = dotted(node.func)
        self._add("call", node, scope, name)
        inner = [node.func.value] if isinstance(node.func, ast.Attribute) else []
        function = [] if isinstance(node.func, ast.Attribute | ast.Name) else [node.func]
        return [*inner, *function, *node.args, *(keyword.value for keyword in node.keywords)]

    def _definition(self, node: FunctionNode | ast.ClassDef, scope: Scope) -> list[ast.AST | tuple[ast.AST, Scope]]:
        inner = _open(node, scope)
        scope.defined[node.name] = inner
        outside: list[ast.AST] = []
        for decorator in node.decorator_list:
            called = decorator if isinstance(decorator, ast.Call) else None
            self.sites.append(Site("decorator", decorator, inner, dotted(called.func if called else decorator)))
            outside += [*called.args, *(keyword.value for keyword in called.keywords)] if called else []
        self.sites.append(Site("definition", node, inner, node.name))
        if isinstance(node, ast.ClassDef):
            outside += node.bases
        else:
            outside += _give_defaults(node, inner)
        return [*outside, *((statement, inner) for statement in node.body)]

    def _import(self, node: ast.Import | ast.ImportFrom, scope: Scope) -> None:
        module = "." * node.level + (node.module or "") if isinstance(node, ast.ImportFrom) else ""
        for alias in node.names:
            if alias.name == "*":
                scope.stars.append(module)
                self.sites.append(Site("import", node, scope, module))
                continue
            full = _member(module, alias.name)
            bound = alias.asname or (alias.name if module else alias.name.partition(".")[0])
            target = full if module or alias.asname else bound
            known = scope.imported.setdefault(bound, [])
            if target not in known and len(known) < 8:
                known.append(target)
            self.sites.append(Site("import", node, scope, full))

    def _assignment(self, node: ast.Assign | ast.AnnAssign | ast.NamedExpr, scope: Scope) -> None:
        if node.value is None:
            return
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target, value in _pairs(targets, node.value):
            self.targets[id(value)] = (*self.targets.get(id(value), ()), *_target_names(target))
            place = _place(target, scope)
            if place is None:
                continue
            place[0].give(place[1], value, scope)
            if not isinstance(value, ast.Dict):
                self._add_aliases(node, scope, value, dotted(target))

    def _add_aliases(self, node: ast.AST, scope: Scope, value: ast.expr, target: str) -> None:
        for function in functions_of(value):
            name = "" if isinstance(function, ast.Call) else dotted(function)
            if name and not name.startswith("."):
                self.sites.append(Site("alias", node, scope, name, (target,)))


def _open(node: FunctionNode | ast.ClassDef, scope: Scope) -> Scope:
    if isinstance(node, ast.ClassDef):
        return Scope("class", node.name, scope, bases=tuple(filter(None, map(dotted, node.bases))))
    arguments = [*node.args.posonlyargs, *node.args.args]
    return Scope("function", node.name, scope, first=arguments[0].arg if arguments else None)


def _give_defaults(node: FunctionNode, inner: Scope) -> list[ast.AST]:
    """Let parameters stand for their defaults, as in `def forward(self, q, rope=apply_rotary)`."""
    positional = [*node.args.posonlyargs, *node.args.args]
    defaults = node.args.defaults
    pairs = list(zip(positional[len(positional) - len(defaults) :], defaults, strict=True))
    pairs += [(name, value) for name, value in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True) if value]
    outer = inner.parent or inner
    for parameter, value in pairs:
        inner.give(parameter.arg, value, outer)
    return [value for _, value in pairs]


def _member(module: str, name: str) -> str:
    if not module:
        return name
    return f"{module}{name}" if module.endswith(".") else f"{module}.{name}"


def _pairs(targets: Sequence[ast.expr], value: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Targets with their values; `a, b = f, g` is two pairs."""
    for target in targets:
        both = isinstance(target, ast.Tuple | ast.List) and isinstance(value, ast.Tuple | ast.List)
        if both and len(target.elts) == len(value.elts):  # type: ignore[attr-defined]
            yield from zip(target.elts, value.elts, strict=True)  # type: ignore[attr-defined]
        else:
            yield target, value


def _target_names(target: ast.expr) -> list[str]:
    parts = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
    names = [dotted(part.value if isinstance(part, ast.Starred) else part) for part in parts]
    return [name for name in names if name and not name.startswith(".")]


def _place(target: ast.expr, scope: Scope) -> tuple[Scope, str] | None:
    """The scope and name that a plain name or an attribute of `self` is kept under."""
    if isinstance(target, ast.Name):
        return scope, target.id
    if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
        owner = scope.owner(target.value.id)
        if owner is not None:
            return owner, target.attr
    return None
