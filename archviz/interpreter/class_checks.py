"""`isinstance` and `type` over interpreted and plain classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archviz.interpreter.abstract_classes import ABSTRACT, is_like
from archviz.interpreter.values import ClassValue, Instance, NativeFunction, Shape, Tensor, Unknown


class ClassChecks:
    """The part of the interpreter that says what class a value is of."""

    if TYPE_CHECKING:

        def truth(self, value: Any) -> bool: ...
        def library_name(self, dotted: str) -> Any: ...
        def builtin(self, name: str) -> Any: ...

    def is_instance(self, value: Any, classes: Any) -> Any:
        """`isinstance`, over interpreted and plain classes."""
        if isinstance(classes, tuple):
            results = [self.is_instance(value, each) for each in classes]
            unknown = next((each for each in results if isinstance(each, Unknown)), None)
            return True if True in results else (unknown or False)
        if isinstance(value, Unknown) or isinstance(classes, Unknown):
            return value if isinstance(value, Unknown) else classes
        if isinstance(classes, ClassValue):
            return self._is_instance_of_class(value, classes)
        if isinstance(value, Instance):
            host = value.cls.host_base
            return classes is object or (host is not None and isinstance(classes, type) and issubclass(host, classes))
        if isinstance(classes, NativeFunction):
            return classes.name == "type" and isinstance(value, (ClassValue, type))
        if isinstance(value, ClassValue):
            return classes in (type, object)
        return isinstance(classes, type) and isinstance(value, classes)

    def _is_instance_of_class(self, value: Any, cls: ClassValue) -> bool:
        if (method := cls.by_metaclass("__instancecheck__")) is not None:
            return self.truth(method(value))
        if isinstance(value, ClassValue):
            return value.metaclass is not None and value.metaclass.issubclass(cls)
        if isinstance(value, Instance):
            return value.cls.issubclass(cls) or is_like(value, cls.qualified)
        if isinstance(value, Tensor):
            name = cls.qualified
            return name == "torch.Tensor" or (value.is_parameter and name.endswith("Parameter"))
        if cls.qualified == "torch.Size":
            return isinstance(value, Shape)
        check = ABSTRACT.get(cls.qualified)
        return check is not None and check(value)

    def type_of(self, value: Any) -> Any:
        """`type(value)`."""
        if isinstance(value, Instance):
            return value.cls
        if isinstance(value, Tensor):
            return self.library_name("torch.nn.Parameter" if value.is_parameter else "torch.Tensor")
        if isinstance(value, Unknown):
            return value
        if isinstance(value, ClassValue):
            return value.metaclass or self.builtin("type")
        return type(value)
