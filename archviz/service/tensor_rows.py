"""Tensors in rows: those whose names differ in a number only, and that are otherwise equal, share one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from archviz.service.summary import ranges

_Steps = tuple[str, ...]


def rows_of_equals(tensors: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    """Name → shape, with the numbers of equal layers, experts and the like in braces; a row stands for every combination of them.

    >>> rows_of_equals({"layers.0.w": [4, 2], "layers.1.w": [4, 2], "layers.2.w": [8, 2]})
    {'layers.{0-1}.w': [4, 2], 'layers.2.w': [8, 2]}
    """
    rows: dict[_Steps, tuple[Any, ...]] = {tuple(name.split(".")): tuple(shape) for name, shape in tensors.items()}
    places = {index for steps in rows for index, step in enumerate(steps) if _is_number(step)}
    for place in sorted(places, reverse=True):
        rows = _folded(rows, place)
    return {".".join(steps): list(shape) for steps, shape in rows.items()}


def _folded(rows: dict[_Steps, tuple[Any, ...]], place: int) -> dict[_Steps, tuple[Any, ...]]:
    """Rows that differ in the number at one place of their names as one, where the first of them stands."""
    numbers: dict[tuple[_Steps, _Steps, tuple[Any, ...]], list[int]] = {}
    for steps, shape in rows.items():
        if len(steps) > place and _is_number(steps[place]):
            numbers.setdefault((steps[:place], steps[place + 1 :], shape), []).append(int(steps[place]))
    found: dict[_Steps, tuple[Any, ...]] = {}
    for steps, shape in rows.items():
        before, after = steps[:place], steps[place + 1 :]
        own = numbers.get((before, after, shape), []) if len(steps) > place and _is_number(steps[place]) else []
        found[(*before, "{" + ranges(own) + "}", *after) if len(own) > 1 else steps] = shape
    return found


def _is_number(step: str) -> bool:
    return step.isascii() and step.isdecimal()
