"""Names and imports: where a name is found, which files are modules, what the tables say a dotted name stands for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from archviz.interpreter.control import RaisedError
from archviz.interpreter.handed_on import look_at
from archviz.interpreter.modules import NOTHING, FindSource, SourceModule
from archviz.interpreter.scope import Frame
from archviz.interpreter.values import (
    ClassMethod,
    ClassValue,
    LibraryModule,
    ModuleInstance,
    NativeFunction,
    StaticMethod,
    Unknown,
)
from archviz.spans import Span

if TYPE_CHECKING:
    from archviz.interpreter.followed import Region
    from archviz.interpreter.library import Library
    from archviz.interpreter.machine import Interpreter


class LoadedModules(dict[str, Any]):
    """`sys.modules`: the files that were read; whatever else there may be counts as not imported.

    Args:
        read: Files by dotted name.
    """

    def __init__(self, read: dict[str, SourceModule | None]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, name: str) -> Any:
        found = self._read.get(name)
        if found is None:
            raise KeyError(name)
        return found

    def get(self, name: str, default: Any = None) -> Any:
        """The file of this name, where it was read."""
        return self._read.get(name) or super().get(name, default)


class Imports:
    """The part of the interpreter that resolves names.

    Args:
        library: Stubs by dotted name.
        find_source: Finds a module's text by dotted name.
        locate: Finds the module that defines a name which the top-level `transformers` package exports.
        builtins: Python's builtins as the interpreted program sees them.
    """

    def __init__(self, library: Library, find_source: FindSource, locate: Callable[[str], str | None]) -> None:
        self.library = library
        self.locate = locate
        self.library_roots = set(library.roots()) - {"transformers"}  # packages that are never read as source
        self._find_source = find_source
        self._modules: dict[str, SourceModule | None] = {}
        self._library_values: dict[str, Any] = {"sys.modules": LoadedModules(self._modules)}
        self._replaced: set[str] = set()  # names of libraries that the program gave another value
        self._method_index: dict[str, dict[str, NativeFunction]] | None = None
        self._builtins: dict[str, Any] = {}

    if TYPE_CHECKING:

        @property
        def itself(self) -> Interpreter: ...

        region: Region | None

        def here(self) -> Span | None: ...

    def find_name(self, name: str, frame: Frame) -> Any:
        """A name that is no local one, by Python's rules: enclosing, module, builtin."""
        if frame.unread and name in frame.unread:
            return look_at(self.itself, frame, name)
        scope = frame.parent
        while scope is not None:
            if name in scope.names and not scope.is_class:
                return scope.names[name]
            scope = scope.parent
        found = frame.module.find(name)
        if found is not NOTHING:
            if self.region is not None:
                self.region.sees(found)
            return found
        if name in self._builtins:
            return self._builtins[name]
        if name == "__class__" and (owner := frame.owner()) is not None:
            return owner
        raise RaisedError(NameError(f"name '{name}' is not defined"), self.here(), explicit=False)

    def builtin(self, name: str) -> Any:
        return self._builtins[name]

    def find_module(self, dotted: str) -> SourceModule | LibraryModule | None:
        """A module by dotted name: read as source, or known to the tables; None when absent."""
        if dotted in self._modules:
            module = self._modules[dotted]
        else:
            source = None if dotted.split(".", maxsplit=1)[0] in self.library_roots else self._find_source(dotted)
            module = None if source is None else SourceModule(self.itself, source)
            self._modules[dotted] = module
        if module is not None:
            return module
        return LibraryModule(dotted) if self.library.is_module(dotted) else None

    def read_modules(self) -> list[SourceModule]:
        """Every file that was read."""
        return [module for module in self._modules.values() if module is not None and module.is_read]

    def loaded_sources(self) -> dict[str, str]:
        """Shown name → sha256 of every file that was read."""
        return {
            module.shown: module.sha256 for module in self._modules.values() if module is not None and module.is_read
        }

    def source_text(self, shown: str) -> str | None:
        """The text of a file that was read, by the name that evidence gives it."""
        modules = (module for module in self._modules.values() if module is not None and module.shown == shown)
        return next((module.text for module in modules), None)

    def require_module(self, dotted: str) -> None:
        """Raise the ModuleNotFoundError that importing an absent module would."""
        if dotted.split(".", maxsplit=1)[0] in self.library.absent or self.find_module(dotted) is None:
            root = dotted.split(".", maxsplit=1)[0]
            if root not in self.library_roots or root in self.library.absent:
                error = ModuleNotFoundError(f"No module named '{dotted}'")
                raise RaisedError(error, self.here(), explicit=False)

    def import_name(self, module: str, name: str | None, at: Span | None) -> Any:
        """`import module` (name None) or `from module import name`."""
        if name is None:
            found = self.find_module(module)
            return found if found is not None else Unknown(f"module {module} is not available", at)
        dotted = f"{module}.{name}"
        if dotted in self._replaced or self.library.has(dotted):
            return self.library_name(dotted)
        source = self.find_module(module)
        if isinstance(source, SourceModule):
            try:
                return source.lookup(name)
            except KeyError:
                pass
        elif source is not None or module.split(".", maxsplit=1)[0] in self.library_roots:
            return self.library_name(dotted)
        submodule = self.find_module(dotted)
        if submodule is not None:
            return submodule
        error = ImportError(f"cannot import name '{name}' from '{module}'")
        raise RaisedError(error, at, explicit=False)

    def import_into(self, importer: SourceModule, module: str, name: str | None, at: Span | None) -> Any:
        """A name as a file imports it: code written against an older release finds that release's names first.

        What that release had and the installed one lacks is Unknown, with a note: much of it is imported and never used.
        """
        if not importer.dialect or name is None or module.split(".", maxsplit=1)[0] != "transformers":
            return self.import_name(module, name, at)
        older = f"{importer.dialect}.{name}"
        if self.library.has(older):
            return self.library_name(older)
        try:
            return self.import_name(module, name, at)
        except RaisedError as error:
            if error.explicit:
                raise
            reason = f"{module}.{name} is not in the installed transformers"
            self.itself.note(reason)
            return Unknown(reason, at)

    def library_name(self, dotted: str) -> Any:
        """What the tables say a dotted name stands for; a name without a stub is Unknown."""
        if dotted in self._library_values:
            return self._library_values[dotted]
        value: Any
        if self.library.has(dotted) and dotted in self.library.functions:
            run, kind = self.library.functions[dotted]
            value = self.native(dotted, run, kind)
        elif dotted in self.library.classes:
            return self._library_class(dotted)
        elif dotted in self.library.values:
            value = self.library.values[dotted]
            value = dict(value) if type(value) is dict else value  # a table of its own for every interpreter
        elif self.library.is_module(dotted):
            value = LibraryModule(dotted)
        elif (real := self.library.real_name(dotted)) is not None:
            value = self.library_name(real)
        else:
            return Unknown(f"{dotted} has no stub", self.here())
        self._library_values[dotted] = value
        return value

    def replace_name(self, dotted: str, value: Any) -> None:
        """`package.name = value`: from now on the name stands for another thing, under all the names of its old one."""
        old = self.library_name(dotted)
        self._replaced.add(dotted)
        for name in (known for known, each in list(self._library_values.items()) if each is old):
            self._library_values[name] = value
        self._library_values[dotted] = value

    def _library_class(self, dotted: str) -> ClassValue:
        entry = self.library.classes[dotted]
        bases = [base for base in map(self._base_class, entry.bases) if isinstance(base, ClassValue)]
        namespace: dict[str, Any] = dict(entry.attributes)
        for name, method in entry.methods.items():
            stub = method.function if isinstance(method, (StaticMethod, ClassMethod)) else method
            namespace[name] = self._wrapped_method(f"{dotted}.{name}", method, stub)
        cls = ClassValue(
            self.itself, dotted.rpartition(".")[2], dotted, bases, namespace, host_base=entry.host_base, is_library=True
        )
        if cls.is_module and "__init__" in entry.methods:
            namespace["__init__"] = self.native(f"{dotted}.__init__", _readying(entry.methods["__init__"]))
        self._library_values[dotted] = cls
        return cls

    def _base_class(self, dotted: str) -> Any:
        """A base by dotted name: of the tables, or read from its source file."""
        if self.library.has(dotted):
            return self.library_name(dotted)
        return self.import_name(*dotted.rpartition(".")[::2], None)

    def _wrapped_method(self, dotted: str, method: Any, stub: Callable[..., Any]) -> Any:
        native = self.native(dotted, stub)
        return type(method)(native) if isinstance(method, (StaticMethod, ClassMethod)) else native

    def library_methods(self, qualified: str) -> dict[str, NativeFunction]:
        """Stubs that replace methods of a source class."""
        if self._method_index is None:
            self._method_index = {}
            for dotted, (run, kind) in self.library.functions.items():
                owner, _, name = dotted.rpartition(".")
                if owner[:1] and owner.rpartition(".")[2][:1].isupper():
                    self._method_index.setdefault(owner, {})[name] = self.native(dotted, run, kind)
        return self._method_index.get(qualified, {})

    def native(self, name: str, run: Callable[..., Any], kind: str = "function") -> NativeFunction:
        return NativeFunction(self.itself, name, run, kind)


def _readying(init: Callable[..., Any]) -> Callable[..., Any]:
    """The constructor of a layer, after which its object takes parameters and modules: it calls that of `Module` first."""

    def run(interp: Interpreter, self: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(self, ModuleInstance):
            self.is_ready = True
        return init(interp, self, *args, **kwargs)

    return run
