"""Records: dataclasses whose definition costs next to nothing, for the many small classes of a cold command.

`dataclasses.dataclass` writes and compiles three to six functions for each class, about a millisecond of every start on
a slow machine, and its module reads `inspect` in. A record shares its functions with all other records. To a type checker, to
`dataclasses.replace` and `fields` and to pydantic it is a dataclass; what it lacks is slots, an order, and `__post_init__`, and it
holds nothing but its fields (no `cached_property`): they are compared and shown together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

__all__ = ["field", "field_names", "is_record", "record", "replace"]

if TYPE_CHECKING:
    from dataclasses import dataclass as record
    from dataclasses import field, replace
else:

    def record(cls: type | None = None, *, frozen: bool = False, kw_only: bool = False) -> Any:
        """Make a class with annotated fields a record; used as `dataclass` is.

        Args:
            frozen: Its fields cannot be set, and it has a hash.
            kw_only: Its fields are given by name only.
        """
        if cls is None:
            return lambda wrapped: record(wrapped, frozen=frozen, kw_only=kw_only)
        parts = _parts(cls, kw_only=kw_only)
        for name, method in (_FROZEN_METHODS if frozen else _METHODS).items():
            if name not in cls.__dict__:
                setattr(cls, name, method)
        cls.__record__ = _plan(parts)
        cls.__dataclass_fields__ = _Fields(cls, parts)
        return cls

    def field(**options: Any) -> Any:
        """A field's default and more, as `dataclasses.field` takes them."""
        return _Options(options)

    def replace(value: Any, /, **changes: Any) -> Any:
        """A record like another but for some fields, as `dataclasses.replace` makes it."""
        copy = object.__new__(type(value))
        values = copy.__dict__
        values.update(value.__dict__)
        count = len(values)
        values.update(changes)
        if len(values) != count:
            _refuse(value, (), {**value.__dict__, **changes})
        return copy


_GIVEN = object()  # stands for a value that the caller, or a factory, has yet to give


class _Options:
    """What `field` was given, until the record is made."""

    __slots__ = ("given",)

    def __init__(self, given: dict[str, Any]) -> None:
        self.given = given


class _Part:
    """A field: its name, its annotation, whether it is given by name only, and the options of `field`."""

    __slots__ = ("annotation", "by_name", "name", "options")

    def __init__(self, name: str, annotation: Any, options: dict[str, Any], *, by_name: bool) -> None:
        self.name = name
        self.annotation = annotation
        self.options = options
        self.by_name = by_name


def _parts(cls: type, *, kw_only: bool) -> list[_Part]:
    """The fields of a class in order, those of the records that it extends first."""
    parts: dict[str, _Part] = {}
    for base in reversed(cls.__mro__[1:]):
        inherited = base.__dict__.get("__dataclass_fields__")
        if isinstance(inherited, _Fields):
            parts.update({part.name: part for part in inherited.parts})
    for name, annotation in cls.__annotations__.items():
        if str(annotation).startswith(("ClassVar", "typing.ClassVar")):
            continue
        default = cls.__dict__.get(name, _GIVEN)
        if isinstance(default, _Options):
            options = default.given
            if "default" in options:
                setattr(cls, name, options["default"])
            else:
                delattr(cls, name)
        elif type(default).__name__ == "Field":
            raise TypeError(f"{cls.__name__}.{name}: a record takes `archviz.records.field`, not that of dataclasses")
        else:
            options = {} if default is _GIVEN else {"default": default}
        parts[name] = _Part(name, annotation, options, by_name=kw_only)
    return list(parts.values())


class _Fields:
    """A record's `__dataclass_fields__`, made when somebody asks for it: pydantic, `dataclasses.fields`."""

    def __init__(self, cls: type, parts: list[_Part]) -> None:
        self.cls = cls
        self.parts = parts

    def __get__(self, instance: object, owner: type) -> dict[str, Any]:
        import dataclasses

        annotations = {part.name: part.annotation for part in self.parts}
        given = {part.name: dataclasses.field(kw_only=part.by_name, **part.options) for part in self.parts}
        module = self.cls.__module__
        shadow = type(self.cls.__name__, (), {**given, "__annotations__": annotations, "__module__": module})
        plain: Any = dataclasses.dataclass(init=False, repr=False, eq=False)(shadow)
        fields: dict[str, Any] = plain.__dataclass_fields__
        return fields


def _plan(parts: list[_Part]) -> tuple[object, ...]:
    """How a record begins, in order of its fields; which of them must be given, come from factories, may go by place, are not shown."""
    start = {part.name: part.options.get("default", _GIVEN) for part in parts}
    factories = [(part.name, part.options["default_factory"]) for part in parts if "default_factory" in part.options]
    made = {name for name, _ in factories}
    required = frozenset(name for name, value in start.items() if value is _GIVEN and name not in made)
    hidden = frozenset(part.name for part in parts if not part.options.get("repr", True))
    return start, required, factories, tuple(part.name for part in parts if not part.by_name), hidden


def _init(self: Any, /, *args: object, **given: object) -> None:
    start, required, factories, positional, _ = self.__record__
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
    start, required, _, positional, _ = self.__record__
    title = type(self).__name__
    if len(args) > len(positional):
        raise TypeError(f"{title} takes {len(positional)} arguments by place, got {len(args)}")
    unknown, lacking = given.keys() - start.keys(), required - given.keys()
    if unknown or lacking:
        wrong = f"has no field {', '.join(sorted(unknown))}" if unknown else f"lacks {', '.join(sorted(lacking))}"
        raise TypeError(f"{title} {wrong}")
    raise TypeError(f"{title} got {', '.join(sorted(given.keys() & set(positional[: len(args)])))} twice")


def field_names(cls: type) -> tuple[str, ...]:
    """The names of a record's fields, in order."""
    plan: tuple[dict[str, object], ...] = vars(cls)["__record__"]
    return tuple(plan[0])


def is_record(value: object) -> bool:
    """Whether a value is a record; `vars` gives its fields in order."""
    return hasattr(type(value), "__record__")


def _repr(self: Any) -> str:
    hidden = self.__record__[4]
    shown = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items() if name not in hidden)
    return f"{type(self).__qualname__}({shown})"


def _eq(self: Any, other: object) -> Any:
    if type(other) is not type(self):
        return NotImplemented
    values = self.__dict__
    return values == other.__dict__


def _hash(self: Any) -> int:
    return hash(tuple(self.__dict__.values()))


def _set(self: object, name: str, value: object) -> NoReturn:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _delete(self: object, name: str) -> NoReturn:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot delete field {name!r}")


_METHODS: dict[str, Any] = {"__init__": _init, "__repr__": _repr, "__eq__": _eq, "__hash__": None}
_FROZEN_METHODS: dict[str, Any] = {**_METHODS, "__hash__": _hash, "__setattr__": _set, "__delattr__": _delete}
