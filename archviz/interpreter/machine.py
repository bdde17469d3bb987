"""The interpreter: one object that ties the syntax tables, the library stubs, the sources and the budget together."""

from __future__ import annotations

import ast
import re
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from archviz.interpreter import attributes, calls, classes
from archviz.interpreter.attribute_writes import AttributeWrites
from archviz.interpreter.attributes import MISSING
from archviz.interpreter.blocks import Entered, Guarded
from archviz.interpreter.builtins_table import BUILTINS, NATIVE
from archviz.interpreter.control import LEAVING, BudgetSpentError, RaisedError, UnsupportedError
from archviz.interpreter.expressions import EXPRESSIONS
from archviz.interpreter.followed import Region
from archviz.interpreter.handed_on import Handing
from archviz.interpreter.imports import Imports
from archviz.interpreter.library import Library
from archviz.interpreter.modules import FindSource, SourceModule
from archviz.interpreter.operators import Operators
from archviz.interpreter.scope import Frame
from archviz.interpreter.sharing import SharedCalls
from archviz.interpreter.statements import STATEMENTS
from archviz.interpreter.tracing import Recorder
from archviz.interpreter.twins import Twins
from archviz.interpreter.values import (
    ClassValue,
    FunctionValue,
    Instance,
    ModuleInstance,
    PropertyValue,
    Tensor,
    Unknown,
)
from archviz.interpreter.watched import plain
from archviz.progress import stop_if_unwanted
from archviz.settings import Limits
from archviz.spans import RAISES, Span

HOST_ERRORS = (
    TypeError, ValueError, KeyError, IndexError, AttributeError, ZeroDivisionError, OverflowError, StopIteration,
    NotImplementedError, RuntimeError, ImportError, ArithmeticError, LookupError, re.error,
)  # fmt: skip


_HOST_LIMITS = (RecursionError, MemoryError)
_FAILURES = (RaisedError, UnsupportedError, *_HOST_LIMITS, *HOST_ERRORS)


