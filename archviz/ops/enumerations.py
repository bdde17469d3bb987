"""`enum`: its classes, and what joins flags.  Source: Lib/enum.py."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from archviz.interpreter.enums import AUTO, FLAG, INT_FLAG, Members, all_bits, bits_of, member_of
from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import Instance


def register(library: Library) -> None:
    library.declare("enum.Enum")
    library.declare("enum.IntEnum", "enum.Enum", host_base=int)
    library.declare("enum.StrEnum", "enum.Enum", host_base=str)
    library.declare(FLAG, "enum.Enum")
    library.declare(INT_FLAG, FLAG, host_base=int)
    library.function("enum.auto")(lambda interp: AUTO)
    library.function("enum.unique")(lambda interp, cls: cls)
    for name, sign in (("or", "|"), ("and", "&"), ("xor", "^")):
        _register_joining(library, name, sign, getattr(operator, f"__{name}__"))
    library.method(f"{FLAG}.__invert__")(_inverted)
    library.method(f"{FLAG}.__iter__")(lambda interp, self: iter(bits_of(self.cls.enum_members or {}, self.payload)))
    library.method(f"{FLAG}.__len__")(lambda interp, self: self.payload.bit_count())
    library.method(f"{FLAG}.__bool__")(lambda interp, self: bool(self.payload))

    @library.method(f"{FLAG}.__contains__")
    def contains(interp: Interpreter, self: Instance, other: Any) -> bool:
        if not (isinstance(other, Instance) and other.cls is self.cls):
            raise TypeError(f"unsupported operand type(s) for 'in': {type(other).__name__!r} and {self.cls.name!r}")
        return bool(other.payload & self.payload == other.payload)


def _register_joining(library: Library, name: str, sign: str, join: Callable[[int, int], int]) -> None:
    @library.method(f"{FLAG}.__{name}__", f"{FLAG}.__r{name}__")
    def joined(interp: Interpreter, self: Instance, other: Any) -> Any:
        is_number = any(base.qualified == INT_FLAG for base in self.cls.mro)
        if isinstance(other, Instance) and other.cls is self.cls:
            other = other.payload
        elif not (is_number and isinstance(other, int)):
            if isinstance(other, Instance):
                return NotImplemented
            kinds = (self.cls.name, type(other).__name__)
            raise TypeError(f"unsupported operand type(s) for {sign}: {kinds[0]!r} and {kinds[1]!r}")
        return member_of(interp, self.cls, join(self.payload, other))


def _inverted(interp: Interpreter, self: Instance) -> Any:
    """All other bits that have a member; of a flag that is a number, its complement."""
    members = self.cls.enum_members
    known = all_bits(members) if isinstance(members, Members) else 0
    is_number = any(base.qualified == INT_FLAG for base in self.cls.mro)
    return member_of(interp, self.cls, ~self.payload if is_number else known & ~self.payload)
