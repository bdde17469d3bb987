"""The numbers of a pass, element by element: what the recorded ops make of numbers that are put in for some of their tensors.

A formula is known by what it computes: whether a norm is an RMSNorm, whether a function rotates pairs, and which, is found by computing
single elements of its result, each from those that it was made of.  Nothing is computed that nobody asks for.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Iterable, Sequence

from archviz.interpreter.reading import Event, ValueRef
from archviz.patterns.linear_forms import LinearForm
from archviz.patterns.moves import NotFollowed, Place, broadcast, sizes, source_of
from archviz.patterns.op_families import canonical, writes_in_place

Element = float | complex | LinearForm
_MOST = 200_000  # elements of one question
_WIDEST = 64  # of a product of matrices
_CONSTANTS = {"zeros_like": 0.0, "ones_like": 1.0, "zeros": 0.0, "ones": 1.0, "new_zeros": 0.0, "new_ones": 1.0}


class Elements:
    """The elements of the tensors that some ops make.

    Args:
        events: The ops, in order of execution.
        given: The number put in for an element, asked with whether one of the ops makes its tensor; None where there is none.
    """

    def __init__(self, events: Iterable[Event], given: Callable[[ValueRef, Place, bool], Element | None]) -> None:
        self._given = given
        self._makers: dict[int, Event] = {}
        self._written: set[int] = set()
        self._known: dict[tuple[int, Place], Element] = {}
        for event in events:
            if event.kind == "op":
                self._note(event)

    def _note(self, event: Event) -> None:
        if writes_in_place(event.name) and event.inputs:
            self._written.add(event.inputs[0].id)
        for value in event.outputs:
            if all(value.id != source.id for source in event.inputs):
                self._makers.setdefault(value.id, event)

    def at(self, value: ValueRef, place: Place) -> Element:
        """One element of a tensor.

        Raises:
            NotFollowed: Some step on the way there is not known element by element.
        """
        known = self._known.get((value.id, place))
        if known is None:
            if len(self._known) > _MOST:
                raise NotFollowed("too many elements")
            known = self._known[value.id, place] = self._find(value, place)
        return known

    def _find(self, value: ValueRef, place: Place) -> Element:
        event = self._makers.get(value.id)
        given = self._given(value, place, event is not None)
        if given is not None:
            return given
        if event is None or value.id in self._written:
            raise NotFollowed("a tensor that nothing is known of" if event is None else "a tensor that is written into")
        moved = source_of(event, value, place)
        if moved is not None:
            return self.at(event.inputs[moved[0]], moved[1])
        return self._computed(event, value, place)

    def _computed(self, event: Event, value: ValueRef, place: Place) -> Element:
        name = canonical(event.name)
        if name in _CONSTANTS:
            return _CONSTANTS[name]
        if name in _REDUCTIONS:
            return self._reduced(event, name, place)
        if name in ("matmul", "bmm", "outer"):
            return self._product(event, name, place)
        if name in ("view_as_complex", "view_as_real"):
            return self._as_pairs(event, name, place)
        rule = _RULES.get(name)
        if rule is None or "clamp_max" in event.name:
            raise NotFollowed(name)
        return rule(*self._arguments(event, place))

    def _arguments(self, event: Event, place: Place) -> list[Element]:
        """The operands of an elementwise op in the order of the code: elements, and numbers among the options."""
        elements = [self.at(each, broadcast(place, sizes(each))) for each in event.inputs]
        stated: list[Element] = []
        numbers = {
            key: v for key, v in event.options.items() if isinstance(v, (int, float)) and not isinstance(v, bool)
        }
        if numbers.pop("alpha", 1) != 1:
            raise NotFollowed(f"{event.name} with a factor")
        for position in range(len(elements) + len(numbers)):
            if str(position) in numbers:
                stated.append(float(numbers.pop(str(position))))
            elif elements:
                stated.append(elements.pop(0))
        reversed_ = event.name.strip("_") in ("rsub", "rtruediv", "rpow")
        stated += [*elements, *(float(value) for value in numbers.values())]
        return stated[::-1] if reversed_ else stated

    def _reduced(self, event: Event, name: str, place: Place) -> Element:
        source = event.inputs[0]
        shape = sizes(source)
        axis = _reduced_axis(event, len(shape))
        kept = len(place) == len(shape)
        around = (place[:axis], place[axis + 1 :] if kept else place[axis:])
        values = [self.at(source, (*around[0], index, *around[1])) for index in range(shape[axis])]
        if name == "sum" and values:
            return _sum(values)
        return _REDUCTIONS[name](event, [_real(value) for value in values])

    def _product(self, event: Event, name: str, place: Place) -> Element:
        first, second = event.inputs[:2]
        if name == "outer":
            return _times(self.at(first, place[:1]), self.at(second, place[1:]))
        rows, columns = sizes(first), sizes(second)
        if len(rows) < 2 or len(columns) < 2 or rows[-1] > _WIDEST:
            raise NotFollowed("a product of wide matrices")
        left, right = broadcast((*place[:-1], 0), rows)[:-1], broadcast((*place[:-2], 0, place[-1]), columns)
        terms = [
            _times(self.at(first, (*left, k)), self.at(second, (*right[:-2], k, right[-1]))) for k in range(rows[-1])
        ]
        return _sum(terms)

    def _as_pairs(self, event: Event, name: str, place: Place) -> Element:
        source = event.inputs[0]
        if name == "view_as_complex":
            real, imaginary = self.at(source, (*place, 0)), self.at(source, (*place, 1))
            return real + imaginary * 1j
        found = self.at(source, place[:-1])
        if isinstance(found, LinearForm):
            return found.part(imaginary=place[-1] == 1)
        return complex(found).imag if place[-1] else complex(found).real


def _reduced_axis(event: Event, rank: int) -> int:
    stated = event.options.get("dim", event.options.get("1", event.options.get("2" if event.name == "norm" else "1")))
    if isinstance(stated, (tuple, list)) and len(stated) == 1:
        stated = stated[0]
    if not isinstance(stated, int) or isinstance(stated, bool):
        raise NotFollowed(f"the axis of {event.name}")
    return stated % rank


def _real(value: Element) -> float:
    if isinstance(value, float | int):
        return float(value)
    raise NotFollowed("a step that is not linear")


def _times(first: Element, second: Element) -> Element:
    return first * second


def _sum(values: Sequence[Element]) -> Element:
    total = values[0]
    for value in values[1:]:
        total = total + value
    return total


def _mean(event: Event, values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _variance(event: Event, values: Sequence[float]) -> float:
    stated = event.options.get("unbiased", event.options.get("correction", True))
    less = 1 if stated is True or stated == 1 else 0
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values) / (len(values) - less)


def _norm(event: Event, values: Sequence[float]) -> float:
    if event.options.get("p", event.options.get("1", 2)) not in (2, 2.0, "fro"):
        raise NotFollowed("a norm of another power")
    return math.sqrt(sum(value * value for value in values))


_REDUCTIONS: dict[str, Callable[[Event, Sequence[float]], float]] = {
    "mean": _mean,
    "sum": lambda event, values: sum(values),
    "var": _variance,
    "std": lambda event, values: math.sqrt(_variance(event, values)),
    "norm": _norm,
    "amax": lambda event, values: max(values),
}


def _plain(function: Callable[[float], float]) -> Callable[..., Element]:
    return lambda value: function(_real(value))


def _power(base: Element, exponent: Element) -> Element:
    if exponent == 1:
        return base
    return float(_real(base) ** _real(exponent))


def _clamped(value: Element, low: Element = -math.inf, high: Element = math.inf) -> Element:
    return min(max(_real(value), _real(low)), _real(high))


def _quotient(first: Element, second: Element) -> Element:
    if isinstance(second, LinearForm):
        raise NotFollowed("a quotient by what is rotated")
    return first / second


def _polar(size: Element, angle: Element) -> Element:
    return cmath.rect(_real(size), _real(angle))


def _fused(start: Element, first: Element, second: Element) -> Element:
    return start + first * second


_RULES: dict[str, Callable[..., Element]] = {
    "add": lambda first, second: first + second,
    "sub": lambda first, second: first - second,
    "mul": _times,
    "div": _quotient,
    "neg": lambda value: -value,
    "pow": _power,
    "square": _plain(lambda value: value * value),
    "rsqrt": _plain(lambda value: 1 / math.sqrt(value)),
    "sqrt": _plain(math.sqrt),
    "reciprocal": _plain(lambda value: 1 / value),
    "exp": _plain(math.exp),
    "cos": _plain(math.cos),
    "sin": _plain(math.sin),
    "abs": _plain(abs),
    "tanh": _plain(math.tanh),
    "sigmoid": _plain(lambda value: 1 / (1 + math.exp(-value))),
    "clamp": _clamped,
    "polar": _polar,
    "addcmul": _fused,
}
