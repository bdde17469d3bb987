"""Generators: bodies that stop at each `yield` and go on when the next value is asked for, as Python runs them.

A statement without a `yield` inside runs by its ordinary rule; the others have rules here that are generators of the host, so that
only what has to stop can. A `yield` deep in an expression is evaluated first, after what stands to its left, and its value put there.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Generator, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from archviz.interpreter.control import (
    BreakSignal,
    BudgetSpentError,
    ContinueSignal,
    RaisedError,
    ReturnSignal,
)
from archviz.interpreter.expressions import EXPRESSIONS, expression, inside, made
from archviz.interpreter.parsing import FunctionNode, body_of
from archviz.interpreter.repeats import counted
from archviz.interpreter.rules import into
from archviz.interpreter.scope import Frame
from archviz.interpreter.signatures import yields
from archviz.interpreter.statements import begin_handler, body_of_case, handler_of, may_swallow
from archviz.interpreter.values import Tensor, Unknown
from archviz.interpreter.watched import plain

if TYPE_CHECKING:
    from archviz.interpreter.machine import Interpreter

Run = Generator[Any, Any, Any]
Rule = Callable[["Interpreter", Any, Frame], Run]
LAZY: dict[type, Rule] = {}
lazy = into(LAZY)
"""Registers the rule of a statement that yields."""
_YIELDS = "archviz_yields"  # the attribute of a node that says whether it yields


class Generated:
    """A generator of the interpreted program.

    Args:
        interp: The interpreter.
        frame: Where its code runs.
        run: Its code; what is sent into it comes out of its `yield`s.
    """

    ARCHVIZ_ATTRIBUTES = ("send", "throw", "close")

    __slots__ = ("_interp", "_run", "frame", "guards", "is_done", "is_running")

    def __init__(self, interp: Interpreter, frame: Frame, run: Run) -> None:
        self._interp = interp
        self.frame = frame
        self._run = run
        self.guards = 0  # handlers of its own that wait for an error while it runs
        self.is_running = False
        self.is_done = False

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return self._resumed(self._run.__next__)

    def send(self, value: Any) -> Any:
        """Go on with a value for the `yield` that it stands at."""
        return self._resumed(partial(self._run.send, value))

    def throw(self, error: Any) -> Any:
        """Go on with an error at the `yield` that it stands at."""
        raised = error if isinstance(error, RaisedError) else self._interp.as_raised(error)
        return self._resumed(partial(self._run.throw, raised))

    def close(self) -> None:
        """Let its `finally` blocks run."""
        if self.is_done:
            return
        try:
            self.throw(RaisedError(GeneratorExit(), self._interp.here(), explicit=False))
        except StopIteration:
            return
        except RaisedError as error:
            if not isinstance(error.value, GeneratorExit):
                raise
            return
        raise RaisedError(RuntimeError("generator ignored GeneratorExit"), self._interp.here(), explicit=False)

    def guard(self, count: int) -> None:
        """More or fewer handlers of its own wait for an error; none of them for one outside of it."""
        self.guards += count
        if self.is_running:
            self._interp.guards += count

    def _resumed(self, step: Callable[[], Any]) -> Any:
        interp = self._interp
        if self.is_running:
            raise ValueError("generator already executing")
        if self.is_done:
            raise StopIteration
        interp.advanced(self)
        previous, guards = interp.enter_frame(self.frame), interp.guards
        interp.guards += self.guards
        self.is_running = True
        try:
            interp.step()
            return step()
        except ReturnSignal as signal:
            self.is_done = True
            raise StopIteration(signal.value) from None
        except RaisedError as error:
            self.is_done = True
            if isinstance(error.value, StopIteration):
                raise RaisedError(RuntimeError("generator raised StopIteration"), error.at, explicit=False) from None
            raise
        except BaseException:
            self.is_done = True
            raise
        finally:
            self.is_running = False
            interp.leave_frame(previous)
            interp.guards = guards


def suspended(interp: Interpreter, node: FunctionNode, frame: Frame) -> Generated | Unknown:
    """What a call of a generator function gives, before its first statement; a coroutine is never run."""
    if isinstance(node, ast.AsyncFunctionDef):
        return Unknown(f"the coroutine {node.name}(), which is not run", interp.here())
    frame.generator = generator = Generated(interp, frame, run_lazily(interp, body_of(node), frame))
    return generator


def run_lazily(interp: Interpreter, body: list[ast.stmt], frame: Frame) -> Run:
    """Run statements, stopping at each `yield`."""
    for statement in body:
        if not _yields(statement):
            interp.run_block([statement], frame)
            continue
        frame.line = statement.lineno
        interp.step()
        try:
            yield from LAZY.get(statement.__class__, _simple)(interp, statement, frame)
        except Exception as error:
            if _closes(error) or not interp.recovered(error, statement, frame):
                raise


def _closes(error: Exception) -> bool:
    """Whether an error is what `close` raises where a generator stands."""
    return isinstance(error, RaisedError) and isinstance(error.value, GeneratorExit)


def _yields(node: ast.AST) -> bool:
    """Whether a node yields; looked for once."""
    known: bool | None = vars(node).get(_YIELDS)
    if known is None:
        known = vars(node)[_YIELDS] = yields(node)
    return known


# -- expressions --------------------------------------------------------------------------------------------------------


def evaluated(interp: Interpreter, node: ast.expr, frame: Frame) -> Run:
    """The value of an expression, which may yield."""
    if not _yields(node):
        return interp.evaluate(node, frame)
    if isinstance(node, ast.Yield):
        value = None if node.value is None else (yield from evaluated(interp, node.value, frame))
        return (yield value)
    if isinstance(node, ast.YieldFrom):
        return (yield from _delegated(interp, (yield from evaluated(interp, node.value, frame))))
    if isinstance(node, ast.IfExp):
        test = yield from evaluated(interp, node.test, frame)
        return (yield from evaluated(interp, node.body if interp.decide(test) else node.orelse, frame))
    if isinstance(node, ast.BoolOp):
        return (yield from _boolean(interp, node, frame))
    return interp.evaluate((yield from _filled(interp, node, frame)), frame)


def _boolean(interp: Interpreter, node: ast.BoolOp, frame: Frame) -> Run:
    value: Any = None
    for operand in node.values:
        value = yield from evaluated(interp, operand, frame)
        if isinstance(value, Unknown) or operand is node.values[-1]:
            return value
        if interp.truth(value) is isinstance(node.op, ast.Or):
            return value
    return value


def _filled(interp: Interpreter, node: Any, frame: Frame) -> Run:
    """A copy of a node with the values of its expressions, evaluated from left to right."""
    twin = copy.copy(node)
    for name, child in ast.iter_fields(node):
        if name == "annotation":
            continue
        if isinstance(child, list):
            parts = []
            for each in child:
                parts.append((yield from _value_node(interp, each, frame)))
            setattr(twin, name, parts)
        else:
            setattr(twin, name, (yield from _value_node(interp, child, frame)))
    return twin


def _value_node(interp: Interpreter, node: Any, frame: Frame) -> Run:
    if isinstance(node, (ast.Starred, ast.keyword)):
        return (yield from _filled(interp, node, frame))
    if not isinstance(node, ast.expr) or not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        return node
    return ast.copy_location(ast.Constant((yield from evaluated(interp, node, frame))), node)


def _delegated(interp: Interpreter, inner: Any) -> Run:
    """`yield from`: everything goes to the inner generator; its return is the value."""
    if not isinstance(inner, Generated):
        for value in interp.iterate(inner):
            yield value
        return None
    step: Callable[[], Any] = inner.__next__
    while True:
        try:
            value = step()
        except StopIteration as stop:
            return stop.value
        try:
            sent = yield value
        except RaisedError as error:
            step = partial(inner.throw, error)
        else:
            step = inner.__next__ if sent is None else partial(inner.send, sent)


# -- generator expressions -----------------------------------------------------------------------------------------------


@expression(ast.GeneratorExp)
def _generator_expression(interp: Interpreter, node: ast.GeneratorExp, frame: Frame) -> Any:
    """Its first iterable is evaluated at once, all else when a value is asked for."""
    inner = inside(frame)
    inner.line = node.lineno
    values = interp.evaluate(node.generators[0].iter, frame)
    return made(interp, Generated(interp, inner, _elements(interp, node, 0, values, inner)))


def _elements(interp: Interpreter, node: ast.GeneratorExp, depth: int, values: Any, frame: Frame) -> Run:
    clause = node.generators[depth]
    rounds, recorder, count = counted(interp, values), interp.recorder, 0
    for count, value in enumerate(interp.iterate(values), 1):  # noqa: B007 - how many there were
        interp.step()
        if rounds is not None:
            rounds.round()
        interp.assign(clause.target, value, frame)
        kept = all(interp.decide(interp.evaluate(test, frame)) for test in clause.ifs)
        if clause.ifs and recorder is not None:
            recorder.forks.keep(clause, frame, recorder.path, kept)
        if not kept:
            continue
        if depth + 1 < len(node.generators):
            deeper = interp.evaluate(node.generators[depth + 1].iter, frame)
            yield from _elements(interp, node, depth + 1, deeper, frame)
        else:
            yield plain(EXPRESSIONS[node.elt.__class__](interp, node.elt, frame))
    if recorder is not None:  # whoever asks for fewer elements does not learn how many there are
        recorder.forks.reach(
            clause, frame, recorder.path, count, by_data=isinstance(values, Tensor) and values.data is None
        )


# -- statements ---------------------------------------------------------------------------------------------------------


def _simple(interp: Interpreter, node: ast.stmt, frame: Frame) -> Run:
    """A statement of expressions only: they are evaluated, then it runs on their values."""
    twin = yield from _filled(interp, node, frame)
    interp.run_block([twin], frame)


@lazy(ast.If)
def _if(interp: Interpreter, node: ast.If, frame: Frame) -> Run:
    test = yield from evaluated(interp, node.test, frame)
    yield from run_lazily(interp, node.body if interp.decide(test) else node.orelse, frame)


@lazy(ast.For)
def _for(interp: Interpreter, node: ast.For, frame: Frame) -> Run:
    values = yield from evaluated(interp, node.iter, frame)
    for value in interp.iterate(values):
        interp.step()
        interp.assign(node.target, value, frame)
        try:
            yield from run_lazily(interp, node.body, frame)
        except BreakSignal:
            return
        except ContinueSignal:
            continue
    yield from run_lazily(interp, node.orelse, frame)


@lazy(ast.While)
def _while(interp: Interpreter, node: ast.While, frame: Frame) -> Run:
    while True:
        test = yield from evaluated(interp, node.test, frame)
        if not interp.enters(test):
            break
        interp.step()
        try:
            yield from run_lazily(interp, node.body, frame)
        except BreakSignal:
            return
        except ContinueSignal:
            pass
        if interp.is_data(test):  # a loop over data runs its body once
            break
    yield from run_lazily(interp, node.orelse, frame)


@lazy(ast.Match)
def _match(interp: Interpreter, node: ast.Match, frame: Frame) -> Run:
    subject = yield from evaluated(interp, node.subject, frame)
    yield from run_lazily(interp, body_of_case(interp, node, subject, frame), frame)


@lazy(ast.Try)
def _try(interp: Interpreter, node: ast.Try, frame: Frame) -> Run:
    try:
        try:
            yield from _watched_over(interp, node.body, frame)
        except RaisedError as error:
            handler = handler_of(interp, node.handlers, error, frame)
            if handler is None:
                raise
            previous = begin_handler(handler, error, frame)
            try:
                yield from run_lazily(interp, handler.body, frame)
            finally:
                frame.names["__active_error__"] = previous
        else:
            yield from run_lazily(interp, node.orelse, frame)
    except (BudgetSpentError, GeneratorExit):  # of the host: nobody holds the generator any more
        raise
    except BaseException:
        yield from run_lazily(interp, node.finalbody, frame)
        raise
    yield from run_lazily(interp, node.finalbody, frame)


def _watched_over(interp: Interpreter, body: list[ast.stmt], frame: Frame) -> Run:
    """Statements whose errors a handler of the same generator waits for."""
    frame.generator.guard(1)
    try:
        yield from run_lazily(interp, body, frame)
    finally:
        frame.generator.guard(-1)


@lazy(ast.With)
def _with(interp: Interpreter, node: ast.With, frame: Frame) -> Run:
    yield from _within(interp, node.items, node.body, frame)


def _within(interp: Interpreter, items: list[ast.withitem], body: list[ast.stmt], frame: Frame) -> Run:
    if not items:
        yield from run_lazily(interp, body, frame)
        return
    manager = yield from evaluated(interp, items[0].context_expr, frame)
    entered = interp.enter(manager)
    error: RaisedError | None = None
    count = int(may_swallow(manager))
    try:
        frame.generator.guard(count)
        try:
            if items[0].optional_vars is not None:
                interp.assign(items[0].optional_vars, entered, frame)
            yield from _within(interp, items[1:], body, frame)
        finally:
            frame.generator.guard(-count)
    except RaisedError as raised:
        error = raised
    except (BudgetSpentError, GeneratorExit):
        raise
    except BaseException:
        interp.leave(manager)
        raise
    if not interp.leave(manager, error) and error is not None:
        raise error
