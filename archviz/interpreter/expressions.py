"""Expressions: one small function per syntax node, in a table."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from archviz.interpreter.bounds import check_length, weigh_key
from archviz.interpreter.control import RaisedError, UnsupportedError
from archviz.interpreter.forks import branch_of
from archviz.interpreter.handed_on import arguments, give_up
from archviz.interpreter.name_tables import NameTable
from archviz.interpreter.repeats import counted, numbers_left, repeated
from archviz.interpreter.rules import into
from archviz.interpreter.scope import Frame
from archviz.interpreter.sizes import product, quotient
from archviz.interpreter.values import FunctionValue, ModuleInstance, NativeFunction, SuperValue, Tensor, Unknown
from archviz.interpreter.watched import plain

if TYPE_CHECKING:
    from archviz.interpreter.machine import Interpreter

Rule = Callable[["Interpreter", Any, Frame], Any]
EXPRESSIONS: dict[type, Rule] = {}
expression = into(EXPRESSIONS)
"""Registers the rule of an expression."""


@expression(ast.Constant)
def _constant(interp: Interpreter, node: ast.Constant, frame: Frame) -> Any:
    return node.value


@expression(ast.Name)
def _name(interp: Interpreter, node: ast.Name, frame: Frame) -> Any:
    names = frame.names
    if node.id in names:
        return names[node.id]
    return interp.find_name(node.id, frame)


@expression(ast.Attribute)
def _attribute(interp: Interpreter, node: ast.Attribute, frame: Frame) -> Any:
    return interp.get_attribute(EXPRESSIONS[node.value.__class__](interp, node.value, frame), node.attr)


@expression(ast.Call)
def _call(interp: Interpreter, node: ast.Call, frame: Frame) -> Any:
    function = EXPRESSIONS[node.func.__class__](interp, node.func, frame)
    if function.__class__ is NativeFunction and function.kind == "super" and not node.args:
        return _zero_argument_super(frame)
    args: list[Any] | None = None
    if function.__class__ is ModuleInstance and interp.recorder is not None:
        args = arguments(interp, node, frame, function)
    if args is None:
        args = []
        for argument in node.args:
            if argument.__class__ is ast.Starred:
                args.extend(interp.iterate(EXPRESSIONS[argument.value.__class__](interp, argument.value, frame)))
                check_length(interp, len(args), "arguments")
            else:
                args.append(EXPRESSIONS[argument.__class__](interp, argument, frame))
    kwargs: dict[str, Any] = {}
    for keyword in node.keywords:
        value = EXPRESSIONS[keyword.value.__class__](interp, keyword.value, frame)
        if keyword.arg is not None:
            kwargs[keyword.arg] = value
        elif isinstance(value, Unknown):
            return value
        else:
            kwargs.update({str(key): value[key] for key in interp.iterate(value)})
    frame.line = node.lineno
    if interp.recorder is not None:
        interp.recorder.joined.call(node, args, frame, interp.recorder.path)
    result = interp.call(function, args, kwargs)
    if interp.handing is not None:
        give_up(interp)
    return result


def _zero_argument_super(frame: Frame) -> SuperValue:
    scope, owner = frame.method(), frame.owner()
    if scope is None or owner is None:
        raise RaisedError(RuntimeError("super(): no arguments"), None, explicit=False)
    return SuperValue(owner, scope.first)


@expression(ast.BinOp)
def _binary(interp: Interpreter, node: ast.BinOp, frame: Frame) -> Any:
    left = EXPRESSIONS[node.left.__class__](interp, node.left, frame)
    right = EXPRESSIONS[node.right.__class__](interp, node.right, frame)
    frame.line = node.lineno
    if interp.recorder is not None:
        interp.recorder.joined.join((node.left, node.right), (left, right), frame, interp.recorder.path)
    return interp.binary(node.op.__class__, left, right)


@expression(ast.UnaryOp)
def _unary(interp: Interpreter, node: ast.UnaryOp, frame: Frame) -> Any:
    value = EXPRESSIONS[node.operand.__class__](interp, node.operand, frame)
    if isinstance(node.op, ast.Not):
        return value if isinstance(value, Unknown) else not interp.truth(value)
    frame.line = node.lineno
    return interp.unary(node.op.__class__, value)


@expression(ast.BoolOp)
def _boolean(interp: Interpreter, node: ast.BoolOp, frame: Frame) -> Any:
    stop_at = isinstance(node.op, ast.Or)
    value: Any = None
    unknown: Unknown | None = None
    last = node.values[-1]
    for count, operand in enumerate(node.values, 1):
        value = EXPRESSIONS[operand.__class__](interp, operand, frame)
        if isinstance(value, Unknown):
            unknown = unknown or value
        elif (operand is last and unknown is None) or interp.truth(
            value
        ) is stop_at:  # the last is the answer, whatever it is
            if interp.recorder is not None:
                interp.recorder.forks.reach(node, frame, interp.recorder.path, count)
            return value
    return unknown or value


@expression(ast.Compare)
def _compare(interp: Interpreter, node: ast.Compare, frame: Frame) -> Any:
    left = EXPRESSIONS[node.left.__class__](interp, node.left, frame)
    if len(node.ops) == 1:
        right = EXPRESSIONS[node.comparators[0].__class__](interp, node.comparators[0], frame)
        if interp.recorder is not None:
            interp.recorder.joined.join((node.left, node.comparators[0]), (left, right), frame, interp.recorder.path)
        return interp.compare(node.ops[0].__class__, left, right)
    result: Any = True
    for op, right_node in zip(node.ops, node.comparators, strict=True):
        right = EXPRESSIONS[right_node.__class__](interp, right_node, frame)
        result = interp.compare(op.__class__, left, right)
        if isinstance(result, (Unknown, Tensor)):
            return result
        if not interp.truth(result):
            return result
        left = right
    return result


@expression(ast.IfExp)
def _conditional(interp: Interpreter, node: ast.IfExp, frame: Frame) -> Any:
    test = EXPRESSIONS[node.test.__class__](interp, node.test, frame)
    frame.line = node.lineno
    taken = interp.decide(test) if interp.recorder is None else branch_of(interp, node, frame, test)
    branch = node.body if taken else node.orelse
    return EXPRESSIONS[branch.__class__](interp, branch, frame)


@expression(ast.List)
def _list(interp: Interpreter, node: ast.List, frame: Frame) -> Any:
    return made(interp, _elements(interp, node.elts, frame))


@expression(NameTable)
def _name_table(interp: Interpreter, node: NameTable, frame: Frame) -> Any:
    return made(interp, list(node.rows))


@expression(ast.Tuple)
def _tuple(interp: Interpreter, node: ast.Tuple, frame: Frame) -> Any:
    return tuple(_elements(interp, node.elts, frame))


@expression(ast.Set)
def _set(interp: Interpreter, node: ast.Set, frame: Frame) -> Any:
    values = _elements(interp, node.elts, frame)
    for value in values:
        weigh_key(interp, value)
    return made(interp, set(values))


def made(interp: Interpreter, value: Any) -> Any:
    """A new container or iterator of the interpreted program."""
    if interp.recorder is not None:
        interp.recorder.made(value)
    return value if interp.region is None else interp.region.makes(value)


def _elements(interp: Interpreter, nodes: list[ast.expr], frame: Frame) -> list[Any]:
    values: list[Any] = []
    for node in nodes:
        if isinstance(node, ast.Starred):
            values.extend(interp.iterate(EXPRESSIONS[node.value.__class__](interp, node.value, frame)))
            check_length(interp, len(values), "a display")
        else:
            values.append(EXPRESSIONS[node.__class__](interp, node, frame))
    return values if interp.region is None else [plain(each) for each in values]


@expression(ast.Dict)
def _dict(interp: Interpreter, node: ast.Dict, frame: Frame) -> Any:
    result: dict[Any, Any] = {}
    for key_node, value_node in zip(node.keys, node.values, strict=True):
        value = EXPRESSIONS[value_node.__class__](interp, value_node, frame)
        if key_node is not None:
            key = EXPRESSIONS[key_node.__class__](interp, key_node, frame)
            weigh_key(interp, key)
            result[plain(key)] = plain(value)
        elif isinstance(value, Unknown):
            return value
        else:
            result.update({key: value[key] for key in interp.iterate(value)})
    return made(interp, result)


@expression(ast.Subscript)
def _subscript(interp: Interpreter, node: ast.Subscript, frame: Frame) -> Any:
    value = EXPRESSIONS[node.value.__class__](interp, node.value, frame)
    index = EXPRESSIONS[node.slice.__class__](interp, node.slice, frame)
    frame.line = node.lineno
    return interp.get_item(value, index)


@expression(ast.Slice)
def _slice(interp: Interpreter, node: ast.Slice, frame: Frame) -> Any:
    bounds = [
        None if part is None else plain(EXPRESSIONS[part.__class__](interp, part, frame))
        for part in (node.lower, node.upper, node.step)
    ]
    return slice(*bounds)


@expression(ast.JoinedStr)
def _joined(interp: Interpreter, node: ast.JoinedStr, frame: Frame) -> Any:
    parts = [EXPRESSIONS[part.__class__](interp, part, frame) for part in node.values]
    unknown = next((part for part in parts if isinstance(part, Unknown)), None)
    return unknown or interp.bounded_text("".join(str(part) for part in parts))


@expression(ast.FormattedValue)
def _formatted(interp: Interpreter, node: ast.FormattedValue, frame: Frame) -> Any:
    value = EXPRESSIONS[node.value.__class__](interp, node.value, frame)
    spec = "" if node.format_spec is None else EXPRESSIONS[ast.JoinedStr](interp, node.format_spec, frame)
    if isinstance(value, Unknown) or isinstance(spec, Unknown):
        return value
    return interp.format_value(value, spec, node.conversion)


@expression(ast.NamedExpr)
def _walrus(interp: Interpreter, node: ast.NamedExpr, frame: Frame) -> Any:
    value = EXPRESSIONS[node.value.__class__](interp, node.value, frame)
    scope = frame
    while scope.first is _COMPREHENSION and scope.parent is not None:
        scope = scope.parent
    scope.bind(node.target.id, value)
    return value


@expression(ast.Lambda)
def _lambda(interp: Interpreter, node: ast.Lambda, frame: Frame) -> Any:
    return make_function(interp, node, frame)


def make_function(
    interp: Interpreter, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, frame: Frame
) -> FunctionValue:
    """The function value of a definition, its defaults evaluated now, as Python does."""
    defaults = [EXPRESSIONS[each.__class__](interp, each, frame) for each in node.args.defaults]
    kw_defaults = [
        None if each is None else EXPRESSIONS[each.__class__](interp, each, frame) for each in node.args.kw_defaults
    ]
    closure = frame
    while closure.is_class and closure.parent is not None:
        closure = closure.parent
    return FunctionValue(interp, node, closure, frame.module, defaults, kw_defaults)


_COMPREHENSION = object()


@expression(ast.ListComp)
def _list_comprehension(interp: Interpreter, node: ast.ListComp, frame: Frame) -> Any:
    result: list[Any] = []
    element = node.elt
    rule = EXPRESSIONS[element.__class__]
    _comprehend(
        interp,
        node.generators,
        frame,
        lambda inner: result.append(plain(rule(interp, element, inner))),
        lambda inner, name, left: _repeat(interp, element, inner, name, left, result),
    )
    return made(interp, result)


def _repeat(interp: Interpreter, node: ast.expr, frame: Frame, name: str, left: int, result: list[Any]) -> bool:
    """Whether one value stands for the first element and all after it; they are added at the price of their steps."""
    found = repeated(interp, node, frame, name, result[-1], left)
    if found is None:
        return False
    interp.spend(left)
    result[-1] = found
    result.extend([found] * left)
    return True


@expression(ast.SetComp)
def _set_comprehension(interp: Interpreter, node: ast.SetComp, frame: Frame) -> Any:
    result: set[Any] = set()

    def add(inner: Frame) -> None:
        value = _in(interp, node.elt, inner)
        weigh_key(interp, value)
        result.add(plain(value))

    _comprehend(interp, node.generators, frame, add)
    return made(interp, result)


@expression(ast.DictComp)
def _dict_comprehension(interp: Interpreter, node: ast.DictComp, frame: Frame) -> Any:
    result: dict[Any, Any] = {}

    def add(inner: Frame) -> None:
        key = _in(interp, node.key, inner)
        weigh_key(interp, key)
        result[plain(key)] = plain(_in(interp, node.value, inner))

    _comprehend(interp, node.generators, frame, add)
    return made(interp, result)


def _in(interp: Interpreter, node: ast.expr, frame: Frame) -> Any:
    return EXPRESSIONS[node.__class__](interp, node, frame)


Emit = Callable[[Frame], None]
Repeat = Callable[[Frame, str, int], bool]  # after the first element of a plain loop: were all others added at once?


def _comprehend(
    interp: Interpreter, generators: list[ast.comprehension], frame: Frame, emit: Emit, repeat: Repeat | None = None
) -> None:
    _run_generator(interp, generators, 0, frame, inside(frame), emit, repeat)


def inside(frame: Frame) -> Frame:
    """The frame of a comprehension."""
    inner = Frame(frame.module, frame, frame.function)
    inner.first = _COMPREHENSION
    if frame.is_class:  # a comprehension in a class body sees the class's names in its first iterable only
        inner.names.update(frame.names)
    return inner


def _run_generator(
    interp: Interpreter,
    generators: list[ast.comprehension],
    depth: int,
    outer: Frame,
    inner: Frame,
    emit: Emit,
    repeat: Repeat | None = None,
) -> None:
    clause = generators[depth]
    values = _in(interp, clause.iter, outer if depth == 0 else inner)
    name = clause.target.id if isinstance(clause.target, ast.Name) else None
    if repeat is not None and (name is None or clause.ifs or len(generators) > 1 or not numbers_left(values)):
        repeat = None
    rounds = counted(interp, values)
    each, recorder = interp.iterate(values), interp.recorder
    if recorder is not None:
        each = recorder.forks.rounds(clause, inner, recorder.path, values, each)
    for value in each:
        interp.step()
        if rounds is not None:
            rounds.round()
        if name is None:
            interp.assign(clause.target, value, inner)
        else:
            inner.names[name] = value
        kept = not clause.ifs or all(interp.decide(_in(interp, test, inner)) for test in clause.ifs)
        if clause.ifs and recorder is not None:
            recorder.forks.keep(clause, inner, recorder.path, kept)
        if kept:
            if depth + 1 < len(generators):
                _run_generator(interp, generators, depth + 1, outer, inner, emit)
            else:
                emit(inner)
        if repeat is not None and name is not None and repeat(inner, name, numbers_left(values) or 0):
            if recorder is not None:
                recorder.forks.reach(clause, inner, recorder.path, len(values))
            return
        repeat = None


@expression(ast.Starred, ast.Await, ast.Yield, ast.YieldFrom)
def _unsupported(interp: Interpreter, node: ast.expr, frame: Frame) -> Any:
    frame.line = node.lineno
    raise UnsupportedError(f"{node.__class__.__name__} is not supported here", interp.here())


BINARY: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: product,
    ast.Div: quotient,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
    ast.BitXor: operator.xor,
    ast.MatMult: operator.matmul,
}
SPECIAL: dict[type, str] = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "truediv", ast.FloorDiv: "floordiv", ast.Mod: "mod",
    ast.Pow: "pow", ast.LShift: "lshift", ast.RShift: "rshift", ast.BitOr: "or", ast.BitAnd: "and",
    ast.BitXor: "xor", ast.MatMult: "matmul",
}  # fmt: skip
UNARY: dict[type, Callable[[Any], Any]] = {ast.USub: operator.neg, ast.UAdd: operator.pos, ast.Invert: operator.invert}
COMPARE: dict[type, Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda item, container: item in container,
    ast.NotIn: lambda item, container: item not in container,
}
