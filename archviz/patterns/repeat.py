"""Repetition: a sequence of layer kinds → the shortest nested description of it.

[a, a, a, b] * 15      →  15 × (3 × a, 1 × b)
[a, b] * 12            →  12 × (a, b)
[a] * 3 + [b] * 58     →  3 × a, 58 × b
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archviz.records import record

_DEPTH = 3  # deeper nesting is shorter but no longer readable
_LONG = 160  # above this the sequence is described by its runs


@record(frozen=True)
class Repeat:
    """`times` × a kind, or `times` × a sequence of repeats."""

    times: int
    kind: str | None = None
    items: tuple[Repeat, ...] = ()

    def expand(self) -> list[str]:
        """The kinds in order."""
        once = [self.kind] if self.kind is not None else [kind for item in self.items for kind in item.expand()]
        return once * self.times


def find_repeats(kinds: Sequence[str]) -> list[Repeat]:
    """The shortest description of a sequence of kinds; the same input always gives the same answer."""
    if not kinds:
        return []
    runs = _runs(kinds)
    if len(runs) == 1:
        return [Repeat(len(kinds), kinds[0])]
    if len(kinds) <= _LONG:
        units = [Repeat(1, kind) for kind in kinds]
    else:
        units = [Repeat(times, kind) for kind, times in runs]
    return list(_Search(units).best(0, len(units), _DEPTH)[1])


def repeat_text(repeats: Sequence[Repeat], labels: Mapping[str, str] | None = None) -> str:
    """The description in words; a factor of one is written only beside larger ones.

    >>> repeat_text(find_repeats(["a", "a", "b"] * 4))
    '4 × (2 × a, 1 × b)'
    """
    plain = all(item.times == 1 for item in repeats) and len(repeats) > 1
    return ", ".join(_item_text(item, labels or {}, plain) for item in repeats)


def _item_text(item: Repeat, labels: Mapping[str, str], plain: bool) -> str:
    body = labels.get(item.kind, item.kind) if item.kind is not None else f"({repeat_text(item.items, labels)})"
    return body if plain else f"{item.times} × {body}"


def _runs(kinds: Sequence[str]) -> list[tuple[str, int]]:
    runs: list[tuple[str, int]] = []
    for kind in kinds:
        if runs and runs[-1][0] == kind:
            runs[-1] = (kind, runs[-1][1] + 1)
        else:
            runs.append((kind, 1))
    return runs


_Answer = tuple[tuple[int, int], tuple[Repeat, ...]]  # (cost, number of items), items


class _Search:
    """Dynamic programming over intervals: every interval is a list of items, an item is a power of a shorter one.

    Cost: one for each kind named, one for each factor, one for each pair of brackets.
    """

    def __init__(self, units: Sequence[Repeat]) -> None:
        self.units = units
        # Units as small numbers, so that comparing stretches compares bytes.
        numbers = {unit: chr(index) for index, unit in enumerate(dict.fromkeys(units))}
        self.text = "".join(numbers[unit] for unit in units)
        self.known: dict[tuple[str, int], _Answer] = {}

    def best(self, start: int, end: int, depth: int) -> _Answer:
        """The cheapest list of items for an interval; stretches of equal content share the answer."""
        key = (self.text[start:end], depth)
        if key not in self.known:
            self.known[key] = self._solve(start, end, depth)
        return self.known[key]

    def _solve(self, start: int, end: int, depth: int) -> _Answer:
        prefix: list[_Answer] = [((0, 0), ())]
        for stop in range(start + 1, end + 1):
            choices = [
                ((before[0][0] + cost, before[0][1] + 1), (*before[1], item))
                for begin in range(start, stop)
                for cost, item in self._items(begin, stop, depth)
                for before in (prefix[begin - start],)
            ]
            # Among equally short ones: fewer items, then the larger repeat first.
            prefix.append(min(choices, key=lambda answer: (*answer[0], [-item.times for item in answer[1]])))
        return prefix[-1]

    def _items(self, begin: int, stop: int, depth: int) -> list[tuple[int, Repeat]]:
        """The single items that describe an interval, with their cost."""
        text, length = self.text[begin:stop], stop - begin
        if length == 1:
            unit = self.units[begin]
            return [(1 + (unit.times > 1), unit)]
        period = (text + text).find(text, 1)
        if period == length:
            return []
        if period == 1:
            unit = self.units[begin]
            return [(2, Repeat(unit.times * length, unit.kind))] if unit.times == 1 else []
        if depth == 0:
            return []
        (cost, _), items = self.best(begin, begin + period, depth - 1)
        return [(cost + 2, Repeat(length // period, None, items))]
