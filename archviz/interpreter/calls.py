"""Calls: arguments to parameters, functions, classes, instances, modules."""

from __future__ import annotations

import ast
import functools
import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from archviz.interpreter.control import BreakSignal, ContinueSignal, RaisedError, ReturnSignal, UnsupportedError
from archviz.interpreter.enums import member_of
from archviz.interpreter.expressions import EXPRESSIONS, made
from archviz.interpreter.generators import suspended
from archviz.interpreter.handed_on import take
from archviz.interpreter.managers import GeneratorManager, decorated
from archviz.interpreter.parsing import body_of
from archviz.interpreter.reading import DIRECT
from archviz.interpreter.scope import Frame
from archviz.interpreter.values import (
    BoundMethod,
    ClassValue,
    FunctionValue,
    Instance,
    ModuleInstance,
    NativeFunction,
    StaticMethod,
    Unknown,
)
from archviz.interpreter.watched import plain
from archviz.late_patterns import late_pattern

if TYPE_CHECKING:
    from archviz.interpreter.machine import Interpreter


TYPE = "builtins.type"
_MOST_LOOKED_AT = 64
MAKES_MODULES = late_pattern(
    r"torch\.(?!nn\.(functional|init)\b|(Tensor|autograd|backends|cuda|distributed|distributions|fft|linalg|optim|profiler|random|sparse|special)\b)"
    r"[\w.]+ has no stub|transformers\.(\w+\.)*[A-Z]\w* is not in the installed transformers"
)
"""Reasons for which what a function makes, or a base class, is not understood and may be a module."""
UNKNOWN_BASE = "__unknown_base__"  # class attribute: the base that is not understood and may be one of modules
_MAKERS = frozenset({"zip", "enumerate", "map", "filter", "reversed"})  # what they give is always new


