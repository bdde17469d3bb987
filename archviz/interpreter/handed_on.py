"""Numbers of a module that it hands on to a part which may never look at them: `self.compressor(x, cache, self.layer_idx)`.

Layers that differ in such a number alone run once (`sharing.py`), so a number counts as read only where it is. Until then the frame
of the called `forward` holds it apart from its names (`Frame.unread`).
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, NamedTuple

from archviz.interpreter.parsing import body_of
from archviz.interpreter.values import FunctionValue, ModuleInstance

if TYPE_CHECKING:
    from archviz.interpreter.machine import Interpreter
    from archviz.interpreter.scope import Frame

Key = tuple[int, str]
"""A module (`id`) and the name of its attribute."""
_SCOPES = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp,
)  # fmt: skip
_ALL_NAMES = frozenset({"locals", "vars", "eval", "exec", "dir"})
_KNOWN = "archviz_plainly_read"  # the attribute of a definition's node that holds which parameters are


class Handing(NamedTuple):
    """Numbers on their way to a module's `forward`: the parameter, and where each comes from."""

    module: ModuleInstance
    keys: dict[str, Key]


def arguments(interp: Interpreter, node: ast.Call, frame: Frame, module: ModuleInstance) -> list[Any] | None:
    """The positional arguments of a call of a module that is handed numbers; None where it is handed none that may stay unread."""
    if not any(each.__class__ is ast.Attribute or frame.unread for each in node.args):
        return None
    recorder = interp.recorder
    origins = {place: key for place, each in enumerate(node.args) if (key := _origin(each, frame)) is not None}
    if not origins or recorder is None or any(each.__class__ is ast.Starred for each in node.args):
        return None
    names = _parameters(interp, module, len(node.args))
    keys: dict[str, Key] = {}
    values = []
    for place, argument in enumerate(node.args):
        key = origins.get(place)
        held = frame.unread.get(argument.id) if frame.unread and isinstance(argument, ast.Name) else None
        new = key is not None and key not in recorder.numbers_read
        value = interp.evaluate(argument, frame) if held is None or place >= len(names) else held[0]
        if key is not None and new and place < len(names) and type(value) is int:
            recorder.numbers_read.discard(key)
            keys[names[place]] = key
        values.append(value)
    if keys:
        interp.handing = Handing(module, keys)
    return values


def _origin(argument: ast.expr, frame: Frame) -> Key | None:
    """The attribute of a module that an argument reads, or that a number nobody has read yet comes from."""
    if argument.__class__ is ast.Attribute and argument.value.__class__ is ast.Name:
        owner = frame.names.get(argument.value.id)
        name = argument.attr
        return (id(owner), name) if owner.__class__ is ModuleInstance and type(owner.attrs.get(name)) is int else None
    if frame.unread and argument.__class__ is ast.Name:
        held = frame.unread.get(argument.id)
        return held[1] if held is not None else None
    return None


def _parameters(interp: Interpreter, module: ModuleInstance, count: int) -> tuple[str, ...]:
    """The parameters of a module's `forward` that positional arguments go to; none where a call of it is more than that of a plain function."""
    forward = module.cls.find("forward")
    path = interp.recorder.path_of(module) if interp.recorder is not None else None
    if forward.__class__ is not FunctionValue or forward.around is not None or "forward" in module.attrs or not path:
        return ()
    return tuple(forward.signature.positional[1 : count + 1]) if not path.rpartition(".")[2].isdigit() else ()


def take(interp: Interpreter, function: FunctionValue, frame: Frame) -> None:
    """Hold the numbers on their way apart, where a frame is that of the `forward` they go to; else they count as read."""
    handing = interp.handing
    interp.handing = None
    if handing is None or interp.recorder is None:
        return
    first = function.signature.positional[:1]
    its_own = bool(first) and frame.names.get(first[0]) is handing.module and function.name == "forward"
    for name, key in handing.keys.items():
        if its_own and name in frame.names and _plainly_read(function, name):
            frame.unread = {**(frame.unread or {}), name: (frame.names.pop(name), key)}
        else:
            interp.recorder.numbers_read.add(key)


def give_up(interp: Interpreter) -> None:
    """Numbers that no `forward` took, as where an earlier call of the part stands for this one, count as read."""
    if interp.handing is not None and interp.recorder is not None:
        interp.recorder.numbers_read.update(interp.handing.keys.values())
    interp.handing = None


def look_at(interp: Interpreter, frame: Frame, name: str) -> Any:
    """A number that was not read until now."""
    assert frame.unread is not None
    value, key = frame.unread.pop(name)
    frame.names[name] = value
    if interp.recorder is not None:
        interp.recorder.numbers_read.add(key)
    return value


def _plainly_read(function: FunctionValue, name: str) -> bool:
    """Whether a parameter is only ever read by its name, in the function itself."""
    node = function.node
    known: dict[str, bool] = vars(node).setdefault(_KNOWN, {})
    if name not in known:
        body: list[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else [*body_of(node)]
        known[name] = all(_reads_only(each, name) for each in body)
    return known[name]


def _reads_only(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.Name):
        return node.id not in _ALL_NAMES and (node.id != name or isinstance(node.ctx, ast.Load))
    if isinstance(node, _SCOPES):
        return not any(isinstance(each, ast.Name) and each.id in (name, *_ALL_NAMES) for each in ast.walk(node))
    return all(_reads_only(each, name) for each in ast.iter_child_nodes(node))
