"""How an object of an interpreted class answers Python's own protocols: by the special methods of its class."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import TYPE_CHECKING, Any, cast

from archviz.interpreter.control import RaisedError

if TYPE_CHECKING:
    from archviz.interpreter.values import ClassValue, Instance


_COMPARED = 40  # what a comparison that the host asks for costs: a set of equal hashes compares each with each


class Protocols:
    """Special methods looked up in the class, else in the Python value that an instance of `dict`, `str`, … holds."""

    __slots__ = ()

    if TYPE_CHECKING:
        cls: ClassValue
        payload: Any

    @property
    def held(self) -> Any:
        """The Python value that the object is; a member of an enum is its value only where the enum is text or a number as well."""
        return None if self.cls.enum_members is not None and self.cls.host_base is None else self.payload

    def special(self, name: str) -> Callable[..., Any] | None:
        """The bound special method, from the class or from the payload; None when there is none."""
        if self.cls.has(name):
            method = self.cls.interpreter.get_attribute(self, name)
            return method if callable(method) else None
        held = self.held
        return getattr(held, name, None) if held is not None else None

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        held = self.held
        if held is not None and not self.cls.has("__eq__"):
            return bool(held == (other.held if isinstance(other, Protocols) else other))
        method = self.special("__eq__")
        if method is None:
            return False
        self.cls.interpreter.spend(_COMPARED)
        return bool(method(other))

    def __hash__(self) -> int:
        if self.cls.has("__hash__"):
            return int(self.cls.interpreter.get_attribute(self, "__hash__")())
        if self.payload is not None and isinstance(self.payload, (str, int, tuple)):
            return hash(self.payload)
        return id(self)

    def __len__(self) -> int:
        method = self.special("__len__")
        if method is None:
            raise TypeError(f"object of type '{self.cls.name}' has no len()")
        return int(method())

    def __iter__(self) -> Iterator[Any]:
        method = self.special("__iter__")
        if method is not None:
            found = method()
            return found if isinstance(found, Protocols) else iter(found)
        if self.special("__getitem__") is None:
            raise TypeError(f"'{self.cls.name}' object is not iterable")
        return self._by_index()

    def _by_index(self) -> Iterator[Any]:
        """The elements of an object that has only `__getitem__`, up to its first IndexError."""
        for index in count():
            try:
                value = self[index]
            except IndexError:
                return
            except RaisedError as error:
                if isinstance(error.value, IndexError):
                    return
                raise
            yield value

    def __next__(self) -> Any:
        method = self.special("__next__")
        if method is None:
            raise TypeError(f"'{self.cls.name}' object is not an iterator")
        try:
            return method()
        except RaisedError as error:
            if isinstance(error.value, StopIteration):
                raise StopIteration from None
            raise

    def __index__(self) -> int:
        if isinstance(held := self.held, int):
            return held
        method = self.special("__index__")
        if method is None:
            raise TypeError(f"'{self.cls.name}' object cannot be interpreted as an integer")
        return int(method())

    def __contains__(self, item: object) -> bool:
        method = self.special("__contains__")
        return bool(method(item)) if method else any(item == each for each in self)

    def __getitem__(self, key: Any) -> Any:
        method = self.special("__getitem__")
        if method is None:
            raise TypeError(f"'{self.cls.name}' object is not subscriptable")
        if isinstance(self.payload, dict) and self.cls.has("__missing__") and key not in self.payload:
            method = self.cls.interpreter.get_attribute(self, "__missing__")
        return method(key)

    def __setitem__(self, key: Any, value: Any) -> None:
        method = self.special("__setitem__")
        if method is None:
            raise TypeError(f"'{self.cls.name}' object does not support item assignment")
        method(key, value)

    def __delitem__(self, key: Any) -> None:
        method = self.special("__delitem__")
        if method is None:
            raise TypeError(f"'{self.cls.name}' object does not support item deletion")
        method(key)

    def __bool__(self) -> bool:
        method = self.special("__bool__")
        if method is not None:
            return bool(method())
        if self.special("__len__") is not None:
            return len(self) > 0
        held = self.held
        return bool(held) if held is not None else True

    def _ordered(self, name: str, other: Any) -> Any:
        method = self.special(name)
        if method is None:
            return NotImplemented
        return method(other.held if isinstance(other, Protocols) and not self.cls.has(name) else other)

    def __lt__(self, other: Any) -> Any:
        return self._ordered("__lt__", other)

    def __le__(self, other: Any) -> Any:
        return self._ordered("__le__", other)

    def __gt__(self, other: Any) -> Any:
        return self._ordered("__gt__", other)

    def __ge__(self, other: Any) -> Any:
        return self._ordered("__ge__", other)

    def __str__(self) -> str:
        method = self.cls.has("__str__") or self.cls.has("__repr__")
        if method:
            return str(self.cls.interpreter.get_attribute(self, "__str__" if self.cls.has("__str__") else "__repr__")())
        if self.cls.enum_members is not None:
            return self._member_text(is_repr=False)
        return str(self.payload) if self.payload is not None else f"<{self.cls.name}>"

    def _member_text(self, *, is_repr: bool) -> str:
        from archviz.interpreter.texts import member_text  # that knows every kind of value

        return member_text(cast("Instance", self), is_repr=is_repr)

    def __repr__(self) -> str:
        if self.cls.has("__repr__"):
            return str(self.cls.interpreter.get_attribute(self, "__repr__")())
        if self.cls.enum_members is not None:
            return self._member_text(is_repr=True)
        return repr(self.payload) if self.payload is not None else f"<{self.cls.name} object>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.cls.interpreter.call(self, list(args), kwargs)
