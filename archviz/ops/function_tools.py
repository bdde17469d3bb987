"""`functools` and `itertools`: memories, dispatch by type, wrappers, lazy iterators.  Source: Lib/functools.py, itertools' own page."""

from __future__ import annotations

import ast
import functools
import itertools
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

from archviz.interpreter.bounds import lazily, weigh_key
from archviz.interpreter.control import UnsupportedError
from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import (
    BoundMethod,
    ClassValue,
    FunctionValue,
    Instance,
    NativeFunction,
    PropertyValue,
    Unknown,
)
from archviz.interpreter.watched import plain

_CALLABLE = (FunctionValue, NativeFunction, BoundMethod, ClassValue)
_ORDERS = {"__lt__": ast.Lt, "__le__": ast.LtE, "__gt__": ast.Gt, "__ge__": ast.GtE}
_SWAPPED = {"__lt__": "__gt__", "__gt__": "__lt__", "__le__": "__ge__", "__ge__": "__le__"}
_INVERSE = {"__lt__": "__ge__", "__ge__": "__lt__", "__gt__": "__le__", "__le__": "__gt__"}


def register(library: Library) -> None:
    library.value("functools.partial", functools.partial)
    _register_wrappers(library)
    _register_memories(library)
    _register_dispatch(library)
    _register_orders(library)
    _register_iterators(library)


def _register_wrappers(library: Library) -> None:
    @library.function("functools.wraps")
    def wraps(interp: Interpreter, wrapped: Any, *args: Any, **kwargs: Any) -> Any:
        return lambda wrapper: _marked(wrapper, wrapped)

    @library.function("functools.update_wrapper")
    def update_wrapper(interp: Interpreter, wrapper: Any, wrapped: Any, *args: Any, **kwargs: Any) -> Any:
        return _marked(wrapper, wrapped)

    @library.function("functools.partialmethod")
    def partialmethod(interp: Interpreter, function: Any, *first: Any, **named: Any) -> Any:
        def run(interp: Interpreter, self: Any, *args: Any, **kwargs: Any) -> Any:
            return interp.call(function, [self, *first, *args], {**named, **kwargs})

        return interp.native(getattr(function, "name", "partial"), run)

    @library.function("functools.reduce")
    def reduce(interp: Interpreter, function: Any, values: Any, *initial: Any) -> Any:
        return functools.reduce(lambda a, b: interp.call(function, [a, b], {}), interp.iterate(values), *initial)


def _marked(wrapper: Any, wrapped: Any) -> Any:
    if isinstance(wrapper, FunctionValue):
        wrapper.attrs["__wrapped__"] = wrapped
        wrapper.attrs["__name__"] = getattr(wrapped, "name", "wrapped")
    return wrapper


def _register_memories(library: Library) -> None:
    @library.function("functools.lru_cache", "functools.cache")
    def lru_cache(interp: Interpreter, *args: Any, **options: Any) -> Any:
        if args and isinstance(args[0], _CALLABLE):
            return _remembering(interp, args[0], None)
        most = options.get("maxsize", args[0] if args else 128)
        return lambda function: _remembering(interp, function, most)

    @library.function("functools.cached_property")
    def cached_property(interp: Interpreter, function: Any) -> Any:
        def once(interp: Interpreter, receiver: Instance) -> Any:
            key = f"_cached {function.name}"
            if key not in receiver.attrs:
                receiver.attrs[key] = interp.call(function, [receiver], {})
            return receiver.attrs[key]

        return PropertyValue(interp.native(f"cached {function.name}", once))


def _remembering(interp: Interpreter, function: Any, most: int | None) -> NativeFunction:
    """A function that answers equal arguments with the same object; what it remembers outlives a call."""
    answers: OrderedDict[Any, Any] = OrderedDict()

    def run(interp: Interpreter, *args: Any, **kwargs: Any) -> Any:
        key = (tuple([plain(each) for each in args]), tuple([(name, plain(each)) for name, each in kwargs.items()]))
        if any(isinstance(each, Unknown) for each in (*args, *kwargs.values())):
            return interp.call(function, list(args), kwargs)
        weigh_key(interp, key)
        if key in answers:
            answers.move_to_end(key)
            return answers[key]
        result = interp.call(function, list(args), kwargs)
        interp.twins.rebound()
        answers[key] = result
        if most is not None and len(answers) > most:
            answers.popitem(last=False)
        return result

    memory = interp.native(getattr(function, "name", "remembered"), run)
    memory.attrs.update(__wrapped__=function, cache_clear=answers.clear, cache_info=lambda: (0, 0, most, len(answers)))
    return memory


def _register_dispatch(library: Library) -> None:
    @library.function("functools.singledispatch")
    def singledispatch(interp: Interpreter, function: Any) -> Any:
        return _dispatching(interp, function, place=0)

    @library.function("functools.singledispatchmethod")
    def singledispatchmethod(interp: Interpreter, function: Any) -> Any:
        return _dispatching(interp, function, place=1)


