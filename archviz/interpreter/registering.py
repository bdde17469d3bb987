"""Classes that put themselves into a table when they are defined.

Files run a name at a time, so a class that nobody names is never defined.  A class whose base writes a table in `__init_subclass__` must be
there all the same before the table is read (`DYNAMIC_LAYER_TYPE_MAPPING[cls._layer_type] = cls`), and so must, in a model's own code, a
class or function under a decorator that writes one (`@MODELS.register("mixer")`), in any file that is imported.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from archviz.interpreter.control import RaisedError, UnsupportedError
from archviz.interpreter.modules import SourceModule, absolute_name
from archviz.interpreter.parsing import Definition, body_of
from archviz.interpreter.values import ClassMethod, ClassValue, FunctionValue
from archviz.late_patterns import late_pattern

if TYPE_CHECKING:
    from archviz.interpreter.machine import Interpreter

HOOK = "__init_subclass__"
MOST_FILES = 200
_HEAD = late_pattern(r"^class\s+\w+\s*(?:\(([^)]*)\))?\s*:", re.MULTILINE)
_ADDING = frozenset({"add", "append", "insert", "register", "setdefault", "update"})


def define_registering(interp: Interpreter, module: SourceModule | None) -> None:
    """Define the top-level classes of a file, and of a model's own files that it imports, that register themselves."""
    for each in _imported_files(interp, module):
        known: dict[str, bool] = {}
        is_own = not each.dotted.startswith("transformers.")
        for name in list(each.index):
            part = _class_of(each, name)
            if (part is not None and _registers(each, name, known)) or (is_own and _is_put_into_a_table(each, name)):
                try:
                    each.find(name)
                except (RaisedError, UnsupportedError) as error:
                    interp.note(f"{name}, which registers itself, is not understood: {error}")


def _imported_files(interp: Interpreter, module: SourceModule | None) -> list[SourceModule]:
    """A file, and where it is a model's own the own files that it imports, each once."""
    found = [] if module is None else [module]
    for each in found:
        if each.dotted.startswith("transformers.") or len(found) >= MOST_FILES:
            break
        for name in dict.fromkeys(_imported_modules(each)):
            other = interp.find_module(name)
            if isinstance(other, SourceModule) and not name.startswith("transformers") and other not in found:
                found.append(other)
    return found


def _imported_modules(module: SourceModule) -> Iterator[str]:
    """The dotted names of the modules that a file imports at its top."""
    parts = [part for parts in module.index.values() for part in parts if not isinstance(part, Definition)]
    for part in [*parts, *module.stars]:
        for node in ast.walk(part):
            if isinstance(node, ast.ImportFrom):
                name = absolute_name(module, node)
                yield from (name, *(f"{name}.{each.name}" for each in node.names if not node.module))
            elif isinstance(node, ast.Import):
                yield from (each.name for each in node.names)


def _is_put_into_a_table(module: SourceModule, name: str) -> bool:
    """Whether a decorator of a class or function writes a table."""
    for part in module.index.get(name, ()):
        if isinstance(part, Definition) and not part.text.lstrip().startswith("@"):
            continue
        node = part.parsed() if isinstance(part, Definition) else part
        decorators = getattr(node, "decorator_list", ())
        if any(_is_register(module, each.func if isinstance(each, ast.Call) else each) for each in decorators):
            return True
    return False


def _is_register(module: SourceModule, decorator: ast.expr) -> bool:
    """Whether a decorator is a method called `register…`, or a function of the code that writes a table."""
    if isinstance(decorator, ast.Attribute):
        return decorator.attr.startswith("register")
    found = _value(module, decorator.id) if isinstance(decorator, ast.Name) else None
    return isinstance(found, FunctionValue) and isinstance(found.node, ast.FunctionDef) and _writes(found.node)


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
