"""Where a value comes from: the projection that made it, and which part of what that gave.

>>> shown("qkv_proj", "part 1 of 3")
'qkv_proj (part 1 of 3)'
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archviz.interpreter.reading import Event, ValueRef
from archviz.patterns.op_families import FRESH, SHAPED_LIKE, canonical, writes_in_place
from archviz.patterns.positions_cut import Positions
from archviz.patterns.trace import Trace

_PROJECTIONS = frozenset({"linear", "matmul", "bmm", "addmm", "baddbmm", "einsum"})
_MOST = 600  # steps back; a recurrence that is written out has many more


def shown(name: str, part: str | None) -> str:
    """A projection with the part that was taken from its result."""
    return f"{name} ({part})" if part else name


class Origins:
    """The way back from values to projections, over the ops inside a call.

    Args:
        trace: The whole trace.
        call: The call to look into.
        stored: Number of a value → name of the parameter that it is.
    """

    def __init__(self, trace: Trace, call: Event, stored: Mapping[int, str]) -> None:
        self.trace, self.stored, self.module = trace, stored, call.module
        first = next((value.shape for value in call.inputs if value.shape and len(value.shape) > 2), None)
        self.tokens = first[1] if first else None
        self.positions = Positions(self.tokens) if self.tokens else None
        self._makers: dict[int, list[Event]] = {}
        self._bases: dict[int, int] = {}  # a look into a tensor that starts empty → that tensor
        for event in trace.inside(call):
            if event.kind == "op" and canonical(event.name) not in FRESH:
                self._note(event)

    def _note(self, event: Event) -> None:
        first = event.inputs[0].id if event.inputs else None
        written = {first, self._bases.get(first, first)} if first is not None and writes_in_place(event.name) else set()
        if first is not None and not written and not self.trace.carries(event.inputs[0]):
            self._bases.update((value.id, self._bases.get(first, first)) for value in event.outputs)
        for number in {value.id for value in event.outputs} | written:
            self._makers.setdefault(number, []).append(event)

    def of(self, value: ValueRef) -> dict[str, str | None]:
        """The projections a value is made by, each with the part of its result, where it is one part alone."""
        parts: dict[str, set[str | None]] = {}
        todo: list[tuple[ValueRef, str | None]] = [(value, None)]
        seen: set[tuple[int, str | None]] = set()
        while todo and len(seen) < _MOST:
            value, part = todo.pop()
            if (value.id, part) in seen:
                continue
            seen.add((value.id, part))
            for event in self._makers.get(value.id, ()):
                name = self.projection(event)
                if name is not None:
                    parts.setdefault(name, set()).add(part)
                    continue
                cut = part if self._cuts_tokens(event, value) else cut_words(event, value, self.positions) or part
                read = event.inputs[:1] if canonical(event.name) in SHAPED_LIKE else event.inputs
                todo += [(source, cut) for source in read if source.id != value.id and self._is_data(source)]
        return {name: next(iter(found)) if len(found) == 1 else None for name, found in parts.items()}

    def words(self, value: ValueRef) -> list[str]:
        """The projections a value is made by, in words, by name."""
        return sorted(shown(name, part) for name, part in self.of(value).items())

    def projection(self, event: Event) -> str | None:
        """The name of the projection that an op is: of its module, or of the stored weight; None when it is none."""
        if canonical(event.name) not in _PROJECTIONS:
            return None
        weights = [name for value in event.inputs if (name := self.weight(value)) is not None]
        if not weights and all(self.trace.carries(value) for value in event.inputs):
            return None
        within = event.module.removeprefix(self.module).lstrip(".")
        return within or (self._named(weights[0]) if weights else "a stored weight")

    def _named(self, weight: str) -> str:
        """What a stored tensor is called where the call itself multiplies with it: the `weight` of a part by that part."""
        owner, _, last = weight.rpartition(".")
        part = owner.removeprefix(f"{self.module}.")
        return part if last == "weight" and part != owner else last

    def weight(self, value: ValueRef) -> str | None:
        """The stored tensor that a value is, or is a part of."""
        for _ in range(_MOST):
            if value.id in self.stored:
                return self.stored[value.id]
            makers = self._makers.get(value.id, ())
            floats = [each for each in makers[0].inputs if _is_float(each)] if len(makers) == 1 else []
            if len(floats) != 1:
                return None
            value = floats[0]
        return None

    def _cuts_tokens(self, event: Event, value: ValueRef) -> bool:
        """A cut that leaves as many as there are tokens, as after padding, takes no part of the features."""
        before, after = event.inputs[0].shape if event.inputs else None, value.shape
        if self.tokens is None or not before or not after or len(before) != len(after):
            return False
        return all(a == self.tokens for b, a in zip(before, after, strict=True) if a != b)

    def _is_data(self, value: ValueRef) -> bool:
        return (_is_float(value) or "complex" in (value.dtype or "")) and (
            self.trace.carries(value) or any(map(self._writes, self._makers.get(value.id, ())))
        )

    @staticmethod
    def _writes(event: Event) -> bool:
        return writes_in_place(event.name)


def cut_words(event: Event, value: ValueRef, positions: Positions | None = None) -> str | None:
    """Which part of its input an op gives, in words; None when it takes none of the features.

    Args:
        positions: How many there are, so that cuts along them, and features that stand before them, are told.
    """
    name = canonical(event.name)
    source = event.inputs[0].shape if event.inputs else None
    if not source or value.shape is None:
        return None
    if name in ("split", "chunk", "unbind") and len(event.outputs) > 1:
        tokens = positions.length if positions else None
        turned = len(source) == 3 and source[2] == tokens != source[1] and source[1] != value.shape[1]
        return _piece(event.outputs, value) if turned or _is_of_features(source, value.shape) else None
    if name not in ("slice", "getitem", "narrow", "select"):
        return None
    index = event.options.get("index")
    known = _stretch(event, source, value.shape, positions)
    crossed = known is not None and source[1:-1] != value.shape[1:-1]  # cut along another axis too
    if (known is None or crossed) and isinstance(index, str) and _is_of_features(source, value.shape):
        return f"[{positions.index_words(index) if positions else index}]"
    if name == "select" and "2" in event.options:
        return f"number {event.options['2']} of axis {event.options.get('1')}"
    return known


def cut_elsewhere(event: Event, positions: Positions | None = None) -> str | None:
    """What an op keeps of an axis that is none of features, such as that of positions, as an index; None where it does not say."""
    options = event.options
    index = options.get("index")
    if isinstance(index, str):
        return f"[{positions.index_words(index) if positions else index}]"
    if canonical(event.name) != "narrow":
        return None
    axis, start, length = (options.get(place, options.get(key)) for place, key in _NARROW)
    if not isinstance(axis, int) or not isinstance(start, int) or not isinstance(length, int):
        return None
    end = "S" if positions and start + length == positions.length else start + length
    return f"{start} to {end} of axis {axis}"


_NARROW = (("1", "dim"), ("2", "start"), ("3", "length"))


def _is_of_features(before: Sequence[int | None], after: Sequence[int | None]) -> bool:
    """Whether the last axis, or one of heads or the like that stands after batch and positions, gets smaller or goes."""
    if len(before) != len(after):
        return True
    return any(a != b for a, b in zip(before[2:], after[2:], strict=True)) or (
        len(before) < 3 and before[-1] != after[-1]
    )


def _piece(pieces: Sequence[ValueRef], value: ValueRef) -> str:
    place = next((i for i, piece in enumerate(pieces) if piece.id == value.id), 0)
    if len(pieces) == 2 and pieces[0].shape == pieces[1].shape:
        return "second half" if place else "first half"
    return f"part {place + 1} of {len(pieces)}"


def _stretch(
    event: Event, before: Sequence[int | None], after: Sequence[int | None], positions: Positions | None
) -> str | None:
    """A slice of the last axis: a half, every second, or from one place to another."""
    total, size = before[-1], after[-1] if after else None
    if len(before) != len(after) or total is None or size is None or size >= total:
        return None
    start, step = event.options.get("start", 0), event.options.get("step", 1)
    if not isinstance(start, int) or not isinstance(step, int):
        return None
    start += total if start < 0 else 0
    if step == 2:
        return "odd places" if start % 2 else "even places"
    if 2 * size == total and start in (0, size):
        return "second half" if start else "first half"
    if not size:
        index = event.options.get("index")
        return index if isinstance(index, str) else "none"
    along = positions.words(start, start + size, total) if positions else None
    if along is None and positions and size == positions.length and not _is_float(event.inputs[0]):
        along = f"{start} to {f'{start} + ' if start else ''}S of {total}"  # of a table of positions
    return along or f"{start} to {start + size} of {total}"


def _is_float(value: ValueRef) -> bool:
    return value.dtype is None or "float" in value.dtype
