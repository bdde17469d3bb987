"""The recorder: turns module calls, ops and named functions of one forward pass into events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from archviz.interpreter.reading import Event, ValueRef
from archviz.interpreter.values import Instance, Tensor, Unknown
from archviz.spans import Span


class Recorder:
    """Collects events while `forward` runs.

    Args:
        paths: Module identity (`id`) → path in the model.
    """

    def __init__(self, paths: dict[int, str]) -> None:
        self.events: list[Event] = []
        self.path = ""
        self.assumed = False
        self._paths = paths
        self._open: list[int] = []
        self._values: dict[int, tuple[int, Any]] = {}
        self.passed: dict[int, tuple[tuple[Any, ...], dict[str, Any], Any]] = {}  # event → arguments and result

    def path_of(self, module: Any) -> str | None:
        """Where a module stands in the model; None when it is no part of it."""
        return self._paths.get(id(module))

    def begin(self, kind: str, name: str, inputs: Iterable[Any], at: Span | None, module: str | None = None) -> int:
        """Open an event; its outputs are filled in by `end`."""
        event = Event(
            index=len(self.events),
            kind=kind,  # type: ignore[arg-type]
            module=self.path if module is None else module,
            name=name,
            inputs=tuple(self.reference(each) for each in tensors_in(inputs)),
            outputs=(),
            parent=self._open[-1] if self._open else -1,
            at=at,
            assumed=self.assumed,
        )
        self.events.append(event)
        self._open.append(event.index)
        return event.index

    def end(self, index: int, outputs: Any, options: dict[str, Any] | None = None) -> None:
        """Close an event."""
        self._open.pop()
        event = self.events[index]
        self.events[index] = Event(
            event.index, event.kind, event.module, event.name, event.inputs,
            tuple(self.reference(each) for each in tensors_in([outputs])),
            event.parent, event.at, options or {}, event.assumed,
        )  # fmt: skip

    def reference(self, tensor: Tensor) -> ValueRef:
        number = self._values.setdefault(id(tensor), (len(self._values), tensor))[0]
        return ValueRef(number, tensor.shape, tensor.dtype)


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
            yield from tensors_in(value.payload.values(), depth + 1)


def is_understood(value: Any) -> bool:
    return not isinstance(value, Unknown)
