"""Records: dataclasses whose definition costs next to nothing, for the many small classes of a cold command.

`dataclasses.dataclass` writes and compiles three to six functions for each class, about a millisecond of every start on
a slow machine. A record shares its functions with all other records. To a type checker, to `dataclasses.replace` and
`fields` and to pydantic it is a dataclass; what it lacks is slots, an order, and `__post_init__`, and it holds nothing but its
fields (no `cached_property`): they are compared and shown together.
"""

from __future__ import annotations

from dataclasses import MISSING, FrozenInstanceError, dataclass, fields
from typing import TYPE_CHECKING, Any, NoReturn

__all__ = ["is_record", "record"]

if TYPE_CHECKING:
    from dataclasses import dataclass as record
else:

    def record(cls: type | None = None, *, frozen: bool = False, kw_only: bool = False) -> Any:
        """Make a class with annotated fields a record; used as `dataclass` is.

        Args:
            frozen: Its fields cannot be set, and it has a hash.
            kw_only: Its fields are given by name only.
        """
        if cls is None:
            return lambda wrapped: record(wrapped, frozen=frozen, kw_only=kw_only)
        documented = cls.__doc__
        cls.__doc__ = documented or "-"  # else `dataclass` writes a signature there, the dearest part of all
        dataclass(init=False, repr=False, eq=False, kw_only=kw_only)(cls)
        cls.__doc__ = documented
        for name, method in (_FROZEN_METHODS if frozen else _METHODS).items():
            if name not in cls.__dict__:
                setattr(cls, name, method)
        cls.__record__ = _plan(cls)
        return cls


_GIVEN = object()  # stands for a value that the caller, or a factory, has yet to give


def _plan(cls: type) -> tuple[object, ...]:
    """How a record begins, in order of its fields; which of them must be given, come from factories, may go by place."""
    parts = fields(cls)
    start = {part.name: _GIVEN if part.default is MISSING else part.default for part in parts}
    factories = [(part.name, part.default_factory) for part in parts if part.default_factory is not MISSING]
    made = {name for name, _ in factories}
    required = frozenset(name for name, value in start.items() if value is _GIVEN and name not in made)
    return start, required, factories, tuple(part.name for part in parts if not part.kw_only)


def _init(self: Any, /, *args: object, **given: object) -> None:
    start, required, factories, positional = self.__record__
    values = self.__dict__
    values.update(start)
    if args:
        placed = dict(zip(positional, args, strict=False))
        if len(args) > len(positional) or not placed.keys().isdisjoint(given):
            _refuse(self, args, given)
        given = {**placed, **given}
    values.update(given)
    for name, make in factories:
        if values[name] is _GIVEN:
            values[name] = make()
    if len(values) != len(start) or not required <= given.keys():
        _refuse(self, args, given)


def _refuse(self: Any, args: tuple[object, ...], given: dict[str, object]) -> NoReturn:
    """Say what is wrong with the arguments of a record."""
    start, required, _, positional = self.__record__
    title = type(self).__name__
    if len(args) > len(positional):
        raise TypeError(f"{title} takes {len(positional)} arguments by place, got {len(args)}")
    unknown, lacking = given.keys() - start.keys(), required - given.keys()
    if unknown or lacking:
        wrong = f"has no field {', '.join(sorted(unknown))}" if unknown else f"lacks {', '.join(sorted(lacking))}"
        raise TypeError(f"{title} {wrong}")
    raise TypeError(f"{title} got {', '.join(sorted(given.keys() & set(positional[: len(args)])))} twice")


def is_record(value: object) -> bool:
    """Whether a value is a record; `vars` gives its fields in order."""
    return hasattr(type(value), "__record__")


def _repr(self: Any) -> str:
    shown = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items())
    return f"{type(self).__qualname__}({shown})"


def _eq(self: Any, other: object) -> Any:
    if type(other) is not type(self):
        return NotImplemented
    values = self.__dict__
    return values == other.__dict__


def _hash(self: Any) -> int:
    return hash(tuple(self.__dict__.values()))


def _set(self: object, name: str, value: object) -> NoReturn:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _delete(self: object, name: str) -> NoReturn:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


_METHODS: dict[str, Any] = {"__init__": _init, "__repr__": _repr, "__eq__": _eq, "__hash__": None}
_FROZEN_METHODS: dict[str, Any] = {**_METHODS, "__hash__": _hash, "__setattr__": _set, "__delattr__": _delete}
