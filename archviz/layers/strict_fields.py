"""`huggingface_hub.dataclasses.strict`: configuration classes that check the types and values of their fields.

A configuration that the official class refuses is refused here too, in its words.  Source: huggingface_hub/dataclasses.py.
"""

from __future__ import annotations

import ast
from typing import Any

from archviz.interpreter.attributes import MISSING
from archviz.interpreter.classes import NO_DEFAULT, FieldValue, field_value
from archviz.interpreter.control import RaisedError
from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.modules import SourceModule
from archviz.interpreter.values import ClassValue, Instance, Unknown

STRICT = "huggingface_hub.dataclasses"
_PLAIN: dict[str, type] = {
    "int": int,
    "float": float,
    "str": str,
    "bool": bool,
    "dict": dict,
    "list": list,
    "tuple": tuple,
    "set": set,
}
_GENERIC: dict[str, type | tuple[type, ...]] = {
    "list": list,
    "List": list,
    "dict": dict,
    "Dict": dict,
    "tuple": tuple,
    "Tuple": tuple,
    "set": set,
    "Sequence": (list, tuple, str),
}


class StrictDataclassFieldValidationError(ValueError):
    """A field has a value that its class does not allow."""


class StrictDataclassClassValidationError(ValueError):
    """The fields of a class do not go together."""


def register(library: Library) -> None:
    @library.function(f"{STRICT}.strict")
    def strict(interp: Interpreter, cls: Any = None, accept_kwargs: bool = False) -> Any:
        if cls is None:
            return lambda each: make_strict(interp, each, accept_kwargs=accept_kwargs)
        return make_strict(interp, cls, accept_kwargs=accept_kwargs)

    library.function(f"{STRICT}.validated_field")(lambda interp, validator, **options: _validated(options, validator))
    library.function(f"{STRICT}.as_validated_field")(
        lambda interp, validator: lambda *args, **options: _validated(options, validator)
    )


def _validated(options: dict[str, Any], validator: Any) -> FieldValue:
    field = FieldValue(options.get("default", NO_DEFAULT), options.get("default_factory", NO_DEFAULT))
    field.metadata = {"validator": validator}
    return field


def make_strict(interp: Interpreter, cls: Any, *, accept_kwargs: bool = False) -> Any:
    """Let a class check its fields when they are set, and its `validate_…` methods after `__init__`."""
    if not isinstance(cls, ClassValue) or not cls.has("__dataclass_fields__"):
        return cls
    cls.namespace["__strict_fields__"] = dict(cls.lookup("__dataclass_fields__"))
    names = {name for each in cls.mro for name in each.namespace if name.startswith("validate_")}
    first_init = _init_with_others(interp, cls) if accept_kwargs else cls.lookup("__init__")

    def init(interp: Interpreter, receiver: Instance, *args: Any, **kwargs: Any) -> None:
        interp.call(first_init, [receiver, *args], kwargs)
        for name in sorted(names):
            _run_validator(interp, receiver, name)

    native = interp.native(f"{cls.qualified}.__init__", init)
    native.attrs["__wrapped__"] = first_init
    cls.namespace["__init__"] = native
    return cls


def _init_with_others(interp: Interpreter, cls: ClassValue) -> Any:
    """The `__init__` of `strict(accept_kwargs=True)`: fields by keyword, every other argument goes to `__post_init__`."""

    def init(interp: Interpreter, receiver: Instance, *args: Any, **kwargs: Any) -> None:
        fields = cls.lookup("__dataclass_fields__")
        if args:
            raise ValueError(
                f"When `accept_kwargs=True`, {cls.name} accepts only keyword arguments, "
                f"but found `{len(args)}` positional args."
            )
        for name, field in fields.items():
            interp.set_attribute(receiver, name, field_value(interp, field, kwargs, cls))
        others = {name: value for name, value in kwargs.items() if name not in fields}
        interp.call(interp.get_attribute(receiver, "__post_init__"), [], others)

    return interp.native(f"{cls.qualified}.__init__", init)


def _run_validator(interp: Interpreter, receiver: Instance, name: str) -> None:
    try:
        with interp.guarded():
            interp.call(interp.get_attribute(receiver, name), [], {})
    except RaisedError as error:
        if not error.explicit:  # the check itself was not understood, which says nothing about the values
            interp.note(f"{name} is not understood: {error}")
            return
        text = f"Class validation error for validator '{name}': {error}"
        raise RaisedError(StrictDataclassClassValidationError(text), error.at, explicit=True) from error


