"""Class statements: bases, bodies, enums, dataclasses, and the methods that stubs replace."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from archviz.interpreter.attributes import MISSING, find_attribute
from archviz.interpreter.calls import MAKES_MODULES, TYPE, UNKNOWN_BASE, is_metaclass
from archviz.interpreter.control import LEAVING, UnsupportedError
from archviz.interpreter.enums import EnumNames, is_enum, make_enum
from archviz.interpreter.expressions import EXPRESSIONS
from archviz.interpreter.named_tuples import make_record
from archviz.interpreter.scope import Frame
from archviz.interpreter.values import (
    ClassMethod,
    ClassValue,
    FunctionValue,
    Instance,
    NativeFunction,
    PropertyValue,
    StaticMethod,
    SuperValue,
    Unknown,
)
from archviz.spans import Span

if TYPE_CHECKING:
    from archviz.interpreter.machine import Interpreter
    from archviz.interpreter.modules import SourceModule

MODES = "modes of modules"  # in `Interpreter.state`: some module may not be as `eval()` leaves it


def make_class(interp: Interpreter, node: ast.ClassDef, frame: Frame) -> Any:
    """The class value of a class statement."""
    if interp.region is not None and not frame.is_top:
        interp.region.lose()
    stated = [EXPRESSIONS[base.__class__](interp, base, frame) for base in node.bases]
    bases, host_base = _bases(interp, node.name, stated)
    body = Frame(frame.module, frame, is_class=True)
    if is_enum(bases):
        body.names = EnumNames(interp, bases)
    body.line = node.lineno
    body.names["__module__"] = frame.module.dotted
    outer = frame.names.get("__qualname__") if frame.is_class else None
    body.names["__qualname__"] = node.name if outer is None else f"{outer}.{node.name}"
    with interp.entered(body):
        try:
            interp.run_block(node.body, body, recover=True)
        except LEAVING:
            raise UnsupportedError("return, break or continue in the body of a class", interp.here()) from None
    body.names.update(_unknown_base(stated))
    keywords = _keywords(interp, node, frame)
    metaclass = _metaclass(interp, keywords.pop("metaclass", None), bases, node.name)
    made = _Statement(node.name, bases, host_base, Span(frame.module.shown, node.lineno), frame.module, keywords)
    if metaclass is None:
        return define(interp, made, body.names)
    interp.state.setdefault("class statements", []).append(made)
    try:
        return make_by_metaclass(interp, metaclass, [node.name, tuple(bases), body.names], keywords)
    finally:
        interp.state["class statements"].pop()


class _Statement(NamedTuple):
    """A class statement whose body ran."""

    name: str
    bases: list[ClassValue]
    host_base: type | None
    at: Span | None
    module: SourceModule
    keywords: dict[str, Any]


def define(interp: Interpreter, made: _Statement, names: dict[str, Any], metaclass: ClassValue | None = None) -> Any:
    """What `type.__new__` makes of a class's name, bases and names."""
    annotations = names.pop("__annotations__", {})
    qualified = f"{made.module.dotted}.{made.name}"
    cls = ClassValue(interp, made.name, qualified, made.bases, names, host_base=made.host_base, at=made.at)
    cls.metaclass = metaclass or cls.metaclass
    interp.spend(len(cls.mro) + len(cls.mro) ** 2 // 64)  # what finding the order of bases takes
    cls.annotations = annotations
    cls.source_module = made.module
    for value in names.values():
        _own(value, cls)
    _replace_methods(interp, cls)
    if cls.is_module and any(isinstance(cls.namespace.get(name), FunctionValue) for name in ("train", "eval")):
        interp.state[MODES] = True
    if any(base.qualified == "typing.NamedTuple" for base in made.bases):
        return _make_named_tuple(interp, cls)
    if is_enum(cls.mro):
        make_enum(interp, cls)
    for name, value in list(cls.namespace.items()):
        if isinstance(value, Instance) and value.cls.has("__set_name__"):
            interp.call(interp.get_attribute(value, "__set_name__"), [cls, name], {})
    _init_subclass(interp, cls, made.keywords)
    return cls


def _keywords(interp: Interpreter, node: ast.ClassDef, frame: Frame) -> dict[str, Any]:
    return {
        keyword.arg: EXPRESSIONS[keyword.value.__class__](interp, keyword.value, frame)
        for keyword in node.keywords
        if keyword.arg
    }


def _metaclass(interp: Interpreter, stated: Any, bases: list[ClassValue], name: str) -> ClassValue | None:
    """The metaclass of a class, its own or that of a base; None for `type` and those of the standard library."""
    if isinstance(stated, ClassValue) and not stated.is_library and is_metaclass(stated):
        return stated
    if stated is not None and not isinstance(stated, (ClassValue, NativeFunction)):
        interp.gap(f"the metaclass of {name}: {getattr(stated, 'reason', 'no class')}")
    return next((base.metaclass for base in bases if base.metaclass), None)


def make_by_call(interp: Interpreter, name: str, bases: tuple[Any, ...], names: dict[str, Any], **keywords: Any) -> Any:
    """`type(name, bases, names)`."""
    metaclass = _metaclass(interp, None, [each for each in bases if isinstance(each, ClassValue)], name)
    if metaclass is not None:
        return make_by_metaclass(interp, metaclass, [name, bases, names], keywords)
    return new_class(interp, None, name, bases, names, **keywords)


def make_by_metaclass(interp: Interpreter, metaclass: ClassValue, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """`metaclass(name, bases, names)`: `__new__`, then `__init__` of what it gives."""
    new = metaclass.lookup("__new__")
    new = new.function if isinstance(new, StaticMethod) else new
    cls = interp.call(new, [metaclass, *args], dict(kwargs))
    if isinstance(cls, ClassValue) and cls.metaclass is not None and cls.metaclass.issubclass(metaclass):
        interp.call(metaclass.lookup("__init__"), [cls, *args], dict(kwargs))
    return cls


def new_class(interp: Interpreter, metaclass: ClassValue | None, *given: Any, **keywords: Any) -> Any:
    """`type.__new__(metaclass, name, bases, names)`."""
    if given and isinstance(given[0], ClassValue):  # through `super()`, which gives its receiver as well
        metaclass, given = given[0], given[1:]
    name, bases, names = given
    own, host = _bases(interp, name, bases)
    statement = next((each for each in reversed(interp.state.get("class statements", [])) if each.name == name), None)
    at = statement.at if statement else interp.here()
    module = statement.module if statement else interp.frame.module
    host = statement.host_base if statement else host
    stated = {"__module__": module.dotted, "__qualname__": name} | names | _unknown_base(bases)
    return define(interp, _Statement(name, own, host, at, module, keywords), stated, metaclass)


def _bases(interp: Interpreter, name: str, stated: Iterable[Any]) -> tuple[list[ClassValue], type | None]:
    """The bases of a class: those of the program and of the tables, and the Python type among them."""
    bases: list[ClassValue] = []
    host_base: type | None = None
    for value in stated:
        if isinstance(value, NativeFunction) and value.name == "type":
            value = interp.library_name(TYPE)
        if isinstance(value, ClassValue):
            if value not in bases:
                bases.append(value)
        elif value is property:
            host_base = PropertyValue
        elif isinstance(value, type) and value not in (object, type):
            host_base = host_base or value
        elif isinstance(value, Unknown):
            interp.note(f"base class of {name} is not understood: {value.reason}")
    return bases, host_base


def _unknown_base(stated: Iterable[Any]) -> dict[str, Unknown]:
    """Of the bases, one that is not understood and may be one of modules, as an attribute of the class."""
    unknown = (each for each in stated if isinstance(each, Unknown))
    found = next(
        (each for each in unknown if each.of_module is not False or MAKES_MODULES.fullmatch(each.reason)), None
    )
    return {} if found is None else {UNKNOWN_BASE: found}


def _own(value: Any, cls: ClassValue) -> None:
    """Tell functions which class they belong to, for `super()`."""
    if isinstance(value, FunctionValue):
        if value.owner is None:
            value.owner = cls
        inner = value.attrs.get("__wrapped__")
        if inner is not None:
            _own(inner, cls)
    elif isinstance(value, (ClassMethod, StaticMethod)):
        _own(value.function, cls)
    elif isinstance(value, PropertyValue):
        _own(value.fget, cls)
        _own(value.fset, cls)


def _replace_methods(interp: Interpreter, cls: ClassValue) -> None:
    for name, stub in interp.library_methods(cls.qualified).items():
        raw = cls.namespace.get(name)
        if isinstance(raw, (ClassMethod, StaticMethod)):
            cls.namespace[name] = type(raw)(stub)
        elif isinstance(raw, PropertyValue):
            cls.namespace[name] = PropertyValue(stub, raw.fset)
        else:
            cls.namespace[name] = stub


def _init_subclass(interp: Interpreter, cls: ClassValue, keywords: dict[str, Any]) -> None:
    hook = find_attribute(interp, SuperValue(cls, cls), "__init_subclass__")
    if hook is not MISSING:
        interp.call(hook, [], keywords)


def _make_named_tuple(interp: Interpreter, cls: ClassValue) -> ClassValue:
    """`class Name(NamedTuple)`: the annotated names are fields, the rest are attributes and methods."""
    defaults = {name: cls.namespace[name] for name in cls.annotations if name in cls.namespace}
    record = make_record(interp, cls.name, list(cls.annotations), defaults)
    record.qualified, record.at, record.source_module = cls.qualified, cls.at, cls.source_module
    own = {name: value for name, value in cls.namespace.items() if name not in cls.annotations}
    for value in own.values():
        _disown(value, record)
    record.namespace.update(own)
    return record


def _disown(value: Any, cls: ClassValue) -> None:
    if isinstance(value, FunctionValue):
        value.owner = cls


_GIVEN = "__dataclass_given__"  # class attribute: what `__init__` takes, those fields among it that are not kept
NO_DEFAULT = object()  # `dataclasses.MISSING`


class FieldValue:
    """A dataclass field, as `dataclasses.fields` lists it."""

    __slots__ = (
        "annotation",
        "default",
        "default_factory",
        "for_init",
        "init",
        "kw_only",
        "metadata",
        "name",
        "repr",
        "stated",
    )

    def __init__(self, default: Any = NO_DEFAULT, default_factory: Any = NO_DEFAULT, *, init: bool = True) -> None:
        self.default = default
        self.default_factory = default_factory
        self.init = init
        self.for_init = False  # an `InitVar`: handed on to `__post_init__` and not kept
        self.name = ""
        self.stated: ast.expr | None = None
        self.annotation: tuple[ast.expr, SourceModule] | None = None  # None where annotations are not evaluated
        self.metadata: dict[str, Any] = {}
        self.kw_only = False
        self.repr = True

    @property
    def type(self) -> str | None:
        """The annotation as text."""
        return None if self.stated is None else ast.unparse(self.stated)


def dataclass(interp: Interpreter, cls: Any = None, **options: Any) -> Any:
    """`dataclasses.dataclass`: collect the fields and, unless the class has one, write `__init__`."""
    if cls is None:
        return lambda each: dataclass(interp, each, **options)
    if not isinstance(cls, ClassValue):
        return cls
    fields: dict[str, FieldValue] = {}
    given: dict[str, FieldValue] = {}
    for base in reversed(cls.mro[1:]):
        given.update(base.namespace.get(_GIVEN, base.namespace.get("__dataclass_fields__", {})))
    for name, annotation in cls.annotations.items():
        if not _names_any(annotation, ("ClassVar",)):
            given[name] = _field(cls, name, annotation)
    fields.update({name: each for name, each in given.items() if not each.for_init})
    cls.namespace["__dataclass_fields__"], cls.namespace[_GIVEN] = fields, given
    if options.get("init", True) and "__init__" not in cls.namespace:
        init = interp.native(f"{cls.qualified}.__init__", _init_of(cls))
        init.attrs["fields"] = given
        cls.namespace["__init__"] = init
    _compare_by_fields(
        interp, cls, order=bool(options.get("order")), eq=options.get("eq", True), frozen=bool(options.get("frozen"))
    )
    if options.get("repr", True) and "__repr__" not in cls.namespace:
        cls.namespace["__repr__"] = interp.native(f"{cls.qualified}.__repr__", _text_by_fields)
    for field in given.values():
        field.kw_only = field.kw_only or (bool(options.get("kw_only")) and field.name in cls.annotations)
    return cls


def _names_any(annotation: ast.expr, words: tuple[str, ...]) -> bool:
    """Whether one of the words stands in an annotation, as a name or in its text."""
    for node in ast.walk(annotation):
        text = getattr(node, "id", None) or getattr(node, "attr", None) or getattr(node, "value", None)
        if isinstance(text, str) and any(word in text for word in words):
            return True
    return False


def _text_by_fields(interp: Interpreter, each: Instance) -> str:
    """`Name(field=value, …)`."""
    fields = [name for name, field in each.cls.lookup("__dataclass_fields__").items() if field.repr]
    return f"{each.cls.namespace.get('__qualname__', each.cls.name)}({', '.join(f'{name}={interp.get_attribute(each, name)!r}' for name in fields)})"


def _compare_by_fields(interp: Interpreter, cls: ClassValue, *, order: bool, eq: bool, frozen: bool) -> None:
    """Write the comparisons of a dataclass: equal fields of the same class."""

    def values(each: Instance) -> tuple[Any, ...]:
        return tuple(interp.get_attribute(each, name) for name in cls.namespace["__dataclass_fields__"])

    def comparison(test: Callable[[Any, Any], bool]) -> Callable[..., Any]:
        def run(interp: Interpreter, left: Instance, right: Any) -> Any:
            same = isinstance(right, Instance) and right.cls is left.cls
            return test(values(left), values(right)) if same else NotImplemented

        return run

    names = (["__eq__"] if eq else []) + (["__lt__", "__le__", "__gt__", "__ge__"] if order else [])
    for name in names:
        if name not in cls.namespace:
            test = getattr(operator, name)
            cls.namespace[name] = interp.native(f"{cls.qualified}.{name}", comparison(test))
    if frozen and "__hash__" not in cls.namespace:
        cls.namespace["__hash__"] = interp.native(f"{cls.qualified}.__hash__", lambda interp, each: hash(values(each)))


def _field(cls: ClassValue, name: str, annotation: ast.expr) -> FieldValue:
    default = cls.namespace.get(name, NO_DEFAULT)
    field = default if isinstance(default, FieldValue) else FieldValue(default)
    field.name = name
    field.stated = annotation
    field.for_init = _names_any(annotation, ("InitVar",))
    if cls.source_module is not None and "annotations" not in cls.source_module.index:
        field.annotation = (annotation, cls.source_module)
    if isinstance(default, FieldValue):
        if field.default is not NO_DEFAULT:
            cls.namespace[name] = field.default
        else:
            cls.namespace.pop(name)
    return field


def _init_of(cls: ClassValue) -> Any:
    def initialise(interp: Interpreter, receiver: Instance, *args: Any, **kwargs: Any) -> None:
        given = cls.namespace[_GIVEN].values()
        fields = [field for field in given if field.init]
        positional = [field.name for field in fields if not field.kw_only]
        if len(args) > len(positional):
            raise TypeError(
                f"{cls.name}.__init__() takes {len(positional)} positional arguments but {len(args)} were given"
            )
        values = dict(zip(positional, args, strict=False))
        values.update(kwargs)
        handed = []
        for field in given:
            if field.for_init:
                handed.append(field_value(interp, field, values, cls))
                continue
            if not field.init:
                if field.default is NO_DEFAULT and field.default_factory is NO_DEFAULT:
                    continue  # `__post_init__` sets it
                interp.set_attribute(receiver, field.name, field_value(interp, field, {}, cls))
                continue
            interp.set_attribute(receiver, field.name, field_value(interp, field, values, cls))
        unknown = set(values) - {field.name for field in fields}
        if unknown:
            raise TypeError(f"{cls.name}.__init__() got an unexpected keyword argument '{min(unknown)}'")
        if cls.has("__post_init__"):
            interp.call(interp.get_attribute(receiver, "__post_init__"), handed, {})

    return initialise


def field_value(interp: Interpreter, field: FieldValue, values: dict[str, Any], cls: ClassValue) -> Any:
    if field.name in values:
        return values[field.name]
    if field.default_factory is not NO_DEFAULT:
        return interp.call(field.default_factory, [], {})
    if field.default is not NO_DEFAULT:
        return field.default
    raise TypeError(f"{cls.name}.__init__() missing 1 required argument: '{field.name}'")
