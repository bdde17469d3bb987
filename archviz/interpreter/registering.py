"""Classes that put themselves into a table when they are defined.

Files run a name at a time, so a class that nobody names is never defined.  A class whose base writes a table in `__init_subclass__` must be
there all the same before the table is read: `DYNAMIC_LAYER_TYPE_MAPPING[cls._layer_type] = cls`.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any

from archviz.interpreter.control import RaisedError, UnsupportedError
from archviz.interpreter.modules import SourceModule
from archviz.interpreter.parsing import Definition, body_of
from archviz.interpreter.values import ClassMethod, ClassValue, FunctionValue

if TYPE_CHECKING:
    from archviz.interpreter.machine import Interpreter

HOOK = "__init_subclass__"
_HEAD = re.compile(r"^class\s+\w+\s*(?:\(([^)]*)\))?\s*:", re.MULTILINE)
_ADDING = frozenset({"add", "append", "insert", "register", "setdefault", "update"})


def define_registering(interp: Interpreter, module: SourceModule | None) -> None:
    """Define the top-level classes of a file that register themselves with a base."""
    if module is None:
        return
    known: dict[str, bool] = {}
    for name in list(module.index):
        if _class_of(module, name) is not None and _registers(module, name, known):
            try:
                module.find(name)
            except (RaisedError, UnsupportedError) as error:
                interp.note(f"the class {name}, which registers itself, is not understood: {error}")


def _class_of(module: SourceModule, name: str) -> Definition | ast.ClassDef | None:
    """The top-level class of this name, unparsed where it was not wanted yet."""
    for part in module.index.get(name, ()):
        if isinstance(part, ast.ClassDef) or (isinstance(part, Definition) and _HEAD.search(part.text)):
            return part
    return None


def _registers(module: SourceModule, name: str, known: dict[str, bool]) -> bool:
    """Whether a name stands for a class whose definition, or that of a class made from it, writes a table."""
    if name not in known:
        known[name] = False  # a class that names itself among its bases
        part = _class_of(module, name)
        if part is None:
            known[name] = _has_hook(_value(module, name))
        else:
            known[name] = _has_own_hook(part) or any(_registers(module, base, known) for base in _bases(part))
    return known[name]


def _bases(part: Definition | ast.ClassDef) -> list[str]:
    if isinstance(part, ast.ClassDef):
        return [base.id for base in part.bases if isinstance(base, ast.Name)]
    head = _HEAD.search(part.text)
    return [base.strip() for base in head[1].split(",") if base.strip().isidentifier()] if head and head[1] else []


def _has_own_hook(part: Definition | ast.ClassDef) -> bool:
    if isinstance(part, Definition) and HOOK not in part.text:
        return False
    body = getattr(part.parsed() if isinstance(part, Definition) else part, "body", ())
    return any(isinstance(each, ast.FunctionDef) and each.name == HOOK and _writes(each) for each in body)


def _value(module: SourceModule, name: str) -> Any:
    try:
        return module.find(name)
    except (RaisedError, UnsupportedError):
        return None


def _has_hook(cls: Any) -> bool:
    for base in cls.mro if isinstance(cls, ClassValue) else ():
        hook = base.namespace.get(HOOK)
        hook = hook.function if isinstance(hook, ClassMethod) else hook
        if isinstance(hook, FunctionValue) and isinstance(hook.node, ast.FunctionDef) and _writes(hook.node):
            return True
    return False


def _writes(function: ast.FunctionDef) -> bool:
    """Whether a function puts something into a table: an item that it sets, a method that adds."""
    for statement in body_of(function):
        for node in ast.walk(statement):
            if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
                return True
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _ADDING:
                return True
    return False


__all__ = ["define_registering"]
