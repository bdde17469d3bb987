"""The text of values: exact, or not understood where PyTorch or an address in memory decides it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from archviz.interpreter.values import (
    BoundMethod,
    FunctionValue,
    Instance,
    LibraryModule,
    ModuleInstance,
    NativeFunction,
    Tensor,
    Unknown,
)

if TYPE_CHECKING:
    from archviz.interpreter.operators import Operators

_DEEPEST = 4
_BY_VALUE = frozenset({"enum.IntEnum", "enum.StrEnum", "enum.IntFlag"})  # their members are written as their values
_ADDRESSED = (FunctionValue, NativeFunction, BoundMethod, LibraryModule)


def text_of(interp: Operators, value: Any, *, is_repr: bool = False) -> Any:
    """`str(value)` or `repr(value)`; Unknown for what holds a module, numbers of a tensor or an address."""
    kind = next(_not_exact(value, is_repr=is_repr), None)
    if kind is not None:
        return Unknown(f"the text of {kind}", interp.here())
    return repr(value) if is_repr else str(value)


def _not_exact(value: Any, depth: int = 0, *, is_repr: bool) -> Iterator[str]:
    """What in a value has no text here, in words."""
    if isinstance(value, Tensor):
        yield "a tensor"
    elif isinstance(value, Instance):
        if value.cls.has("__repr__") or (not is_repr and value.cls.has("__str__")):
            return
        if isinstance(value, ModuleInstance):
            yield f"the module {value.cls.name}"
        elif value.payload is None and value.cls.enum_members is None:
            yield f"an object of {value.cls.name}"
        elif isinstance(value.payload, (list, dict, tuple, set)):
            yield from _not_exact(value.payload, depth + 1, is_repr=True)
    elif isinstance(value, BaseException) and any(isinstance(each, Unknown) for each in value.args):
        yield "an error whose words are not understood"
    elif isinstance(value, _ADDRESSED) or value.__class__ is object:
        yield "a function, module or object, which has its address in it"
    elif depth < _DEEPEST and isinstance(value, (list, tuple, set, dict)):
        for each in [*value.keys(), *value.values()] if isinstance(value, dict) else value:
            yield from _not_exact(each, depth + 1, is_repr=True)


def member_text(member: Instance, *, is_repr: bool = False) -> str:
    """A member of an enum as text: by its name, or of some kinds by its value.  Source: Lib/enum.py `Enum.__str__`."""
    cls = member.cls
    name = f"{cls.name}.{member.attrs.get('name')}"
    if member.attrs.get("name") is None:  # no bit of a flag
        name = f"{cls.name}({member.attrs.get('value')})"
        return f"<{cls.name}: {member.attrs.get('value')!r}>" if is_repr else name
    if is_repr:
        return f"<{name}: {member.attrs.get('value')!r}>"
    return str(member.attrs.get("value")) if any(each.qualified in _BY_VALUE for each in cls.mro) else name
