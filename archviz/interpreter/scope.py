"""Frames: where a name is looked up while a function, class body or comprehension runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from archviz.interpreter.modules import SourceModule
    from archviz.interpreter.values import ClassValue, FunctionValue

Unread = dict[str, tuple[int, tuple[int, str]]]
"""Parameters whose numbers nobody has looked at: the number, the module (`id`) and the name of its attribute (`handed_on.py`)."""


class Frame:
    """One activation: its own names, the enclosing frame of a closure, and the module whose globals it sees.

    Args:
        module: The source module the code stands in.
        parent: The enclosing function's frame (class bodies are skipped, as in Python).
        function: The function that runs, for `super()`.
        is_class: A class body: its names are not seen by functions inside it.
        is_top: A module-level statement: what it binds goes to the module's namespace.
    """

    __slots__ = (
        "first", "function", "generator", "globals_", "is_class", "is_top", "line", "module", "names", "nonlocals", "parent", "recovers",
        "unread",
    )  # fmt: skip

    def __init__(
        self,
        module: SourceModule,
        parent: Frame | None = None,
        function: FunctionValue | None = None,
        *,
        is_class: bool = False,
        is_top: bool = False,
    ) -> None:
        self.module = module
        self.parent = parent
        self.function = function
        self.is_class = is_class
        self.is_top = is_top
        self.names: dict[str, Any] = {}
        self.line = 0
        self.first: Any = None
        self.generator: Any = None  # the one whose body runs here
        self.globals_: set[str] | None = None
        self.nonlocals: set[str] | None = None
        self.recovers = False
        self.unread: Unread | None = None

    def find(self, name: str) -> Any:
        """The value of a name in this frame or an enclosing one; raises KeyError."""
        names = self.names
        if name in names:
            return names[name]
        frame = self.parent
        while frame is not None:
            if not frame.is_class and name in frame.names:
                return frame.names[name]
            frame = frame.parent
        raise KeyError(name)

    def method(self) -> Frame | None:
        """The frame of the method in which the code stands, its own or an enclosing one."""
        scope: Frame | None = self
        while scope is not None and (scope.function is None or scope.function.owner is None):
            scope = scope.parent
        return scope

    def owner(self) -> ClassValue | None:
        """The class whose method the code stands in: `__class__`."""
        scope = self.method()
        return None if scope is None or scope.function is None else scope.function.owner

    def bind(self, name: str, value: Any) -> None:
        if not (self.is_top or self.globals_ or self.nonlocals):
            self.names[name] = value
            return
        if self.nonlocals and name in self.nonlocals:
            self.module.interpreter.twins.rebound()
            frame = self.parent
            while frame is not None:
                if name in frame.names:
                    frame.names[name] = value
                    return
                frame = frame.parent
        if self.is_top or (self.globals_ and name in self.globals_):
            if self.is_top and name not in self.module.namespace:
                self.module.namespace[name] = value
                return
            self.module.interpreter.twins.rebound()
            if self.is_top:
                self.module.namespace[name] = value
            else:  # what the file itself binds to the name comes first
                self.module.replace(name, value)
            return
        self.names[name] = value
