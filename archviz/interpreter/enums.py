"""Members of enums: what a class body makes, what `auto()` stands for, what flags are joined to.  Source: Lib/enum.py."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from archviz.interpreter.control import RaisedError
from archviz.interpreter.values import (
    ClassMethod,
    ClassValue,
    FunctionValue,
    Instance,
    NativeFunction,
    PropertyValue,
    StaticMethod,
)

if TYPE_CHECKING:
    from archviz.interpreter.machine import Interpreter

ENUM, FLAG, INT_FLAG = "enum.Enum", "enum.Flag", "enum.IntFlag"
NEXT = "_generate_next_value_"
AUTO = object()  # `auto()`
_NO_MEMBERS = (FunctionValue, NativeFunction, ClassMethod, StaticMethod, PropertyValue)


class Members(dict[str, Any]):
    """The members of an enum by name, as a loop over its class finds them.

    Args:
        others: Further names: of members named before, of no bit or several bits of a flag.
        joined: Value → member of a flag, where no name stands for it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.others: dict[str, Instance] = {}
        self.joined: dict[int, Instance] = {}

    def __missing__(self, name: str) -> Instance:
        return self.others[name]


class EnumNames(dict[str, Any]):
    """The names of the body of an enum: `auto()` stands for a number as soon as it has a name."""

    def __init__(self, interp: Interpreter, bases: list[ClassValue]) -> None:
        super().__init__()
        self.interp = interp
        self.kinds = {each.qualified for base in bases for each in base.mro}
        self.rule = next((base.lookup(NEXT) for base in bases if base.has(NEXT)), None)

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, self._automatic(name) if value is AUTO else value)

    def _automatic(self, name: str) -> Any:
        """One more than the greatest value before it; the next free bit of a flag; the name of a text; what the class's own rule says."""
        earlier = [value for key, value in self.items() if _is_member(key, value)]
        rule = self.get(NEXT, self.rule)
        if rule is not None:
            function = rule.function if isinstance(rule, StaticMethod) else rule
            return self.interp.call(function, [name, 1, len(earlier), earlier], {})
        if "enum.StrEnum" in self.kinds:
            return name.lower()
        greatest = max((each for each in map(_number, earlier) if each is not None), default=0)
        return 1 << greatest.bit_length() if FLAG in self.kinds else greatest + 1


def is_enum(bases: Iterable[ClassValue]) -> bool:
    """Whether a class of these bases is an enum."""
    return any(each.qualified == ENUM for base in bases for each in base.mro)


def _is_member(name: str, value: Any) -> bool:
    return not name.startswith("_") and not isinstance(value, _NO_MEMBERS)


def _number(value: Any) -> int | None:
    plain = value.payload if isinstance(value, Instance) else value
    return plain if isinstance(plain, int) else None


def make_enum(interp: Interpreter, cls: ClassValue) -> None:
    """Turn the plain attributes of an enum's body into members."""
    members = Members()
    is_flag = any(base.qualified == FLAG for base in cls.mro)
    for name, number in list(cls.namespace.items()):
        if not _is_member(name, number):
            continue
        known = [*members.values(), *members.others.values()]
        same = next((each for each in known if each.payload == number), None)
        if same is not None:  # another name of a member
            cls.namespace[name] = members.others[name] = same
            continue
        member = _member(cls, name, number)
        if is_flag and isinstance(number, int) and number.bit_count() != 1:
            cls.namespace[name] = members.others[name] = member
        else:
            members[name] = member
            del cls.namespace[name]
        init = cls.find("__init__")
        if isinstance(init, FunctionValue):
            interp.call(init, [member, *(number if isinstance(number, tuple) else (number,))], {})
    inherited = next((base.enum_members for base in cls.mro[1:] if base.enum_members), None)
    cls.enum_members = members if members or members.others else inherited


def _member(cls: ClassValue, name: str | None, value: Any) -> Instance:
    member = Instance(cls)
    member.attrs = {"name": name, "value": value, "_value_": value, "_name_": name}
    member.payload = value
    return member


def member_of(interp: Interpreter, cls: ClassValue, wanted: Any) -> Any:
    """`Kind(value)`: the member of that value; of a flag also the joined ones."""
    members = cls.enum_members
    assert isinstance(members, Members)
    for member in (*members.values(), *members.others.values()):
        if member is wanted or member.attrs.get("value") == wanted:
            return member
    number = _number(wanted)
    if number is not None and any(base.qualified == FLAG for base in cls.mro):
        return _joined(interp, cls, members, number)
    if cls.has("_missing_"):
        raw = cls.lookup("_missing_")
        return interp.call(raw.function if isinstance(raw, ClassMethod) else raw, [cls, wanted], {})
    raise _invalid(interp, cls, wanted)


def _invalid(interp: Interpreter, cls: ClassValue, wanted: Any) -> RaisedError:
    return RaisedError(ValueError(f"{wanted!r} is not a valid {cls.name}"), interp.here(), explicit=True)


def _joined(interp: Interpreter, cls: ClassValue, members: Members, value: int) -> Instance:
    """The bits of a value under one name; bits without a member are refused but where the flag is a number."""
    known = all_bits(members)
    is_number = any(base.qualified == INT_FLAG for base in cls.mro)
    if value < 0:
        value += 1 << (max(known.bit_length(), value.bit_length()) if is_number else known.bit_length())
    if (value < 0 or value & ~known) and not is_number:
        raise _invalid(interp, cls, value)
    if value in members.joined:
        return members.joined[value]
    parts = bits_of(members, value)
    left = value & ~all_bits(parts)
    name = "|".join([*(str(each.attrs["name"]) for each in parts), *([str(left)] if left else [])])
    made = members.joined[value] = _member(cls, name if parts else None, value)
    return made


def all_bits(members: Any) -> int:
    """The bits that have a member."""
    found = 0
    for each in members.values() if isinstance(members, dict) else members:
        found |= _number(each) or 0
    return found


def bits_of(members: dict[str, Any], value: int) -> list[Instance]:
    """The members of the bits of a value."""
    return [each for each in members.values() if (bit := _number(each)) is not None and bit & value]
