"""What a name stands for in one file: imports, functions under other names, attributes of `self`, base classes.

Nothing is run and order does not matter: a name stands for everything that the file ever gives it, so both branches of
`rope = a if fast else b` and both sides of a guarded import are followed.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

_MOST_TARGETS = 8  # what one name may stand for
_MOST_STEPS = 100  # names followed to find that out
_INSTANCE = "()"  # ends the name of a class that stands for an object made from it
_WRAPPERS = frozenset(
    {
        "partial",
        "staticmethod",
        "classmethod",
        "compile",
        "script",
        "get_interface",
        "get",
        "wraps",
        "checkpoint_wrapper",
    }
)
_UNWRAPPED_BY_RECEIVER = frozenset({"get_interface", "get"})


@dataclass(slots=True, eq=False)
class Scope:
    """A module, class or function.

    Args:
        kind: `module`, `class` or `function`.
        name: Its own name; empty for the module.
        parent: The scope around it.
        first: A method's first parameter.
        bases: Names of a class's bases as written.
        imported: Name → what it was imported as, in full.
        given: Name → expressions that it was assigned; for a class also its attributes, set anywhere through `self`.
        defined: Names of functions and classes defined here.
        stars: Modules of `from … import *`.
        family: What most classes of the file begin with; of the module only.
    """

    kind: str
    name: str = ""
    parent: Scope | None = None
    first: str | None = None
    bases: tuple[str, ...] = ()
    imported: dict[str, list[str]] = field(default_factory=dict)
    given: dict[str, list[tuple[ast.expr, Scope]]] = field(default_factory=dict)
    defined: dict[str, Scope] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    family: str = ""

    def path(self, kind: str) -> str | None:
        """Dotted names of the classes, or functions, around and including this scope."""
        names = [scope.name for scope in self.chain() if scope.kind == kind]
        return ".".join(reversed(names)) or None

    def chain(self) -> list[Scope]:
        """This scope and those around it, innermost first."""
        found, scope = [], self
        while True:
            found.append(scope)
            if scope.parent is None:
                return found
            scope = scope.parent

    def owner(self, identifier: str) -> Scope | None:
        """The class whose instance (or which itself) an identifier such as `self` is."""
        for scope in self.chain():
            if scope.kind == "function" and scope.parent and scope.parent.kind == "class":
                return scope.parent if identifier in ("self", "cls", scope.first) else None
        return None

    def give(self, name: str, value: ast.expr, scope: Scope) -> None:
        """Record that a name of this scope was assigned an expression of another."""
        values = self.given.setdefault(name, [])
        if len(values) < _MOST_TARGETS:
            values.append((value, scope))


def dotted(node: ast.expr) -> str:
    """A name as written; a leading dot where it is a method of some expression: `x(y).chunk` is `.chunk`.

    An index is looked through, as in `FUNCTIONS[kind](q)`, and so is `getattr` with a name in quotes.
    """
    parts: list[str] = []
    while True:
        if isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        elif isinstance(node, ast.Subscript) and not parts:
            node = node.value
        elif (named := _getattr(node)) is not None:
            parts.append(named[1])
            node = named[0]
        else:
            break
    parts.append(node.id if isinstance(node, ast.Name) else "")
    return ".".join(reversed(parts))


def _getattr(node: ast.expr) -> tuple[ast.expr, str] | None:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "getattr":
        name = node.args[1] if len(node.args) > 1 else None
        if isinstance(name, ast.Constant) and isinstance(name.value, str) and name.value.isidentifier():
            return node.args[0], name.value
    return None


@dataclass(slots=True)
class Names:
    """What a written name may stand for.

    Args:
        written: The name as written.
        resolved: What it leads to; those found first come first.
        of_module: The name begins with an imported one.
        known: Something defined or imported was reached.
    """

    written: str
    resolved: tuple[str, ...] = ()
    of_module: bool = False
    known: bool = False


class Resolver:
    """Follows names of one file; see `resolve`."""

    def __init__(self) -> None:
        self._done: dict[tuple[str, int], Names] = {}
        self._steps = 0

    def resolve(self, name: str, scope: Scope) -> Names:
        """What a dotted name stands for where it is written."""
        key = (name, id(scope))
        if key not in self._done:
            found: dict[str, bool] = {}
            self._steps = 0
            self._follow(name, scope, found, set())
            plain = dict.fromkeys(target.replace(_INSTANCE, "") for target in found)
            resolved = tuple(target for target in plain if target != name)[:_MOST_TARGETS]
            self._done[key] = Names(name, resolved, self._of_module(name, scope), any(found.values()))
        return self._done[key]

    def _of_module(self, name: str, scope: Scope) -> bool:
        root = name.partition(".")[0]
        return any(root in around.imported for around in scope.chain())

    def _follow(self, name: str, scope: Scope, found: dict[str, bool], seen: set[tuple[str, int]]) -> None:
        self._steps += 1
        if (name, id(scope)) in seen or self._steps > _MOST_STEPS:
            return
        seen.add((name, id(scope)))
        root, _, rest = name.partition(".")
        attribute, _, deeper = rest.partition(".")
        owner = scope.owner(root) if attribute else None
        if owner is not None:
            self._attribute(owner, attribute, deeper, found, seen)
            return
        for around in scope.chain():
            if around.kind == "class" and around is not scope:
                continue  # names of a class body are not seen by its methods
            if root in around.imported:
                found.update(dict.fromkeys((_join(target, rest) for target in around.imported[root]), True))
            for value, place in around.given.get(root, ()):
                self._value(value, place, rest, found, seen)
            if root in around.defined:
                self._defined(name, around.defined[root], rest, found, seen)
            if root in around.imported or root in around.given or root in around.defined:
                return
        for star in (star for around in scope.chain() for star in around.stars):
            found.setdefault(_join(star, name), False)

    def _defined(self, name: str, scope: Scope, rest: str, found: dict[str, bool], seen: set[tuple[str, int]]) -> None:
        found[name] = True
        if scope.kind == "class" and rest:
            attribute, _, deeper = rest.partition(".")
            self._attribute(scope, attribute, deeper, found, seen)

    def _attribute(
        self, owner: Scope, attribute: str, deeper: str, found: dict[str, bool], seen: set[tuple[str, int]]
    ) -> None:
        """An attribute of a class or of its bases, as far as these stand in the same file."""
        waiting, looked = [owner], set[int]()
        while waiting and len(looked) < _MOST_TARGETS:
            scope = waiting.pop(0)
            if id(scope) in looked:
                continue
            looked.add(id(scope))
            for value, place in scope.given.get(attribute, ()):
                self._value(value, place, deeper, found, seen)
            if attribute in scope.defined:
                found[_join(_join(scope.name, attribute), deeper)] = True
            module = scope.chain()[-1]
            waiting += [module.defined[base] for base in scope.bases if base in module.defined]

    def _value(
        self, value: ast.expr, scope: Scope, rest: str, found: dict[str, bool], seen: set[tuple[str, int]]
    ) -> None:
        for target in functions_of(value):
            name = dotted(target.func if isinstance(target, ast.Call) else target)
            if not name or name.startswith("."):
                continue
            if isinstance(target, ast.Call):
                found.update(dict.fromkeys((_join(made, rest) for made in self._instances(name, scope)), True))
                continue
            before = len(found)
            self._follow(_join(name, rest), scope, found, seen)
            if len(found) == before:
                found.setdefault(_join(name, rest), False)

    def _instances(self, name: str, scope: Scope) -> list[str]:
        """What calling a name makes, where it is a class; what functions and modules return is not followed."""
        targets: dict[str, bool] = {}
        self._follow(name, scope, targets, set())
        classes = [target for target in targets or (name,) if target.rpartition(".")[2].lstrip("_")[:1].isupper()]
        return [target + _INSTANCE for target in classes if not target.endswith(_INSTANCE)]


def functions_of(value: ast.expr) -> list[ast.expr]:
    """The names, and calls of classes, that an assigned expression may stand for; what wraps them is taken off."""
    found: list[ast.expr] = []
    waiting = [value]
    while waiting and len(found) < _MOST_TARGETS:
        node = waiting.pop(0)
        if isinstance(node, ast.IfExp):
            waiting += [node.body, node.orelse]
        elif isinstance(node, ast.BoolOp):
            waiting += node.values
        elif isinstance(node, ast.Lambda):
            waiting += [node.body.func] if isinstance(node.body, ast.Call) else []
        elif isinstance(node, ast.Dict):
            waiting += node.values[:_MOST_TARGETS]
        elif isinstance(node, ast.NamedExpr):
            waiting.append(node.value)
        elif isinstance(node, ast.Call) and (wrapped := _wrapped(node)):
            waiting += wrapped
        elif isinstance(node, ast.Name | ast.Attribute | ast.Subscript | ast.Call):
            found.append(node)
    return found


def _wrapped(node: ast.Call) -> list[ast.expr]:
    """What `functools.partial(f, …)`, `staticmethod(f)`, `FUNCTIONS.get(kind, f)` give: a function."""
    name = dotted(node.func).rpartition(".")[2]
    if name not in _WRAPPERS:
        return []
    if name in _UNWRAPPED_BY_RECEIVER:
        fallback = [node.args[1]] if len(node.args) == 2 else []
        return [node.func.value, *fallback] if isinstance(node.func, ast.Attribute) else []
    return node.args[:1]


def _join(name: str, rest: str) -> str:
    return f"{name}.{rest}" if rest else name