def call(interp: Interpreter, function: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """Call anything that the interpreted program may call."""
    rule = _RULES.get(type(function))
    if rule is not None:
        return rule(interp, function, args, kwargs)
    if isinstance(function, Instance):
        return _call_instance(interp, function, args, kwargs)
    return interp.call_host(function, args, kwargs)


def _call_bound(interp: Interpreter, method: BoundMethod, args: list[Any], kwargs: dict[str, Any]) -> Any:
    recorder, module = interp.recorder, method.receiver
    if recorder is None or module.__class__ is not ModuleInstance or not recorder.is_direct(method):
        return call(interp, method.function, [module, *args], kwargs)
    index = len(recorder.events)
    result = call(interp, module, args, kwargs)
    if index < len(recorder.events) and recorder.events[index].kind == "call":
        recorder.events[index].options[DIRECT] = True
    return result


def _call_native(interp: Interpreter, function: NativeFunction, args: list[Any], kwargs: dict[str, Any]) -> Any:
    interp.step()
    region = interp.region
    if region is None:
        result = function.run(interp, *args, **kwargs)
        if interp.recorder is not None and function.name in _MAKERS:
            interp.recorder.made(result)
        return result
    region.uses(function, args, kwargs)
    return region.made(function.run(interp, *args, **kwargs))


def _call_unknown(interp: Interpreter, function: Unknown, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if function.of_module or not interp.building:
        return function
    if any(_may_be_built(each) for each in (*args, *kwargs.values())):
        return Unknown(function.reason, function.at or interp.here(), of_module=True)
    if function.of_module is False and MAKES_MODULES.fullmatch(function.reason):
        return Unknown(function.reason, function.at or interp.here(), of_module=None)
    return function


def _may_be_built(value: Any) -> bool:
    """Whether what a call makes of this value may be a module: it is one, or a class of such, or holds one."""
    if value.__class__ in (list, tuple):
        return any(_may_be_built(each) for each in value[:_MOST_LOOKED_AT])
    if value.__class__ is dict:
        return any(_may_be_built(each) for each in itertools.islice(value.values(), _MOST_LOOKED_AT))
    return value.__class__ is ModuleInstance or (value.__class__ is ClassValue and value.is_module)


def _call_static(interp: Interpreter, function: StaticMethod, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return call(interp, function.function, args, kwargs)


def _call_function(interp: Interpreter, function: FunctionValue, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if function.around is not None:
        return function.around(args, kwargs, lambda args, kwargs: _call_undecorated(interp, function, args, kwargs))
    return _call_undecorated(interp, function, args, kwargs)


def _call_undecorated(interp: Interpreter, function: FunctionValue, args: list[Any], kwargs: dict[str, Any]) -> Any:
    recorder = interp.recorder
    if recorder is None or function.owner is not None or not function.frame.is_top:
        return _run_function(interp, function, args, kwargs)
    index = recorder.begin("function", function.name, [*args, *kwargs.values()], interp.here())
    result: Any = None
    try:
        result = _run_function(interp, function, args, kwargs)
    finally:
        recorder.end(index, result, function.attrs.get("event_options"))
    recorder.passed[index] = (tuple(args), kwargs, result)
    recorder.events.callees[index] = function
    return result


def _run_function(interp: Interpreter, function: FunctionValue, args: list[Any], kwargs: dict[str, Any]) -> Any:
    frame = Frame(function.module, function.frame, function)
    node = function.node
    frame.line = node.lineno
    if interp.region is not None and not function.frame.is_top:
        interp.region.touches(function.serial)  # what it finds around it may change
    bind_arguments(interp, function, args, kwargs, frame)
    if interp.handing is not None:
        take(interp, function, frame)
    frame.first = args[0] if args else next(iter(frame.names.values()), None)
    building = function.name == "__init__" and isinstance(frame.first, ModuleInstance)
    frame.recovers = building or interp.recorder is not None
    previous = interp.enter_frame(frame)
    try:
        interp.step()
        if isinstance(node, ast.Lambda):
            return EXPRESSIONS[node.body.__class__](interp, node.body, frame)
        if function.signature.is_suspended(node):
            return made(interp, suspended(interp, node, frame))
        interp.run_block(body_of(node), frame)
    except ReturnSignal as signal:
        return signal.value
    except (BreakSignal, ContinueSignal):
        raise UnsupportedError("break or continue outside a loop", interp.here()) from None
    finally:
        interp.leave_frame(previous)
    return None


def bind_arguments(
    interp: Interpreter, function: FunctionValue, args: list[Any], kwargs: dict[str, Any], frame: Frame
) -> None:
    """Put arguments under the names of the parameters; raises the TypeError that Python would."""
    signature = function.signature
    names = frame.names
    positional, given = signature.positional, len(args)
    names.update(zip(positional, args, strict=False))
    if signature.vararg is not None:
        names[signature.vararg] = tuple([plain(each) for each in args[len(positional) :]])
    elif given > len(positional):
        raise _argument_error(interp, function, f"takes {len(positional)} positional arguments but {given} were given")
    rest = kwargs
    if kwargs:
        rest = dict(kwargs)
        for name in signature.by_keyword[max(0, given - signature.positional_only) :] + signature.keyword_only:
            if name in rest:
                names[name] = rest.pop(name)
    if len(names) < signature.size:
        _defaults(interp, function, names)
    if signature.kwarg is not None:
        names[signature.kwarg] = made(interp, {name: plain(each) for name, each in rest.items()})
    elif rest:
        raise _argument_error(interp, function, f"got an unexpected keyword argument '{next(iter(rest))}'")


def _defaults(interp: Interpreter, function: FunctionValue, names: dict[str, Any]) -> None:
    signature = function.signature
    if interp.region is not None:
        interp.region.sees((*function.defaults, *function.kw_defaults))
    for name, value in zip(reversed(signature.positional), reversed(function.defaults), strict=False):
        if name not in names:
            names[name] = value
    for name, has_default, value in zip(
        signature.keyword_only, signature.keyword_defaults, function.kw_defaults, strict=True
    ):
        if has_default and name not in names:
            names[name] = value
    for name in signature.positional + signature.keyword_only:
        if name not in names:
            raise _argument_error(interp, function, f"missing a required argument: '{name}'")


def _argument_error(interp: Interpreter, function: FunctionValue, text: str) -> RaisedError:
    return RaisedError(TypeError(f"{function.name}() {text}"), interp.here(), explicit=False)


def _call_class(interp: Interpreter, cls: ClassValue, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if cls.enum_members is not None:
        return member_of(interp, cls, args[0] if args else None)
    if cls.metaclass is not None:
        return call(interp, cls.metaclass.lookup("__call__"), [cls, *args], kwargs)
    return make_instance(interp, cls, args, kwargs)


def make_instance(interp: Interpreter, cls: ClassValue, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """`type.__call__`: a new object of a class, initialised."""
    if is_metaclass(cls):
        return interp.make_class_by_call(cls, args, kwargs)
    if cls.has("__new__"):
        new = cls.lookup("__new__")
        new = new.function if isinstance(new, StaticMethod) else new
        instance = call(interp, new, [cls, *args], kwargs)
        if not isinstance(instance, Instance) or not instance.cls.issubclass(cls):
            return instance
    elif cls.is_module and interp.recorder is None and isinstance(cls.lookup("__init__"), FunctionValue):
        return interp.twins.build(cls, args, kwargs)
    else:
        instance = interp.allocate(cls, args, kwargs)
    if not isinstance(instance, Instance):
        return instance
    if cls.has("__init__"):
        if isinstance(instance, ModuleInstance):
            return interp.build_module(instance, args, kwargs)
        call(interp, cls.lookup("__init__"), [instance, *args], kwargs)
    return instance


def is_metaclass(cls: ClassValue) -> bool:
    """Whether the objects of a class are classes."""
    return cls.mro[-1].qualified == TYPE


def _call_instance(interp: Interpreter, instance: Instance, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if not instance.cls.has("__call__"):
        raise RaisedError(TypeError(f"'{instance.cls.name}' object is not callable"), interp.here(), explicit=False)
    return call(interp, instance.cls.lookup("__call__"), [instance, *args], kwargs)


def _call_partial(interp: Interpreter, function: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return call(interp, function.func, [*function.args, *args], {**function.keywords, **kwargs})


def wrap_host(function: Callable[..., Any]) -> Callable[..., Any]:
    """A Python function as a stub that ignores the interpreter."""

    @functools.wraps(function)
    def run(interp: Interpreter, *args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return run


_RULES: dict[type, Any] = {
    FunctionValue: _call_function,
    NativeFunction: _call_native,
    BoundMethod: _call_bound,
    ClassValue: _call_class,
    Unknown: _call_unknown,
    StaticMethod: _call_static,
    functools.partial: _call_partial,
    GeneratorManager: decorated,
}
