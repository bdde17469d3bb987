"""The recorder: turns module calls, ops and named functions of one forward pass into events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from archviz.interpreter.control import BudgetSpentError
from archviz.interpreter.events import Events
from archviz.interpreter.forks import Forks
from archviz.interpreter.parsing import body_of
from archviz.interpreter.reading import Assumption, Event, ValueRef
from archviz.interpreter.scaling import JoinedNumbers
from archviz.interpreter.values import BoundMethod, FunctionValue, Instance, Tensor
from archviz.settings import Limits
from archviz.spans import Span

MOST_ASSUMPTIONS = 1000
HOOKS = ("_forward_pre_hooks", "_forward_hooks")


class Recorder:
    """Collects events while `forward` runs.

    Args:
        paths: Module identity (`id`) → path in the model.
        limits: How much is recorded.
    """

    def __init__(self, paths: dict[int, str], limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._calls = 0
        self._values = 0
        self.events = Events()
        self.passed = self.events.passed
        self.path = ""
        self.assumed = False
        self.assumptions: dict[
            tuple[str, Span | None], str
        ] = {}  # what was taken for granted, and its line → the first module there
        self.forks = Forks()  # which way its branches and loops went
        self.joined = JoinedNumbers()  # computed numbers that tensors were multiplied by, divided by, …
        self._testing: dict[Span, tuple[int, int]] = {}  # a test that is taken as true → the lines of its function
        self.keeps_numbers = False  # small tensors of known numbers, such as the sizes of images, are computed with
        self.numbers_read: set[tuple[int, str]] = set()  # numeric attributes of modules that forward looked at
        self.lost: set[tuple[str, Span | None]] = set()  # what was not understood and is a gap already
        self.writes = 0  # changes of anything that outlives the call in which they happen
        self.open_writes = 0  # those of them that a call which is handed no object may see
        self.inside_twin = False  # a layer runs that is built like an earlier one and cannot stand for it as a whole
        self._made: list[
            dict[int, Any]
        ] = []  # for each open call that may be repeated, the objects, containers and iterators it made
        self._own: dict[int, Any] = {}  # all that this pass made, and the one before whose cache it was given
        self._late = 0  # statements of files that run late: what they make is the file's
        self.ended_by: str | None = None  # what ended the pass before it was through
        self.spent = False  # a bound ended it
        self.gaps_enough: int | None = None  # so many gaps, and the pass does not count
        self.more_tokens = 0  # tokens given beyond those asked for, so that no part of the model is left without any
        self.tokens: set[int] = set()  # the given tensors of token ids (`id`)
        self.next_number = 0  # the first free number of a tensor
        self.apart: dict[int, Tensor] = {}  # tensors of towers that were called on their own, by their numbers here
        self._paths = paths
        self._open: list[int] = []
        self._notes: dict[int, dict[str, Any]] = {}  # options that an open event is to have when it ends
        self._numbers: dict[int, tuple[int, Tensor]] = {}

    @property
    def open_event(self) -> int:
        return self._open[-1] if self._open else -1

    def assume(self, what: str, at: Span | None, function: Any = None) -> None:
        """Note what is taken for granted from here on, because it depends on numbers, which a pass over shapes does not have."""
        self.assumed = True
        if len(self.assumptions) < MOST_ASSUMPTIONS:
            self.assumptions.setdefault((what, at), self.path)
            node = getattr(function, "node", None)
            if node is not None and at is not None:
                self._testing[at] = (node.lineno, max(at.line, *(each.end_lineno or 0 for each in body_of(node)), 0))

    def take_assumptions(self, more: Recorder) -> None:
        """What another pass took for granted counts here too."""
        for row, module in more.assumptions.items():
            self.assumptions.setdefault(row, module)
        self._testing.update(more._testing)

    def assumed_rows(self) -> list[Assumption]:
        """What was taken for granted, in order."""
        return [
            Assumption(path, what, at, self._testing.get(at) if at else None)
            for (what, at), path in self.assumptions.items()
        ]

    def path_of(self, module: Any) -> str | None:
        """Where a module stands in the model; None when it is no part of it."""
        return self._paths.get(id(module))

    def is_direct(self, method: BoundMethod) -> bool:
        """Whether a method is another module's `forward`, which code may call itself (`self.attention.forward(x)`); hooks do not run then.

        A base class's `forward` that the module's own stands for is none (`super().forward(x)` in another method).
        """
        if not isinstance(method.function, FunctionValue) or method.function.name != "forward":
            return False
        if method.receiver.cls.find("forward") is not method.function:
            return False
        path = self.path_of(method.receiver)
        return path is not None and path != self.path and not any(name in method.receiver.attrs for name in HOOKS)

    def begin(self, kind: str, name: str, inputs: Iterable[Any], at: Span | None, module: str | None = None) -> int:
        """Open an event; its outputs are filled in by `end`."""
        self._calls += kind == "call"
        index = len(self.events)
        given = tuple([self.reference(each) for each in tensors_in(inputs)])
        self._values += len(given)
        self.check_bounds(at)
        self.events.append(
            Event(
                index,
                kind,  # type: ignore[arg-type]
                self.path if module is None else module,
                name,
                given,
                (),
                self._open[-1] if self._open else -1,
                at,
                {},
                self.assumed,
            )
        )
        self._open.append(index)
        return index

    def check_bounds(self, at: Span | None) -> None:
        """Refuse a pass of more events than are kept and written."""
        limits = self._limits
        if self._calls > limits.calls:
            raise BudgetSpentError(f"more than {limits.calls:,} module calls in one pass", at)
        if len(self.events) >= limits.events:
            raise BudgetSpentError(f"more than {limits.events:,} steps recorded in one pass", at)
        if self._values > limits.values:
            raise BudgetSpentError(f"more than {limits.values:,} tensors named in one pass", at)

    def end(self, index: int, outputs: Any, options: dict[str, Any] | None = None) -> None:
        """Close an event."""
        self._open.pop()
        event = self.events[index]
        options = {**(options or {}), **self._notes.pop(index, {})}
        given = tuple([self.reference(each) for each in tensors_in([outputs])])
        self._values += len(given)
        self.events[index] = Event(
            index, event.kind, event.module, event.name, event.inputs, given,
            event.parent, event.at, options, event.assumed,
        )  # fmt: skip

    def annotate(self, index: int, options: dict[str, Any]) -> None:
        """Say more of an event that just ended, and of the named functions that it is a part of."""
        self.events[index].options.update(options)
        for place in reversed(self._open):
            if self.events[place].kind != "function":
                return
            self._notes.setdefault(place, {}).update(options)

    def own_line(self) -> Span | None:
        """The line of the innermost module's forward that is at work, also while functions that it called run."""
        line = None
        for place in reversed(self._open):
            event = self.events[place]
            if event.kind == "call":
                break
            if event.kind == "function":
                line = event.at
        return line

    def reference(self, tensor: Tensor) -> ValueRef:
        return ValueRef(self.number(tensor), tensor.shape, tensor.dtype)

    def number(self, tensor: Tensor) -> int:
        """The number that a tensor goes by in events."""
        known = self._numbers.get(id(tensor))
        if known is not None:
            return known[0]
        number = self.fresh_number()
        self._numbers[id(tensor)] = (number, tensor)
        return number

    def numbered(self, offset: int = 0) -> dict[int, Tensor]:
        """All tensors that this trace has seen by their numbers, which become more by an offset."""
        return {number + offset: tensor for number, tensor in self._numbers.values()}

    def known_number(self, tensor: Tensor) -> int | None:
        """The number of a tensor that this trace has seen."""
        known = self._numbers.get(id(tensor))
        return None if known is None else known[0]

    def makers(self) -> dict[int, Event]:
        """Number of a tensor → the innermost event that made it."""
        return {value.id: event for event in self.events if event.kind == "op" for value in event.outputs}

    def fresh_number(self) -> int:
        self.next_number += 1
        return self.next_number - 1

    def reshaped(self, tensor: Tensor, before: Tensor) -> None:
        """A tensor gets another shape in place: what was passed until now keeps how it was."""
        for index, passed in self.passed.items():
            if any(each is tensor for each in tensors_in(passed)):
                self.passed[index] = _exchanged(passed, tensor, before)

    def adopt(self, tensor: Tensor, number: int) -> None:
        """Let a tensor go by a number given before it existed."""
        self._numbers[id(tensor)] = (number, tensor)

    @contextmanager
    def making(self, *, handed_on: bool) -> Iterator[None]:
        """A call that may be repeated, or a file's statement that runs late: what it makes and changes itself is no change for others.

        Args:
            handed_on: What it made is new to the call around it as well. Not what a late statement binds: that is the file's, whoever
                used it first.
        """
        self._made.append({})
        self._late += not handed_on
        try:
            yield
        finally:
            self._late -= not handed_on
            own = self._made.pop()
            if handed_on and self._made:
                self._made[-1].update(own)

    def made(self, value: Any) -> Any:
        """Note an object, a container or an iterator that the program has just made."""
        if self._made:
            self._made[-1][id(value)] = value
        if not self._late:
            self._own[id(value)] = value
        return value

    def continues(self, before: Recorder) -> None:
        """This pass is given what another one returned: what that made is as its own, unless it may be found elsewhere."""
        if not before.open_writes:
            self._own.update(before._own)

    def wrote(self, changed: Any = None) -> None:
        """Note that an object, or a container or iterator that the open call did not make itself, is changed.

        Whoever is handed no object sees such a change only where the changed thing is older than the pass, or where it may have been
        put into something older: once anything else was changed.
        """
        if changed is None or not self._made or id(changed) not in self._made[-1]:
            self.writes += 1
            if changed is None or self.open_writes or id(changed) not in self._own:
                self.open_writes += 1


def _exchanged(value: Any, old: Tensor, new: Tensor) -> Any:
    """The same containers with another tensor in the place of one."""
    if value is old:
        return new
    if value.__class__ in (list, tuple):
        return type(value)([_exchanged(each, old, new) for each in value])
    if value.__class__ is dict:
        return {name: _exchanged(each, old, new) for name, each in value.items()}
    if value.__class__ is not Instance:
        return value
    twin = Instance(value.cls)
    twin.attrs = {name: _exchanged(each, old, new) for name, each in value.attrs.items()}
    twin.payload = _exchanged(value.payload, old, new)
    return twin


def tensors_in(values: Iterable[Any], depth: int = 0) -> Iterator[Tensor]:
    """Every tensor in nested containers, in order."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif depth < 4 and isinstance(value, (list, tuple)):
            yield from tensors_in(value, depth + 1)
        elif depth < 4 and isinstance(value, dict):
            yield from tensors_in(value.values(), depth + 1)
        elif depth < 4 and isinstance(value, Instance) and isinstance(value.payload, dict):
            held = value.attrs if value.cls.has("to_tuple") else value.payload
            yield from tensors_in(held.values(), depth + 1)
