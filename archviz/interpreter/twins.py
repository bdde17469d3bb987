"""Modules that are built alike are built once: later ones are copies, with their own tensors and their own numbers.

A module may be copied when the class and the arguments are the same, integers aside.  While the second of its kind is built, its integer
arguments are `Watched`: whatever the code asks of one (`layer_idx % 4 == 3`, `config.layer_types[layer_idx]`) is written down with the
answer, and a module is only copied for integers that give the same answers to all.  What else the code could read must be unchanged:
an attribute set on anything but the new modules, a changed list or dict that was read, a changed global or class forget all copies.
A construction that does, or reads, anything that is not followed here is not copied at all.
"""

from __future__ import annotations

import ast
import functools
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from archviz.interpreter.values import (
    SERIAL,
    ClassValue,
    Device,
    DType,
    FunctionValue,
    Instance,
    LibraryModule,
    ModuleInstance,
    NativeFunction,
    Tensor,
)

if TYPE_CHECKING:
    from archviz.interpreter.machine import Interpreter

KINDS = 12  # how many different constructions of the same class and arguments are kept, or tried in vain
CONTAINERS = (list, dict, set, deque)
_SCALARS = (str, float, bool, int, type(None))
_KEPT = (ClassValue, FunctionValue, NativeFunction, LibraryModule, DType, Device)
_HARMLESS = frozenset(
    {"getattr", "hasattr", "isinstance", "issubclass", "setattr", "len", "callable", "super", "print", "bool"}
)
READING = frozenset({
    "get", "items", "keys", "values", "copy", "index", "count", "union", "intersection", "difference", "issubset", "issuperset",
    "isdisjoint", "symmetric_difference", "__contains__", "__getitem__", "__len__", "__eq__",
})  # fmt: skip

FOLLOWED = frozenset(
    {ast.Add, ast.Sub, ast.Mod, ast.FloorDiv}
)  # arithmetic on watched numbers whose result is watched too
Expression = Any  # a place among the arguments (int), or (operator, left, right) with `Fixed` numbers
Answer = tuple[Expression, Callable[[Any], bool]]