def _dispatching(interp: Interpreter, function: Any, *, place: int) -> NativeFunction:
    """A function that chooses by the type of its argument at `place`, the most derived type first."""
    table: list[tuple[Any, Any]] = []

    def run(interp: Interpreter, *args: Any, **kwargs: Any) -> Any:
        return interp.call(chosen(args[place]), list(args), kwargs)

    def chosen(value: Any) -> Any:
        if isinstance(value, Unknown):
            raise UnsupportedError(f"a function chosen by the type of {value.reason}", value.at)
        fits = [each for each in table if interp.is_instance(value, each[0]) is True]
        is_subclass = interp.builtin("issubclass")
        for kind, found in fits:
            if all(interp.call(is_subclass, [kind, other], {}) is True for other, _ in fits):
                return found
        return function

    def add(*given: Any) -> Any:
        if len(given) == 1 and isinstance(given[0], FunctionValue):
            kinds, found = _annotated(interp, given[0], place), given[0]
        elif len(given) == 2:
            kinds, found = [given[0]], given[1]
        else:
            return lambda later: add(given[0], later)
        table[:] = [each for each in table if each[0] not in kinds] + [(kind, found) for kind in kinds]
        return found

    choice = interp.native(getattr(function, "name", "dispatch"), run)
    choice.attrs.update(__wrapped__=function, register=add, dispatch=chosen)
    return choice


def _annotated(interp: Interpreter, function: FunctionValue, place: int) -> list[Any]:
    """The types that a function's argument is annotated with."""
    spec = function.node.args
    annotation = [*spec.posonlyargs, *spec.args][place].annotation
    parts = [annotation]
    while any(isinstance(each, ast.BinOp) for each in parts):
        parts = [
            side for each in parts for side in ((each.left, each.right) if isinstance(each, ast.BinOp) else (each,))
        ]
    if None in parts:
        raise UnsupportedError("a function registered for the type of an argument without annotation", function.at)
    return [interp.evaluate(each, function.frame) for each in parts if each is not None]


def _register_orders(library: Library) -> None:
    @library.function("functools.total_ordering")
    def total_ordering(interp: Interpreter, cls: Any) -> Any:
        root = next((name for name in ("__lt__", "__le__", "__gt__", "__ge__") if cls.has(name)), None)
        if root is None:
            raise ValueError("must define at least one ordering operation: < > <= >=")
        for name in _ORDERS:
            if not cls.has(name):
                cls.namespace[name] = interp.native(f"{cls.qualified}.{name}", _derived(root, name))
        return cls

    library.function("functools.cmp_to_key")(lambda interp, compare: functools.cmp_to_key(compare))


def _derived(root: str, name: str) -> Callable[..., Any]:
    """A comparison by the one that a class has: its negation, or it and equality."""

    def run(interp: Interpreter, left: Any, right: Any) -> Any:
        found = interp.call(interp.get_attribute(left, root), [right], {})
        if found is NotImplemented or isinstance(found, Unknown):
            return found
        holds = interp.truth(found)
        if name == _INVERSE[root]:
            return not holds
        strict = name in ("__lt__", "__gt__")
        if name == _SWAPPED[root]:
            holds = not holds  # `a > b` by `a < b`: neither that nor equal
        equal = interp.truth(interp.compare(ast.Eq, left, right))
        return holds and not equal if strict else holds or equal

    return run


def _register_iterators(library: Library) -> None:
    for name in ("chain", "repeat", "product", "cycle", "accumulate", "zip_longest", "islice", "combinations", "count", "pairwise",
                 "permutations", "combinations_with_replacement", "starmap", "takewhile", "dropwhile", "filterfalse", "compress"):  # fmt: skip
        host = getattr(itertools, name)
        library.function(f"itertools.{name}")(
            lambda interp, *args, _host=host, **kwargs: _host(*(lazily(interp, each) for each in args), **kwargs)
        )
    library.function("itertools.chain.from_iterable")(
        lambda interp, values: (item for each in interp.iterate(values) for item in interp.iterate(each))
    )

    @library.function("itertools.groupby")
    def groupby(interp: Interpreter, values: Any, key: Any = None) -> Iterator[tuple[Any, Any]]:
        """Runs of equal keys; each group is a list of its own, which outlives the next one."""
        group: list[Any] = []
        of: Any = None
        for each in interp.iterate(values):
            found = each if key is None else interp.call(key, [each], {})
            if group and not interp.truth(interp.compare(ast.Eq, of, found)):
                yield of, iter(group)
                group = []
            of = found
            group.append(each)
        if group:
            yield of, iter(group)

    @library.function("itertools.tee")
    def tee(interp: Interpreter, values: Any, n: int = 2) -> tuple[Any, ...]:
        return itertools.tee(lazily(interp, values), n)
