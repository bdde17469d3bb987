"""`heapq`: lists kept in the order of a heap.  Source: Lib/heapq.py."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Any

from archviz.interpreter.library import Library
from archviz.interpreter.machine import Interpreter
from archviz.interpreter.values import Unknown

_CHANGES: dict[str, Callable[..., Any]] = {
    "heappush": heapq.heappush, "heappop": heapq.heappop, "heapify": heapq.heapify, "heappushpop": heapq.heappushpop,
    "heapreplace": heapq.heapreplace,
}  # fmt: skip


def register(library: Library) -> None:
    for name, change in _CHANGES.items():

        @library.function(f"heapq.{name}")
        def changed(
            interp: Interpreter, heap: Any, *item: Any, _change: Callable[..., Any] = change, _name: str = name
        ) -> Any:
            unknown = _unknown([heap, *item]) or _unknown(heap)
            if unknown is not None:
                interp.gap(f"heapq.{_name} of what is not understood: {unknown.reason}", unknown.at)
                return unknown
            interp.spend(len(heap) if _change is heapq.heapify else len(heap).bit_length())
            interp.twins.changed(heap)
            return _change(heap, *item)

    @library.function("heapq.nlargest")
    def nlargest(interp: Interpreter, n: int, iterable: Any, key: Any = None) -> Any:
        return _first(interp, n, iterable, key, reverse=True)

    @library.function("heapq.nsmallest")
    def nsmallest(interp: Interpreter, n: int, iterable: Any, key: Any = None) -> Any:
        return _first(interp, n, iterable, key, reverse=False)

    @library.function("heapq.merge")
    def merge(interp: Interpreter, *iterables: Any, key: Any = None, reverse: Any = False) -> Any:
        values = [each for values in iterables for each in interp.iterate(values)]
        found = _first(interp, len(values), values, key, reverse=bool(reverse))
        return found if isinstance(found, Unknown) else iter(found)


def _first(interp: Interpreter, count: int, values: Any, key: Any, *, reverse: bool) -> Any:
    """The first of the values in order, by their keys."""
    found = interp.call(interp.builtin("sorted"), [values], {"key": key, "reverse": reverse})
    return found if isinstance(found, Unknown) else found[: max(0, count)]


def _unknown(values: Any) -> Unknown | None:
    return next((each for each in values if isinstance(each, Unknown)), None) if isinstance(values, list) else None