def check_field(interp: Interpreter, receiver: Instance, name: str, value: Any) -> None:
    """Raise what setting a field to a value of the wrong type raises."""
    if isinstance(value, Unknown) or not receiver.cls.has("__strict_fields__"):
        return
    field = receiver.cls.lookup("__strict_fields__").get(name)
    if not isinstance(field, FieldValue):
        return
    if field.annotation is not None and not _fits(interp, value, *field.annotation):
        expected = ast.unparse(field.annotation[0])
        _refuse(
            interp, name, f"TypeError: Field '{name}' expected {expected}, got {_kind(value)} (value: {_short(value)})"
        )
    validator = field.metadata.get("validator")
    for check in validator if isinstance(validator, list) else [validator] if validator is not None else []:
        try:
            with interp.guarded():
                interp.call(check, [value], {})
        except RaisedError as error:
            if error.explicit:
                _refuse(interp, name, str(error))


def _refuse(interp: Interpreter, name: str, text: str) -> None:
    error = StrictDataclassFieldValidationError(f"Validation error for field '{name}': {text}")
    raise RaisedError(error, interp.here(), explicit=True)


def _kind(value: Any) -> str:
    return value.cls.name if isinstance(value, Instance) else type(value).__name__


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _fits(interp: Interpreter, value: Any, node: ast.expr, module: SourceModule) -> bool:
    """Whether a value has the annotated type; an annotation that is not understood fits everything."""
    if isinstance(node, ast.Constant):
        return node.value is not None or value is None
    if isinstance(node, ast.BinOp):
        return _fits(interp, value, node.left, module) or _fits(interp, value, node.right, module)
    if isinstance(node, ast.Subscript):
        return _fits_generic(interp, value, node, module)
    if isinstance(node, ast.Name) and node.id in _PLAIN:
        return isinstance(value, _PLAIN[node.id]) and not (node.id == "int" and isinstance(value, bool))
    return _fits_class(interp, value, node, module)


def _fits_class(interp: Interpreter, value: Any, node: ast.expr, module: SourceModule) -> bool:
    try:
        cls = module.lookup(node.id) if isinstance(node, ast.Name) else _attribute(interp, node, module)
    except (KeyError, RaisedError):
        return True
    if not isinstance(cls, ClassValue) or cls.qualified.startswith("typing"):
        return True
    if cls.host_base is dict and not cls.is_library:  # a TypedDict refuses instance checks, so it never fits
        return False
    return interp.is_instance(value, cls) is not False


def _attribute(interp: Interpreter, node: ast.expr, module: SourceModule) -> Any:
    if isinstance(node, ast.Attribute):
        return interp.find_attribute(_attribute(interp, node.value, module), node.attr)
    return module.lookup(node.id) if isinstance(node, ast.Name) else MISSING


def _fits_generic(interp: Interpreter, value: Any, node: ast.Subscript, module: SourceModule) -> bool:
    name = node.value.id if isinstance(node.value, ast.Name) else getattr(node.value, "attr", "")
    parts = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
    if name in ("Optional", "Union"):
        return (name == "Optional" and value is None) or any(_fits(interp, value, part, module) for part in parts)
    if name == "Literal":
        return any(
            isinstance(part, ast.Constant) and part.value == value and type(part.value) is type(value) for part in parts
        )
    kind: Any = _GENERIC.get(name)
    if kind is None:
        return True
    if not isinstance(value, kind):
        return False
    if name == "Sequence":
        return all(_fits(interp, each, parts[0], module) for each in value)
    return _fits_items(interp, value, parts, module)


def _fits_items(interp: Interpreter, value: Any, parts: list[ast.expr], module: SourceModule) -> bool:
    if isinstance(value, dict):
        return len(parts) != 2 or all(
            _fits(interp, key, parts[0], module) and _fits(interp, each, parts[1], module)
            for key, each in value.items()
        )
    open_ended = len(parts) == 2 and isinstance(parts[1], ast.Constant) and parts[1].value is Ellipsis
    if isinstance(value, tuple) and not open_ended:
        return len(parts) == len(value) and all(
            _fits(interp, each, part, module) for each, part in zip(value, parts, strict=True)
        )
    return all(_fits(interp, each, parts[0], module) for each in value)
