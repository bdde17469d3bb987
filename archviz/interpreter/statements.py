"""Statements: one small function per syntax node, in a table."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from archviz.interpreter.attributes import MISSING
from archviz.interpreter.control import (
    BreakSignal,
    BudgetSpentError,
    ContinueSignal,
    RaisedError,
    ReturnSignal,
    UnsupportedError,
)
from archviz.interpreter.expressions import EXPRESSIONS, make_function
from archviz.interpreter.forks import branch_of
from archviz.interpreter.lost import report
from archviz.interpreter.managers import GeneratorManager
from archviz.interpreter.modules import LazyImport, absolute_name
from archviz.interpreter.repeats import counted
from archviz.interpreter.rules import into
from archviz.interpreter.scope import Frame
from archviz.interpreter.values import FunctionValue, Instance, NativeFunction, Suppressed, Tensor, Unknown
from archviz.progress import RunStopped

if TYPE_CHECKING:
    from archviz.interpreter.machine import Interpreter

Rule = Callable[["Interpreter", Any, Frame], None]
STATEMENTS: dict[type, Rule] = {}
statement = into(STATEMENTS)
"""Registers the rule of a statement."""


def _value(interp: Interpreter, node: ast.expr, frame: Frame) -> Any:
    return EXPRESSIONS[node.__class__](interp, node, frame)


@statement(ast.Expr)
def _expression_statement(interp: Interpreter, node: ast.Expr, frame: Frame) -> None:
    if not isinstance(node.value, ast.Constant):
        value = EXPRESSIONS[node.value.__class__](interp, node.value, frame)
        if value.__class__ is Unknown:
            _thrown_away(interp, value)


def _thrown_away(interp: Interpreter, value: Unknown) -> None:
    """A call that is not understood may have changed what it was given: a module while it is built, anything in a pass."""
    if interp.recorder is not None:
        report(interp, value)
    elif value.of_module:
        interp.gap(value.reason, value.at)


@statement(ast.Assign)
def _assign(interp: Interpreter, node: ast.Assign, frame: Frame) -> None:
    value = EXPRESSIONS[node.value.__class__](interp, node.value, frame)
    frame.line = node.lineno
    for target in node.targets:
        interp.assign(target, value, frame)


@statement(ast.AnnAssign)
def _annotated(interp: Interpreter, node: ast.AnnAssign, frame: Frame) -> None:
    if frame.is_class and isinstance(node.target, ast.Name):
        frame.names.setdefault("__annotations__", {})[node.target.id] = node.annotation
    if node.value is not None:
        interp.assign(node.target, _value(interp, node.value, frame), frame)


@statement(ast.AugAssign)
def _augmented(interp: Interpreter, node: ast.AugAssign, frame: Frame) -> None:
    current = _value(interp, _as_load(node.target), frame)
    operand = _value(interp, node.value, frame)
    frame.line = node.lineno
    if interp.recorder is not None:
        interp.recorder.joined.join((node.target, node.value), (current, operand), frame, interp.recorder.path)
    changed = interp.in_place(node.op.__class__, current, operand)
    if isinstance(current, Tensor) and not isinstance(node.target, ast.Subscript):
        interp.op("torch._overwritten", current)  # a tensor changes where it lies, and its views with it
    interp.assign(node.target, changed, frame)


def _as_load(target: ast.expr) -> ast.expr:
    if isinstance(target, ast.Name):
        return ast.copy_location(ast.Name(target.id, ast.Load()), target)
    if isinstance(target, ast.Attribute):
        return ast.copy_location(ast.Attribute(target.value, target.attr, ast.Load()), target)
    if isinstance(target, ast.Subscript):
        return ast.copy_location(ast.Subscript(target.value, target.slice, ast.Load()), target)
    return target


@statement(ast.Delete)
def _delete(interp: Interpreter, node: ast.Delete, frame: Frame) -> None:
    for target in node.targets:
        if isinstance(target, ast.Name):
            (frame.module.namespace if frame.is_top else frame.names).pop(target.id, None)
            if frame.is_top:
                interp.twins.rebound()
        elif isinstance(target, ast.Attribute):
            interp.delete_attribute(_value(interp, target.value, frame), target.attr)
        elif isinstance(target, ast.Subscript):
            interp.delete_item(_value(interp, target.value, frame), _value(interp, target.slice, frame))


@statement(ast.Return)
def _return(interp: Interpreter, node: ast.Return, frame: Frame) -> None:
    raise ReturnSignal(None if node.value is None else EXPRESSIONS[node.value.__class__](interp, node.value, frame))


@statement(ast.If)
def _if(interp: Interpreter, node: ast.If, frame: Frame) -> None:
    test = EXPRESSIONS[node.test.__class__](interp, node.test, frame)
    frame.line = node.lineno
    if test.__class__ is not bool:
        if interp.is_data(test) and all(isinstance(statement, ast.Continue) for statement in node.body):
            interp.enters_all()
            if interp.recorder is not None:
                interp.recorder.forks.skip(node, frame, interp.recorder.path)
            interp.run_block(node.orelse, frame)
            return
        test = interp.decide(test) if interp.recorder is None else branch_of(interp, node, frame, test)
    elif interp.recorder is not None:
        interp.recorder.forks.turn(node, frame, interp.recorder.path, test)
    interp.run_block(node.body if test else node.orelse, frame)


@statement(ast.For)
def _for(interp: Interpreter, node: ast.For, frame: Frame) -> None:
    values = _value(interp, node.iter, frame)
    frame.line = node.lineno
    rounds = counted(interp, values)
    each = interp.iterate(values)
    if interp.recorder is not None:
        each = interp.recorder.forks.rounds(node, frame, interp.recorder.path, values, each)
    for value in each:
        interp.step(frame)
        if rounds is not None:
            rounds.round()
        interp.assign(node.target, value, frame)
        try:
            interp.run_block(node.body, frame)
        except BreakSignal:
            return
        except ContinueSignal:
            continue
    interp.run_block(node.orelse, frame)


@statement(ast.While)
def _while(interp: Interpreter, node: ast.While, frame: Frame) -> None:
    for count in itertools.count():
        test = _value(interp, node.test, frame)
        frame.line = node.lineno
        once = interp.is_data(test)
        if interp.recorder is not None:
            interp.recorder.forks.reach(node, frame, interp.recorder.path, count, by_data=once)
        if not interp.enters(test):
            break
        interp.step(frame)
        try:
            interp.run_block(node.body, frame)
        except BreakSignal:
            return
        except ContinueSignal:
            pass
        if once:  # a loop over data runs its body once
            break
    interp.run_block(node.orelse, frame)


@statement(ast.Break)
def _break(interp: Interpreter, node: ast.Break, frame: Frame) -> None:
    raise BreakSignal


@statement(ast.Continue)
def _continue(interp: Interpreter, node: ast.Continue, frame: Frame) -> None:
    raise ContinueSignal


@statement(ast.Pass)
def _pass(interp: Interpreter, node: ast.Pass, frame: Frame) -> None:
    return None


@statement(ast.Global)
def _global(interp: Interpreter, node: ast.Global, frame: Frame) -> None:
    frame.globals_ = (frame.globals_ or set()) | set(node.names)


@statement(ast.Nonlocal)
def _nonlocal(interp: Interpreter, node: ast.Nonlocal, frame: Frame) -> None:
    frame.nonlocals = (frame.nonlocals or set()) | set(node.names)


@statement(ast.FunctionDef, ast.AsyncFunctionDef)
def _function(interp: Interpreter, node: ast.FunctionDef, frame: Frame) -> None:
    value: Any = make_function(interp, node, frame)
    for decorator in reversed(node.decorator_list):
        frame.line = decorator.lineno
        value = interp.decorate(decorator, value, frame)
    frame.bind(node.name, value)


@statement(ast.ClassDef)
def _class(interp: Interpreter, node: ast.ClassDef, frame: Frame) -> None:
    frame.line = node.lineno
    value: Any = interp.make_class(node, frame)
    for decorator in reversed(node.decorator_list):
        value = interp.decorate(decorator, value, frame)
    frame.bind(node.name, value)


@statement(ast.Import)
def _import(interp: Interpreter, node: ast.Import, frame: Frame) -> None:
    for alias in node.names:
        interp.require_module(alias.name)
        bound = alias.name if alias.asname else alias.name.split(".")[0]
        frame.bind(alias.asname or bound, interp.import_name(bound, None, interp.here()))


@statement(ast.ImportFrom)
def _import_from(interp: Interpreter, node: ast.ImportFrom, frame: Frame) -> None:
    name = absolute_name(frame.module, node)
    if not (frame.module.dialect and name.startswith("transformers.")):
        interp.require_module(name)
    for alias in node.names:
        if alias.name == "*":
            continue
        if frame.is_top:
            frame.bind(alias.asname or alias.name, LazyImport(name, alias.name, interp.here()))
        else:
            found = interp.import_into(frame.module, name, alias.name, interp.here())
            if interp.region is not None:
                interp.region.sees(found)
            frame.bind(alias.asname or alias.name, found)


@statement(ast.Raise)
def _raise(interp: Interpreter, node: ast.Raise, frame: Frame) -> None:
    frame.line = node.lineno
    if node.exc is None:
        active = frame.names.get("__active_error__")
        raise active or RaisedError(RuntimeError("No active exception to reraise"), interp.here(), explicit=True)
    value = _value(interp, node.exc, frame)
    raise interp.as_raised(value)


@statement(ast.Assert)
def _assert(interp: Interpreter, node: ast.Assert, frame: Frame) -> None:
    frame.line = node.lineno
    test = _value(interp, node.test, frame)
    if isinstance(test, Unknown) or interp.is_data(test):
        return
    if not interp.truth(test):
        message = "" if node.msg is None else str(_value(interp, node.msg, frame))
        raise RaisedError(AssertionError(message), interp.here(), explicit=True)


@statement(ast.Try)
def _try(interp: Interpreter, node: ast.Try, frame: Frame) -> None:
    try:
        try:
            with interp.guarded():
                interp.run_block(node.body, frame)
        except RaisedError as error:
            handler = handler_of(interp, node.handlers, error, frame)
            if handler is None:
                raise
            _went(interp, node, frame, through=False)
            _run_handler(interp, handler, error, frame)
        else:
            _went(interp, node, frame, through=True)
            interp.run_block(node.orelse, frame)
    except (
        BudgetSpentError,
        RunStopped,
    ):  # what would go on as if nothing had happened could recurse again, without end
        raise
    except BaseException:
        interp.run_block(node.finalbody, frame)
        raise
    interp.run_block(node.finalbody, frame)


def _went(interp: Interpreter, node: ast.Try, frame: Frame, *, through: bool) -> None:
    if interp.recorder is not None and node.handlers:
        interp.recorder.forks.turn(node, frame, interp.recorder.path, through)


def handler_of(
    interp: Interpreter, handlers: list[ast.ExceptHandler], error: RaisedError, frame: Frame
) -> ast.ExceptHandler | None:
    """The first handler that takes an error."""
    for handler in handlers:
        if handler.type is None or interp.is_instance(error.value, _value(interp, handler.type, frame)):
            return handler
    return None


def begin_handler(handler: ast.ExceptHandler, error: RaisedError, frame: Frame) -> Any:
    """Bind the error that a handler takes; returns the one that was handled before."""
    if handler.name:
        if isinstance(error.value, BaseException):
            error.value.__traceback__ = None  # it would hold this frame, which now holds the error
        frame.bind(handler.name, error.value)
    previous = frame.names.get("__active_error__")
    frame.names["__active_error__"] = error
    return previous


def _run_handler(interp: Interpreter, handler: ast.ExceptHandler, error: RaisedError, frame: Frame) -> None:
    previous = begin_handler(handler, error, frame)
    try:
        interp.run_block(handler.body, frame)
    finally:
        frame.names["__active_error__"] = previous


@statement(ast.With, ast.AsyncWith)
def _with(interp: Interpreter, node: ast.With, frame: Frame) -> None:
    _within(interp, node.items, node.body, frame)


def _within(interp: Interpreter, items: list[ast.withitem], body: list[ast.stmt], frame: Frame) -> None:
    """Run a block inside its managers, the first one outermost."""
    if not items:
        interp.run_block(body, frame)
        return
    manager = _value(interp, items[0].context_expr, frame)

    def inside(entered: Any) -> None:
        target = items[0].optional_vars
        if target is not None:
            interp.assign(target, entered, frame)
        _within(interp, items[1:], body, frame)

    entered = interp.enter(manager)
    error: RaisedError | None = None
    try:
        with interp.guarded() if may_swallow(manager) else nullcontext():
            inside(entered)
    except RaisedError as raised:
        error = raised
    except (BudgetSpentError, RunStopped):
        raise
    except BaseException:
        interp.leave(manager)
        raise
    if not interp.leave(manager, error) and error is not None:
        raise error


def may_swallow(manager: Any) -> bool:
    """Whether leaving a manager may end an error: its `__exit__` returns something."""
    if isinstance(manager, Suppressed):
        return True
    if isinstance(manager, GeneratorManager):
        return any(isinstance(each, ast.Try) and each.handlers for each in ast.walk(manager.function.node))
    if not isinstance(manager, Instance) or not manager.cls.has("__exit__"):
        return False
    leave = manager.cls.lookup("__exit__")
    if not isinstance(leave, FunctionValue):
        return leave.__class__ is NativeFunction and leave.name.startswith("contextlib.")
    returns = (each for each in ast.walk(leave.node) if isinstance(each, ast.Return))
    return any(each.value is not None and getattr(each.value, "value", True) for each in returns)


@statement(ast.Match)
def _match(interp: Interpreter, node: ast.Match, frame: Frame) -> None:
    subject = _value(interp, node.subject, frame)
    interp.run_block(body_of_case(interp, node, subject, frame), frame)


def body_of_case(interp: Interpreter, node: ast.Match, subject: Any, frame: Frame) -> list[ast.stmt]:
    """The statements of the first case that fits; none where none does."""
    if isinstance(subject, Unknown):
        raise UnsupportedError(f"match over {subject.reason}", subject.at or interp.here())
    by_data = isinstance(subject, Tensor)
    taken = -1
    for place, case in enumerate(node.cases):
        if not _matches(interp, case.pattern, subject, frame):
            continue
        guard = None if case.guard is None else _value(interp, case.guard, frame)
        by_data |= interp.is_data(guard)
        if case.guard is None or interp.decide(guard):
            taken = place
            break
    if interp.recorder is not None:
        interp.recorder.forks.case(node, frame, interp.recorder.path, taken, by_data=by_data)
    return node.cases[taken].body if taken >= 0 else []


def _matches(interp: Interpreter, pattern: ast.pattern, subject: Any, frame: Frame) -> bool:
    if isinstance(pattern, ast.MatchValue):
        return bool(interp.compare(ast.Eq, subject, _value(interp, pattern.value, frame)))
    if isinstance(pattern, ast.MatchSingleton):
        return subject is pattern.value
    if isinstance(pattern, ast.MatchOr):
        return any(_matches(interp, each, subject, frame) for each in pattern.patterns)
    if isinstance(pattern, ast.MatchAs):
        if pattern.pattern is not None and not _matches(interp, pattern.pattern, subject, frame):
            return False
        if pattern.name:
            frame.bind(pattern.name, subject)
        return True
    if isinstance(pattern, ast.MatchSequence):
        return isinstance(subject, (list, tuple)) and _matches_items(interp, pattern.patterns, list(subject), frame)
    if isinstance(pattern, ast.MatchMapping):
        return isinstance(subject, dict) and _matches_mapping(interp, pattern, subject, frame)
    if isinstance(pattern, ast.MatchClass):
        return _matches_class(interp, pattern, subject, frame)
    raise UnsupportedError(f"match pattern {pattern.__class__.__name__} is not supported", interp.here())


def _matches_items(interp: Interpreter, patterns: list[ast.pattern], items: list[Any], frame: Frame) -> bool:
    star = next((place for place, each in enumerate(patterns) if isinstance(each, ast.MatchStar)), None)
    if star is None:
        return len(items) == len(patterns) and _match_all(interp, patterns, items, frame)
    after = len(patterns) - star - 1
    if len(items) < star + after:
        return False
    end = len(items) - after
    fits = _match_all(interp, patterns[:star] + patterns[star + 1 :], items[:star] + items[end:], frame)
    name = getattr(patterns[star], "name", None)
    if fits and name:
        frame.bind(name, items[star:end])
    return fits


def _match_all(interp: Interpreter, patterns: list[ast.pattern], items: list[Any], frame: Frame) -> bool:
    return all(_matches(interp, each, item, frame) for each, item in zip(patterns, items, strict=True))


def _matches_mapping(interp: Interpreter, pattern: ast.MatchMapping, subject: dict[Any, Any], frame: Frame) -> bool:
    keys = [_value(interp, key, frame) for key in pattern.keys]
    if not all(key in subject for key in keys):
        return False
    fits = _match_all(interp, pattern.patterns, [subject[key] for key in keys], frame)
    if fits and pattern.rest:
        frame.bind(pattern.rest, {key: each for key, each in subject.items() if key not in keys})
    return fits


def _matches_class(interp: Interpreter, pattern: ast.MatchClass, subject: Any, frame: Frame) -> bool:
    cls = _value(interp, pattern.cls, frame)
    if interp.is_instance(subject, cls) is not True:
        return False
    names = list(pattern.kwd_attrs)
    patterns = [*pattern.patterns, *pattern.kwd_patterns]
    if pattern.patterns and not isinstance(subject, Instance):  # `int(n)` binds the subject itself
        return len(patterns) == 1 and _matches(interp, patterns[0], subject, frame)
    if pattern.patterns:
        names = [*interp.get_attribute(cls, "__match_args__")[: len(pattern.patterns)], *names]
    found = [interp.find_attribute(subject, name) for name in names]
    return MISSING not in found and _match_all(interp, patterns, found, frame)
