"""States that modules keep on themselves: tensors that one pass sets as attributes of modules and the next one reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from archviz.interpreter.caches import CacheLayer, held_tensors
from archviz.interpreter.reading import Event
from archviz.interpreter.tracing import Recorder
from archviz.interpreter.values import ModuleInstance, Tensor
from archviz.interpreter.walk import distinct_modules, walk
from archviz.records import record, replace


@record(frozen=True)
class ModuleState:
    """A tensor that a module holds beside its parameters and buffers.

    Args:
        path: The module.
        name: The attribute; an item of a list or dict is numbered or named (`states.0`).
        class_name: The module's class.
    """

    path: str
    name: str
    class_name: str
    tensor: Tensor


@contextmanager
def left_as_it_was(model: ModuleInstance) -> Iterator[None]:
    """Attributes that passes set are gone at the end, so that the next sequence begins without them; what lists hold by then stays."""
    before = attributes_of(model)
    try:
        yield
    finally:
        give_back(before)


def attributes_of(model: ModuleInstance) -> list[tuple[ModuleInstance, dict[str, Any]]]:
    """The attributes of every module as they are now."""
    return [(module, dict(module.attrs)) for module in distinct_modules(model)]


def give_back(before: list[tuple[ModuleInstance, dict[str, Any]]]) -> None:
    """Give modules the attributes that they had."""
    for module, attributes in before:
        module.attrs.clear()
        module.attrs.update(attributes)


def module_states(model: ModuleInstance, recorder: Recorder, given: Iterable[Any]) -> list[ModuleState]:
    """What a pass left on the modules, made from what it was given; tables that it made for itself are none.

    Args:
        given: The inputs of the pass.
    """
    held = [each for each in _held(model) if recorder.known_number(each.tensor) is not None]
    if not held:
        return []
    makers = recorder.makers()
    numbers = {
        number for each in given if isinstance(each, Tensor) and (number := recorder.known_number(each)) is not None
    }
    return [each for each in held if _comes_from(recorder.known_number(each.tensor), numbers, makers)]


def read_states(
    states: Iterable[ModuleState], model: ModuleInstance, later: Recorder
) -> list[tuple[ModuleState, ModuleState]]:
    """Those that a later pass read, as they were before it and as they are after it."""
    after = {(each.path, each.name): each for each in _held(model)}
    return [
        (each, after[each.path, each.name])
        for each in states
        if (each.path, each.name) in after and later.known_number(each.tensor) is not None
    ]


def with_module_states(
    layers: Sequence[CacheLayer], states: Sequence[tuple[ModuleState, ModuleState]], recorders: Sequence[Recorder]
) -> list[CacheLayer]:
    """The layers of a cache and those that keep their states on modules, in the order of the layers.

    Args:
        states: Each before and after the last pass.
        recorders: The passes that may have written them, latest first.
    """
    made = [recorder.makers() for recorder in recorders] if states else []
    groups: dict[int, list[tuple[ModuleState, ModuleState]]] = {}
    for pair in states:
        groups.setdefault(_layer_number(pair[0].path), []).append(pair)
    found = list(layers)
    for number, pairs in groups.items():
        layer = _layer(number, pairs, recorders, made)
        place = next((p for p, each in enumerate(found) if each.index == number and each.kind == "empty"), None)
        if place is None:
            found.append(layer)
        else:
            found[place] = replace(layer, class_name=found[place].class_name)
    return sorted(found, key=lambda each: (each.part != "self", each.index)) if groups else found


def _held(model: ModuleInstance) -> Iterator[ModuleState]:
    for path, module in walk(model, "", set()):
        for attribute, value in module.attrs.items():
            if isinstance(value, (Tensor, list, tuple, dict)):
                for name, tensor in held_tensors(value, attribute):
                    yield ModuleState(path, name, module.cls.name, tensor)


def _comes_from(number: int | None, given: set[int], makers: dict[int, Event]) -> bool:
    """Whether a tensor was computed from some others."""
    waiting, seen = [number], set()
    while waiting:
        number = waiting.pop()
        if number in given:
            return True
        if number is None or number in seen or number not in makers:
            continue
        seen.add(number)
        waiting += [value.id for value in makers[number].inputs]
    return False


def _layer_number(path: str) -> int:
    """The place of a module's layer in the list of layers; 0 for one that is in none."""
    return next((int(part) for part in path.split(".") if part.isdecimal()), 0)


def _layer(
    number: int, pairs: Sequence[tuple[ModuleState, ModuleState]], recorders: Sequence[Recorder], made: Sequence[dict[int, Event]]
) -> CacheLayer:  # fmt: skip
    names = [each.name for each, _ in pairs]
    tensors: dict[str, Tensor] = {}
    earlier, writers, at = {}, {}, None
    for before, after in pairs:
        twice = names.count(after.name) > 1
        name = f"{after.path.rpartition('.')[2]}.{after.name}" if twice else after.name
        tensors[name] = after.tensor
        if before.tensor.shape is not None:
            earlier[name] = tuple(before.tensor.shape)
        event = _maker(after.tensor, recorders, made)
        writers[name] = after.path if event is None else event.module
        at = at if event is None else event.at
    first = pairs[0][0]
    module = next(iter(writers.values()))
    return CacheLayer(number, "self", first.class_name, "state", module, tensors, None, at, earlier, writers)


def _maker(tensor: Tensor, recorders: Sequence[Recorder], made: Sequence[dict[int, Event]]) -> Event | None:
    """The op that made a tensor, in the latest pass that did."""
    for recorder, makers in zip(recorders, made, strict=True):
        number = recorder.known_number(tensor)
        if number is not None and number in makers:
            return makers[number]
    return None