class Interpreter(Operators, AttributeWrites, Imports):
    """Runs modelling code over abstract values.

    Args:
        library: Stubs by dotted name.
        find_source: Finds a module's text by dotted name; None when there is no such file.
        limits: Bounds.
        locate: Finds the module that defines a name which the top-level `transformers` package exports.
    """

    def __init__(
        self,
        library: Library,
        find_source: FindSource,
        limits: Limits | None = None,
        locate: Callable[[str], str | None] | None = None,
    ) -> None:
        Imports.__init__(self, library, find_source, locate or (lambda name: None))
        self.limits = limits or Limits()
        self.gaps: list[tuple[Any, str, Span | None]] = []  # (module under construction or path, reason, place)
        self.lasting_gaps: list[tuple[Any, str, Span | None]] = []  # of definitions that a pass was the first to run
        self.notes: list[tuple[str, Span | None]] = []
        self.building: list[ModuleInstance] = []
        self.recorder: Recorder | None = None
        self.frame: Frame = Frame(None)  # type: ignore[arg-type] # replaced before any code runs
        self.state: dict[str, Any] = {}  # what stubs remember between calls (context managers, registries)
        self._shared: SharedCalls | None = None
        self.handing: Handing | None = None  # numbers that a call hands on, until a `forward` takes them
        self.region: Region | None = None  # the construction that is followed, to be repeated later
        self.twins = Twins(self)
        self._builtins.update(BUILTINS)
        self._builtins.update(
            {name: self.native(name, run, "super" if name == "super" else "function") for name, run in NATIVE.items()}
        )
        self.guards = 0  # how many handlers wait for an error, which is then theirs and no gap
        self._steps = 0
        self._parts = 0
        self._depth = 0
        self._deadline = time.thread_time() + self.limits.seconds

    @property
    def itself(self) -> Interpreter:
        return self

    # -- budget ---------------------------------------------------------------------------------------------------

    def step(self, frame: Frame | None = None) -> None:
        """Count one step; raises BudgetSpentError when a bound is reached, RunStopped when nobody waits any more."""
        self._steps += 1
        if self._steps & 1023 == 0:
            self._look_at_bounds()

    def _look_at_bounds(self) -> None:
        if self._steps > self.limits.steps:
            raise BudgetSpentError(f"more than {self.limits.steps:,} steps", self.here())
        if time.thread_time() > self._deadline:
            raise BudgetSpentError(f"more than {self.limits.seconds:g} s", self.here())
        stop_if_unwanted()

    def spend(self, count: int) -> None:
        """Count several steps at once: what a long value or a deep chain costs."""
        self._steps += count
        if self._steps > self.limits.steps:
            raise BudgetSpentError(f"more than {self.limits.steps:,} steps", self.here())

    @property
    def parts(self) -> int:
        """The modules, parameters and buffers made so far."""
        return self._parts

    def count_part(self, count: int = 1) -> None:
        """Count modules, parameters or buffers that are made; their sum is bounded."""
        self._parts += count
        if self._parts > self.limits.parts:
            raise BudgetSpentError(f"more than {self.limits.parts:,} modules, parameters and buffers", self.here())

    def renew_budget(self) -> None:
        """Start counting steps and time afresh, for another model read by the same interpreter."""
        self._steps = 0
        self._parts = 0
        self._depth = 0
        self.guards = 0
        self.region = None
        self.twins = Twins(self)
        self._deadline = time.thread_time() + self.limits.seconds

    @property
    def steps(self) -> int:
        """The steps taken so far."""
        return self._steps

    @property
    def depth(self) -> int:
        """How many calls are open."""
        return self._depth

    def entered(self, frame: Frame) -> Entered:
        """Make a frame the current one while its code runs."""
        return Entered(self, frame)

    def enter_frame(self, frame: Frame) -> Frame:
        """Begin a frame's code; returns the frame to go back to."""
        if self._depth >= self.limits.depth:
            raise BudgetSpentError(f"calls nested deeper than {self.limits.depth}", self.here())
        previous, self.frame = self.frame, frame
        self._depth += 1
        return previous

    def leave_frame(self, previous: Frame) -> None:
        self.frame = previous
        self._depth -= 1

    def here(self) -> Span | None:
        """The line that runs now."""
        frame = self.frame
        module = frame.module
        return None if module is None else module.place(frame.line)

    # -- what was not understood ----------------------------------------------------------------------------------

    def gap(self, reason: str, at: Span | None = None) -> None:
        """Record something not understood, under the module that is being built or called; what follows from a refusal is none of its own."""
        if RAISES in reason and not reason.startswith(RAISES):
            return
        owner: Any = self.building[-1] if self.building else (self.recorder.path if self.recorder else "")
        entry = (owner, reason if len(reason) <= 500 else f"{reason[:499]}…", at or self.here())
        if entry not in self.gaps and len(self.gaps) < 1000:
            self.gaps.append(entry)

    def guarded(self) -> Guarded:
        """Let errors of the interpreted program through to a handler instead of turning them into gaps."""
        return Guarded(self)

    def note(self, reason: str) -> None:
        """Record something not understood that need not change the result."""
        if len(self.notes) < 1000:
            self.notes.append((reason, self.here()))

    # -- statements and expressions -------------------------------------------------------------------------------

    def evaluate(self, node: ast.expr, frame: Frame) -> Any:
        return EXPRESSIONS[node.__class__](self, node, frame)

    def run_block(self, body: list[ast.stmt], frame: Frame, *, recover: bool | None = None) -> None:
        """Run statements; where a module is being built, one that is not understood becomes a gap and the rest runs.

        Args:
            body: The statements.
            frame: Their frame.
            recover: False inside `try`, where the interpreted program itself may handle the error.
        """
        if not body:
            return
        recovers = (recover if recover is not None else frame.recovers) and not self.guards
        previous, frame.recovers = frame.recovers, recovers
        try:
            for statement in body:
                frame.line = statement.lineno
                self._steps += 1  # `step`, in place: what is done for every statement counts
                if self._steps & 1023 == 0:
                    self._look_at_bounds()
                try:
                    STATEMENTS[statement.__class__](self, statement, frame)
                except _FAILURES as error:
                    if self._recovered(error, statement, frame, recovers=recovers):
                        continue
                    if isinstance(error, (RaisedError, UnsupportedError)):
                        raise
                    raise self._instead(error) from (None if isinstance(error, _HOST_LIMITS) else error)
        finally:
            frame.recovers = previous

    # An error is never raised from a variable: its traceback would hold the variable, and so itself with all that was being built.

    def _recovered(self, error: Exception, statement: ast.stmt, frame: Frame, *, recovers: bool) -> bool:
        """Whether an error in a statement becomes a gap, as it does where a module is being built; else it goes on."""
        if not recovers or isinstance(error, _HOST_LIMITS):
            return False
        if isinstance(error, RaisedError):
            if error.explicit and not self.gaps:
                return False
            self._recover(statement, frame, self.raised_words(error), error.at)
        elif isinstance(error, UnsupportedError):
            self._recover(statement, frame, error.reason, error.at)
        elif self._is_refusal(error):
            return False
        else:
            self._recover(statement, frame, self.raised_words(error), self.here())
        return True

    def raised_words(self, error: Exception) -> str:
        """An error in words; in a pass, before anything else was lost, one of a rule for shapes or of `raise` is what the code does itself."""
        raised = isinstance(error, RaisedError)
        cause = error.value if isinstance(error, RaisedError) else error
        own = isinstance(cause, RuntimeError) and not isinstance(cause, NotImplementedError)
        own = own or (isinstance(error, RaisedError) and error.explicit)
        text = str(error) if raised else f"{type(error).__name__}: {error}"
        told = f"{RAISES}{text}"
        first = not self.gaps or any(reason == told for _, reason, _ in self.gaps)
        return told if own and first and self.recorder is not None else text

    def recovered(self, error: Exception, statement: ast.stmt, frame: Frame) -> bool:
        """Whether an error in a statement that yields becomes a gap; one of the host is raised as the program's own."""
        if not isinstance(error, _FAILURES):
            return False
        if self._recovered(error, statement, frame, recovers=frame.recovers and not self.guards):
            return True
        if not isinstance(error, (RaisedError, UnsupportedError)):
            raise self._instead(error) from (None if isinstance(error, _HOST_LIMITS) else error)
        return False

    def _instead(self, error: Exception) -> Exception:
        """What an error of the host is in the interpreted program."""
        if isinstance(error, RecursionError):
            return BudgetSpentError("nesting too deep", self.here())
        if isinstance(error, MemoryError):
            return BudgetSpentError("out of memory", self.here())
        return RaisedError(error, self.here(), explicit=self._is_refusal(error))

    def _is_refusal(self, error: Exception) -> bool:
        return isinstance(error, (KeyError, ZeroDivisionError)) and not self.gaps and self.recorder is None

    def _recover(self, statement: ast.stmt, frame: Frame, reason: str, at: Span | None) -> None:
        """Record a gap for a statement and bind what it would have bound to Unknown."""
        place = Span(frame.module.shown, statement.lineno)
        self.gap(reason, at or place)
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        for target in targets:
            try:
                self.assign(target, Unknown(reason, place), frame)
            except (RaisedError, UnsupportedError, *HOST_ERRORS):
                continue

    def run_module_statement(self, module: SourceModule, statement: ast.stmt) -> None:
        """Run one top-level statement of a source file."""
        frame = Frame(module, is_top=True)
        frame.line = statement.lineno
        with self.entered(frame), self.recorder.making(handed_on=False) if self.recorder is not None else nullcontext():
            try:
                self.run_block([statement], frame, recover=False)
            except (RaisedError, UnsupportedError) as error:
                if not _only_changes(statement):
                    raise
                self.note(f"a module-level statement is not understood: {error}")
            except LEAVING:
                raise UnsupportedError("return, break or continue outside a function or loop", self.here()) from None

    def assign(self, target: ast.expr, value: Any, frame: Frame) -> None:
        """Bind a value to a target: a name, an attribute, an item, or a pattern of them."""
        kind = target.__class__
        if kind is ast.Name:
            frame.bind(target.id, value)  # type: ignore[attr-defined]
        elif isinstance(target, ast.Attribute):
            self.set_attribute(self.evaluate(target.value, frame), target.attr, value)
        elif isinstance(target, ast.Subscript):
            self.set_item(self.evaluate(target.value, frame), self.evaluate(target.slice, frame), value)
        elif isinstance(target, (ast.Tuple, ast.List)):
            self._unpack(target.elts, value, frame)
        elif isinstance(target, ast.Starred):
            self.assign(target.value, list(self.iterate(value)), frame)

    def _unpack(self, targets: list[ast.expr], value: Any, frame: Frame) -> None:
        if isinstance(value, Unknown) or (isinstance(value, Tensor) and value.shape is None):
            unknown = value if isinstance(value, Unknown) else Unknown("part of a tensor of unknown shape", self.here())
            for target in targets:
                self.assign(target, unknown, frame)
            return
        values = list(self.iterate(value))
        star = next((index for index, each in enumerate(targets) if isinstance(each, ast.Starred)), None)
        if star is None:
            if len(values) != len(targets):
                raise ValueError(
                    f"not enough or too many values to unpack (expected {len(targets)}, got {len(values)})"
                )
            pairs = list(zip(targets, values, strict=True))
        else:
            after = len(targets) - star - 1
            middle = values[star : len(values) - after]
            pairs = [*zip(targets[:star], values, strict=False), (targets[star], middle)]
            pairs += zip(targets[star + 1 :], values[len(values) - after :], strict=True)
        for target, each in pairs:
            self.assign(target, each, frame)

    # -- calls, classes, modules ----------------------------------------------------------------------------------

    call = calls.call

    def decorate(self, node: ast.expr, value: Any, frame: Frame) -> Any:
        """Apply a decorator; one that is not understood leaves what it decorates as it is."""
        if isinstance(node, ast.Attribute) and node.attr in ("setter", "getter", "deleter"):
            current = frame.names.get(node.value.id) if isinstance(node.value, ast.Name) else None
            if isinstance(current, PropertyValue):
                fset = value if node.attr == "setter" else current.fset
                return PropertyValue(value if node.attr == "getter" else current.fget, fset)
        try:
            decorator = self.evaluate(node, frame)
            if decorator is property:
                return PropertyValue(value)
            result = self.call(decorator, [value], {})
        except (RaisedError, UnsupportedError, *HOST_ERRORS) as error:
            result = Unknown(str(error))
        if isinstance(result, Unknown):
            self.note(f"decorator {ast.unparse(node)[:60]} is not understood: {result.reason}")
            if frame.module.is_own:
                self.gap(f"the decorator {ast.unparse(node)[:60]}: {result.reason}", result.at)
                if self.recorder is not None:  # defined once, and what is wrong with it holds for later passes
                    self.lasting_gaps.append(self.gaps[-1])
        if isinstance(result, FunctionValue) and result is not value:
            result.attrs.setdefault("__wrapped__", value)
        return value if isinstance(result, Unknown) else result

    def make_class(self, node: ast.ClassDef, frame: Frame) -> Any:
        return classes.make_class(self, node, frame)

    make_class_by_call = classes.make_by_metaclass
    type_by_call = classes.make_by_call

    def allocate(self, cls: ClassValue, args: list[Any], kwargs: dict[str, Any]) -> Instance:
        """A new object of a class, before `__init__`."""
        if cls.is_module:
            self.count_part()
            module = ModuleInstance(cls)
            module.created_at = self.here()
            module.attrs["training"] = True
            module.is_ready = False
            if self.region is not None:
                self.region.modules.append(module)
            return module
        instance = Instance(cls)
        host = cls.host_base
        if host is PropertyValue:
            instance.payload = PropertyValue(*args)
        elif host is not None:
            args = [plain(each) for each in args]
            is_container = issubclass(host, (dict, list, set, BaseException))
            instance.payload = host() if is_container and cls.has("__init__") else host(*args, **kwargs)
        if self.recorder is not None:
            self.recorder.made(instance)
        return instance

    def shared_calls(self, recorder: Recorder) -> SharedCalls:
        """The calls of a trace that later ones may repeat."""
        if self._shared is None or self._shared.recorder is not recorder:
            self._shared = SharedCalls(recorder)
        return self._shared

    def build_module(self, module: ModuleInstance, args: list[Any], kwargs: dict[str, Any]) -> ModuleInstance:
        """Run a module's `__init__`; gaps met on the way belong to this module."""
        self.building.append(module)
        if module.cls.has(calls.UNKNOWN_BASE):
            self.unknown_base(module.cls)
        try:
            self.call(module.cls.lookup("__init__"), [module, *args], kwargs)
        finally:
            self.building.pop()
        return module

    # -- attributes and items -------------------------------------------------------------------------------------

    get_attribute = attributes.get_attribute
    find_attribute = attributes.find_attribute

    def renamed_attribute(self, value: Instance, name: str) -> str:
        """A configuration's `attribute_map` (the only `__getattribute__` in use, answered natively for speed)."""
        mapping = value.cls.find("attribute_map")
        return mapping.get(name, name) if isinstance(mapping, dict) and name != "attribute_map" else name

    def identity(self, value: Any) -> int:
        """A number that tells objects apart, stable within this interpreter (never an address of the host)."""
        known: dict[int, tuple[int, Any]] = self.state.setdefault("identities", {})
        return known.setdefault(id(value), (len(known) + 1, value))[0]

    def host_attribute(self, value: Any, name: str) -> Any:
        """Attributes of the few host objects that stubs hand out (`fields`, iterators, compiled patterns)."""
        allowed = getattr(type(value), "ARCHVIZ_ATTRIBUTES", None) or HOST_ATTRIBUTES.get(type(value).__name__, ())
        return getattr(value, name, MISSING) if name in allowed else MISSING


def _only_changes(statement: ast.stmt) -> bool:
    """Whether a module-level statement binds no name of its own, but changes something already bound."""
    if isinstance(statement, ast.Assign):
        return all(isinstance(target, (ast.Attribute, ast.Subscript)) for target in statement.targets)
    if isinstance(statement, ast.If):
        return all(_only_changes(each) for each in [*statement.body, *statement.orelse])
    return isinstance(statement, ast.Expr)


HOST_ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "FieldValue": ("default", "default_factory", "init", "metadata", "name", "type"),
    "Pattern": ("match", "search", "fullmatch", "sub", "findall", "finditer", "pattern", "split"),
    "Match": ("group", "groups", "start", "end", "span", "groupdict"),
    "partial": ("func", "args", "keywords"),
    "StopIteration": ("value",),
}
