"""Named tuples: classes whose instances hold a tuple and answer to field names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archviz.interpreter.values import ClassValue, Instance, PropertyValue

if TYPE_CHECKING:
    from archviz.interpreter.machine import Interpreter


def make_record(interp: Interpreter, name: str, fields: list[str], defaults: dict[str, Any]) -> ClassValue:
    """A named tuple class: its instances hold a tuple and answer to the field names."""
    cls = ClassValue(interp, name, f"collections.{name}", [], {}, host_base=tuple)

    def new(interp: Interpreter, owner: ClassValue, *args: Any, **kwargs: Any) -> Instance:
        values = {**defaults, **dict(zip(fields, args, strict=False)), **kwargs}
        missing = [field for field in fields if field not in values]
        if missing:
            raise TypeError(f"{name}() missing required argument: '{missing[0]}'")
        instance = Instance(owner)
        instance.payload = tuple(values[field] for field in fields)
        return instance

    def getter(position: int) -> Any:
        return interp.native(f"{name}.field", lambda interp, receiver: receiver.payload[position])

    cls.namespace["__new__"] = interp.native(f"{name}.__new__", new, "static")
    cls.namespace["_fields"] = tuple(fields)
    cls.namespace["_asdict"] = interp.native(
        f"{name}._asdict", lambda interp, receiver: dict(zip(fields, receiver.payload, strict=True))
    )
    cls.namespace["_replace"] = interp.native(
        f"{name}._replace",
        lambda interp, receiver, **changes: interp.call(
            receiver.cls, [], {**dict(zip(fields, receiver.payload, strict=True)), **changes}
        ),
    )
    for position, field in enumerate(fields):
        cls.namespace[field] = PropertyValue(getter(position))
    return cls
