"""Modules that are built alike are built once: later ones are copies, with their own tensors and their own numbers.

A module may be copied when the class and the arguments are the same, integers aside.  While the second of its kind is built, its integer
arguments are `Watched`: whatever the code asks of one (`layer_idx % 4 == 3`, `config.layer_types[layer_idx]`) is written down with the
answer, and a module is only copied for integers that give the same answers to all.  What else the code could read must be unchanged:
an attribute set on anything but the new modules, a changed list or dict that was read, a changed global or class forget all copies.
A construction that does, or reads, anything that is not followed here is not copied at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archviz.interpreter.control import BudgetSpentError
from archviz.interpreter.copies import Casting, Mould, Moulding, unwatch
from archviz.interpreter.followed import KEPT, SCALARS, Region
from archviz.interpreter.sizes import Fraction, Size
from archviz.interpreter.values import ClassValue, Instance, ModuleInstance
from archviz.interpreter.watched import Watched, evaluated, watch

if TYPE_CHECKING:
    from archviz.interpreter.machine import Interpreter

KINDS = 12  # how many different constructions of the same class and arguments are kept, or tried in vain


class Prototype:
    """A construction that may be repeated: the mould of its module, and what it depends on."""

    __slots__ = ("answers", "changes", "depth", "held", "mould", "parts", "shared", "steps")

    def __init__(self, mould: Mould, region: Region, shared: set[int], *, steps: int, parts: int, depth: int) -> None:
        self.mould = mould
        self.shared = shared
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
        if self.interp.recorder is not None:
            self.interp.recorder.wrote(container)
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
        if self.interp.recorder is not None:
            self.interp.recorder.wrote()
        if self.interp.region is not None:
            self.interp.region.lose()

    def written(self, instance: Instance) -> None:
        """An attribute of an object is set or deleted."""
        recorder = self.interp.recorder
        region = self.interp.region
        if recorder is not None:
            recorder.wrote(None if isinstance(instance, ModuleInstance) else instance)
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
        except BudgetSpentError:
            raise
        except BaseException:
            self._closed(region)
            raise
        self._closed(region)
        unchanged = before == (len(interp.gaps), len(interp.notes)) and region.changes == self.changes
        moulding = Moulding(region)
        mould = moulding.mould(module) if region.is_followed and unchanged else None
        unwatch(region, given)
        if mould is not None and moulding.is_whole:
            cost = {"steps": interp.steps - steps, "parts": interp.parts - parts, "depth": interp.depth}
            self._seen.setdefault(key, []).append(Prototype(mould, region, moulding.shared, **cost))
            self._read.update(region.read)
        return module

    def _closed(self, region: Region) -> None:
        """A construction is over; where a bound ended it nobody goes on, and what it asked may be much."""
        self.interp.region = region.outer
        region.is_open = False
        if region.outer is not None:
            self._hand_on(region)

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
        casting = Casting(known.shared, given)
        module = casting.cast(known.mould)
        if interp.region is not None:
            for each in known.held[1]:
                interp.region.sees(each)
            for each in casting.containers:
                interp.region.makes(each)
        module.created_at = interp.here()
        return module


def _is_number(value: Any) -> bool:
    return value.__class__ is int or value.__class__ is Watched


def _key(cls: ClassValue, count: int, kwargs: dict[str, Any], given: list[Any]) -> Any:
    """What is equal for two constructions alike, integers aside; None where an argument cannot be compared."""
    parts = tuple([_part(each) for each in given])
    return None if None in parts else (id(cls), count, tuple(kwargs), parts)


def _part(value: Any) -> Any:
    if _is_number(value):
        return "integer"
    if value.__class__ is Size:
        return (Size, value, value.expression)
    if value.__class__ is Fraction:
        return (Fraction, value, value.whole.expression)
    if isinstance(value, SCALARS):
        return (type(value), value)
    if isinstance(value, KEPT) or (isinstance(value, Instance) and not isinstance(value, ModuleInstance)):
        return id(value)
    if type(value) is tuple and all(type(each) in (str, float, bool, int) for each in value):
        return tuple([(type(each), each) for each in value])
    return None
