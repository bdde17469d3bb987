"""What a normalisation computes, found by computing some elements of its result: of which known form it is, if of any."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from archviz.interpreter.reading import Event, StoredTensor, ValueRef
from archviz.patterns.elements import Element, Elements
from archviz.patterns.moves import FAULTS, NotFollowed, Place, sizes
from archviz.patterns.norms import AFFINE
from archviz.patterns.op_families import canonical
from archviz.patterns.trace import Trace
from archviz.records import record

_LOOKED_AT = 5  # elements of the result
_CLOSE = 2e-4  # of a ratio: the constant under the root moves it
_SCALED = 7.0
_GOLDEN = 0.6180339887498949


@record(frozen=True)
class NormForm:
    """Which normalisation it is.

    Args:
        kind: `RMSNorm`, `LayerNorm`, `L2 norm`, or what only scales; None for none of them.
        offset: What the weight is added to: 0 for none.
        factor: A constant that everything is multiplied by.
    """

    kind: str | None
    offset: float = 0.0
    factor: float = 1.0


def norm_form(trace: Trace, call: Event, stored: Mapping[int, StoredTensor]) -> NormForm | None:
    """The form of a norm over the last axis; None where its steps are not known element by element."""
    data = [value for value in call.inputs if trace.carries(value)]
    if len(data) != 1 or not call.outputs or call.outputs[0].shape != data[0].shape:
        return None
    try:
        shape = sizes(data[0])
        looked_at = [shape[-1] * n // _LOOKED_AT for n in range(_LOOKED_AT)]
        numbers, results = _computed(trace, call, data[0], stored, looked_at)
        once_more = _computed(trace, call, data[0], stored, looked_at[:1], scale=_SCALED)[1]
    except FAULTS:
        return None
    if not math.isclose(results[0], once_more[0], rel_tol=_CLOSE):
        return NormForm(AFFINE if math.isclose(results[0] * _SCALED, once_more[0], rel_tol=_CLOSE) else None)
    weights = [numbers.of("weight", index) for index in looked_at]
    given = [_number((index,)) for index in range(shape[-1])]
    return _known(given, looked_at, results, weights)


def _computed(
    trace: Trace, call: Event, value: ValueRef, stored: Mapping[int, StoredTensor], looked_at: Sequence[int], scale: float = 1.0
) -> tuple[_Numbers, list[float]]:  # fmt: skip
    """Some elements of the result, without what a bias adds."""
    inside = trace.inside(call)
    sums = [event for event in inside if canonical(event.name) == "add" and len(event.inputs) == 2]
    added = frozenset(each.id for event in sums for each in event.inputs if each.id in stored)
    numbers = _Numbers(value, stored, scale, added)
    elements = Elements(inside, numbers.given)
    around = tuple(size - 1 for size in sizes(value)[:-1])
    found = [elements.at(call.outputs[0], (*around, index)) for index in looked_at]
    plain = [each - (numbers.of("bias", index) or 0.0) for each, index in zip(found, looked_at, strict=True)]
    if not all(isinstance(each, float) for each in plain):
        raise NotFollowed("no real numbers")
    return numbers, [each for each in plain if isinstance(each, float)]


def _number(place: Place) -> float:
    """A number of either sign, with a mean that is not zero."""
    return ((place[-1] + 1) * _GOLDEN) % 1.0 * 3 - 1.1


class _Numbers:
    """Numbers put in for what is normalised, and for the stored vectors."""

    def __init__(
        self, value: ValueRef, stored: Mapping[int, StoredTensor], scale: float, added: frozenset[int]
    ) -> None:
        self.value, self.stored, self.scale = value, stored, scale
        self.added = added
        self.vectors: dict[str, bool] = {}

    def given(self, value: ValueRef, place: Place, made: bool) -> Element | None:
        if value.id == self.value.id:
            return _number(place) * self.scale
        if value.id not in self.stored or len(place) != 1:
            return None
        is_added = value.id in self.added or self.stored[value.id].name.endswith("bias")
        name = "bias" if is_added else "weight"
        self.vectors[name] = True
        return self._of(name, place[0])

    @staticmethod
    def _of(name: str, index: int) -> float:
        return 0.5 + ((index + (3 if name == "bias" else 1)) * math.sqrt(2)) % 1.0

    def of(self, name: str, index: int) -> float | None:
        """An element of a stored vector; None where none of the name was read."""
        return self._of(name, index) if name in self.vectors else None


def _known(
    given: Sequence[float], looked_at: Sequence[int], results: Sequence[float], weights: Sequence[float | None]
) -> NormForm:
    size = len(given)
    mean = sum(given) / size
    squares = sum(value * value for value in given) / size
    plain = {
        "RMSNorm": [given[i] / math.sqrt(squares) for i in looked_at],
        "LayerNorm": [(given[i] - mean) / math.sqrt(squares - mean * mean) for i in looked_at],
    }
    for kind, normalised in plain.items():
        ratios = [result / each for result, each in zip(results, normalised, strict=True)]
        found = _weighted(kind, ratios, weights)
        if found is not None:
            length = 1 / math.sqrt(size)
            is_length = kind == "RMSNorm" and math.isclose(found.factor, length, rel_tol=1e-3) and size > 1
            return NormForm("L2 norm", found.offset) if is_length else found
    return NormForm(None)


def _weighted(kind: str, ratios: Sequence[float], weights: Sequence[float | None]) -> NormForm | None:
    """The form whose results are `ratios` times the normalised elements."""
    if any(weight is None for weight in weights):
        return NormForm(kind, factor=_rounded(ratios[0])) if _same(ratios) else None
    offsets = [ratio - weight for ratio, weight in zip(ratios, weights, strict=True) if weight is not None]
    if _same([1 + each for each in offsets]):
        return NormForm(kind, offset=_rounded(offsets[0]))
    factors = [ratio / weight for ratio, weight in zip(ratios, weights, strict=True) if weight]
    return NormForm(kind, factor=_rounded(factors[0])) if _same(factors) else None


def _same(values: Sequence[float]) -> bool:
    return all(math.isclose(value, values[0], rel_tol=_CLOSE) for value in values)


def _rounded(value: float) -> float:
    return round(value) + 0.0 if abs(value - round(value)) < _CLOSE else float(f"{value:.4g}")
