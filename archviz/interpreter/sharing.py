"""Layers that are and do the same are run once: later calls stand for the recorded events under their own names.

A call may be repeated for another module when the two modules are built alike (`fingerprint`), the arguments look alike (`signature`),
and no number that differs between them, such as `layer_idx`, was read while the first one ran, and nothing that outlives a call was
changed since: no attribute, global or nonlocal name, no list, dict, set or iterator that the call around the change did not make
itself. A call that changed such a thing, or was not fully understood, is never repeated.

A call that is handed tensors and plain values only (`Asked.is_closed`) does not see what a pass does to objects of its own, as to a cache
that other calls are handed. Layers that cannot be repeated as a whole, because they write such a cache or read their number, repeat their
parts that are closed: a feed-forward, a hyper-connection.
"""

from __future__ import annotations

import contextlib
import functools
from typing import Any, NamedTuple

from archviz.interpreter.events import Repeat
from archviz.interpreter.tracing import Recorder
from archviz.interpreter.values import (
    BoundMethod,
    ClassValue,
    Device,
    DType,
    FunctionValue,
    Instance,
    ModuleInstance,
    NativeFunction,
    Tensor,
    Unknown,
)
from archviz.interpreter.walk import walk

Key = tuple[Any, ...]
_BY_IDENTITY = (ClassValue, FunctionValue, NativeFunction, Device, DType)


class NotShareable(Exception):
    pass


class Asked(NamedTuple):
    """What is known of a call that is about to run.

    Args:
        key: What must be equal for two calls to be the same.
        tensors: The argument tensors in order.
        is_closed: It is handed tensors and plain values, and nothing through which it sees other objects.
    """

    key: Key
    tensors: list[Tensor]
    is_closed: bool


class Remembered:
    """A call that ran: its module, arguments, result, the span of its events and of the numbers of the tensors that it made, and the writes of the trace until its end.

    Args:
        writes: All, and those that a closed call may see.
    """

    __slots__ = ("module", "numbers", "numbers_read", "result", "span", "tensors", "writes")

    def __init__(
        self,
        module: ModuleInstance,
        tensors: list[Tensor],
        result: Any,
        *,
        span: tuple[int, int],
        numbers: tuple[int, int],
        writes: tuple[int, int],
    ) -> None:
        self.module = module
        self.tensors = tensors
        self.result = _rebuilt(result, {}, _itself)  # its taker may change the lists and objects in it
        self.span = span
        self.numbers = numbers
        self.writes = writes
        self.numbers_read: set[tuple[str, str]] = set()  # relative path, attribute


