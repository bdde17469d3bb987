"""The table of library stubs: what each torch function, `nn` layer and infrastructure name stands for.

The interpreter knows no library by itself.  The rooms `ops` and `layers` fill a `Library` by decorators, keyed by the
dotted name that a stub stands for; adding one is adding one small function:

    @library.function("torch.cat", "torch.concat")
    def cat(interp, tensors, dim=0): ...

    @library.constructor("torch.nn.Linear")
    def linear(interp, self, in_features, out_features, bias=True, device=None, dtype=None): ...

A method of a source class is replaced by registering its dotted name
(`transformers.modeling_utils.PreTrainedModel.__init__`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from archviz.late_patterns import late_pattern

Run = Callable[..., Any]
MOST_WITHOUT = 50_000
MISSING_BACKENDS = "__missing_backends__"  # class attribute: optional packages that its class needs and that are absent


class LibraryClass:
    """A library class: its bases by dotted name, its native methods, the Python type it behaves like, plain attributes."""

    __slots__ = ("attributes", "bases", "host_base", "methods")

    def __init__(self, bases: tuple[str, ...] = (), host_base: type | None = None) -> None:
        self.bases = bases
        self.methods: dict[str, Any] = {}
        self.host_base = host_base
        self.attributes: dict[str, Any] = {}


_PLAIN = late_pattern(r"(?:\w|\\\.)*(?![?*+{|])")


class Matching:
    """A stub for all names that an expression matches, which is compiled when a name begins as it may.

    Args:
        expression: A regular expression without alternatives outside parentheses.
        beginnings: How names may begin; its own plain beginning by default.
    """

    __slots__ = ("_beginnings", "_expression", "run")

    def __init__(self, expression: str, beginnings: tuple[str, ...], run: Run) -> None:
        plain = _PLAIN.match(expression)
        self._beginnings = beginnings or (plain[0].replace("\\.", ".") if plain else "",)
        self._expression = late_pattern(expression)
        self.run = run

    def has(self, name: str) -> bool:
        """Whether the expression matches the whole of a dotted name."""
        return name.startswith(self._beginnings) and self._expression.fullmatch(name) is not None


class DuplicateStubError(Exception):
    """Two stubs for one dotted name."""


class Library:
    """Stubs by dotted name: functions, classes, values, and replaced methods of source classes."""

    def __init__(self) -> None:
        self.functions: dict[str, tuple[Run, str]] = {}
        self.classes: dict[str, LibraryClass] = {}
        self.values: dict[str, Any] = {}
        self.absent: set[str] = set()
        self.attribute_names: dict[str, frozenset[str]] = {}  # library class → attributes that it has without a stub
        self._elsewhere: dict[str, str] = {}
        self._patterns: list[Matching] = []
        self._named: list[Matching] = []
        self._prefixes: set[str] = set()
        self._without: set[str] = set()  # names asked for that have no stub

    def function(self, *names: str, kind: str = "function") -> Callable[[Run], Run]:
        """Register `run(interpreter, *args, **kwargs)` for one or more dotted names."""

        def register(run: Run) -> Run:
            for name in names:
                self._add(name, self.functions, (run, kind))
            return run

        return register

    def pattern(self, expression: str) -> Callable[[Run], Run]:
        """Register one stub `run(interpreter, …)` for every dotted name that matches a regular expression."""

        def register(run: Run) -> Run:
            self._patterns.append(Matching(expression, (), run))
            self._without.clear()
            return run

        return register

    def named_pattern(self, expression: str, beginnings: tuple[str, ...] = ()) -> Callable[[Run], Run]:
        """Register one stub `run(interpreter, name, …)` for every dotted name that matches; it is told which name.

        Args:
            beginnings: How such names begin, where the expression does not begin with plain text.
        """

        def register(run: Run) -> Run:
            self._named.append(Matching(expression, beginnings, run))
            self._without.clear()
            return run

        return register

    def package(self, *names: str) -> None:
        """Say that packages exist although no single name in them has a stub: importing them succeeds."""
        self._prefixes.update(names)

    def also(self, package: str, real: str) -> None:
        """Say that what a package has no stub for is what another one has of the same name."""
        self._elsewhere[package] = real
        self._prefixes.add(package)

    def real_name(self, name: str) -> str | None:
        """The name under which another package has a stub for what this one only hands on; None where none has."""
        package, _, own = name.rpartition(".")
        real = f"{self._elsewhere[package]}.{own}" if package in self._elsewhere else None
        return real if real is not None and (self.has(real) or self.is_module(real)) else None

    def constructor(self, name: str, *bases: str) -> Callable[[Run], Run]:
        """Register a library class by its `__init__(interpreter, self, …)`; a module unless bases are named."""

        def register(run: Run) -> Run:
            self.declare(name, *(bases or ("torch.nn.Module",)))
            self.classes[name].methods["__init__"] = run
            return run

        return register

    def method(self, *names: str) -> Callable[[Run], Run]:
        """Register a native method `run(interpreter, self, …)` under `dotted.Class.method`."""

        def register(run: Run) -> Run:
            for dotted in names:
                owner, _, name = dotted.rpartition(".")
                if owner in self.classes:
                    self.classes[owner].methods[name] = run
                else:
                    self._add(dotted, self.functions, (run, "function"))
            return run

        return register

    def declare(self, name: str, *bases: str, host_base: type | None = None) -> None:
        """Register a library class without a constructor of its own."""
        self._add(name, self.classes, LibraryClass(bases, host_base=host_base))

    def value(self, name: str, value: Any) -> None:
        """Register a constant."""
        self._add(name, self.values, value)

    def _add(self, name: str, table: dict[str, Any], entry: Any) -> None:
        if name in self.functions or name in self.classes or name in self.values:
            raise DuplicateStubError(f"{name} has a stub already")
        table[name] = entry
        self._without.clear()
        owner = name.rpartition(".")[0]
        while owner and owner not in self._prefixes:
            self._prefixes.add(owner)
            owner = owner.rpartition(".")[0]

    def has(self, name: str) -> bool:
        """Whether a dotted name has a stub."""
        if name in self.functions or name in self.classes or name in self.values:
            return True
        if name in self._without:
            return False
        for each in self._patterns:
            if each.has(name):
                self.functions[name] = (each.run, "function")
                return True
        found = self._has_named(name)
        if not found and len(self._without) < MOST_WITHOUT:
            self._without.add(name)
        return found

    def is_refused(self, name: str) -> bool:
        """Whether a dotted name is one of those that are registered by pattern and told their name."""
        return any(each.has(name) for each in self._named)

    def _has_named(self, name: str) -> bool:
        run = next((each.run for each in self._named if each.has(name)), None)
        if run is not None:
            self.functions[name] = (_told(run, name), "function")
        return run is not None

    def is_module(self, name: str) -> bool:
        """Whether some stub lies below this dotted name."""
        return name in self._prefixes

    def roots(self) -> Iterable[str]:
        return {name.split(".")[0] for name in self._prefixes}


def _told(run: Run, name: str) -> Run:
    return lambda interp, *args, **kwargs: run(interp, name, *args, **kwargs)
