"""`contextlib` and the small types of `types`: managers on a stack, namespaces, methods by hand."""

from __future__ import annotations

from typing import Any

from archviz.interpreter.control import RaisedError
from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.managers import GeneratorManager
from archviz.interpreter.values import BoundMethod, FunctionValue, Instance, StaticMethod, Suppressed

STACK = "contextlib.ExitStack"


def register(library: Library) -> None:
    _register_managers(library)
    _register_stack(library)
    _register_types(library)


def _register_managers(library: Library) -> None:
    library.function("contextlib.suppress")(lambda interp, *classes: Suppressed(classes))

    @library.function("contextlib.contextmanager")
    def contextmanager(interp: Interpreter, function: Any) -> Any:
        if not isinstance(function, FunctionValue):
            return function
        return interp.native(
            f"{function.module.dotted}.{function.name}",
            lambda interp, *args, **kwargs: GeneratorManager(interp, function, list(args), kwargs),
        )

    library.function("contextlib.nullcontext")(lambda interp, value=None: value)
    library.declare("contextlib.ContextDecorator")


def _register_stack(library: Library) -> None:
    library.declare(STACK)
    library.method(f"{STACK}.__init__")(lambda interp, self: self.attrs.update(_leaving=[]))
    library.method(f"{STACK}.__enter__")(lambda interp, self: self)

    @library.method(f"{STACK}.enter_context")
    def enter_context(interp: Interpreter, self: Instance, manager: Any) -> Any:
        entered = interp.enter(manager)
        self.attrs["_leaving"].append(lambda error: interp.leave(manager, error))
        return entered

    @library.method(f"{STACK}.push")
    def push(interp: Interpreter, self: Instance, manager: Any) -> Any:
        self.attrs["_leaving"].append(lambda error: interp.leave(manager, error))
        return manager

    @library.method(f"{STACK}.callback")
    def callback(interp: Interpreter, self: Instance, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        self.attrs["_leaving"].append(lambda error: bool(interp.call(function, list(args), dict(kwargs)) and False))
        return function

    @library.method(f"{STACK}.__exit__")
    def leave(interp: Interpreter, self: Instance, kind: Any = None, value: Any = None, trace: Any = None) -> bool:
        error = None if value is None else RaisedError(value, interp.here(), explicit=True)
        given = error
        while self.attrs["_leaving"]:
            if self.attrs["_leaving"].pop()(error):
                error = None
        return given is not None and error is None

    library.method(f"{STACK}.close")(lambda interp, self: leave(interp, self) and None)

    @library.method(f"{STACK}.pop_all")
    def pop_all(interp: Interpreter, self: Instance) -> Any:
        other = interp.call(interp.library_name(STACK), [], {})
        other.attrs["_leaving"], self.attrs["_leaving"] = self.attrs["_leaving"], []
        return other


def _register_types(library: Library) -> None:
    for name in ("FunctionType", "MethodType", "ModuleType", "SimpleNamespace", "MappingProxyType", "GeneratorType"):
        library.declare(f"types.{name}")
    library.method("types.FunctionType.__new__")(lambda interp, cls, *args, **kwargs: args[0] if args else None)
    library.classes["types.MethodType"].methods["__new__"] = StaticMethod(
        lambda interp, cls, function, instance: BoundMethod(function, instance)
    )
    library.classes["types.MappingProxyType"].methods["__new__"] = StaticMethod(lambda interp, cls, mapping: mapping)

    @library.method("types.SimpleNamespace.__init__")
    def namespace(interp: Interpreter, self: Instance, mapping: Any = None, /, **values: Any) -> None:
        self.attrs.update({**(mapping or {}), **values})

    library.method("types.SimpleNamespace.__eq__")(
        lambda interp, self, other: isinstance(other, Instance) and other.cls is self.cls and other.attrs == self.attrs
    )
    library.method("types.ModuleType.__init__")(lambda interp, self, name, doc=None: self.attrs.update(__name__=name))