class SharedCalls:
    """The calls of one trace that later ones may repeat.

    Args:
        recorder: The trace.
    """

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self._known: dict[Key, list[Remembered]] = {}
        self._prints: dict[int, Key | None] = {}
        self._printed_at = 0  # writes before which the modules looked otherwise
        self._ran: set[Key] = set()  # how the layers are built that ran
        self._parts: dict[int, tuple[int, list[tuple[str, ModuleInstance]]]] = {}

    def ask(self, module: ModuleInstance, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Asked | None:
        """What is known of a call; None where it cannot be compared with others."""
        tensors: list[Tensor] = []
        if self._printed_at != self.recorder.open_writes:
            self._prints.clear()
            self._printed_at = self.recorder.open_writes
        try:
            objects: list[Any] = []
            given = signature([args, kwargs], tensors, objects)
            is_closed = not objects
            if self.recorder.inside_twin and not is_closed and not is_numbered(self.recorder.path_of(module)):
                return None
            built = self.fingerprint(module)
        except NotShareable:
            return None
        return None if built is None else Asked((built, given), tensors, is_closed)

    def ran_before(self, asked: Asked) -> bool:
        """Whether a layer that is built alike ran already; from now on one did."""
        before = len(self._ran)
        self._ran.add(asked.key[0])
        return len(self._ran) == before

    def fingerprint(self, module: ModuleInstance) -> Key | None:
        """How a module is built, numbers left out; None when it holds something that cannot be compared."""
        if id(module) not in self._prints:
            self._prints[id(module)] = None  # a module that contains itself is not comparable
            with contextlib.suppress(NotShareable):
                self._prints[id(module)] = self._print(module)
        return self._prints[id(module)]

    def _print(self, module: ModuleInstance) -> Key:
        attributes = tuple((name, _held(value)) for name, value in module.attrs.items() if not _is_number(value))
        tensors = tuple(
            (name, None if tensor is None else _held(tensor))
            for table in (module.parameters, module.buffers)
            for name, tensor in table.items()
        )
        children = []
        for name, child in module.modules.items():
            printed = self.fingerprint(child) if isinstance(child, ModuleInstance) else (None,)
            if printed is None:
                raise NotShareable
            children.append((name, printed))
        return (id(module.cls), attributes, tensors, tuple(children))

    def parts(self, module: ModuleInstance) -> list[tuple[str, ModuleInstance]]:
        """A module and everything below it, with relative paths; walked once as long as nothing is written."""
        writes, found = self._parts.get(id(module), (-1, []))
        if writes != self.recorder.open_writes:
            found = list(walk(module))
            self._parts[id(module)] = (self.recorder.open_writes, found)
        return found

    def find(self, asked: Asked, module: ModuleInstance) -> Remembered | None:
        """A remembered call that this one repeats."""
        recorder, place = self.recorder, 1 if asked.is_closed else 0
        writes = (recorder.writes, recorder.open_writes)
        for known in self._known.get(asked.key, ()):
            if known.writes[place] != writes[place]:  # something that it may have read is another since
                continue
            if known.module is module or not (known.numbers_read & self._differing_numbers(known.module, module)):
                return known
        return None

    def remember(self, key: Key, call: Remembered) -> None:
        call.numbers_read = self._relative_reads(call)
        self._known.setdefault(key, []).append(call)

    def _relative_reads(self, call: Remembered) -> set[tuple[str, str]]:
        places = {id(module): path for path, module in self.parts(call.module)}
        return {(places[owner], name) for owner, name in self.recorder.numbers_read if owner in places}

    def repeat(self, known: Remembered, module: ModuleInstance, tensors: list[Tensor]) -> Any:
        """Add the events of a remembered call under another module's paths; returns the call's result."""
        recorder = self.recorder
        renumbered = self._renumbered(known, module, tensors)
        created, last = known.numbers
        repeat = Repeat(
            first=len(recorder.events),
            start=known.span[0],
            stop=known.span[1],
            numbers=renumbered,
            created=created,
            last=last,
            shift=recorder.next_number - created,
            paths=self._moved_paths(known.module, module),
            parent=recorder.open_event,
        )
        recorder.next_number += last - created
        if known.numbers_read:  # whoever calls the module depends on them as well
            owners = dict(self.parts(module))
            recorder.numbers_read |= {(id(owners[path]), name) for path, name in known.numbers_read}
        recorder.events.repeat(repeat)
        recorder.check_bounds(module.cls.interpreter.here())
        mapping = {id(old): new for old, new in zip(known.tensors, tensors, strict=True)}
        return _rebuilt(known.result, mapping, lambda tensor: self._fresh(tensor, repeat))

    def _moved_paths(self, one: ModuleInstance, other: ModuleInstance) -> dict[str, str]:
        """Where the events of each module go; a part that both share keeps its path."""
        pairs = zip(self.parts(one), self.parts(other), strict=True)
        return {
            old: new
            for (_, first), (_, second) in pairs
            if (old := self.recorder.path_of(first)) is not None and (new := self.recorder.path_of(second)) is not None
        }

    def _renumbered(self, known: Remembered, module: ModuleInstance, tensors: list[Tensor]) -> dict[int, int]:
        recorder = self.recorder
        pairs = [*zip(known.tensors, tensors, strict=True), *self._own_tensors(known.module, module)]
        return {recorder.number(old): recorder.number(new) for old, new in pairs}

    def _differing_numbers(self, one: ModuleInstance, other: ModuleInstance) -> set[tuple[str, str]]:
        """The numeric attributes in which two modules of equal fingerprint differ: relative path and name."""
        found = set()
        for (path, first), (_, second) in zip(self.parts(one), self.parts(other), strict=True):
            names = {
                each for attrs in (first.attrs, second.attrs) for each, value in attrs.items() if _is_number(value)
            }
            found |= {(path, name) for name in names if first.attrs.get(name) != second.attrs.get(name)}
        return found

    def _own_tensors(self, one: ModuleInstance, other: ModuleInstance) -> list[tuple[Tensor, Tensor]]:
        pairs = []
        for (_, first), (_, second) in zip(self.parts(one), self.parts(other), strict=True):
            for table, twins in ((first.parameters, second.parameters), (first.buffers, second.buffers)):
                for name, tensor in table.items():
                    twin = twins.get(name)
                    if tensor is not None and twin is not None:
                        pairs.append((tensor, twin))
        return pairs

    def _fresh(self, tensor: Tensor, repeat: Repeat) -> Tensor:
        twin = Tensor(tensor.shape, tensor.dtype, tensor.data, tensor.at)
        twin.meaning, twin.layout = tensor.meaning, tensor.layout
        number = self.recorder.known_number(tensor)
        if number is not None:
            self.recorder.adopt(twin, repeat.number(number))
        return twin


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _held(value: Any) -> Any:
    """A comparable stand-in for an attribute's value."""
    if value is None or isinstance(value, (str, float, bool, int)):
        return value
    if isinstance(value, Tensor):
        return ("tensor", value.shape, value.dtype, None if value.data is None else tuple(value.data))
    if isinstance(value, (list, tuple)):
        return (type(value), *map(_held, value))
    if isinstance(value, dict):
        return ("dict", *((str(name), _held(each)) for name, each in value.items()))
    if isinstance(value, BoundMethod):
        return ("bound", id(value.function))
    if isinstance(value, functools.partial):
        return ("partial", _held(value.func), _held(value.args), _held(value.keywords))
    if isinstance(value, Unknown):
        return ("unknown", value.reason)
    if isinstance(value, (Instance, *_BY_IDENTITY)):
        return ("object", id(value))
    return ("host", id(value))


def is_numbered(path: str | None) -> bool:
    """Whether a module is an item of a list: a layer."""
    return path is not None and path.rpartition(".")[2].isdigit()


def signature(value: Any, tensors: list[Tensor], objects: list[Any]) -> Any:
    """What an argument looks like: tensors by place, shape, dtype and known values, everything else by value or identity.

    Args:
        tensors, objects: Those in it are added, in order; types and devices are no objects.

    Raises:
        NotShareable: Something in it was not understood.
    """
    if isinstance(value, Tensor):
        place = next((index for index, each in enumerate(tensors) if each is value), None)
        if place is not None:
            return ("again", place)
        tensors.append(value)
        data = None if value.data is None else tuple(value.data)
        return ("tensor", value.shape, value.dtype, data, value.meaning, value.layout)
    if isinstance(value, Unknown):
        raise NotShareable
    if value is None or isinstance(value, (str, float, int)):
        return (type(value), value)
    if isinstance(value, (list, tuple)):
        return (type(value), *(signature(each, tensors, objects) for each in value))
    if isinstance(value, dict):
        return ("dict", *((str(name), signature(each, tensors, objects)) for name, each in value.items()))
    if not isinstance(value, (DType, Device)):
        objects.append(value)
    return ("object", id(value))


def _rebuilt(value: Any, mapping: dict[int, Tensor], fresh: Any) -> Any:
    """A result with its tensors exchanged: arguments for arguments, new tensors for those the call made."""
    if isinstance(value, Tensor):
        if id(value) not in mapping:
            mapping[id(value)] = fresh(value)
        return mapping[id(value)]
    if type(value) in (list, tuple):
        return type(value)(_rebuilt(each, mapping, fresh) for each in value)
    if type(value) is dict:
        return {name: _rebuilt(each, mapping, fresh) for name, each in value.items()}
    if isinstance(value, Instance) and not isinstance(value, ModuleInstance):
        twin = Instance(value.cls)
        twin.attrs = {name: _rebuilt(each, mapping, fresh) for name, each in value.attrs.items()}
        twin.payload = _rebuilt(value.payload, mapping, fresh)
        return twin
    return value


def _itself(tensor: Tensor) -> Tensor:
    return tensor


def has_unknown(value: Any, depth: int = 0) -> bool:
    """Whether a result holds something that was not understood."""
    if isinstance(value, Unknown) or (isinstance(value, Tensor) and value.shape is None):
        return True
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, Instance) and not isinstance(value, ModuleInstance):
        value = [*value.attrs.values(), value.payload]
    return depth < 5 and isinstance(value, (list, tuple)) and any(has_unknown(each, depth + 1) for each in value)