class Fixed:
    """A number inside an expression that is no argument."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


class Watched(int):
    """An integer argument while its module is built."""

    region: Region
    expression: Expression

    def exact(self) -> int:
        """The number itself: the module depends on just this one."""
        value = int.__int__(self)
        self.answer(lambda other: other == value)
        return value

    def answer(self, test: Callable[[Any], bool]) -> None:
        """Write down what another number has to answer as well."""
        self.region.answer(self.expression, test)


Watched.__name__ = "int"  # error texts of the interpreted program name the type


def _asking(name: str) -> Any:
    plain = getattr(int, name)

    def ask(self: Watched, *args: Any) -> Any:
        return plain(self.exact(), *args)

    return ask


for _name in (
    "add", "sub", "mul", "truediv", "floordiv", "mod", "divmod", "pow", "lshift", "rshift", "and", "or", "xor", "radd", "rsub", "rmul",
    "rtruediv", "rfloordiv", "rmod", "rdivmod", "rpow", "rlshift", "rrshift", "rand", "ror", "rxor", "neg", "pos", "abs", "invert", "eq",
    "ne", "lt", "le", "gt", "ge", "hash", "bool", "index", "int", "float", "str", "repr", "format", "round", "trunc", "floor", "ceil",
):  # fmt: skip
    setattr(Watched, f"__{_name}__", _asking(f"__{_name}__"))


def watch(region: Region, value: int, expression: Expression) -> Watched:
    watched = Watched(value)
    watched.region, watched.expression = region, expression
    return watched


def plain(value: Any) -> Any:
    """A value as anything may use it that is not followed: a watched number becomes the number itself."""
    return value.exact() if value.__class__ is Watched else value


def derived(op: type, left: Any, right: Any, compute: Callable[[Any, Any], Any]) -> Any:
    """`left op right` of which one is watched: a watched number again, where the other is a number."""
    one = left if left.__class__ is Watched else right
    if left.__class__ is right.__class__:
        right = right.exact()
    numbers = [int.__int__(each) if each.__class__ is Watched else each for each in (left, right)]
    if any(type(each) is not int for each in numbers):
        return compute(plain(left), plain(right))
    result = compute(*numbers)
    parts = [each.expression if each.__class__ is Watched else Fixed(each) for each in (left, right)]
    return watch(one.region, result, (compute, *parts))


def compared(one: Watched, other: Any, compute: Callable[[Any, Any], Any], *, swapped: bool) -> Any:
    """The answer of a comparison with a number; `swapped` where that stands on the left."""

    def ask(number: int) -> Any:
        return compute(other, number) if swapped else compute(number, other)

    result = ask(int.__int__(one))
    one.answer(lambda number: ask(number) is result)
    return result


def contained(item: Watched, container: tuple[int, ...], compute: Callable[[Any, Any], Any]) -> Any:
    """The answer of `item in container`."""
    result = compute(int.__int__(item), container)
    item.answer(lambda other: compute(other, container) is result)
    return result


def item_at(container: Any, index: Watched) -> Any:
    """`container[index]`, where that is text, a number or a truth."""
    if type(container) not in (list, tuple):
        return container[index.exact()]
    container = tuple(container)
    result = container[int.__int__(index)]
    if type(result) not in (str, bool, int, float, type(None)):
        return container[index.exact()]

    def same(other: Any) -> bool:
        found = container[other] if -len(container) <= other < len(container) else index
        return type(found) is type(result) and bool(found == result)

    index.answer(same)
    return result


class Region:
    """The construction of one module, followed to find out what it depends on.

    Args:
        outer: The construction that it is part of, if that is followed too.
        args: The arguments as they came, positional ones first.
        changes: How many changes there had been.
    """

    def __init__(self, outer: Region | None, args: list[Any], changes: int) -> None:
        self.outer = outer
        self.args = args
        self.changes = changes
        self.start = next(SERIAL)
        self.answers: list[Answer] = []
        self.read: dict[int, Any] = {}  # lists and dicts from outside that it can see
        self.fresh: dict[int, Any] = {}  # those that it made itself, and its iterators
        self.modules: list[ModuleInstance] = []
        self.is_followed = True
        self.is_open = True

    def answer(self, expression: Expression, test: Callable[[Any], bool]) -> None:
        self.answers.append((expression, test))
        if not self.is_open:  # the number outlived its construction
            self.lose()

    def lose(self) -> None:
        """Something happened that is not followed."""
        region: Region | None = self
        while region is not None:
            region.is_followed = False
            region = region.outer

    def sees(self, value: Any, depth: int = 0) -> None:
        """Note a list or dict from outside, and what it holds."""
        if isinstance(value, Instance):
            value = value.payload
        if not isinstance(value, (*CONTAINERS, tuple)) or id(value) in self.read or id(value) in self.fresh:
            return
        self.read[id(value)] = value
        if depth > 6 or len(value) > 5_000:
            self.lose()
            return
        for each in value.values() if isinstance(value, dict) else value:
            if not isinstance(each, _SCALARS):
                self.sees(each, depth + 1)

    def makes(self, value: Any) -> Any:
        """Note a container or iterator that the construction made."""
        self.fresh[id(value)] = value
        return value

    def made(self, value: Any) -> Any:
        """What a stub or a method of the host gives: an iterator is a new one, a list or dict may be an old one."""
        if isinstance(value, Iterator) and not isinstance(value, Instance):
            self.fresh[id(value)] = value
        else:
            self.sees(value)
        return value

    def touches(self, serial: int) -> None:
        """An object is used in a way that is only followed for objects made in here."""
        region: Region | None = self
        while region is not None and serial <= region.start:
            region.is_followed = False
            region = region.outer

    def changes_container(self, container: Any) -> None:
        region: Region | None = self
        while region is not None and id(container) not in region.fresh:
            region.is_followed = False
            region = region.outer

    def uses(self, function: NativeFunction, args: list[Any], kwargs: dict[str, Any]) -> None:
        """A stub gets these arguments: numbers are no longer watched, and objects from outside are not followed."""
        harmless = function.name in _HARMLESS
        for index, each in enumerate(args):
            args[index] = self._used(each, harmless=harmless)
        for name, each in kwargs.items():
            kwargs[name] = self._used(each, harmless=harmless)
        if function.name == "id":
            self.lose()

    def _used(self, value: Any, *, harmless: bool) -> Any:
        if value.__class__ is Watched:
            return value.exact()
        if isinstance(value, (Instance, Tensor)):
            if not harmless or isinstance(value, ModuleInstance):
                self.touches(value.serial)
        elif isinstance(value, (list, tuple)):
            for each in value:
                if isinstance(each, (Instance, Tensor)):
                    self.touches(each.serial)
        elif isinstance(value, Iterator) and id(value) not in self.fresh:
            self.changes_container(value)
        elif not harmless and not isinstance(value, (*_SCALARS, *_KEPT, *CONTAINERS, type)):
            self.lose()
        return value


class Prototype:
    """A construction that may be repeated: a copy of the module that nothing else holds, and what it depends on."""

    __slots__ = ("answers", "changes", "depth", "held", "module", "parts", "steps")

    def __init__(self, module: ModuleInstance, region: Region, *, steps: int, parts: int, depth: int) -> None:
        self.module = module
        self.answers = region.answers
        self.changes = region.changes
        self.held = (region.args, list(region.read.values()))  # alive, so that identities stay theirs
        self.steps = steps
        self.parts = parts
        self.depth = depth


class Twins:
    """The constructions of one interpreter that later ones may repeat.

    Args:
        interp: The interpreter.
    """

    def __init__(self, interp: Interpreter) -> None:
        self.interp = interp
        self.changes = 0
        self._seen: dict[Any, list[Prototype]] = {}
        self._tried: dict[Any, int] = {}
        self._read: dict[int, Any] = {}

    def forget(self) -> None:
        """Something that a construction may have read is changed."""
        self.rebound()

    def changed(self, container: Any) -> None:
        """A list, dict, set or iterator is changed."""
        if self.interp.region is not None:
            self.interp.region.changes_container(container)
        if id(container) in self._read:
            self.changes += 1
        else:
            region = self.interp.region
            while region is not None:
                if id(container) in region.read:
                    region.lose()
                region = region.outer

    def rebound(self) -> None:
        """A name that functions see around them is bound anew."""
        self.changes += 1
        if self.interp.region is not None:
            self.interp.region.lose()

    def written(self, instance: Instance) -> None:
        """An attribute of an object is set."""
        region = self.interp.region
        if isinstance(instance, ModuleInstance):
            if region is not None:
                region.touches(instance.serial)
        elif region is None or instance.serial <= region.start:
            self.changes += 1
            if region is not None:
                region.touches(instance.serial)

    def build(self, cls: ClassValue, args: list[Any], kwargs: dict[str, Any]) -> ModuleInstance:
        """A new module of a class: a copy where one was built alike, else built."""
        given = [*args, *kwargs.values()]
        key = _key(cls, len(args), kwargs, given)
        tries = self._tried.get(key, -1) if key is not None else KINDS
        if tries >= KINDS:
            return self._plainly(cls, args, kwargs)
        for known in self._seen.get(key, ()):
            if self._fits(known, given):
                return self._repeated(known, given)
        self._tried[key] = tries + 1
        if tries < 0:
            return self._plainly(cls, args, kwargs)
        return self._followed(key, cls, args, kwargs, given)

    def _plainly(self, cls: ClassValue, args: list[Any], kwargs: dict[str, Any]) -> ModuleInstance:
        module = self.interp.allocate(cls, args, kwargs)
        assert isinstance(module, ModuleInstance)
        return self.interp.build_module(module, args, kwargs)

    def _followed(
        self, key: Any, cls: ClassValue, args: list[Any], kwargs: dict[str, Any], given: list[Any]
    ) -> ModuleInstance:
        interp = self.interp
        region = Region(interp.region, given, self.changes)
        for each in given:
            region.sees(each)
        watched = [
            watch(region, int.__int__(each), place) if _is_number(each) else each for place, each in enumerate(given)
        ]
        steps, parts, before = interp.steps, interp.parts, (len(interp.gaps), len(interp.notes))
        interp.region = region
        try:
            module = self._plainly(cls, watched[: len(args)], dict(zip(kwargs, watched[len(args) :], strict=True)))
        finally:
            interp.region = region.outer
            region.is_open = False
            if region.outer is not None:
                self._hand_on(region)
        unchanged = before == (len(interp.gaps), len(interp.notes)) and region.changes == self.changes
        copying = _Copying(region, given)
        twin = copying.copy(module) if region.is_followed and unchanged else None
        _unwatch(region, given)
        if twin is not None and copying.is_whole:
            self._seen.setdefault(key, []).append(
                Prototype(twin, region, steps=interp.steps - steps, parts=interp.parts - parts, depth=interp.depth)
            )
            self._read.update(region.read)
        return module

    def _hand_on(self, region: Region) -> None:
        """Tell the construction around this one what it asked and read."""
        outer = region.outer
        assert outer is not None
        for expression, test in region.answers:
            value = evaluated(expression, region.args)
            if value.__class__ is Watched:
                value.answer(test)
        for each in region.read.values():
            if id(each) not in outer.fresh:
                outer.read[id(each)] = each
        outer.fresh.update(region.fresh)
        outer.modules += region.modules

    def _fits(self, known: Prototype, given: list[Any]) -> bool:
        if known.changes != self.changes or self.interp.depth > known.depth:
            return False
        try:
            values = [evaluated(expression, given) for expression, _ in known.answers]
        except ArithmeticError:
            return False
        numbers = [int.__int__(value) if value.__class__ is Watched else value for value in values]
        return all(test(number) for (_, test), number in zip(known.answers, numbers, strict=True))

    def _repeated(self, known: Prototype, given: list[Any]) -> ModuleInstance:
        interp = self.interp
        interp.spend(known.steps)
        interp.count_part(known.parts)
        for expression, test in known.answers:
            value = evaluated(expression, given)
            if value.__class__ is Watched:
                value.answer(test)
        if interp.region is not None:
            for each in known.held[1]:
                interp.region.sees(each)
        module = _Copying(None, given).copy(known.module)
        module.created_at = interp.here()
        return module


def evaluated(expression: Expression, args: list[Any]) -> Any:
    """The value of an expression for given arguments; watched where they are."""
    if type(expression) is int:
        return args[expression]
    if expression.__class__ is Fixed:
        return expression.value
    compute, left, right = expression
    left, right = evaluated(left, args), evaluated(right, args)
    if left.__class__ is Watched or right.__class__ is Watched:
        return derived(_OPERATORS[compute], left, right, compute)
    return compute(left, right)


_OPERATORS: dict[Any, type] = {}  # filled by `operators`, which knows what each syntax node computes


def name_operators(operators: dict[type, Any]) -> None:
    _OPERATORS.update({compute: op for op, compute in operators.items()})


def _is_number(value: Any) -> bool:
    return value.__class__ is int or value.__class__ is Watched


def _key(cls: ClassValue, count: int, kwargs: dict[str, Any], given: list[Any]) -> Any:
    """What is equal for two constructions alike, integers aside; None where an argument cannot be compared."""
    parts = tuple([_part(each) for each in given])
    return None if None in parts else (id(cls), count, tuple(kwargs), parts)


def _part(value: Any) -> Any:
    if _is_number(value):
        return "integer"
    if isinstance(value, _SCALARS):
        return (type(value), value)
    if isinstance(value, _KEPT) or (isinstance(value, Instance) and not isinstance(value, ModuleInstance)):
        return id(value)
    if type(value) is tuple and all(type(each) in (str, float, bool, int) for each in value):
        return tuple([(type(each), each) for each in value])
    return None


class _Copying:
    """A deep copy of a module: its parts and tensors are new, everything that came from outside is shared.

    Args:
        region: The construction, to make a prototype; None to copy one.
        given: The arguments.
    """

    def __init__(self, region: Region | None, given: list[Any]) -> None:
        self.region = region
        self.start = region.start if region else -1
        self.read = region.read if region else {}
        self.given = given
        self.is_whole = True
        self._made: dict[int, Any] = {}

    def copy(self, module: ModuleInstance) -> ModuleInstance:
        twin = self._made.get(id(module))
        if twin is not None:
            found: ModuleInstance = twin
            return found
        if module.serial <= self.start:
            self.is_whole = False
        twin = self._made[id(module)] = ModuleInstance(module.cls)
        twin.created_at = module.created_at
        for name, value in module.attrs.items():
            twin.attrs[name] = value if isinstance(value, (str, float, bool, type(None))) else self._attribute(value)
        if module.parameters:
            twin.parameters = {name: self._tensor(each) for name, each in module.parameters.items()}
        if module.buffers:
            twin.buffers = {name: self._tensor(each) for name, each in module.buffers.items()}
            twin.transient = set(module.transient)
        for name, child in module.modules.items():
            if child is not None and not isinstance(child, ModuleInstance):
                self.is_whole = False
            twin.modules[name] = self.copy(child) if isinstance(child, ModuleInstance) else child
        return twin

    def _attribute(self, value: Any) -> Any:
        if value.__class__ is Watched:
            self.is_whole = self.is_whole and value.region is self.region
            return _Later(value.expression)
        if value.__class__ is _Later:
            return evaluated(value.expression, self.given)
        if value.__class__ is int or self.start < 0:
            return value
        if isinstance(value, tuple):
            known = all(type(each) in (int, str, float, bool, type(None)) for each in value)
        elif isinstance(value, FunctionValue):
            known = value.frame.is_top or value.serial <= self.start
        elif isinstance(value, Instance) and not isinstance(value, ModuleInstance):
            known = value.serial <= self.start
        elif isinstance(value, functools.partial):
            scalars = all(isinstance(each, _SCALARS) for each in (*value.args, *value.keywords.values()))
            known = scalars and isinstance(value.func, (NativeFunction, ClassValue))
        else:
            known = (
                isinstance(value, (ClassValue, NativeFunction, LibraryModule, DType, Device)) or id(value) in self.read
            )
        self.is_whole = self.is_whole and known
        return value

    def _tensor(self, tensor: Any) -> Any:
        if tensor is None:
            return None
        twin = self._made.get(id(tensor))
        if twin is None:
            if tensor.serial <= self.start or tensor.shape is None:
                self.is_whole = False
            twin = self._made[id(tensor)] = tensor.twin()
        return twin


class _Later:
    """An attribute of a prototype that depends on the arguments."""

    __slots__ = ("expression",)

    def __init__(self, expression: Expression) -> None:
        self.expression = expression


def _unwatch(region: Region, given: list[Any]) -> None:
    """Give the attributes of the new modules back their plain numbers, or those watched by the construction around them."""
    for module in region.modules:
        for name, value in module.attrs.items():
            if value.__class__ is Watched and value.region is region:
                module.attrs[name] = evaluated(value.expression, given)
